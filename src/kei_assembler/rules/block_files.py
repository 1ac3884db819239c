"""Rules about the files in the block folders: their names, and what they contain besides text for a prompt."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Diagnostic, Location, Severity, Span
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK, VARIANT_MARK, Block
from kei_assembler.model.settings import is_block_name
from kei_assembler.paths import is_inside
from kei_assembler.rules import variants
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.runner import run_rule
from kei_assembler.suggestions import listed
from kei_assembler.toml.source import START, Source
from kei_assembler.whitespace import SPACES, WHITESPACE


@rule("B207")
def ambiguous_block(kit: LoadedKit, name: str, files: list[str]) -> Iterable[Violation]:
    """Several block folders contain the same block, or blocks whose names differ only in case.

    One of them would silently replace the other, even if it is obligatory. If the first folder is meant to replace the
    blocks of the others, set `block-conflicts = "first"`. Names that differ only in case are the same file on macOS and
    Windows.

    Fails::

        # assemble.toml
        blocks = ["_blocks", "shared"]

        # _blocks/baseline.md
        Be honest.

        # shared/baseline.md
        Be kind.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

    Passes::

        # assemble.toml
        blocks = ["_blocks", "shared"]
        block-conflicts = "first"

        # _blocks/baseline.md
        Be honest.

        # shared/baseline.md
        Be kind.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
    """
    related = tuple((Location(file, START), "a block of this name") for file in files)
    # the setting does not choose between names that differ in case
    may_choose = all(file.endswith(f"/{name}.md") for file in files)
    choice = ', or set `block-conflicts = "first"` to use that of the first folder' if may_choose else ""
    where = kit.settings_path("blocks") if kit.settings_source else START
    message = f"the block `{name}` is ambiguous: {listed(files)}"
    yield Violation(where, message, f"rename one of them{choice}", related)


@rule("B208", Severity.WARNING)
def front_matter_in_block(block: Block) -> Iterable[Violation]:
    """A block starts with front matter.

    Rules for Cursor or Copilot have front matter. In a block, it would become part of every prompt.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        ---
        alwaysApply: true
        ---
        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest.
    """
    if lines := front_matter(block.source):
        message = "the block starts with front matter, which becomes part of every prompt"
        yield Violation(Span(lines.start, 1, lines.stop, 4), message, "remove it")


_FENCES = {"---": ("---", "..."), "+++": ("+++",)}
_IS_KEY = lazy_re.compile(r"""(?:"[^"]*+"|'[^']*+'|[^\W\d][\w-]*+)[ \t]*+:(?:[ \t]|\Z)|\{.*\}\Z""")
_CONTINUES = (*SPACES, "- ", "#", "]", "}")


def front_matter(source: Source) -> range | None:
    """Return the lines of a text's front matter, if it starts with some. The range ends at the last line, inclusive.

    A thematic break with text after it is not front matter.
    """
    if source.text.lstrip(WHITESPACE)[:3] not in _FENCES:
        return None
    lines = [line.rstrip(SPACES) for line in source.lines]
    start = next(number for number, line in enumerate(lines) if line)
    end = next((number for number in range(start + 1, len(lines)) if lines[number] in _FENCES.get(lines[start], ())), 0)
    found = range(start + 1, end + 1)
    if lines[start] == "+++" and end:  # this is nothing in Markdown
        return found
    inner = lines[start + 1 : end]
    if not inner or not inner[0] or not inner[-1]:
        return None
    first = next((line for line in inner if line and not line.startswith("#")), "")
    is_yaml = all(not line or line.startswith(_CONTINUES) or _IS_KEY.match(line) for line in inner)
    return found if is_yaml and _IS_KEY.match(first) else None


@rule("B209", Severity.NOTE)
def not_a_block_file(file: str, name: str, suffix: str) -> Iterable[Violation]:
    """A Markdown file in a block folder has a name that no manifest can list.

    The names of blocks consist of lower-case letters, digits, `.`, `_` and `-`, and end in `.md`. Files for people,
    such as `README.md` and `LICENSE.md`, and hidden files are not reported. Only reported when all manifests are
    checked.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # _blocks/Testing.md
        Write the test first.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["testing"]

        # _blocks/testing.md
        Write the test first.
    """
    problem = f"`{name}{suffix}` is not the file of a block, because no manifest can list its name"
    parts = (_UNFIT.sub("-", _plain(part)).strip("-.").lstrip("_") for part in name.split("/"))
    fit = "/".join(parts)
    is_fit = is_block_name(fit) and (fit != name or suffix != ".md")
    yield Violation(START, problem, f"rename it to `{fit}.md`" if is_fit else "rename it")


def _plain(name: str) -> str:
    """Return a name in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


_UNFIT = lazy_re.compile(r"[^a-z0-9._-]++")
_MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mdc", ".mdx")
_FOR_PEOPLE = lazy_re.compile(
    r"(?i:(?:[^/]*+/)*+(?:agents|authors|changelog|claude|code[_-]of[_-]conduct|contributing|contributors|copying|gemini|"
    r"history|licen[cs]e|maintainers|notice|readme|security|support|todo)(?:[._-][^/]*+)?)"
)


def check_names(kit: LoadedKit) -> Iterator[Diagnostic]:
    """Yield the diagnostics about files in the block folders that are not blocks."""
    for folder in kit.settings.blocks:
        if folder == "." or any(is_inside(each, folder) for each in kit.settings.manifests):
            continue  # the files of this folder are not only blocks
        for file in kit.files_in(folder, ""):
            name, suffix = os.path.splitext(file.removeprefix(f"{folder}/"))
            is_block = suffix == ".md" and is_block_name(name)
            if suffix.casefold() not in _MARKDOWN or is_block:
                continue
            same = name.casefold()
            if suffix.casefold() == ".md" and same in kit.known_blocks:
                files = [*kit.blocks.files(same), file]
                yield from run_rule(ambiguous_block, kit.settings_source or Source(file, ""), kit, same, files)
            elif SECTION_MARK in name or VARIANT_MARK in name:
                yield from variants.check_name(kit, file, name, suffix)
            elif not _FOR_PEOPLE.fullmatch(name):
                yield from run_rule(not_a_block_file, Source(file, ""), file, name, suffix)


def check_ambiguity(kit: LoadedKit, block: Block) -> list[Diagnostic]:
    """Return the diagnostic for a block that several folders have, unless the settings say which of them counts."""
    if len(kit.settings.blocks) == 1 or kit.settings.block_conflicts == "first":
        return []
    name = f"{block.name}{VARIANT_MARK}{block.target}" if block.target else block.name
    files = kit.blocks.files(name)
    assert kit.settings_source
    return run_rule(ambiguous_block, kit.settings_source, kit, name, files) if len(files) > 1 else []
