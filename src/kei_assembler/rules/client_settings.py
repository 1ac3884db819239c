"""Rules about agents in the settings of their clients."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import KeyPath, Severity, Span
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS


class Entry(NamedTuple):
    """The keys of a generated agent in the settings of a client, and the agent's file and manifest."""

    where: KeyPath | Span
    target: str
    keys: tuple[str, ...]
    path: str
    manifest: str


@rule("L804", Severity.WARNING)
def changed_by_settings(entry: Entry) -> Iterable[Violation]:
    """The settings of a client have keys for a generated agent, so the agent is not what its manifest says.

    OpenCode, for example, adds the keys in `opencode.json` to those of the file: a model, permissions, or `disable`,
    which removes the agent. Other clients prefer an agent of their settings. The lines *overrides* in
    `assemble targets NAME` say which files these are. The settings of the project count, and those of the projects
    around it up to `root`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        targets = ["opencode"]

        # opencode.json
        { "agent": { "critic": { "model": "anthropic/claude-opus-4" } } }

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        targets = ["opencode"]

        [target.opencode]
        model = "anthropic/claude-opus-4"
    """
    row = TARGETS[entry.target]
    if row.agent_settings:
        message = f"{row.label} {row.agent_settings.effect} those of the generated `{entry.path}`: {listed(entry.keys)}"
        yield Violation(entry.where, message, f"set what you need in {entry.manifest}, and remove the keys here")
