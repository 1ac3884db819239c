"""Where the texts that a template prints come from: the keys, the blocks and the role, and the values in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from kei_assembler.diagnostics import KeyPath
from kei_assembler.markdown.placeholders import Value as FilledValue
from kei_assembler.markdown.placeholders import Values, may_have_placeholders, places
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.values import path_of_value, texts_of, values_for
from kei_assembler.records import NamedTuple
from kei_assembler.render.marks import Value
from kei_assembler.render.places import Part, Places
from kei_assembler.render.renderer import BEFORE_CODE
from kei_assembler.whitespace import SPACES, WHITESPACE, with_lf

Parts = tuple[Part, ...]


class _Printed(NamedTuple):
    """A line that is printed: the line of the source, from 0, and the names of the values in it.

    `part` is the line of a value with several lines, or the entry of a list.
    """

    text: str
    number: int
    names: tuple[str, ...] = ()
    part: int = 0


class ValueOrigins:
    """The origins of what the template of one file can print.

    `manifest` is the manifest before its texts are filled, and `texts` are those of the blocks.
    """

    def __init__(self, where: Places, manifest: Manifest, target: str, texts: list[str]) -> None:
        self.kit = where.kit
        self.where = where
        self.manifest = manifest
        self.values = values_for(manifest, target)
        self.target = target
        # a template gets only the blocks that are not empty
        self._blocks = [(entry, text) for entry, text in enumerate(texts) if text]
        self._sources = {path: text for path, text, _ in texts_of(manifest)}
        self._expanded = cache(self._expand)
        self._block_lines = cache(self._lines_of_block)

    def lines(self, value: Value) -> list[Parts]:
        """Return the parts of each line of a value. A list with only one item is for all lines."""
        if value.variable == "blocks":
            return self._block_lines(value.path[1])
        if value.variable == "agent.role":
            return self._lines_of_role(value.text)
        return [self.text(value.path)]

    def text(self, path: KeyPath) -> Parts:
        """Return the parts for a text on one line: where it is written, and the values in it."""
        source, part = self._source_of(path)
        names = self._names(self._sources.get(source, ""))
        of_values = (each for name in names for each in self._of_value(name, part))
        return (*self.where.at(source), *of_values)

    def _names(self, text: str) -> tuple[str, ...]:
        if not may_have_placeholders(text):
            return ()
        return tuple(dict.fromkeys(place.name for place in places(text) if place.name in self.values))

    def _source_of(self, path: KeyPath) -> tuple[KeyPath, int | None]:
        """The path of an entry before lists filled placeholders, and the item of the list that it is."""
        *outer, index = path
        if not isinstance(index, int):
            return path, None
        expanded = self._expanded(tuple(outer))
        return expanded[index] if index < len(expanded) else (path, None)

    def _expand(self, path: KeyPath) -> list[tuple[KeyPath, int | None]]:
        """The entries of a list, and of those that a list of values fills, each item."""
        found: list[tuple[KeyPath, int | None]] = []
        index = 0
        while (entry := (*path, index)) in self._sources:
            names = self._names(self._sources[entry])
            value = self.values[names[0]] if len(names) == 1 else ""
            found += [(entry, item) for item in range(len(value))] if isinstance(value, tuple) else [(entry, None)]
            index += 1
        return found

    def _lines_of_block(self, index: int) -> list[Parts]:
        position, printed = self._blocks[index]
        entry, path = self.manifest.blocks[position], ("blocks", position)
        block = self.kit.block(entry, self.target)
        if block is None:
            return [self.where.at(path)]
        section = self.kit.blocks.section_of(block, entry)
        first = 1 + block.source.text.count("\n", 0, section.start if section else 0)
        through = (self.where.entry(path), *self.where.through(path))
        lines = self._printed(self.kit.blocks.text(entry, self.target), printed)
        parts = (Part("block", block.source.file, first + line.number, entry, through) for line in lines)
        return [(part, *self._values_in(line)) for part, line in zip(parts, lines, strict=True)]

    def _lines_of_role(self, printed: str) -> list[Parts]:
        role = self.where.role
        lines = self._printed(self.manifest.role, printed)
        if role is None:
            return [(*self.where.of_line(("role",), line.number), *self._values_in(line)) for line in lines]
        path = ("role", "file")
        through = (self.where.entry(path), *self.where.through(path))
        parts = (Part("role", role.file, 1 + line.number, "", through) for line in lines)
        return [(part, *self._values_in(line)) for part, line in zip(parts, lines, strict=True)]

    def _values_in(self, line: _Printed) -> Iterator[Part]:
        for name in line.names:
            value = self.values[name]
            is_long = isinstance(value, tuple) or "\n" in value
            yield from self._of_value(name, line.part if is_long else None)

    def _printed(self, text: str, printed: str) -> tuple[_Printed, ...]:
        values = tuple(self.values.items()) if may_have_placeholders(text) else ()
        return _printed_lines(text, printed, values)

    def _of_value(self, name: str, part: int | None) -> Parts:
        """The parts for a value. `part` is an item, or a line of a text with several lines."""
        path = path_of_value(self.manifest, self.target, name)
        value = self.where.value(path)
        if isinstance(value, list) and part is not None:
            return self.where.at((*path, part), "value")
        if isinstance(value, str) and part is not None:
            blank = len(value) - len(with_lf(value).lstrip("\n"))
            return self.where.of_line(path, part + blank, "value")
        return self.where.at(path, "value")


@lru_cache(maxsize=512)  # many files have the same blocks, filled with the same values
def _printed_lines(text: str, printed: str, values: tuple[tuple[str, FilledValue], ...]) -> tuple[_Printed, ...]:
    """Return the lines that are printed of a text. If they cannot be told apart, each counts as the first line."""
    wanted = printed.split("\n")
    lines = list(_filled(text, dict(values)))
    blank = next((number for number, line in enumerate(lines) if line.text.strip(WHITESPACE)), 0)
    lines = lines[blank:]
    if printed.startswith(BEFORE_CODE) and lines and not lines[0].text.startswith(BEFORE_CODE.rstrip("\n")):
        lines = [lines[0]._replace(text=line, names=()) for line in BEFORE_CODE.split("\n")[:-1]] + lines
    del lines[len(wanted) :]
    if [line.text.strip(SPACES) for line in lines] != [line.strip(SPACES) for line in wanted]:
        return tuple(_Printed(line, blank) for line in wanted)
    return tuple(lines)


def _filled(text: str, values: Values) -> Iterable[_Printed]:
    if may_have_placeholders(text):
        from kei_assembler.markdown.filling import filled_lines  # few texts have placeholders

        return (_Printed(*line) for line in filled_lines(text, values))
    return (_Printed(line, number) for number, line in enumerate(with_lf(text).split("\n")))
