"""The agents, instructions and skills of a kit: what each is made of, what its outputs cost, and the state of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.findings import limited
from kei_assembler.build.kit_plan import plan_kit, preview
from kei_assembler.build.run import Policy
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import split_entry
from kei_assembler.kit.outputs import Output as KitOutput
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.loader import refuse_home
from kei_assembler.markdown.tokens import tokens
from kei_assembler.model.inheritance import INHERITED, Resolved
from kei_assembler.model.kinds import AGENT, ItemName
from kei_assembler.model.manifest import Manifest, is_abstract
from kei_assembler.records import NamedTuple
from kei_assembler.rules.bundles import bundles_in
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.toml.source import with_lf

STATES = {
    FileStatus.FOREIGN: "foreign",
    FileStatus.EDITED: "edited",
    FileStatus.CREATE: "missing",
    FileStatus.UPDATE: "out of date",
    FileStatus.UNCHANGED: "up to date",
}
"""The states of an output by the status of its file, worst first."""

NO_FILES = "no files"
"""The state of an item without outputs."""


class Output(NamedTuple):
    """One output of an item: its first client, its path, its state, and about how many tokens it has.

    If the output is a section of the file, `section` is its name, and `targets` are all clients that read it. `imports`
    says that the section only imports another one.
    """

    target: str
    path: str
    state: str
    tokens: int
    section: str = ""
    targets: tuple[str, ...] = ()
    imports: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether several clients can read it."""
        return bool(self.section) or len(self.targets) > 1


class Item(NamedTuple):
    """An agent, instructions or a skill: the manifest, merged with what it inherits, and the outputs.

    `file` is the manifest's. `bases` are the names of its bases, nearest first, and `bundles` those of the bundles that
    its blocks come from, sorted, with the bundles that contain them.
    """

    name: str
    file: str
    manifest: Manifest
    bases: tuple[str, ...]
    bundles: tuple[str, ...]
    outputs: tuple[Output, ...]

    @property
    def kind(self) -> str:
        """The kind of the manifest."""
        return self.manifest.kind

    @property
    def label(self) -> str:
        """The name as reports show it, which no other item has."""
        return ItemName(self.kind, self.name).label

    @property
    def targets(self) -> tuple[str, ...]:
        """The clients that the item is generated for."""
        return tuple(dict.fromkeys(target for output in self.outputs for target in output.targets))

    @property
    def state(self) -> str:
        """The worst state of its outputs."""
        present = {output.state for output in self.outputs}
        return next((state for state in STATES.values() if state in present), NO_FILES)

    @property
    def largest(self) -> Output | None:
        """The output with the most tokens, the first of several, or None if there are no outputs."""
        own = (output for output in self.outputs if not output.imports)
        return max(own, key=lambda output: output.tokens, default=None)

    @property
    def tokens(self) -> int:
        """About how many tokens the largest output has."""
        return self.largest.tokens if self.largest else 0


class Survey(NamedTuple):
    """The items of a kit without errors, sorted by kind and name, all errors, and the number of all items by kind."""

    items: tuple[Item, ...]
    errors: tuple[Diagnostic, ...]
    totals: Mapping[str, int]

    @property
    def agents(self) -> tuple[Item, ...]:
        """The agents."""
        return tuple(item for item in self.items if item.kind == AGENT.name)


_Key = tuple[str, str, str, str]
"""What identifies a change: the manifest, the path, the section and the target."""


