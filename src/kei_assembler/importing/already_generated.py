"""Import: agent files that this tool made from manifests of the kit, which are no further agents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import NamedTuple

from kei_assembler.build.classify import named_by
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.convert import ImportedFile
from kei_assembler.importing.names import own_name
from kei_assembler.kit import Kit, stem
from kei_assembler.markdown import stamp
from kei_assembler.paths import display_path
from kei_assembler.rules import imports
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import START

_MORE = "move the change into {0}, a block or a template; to see it, run: assemble --diff {1}"


class GeneratedFile(NamedTuple):
    """An agent file, the manifest of the kit that it was made from, and whether it is still as it was made."""

    agent: AgentFile
    manifest: str
    intact: bool


def told_apart(kit: Kit, origins: Sequence[ImportedFile]) -> tuple[list[ImportedFile], list[GeneratedFile]]:
    """Return the files that people wrote, and those that were made from manifests which the kit has.

    A copy of such a file in which somebody began an agent of another name is that person's.
    """
    marks = [_mark(origin.agent) for origin in origins]
    manifests = {kit.files.resolve(kit.path(file)): file for file in kit.manifests} if any(marks) else {}
    made = [
        mark and _generated(kit, origin.agent, mark, manifests) for origin, mark in zip(origins, marks, strict=True)
    ]
    return [origin for origin, one in zip(origins, made, strict=True) if one is None], list(filter(None, made))


def edits(kit: Kit, generated: Iterable[GeneratedFile]) -> list[Diagnostic]:
    """Return a finding for each file that was edited after it was made."""
    found = []
    for agent, manifest, _ in (one for one in generated if not one.intact):
        message = f"the file was generated from {manifest} and edited since; the edit was not taken over"
        hint = _MORE.format(manifest, quote(display_path(kit.path(manifest))))
        found += agent.say(imports.edit_not_imported, START, message, hint)
    return found


def _mark(agent: AgentFile) -> stamp.Stamp | None:
    comment = TARGETS[agent.target].form.comment
    return stamp.find(stamp.settled(agent.source.text, comment), comment)


def _generated(kit: Kit, agent: AgentFile, mark: stamp.Stamp, manifests: Mapping[str, str]) -> GeneratedFile | None:
    named = map(kit.files.resolve, named_by(kit.files, os.path.abspath(agent.source.file), mark.source))
    manifest = next((manifests[path] for path in named if path in manifests), "")
    is_made = manifest and (_is_in_place(kit, agent, manifest) or own_name(agent)[0] == stem(manifest))
    return GeneratedFile(agent, manifest, mark.intact) if is_made else None


def _is_in_place(kit: Kit, agent: AgentFile, manifest: str) -> bool:
    output = kit.output(agent.target, stem(manifest), manifest)
    return kit.files.resolve(kit.path(output)) == kit.files.resolve(agent.source.file)
