"""Keys of a manifest that are below the header of a table which accepts them, so that they have become its keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from kei_assembler.diagnostics import KeyPath
from kei_assembler.model.manifest import FIELDS, HEAD_KEYS
from kei_assembler.model.values import value_tables
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.whitespace import SPACES


def strays(context: ManifestContext) -> Iterator[KeyPath]:
    """Yield the paths of keys of the manifest that are below the header of a table that accepts any key."""
    of_kit = [key for key, kind in context.kit.settings.extra_keys.items() if kind == "table"]
    if context.data.keys().isdisjoint(("target", "values", *of_kit)):  # as in most manifests
        return
    found = (_in_open_tables(context.data.get(table), (table,)) for table in ("target", *of_kit))
    for path in chain(*found, _in_values(context)):
        if is_header(context, path[:-1]) and not is_header(context, path):
            yield path


def is_stray(context: ManifestContext, key: str) -> bool:
    """Return whether a key of the manifest is below the header of a table that accepts any key."""
    return any(path[-1] == key for path in strays(context))


def _in_values(context: ManifestContext) -> Iterator[KeyPath]:
    for path, values in value_tables(context.data):
        yield from ((*path, key) for key in context.keys if key in values)


def is_header(context: ManifestContext, path: KeyPath) -> bool:
    """Return whether a table has a header of its own, on one or more lines.

    A key below a header may be there by mistake. One in an inline table, or in a header, is there on purpose.
    """
    return (context.locate(path).excerpt or "").lstrip(SPACES).startswith("[")


# Keys that only manifests have. In a table that accepts any key, such as `hooks`, they are most likely misplaced.
_MANIFEST_KEYS = frozenset(field.key for field in FIELDS if field.key not in HEAD_KEYS)


def _in_open_tables(value: object, path: KeyPath) -> Iterator[KeyPath]:
    # the keys of `[target.NAME]` itself are validated, and those of the tables in it are not
    validated_depth = 2 if path[0] == "target" else 0
    for key, inner in value.items() if isinstance(value, dict) else ():
        if len(path) > validated_depth and key in _MANIFEST_KEYS:
            yield (*path, key)
        if path[0] != "target" or key != "values":
            yield from _in_open_tables(inner, (*path, key))
