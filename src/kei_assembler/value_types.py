"""The types of TOML values, and the constraints that a shape can put on values of each type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from math import isfinite
from typing import Any, TypeGuard

from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import HAS_TEXT, ONE_LINE, has_text, is_line


class Constraint(NamedTuple):
    """One constraint that a shape can put on its values in addition to their type.

    `test` takes the value of the shape's `attribute` and returns a function that tests a value, or something falsy if
    the shape does not have the constraint. `keywords` takes the same argument and returns the JSON Schema keywords for
    the constraint, or none if JSON Schema can't express it. `kind` and `fault` are those of the error. `fault` can
    contain `{expects}`, `{limit}`, for a tuple of keys `{words}`, and for a list or table `{size}`.
    """

    attribute: str
    kind: str
    test: Callable[[Any], Any]
    keywords: Callable[[Any], Mapping[str, Any]]
    fault: str = "must be {expects}"


class Type(NamedTuple):
    """One type: its name in messages and in JSON Schema, its test, its empty value, and the possible constraints."""

    noun: str
    keyword: str | list[str]
    has: Callable[[Any], bool]
    empty: Any
    constraints: tuple[Constraint, ...] = ()


_OF_SOME_DIALECTS = r"\(\?(?!:)|[*+?}]\+|\\[ABDWZbdw]"
_DEVICE = r"(?i:(?:\A|/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|\Z))"


NO_TEXT = r"[^\s\S]"
"""A pattern that matches nothing. Some dialects refuse it."""


def _portable(pattern: str) -> Mapping[str, Any]:
    """Return the keyword for a pattern if the pattern means the same in every regular expression dialect."""
    if pattern == NO_TEXT:
        return {"not": {}}
    return {} if re.search(_OF_SOME_DIALECTS, pattern) else {"pattern": f"^(?:{pattern})$"}


def _names_no_device(value: str) -> bool:
    return not re.search(_DEVICE, value)


def _at_least(minimum: int | None) -> Any:
    return minimum is not None and (lambda value: value >= minimum)


def _is_above(limit: int | None) -> Any:
    return limit is not None and (lambda value: value > limit)


def _at_most(maximum: int) -> Any:
    return maximum and (lambda value: value <= maximum)


def _has_one_of(keys: tuple[str, ...]) -> Any:
    return keys and (lambda value: not value.keys().isdisjoint(keys))


def _require_one(keys: tuple[str, ...]) -> Mapping[str, Any]:
    return {"anyOf": [{"required": [key]} for key in keys]}


def _has_at_least(minimum: int | None) -> Any:
    return minimum and (lambda value: len(value) >= minimum)


def _has_at_most(maximum: int) -> Any:
    return maximum and (lambda value: len(value) <= maximum)


_TOO_LARGE = "is too large; the most is {limit:,}"
_SEVERAL_LINES = "has several lines; it must be {expects}"
_TOO_MANY = "has {size:,} entries; the most is {limit:,}"
_OF_STRINGS = (
    Constraint("may_be_blank", "blank", lambda may: not may and has_text, lambda _: {"pattern": HAS_TEXT}, "is blank"),
    Constraint("one_line", "lines", lambda on: on and is_line, lambda _: {"pattern": ONE_LINE}, _SEVERAL_LINES),
    Constraint("choices", "value", lambda words: words and words.__contains__, lambda words: {"enum": list(words)}),
    Constraint("pattern", "value", lambda pattern: pattern and re.compile(pattern).fullmatch, _portable),
    Constraint("maximum", "value", _has_at_most, lambda maximum: {"maxLength": maximum}),
    Constraint("names_file", "value", lambda on: on and _names_no_device, lambda _: {}),
)
_OF_NUMBERS = (
    Constraint("minimum", "value", _at_least, lambda minimum: {"minimum": minimum}),
    Constraint("above", "value", _is_above, lambda limit: {"exclusiveMinimum": limit}),
    Constraint("maximum", "value", _at_most, lambda maximum: {"maximum": maximum}, _TOO_LARGE),
)
_OF_LISTS = (
    Constraint("minimum", "blank", _has_at_least, lambda minimum: {"minItems": minimum}, "is empty"),
    Constraint("maximum", "value", _has_at_most, lambda maximum: {"maxItems": maximum}, _TOO_MANY),
)
_OF_TABLES = (
    Constraint("maximum", "value", _has_at_most, lambda _: {}, _TOO_MANY),
    Constraint("needs_one", "value", _has_one_of, _require_one, "needs one of these keys: {words}"),
)


def is_plain(value: Any) -> bool:
    """Return whether JSON can express the value. It has no dates and no infinities."""
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    if isinstance(value, list):
        return all(map(is_plain, value))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and isfinite(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


TYPES: Mapping[type, Type] = {
    str: Type("a string", "string", lambda value: isinstance(value, str), "", _OF_STRINGS),
    bool: Type("a boolean", "boolean", lambda value: isinstance(value, bool), False),
    int: Type("a number", "integer", lambda value: _is_number(value) and isinstance(value, int), None, _OF_NUMBERS),
    float: Type("a number", "number", _is_number, None, _OF_NUMBERS),
    list: Type("a list", "array", lambda value: isinstance(value, list), [], _OF_LISTS),
    dict: Type("a table", "object", lambda value: isinstance(value, dict), {}, _OF_TABLES),
    object: Type("a value", ["string", "number", "boolean", "array", "object"], is_plain, None),
}
"""The types that a shape can have."""


def applying(shape: Any) -> list[tuple[Callable[[Any], object], Constraint]]:
    """Return the constraints that a shape has, each after its test for a value."""
    rows = TYPES[shape.type].constraints
    tests = ((constraint.test(getattr(shape, constraint.attribute)), constraint) for constraint in rows)
    return [(meets, constraint) for meets, constraint in tests if meets]


Tests = list[Callable[[Any], object]]
"""What a string must pass to be valid."""


def tests_of_text(shape: Any) -> Tests | None:
    """Return the tests for a string of a shape, or None if it is not the shape of a string."""
    return [meets for meets, _ in applying(shape)] if shape.type is str else None


def tests_of_texts(shape: Any) -> Tests | None:
    """Return the tests for the values of a table if all of them are strings of the same shape, or otherwise None."""
    if shape.item or shape.conflicts or not shape.fields:
        return None
    first = shape.fields[0].shape
    return tests_of_text(first) if all(field.shape == first for field in shape.fields) else None


def are_valid_texts(values: list[Any], tests: Tests) -> bool:
    """Return whether all values are strings that pass the tests. `map` needs no call of Python for each of them."""
    return are_texts(values) and all(all(map(meets, values)) for meets in tests)


def are_tables_of_texts(entries: list[Any], keys: Set[str], tests: Tests) -> bool:
    """Return whether all entries are tables with exactly these keys, and with strings that pass the tests."""
    are_tables = all([type(entry) is dict and entry.keys() == keys for entry in entries])  # noqa: C419 (faster)
    return are_tables and are_valid_texts([text for table in entries for text in table.values()], tests)


def are_texts(entries: Iterable[Any]) -> bool:
    """Return whether all of these values are strings."""
    return _TEXTS.issuperset(map(type, entries))


_TEXTS = frozenset({str})


def is_texts(value: Any) -> TypeGuard[list[str]]:
    """Return whether a value is a list of strings."""
    return isinstance(value, list) and are_texts(value)
