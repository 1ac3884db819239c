"""Rules about the names of agents."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.kit import stem
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.rules.subject import Subject


@rule("K107")
def name_differs_from_file(subject: Subject) -> Iterable[Finding]:
    """The agent's name differs from its file name.

    Handoffs, outputs and people find an agent by its file, and AI clients by its name, so the two must be the same.

    Fails::

        name = "critique"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    name, expected = subject.manifest.name, stem(subject.source.file)
    if name and subject.fits("name") and name != expected:
        yield Finding(("name",), f"the name `{name}` differs from the file name, `{expected}`", "rename one of the two")


@rule("K108")
def duplicate_name(subject: Subject) -> Iterable[Finding]:
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
    others = [file for file in subject.kit.namesakes.get(stem(subject.source.file), ()) if file != subject.source.file]
    if others:
        more = f", and {len(others) - 1:,} more" if others[1:] else ""
        yield Finding(("name",), f"`{others[0]}` has the same name{more}", "give each agent a different name")


OF_MANIFEST = (name_differs_from_file, duplicate_name)