def survey(kit: LoadedKit, files: Sequence[str] | None = None) -> Survey:
    """Return the items of these manifests, or of all, planned as a build would plan them. Nothing is written.

    Raises:
        AssembleError: a folder of the kit cannot be read, or the run may not use the home folder that it needs.
    """
    refuse_home(kit)
    policy = Policy.of(kit)
    files = kit.manifests if files is None else files
    plan = plan_kit(kit, files, False, policy.ignore)
    changes = {
        (change.manifest, change.path, change.section, change.target if change.manifest else ""): change
        for change in plan.changes
        if change.status in STATES
    }
    errors = errors_in(policy.weigh(plan.diagnostics))
    broken = {one.location.file for one in errors}
    items, totals = [], Counter[str]()
    for context in contexts(kit, files):
        totals[context.kind.name] += 1
        outputs = outputs_of(kit, context.manifest, context.source.file)
        planned = [changes.get(_key(context.source.file, output)) for output in outputs]
        if all(planned) and (planned or context.source.file not in broken):
            items.append(_item(kit, context, outputs, [*filter(None, planned)]))
    items.sort(key=lambda item: (item.kind, item.name, item.file))
    return Survey(tuple(items), tuple(limited(errors, policy.ignore)), totals)


def _key(file: str, output: KitOutput) -> _Key:
    # a section that imports another one belongs to no single manifest
    return (
        ("", output.path, output.section, "") if output.imports else (file, output.path, output.section, output.target)
    )


def errors_in(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings that are errors."""
    return [one for one in found if one.severity is Severity.ERROR]


def contexts(kit: LoadedKit, files: Iterable[str]) -> Iterator[ManifestContext]:
    """Yield each of these manifests that is readable and not only a base, valid or not, with what it inherits."""
    for file in files:
        source = kit.read_manifest(file)
        if source.error is None and not is_abstract(source.data):
            yield ManifestContext(kit, source)


def _item(kit: LoadedKit, context: ManifestContext, outputs: Sequence[KitOutput], changes: Sequence[Change]) -> Item:
    file, resolved = context.source.file, context.resolved
    made = tuple(
        Output(one.target, one.path, STATES[change.status], tokens(text), one.section, one.targets, one.imports)
        for one, change, text in zip(outputs, changes, _texts(kit, file, changes), strict=True)
    )
    bases = tuple(map(stem, resolved.bases))
    return Item(context.manifest.name, file, context.manifest, bases, _bundles(kit, resolved), made)


def _texts(kit: LoadedKit, file: str, changes: Sequence[Change]) -> list[str]:
    """The generated texts of an item. A plan does not keep those of unchanged files, which are on the disk."""
    disk = OutputFiles(kit)
    contents = [b"" if change.section else change.after or with_lf(disk.peek(change.path) or b"") for change in changes]
    if all(contents):
        return [content.decode() for content in contents]
    generated = {(artifact.path, artifact.section): artifact.content for artifact in preview(kit, file)[1]}
    return [generated.get((change.path, change.section), b"").decode() for change in changes]


def _bundles(kit: LoadedKit, resolved: Resolved) -> tuple[str, ...]:
    listed: set[str] = set()
    for layer in resolved.layers():
        listed.update(layer.bundles)
        own = kit.composition.source(layer.file).data.get("blocks") if layer.far else None
        if own is not None and INHERITED not in own:
            break  # the blocks of the next layers are replaced
    return tuple(sorted(bundles_in(kit, listed)))


def shared_tokens(kit: LoadedKit, items: Iterable[Item]) -> dict[str, int]:
    """Return about how many tokens of each item's largest output are in blocks that other items list too, by label.

    Two sections of a block are two blocks here.
    """
    items = list(items)
    users = Counter(entry for item in items for entry in set(item.manifest.blocks))
    return {
        item.label: sum(block_tokens(kit, entry, item) for entry in item.manifest.blocks if users[entry] > 1)
        for item in items
    }


def block_tokens(kit: LoadedKit, entry: str, item: Item) -> int:
    """Return about how many tokens an entry of `blocks` has in the largest output, before values fill it."""
    return kit.blocks.tokens(entry, item.largest.target if item.largest else "")


def block_names(entries: Iterable[str]) -> frozenset[str]:
    """Return entries of `blocks`, and the names of the blocks of those that are sections."""
    return frozenset(name for entry in entries for name in (entry, split_entry(entry)[0]))
