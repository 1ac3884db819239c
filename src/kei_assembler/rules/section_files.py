"""Rules about the sections that the tool generates in files that people also write, such as `AGENTS.md`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kei_assembler.diagnostics import Span
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.block_reader import Unclosed
from kei_assembler.markdown.stamped_sections import Fault, has_marker
from kei_assembler.model.manifest import Manifest
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import listed
from kei_assembler.toml.source import START


@rule("O641")
def damaged_section(fault: Fault, is_merge: bool) -> Iterable[Violation]:
    """The lines around a generated section are damaged, so it is not clear what belongs to the section.

    A section runs from a line `<!-- assemble: begin NAME … -->` to a line `<!-- assemble: end NAME -->`. One of them is
    missing, or there is a second one, or the lines of two sections are mixed up, for example after a merge. Nothing is
    written until they are in order again. Lines in code fences do not count.

    Fails::

        # instructions/house.toml
        name = "house"
        role = "Be kind."

        # AGENTS.md
        <!-- assemble: begin house from instructions/house.toml -->

        Be kind.

    Passes::

        # instructions/house.toml
        name = "house"
        role = "Be kind."
    """
    where = Span(fault.line, 1, fault.line, 1)
    message, hint = _FAULTS[fault.kind]
    if is_merge:
        message, hint = f"{message}, and the file has an unfinished merge", "finish the merge, then run again"
    yield Violation(where, message.format(fault.name), hint.format(fault.name))


_REBUILD = "or remove all that is left of the section, which the next build then generates"
_FAULTS = {
    "no-begin": ("the section `{0}` ends here, but does not begin", f"remove this line, {_REBUILD}"),
    "no-end": (
        "the section `{0}` begins here, but does not end",
        f"add the line `<!-- assemble: end {{0}} -->` after it, {_REBUILD}",
    ),
    "inside": (
        "the line is about the section `{0}`, but another section has not ended yet",
        "give each section its own begin and end line, one section after the other",
    ),
    "repeated": ("the section `{0}` is here for the second time", "remove one of them"),
    "damaged": (
        "the line is not a complete begin or end line of the section `{0}`",
        f"restore the line, for example from git, {_REBUILD}",
    ),
}


@rule("O642")
def unusable_file(path: str, unclosed: Unclosed | None) -> Iterable[Violation]:
    """A file cannot take a generated section.

    Either it is not a text in UTF-8 or a similar encoding, or it ends inside a code fence, an HTML comment or the like,
    so that a section at its end would be part of that.

    Fails::

        # instructions/house.toml
        name = "house"
        role = "Be kind."

        # AGENTS.md
        ```
        make test

    Passes::

        # instructions/house.toml
        name = "house"
        role = "Be kind."

        # AGENTS.md
        ```
        make test
        ```
    """
    if unclosed:
        where = Span(unclosed.line, 1, unclosed.line, 1)
        message = f"the {unclosed.what} that starts here does not end, so no section can follow"
        yield Violation(where, message, f"close it, or mark the place of the section before it in `{path}`")
    else:
        yield Violation(START, "the file is not UTF-8 text, so it cannot take a section", "save it as UTF-8")


@rule("O643")
def different_texts(kit: LoadedKit, manifest: Manifest, path: str, texts: Mapping[str, str]) -> Iterable[Violation]:
    """Several clients read the same file, but they would get different texts.

    Variants of blocks such as `_blocks/rule@codex.md`, values and templates for one client make the difference. A file
    that clients share has only one text.

    Fails::

        # instructions/house.toml
        name = "house"
        blocks = ["care"]
        targets = ["claude-code", "codex"]

        # _blocks/care.md
        Be kind.

        # _blocks/care@codex.md
        Be brief.

    Passes::

        # instructions/house.toml
        name = "house"
        blocks = ["care"]
        targets = ["claude-code", "codex"]

        # _blocks/care.md
        Be kind.
    """
    usual = next(iter(texts.values()))
    different = [target for target, text in texts.items() if text != usual]
    if different:
        own = {
            block.source.file
            for entry in manifest.blocks
            for target in texts
            if (block := kit.block(entry, target)) and block.target
        }
        causes = f"; the texts differ because of {listed(sorted(own))}" if own else ""
        yield Violation(
            START,
            f"`{path}` is read by {listed(texts)}, but the text for {listed(different)} is different{causes}",
            f"write one text for all of them, or leave {listed(different)} out of `targets`",
        )


@rule("O644")
def unusable_text(text: str, is_section: bool) -> Iterable[Violation]:
    """Instructions or a skill have no text, or instructions have a text that would begin or end a section.

    A line that starts with `<!-- assemble: begin` or `<!-- assemble: end` marks where a section begins or ends, and
    `<!-- assemble: NAME -->` marks the place for one. No line of a section can look like that, even in a code fence.

    Fails::

        # instructions/house.toml
        name = "house"

    Passes::

        # instructions/house.toml
        name = "house"
        role = "Be kind."
    """
    if not text:
        yield Violation(START, "the manifest has no text", "set `role`, or list blocks")
    elif is_section and has_marker(text):
        hint = "put a space before the line, in the role or in the block that has it"
        yield Violation(START, "a line of the text would begin or end a section", hint)
