"""Find where the texts of a kit mention a name in backticks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kei_assembler.diagnostics import KeyPath, Location
from kei_assembler.model.kinds import KINDS as MANIFEST_KINDS
from kei_assembler.model.settings import settings_values
from kei_assembler.model.values import value_tables
from kei_assembler.records import NamedTuple
from kei_assembler.repair.edits import Edit
from kei_assembler.repair.names import BLOCK, BUNDLE_KIND, VALUE, Name
from kei_assembler.repair.references import Sources, strings, texts_in
from kei_assembler.toml.source import Source, span_of
from kei_assembler.toml.strings import offsets

_NAME = "NAME"
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    **{kind.name: (_NAME, f"@{_NAME}", f"{kind.folder}/{_NAME}.toml") for kind in MANIFEST_KINDS.values()},
    BLOCK: (_NAME, f"_blocks/{_NAME}.md"),
    BUNDLE_KIND: (f"@{_NAME}",),
    VALUE: (_NAME, f"\\{{{{{_NAME}}}}}"),
}
"""What people write in backticks to name something, for each kind of names."""


class Mention(NamedTuple):
    """A place in a text that mentions a name: the offsets of the name in the source's text, and its location."""

    file: str
    start: int
    end: int
    location: Location

    def renamed(self, name: str) -> Edit:
        """Return the edit that writes another name there."""
        return Edit(self.file, self.start, self.end, name)


def mentions(sources: Sources, name: Name) -> list[Mention]:
    """Return the mentions of a name in backticks, sorted by file and position.

    They are searched for in manifests, values, blocks and role files. Comments are not texts.
    """
    return sorted(_mentions(sources, name))


def _mentions(sources: Sources, name: Name) -> Iterator[Mention]:
    kit = sources.kit
    for source in sources.texts:
        yield from (_mention(source, start, end) for start, end in _in_backticks(source.text, name))
    for source in sources.manifests.values():
        values = ((path, table) for path, table in value_tables(source.data))
        texts = [*texts_in(kit, source.data), *(each for path, table in values for each in strings(path, table))]
        yield from _in_toml(source, texts, name)
    if kit.settings_source:
        general, by_target = settings_values(sources.settings)
        texts = [(path, value) for value, path in general.values() if isinstance(value, str)]
        texts += [each for target, table in by_target.items() for each in strings(("target", target, "values"), table)]
        at = kit.settings_path
        yield from _in_toml(kit.settings_source, [(at(*path), text) for path, text in texts], name)


def _in_toml(source: Source, texts: list[tuple[KeyPath, str]], name: Name) -> Iterator[Mention]:
    for path, text in texts:
        for start, end in _in_backticks(text, name):
            if found := offsets(source, path, text, start, end):
                yield _mention(source, *found)


def _mention(source: Source, start: int, end: int) -> Mention:
    span = span_of(source.text, start, end)
    return Mention(source.file, start, end, Location(source.file, span, source.lines[span.line - 1]))


def _in_backticks(text: str, name: Name) -> Iterator[tuple[int, int]]:
    """Yield where a text has the name in backticks, and nothing else in them but what goes with the name."""
    if name.name not in text:
        return
    for spelling in (*_SPELLINGS[name.kind], f"{name.kind}:{_NAME}"):
        before, _, after = spelling.partition(_NAME)
        searched = f"`{before}{name.name}{after}`"
        start = text.find(searched)
        while start >= 0:
            first = start + 1 + len(before)
            yield first, first + len(name.name)
            start = text.find(searched, start + len(searched))
