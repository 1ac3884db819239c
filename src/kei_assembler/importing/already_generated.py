"""Recognize agent files that were generated from the kit's manifests, so that they are not imported again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache

from kei_assembler.build.classify import is_intact, named_by
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.names import wanted_name
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.markdown import shell, stamp
from kei_assembler.paths import display_path
from kei_assembler.rules import imports
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import START


def without_generated(
    kit: LoadedKit, agents: Iterable[AgentFile]
) -> tuple[list[AgentFile], list[str], list[Diagnostic]]:
    """Return the files that people wrote, the manifests of the generated ones, and a diagnostic for each edit."""
    by_hand, generated, found = [], [], []
    # resolving all manifests is slow in a large kit, and most imports need none of them
    manifests = cache(lambda: {kit.files.resolve(kit.path(file)): file for file in kit.manifests})
    for agent in agents:
        comment = TARGETS[agent.target].form.comment
        mark = stamp.find_settled(agent.source.text, comment)
        manifest = _manifest_of(kit, agent, mark, manifests()) if mark else None
        if mark is None or manifest is None:
            by_hand.append(agent)
            continue
        generated.append(manifest)
        if not is_intact(kit, kit.output(agent.target, stem(manifest), manifest), manifest, mark):
            message = f"the file was generated from {manifest} and then edited; the edit was not imported"
            command = f"assemble --diff{kit.settings.command_option} {shell.word(display_path(kit.path(manifest)))}"
            hint = f"move the change to {manifest}, a block or a template; to see it, run: {command}"
            found += agent.report(imports.edit_not_imported, START, message, hint)
    return by_hand, generated, found


def _manifest_of(kit: LoadedKit, agent: AgentFile, mark: stamp.Stamp, manifests: Mapping[str, str]) -> str | None:
    """The manifest that a file was generated from. A copy with another agent name is a new agent, and has none."""
    resolve = kit.files.resolve
    named = map(resolve, named_by(kit.files, os.path.abspath(agent.source.file), mark.source))
    manifest = next((manifests[path] for path in named if path in manifests), None)
    if manifest is None:
        return None
    output = kit.path(kit.output(agent.target, stem(manifest), manifest))
    is_in_place = resolve(output) == resolve(agent.source.file)
    return manifest if is_in_place or wanted_name(agent).name == stem(manifest) else None
