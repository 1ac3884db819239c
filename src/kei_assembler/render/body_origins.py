"""The parts of each line of a body, from what was found between the marks in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from kei_assembler.render.marks import Found, Token, Value
from kei_assembler.render.places import Entry, Part
from kei_assembler.render.templates import Templates, line_in
from kei_assembler.whitespace import SPACES, WHITESPACE

Parts = tuple[Part, ...]
LinesOf = Callable[[Value], Sequence[Parts]]
"""Returns the parts of each line of a value. A list with only one item is for all lines."""


class BodyOrigins:
    """The lines of a printed text, and what was found in each of them.

    `template` is the file of the template, for lines that nothing is known of.
    """

    def __init__(self, text: str, templates: Templates, template: str, lines_of: LinesOf) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.templates = templates
        self.template = template
        self.lines_of = lines_of
        self._starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self._values: list[list[Part]] = [[] for _ in self.lines]
        self._literals: list[list[Part]] = [[] for _ in self.lines]
        self._expressions: list[list[Part]] = [[] for _ in self.lines]

    def add(self, found: Found) -> None:
        """Add what was found. A value whose text was changed is left out."""
        if isinstance(found.what, Value):
            self._add_value(found, found.what)
        elif found.what.is_literal:
            self._add_literal(found, found.what)
        else:
            part = self._part(found.what)
            for number in self._numbers(found.start, found.end):
                self._expressions[number].append(part)

    def parts(self) -> list[Parts]:
        """Return the parts of each line. What nothing was found in comes from the template."""
        made: list[Parts] = []
        following: Part | None = None
        for number in range(len(self.lines) - 1, -1, -1):
            of_template = (*self._literals[number], *self._expressions[number])
            own = (*self._values[number], *self._literals[number]) or of_template
            following = of_template[0] if of_template else None if own else self._blank(number, following)
            made.append(own or (following or Part("template", self.template),))
        return made[::-1]

    def _numbers(self, start: int, end: int) -> range:
        """The lines, from 0, that have the text between two offsets."""
        first, last = (bisect_right(self._starts, offset) - 1 for offset in (start, max(start, end - 1)))
        return range(first, last + 1)

    def _add_value(self, found: Found, value: Value) -> None:
        printed = self.text[found.start : found.end].split("\n")
        if not _is_same(printed, value.text.split("\n")):
            return
        around = self._part(found.around) if found.around else None
        through = (Entry(around.kind, around.file, around.line, ""),) if around else ()
        of_lines = self.lines_of(value)
        for index, number in enumerate(self._numbers(found.start, found.end)):
            for part in of_lines[index if len(of_lines) > 1 else 0]:
                self._values[number].append(part._replace(through=(*part.through, *through)))

    def _add_literal(self, found: Found, token: Token) -> None:
        start, end, line = found.start, found.end, token.before.count("\n")
        if self.text.endswith(token.before, 0, start):
            start, line = start - len(token.before), 0
        if self.text.startswith(token.after, end):
            end += len(token.after)
        for offset, number in enumerate(self._numbers(start, end)):
            here = self.text[max(start, self._starts[number]) : min(end, self._starts[number + 1])]
            is_blank = not self.lines[number].strip(SPACES) and start <= self._starts[number]
            if here.strip(WHITESPACE) or is_blank:
                self._literals[number].append(self._part(token, line + offset))

    def _part(self, token: Token, offset: int = 0) -> Part:
        """The part for a line of a token: the one that is so many lines after its first line."""
        source = self.templates.source(token.file)
        return Part("template", source.file, line_in(source.text, token.line + offset))

    def _blank(self, number: int, following: Part | None) -> Part | None:
        """The blank line of a template before what it prints in the following line, if that is known."""
        if following is None or self.lines[number].strip(SPACES):
            return None
        lines = self.templates.source(following.file).lines
        line = following.line - 1
        return following._replace(line=line) if line > 0 and not lines[line - 1].strip(SPACES) else None


def _is_same(printed: Sequence[str], written: Sequence[str]) -> bool:
    """Return whether the printed lines are those of a value. A template can indent them."""
    return len(printed) == len(written) and all(
        line.endswith(own) and not line[: len(line) - len(own)].strip(SPACES)
        for line, own in zip(printed, written, strict=True)
    )
