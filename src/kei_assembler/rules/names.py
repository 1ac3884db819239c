"""Names: is an agent found by its name, and only one?"""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.kit import stem
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.rules.subject import Subject


@rule("K107")
def name_differs_from_file(subject: Subject) -> Iterable[Finding]:
    """The agent's name is not the name of its file.

    Handoffs, outputs and people find an agent by its file, AI tools by its name: they must be the same.

    Fails::

        name = "critique"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    name, expected = subject.manifest.name, stem(subject.source.file)
    if name and subject.fits("name") and name != expected:
        yield Finding(("name",), f"the name `{name}` is not the file's, `{expected}`", "rename one of the two")


@rule("K108")
def name_twice(subject: Subject) -> Iterable[Finding]:
    """Two manifests of the kit have one name.

    An agent's name is unique in its kit, also across the folders of its manifests.

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
        yield Finding(("name",), f"`{others[0]}` has the same name{more}", "each agent needs a name of its own")


OF_MANIFEST = (name_differs_from_file, name_twice)
