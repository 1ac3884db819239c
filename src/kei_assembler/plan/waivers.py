"""What passes only because the settings or the command line say so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from kei_assembler.kit import Kit
from kei_assembler.kit.settings import character
from kei_assembler.plan.changes import Change
from kei_assembler.plan.options import Policy
from kei_assembler.plan.result import Waiver
from kei_assembler.text.hidden import named


def waivers(kit: Kit, policy: Policy, changes: Iterable[Change]) -> Iterator[Waiver]:
    """Yield everything that a check of these changes accepts although it would not by default."""
    for code in sorted(policy.ignore):
        yield Waiver(f"{code} is ignored")
    for name, reason in kit.settings.allow_characters.items():
        yield Waiver(f"{named(character(name))} may be in the text", reason)
    for allowance in kit.settings.allow_rights:
        yield Waiver(f"{allowance['agent']} may have {', '.join(allowance['rights'])}", allowance["reason"])
    for folder in sorted({os.path.dirname(change.path) for change in changes if change.path.startswith("../")}):
        yield Waiver(f"files are written outside the kit, to {folder}")
