"""Placeholders such as `{{NAME}}` in a text, and texts that are not Markdown blocks filled with values.

`${{NAME}}` is no placeholder, because other tools use it, and `\\{{NAME}}` stands for `{{NAME}}`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import SPACES, with_lf

Value = str | tuple[str, ...]
Values = Mapping[str, Value]

PLACEHOLDER = lazy_re.compile(r"(?<![$\\])\{\{[A-Z0-9_]+\}\}")
_MENTION = lazy_re.compile(r"\\\{\{[A-Z0-9_]+\}\}|(?<!\$)\{\{(?P<name>[A-Z0-9_]+)\}\}")
NAME = lazy_re.compile(r"[A-Z0-9_]+")

MAX_FILLED = 4 * 1024 * 1024
"""The maximum number of characters that values add to a text."""

_MAX_SHORT = 1000

MAX_PARTS = 10_000
"""The maximum number of values that fill a text. Each entry of a list and each line of a value counts."""

UNDEFINED, LIST, LINES, STRUCTURE, SIZE = "undefined", "list", "lines", "structure", "size"
"""What can be wrong with a placeholder: it has no value, or a value that does not fit its place."""


class Place(NamedTuple):
    """A placeholder in a text, by its offsets. An escaped one has no name."""

    start: int
    end: int
    name: str
    in_code: bool = False


class Problem(NamedTuple):
    """A placeholder that cannot be filled. `kind` is one of the constants above."""

    kind: str
    place: Place


class Filling(NamedTuple):
    """A filled text, and the placeholders that could not be filled. A list entry can become several texts, or none."""

    texts: tuple[str, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def text(self) -> str:
        """The filled text of a field that has only one."""
        return self.texts[0]


def in_capitals(name: str) -> str:
    """Return the name that a placeholder can have for one that is written differently, such as `my-name`."""
    return name.strip("${} ").upper().replace("-", "_").replace(" ", "_")


def may_have_placeholders(text: str) -> bool:
    """Return whether a text could have placeholders, which few have."""
    # most texts have no brace, and in a long text, `rfind` takes less than half of the time that `in` takes
    return "{" in text and text.rfind("{{") >= 0


def places(text: str, prose: str | None = None) -> Iterator[Place]:
    """Yield the placeholders of a text, escaped ones included.

    `prose` is the text with its code blanked out. A placeholder there is in code.
    """
    for match in _MENTION.finditer(text):
        start, end = match.span()
        yield Place(start, end, match["name"] or "", prose is not None and prose[end - 1] != "}")


def protected(text: str) -> str:
    """Return a text in which `\\{{NAME}}` is printed with its backslash."""
    return re.sub(r"\\(?=\{\{[A-Z0-9_]+\}\})", r"\\\\", text)


def line_value(value: Value) -> Value:
    """Return a value without line breaks at its ends, and with LF line ends."""
    return value if isinstance(value, tuple) else with_lf(value).strip("\n")


def is_alone(text: str, place: Place) -> bool:
    """Return whether a placeholder is alone on its line."""
    line = text[text.rfind("\n", 0, place.start) + 1 :].partition("\n")[0]
    return line.strip(SPACES) == text[place.start : place.end]


def is_too_large(found: tuple[Place, ...], values: Values) -> bool:
    """Return whether a text with these placeholders would be too large if it were filled."""
    counts = Counter(place.name for place in found if place.name in values)
    characters = sum(count * _characters(values[name]) for name, count in counts.items())
    return characters > MAX_FILLED or sum(count * _parts(values[name]) for name, count in counts.items()) > MAX_PARTS


def _characters(value: Value) -> int:
    return len(value) if isinstance(value, str) else sum(map(len, value))


def _parts(value: Value) -> int:
    return value.count("\n") + 1 if isinstance(value, str) else len(value) or 1


def problem_of(place: Place, values: Values, is_alone_on_line: bool, is_alone_in_item: bool) -> Problem | None:
    """Return what keeps a placeholder from being filled, whatever surrounds it, or None."""
    if not place.name:
        return None
    if place.name not in values:
        return None if place.in_code else Problem(UNDEFINED, place)
    value = values[place.name]
    if isinstance(value, tuple):
        return None if is_alone_in_item else Problem(LIST, place)
    return Problem(LINES, place) if "\n" in value and not is_alone_on_line else None


def fill_plain(text: str, values: Values, is_entry: bool = False, found: tuple[Place, ...] | None = None) -> Filling:
    """Return a text that is not Markdown, such as a description, with its placeholders filled.

    If it is the entry of a list, a placeholder that is alone in it can have a list as its value. `found` are the
    placeholders of the text, if they are known.
    """
    if found is None:
        found = _places_of(text) if len(text) <= _MAX_SHORT else tuple(places(text))
    if len(found) <= _FEW and all(not place.name or _is_short(values.get(place.name)) for place in found):
        return Filling((_joined(text, found, values),))
    if is_too_large(found, values):
        return Filling((text,), (Problem(SIZE, next(place for place in found if place.name in values)),))
    is_whole = is_entry and len(found) == 1 and text.strip(SPACES) == text[found[0].start : found[0].end]
    names = {place.name for place in found}
    with_lines = {name for name in names if isinstance(value := values.get(name), str) and "\n" in value}
    # finding the line of each placeholder would take long in a long line
    checked = (
        problem_of(place, values, place.name not in with_lines or is_alone(text, place), is_whole) for place in found
    )
    if problems := tuple(problem for problem in checked if problem):
        return Filling((text,), problems)
    if is_whole and isinstance(value := values.get(found[0].name), tuple):
        return Filling(value)
    return Filling((_joined(text, found, values),))


@lru_cache(maxsize=1024)
def _places_of(text: str) -> tuple[Place, ...]:
    """Return the placeholders of a text. Heirs of a base have the same texts."""
    return tuple(places(text))


_FEW = 16
"""So many short values never make a text too large."""


def _is_short(value: Value | None) -> bool:
    return isinstance(value, str) and "\n" not in value and len(value) <= _MAX_SHORT


def _joined(text: str, found: tuple[Place, ...], values: Values) -> str:
    parts, end = [], 0
    for place in found:
        parts += [text[end : place.start], replacement(text, place, values)]
        end = place.end
    return "".join([*parts, text[end:]])


def replacement(text: str, place: Place, values: Values) -> str:
    """Return what a placeholder becomes: its value, or itself without the backslash, or itself if it has none."""
    value = values.get(place.name) if place.name else text[place.start + 1 : place.end]
    return value if isinstance(value, str) else text[place.start : place.end]
