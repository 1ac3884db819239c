"""Rules about folders in which one client finds the files of several targets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import KeyPath, Location, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.model.manifest import Manifest
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.runner import locate
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import TARGETS


@rule("O651", Severity.WARNING)
def other_file_loaded(kit: LoadedKit, target: str, files: Sequence[str]) -> Iterable[Violation]:
    """A client finds the file of another target for an agent in a folder of its own, beside the one for it.

    The client knows both by the same name, and loads only one of them, perhaps the one that is not for it. There is one
    warning for each client. Where a client also reads another client's folder, its own file wins, so that is no
    problem.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code."

        # assemble.toml
        targets = ["kimi", "auggie"]

        [target.auggie]
        output = ".agents/agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code."

        # assemble.toml
        targets = ["kimi", "auggie"]
    """
    manifest = kit.decoded(files[0])[0]
    others = [other for reader, other in _pairs(kit, manifest, files[0]) if reader == target]
    folders = dict.fromkeys(os.path.dirname(kit.output(other, manifest.name, files[0])) or "." for other in others)
    label, labels = TARGETS[target].label, listed((TARGETS[other].label for other in others), str)
    what = f"`{manifest.name}`" if len(files) == 1 else counted(len(files), "agent")
    yield Violation(
        _output(kit, others[0]),
        f"{label} also finds the files of {what} for {labels} in {listed(folders)}, and loads only one file per agent",
        f"choose another folder with `output` in {listed(f'[target.{other}]' for other in others)} of the settings",
    )


def _output(kit: LoadedKit, target: str) -> KeyPath | Location:
    """Where the settings say how to name a target's files, or otherwise the start of the manifest."""
    if kit.settings_source and kit.settings.of(target).get("output"):
        return locate(kit.settings_source, kit.settings_path("target", target, "output"))
    return ()


def _pairs(kit: LoadedKit, manifest: Manifest, file: str) -> tuple[tuple[str, str], ...]:
    return kit.placement.readers_of_others(kit.targets_of(manifest), os.path.dirname(file))


def crowded_notes(kit: LoadedKit, manifest: Manifest, file: str) -> tuple[tuple[str, str], ...]:
    """Return what the manifest in a file contributes to the notes about the kit: pairs of the code and a target."""
    pairs = _pairs(kit, manifest, file)
    return tuple((other_file_loaded.code, reader) for reader in dict.fromkeys(reader for reader, _ in pairs))


OF_KIT = {other_file_loaded.code: other_file_loaded}
"""The rules whose findings are about the whole kit, by their codes."""
