"""Update the manifests of agents whose files changed since they were imported: all of an agent, or nothing of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from kei_assembler.diagnostics import AssembleError
from kei_assembler.importing.updates.sources import BlockChange, Merged, blocks_of, merge
from kei_assembler.importing.updates.values import Conflict
from kei_assembler.importing.updates.versions import Version
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.records import NamedTuple
from kei_assembler.repair.draft import Draft
from kei_assembler.repair.edits import Edit, edited
from kei_assembler.repair.rename import rename_sources
from kei_assembler.toml.assignments import with_value
from kei_assembler.toml.source import read_text, read_toml
from kei_assembler.whitespace import has_text


class Updated(NamedTuple):
    """An agent whose files changed, the path of its manifest afterwards, and what stands in the way."""

    version: Version
    manifest: str
    conflicts: tuple[Conflict, ...] = ()


class Updates(NamedTuple):
    """The draft of all changes that have no conflicts, and what became of each agent."""

    draft: Draft
    agents: tuple[Updated, ...]


def update(kit: LoadedKit, versions: Sequence[Version], imported: Collection[str], prefers: str = "") -> Updates:
    """Return what the changed files of some agents change in a kit. Nothing is written.

    `imported` are the manifests of all imported agents: a block that several of them share changes only if all of them
    get the same text. Otherwise, those that do get a copy of it. `prefers` is as in `merge_texts`.

    Raises:
        AssembleError: a file cannot be read.
    """
    original = kit
    draft, manifests, conflicts = _renamed(kit, versions, prefers)
    kit = draft.kit_with()
    users = {manifests.get(each, each) for each in imported}
    merged = {
        each.manifest: merge(kit, manifests[each.manifest], each, prefers)
        for each in versions
        if each.manifest not in conflicts
    }
    conflicts |= {manifest: each.conflicts for manifest, each in merged.items() if each.conflicts}
    while True:
        current = {manifests[each]: made for each, made in merged.items() if each not in conflicts}
        blocks = _Blocks(kit, current, users)
        if not blocks.conflicts:
            break
        conflicts |= {each: blocks.conflicts[manifests[each]] for each in merged if manifests[each] in blocks.conflicts}
    renamed = [each for each in versions if each.manifest in conflicts and manifests[each.manifest] != each.manifest]
    if renamed:  # nothing of an agent with a conflict changes, its name neither
        others = update(original, [each for each in versions if each not in renamed], imported, prefers)
        kept = (Updated(each, each.manifest, conflicts[each.manifest]) for each in renamed)
        return Updates(others.draft, (*others.agents, *kept))
    for file, text in blocks.texts().items():
        _put(draft, file, text)
    agents = (Updated(each, manifests[each.manifest], conflicts.get(each.manifest, ())) for each in versions)
    return Updates(draft, tuple(agents))


_Conflicts = dict[str, tuple[Conflict, ...]]


def _renamed(kit: LoadedKit, versions: Iterable[Version], prefers: str) -> tuple[Draft, dict[str, str], _Conflicts]:
    """Return the draft in which agents have their new names, their manifests, and names that both sides changed."""
    draft, conflicts = Draft(kit), _Conflicts()
    manifests = {each.manifest: each.manifest for each in versions}
    waiting: list[Version] = []
    for each in versions if prefers != "mine" else ():
        old = stem(each.manifest)
        if each.new_name and old != each.former_name and not prefers:
            conflicts[each.manifest] = (Conflict("the name", old, each.new_name),)
        elif each.new_name:
            waiting.append(each)
    while waiting:  # a name can become free when another agent gets a new one
        failed: dict[str, AssembleError] = {}
        for each in waiting:
            try:
                rename_sources(draft, each.manifest.removesuffix(".toml"), each.new_name)
            except AssembleError as error:
                failed[each.manifest] = error
            else:
                manifests[each.manifest] = (
                    f"{each.manifest.removesuffix(f'{stem(each.manifest)}.toml')}{each.new_name}.toml"
                )
        if len(failed) == len(waiting):
            names = {each.manifest: (stem(each.manifest), each.new_name) for each in waiting}
            conflicts |= {each: (Conflict(f"the name ({failed[each]})", *names[each]),) for each in failed}
            break
        waiting = [each for each in waiting if each.manifest in failed]
    return draft, manifests, conflicts


def _put(draft: Draft, file: str, text: str | None) -> None:
    """Give a file a new text. Its BOM and its line ends stay."""
    before = draft.content(file)
    if before is None or text is None:
        draft.put(file, None if text is None else text.encode())
        return
    old = read_text(file, before).text
    most = min(len(old), len(text))
    start = next((at for at in range(most) if old[at] != text[at]), most)
    end = next((at for at in range(most - start) if old[-1 - at] != text[-1 - at]), most - start)
    draft.put(file, edited(before, [Edit(file, start, len(old) - end, text[start : len(text) - end])]))


class _Blocks:
    """What happens to the blocks that agents have changes of. `merged` are their changes, by manifest."""

    def __init__(self, kit: LoadedKit, merged: Mapping[str, Merged], users: Iterable[str]) -> None:
        self.kit = kit
        self.merged = merged
        self.entries = {each: blocks_of(kit, each) for each in kit.manifests}
        self.users = [each for each in users if each in self.entries]
        self.conflicts: _Conflicts = {}
        self.lists: dict[str, list[tuple[str, str]]] = defaultdict(list)
        """The entries of the list of blocks that manifests replace with others, or drop."""
        self.files: dict[str, str | None] = {}
        self._plan()

    def _plan(self) -> None:
        wanted: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for manifest, made in self.merged.items():
            for change in made.blocks:
                wanted[change.entry, change.file][manifest] = change.text
        for (entry, file), texts in wanted.items():
            self._plan_block(entry, file, texts)

    def _plan_block(self, entry: str, file: str, texts: Mapping[str, str]) -> None:
        others = [each for each in self.users if entry in self.entries[each] and each not in texts]
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for manifest, text in texts.items():
            groups[text].append(manifest)
        if not others and len(groups) == 1 and has_text(text := next(iter(groups))):
            self.files[file] = text
            return
        for text, manifests in groups.items():
            self._keep_apart(BlockChange(entry, file, text), manifests)

    def _keep_apart(self, change: BlockChange, manifests: Sequence[str]) -> None:
        """Give some agents a copy of a block, or take it from them if nothing is left of it."""
        entry, file, text = change
        block = self.kit.block(entry)
        is_plain = block is not None and block.source.file == file and "#" not in entry
        is_single = is_plain and not self.kit.blocks.variants(entry)
        name = self._free_name(f"{entry}-{stem(manifests[0])}") if has_text(text) else ""
        for manifest in manifests:
            own = self.kit.read_manifest(manifest).data.get("blocks", [])
            if is_single and isinstance(own, list) and entry in own:
                self.lists[manifest].append((entry, name))
            else:
                what = f"the text in {file}, which other agents have too"
                self.conflicts[manifest] = (Conflict(what, self.kit.read_text(file).text, text),)
        if name and is_single:
            self.files[f"{file.removesuffix(f'{entry}.md')}{name}.md"] = text
        elif is_single and not any(entry in self.entries[each] for each in self.entries if each not in manifests):
            self.files[file] = None

    def _free_name(self, name: str) -> str:
        taken = {*self.kit.known_blocks, *(new for pairs in self.lists.values() for _, new in pairs)}
        numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
        return name if name not in taken else next(each for each in numbered if each not in taken)

    def texts(self) -> dict[str, str | None]:
        """Return the new texts of all files; None stands for no file."""
        made: dict[str, str | None] = {}
        for manifest, merged in self.merged.items():
            made |= merged.files
            if manifest in self.lists:
                made[manifest] = self._with_blocks(str(made[manifest]), self.lists[manifest])
        return {**made, **self.files}

    def _with_blocks(self, text: str, replaced: Iterable[tuple[str, str]]) -> str:
        names = dict(replaced)
        own = read_toml("", text.encode()).data["blocks"]
        entries = [names.get(each, each) for each in own]
        return with_value(text, ("blocks",), [each for each in entries if each] or None) or text
