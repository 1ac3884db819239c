"""Keep the edits of shared blocks and values to one agent, or to one client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kei_assembler.diagnostics import AssembleError, KeyPath
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import SECTION_MARK, VARIANT_MARK, split_entry
from kei_assembler.kit.owners import Owned
from kei_assembler.model.values import value_tables
from kei_assembler.records import NamedTuple
from kei_assembler.repair.adoption.state import State
from kei_assembler.repair.adoption.texts import Texts
from kei_assembler.repair.edits import Edit
from kei_assembler.toml.rewriting import replaced, same_value, with_value


def for_target(state: State, one: Owned) -> State:
    """Return the state with variants for the client of an output in place of edited blocks, and with values for it."""
    target = one.output.target
    state = _with_values(state, [each for each in _edited_values(state) if each.path[0] != "target"], "", target)
    names = _names(state.kit)
    contents = {
        file.removesuffix(".md") + f"{VARIANT_MARK}{target}.md" if _is_plain(names, file) else file: content
        for file, content in state.contents.items()
    }
    return State(state.original, contents)


def for_agent(state: State, one: Owned) -> State:
    """Return the state with copies of edited blocks, which only the manifest of an output lists, and values of its own.

    Raises:
        AssembleError: the manifest does not list such a block itself, or a file cannot be read.
    """
    kit = state.original
    values = [each for each in _edited_values(state) if each.file != one.manifest]
    state = _with_values(state, values, one.manifest, "")
    names = _names(kit)
    edited = sorted({names[file][0] for file in state.contents if file in names})
    blocks = {file: content for file, content in state.contents.items() if file in names}
    kept = State(kit, {file: content for file, content in state.contents.items() if file not in names})
    copies: dict[str, bytes] = {}
    edits: list[Edit] = []
    for name in edited:
        copy = _free_name(kit, f"{name}-{stem(one.manifest)}")
        for file, (of, target) in names.items():
            if of == name:
                folder = file.removesuffix(".md").removesuffix(f"{VARIANT_MARK}{target}" if target else "")
                new = folder.removesuffix(name) + copy + (f"{VARIANT_MARK}{target}" if target else "")
                copies[f"{new}.md"] = blocks[file] if file in blocks else kept.content(file)
        edits += _entries(kept, one.manifest, name, copy)
    made = kept.with_edits(edits)
    return State(kit, {**made.contents, **copies})


class _Value(NamedTuple):
    """An edited value: its file, where its table is in it, its path there, and the path of the text that was edited."""

    file: str
    at: KeyPath
    path: KeyPath
    text: KeyPath


def _edited_values(state: State) -> Iterator[_Value]:
    """Yield the values whose text differs from that in the kit's files."""
    settings = state.original.settings_source
    before = Texts(state.original)
    for file in filter(lambda file: file.endswith(".toml"), state.contents):
        at = state.original.settings_at if settings and settings.file == file else ()
        source = state.texts.source(file)
        for path, table in value_tables(source.value(at)):
            for name, value in table.items():
                text = (*at, *path, name, *(("default",) if isinstance(value, dict) else ()))
                if source.value(text) != before.source(file).value(text):
                    yield _Value(file, at, (*path, name), text)


def _with_values(state: State, values: Iterable[_Value], manifest: str, target: str) -> State:
    """Return the state in which the edited values are only set in a manifest, or for a target where they were set."""
    edits: list[Edit] = []
    for file, at, path, text in values:
        source, to = state.texts.source(file), manifest or file
        old = same_value(Texts(state.original).source(file), text)
        new = same_value(source, text)
        place = (*at, "target", target, "values", path[-1]) if target else path
        added = with_value(state.texts.source(to), place, source.value(text))
        if old and new and added:
            edits += [Edit(file, *new._replace(text=old.text)), *(Edit(to, *splice) for splice in added)]
    return state.with_edits(edits) if edits else state


def _names(kit: LoadedKit) -> Mapping[str, tuple[str, str]]:
    """Return the name of the block, and the target of the variant or "", for the files of all blocks."""
    found: dict[str, tuple[str, str]] = {}
    for name in kit.block_names:
        for target in ("", *kit.blocks.variants(name)):
            block = kit.block(name, target)
            if block:
                found[block.source.file] = name, target
    return found


def _is_plain(names: Mapping[str, tuple[str, str]], file: str) -> bool:
    return file in names and not names[file][1]


def _free_name(kit: LoadedKit, name: str) -> str:
    numbered = (f"{name}-{number}" for number in range(2, len(kit.known_blocks) + 3))
    return name if name not in kit.known_blocks else next(each for each in numbered if each not in kit.known_blocks)


def _entries(state: State, manifest: str, name: str, copy: str) -> Iterator[Edit]:
    """Yield the edits that make a manifest list a copy of a block."""
    source = state.texts.source(manifest)
    listed = source.data.get("blocks")
    entries = listed if isinstance(listed, list) else []
    found = [(index, entry) for index, entry in enumerate(entries) if split_entry(str(entry))[0] == name]
    edits = []
    for index, entry in found:
        slug = split_entry(entry)[1]
        new = f"{copy}{SECTION_MARK}{slug}" if slug else copy
        edits += [Edit(manifest, *splice) for splice in replaced(source, ("blocks", index), entry, new)]
    if not edits:
        raise AssembleError(
            f"`{manifest}` does not list the block `{name}` itself, so the block cannot be split off",
            "leave out --only-here, or first list the block in `blocks` of the manifest",
        )
    yield from edits
