"""Rules about folders that a search for kits leaves out."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.rules.definition import Violation, rule


@rule("C716", Severity.NOTE)
def unused_exclude(kit: LoadedKit) -> Iterable[Violation]:
    """An entry of the setting `exclude` matches no folder, so it leaves out no kit.

    Folders that are not searched anyway don't count, such as those that git ignores, and those in an excluded folder.
    Only `--all --recursive` looks for such entries, if it starts in the kit's folder or above it.

    Fails::

        # assemble.toml
        exclude = ["test/cases"]

        # tests/cases/agents/critic.toml
        name = "critic"
        description = "Reviews code."

    Passes::

        # assemble.toml
        exclude = ["tests/cases"]

        # tests/cases/agents/critic.toml
        name = "critic"
        description = "Reviews code."
    """
    for index in kit.unused_excludes:
        entry = kit.settings.exclude[index]
        message = f"`{entry}` matches no folder"
        yield Violation(kit.settings_path("exclude", index), message, "correct it, or remove it")
