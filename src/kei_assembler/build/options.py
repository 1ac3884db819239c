"""The options of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kei_assembler.build.changes import WritePolicy
from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.kit import Kit
from kei_assembler.loader import refuse


class Policy(NamedTuple):
    """How to count findings: the codes to ignore, and whether warnings are errors (`strict`)."""

    ignore: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def of(cls, kit: Kit, codes: Iterable[str] = (), strict: bool = False) -> Policy:
        """Return the policy of a kit's settings, with additional codes to ignore.

        Raises:
            AssembleError: the settings name a code that does not exist or cannot be ignored.
        """
        if kit.settings.ignore:
            from kei_assembler.rules.catalog import check_ignore

            refuse(check_ignore(kit))
        return cls(frozenset({*codes, *kit.settings.ignore}), strict)

    def weigh(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the findings that are not ignored, sorted, with their severity under this policy."""
        return sorted(
            diagnostic._replace(severity=Severity.ERROR)
            if self.strict and diagnostic.severity is Severity.WARNING
            else diagnostic
            for diagnostic in diagnostics
            if diagnostic.code not in self.ignore
        )


class RunOptions(NamedTuple):
    """The options of a run. With `check` or `diff`, it writes nothing.

    With `staged`, it also reports the files of the kit that differ from git's index.
    """

    check: bool = False
    diff: bool = False
    staged: bool = False
    write_policy: WritePolicy = WritePolicy()
    policy: Policy = Policy()

    @property
    def writes(self) -> bool:
        """Return whether the run writes files."""
        return not (self.check or self.diff)
