"""What settings with wrong values are meant to have."""

from __future__ import annotations

from kei_assembler.kit import LoadedKit
from kei_assembler.rules import table_hints
from kei_assembler.rules.definition import Remedy
from kei_assembler.rules.hints import meant_name
from kei_assembler.rules.remedies import listing_setting, replacing_setting
from kei_assembler.targets import nearest_target
from kei_assembler.validation import ValidationError


def remedy_of_wrong(kit: LoadedKit, error: ValidationError, match: str | None) -> Remedy | None:
    """Return what corrects a setting with a wrong value, given the value that is meant."""
    known = kit.known_blocks if _is_obligatory(kit, error) else error.shape.choices
    return listing_setting(kit, error.path, error) or replacing_setting(kit, error.path, error.value, match, known)


def meant_value(kit: LoadedKit, error: ValidationError) -> str | None:
    """Return the value that a setting with a wrong one is probably meant to have, or None."""
    if error.kind != "value" or not isinstance(error.value, str):
        return None
    if _is_obligatory(kit, error):
        return meant_name(error.value, kit.known_blocks, kit.settings.blocks)
    return nearest_target(error.value, error.shape.choices) if error.shape.choices else None


def _is_obligatory(kit: LoadedKit, error: ValidationError) -> bool:
    path = error.path[len(kit.settings_at) :]
    return "obligatory" in (path[0], *path[2:3]) and path[0] in ("obligatory", "kind")


def hint_for_wrong(error: ValidationError, match: str | None) -> str:
    """Return the help for a setting with a wrong value, given the value that is meant."""
    if hint := table_hints.hint(error):
        return hint
    if error.path[-1] == "output" and isinstance(error.value, str) and error.value.startswith(("~", "$", "%")):
        return "for your home folder, begin with `~/`; variables and other users are not supported"
    return f"did you mean `{match}`?" if match else ""
