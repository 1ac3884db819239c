"""Validate TOML values. The errors, the coercion and the JSON Schema all come from the same rows of data.

The rows describe the manifest, the settings and the targets' front matter. `reader` compiles a shape into a function
that validates and coerces a value. `kit/json_schema.py` converts a shape to JSON Schema. Both use `TYPES` in
`value_types.py`, the table of types and of the constraints that a shape can put on its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.records import NamedTuple
from kei_assembler.value_types import (
    NO_TEXT,
    TYPES,
    Constraint,
    applying,
    are_tables_of_texts,
    are_valid_texts,
    is_plain,
    tests_of_text,
    tests_of_texts,
)


class Shape(NamedTuple):
    """What one value must be. `expects` completes the sentence "it must be …".

    `names_file` says that the value is a path or a part of one: no segment can be the name of a Windows device, with or
    without a suffix.

    A value of `any_of` has one of these shapes. If they are tables that differ in the value of one key, `by` is that
    key. A table with `fields` and an `item` can have other keys, too. `unlisted` says what these are, if rules report
    them: an `event` or a `key`. A table has at least one of the keys `needs_one`. With the first key of a pair in
    `conflicts`, it can't have the others of the pair. A shape with a `name` is written only once in a JSON Schema.
    """

    type: type
    expects: str
    pattern: str = ""
    maximum: int = 0
    minimum: int | None = None
    above: int | None = None
    choices: tuple[str, ...] = ()
    may_be_blank: bool = False
    one_line: bool = False
    names_file: bool = False
    item: Shape | None = None
    fields: tuple[Field, ...] = ()
    any_of: tuple[Shape, ...] = ()
    by: str = ""
    name: str = ""
    unlisted: str = ""
    needs_one: tuple[str, ...] = ()
    conflicts: tuple[tuple[str, tuple[str, ...]], ...] = ()


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


def parts(shape: Shape) -> tuple[Shape, ...]:
    """Return the shapes that a shape directly consists of: its choices, those of its fields, and that of its items."""
    return (*shape.any_of, *(field.shape for field in shape.fields), *((shape.item,) if shape.item else ()))


class ValidationError(NamedTuple):
    """One way in which a value does not fit its shape.

    `kind` is `unknown` (a key), `missing` (a key), `type`, `blank`, `lines` or `value`. `fault` says what is wrong: it
    completes a sentence that starts with the key. The value for a `missing` key is its table. If that table can have
    `others` of the shapes, `by` is the key that chooses one.
    """

    kind: str
    path: KeyPath
    shape: Shape
    value: Any
    fault: str
    others: tuple[Shape, ...] = ()
    by: str = ""


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
MAX_INTEGER = 2**53 - 1
"""The maximum of whole numbers in JavaScript. Clients refuse larger ones."""
INTEGER = Shape(int, "a whole number")
POSITIVE = Shape(int, "a whole number above 0", minimum=1, maximum=MAX_INTEGER)
ABOVE_ZERO = Shape(float, "a number above 0", above=0)
ANYTHING = Shape(object, "a string, number, boolean, list or table")
TABLE_OF_ANYTHING = Shape(dict, "a table", item=ANYTHING)


def one_of(*choices: str) -> Shape:
    """Return the shape of a string from a fixed set."""
    words = ", ".join(f"`{choice}`" for choice in choices)
    return Shape(str, words if len(choices) == 1 else f"one of {words}", choices=choices)


def matching(pattern: str, expects: str, maximum: int = 0, *, names_file: bool = False) -> Shape:
    """Return the shape of a string that the pattern matches as a whole."""
    return Shape(str, expects, pattern=pattern, maximum=maximum, names_file=names_file)


def elsewhere(expects: str) -> Shape:
    """Return the shape that no string has. `expects` says where to write the value instead."""
    return Shape(str, expects, pattern=NO_TEXT)


def list_of(item: Shape, expects: str, minimum: int = 0) -> Shape:
    """Return the shape of a list with at least `minimum` entries of the same shape."""
    return Shape(list, expects, item=item, minimum=minimum, maximum=MAX_ITEMS)


def any_of(*shapes: Shape) -> Shape:
    """Return the shape of a value that fits any of these shapes."""
    return Shape(object, ", or ".join(shape.expects for shape in shapes), any_of=shapes)


def variants(by: str, *tables: Shape) -> Shape:
    """Return the shape of a table that fits one of these shapes of tables, which the value of its key `by` chooses.

    If the table does not have that key, it must fit the first shape that does not require it.
    """
    return Shape(object, "a table", any_of=tables, by=by)


def table(*fields: Field) -> Shape:
    """Return the shape of a table with these keys and no others."""
    return Shape(dict, "a table", fields=fields)


def table_of(item: Shape, expects: str = "a table", fields: tuple[Field, ...] = (), maximum: int = 0) -> Shape:
    """Return the shape of a table with any keys, at most `maximum`. Except for `fields`, all values have one shape."""
    return Shape(dict, expects, item=item, fields=fields, maximum=maximum)


def open_table(*fields: Field) -> Shape:
    """Return the shape of a table with these keys, and with others that its reader ignores."""
    return Shape(dict, "a table", item=ANYTHING, fields=fields, unlisted="key")


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
            where, wrong = _first_not_plain(value, path) if shape.type is object else (path, value)
            _report(found, ValidationError("type", where, shape, wrong, _wrong_type(shape, wrong)))
            return coerce(empty, path, []) if coerce else empty
        for meets, constraint in constraints:
            if not meets(value):
                _report(found, ValidationError(constraint.kind, path, shape, value, _fault(constraint, shape, value)))
                return coerce(value, path, []) if coerce else value
        return coerce(value, path, found) if coerce else value

    return read


def _first_not_plain(value: Any, path: KeyPath) -> tuple[KeyPath, Any]:
    """Return the path and the value of what makes a value one that JSON cannot express."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    first = next(((key, inner) for key, inner in entries if not is_plain(inner)), None)
    return _first_not_plain(first[1], (*path, first[0])) if first else (path, value)


