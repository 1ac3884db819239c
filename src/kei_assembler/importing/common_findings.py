"""Report once what many imported files have in common, such as a key that no manifest can have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.rules import bodies, imports
from kei_assembler.rules.tools import unknown_tool
from kei_assembler.suggestions import counted, listed

_MAX_NAMED = 3
_RULES = (
    imports.key_not_placed,
    imports.tools_repaired,
    imports.value_in_lower_case,
    imports.metadata_kept,
    bodies.section_moved,
    unknown_tool,
)
_COMMON = frozenset(rule.code for rule in _RULES)
"""The codes of findings about keys, tools and shared sections. Of the others, each one needs a look at its file."""


def grouped(found: Iterable[Diagnostic], clients: Mapping[str, str]) -> list[Diagnostic]:
    """Return the findings, with one for all files of a client that have the same finding about a key, tool or section.

    `clients` has the client of each imported file by its path. A manifest has none.
    """
    others: list[Diagnostic] = []
    groups: defaultdict[tuple[str, ...], list[Diagnostic]] = defaultdict(list)
    for one in found:
        if one.code in _COMMON:
            groups[(one.code, one.message, one.help, clients.get(one.location.file, ""))].append(one)
        else:
            others.append(one)
    return [*others, *map(_as_one, groups.values())]


def _as_one(group: Iterable[Diagnostic]) -> Diagnostic:
    """The first of equal findings, which names the first files of the others."""
    first, *others = sorted(group)
    files = [file for file in dict.fromkeys(one.location.file for one in others) if file != first.location.file]
    if not files:
        return first
    count = f"{counted(len(files), 'other file')}: " if len(files) >= _MAX_NAMED else ""
    named = files if not count else files[: _MAX_NAMED - 1]
    more = [f"{len(files) - len(named):,} more"] if count else []
    return first._replace(message=f"{first.message}; also in {count}{listed([*map('`{}`'.format, named), *more], str)}")
