"""Leave blocks out of a build, to measure what they are worth."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.analysis.uses import KINDS, parse, require
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import LoadedKit, kit_option
from kei_assembler.kit.blocks import SECTION_MARK, split_entry
from kei_assembler.markdown import shell
from kei_assembler.model.manifest import is_abstract

OPTION = "--without"
OMITTABLE = ("block",)
"""The kinds of what a build can leave out, see `uses.KINDS`."""


def leave_out(kit: LoadedKit, files: Iterable[str], texts: Iterable[str]) -> None:
    """Make a kit leave out what these texts describe, such as `block:honesty`, from the manifests in these files.

    Raises:
        AssembleError: a text describes nothing that can be left out, or something that none of the agents uses.
    """
    wanted = dict.fromkeys(_block_name(kit, text) for text in texts)
    used = _used_blocks(kit, files)
    if unused := next((name for name in wanted if used is not None and name not in used), None):
        message = f"no agent of this build uses the block `{unused}`, so {OPTION} would change nothing"
        command = f"assemble list --uses block:{unused}{kit_option(kit.display_folder)}"
        raise AssembleError(message, f"to list the agents that use it, run: {command}")
    options = "".join(f" {OPTION} {shell.word(f'block:{name}')}" for name in wanted)
    kit.variant = kit.variant._replace(without=frozenset(wanted), options=kit.variant.options + options)


def _block_name(kit: LoadedKit, text: str) -> str:
    _, name = parse(text, OMITTABLE)
    if SECTION_MARK in name:
        whole = f"block:{split_entry(name)[0]}"
        raise AssembleError(f"`{text}` is a section, and {OPTION} leaves out whole blocks", f"write `{whole}`")
    require(kit, (), KINDS["block"], name)
    return name


def _used_blocks(kit: LoadedKit, files: Iterable[str]) -> frozenset[str] | None:
    """The blocks that the agents in these files use, or None if a mistake that the build will report can hide some."""
    found: set[str] = set()
    for file in files:
        source = kit.read_manifest(file)
        resolved = kit.composition.resolve(source)
        blocks = resolved.data.get("blocks", [])
        if source.error or any(layer.faults for layer in resolved.layers()) or not isinstance(blocks, list):
            return None
        if not is_abstract(source.data):
            found.update(split_entry(entry)[0] for entry in blocks if isinstance(entry, str))
    return frozenset(found)
