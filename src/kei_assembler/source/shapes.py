"""What a value in TOML must be: rows of data that check a value, and bring it into its form.

The same rows describe the manifest, the settings and the targets' front matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from kei_assembler.diagnostics import KeyPath


class Shape(NamedTuple):
    """What one value must be. `expects` completes the sentence "it must be …".

    A string that `names_file` passes through no name which Windows keeps for a device, whatever its ending.
    """

    type: type
    expects: str
    pattern: str = ""
    most: int = 0
    least: int | None = None
    choices: tuple[str, ...] = ()
    may_be_blank: bool = False
    one_line: bool = False
    names_file: bool = False
    item: Shape | None = None
    fields: tuple[Field, ...] = ()
    either: tuple[Shape, ...] = ()


class Field(NamedTuple):
    """One key of a table: its name, what its value must be, its documentation, and values that are typical of it."""

    key: str
    shape: Shape
    doc: str
    required: bool = False
    default: Any = None
    examples: tuple[Any, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether the key holds a table, or a list of tables."""
        return dict in (self.shape.type, self.shape.item.type if self.shape.item else None)


class Misfit(NamedTuple):
    """One way in which a value is not what its shape says.

    `kind` is `unknown` (a key), `missing` (a key), `type`, `blank`, `lines` or `value`.
    """

    kind: str
    path: KeyPath
    shape: Shape
    value: Any


ITEMS_MOST = 10_000
"""The bound on the entries of a list."""

TEXT = Shape(str, "a string", may_be_blank=True)
FILLED = Shape(str, "a string")
LINE = Shape(str, "a string of one line", one_line=True)
STRINGS = Shape(list, "a list of strings", item=FILLED)
BOOLEAN = Shape(bool, "true or false")
NUMBER = Shape(float, "a number")
POSITIVE = Shape(int, "a whole number above 0", least=1)
ANYTHING = Shape(object, "a string, number, boolean, list or table")
TABLE_OF_ANYTHING = Shape(dict, "a table", item=ANYTHING)


def one_of(*choices: str) -> Shape:
    """Return the shape of a string out of a fixed set."""
    return Shape(str, "one of " + ", ".join(f"`{choice}`" for choice in choices), choices=choices)


def matching(pattern: str, expects: str, most: int = 0, *, names_file: bool = False) -> Shape:
    """Return the shape of a string that matches the pattern as a whole."""
    return Shape(str, expects, pattern=pattern, most=most, names_file=names_file)


def list_of(item: Shape, expects: str, least: int = 0) -> Shape:
    """Return the shape of a list of at least so many entries, which all have one shape."""
    return Shape(list, expects, item=item, least=least)


def any_of(*shapes: Shape) -> Shape:
    """Return the shape of a value that has one of several."""
    return Shape(object, ", or ".join(shape.expects for shape in shapes), either=shapes)


def table(*fields: Field) -> Shape:
    """Return the shape of a table with these keys and no others."""
    return Shape(dict, "a table", fields=fields)


def table_of(item: Shape, expects: str = "a table", fields: tuple[Field, ...] = ()) -> Shape:
    """Return the shape of a table with any keys, whose values all have one shape, but for those of `fields`."""
    return Shape(dict, expects, item=item, fields=fields)


def misfits(shape: Shape, value: Any, path: KeyPath = ()) -> Iterator[Misfit]:
    """Yield every way in which the value, found at `path`, is not what the shape says."""
    if shape.either:
        if not any(fits(choice, value) for choice in shape.either):
            yield Misfit("type", path, shape, value)
    elif not _has_type(shape.type, value):
        yield Misfit("type", path, shape, value)
    elif shape.type is str:
        if fault := _fault_of_string(shape, value):
            yield Misfit(fault, path, shape, value)
    elif shape.type is list:
        yield from _misfits_of_list(shape, value, path)
    elif shape.type is dict:
        yield from _misfits_of_table(shape, value, path)
    elif shape.least is not None and value < shape.least:
        yield Misfit("value", path, shape, value)


def fits(shape: Shape, value: Any) -> bool:
    """Tell whether the value is what the shape says."""
    return next(misfits(shape, value), None) is None


def _has_type(expected: type, value: Any) -> bool:
    if type(value) is expected:
        return not isinstance(value, float) or isfinite(value)
    if expected is object:
        return _is_plain(value)
    if expected is float:
        return isinstance(value, int | float) and _is_plain(value) and not isinstance(value, bool)
    return isinstance(value, expected) and not (expected is int and isinstance(value, bool))


