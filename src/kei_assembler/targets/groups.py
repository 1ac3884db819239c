"""Groups of targets: a list of targets can name one instead of many clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target

GROUPS: Mapping[str, Callable[[Target], bool]] = {
    "@all": lambda row: not row.is_docs_only,
    "@verified": lambda row: not any(one.is_docs_only for one in row.verified),
}
"""The groups by name, each with a function that says whether a target belongs to it."""


def is_group(entry: object) -> bool:
    """Return whether an entry in a list of targets is the name of a group."""
    return isinstance(entry, str) and entry in GROUPS


def expanded(entries: Iterable[str]) -> tuple[str, ...]:
    """Return a list of targets with the targets of each group in its place, in the order of the rows.

    A target that is reached more than once keeps its first position. All other entries stay as they are.
    """
    named = (_members(entry) if is_group(entry) else (entry,) for entry in entries)
    return tuple(dict.fromkeys(target for targets in named for target in targets))


def _members(group: str) -> tuple[str, ...]:
    return tuple(name for name, row in TARGETS.items() if GROUPS[group](row))
