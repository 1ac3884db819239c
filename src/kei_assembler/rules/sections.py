"""Rules about the sections of blocks in lists of blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kei_assembler.diagnostics import KeyPath, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK, Block, split_entry, with_sections
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.runner import locate
from kei_assembler.suggestions import Certainty, certainty, counted, listed, nearest
from kei_assembler.toml.source import START, span_of
from kei_assembler.whitespace import has_text

if TYPE_CHECKING:
    from kei_assembler.markdown.sections import Section

_MAX_SHOWN = 10


@rule("B211", fixable=Fixable.EITHER)
def unknown_section(context: ManifestContext) -> Iterable[Violation]:
    """A manifest lists a section that its block does not have.

    The slug of a section is that of its heading on GitHub: in lower case, without punctuation, and with hyphens for
    spaces. Headings in code, HTML, quotes and lists do not count.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#testin"]

        # _blocks/house-rules.md
        # Testing

        Write the test first.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#testing"]

        # _blocks/house-rules.md
        # Testing

        Write the test first.
    """
    for index, entry in context.sections:
        block = _readable(context.kit, entry)
        if block and not _having(context.kit, block, entry):
            message, hint, match = _unknown(context.kit, block, split_entry(entry)[1])
            path = ("blocks", index)
            yield Violation(path, message, hint, remedy=_naming(path, entry, block, match))


@rule("B212")
def ambiguous_section(context: ManifestContext) -> Iterable[Violation]:
    """A manifest lists a section, and its block has several sections with this slug.

    GitHub would add a number to the second slug. A number would mean another section as soon as somebody moves one.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#examples"]

        # _blocks/house-rules.md
        # Examples

        Short ones.

        # Examples

        Long ones.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#examples"]

        # _blocks/house-rules.md
        # Examples

        Short ones.

        # Long examples

        Long ones.
    """
    for index, entry in context.sections:
        block = _readable(context.kit, entry)
        if block and len(_having(context.kit, block, entry)) > 1:
            yield _ambiguous(context.kit, block, split_entry(entry)[1])._replace(where=("blocks", index))


@rule("B213", Severity.NOTE)
def section_twice(context: ManifestContext) -> Iterable[Violation]:
    """A manifest lists a block or a section, and also a section that is part of it, so that text appears twice.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules", "house-rules#testing"]

        # _blocks/house-rules.md
        # Testing

        Write the test first.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules"]

        # _blocks/house-rules.md
        # Testing

        Write the test first.
    """
    first: dict[str, int] = {}
    for index, entry in enumerate(context.manifest.blocks if context.sections else ()):
        first.setdefault(entry, index)
    for index, entry in context.sections:
        around = next((each for each in _around(context.kit, entry) if each in first), None)
        if around and first[entry] == index:
            related = ((("blocks", first[around]), "listed here"),)
            message = f"`{entry}` is part of `{around}`, so its text appears twice"
            yield Violation(("blocks", index), message, "remove one of the two", related)


@rule("B217")
def missing_in_variant(usage: KitUsage, block: Block) -> Iterable[Violation]:
    """The text of a block for one client lacks a section that a manifest lists, or has it several times.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#testing"]
        targets = ["codex"]

        # _blocks/house-rules.md
        # Testing

        Write the test first.

        # _blocks/house-rules@codex.md
        # Tests

        Write the test first.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#testing"]
        targets = ["codex"]

        # _blocks/house-rules.md
        # Testing

        Write the test first.

        # _blocks/house-rules@codex.md
        # Testing

        Write the test first, and run it.
    """
    if not block.target or not has_text(block.source.text):
        return
    for slug, targets in sorted(usage.targets_with(block).items()):
        entry = f"{block.name}{SECTION_MARK}{slug}"
        count = len(_having(usage.kit, block, entry))
        if not slug or not targets or count == 1:
            continue
        found = _ambiguous(usage.kit, block, slug) if count else Violation(START, *_unknown(usage.kit, block, slug)[:2])
        users = _shown(usage.agents_with(entry, block.target))
        message = f"{found.message}; `{entry}` is listed by {users}"
        yield found._replace(message=message, related=found.related[:1])


@rule("B219", Severity.WARNING)
def definition_elsewhere(usage: KitUsage, block: Block) -> Iterable[Violation]:
    """A section that a manifest lists uses a link definition or a footnote that is elsewhere in the block.

    The section is printed without the rest of its block, so the link or footnote leads nowhere.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#testing"]

        # _blocks/house-rules.md
        # Testing

        Read the [guide] first.

        # Links

        [guide]: https://example.org/guide

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["house-rules#testing"]

        # _blocks/house-rules.md
        # Testing

        Read the [guide](https://example.org/guide) first.
    """
    text = block.source.text
    slugs = sorted(slug for slug, targets in usage.targets_with(block).items() if slug and targets)
    if not slugs or "]:" not in text:
        return
    from kei_assembler.markdown.sections import uses_from_elsewhere

    sections = usage.kit.blocks.sections(block)
    reported: set[int] = set()
    for section, use in uses_from_elsewhere(text, [each for slug in slugs for each in sections.get(slug, ())]):
        if use.start not in reported:
            reported.add(use.start)
            message = f"the section `{section.slug}` uses `[{use.label}]`, which the block defines outside of it"
            hint = "define it in the section, or write the address in the link"
            yield Violation(span_of(text, use.start, use.end), message, hint)


@rule("C719", fixable=Fixable.EITHER)
def unusable_obligatory_section(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `obligatory` names a section that its block does not have, or has several times.

    Fails::

        # assemble.toml
        obligatory = ["baseline#cares"]

        # _blocks/baseline.md
        # Care

        Be careful.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline#care"]

    Passes::

        # assemble.toml
        obligatory = ["baseline#care"]

        # _blocks/baseline.md
        # Care

        Be careful.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline#care"]
    """
    listed_sections = (
        ((*at, index), entry) for at, entries in kit.obligatory_lists() for index, entry in with_sections(entries)
    )
    for where, entry in listed_sections:
        block, slug = _readable(kit, entry), split_entry(entry)[1]
        count = len(_having(kit, block, entry)) if block else 1
        if block and not count:
            message, hint, match = _unknown(kit, block, slug)
            yield Violation(where, message, hint, remedy=_naming(where, entry, block, match))
        elif block and count > 1:
            yield _ambiguous(kit, block, slug)._replace(where=where)


def has_fault(kit: LoadedKit, entry: str) -> bool:
    """Return whether an entry in a list of blocks names a section that its block has not exactly once."""
    block = _readable(kit, entry)
    return SECTION_MARK in entry and block is not None and len(_having(kit, block, entry)) != 1


def _having(kit: LoadedKit, block: Block, entry: str) -> Sequence[Section]:
    """The sections of a block that an entry names: one, unless there is a fault."""
    return kit.blocks.sections(block).get(split_entry(entry)[1], ())


def _readable(kit: LoadedKit, entry: str) -> Block | None:
    """The block of an entry, unless it does not exist or cannot be read, which other rules report."""
    block = kit.block(entry)
    return block if block and not block.source.error else None


def _around(kit: LoadedKit, entry: str) -> Iterator[str]:
    """Yield the block of an entry with a section, and the entries of the sections around that section."""
    name, slug = split_entry(entry)
    block = _readable(kit, entry)
    sections = kit.blocks.sections(block) if block else {}
    if block is None or slug not in sections:
        return
    yield name
    for outer in sections[slug][0].around:
        yield f"{name}{SECTION_MARK}{outer}"


def _naming(path: KeyPath, entry: str, block: Block, match: str | None) -> Remedy | None:
    """The remedy that lists another section of a block."""
    new = f"{block.name}{SECTION_MARK}{match}"
    is_safe = certainty(split_entry(entry)[1], match or "", ()) is Certainty.CLEAR
    return Remedy("replaced", path, (entry, new), is_safe) if match else None


def _unknown(kit: LoadedKit, block: Block, slug: str) -> tuple[str, str, str | None]:
    """The message and the help for a section that a block does not have, and the slug that is meant, if any."""
    from kei_assembler.markdown.sections import slug as slug_of

    slugs = kit.blocks.sections(block)
    match = slug_of(slug.strip("# ")) if slug_of(slug.strip("# ")) in slugs else nearest(slug, frozenset(slugs))
    hint = f"did you mean `{block.name}{SECTION_MARK}{match}`?" if match else ""
    if not match:
        start = "its only section is" if len(slugs) == 1 else "its sections are"
        hint = f"{start} {_shown(list(slugs))}" if slugs else "the block has no headings; list it as a whole"
    what = f"the section `{slug}`" if slug else f"a section after `{SECTION_MARK}`"
    return f"{_subject(block)} does not have {what}", hint, match


def _ambiguous(kit: LoadedKit, block: Block, slug: str) -> Violation:
    """The finding for a section that a block has several times, located at the second one."""
    text = block.source.text
    sections = kit.blocks.sections(block)[slug][:2]
    first, second = (span_of(text, each.start, f"{text}\n".index("\n", each.start)) for each in sections)
    related = tuple((locate(block.source, span), "a section with this slug") for span in (first, second))
    message = f"{_subject(block)} has several sections `{slug}`, on lines {first.line} and {second.line}"
    return Violation(second, message, "rename one of the headings", related)


def _subject(block: Block) -> str:
    return f"the text of `{block.name}` for `{block.target}`" if block.target else f"the block `{block.name}`"


def _shown(names: Sequence[str]) -> str:
    """Names as a list in a sentence, at most `_MAX_SHOWN` of them."""
    if len(names) <= _MAX_SHOWN:
        return listed(names)
    return f"{', '.join(f'`{name}`' for name in names[:_MAX_SHOWN])} and {counted(len(names) - _MAX_SHOWN, 'other')}"


OF_MANIFEST = (unknown_section, ambiguous_section, section_twice)
