"""Waivers: what the settings or an option allow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from kei_assembler.build.changes import Change
from kei_assembler.build.options import Policy
from kei_assembler.build.result import Waiver
from kei_assembler.kit import Kit
from kei_assembler.markdown.hidden_text import named
from kei_assembler.model.settings import character


def waivers(kit: Kit, policy: Policy, changes: Iterable[Change]) -> Iterator[Waiver]:
    """Yield everything that a check of these changes accepts because of the settings or an option."""
    for code in sorted(policy.ignore):
        yield Waiver(f"{code} is ignored")
    for name, reason in kit.settings.allow_characters.items():
        yield Waiver(f"{named(character(name))} may be in the text", reason)
    for allowance in kit.settings.allow_rights:
        yield Waiver(f"{allowance['agent']} may have {', '.join(allowance['rights'])}", allowance["reason"])
    for folder in sorted({os.path.dirname(change.path) for change in changes if change.path.startswith("../")}):
        yield Waiver(f"files are written outside the kit, to {folder}")
