"""Say what is wrong with the entries of a list that a manifest cannot have, such as incomplete handoffs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from kei_assembler.suggestions import listed
from kei_assembler.validation import Shape, describe, validation_errors

_MAX_ENTRIES = 3
_MAX_FAULTS = 5


def faults_of_entries(shape: Shape, value: Any) -> str:
    """Return what is wrong with the first faulty entries, or "" if a value is not a list that should have tables.

    For example: "in entry 2, `agent` is missing and `prompt` is blank".
    """
    if not isinstance(value, list) or not (shape.item and shape.item.fields):
        return ""
    faults: defaultdict[int, list[str]] = defaultdict(list)
    for error in validation_errors(shape, value):
        if error.path and isinstance(error.path[0], int):
            faults[error.path[0]].append(describe(error) if len(error.path) > 1 else f"it {error.fault}")
    parts = [f"in entry {index + 1}, {listed(faults[index][:_MAX_FAULTS], str)}" for index in sorted(faults)]
    more = [f"and {len(parts) - _MAX_ENTRIES:,} more entries are wrong"] if len(parts) > _MAX_ENTRIES else []
    return "; ".join([*parts[:_MAX_ENTRIES], *more])
