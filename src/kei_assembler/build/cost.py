"""What a run may cost: bounds on what it keeps in memory and on how much it works, in bytes.

A run that would go beyond a bound ends early, with one finding. Both bounds are far above what real kits need: 10,000
agents with new files of 10 KiB for two clients stay below them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from kei_assembler.diagnostics import Diagnostic, ExcessError
from kei_assembler.kit import LoadedKit
from kei_assembler.model.kinds import AGENT

MAX_KEPT_BYTES = 256 * 1024 * 1024
"""The maximum size of everything that a run keeps until it writes: the old and the new content of changed files, and
the findings."""

MAX_HANDLED_BYTES = 1024 * 1024 * 1024
"""The maximum size of everything that a run reads or generates, kept or not."""

ENTRY_BYTES = 1024
"""The memory that an output takes, apart from its content, and a finding, apart from the line that it quotes."""


class Cost:
    """The cost of a run so far, or of a part of a run."""

    def __init__(self, kit: LoadedKit) -> None:
        self._file = kit.settings_source.file if kit.settings_source else kit.settings.folder_for(AGENT)
        self.kept = 0
        self.handled = 0

    def add(self, kept: int = 0, handled: int = 0) -> None:
        """Add to the cost.

        Raises:
            ExcessError: the cost is beyond a bound.
        """
        self.kept += kept
        self.handled += handled
        if self.kept > MAX_KEPT_BYTES or self.handled > MAX_HANDLED_BYTES:
            # The message does not say which bound: with two processes, that would depend on which of them is faster.
            raise ExcessError(
                self._file,
                f"the run is too large: a run can change files of {MAX_KEPT_BYTES:,} bytes in total, and generate"
                f" {MAX_HANDLED_BYTES:,} bytes",
                "build fewer manifests at a time, list fewer blocks, or generate for fewer targets",
            )

    def add_findings(self, found: Iterable[Diagnostic]) -> None:
        """Add the cost of keeping these findings.

        Raises:
            ExcessError: the cost is beyond a bound.
        """
        findings = list(found)
        if findings:
            locations = [one.location for one in findings]
            locations += [related.location for one in findings for related in one.related]
            self.add(ENTRY_BYTES * len(locations) + sum(map(sys.getsizeof, {one.excerpt for one in locations})))