def _report(found: list[ValidationError], error: ValidationError) -> None:
    if len(found) < MAX_ERRORS:
        found.append(error)


def _fault(constraint: Constraint, shape: Shape, value: Any) -> str:
    size = len(value) if isinstance(value, list | dict) else 0
    limit = getattr(shape, constraint.attribute)
    words = ", ".join(f"`{key}`" for key in limit) if isinstance(limit, tuple) else ""
    return constraint.fault.format(expects=shape.expects, size=size, limit=limit, words=words)


def _wrong_type(shape: Shape, value: Any) -> str:
    expects = "a string" if shape.type is str and not shape.choices else shape.expects
    return f"must be {expects}, not {_noun(shape, value)}"


def _noun(shape: Shape, value: Any) -> str:
    if isinstance(value, float) and not isfinite(value):
        return "an infinite or undefined number"
    if isinstance(value, float) and any(choice.type is int for choice in (shape, *shape.any_of)):
        return "a floating-point number"
    return TYPES[type(value)].noun if type(value) in TYPES else "a date or time"


def keys_of(shape: Shape) -> set[str]:
    """Return the keys of a table, or of all tables in `any_of`."""
    return {field.key for choice in (shape, *shape.any_of) for field in choice.fields}


def chosen(shape: Shape, value: Any) -> Shape | None:
    """Return the shape of `any_of` that a value has or is probably meant for, or None."""
    if fitting := next((choice for choice in shape.any_of if fits(choice, value)), None):
        return fitting
    meant = _meant(shape, value)
    return None if meant is None else shape.any_of[meant]


def _reader_of_either(shape: Shape) -> Read:
    readers = list(map(reader, shape.any_of))

    def read(value: Any, path: KeyPath, found: list[ValidationError]) -> Any:
        for read_choice in readers:
            errors_of_choice: list[ValidationError] = []
            made = read_choice(value, path, errors_of_choice)
            if not errors_of_choice:
                return made
        meant = _meant(shape, value)
        if meant is not None:
            errors: list[ValidationError] = []
            made = readers[meant](value, path, errors)
            for error in errors:
                is_lacking = bool(shape.by) and error.kind == "missing" and error.path[:-1] == path
                _report(found, error._replace(others=shape.any_of, by=shape.by) if is_lacking else error)
            return made
        if shape.by and isinstance(value, dict):
            _report(found, _wrong_key(shape, value, path))
        else:
            _report(found, ValidationError("type", path, shape, value, _wrong_type(shape, value)))
        return value if is_plain(value) else None

    return read


