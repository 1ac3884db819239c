"""Entries that a list has twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from kei_assembler.diagnostics import KeyPath
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.remedies import removing
from kei_assembler.value_types import are_texts


def repeats(path: KeyPath, entries: Collection[object], key: Callable[[str], str] | None = None) -> Iterator[Violation]:
    """Yield a finding for every string that a list repeats. Strings are the same if `key` returns the same for them."""
    if key is None and are_texts(entries) and len(set(entries)) == len(entries):
        return
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if isinstance(entry, str) and entry:
            before = first.setdefault(key(entry) if key else entry, index)
            if before != index:
                related = (((*path, before), "listed here first"),)
                message = f"`{entry}` is listed twice in `{path[-1]}`"
                yield Violation((*path, index), message, "remove one of the two", related, removing((*path, index)))
