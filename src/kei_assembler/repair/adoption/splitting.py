"""Keep the edits of shared blocks to one agent, or to one client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import SECTION_MARK, VARIANT_MARK, split_entry
from kei_assembler.kit.owners import Owned
from kei_assembler.repair.adoption.state import State
from kei_assembler.repair.edits import Edit
from kei_assembler.toml.rewriting import replaced


def for_target(state: State, one: Owned) -> State:
    """Return the state with variants for the client of an output in place of edited blocks."""
    names, target = _names(state.kit), one.output.target
    contents = {
        file.removesuffix(".md") + f"{VARIANT_MARK}{target}.md" if _is_plain(names, file) else file: content
        for file, content in state.contents.items()
    }
    return State(state.original, contents)


def for_agent(state: State, one: Owned) -> State:
    """Return the state with copies of edited blocks, which only the manifest of an output lists.

    Raises:
        AssembleError: the manifest does not list such a block itself, or a file cannot be read.
    """
    kit = state.original
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