def _meant(shape: Shape, value: Any) -> int | None:
    """Return the index of the shape of `any_of` that a value is probably meant for, or None.

    It is the only one of the value's type, or the one that its key `by` chooses.
    """
    if not shape.by:
        alike = [index for index, choice in enumerate(shape.any_of) if _has_type(choice, value)]
        return alike[0] if len(alike) == 1 else None
    if not isinstance(value, dict):
        return None
    fields = (_field(choice, shape.by) for choice in shape.any_of)
    suits = (fits(field.shape, value[shape.by]) if shape.by in value else not field.required for field in fields)
    return next((index for index, is_suitable in enumerate(suits) if is_suitable), None)


def _has_type(shape: Shape, value: Any) -> bool:
    if shape.any_of:
        return any(_has_type(choice, value) for choice in shape.any_of)
    return TYPES[shape.type].has(value)


def _field(shape: Shape, key: str) -> Field:
    return next(field for field in shape.fields if field.key == key)


def _wrong_key(shape: Shape, value: Mapping[str, Any], path: KeyPath) -> ValidationError:
    """The error for the key `by`, which is missing or has the value of no table in `any_of`."""
    words = one_of(*(word for choice in shape.any_of for word in _field(choice, shape.by).shape.choices))
    if shape.by not in value:
        return ValidationError(
            "missing", (*path, shape.by), shape.any_of[0], value, "is missing", shape.any_of, shape.by
        )
    return ValidationError("value", (*path, shape.by), words, value[shape.by], f"must be {words.expects}")


def _coercion_of_list(shape: Shape) -> Read:
    item = shape.item
    if item is None:
        return lambda value, path, found: tuple(value)  # noqa: ARG005
    read_item = reader(item)
    tests, tests_in_tables = tests_of_text(item), tests_of_texts(item)
    keys, defaults = {field.key for field in item.fields}, _defaults(item)

    def coerce(value: list[Any], path: KeyPath, found: list[ValidationError]) -> tuple[Any, ...]:
        # the fast paths: most lists only have valid strings, or tables with all keys and valid strings
        if tests is not None and are_valid_texts(value, tests):
            return tuple(value)
        if tests_in_tables is not None and are_tables_of_texts(value, keys, tests_in_tables):
            return tuple([{**defaults, **table} for table in value])
        return tuple([read_item(entry, (*path, index), found) for index, entry in enumerate(value)])

    return coerce


def _defaults(shape: Shape) -> dict[str, Any]:
    return {field.key: field.default for field in shape.fields if field.default is not None}


def _coercion_of_table(shape: Shape) -> Read:
    fields = {field.key: field for field in shape.fields}
    readers: dict[str, Read] = {}  # compiled on first use, because most kits use few of the keys
    read_other = reader(shape.item) if shape.item else None
    required = [field.key for field in shape.fields if field.required]
    defaults = _defaults(shape)
    types_of_item = {choice.type for choice in shape.item.any_of or (shape.item,)} if shape.item else set()
    keys_of_item = keys_of(shape.item) if shape.item and not fields and types_of_item == {dict} else set()

    def coerce(value: dict[str, Any], path: KeyPath, found: list[ValidationError]) -> dict[str, Any]:
        made = defaults.copy()
        # if the table of one item is written where the table of all items should be, one error says so
        bare = [key for key in value if key in keys_of_item and not isinstance(value[key], dict)]
        for key, inner in value.items():
            if bare and key != bare[0] and (key in keys_of_item or not isinstance(inner, dict)):
                continue
            if key in fields:
                read = readers.get(key) or readers.setdefault(key, reader(fields[key].shape))
                made[key] = read(inner, (*path, key), found)
            elif read_other:
                made[key] = read_other(inner, (*path, key), found)
            elif fields:
                _report(found, ValidationError("unknown", (*path, key), shape, inner, "is unknown"))
            else:
                made[key] = inner
        for key in required:
            if key not in value:
                _report(found, ValidationError("missing", (*path, key), shape, value, "is missing"))
        for first, others in shape.conflicts:
            if present := [key for key in others if first in value and key in value]:
                _report(found, _conflict(shape, value, path, first, present))
                break
        return made

    return coerce


def _conflict(shape: Shape, table: Mapping[str, Any], path: KeyPath, first: str, others: list[str]) -> ValidationError:
    """The error for the other keys that a table has beside the first one. It is located at the first of the others."""
    more = ", ".join(f"`{key}`" for key in others[1:])
    fault = f"cannot be set together with `{first}`" + (f", and neither can {more}" if more else "")
    return ValidationError("value", (*path, others[0]), shape, table[others[0]], fault)


_COERCIONS: Mapping[type, Callable[[Shape], Read]] = {list: _coercion_of_list, dict: _coercion_of_table}
