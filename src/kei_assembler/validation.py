"""Validate TOML values. The errors, the coercion and the JSON Schema all come from the same rows of data.

The rows describe the manifest, the settings and the targets' front matter. `reader` compiles a shape into a function
that validates and coerces a value. `kit/json_schema.py` converts a shape to JSON Schema. Both use `TYPES`, the table of
types and of the constraints that a shape can put on its values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

from kei_assembler.diagnostics import KeyPath
from kei_assembler.whitespace import HAS_TEXT, ONE_LINE, has_text, is_line


class Shape(NamedTuple):
    """What one value must be. `expects` completes the sentence "it must be …".

    `names_file` says that the value is a path or a part of one: no segment can be the name of a Windows device, with or
    without a suffix.
    """

    type: type
    expects: str
    pattern: str = ""
    maximum: int = 0
    minimum: int | None = None
    choices: tuple[str, ...] = ()
    may_be_blank: bool = False
    one_line: bool = False
    names_file: bool = False
    item: Shape | None = None
    fields: tuple[Field, ...] = ()
    any_of: tuple[Shape, ...] = ()


class Field(NamedTuple):
    """One key of a table: its name, the shape of its value, its documentation, and typical values.

    `kind` says what the value names, if rules check that: `tools`, `denied` tools, `permissions` (a map from tools),
    `skills`, `agents`, `handoffs` (tables with an agent) or `model`.
    """

    key: str
    shape: Shape
    doc: str
    required: bool = False
    default: Any = None
    examples: tuple[Any, ...] = ()
    kind: str = ""

    @property
    def is_table(self) -> bool:
        """Whether the key holds a table, or a list of tables."""
        return dict in (self.shape.type, self.shape.item.type if self.shape.item else None)


class ValidationError(NamedTuple):
    """One way in which a value does not fit its shape.

    `kind` is `unknown` (a key), `missing` (a key), `type`, `blank`, `lines` or `value`. `fault` says what is wrong: it
    completes a sentence that starts with the key.
    """

    kind: str
    path: KeyPath
    shape: Shape
    value: Any
    fault: str


MAX_ITEMS = 10_000
"""The maximum number of entries in a list."""

MAX_ERRORS = 1000
"""The maximum number of errors that are collected for one value."""

TEXT = Shape(str, "a string", may_be_blank=True)
FILLED = Shape(str, "a string")
LINE = Shape(str, "a string of one line", one_line=True)
STRINGS = Shape(list, "a list of strings", item=FILLED, maximum=MAX_ITEMS)
BOOLEAN = Shape(bool, "true or false")
NUMBER = Shape(float, "a number")
POSITIVE = Shape(int, "a whole number above 0", minimum=1)
ANYTHING = Shape(object, "a string, number, boolean, list or table")
TABLE_OF_ANYTHING = Shape(dict, "a table", item=ANYTHING)


def one_of(*choices: str) -> Shape:
    """Return the shape of a string from a fixed set."""
    return Shape(str, "one of " + ", ".join(f"`{choice}`" for choice in choices), choices=choices)


def matching(pattern: str, expects: str, maximum: int = 0, *, names_file: bool = False) -> Shape:
    """Return the shape of a string that the pattern matches as a whole."""
    return Shape(str, expects, pattern=pattern, maximum=maximum, names_file=names_file)


def list_of(item: Shape, expects: str, minimum: int = 0) -> Shape:
    """Return the shape of a list with at least `minimum` entries of the same shape."""
    return Shape(list, expects, item=item, minimum=minimum, maximum=MAX_ITEMS)


def any_of(*shapes: Shape) -> Shape:
    """Return the shape of a value that fits any of these shapes."""
    return Shape(object, ", or ".join(shape.expects for shape in shapes), any_of=shapes)


def table(*fields: Field) -> Shape:
    """Return the shape of a table with these keys and no others."""
    return Shape(dict, "a table", fields=fields)


def table_of(item: Shape, expects: str = "a table", fields: tuple[Field, ...] = (), maximum: int = 0) -> Shape:
    """Return the shape of a table with any keys, at most `maximum`. Except for `fields`, all values have one shape."""
    return Shape(dict, expects, item=item, fields=fields, maximum=maximum)


class Constraint(NamedTuple):
    """One constraint that a shape can put on its values in addition to their type.

    `test` takes the value of the shape's `attribute` and returns a function that tests a value, or something falsy if
    the shape does not have the constraint. `keywords` takes the same argument and returns the JSON Schema keywords for
    the constraint, or none if JSON Schema can't express it. `kind` and `fault` are those of the error. `fault` can
    contain `{expects}`, `{limit}` and, for a list or table, `{size}`.
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


