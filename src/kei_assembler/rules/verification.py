"""Rules about how well the clients are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import KeyPath, Location, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.model.manifest import Manifest
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.runner import locate
from kei_assembler.targets import TARGETS

_DOCS_ONLY = frozenset(name for name, row in TARGETS.items() if row.is_docs_only)


@rule("O637", Severity.NOTE)
def docs_only_target(kit: LoadedKit, target: str, files: Sequence[str]) -> Iterable[Violation]:
    """The settings or a manifest name a client that is known from its documentation only.

    Nobody has run the client or read its code to see whether it loads the files as its documentation says.
    `assemble targets` marks such clients as `docs only`, and the groups `@all` and `@verified` leave them out. There is
    one note for each of them, where it is named first. Once you have seen that your files work, add the code to
    `ignore`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code."

        # assemble.toml
        targets = ["codex", "kiro"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code."

        # assemble.toml
        targets = ["codex"]
    """
    label = TARGETS[target].label
    message = f"`{target}` is docs only: nobody has run {label} or read its code to see how it loads these files"
    hint = f"try them in {label}, and then add `O637` to `ignore`"
    yield Violation(_first_name(kit, target, files[0]), message, hint)


def _first_name(kit: LoadedKit, target: str, file: str) -> KeyPath | Location:
    """Return where the settings name a target, or otherwise its path in a manifest, which is in a file."""
    if target in kit.settings.targets and kit.settings_source:
        return locate(kit.settings_source, kit.settings_path("targets", kit.settings_table["targets"].index(target)))
    return ("targets", (kit.decoded(file)[0].targets or ()).index(target))


def docs_only_notes(kit: LoadedKit, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Return what a manifest contributes to these notes: pairs of the code and a target that it, or the kit, names."""
    named = manifest.targets or kit.settings.targets
    concerned = _DOCS_ONLY.intersection(named) if _DOCS_ONLY else ()
    return tuple((docs_only_target.code, target) for target in kit.targets_of(manifest) if target in concerned)


OF_KIT = {docs_only_target.code: docs_only_target}
"""The rules whose findings are notes about the whole kit, by their codes."""