def _is_plain(value: Any) -> bool:
    """JSON knows no dates and no infinities, and front matter is read as JSON's superset."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and isfinite(value))


def _fault_of_string(shape: Shape, value: str) -> str:
    """The kind of misfit that a string is, if any."""
    if not shape.may_be_blank and not value.strip():
        return "blank"
    if shape.one_line and value.splitlines() != [value]:
        return "lines"
    return "value" if _is_outside(shape, value) else ""


def _is_outside(shape: Shape, value: str) -> bool:
    if shape.choices:
        return value not in shape.choices
    too_long = 0 < shape.most < len(value)
    is_device = shape.names_file and _DEVICE.search(value) is not None
    return too_long or is_device or bool(shape.pattern and not re.fullmatch(shape.pattern, value))


_DEVICE = re.compile(r"(?:\A|/)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|\Z)", re.IGNORECASE)


def _misfits_of_list(shape: Shape, value: list[Any], path: KeyPath) -> Iterator[Misfit]:
    if len(value) > ITEMS_MOST:
        yield Misfit("value", path, shape, value)
        return
    if len(value) < (shape.least or 0):
        yield Misfit("blank", path, shape, value)
    if shape.item and not (shape.item is FILLED and are_texts(value) and all(map(str.strip, value))):
        for index, entry in enumerate(value):
            yield from misfits(shape.item, entry, (*path, index))


def are_texts(entries: Iterable[Any]) -> bool:
    """Tell whether a list holds nothing but strings, as most do: then nobody has to look at each."""
    return _TEXTS.issuperset(map(type, entries))


_TEXTS = frozenset({str})


def _misfits_of_table(shape: Shape, value: dict[str, Any], path: KeyPath) -> Iterator[Misfit]:
    there = [field for field in shape.fields if field.key in value]
    others = [key for key in value if not any(key == field.key for field in there)] if len(there) < len(value) else ()
    for key in others:
        if shape.item:
            yield from misfits(shape.item, value[key], (*path, key))
        elif shape.fields:
            yield Misfit("unknown", (*path, key), shape, value[key])
    for field in there:
        yield from misfits(field.shape, value[field.key], (*path, field.key))
    for field in shape.fields if len(there) < len(shape.fields) else ():
        if field.required and field.key not in value:
            yield Misfit("missing", (*path, field.key), shape, None)


def describe(misfit: Misfit) -> str:
    """Return the sentence that says what is wrong with the value."""
    return f"{_subject(misfit.path)} {_fault(misfit)}"


def _fault(misfit: Misfit) -> str:
    shape = misfit.shape
    match misfit.kind:
        case "missing":
            return "is missing"
        case "blank":
            return "is empty" if shape.type is list else "is blank"
        case "lines":
            return f"has several lines; it must be {shape.expects}"
        case "type" if not shape.either:
            expected = "a string" if shape.type is str else shape.expects
            return f"must be {expected}, not {_kind_of(misfit.value)}"
        case "value" if shape.type is list:
            return f"has {len(misfit.value):,} entries; the most is {ITEMS_MOST:,}"
    return f"must be {shape.expects}"


def _subject(path: KeyPath) -> str:
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    return f"an entry of `{key}`" if isinstance(path[-1], int) else f"`{key}`"


def _kind_of(value: Any) -> str:
    if isinstance(value, float) and not isfinite(value):
        return "an infinite or undefined number"
    names = {bool: "a boolean", str: "a string", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def coerce(shape: Shape, value: Any) -> Any:
    """Return the value in an immutable form that has the shape's type, whatever the value is.

    What does not fit becomes the empty value of its type, so that the rest can still be checked: a wrong entry
    of a list becomes `""` and keeps the others at their index; an absent key of a table gets its field's
    default, or stays absent where that is None.
    """
    if not _has_type(shape.type, value):
        return _empty(shape)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return tuple(_coerced_entries(shape.item, value))
    if isinstance(value, dict) and shape.fields and not shape.item:
        kept = [field for field in shape.fields if field.key in value or field.default is not None]
        return coerce_fields(kept, value)
    if isinstance(value, dict) and shape.item:
        return {key: coerce(shape.item, entry) for key, entry in value.items()}
    return value


def _coerced_entries(item: Shape | None, entries: list[Any]) -> Iterable[Any]:
    if item is None or (item.type is str and are_texts(entries)):
        return entries
    if item.type is str:
        return (entry if isinstance(entry, str) else "" for entry in entries)
    return (coerce(item, entry) for entry in entries)


def coerce_fields(fields: Iterable[Field], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the coerced values of a table's keys, and the defaults of the fields that it has not."""
    return {
        field.key: coerce(field.shape, table[field.key]) if field.key in table else field.default for field in fields
    }


def _empty(shape: Shape) -> Any:
    if shape.type is dict:
        return coerce(shape, {})
    return {str: "", list: (), bool: False}.get(shape.type)


UNFIT = object()
"""What a reader gives for a value that does not fit."""

Read = Callable[[Any], Any]


def reader(shape: Shape) -> Read:
    """Return a function that gives a value that fits the shape as `coerce` does, and UNFIT for any other.

    It says no more than that, and so is much faster than `misfits` and `coerce` on what most manifests are.
    """
    if shape.type is list and shape.item is FILLED:
        return _reader_of_texts(shape.least or 0)
    if shape.type is dict and shape.fields and not shape.item:
        return _reader_of_table(shape.fields)
    if shape.type is list and shape.item and shape.item.fields:
        return _reader_of_tables(shape.least or 0, reader(shape.item))
    if shape.type is str:
        return lambda value: value if type(value) is str and not _fault_of_string(shape, value) else UNFIT
    return lambda value: coerce(shape, value) if fits(shape, value) else UNFIT


def _reader_of_texts(least: int) -> Read:
    def read(value: Any) -> Any:
        is_list = type(value) is list and least <= len(value) <= ITEMS_MOST
        return tuple(value) if is_list and are_texts(value) and all(map(str.strip, value)) else UNFIT

    return read


def _reader_of_tables(least: int, read_one: Read) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not list or not least <= len(value) <= ITEMS_MOST:
            return UNFIT
        tables = tuple(map(read_one, value))
        return UNFIT if UNFIT in tables else tables

    return read


def _reader_of_table(fields: Iterable[Field]) -> Read:
    fields = tuple(fields)
    readers = {field.key: reader(field.shape) for field in fields}
    required = {field.key for field in fields if field.required}
    defaults = {field.key: field.default for field in fields if field.default is not None}

    def read(value: Any) -> Any:
        if type(value) is not dict or not readers.keys() >= value.keys() >= required:
            return UNFIT
        made = {key: readers[key](inner) for key, inner in value.items()}
        return UNFIT if UNFIT in made.values() else {**defaults, **made}

    return read
