"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.kit import Kit
from kei_assembler.loader import refuse
from kei_assembler.plan.changes import WritePolicy


class Policy(NamedTuple):
    """How findings count: the codes to ignore, and whether warnings are errors."""

    ignore: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def of(cls, kit: Kit, codes: Iterable[str] = (), strict: bool = False) -> Policy:
        """Return the policy of a kit's settings, with further codes to ignore.

        Raises: AssembleError if the settings are wrong.
        """
        if kit.settings.ignore:
            from kei_assembler.rules.catalog import check_ignore

            refuse(check_ignore(kit))
        return cls(frozenset({*codes, *kit.settings.ignore}), strict)

    def weigh(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the findings that count, sorted, each with the severity that it counts with."""
        return sorted(
            diagnostic._replace(severity=Severity.ERROR)
            if self.strict and diagnostic.severity is Severity.WARNING
            else diagnostic
            for diagnostic in diagnostics
            if diagnostic.code not in self.ignore
        )


class RunOptions(NamedTuple):
    """What a run does: build, or only look (`check`, `diff`); what it may overwrite; how its findings count.

    With `staged`, the files of the kit also have to be in git's index as they are on disk.
    """

    check: bool = False
    diff: bool = False
    staged: bool = False
    write_policy: WritePolicy = WritePolicy()
    policy: Policy = Policy()

    @property
    def writes(self) -> bool:
        """Tell whether the run may write at all."""
        return not (self.check or self.diff)
