"""The texts in a kit's sources that generated lines come from, and edits of them."""

from __future__ import annotations

from collections.abc import Iterator

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.records import NamedTuple
from kei_assembler.render.places import Part, dotted
from kei_assembler.repair.edits import Edit
from kei_assembler.toml.lists import equal_ends
from kei_assembler.toml.rewriting import reordered, same_value
from kei_assembler.toml.source import Source
from kei_assembler.toml.strings import respelled, written_at
from kei_assembler.whitespace import SPACES, WHITESPACE

_FILES = ("block", "role")
"""The kinds of parts that are lines of a text file. Those of `_STRINGS` are strings in TOML."""

_STRINGS = ("manifest", "base", "setting", "value")


class Text(NamedTuple):
    """A text in a source: the whole file, or the string at a path in a TOML file.

    `spans` has, for each of its lines, the first and the last line of the file on which it is written, from 1.
    """

    source: Source
    path: KeyPath
    value: str
    spans: tuple[tuple[int, int], ...]

    @property
    def key(self) -> tuple[str, KeyPath]:
        """What the text is told by."""
        return self.source.file, self.path

    @property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.value.split("\n")

    def numbers(self, line: int) -> Iterator[int]:
        """Yield the lines of the text, from 0, that are written on a line of the file."""
        if not self.path:
            yield from [line - 1] if 0 < line <= len(self.spans) else []
            return
        yield from (number for number, (first, last) in enumerate(self.spans) if first <= line <= last)

    def number(self, line: int, printed: str) -> int | None:
        """Return the line of the text, from 0, that is on a line of the file, and that is printed like this."""
        found = [*self.numbers(line)]
        if len(found) > 1:
            found = [each for each in found if self.lines[each].strip(WHITESPACE) == printed.strip(WHITESPACE)]
        return found[0] if len(found) == 1 else None

    def edit(self, start: int, end: int, text: str) -> Edit | None:
        """Return the edit that replaces a part of the text, if it is possible."""
        if not self.path:
            return Edit(self.source.file, start, end, text)
        found = respelled(self.source, self.path, start, end, text)
        return found and Edit(self.source.file, *found)

    def changed(self, made: str) -> Edit | None:
        """Return the edit that makes the text another one. Only the part that differs is edited."""
        start, end = equal_ends(self.value, made)
        return self.edit(start, len(self.value) - end, made[start : len(made) - end])

    def with_lines(self, first: int, last: int, lines: list[str]) -> Edit | None:
        """Return the edit that replaces lines of the text, from one up to another one, which stays."""
        kept = self.lines
        return self.changed("\n".join([*kept[:first], *lines, *kept[last:]]))

    def indented(self, number: int, printed: str) -> str | None:
        """Return what a template prints before a line of the text, or None if the line is printed in another way."""
        own = self.lines[number].rstrip(SPACES)
        is_same = printed.endswith(own) and not printed[: len(printed) - len(own)].strip(SPACES)
        return printed[: len(printed) - len(own)] if is_same else None


class Texts:
    """The texts of a kit, by the parts of lines."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self._known: dict[tuple[str, str, bool], Text | None] = {}
        self._paths: dict[str, dict[str, KeyPath]] = {}

    def of(self, part: Part) -> Text | None:
        """Return the text that a part of a line is in, or None if there is none."""
        key = part.file, "" if part.kind in _FILES else part.key, part.kind in _FILES
        if part.kind not in (*_FILES, *_STRINGS) or not part.file:
            return None
        if key not in self._known:
            self._known[key] = self._file(part.file) if part.kind in _FILES else self._string(part)
        return self._known[key]

    def path(self, part: Part) -> KeyPath:
        """Return the path of the key of a part in its TOML file, or () if it is not found."""
        source = self.source(part.file)
        if part.file not in self._paths:
            settings = self.kit.settings_source
            at = len(self.kit.settings_at) if settings and settings.file == part.file else 0
            found: dict[str, KeyPath] = {}
            for mention in source.mentions():
                found.setdefault(dotted(mention.path[at:]), mention.path)
            self._paths[part.file] = found
        return self._paths[part.file].get(part.key, ())

    def source(self, file: str) -> Source:
        """Return the source of a TOML file of the kit."""
        settings = self.kit.settings_source
        return settings if settings and settings.file == file else self.kit.composition.source(file)

    def entry(self, part: Part) -> tuple[KeyPath, int] | None:
        """Return the path of the list that a part is an entry of, and its index."""
        path = self.path(part) if part.kind in _STRINGS else ()
        return (path[:-1], path[-1]) if path and isinstance(path[-1], int) else None

    def scalar(self, part: Part) -> Edit | None:
        """Return the edit that leaves a number or a boolean as it is. None if the part is no such value."""
        path = self.path(part) if part.kind in _STRINGS else ()
        same = same_value(self.source(part.file), path) if path else None
        return Edit(part.file, *same) if same else None

    def rearranged(self, file: str, path: KeyPath, order: list[int | str]) -> Iterator[Edit]:
        """Yield the edits that give a list other entries."""
        yield from (Edit(file, *splice) for splice in reordered(self.source(file), path, order))

    def _file(self, file: str) -> Text:
        source = self.kit.read_text(file)
        return Text(source, (), source.text, ((0, 0),) * len(source.lines))

    def _string(self, part: Part) -> Text | None:
        path, source = self.path(part), self.source(part.file)
        written = written_at(source, path) if path else None
        return written and Text(source, path, written.value, written.lines)
