"""Hints about values that do not fit the shape of their table: which key, type or place is probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kei_assembler.model.inheritance import DROPPED
from kei_assembler.suggestions import did_you_mean, listed, nearest
from kei_assembler.targets import named_by_others
from kei_assembler.targets.groups import GROUPS
from kei_assembler.validation import Shape, ValidationError, keys_of


def hint(error: ValidationError) -> str:
    """Return the hint for an error about a type, a missing key or a value, or nothing."""
    if error.kind == "blank":
        return "fill it in, or remove it"
    hints = {"type": of_type, "missing": of_missing, "value": of_value}
    return hints[error.kind](error) if error.kind in hints else ""


def of_type(error: ValidationError) -> str:
    """Return the hint for a value of a wrong type, or nothing."""
    shape, value, key = error.shape, error.value, error.path[-1]
    tables = isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value)
    wanted = _type_of(shape.item) if shape.type is list and shape.item else None
    hints = (
        (wanted is dict and isinstance(value, dict), "write its header with two brackets: `[[{}]]`"),
        (wanted is str and isinstance(value, str), 'write a list, with each entry in quotes: ["…"]'),
        (_type_of(shape) is dict and tables, "write its header with one bracket: `[{}]`"),
        (shape.type is str and isinstance(value, list), "write one string, without brackets"),
        (key in keys_of(shape), f"a table with a name must be around it: `NAME = {{ {key} = … }}`"),
    )
    name = ".".join(step for step in error.path if isinstance(step, str))
    return next((hint.replace("{}", name) for applies, hint in hints if applies), "")


def _type_of(shape: Shape) -> type:
    """The type of a shape. If all its choices have the same type, it is that one."""
    types = {choice.type for choice in shape.any_of}
    return types.pop() if len(types) == 1 else shape.type


def of_missing(error: ValidationError) -> str:
    """Return the hint for a missing key, or nothing."""
    key, own = str(error.path[-1]), {field.key for field in error.shape.fields}
    if meant := misspelling_of(error):
        return f"`{meant}` is probably a misspelling of it"
    inner = next(field.shape.item for field in error.shape.fields if field.key == key)
    if inner and (inside := [each for each in error.value if each not in own and each in keys_of(inner)]):
        return f"write {listed(inside)} in an entry of it: `{key} = [{{ {inside[0]} = … }}]`"
    return "; ".join(_of_others(error))


def _of_others(error: ValidationError) -> Iterator[str]:
    """What the key `by` must be for the keys that the table has."""
    words: dict[str, list[str]] = {}
    for choice in error.others:
        for field in choice.fields:
            if field.required and field.key != error.by and field.key in error.value:
                kinds = next(each.shape.choices for each in choice.fields if each.key == error.by)
                words.setdefault(field.key, []).extend(kinds)
    for key, fitting in words.items():
        yield f"with `{key}`, `{error.by}` must be {listed(fitting, joint='or')}"


def misspelling_of(error: ValidationError) -> str | None:
    """Return the key that a table has instead of a missing one, or of one of those that it needs, or None."""
    own = {field.key for field in error.shape.fields}
    wanted = (str(error.path[-1]),) if error.kind == "missing" else error.shape.needs_one
    found = (nearest(key, error.value.keys() - own) for key in wanted) if isinstance(error.value, dict) else ()
    return next(filter(None, found), None)


def of_value(error: ValidationError) -> str:
    """Return the hint for a table without any of the keys that it needs, or for what is no target, or nothing."""
    if error.shape.needs_one and (meant := misspelling_of(error)):
        return f"`{meant}` is probably a misspelling"
    return _of_target(error.value, error.shape.choices) if isinstance(error.value, str) else ""


def _of_target(word: str, known: Collection[str]) -> str:
    """The hint for a word that is none of the known names and groups of targets, or nothing if these are no targets."""
    target = named_by_others(word)
    if target in known:
        return f"did you mean `{target}`?"
    if not GROUPS.keys() <= {*known}:
        return ""
    if word.startswith(DROPPED) and word.removeprefix(DROPPED) in known:
        return f"`{DROPPED}` drops only what a base lists; list the clients that you want"
    return did_you_mean(word, known, f"the groups are {listed(GROUPS)}") if word.startswith("@") else ""


def how_to_add(shape: Shape, key: str) -> str:
    """Return how to add a key to a manifest of this shape."""
    field = next(field for field in shape.fields if field.key == key)
    if not field.is_table:
        return f"write `{key} = …` above the first table header"
    header, fields = f"`[{key}]`", field.shape.fields
    if field.shape.type is list:
        header = f"a `[[{key}]]`"
    elif fields and all(field.is_table for field in fields):
        header = f"a `[{key}.…]`"
    return f"add {header} at the end of the file"
