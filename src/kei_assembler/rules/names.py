"""Rules about the names of agents."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.kit import stem
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext


@rule("K107")
def name_differs_from_file(context: ManifestContext) -> Iterable[Violation]:
    """The agent's name differs from its file name.

    Handoffs, outputs and people find an agent by its file, and AI clients by its name, so the two must be the same.

    Fails::

        name = "critique"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    name, expected = context.manifest.name, stem(context.source.file)
    if name and context.fits("name") and name != expected:
        message = f"the name `{name}` differs from the file name, `{expected}`"
        yield Violation(("name",), message, "rename one of the two")


@rule("K108")
def duplicate_name(context: ManifestContext) -> Iterable[Violation]:
    """Two manifests of the kit have the same name.

    An agent's name must be unique in its kit, even if the manifests are in different folders.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/research/critic.toml
        name = "critic"
        description = "Reviews papers."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/research/paper-critic.toml
        name = "paper-critic"
        description = "Reviews papers."
    """
    others = [file for file in context.kit.namesakes.get(stem(context.source.file), ()) if file != context.source.file]
    if others:
        more = f", and {len(others) - 1:,} more" if others[1:] else ""
        yield Violation(("name",), f"`{others[0]}` has the same name{more}", "give each agent a different name")


OF_MANIFEST = (name_differs_from_file, duplicate_name)
