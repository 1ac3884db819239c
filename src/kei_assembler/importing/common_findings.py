"""Report once what many imported files have in common, such as a key that no manifest can have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.legacy_syntax import REASONS
from kei_assembler.rules import bodies, imports, joined_files
from kei_assembler.rules.tools import tool_without_counterpart, unknown_tool
from kei_assembler.rules.values import model_of_another_client
from kei_assembler.suggestions import counted, listed

_MAX_NAMED = 2
_RULES = (
    imports.key_not_placed,
    imports.tools_repaired,
    imports.value_in_lower_case,
    imports.metadata_kept,
    bodies.section_moved,
    unknown_tool,
)
_COMMON = frozenset(rule.code for rule in _RULES)
"""The codes of findings that many files share. Of the others, each one needs a look at its file."""

_COMMON_IF_MANY = frozenset((imports.no_agent_file.code, model_of_another_client.code))
"""The codes of findings that are one only if there are many."""

_ALIKE_RULES = (
    imports.file_left_behind,
    imports.name_repaired,
    joined_files.copy_joined,
    joined_files.client_differs,
    tool_without_counterpart,
)
_ALIKE = frozenset(rule.code for rule in _ALIKE_RULES)
"""The codes of findings that are alike in many files, but name other paths, agents or tools."""

_MAX_SINGLE = 3
"""How many of these findings are reported one by one."""

_VALUES = lazy_re.compile("`[^`]*`|[0-9]+")


def grouped(found: Iterable[Diagnostic], clients: Mapping[str, str]) -> list[Diagnostic]:
    """Return the findings, with one for all files of a client that have the same finding about a key, tool or section.

    Findings that are alike, for example about new paths, are one if there are many. `clients` has the client of each
    imported file by its path. A manifest has none.
    """
    others: list[Diagnostic] = []
    groups: defaultdict[tuple[str, ...], list[Diagnostic]] = defaultdict(list)
    many: defaultdict[tuple[str, ...], list[Diagnostic]] = defaultdict(list)
    for one in found:
        client = clients.get(one.location.file, "")
        if one.code in _COMMON:
            groups[(one.code, one.message, one.help, client)].append(one)
        elif one.code in _ALIKE:
            many[(one.code, _VALUES.sub("", one.message), _VALUES.sub("", one.help), client)].append(one)
        elif one.code in _COMMON_IF_MANY or (one.code == imports.front_matter_guessed.code and one.help in REASONS):
            many[(one.code, one.message, one.help, client)].append(one)
        else:
            others.append(one)
    few = [one for group in many.values() if len(group) <= _MAX_SINGLE for one in group]
    return [
        *others,
        *few,
        *(_as_one(group, "also in {}") for group in groups.values()),
        *(_as_one(group, "likewise for {}") for group in many.values() if len(group) > _MAX_SINGLE),
    ]


def _as_one(group: Iterable[Diagnostic], more: str) -> Diagnostic:
    """The first of like findings. `more` is what its message says about the files of the others, which it names."""
    first, *others = sorted(group)
    files = [file for file in dict.fromkeys(one.location.file for one in others) if file != first.location.file]
    if not files:
        return first
    count = f"{counted(len(files), 'other file')}: " if len(files) > _MAX_NAMED else ""
    return first._replace(message=f"{first.message}; {more.format(f'{count}{listed(files, most=_MAX_NAMED)}')}")