def _portable(pattern: str) -> Mapping[str, Any]:
    """Return the keyword for a pattern if the pattern means the same in every regular expression dialect."""
    return {} if re.search(_OF_SOME_DIALECTS, pattern) else {"pattern": f"^(?:{pattern})$"}


def _names_no_device(value: str) -> bool:
    return not re.search(_DEVICE, value)


def _at_least(minimum: int | None) -> Any:
    return minimum is not None and (lambda value: value >= minimum)


def _has_at_least(minimum: int | None) -> Any:
    return minimum and (lambda value: len(value) >= minimum)


def _has_at_most(maximum: int) -> Any:
    return maximum and (lambda value: len(value) <= maximum)


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
_OF_NUMBERS = (Constraint("minimum", "value", _at_least, lambda minimum: {"minimum": minimum}),)
_OF_LISTS = (
    Constraint("minimum", "blank", _has_at_least, lambda minimum: {"minItems": minimum}, "is empty"),
    Constraint("maximum", "value", _has_at_most, lambda maximum: {"maxItems": maximum}, _TOO_MANY),
)
_OF_TABLES = (Constraint("maximum", "value", _has_at_most, lambda _: {}, _TOO_MANY),)


def _is_plain(value: Any) -> bool:
    """Return whether JSON can express the value. It has no dates and no infinities."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
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
    object: Type("a value", ["string", "number", "boolean", "array", "object"], _is_plain, None),
}
"""The types that a shape can have."""

Read = Callable[[Any, KeyPath, list[ValidationError]], Any]
"""Takes a value, its path and a list. Returns the coerced value, and appends the errors to the list."""


def validation_errors(shape: Shape, value: Any, path: KeyPath = ()) -> list[ValidationError]:
    """Return the errors of a value at `path` that should fit a shape, at most `MAX_ERRORS`."""
    found: list[ValidationError] = []
    reader(shape)(value, path, found)
    return found


def fits(shape: Shape, value: Any) -> bool:
    """Return whether a value fits a shape."""
    return not validation_errors(shape, value)


def describe(error: ValidationError) -> str:
    """Return a sentence that says what is wrong with the value."""
    key = next((step for step in reversed(error.path) if isinstance(step, str)), "")
    subject = f"an entry of `{key}`" if isinstance(error.path[-1], int) else f"`{key}`"
    return f"{subject} {error.fault}"


def reader(shape: Shape) -> Read:
    """Return a function that validates and coerces a value of this shape, in one pass.

    The coerced value always has the shape's type, and its lists are tuples. A value of the wrong type becomes the empty
    value of its shape's type, so that rules can check the rest. For example, a wrong entry in a list of strings becomes
    `""`, and the other entries keep their indexes. An unknown key is dropped. A missing key gets its field's default,
    unless that is None.
    """
    if shape.any_of:
        return _reader_of_either(shape)
    has, empty, constraints = TYPES[shape.type].has, TYPES[shape.type].empty, applying(shape)
    coerce = _COERCIONS[shape.type](shape) if shape.type in _COERCIONS else None

    def read(value: Any, path: KeyPath, found: list[ValidationError]) -> Any:
        if not has(value):
            _report(found, ValidationError("type", path, shape, value, _wrong_type(shape, value)))
            return coerce(empty, path, []) if coerce else empty
        for meets, constraint in constraints:
            if not meets(value):
                _report(found, ValidationError(constraint.kind, path, shape, value, _fault(constraint, shape, value)))
                return coerce(value, path, []) if coerce else value
        return coerce(value, path, found) if coerce else value

    return read


def applying(shape: Shape) -> list[tuple[Callable[[Any], object], Constraint]]:
    """Return the constraints that a shape has, each after its test for a value."""
    rows = TYPES[shape.type].constraints
    tests = ((constraint.test(getattr(shape, constraint.attribute)), constraint) for constraint in rows)
    return [(meets, constraint) for meets, constraint in tests if meets]


def _report(found: list[ValidationError], error: ValidationError) -> None:
    if len(found) < MAX_ERRORS:
        found.append(error)


def _fault(constraint: Constraint, shape: Shape, value: Any) -> str:
    size = len(value) if isinstance(value, list | dict) else 0
    return constraint.fault.format(expects=shape.expects, size=size, limit=getattr(shape, constraint.attribute))


def _wrong_type(shape: Shape, value: Any) -> str:
    if isinstance(value, float) and not isfinite(value):
        noun = "an infinite or undefined number"
    else:
        noun = TYPES[type(value)].noun if type(value) in TYPES else "a date or time"
    return f"must be {'a string' if shape.type is str else shape.expects}, not {noun}"


def _reader_of_either(shape: Shape) -> Read:
    readers = list(map(reader, shape.any_of))

    def read(value: Any, path: KeyPath, found: list[ValidationError]) -> Any:
        for read_choice in readers:
            errors_of_choice: list[ValidationError] = []
            read_choice(value, path, errors_of_choice)
            if not errors_of_choice:
                return value
        _report(found, ValidationError("type", path, shape, value, f"must be {shape.expects}"))
        return value if _is_plain(value) else None

    return read


def _coercion_of_list(shape: Shape) -> Read:
    item = shape.item
    if item is None:
        return lambda value, path, found: tuple(value)  # noqa: ARG005
    read_item = reader(item)
    tests = [meets for meets, _ in applying(item)] if item.type is str else None

    def coerce(value: list[Any], path: KeyPath, found: list[ValidationError]) -> tuple[Any, ...]:
        # the fast path: most lists only have valid strings, and `map` tests those without a call for each entry
        if tests is not None and are_texts(value) and all(all(map(meets, value)) for meets in tests):
            return tuple(value)
        return tuple([read_item(entry, (*path, index), found) for index, entry in enumerate(value)])

    return coerce


def are_texts(entries: Iterable[Any]) -> bool:
    """Return whether all of these values are strings."""
    return _TEXTS.issuperset(map(type, entries))


_TEXTS = frozenset({str})


def _coercion_of_table(shape: Shape) -> Read:
    fields = {field.key: field for field in shape.fields}
    # a field's reader is compiled on first use, because most kits use few of the keys
    reader_of = cache(lambda key: reader(fields[key].shape))
    read_other = reader(shape.item) if shape.item else None
    required = [field.key for field in shape.fields if field.required]
    defaults = {field.key: field.default for field in shape.fields if field.default is not None}

    def coerce(value: dict[str, Any], path: KeyPath, found: list[ValidationError]) -> dict[str, Any]:
        made = defaults.copy()
        for key, inner in value.items():
            if key in fields:
                made[key] = reader_of(key)(inner, (*path, key), found)
            elif read_other:
                made[key] = read_other(inner, (*path, key), found)
            elif fields:
                _report(found, ValidationError("unknown", (*path, key), shape, inner, "is unknown"))
            else:
                made[key] = inner
        for key in required:
            if key not in value:
                _report(found, ValidationError("missing", (*path, key), shape, None, "is missing"))
        return made

    return coerce


_COERCIONS: Mapping[type, Callable[[Shape], Read]] = {list: _coercion_of_list, dict: _coercion_of_table}
