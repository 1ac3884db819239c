"""Rules about an imported agent file.

`assemble import` makes the findings while it reads a file. A rule only passes them on; it documents their code.
"""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import Violation, rule


@rule("I901", Severity.NOTE)
def no_agent_file(found: Violation) -> Iterable[Violation]:
    """A file is not an agent file: it has no front matter, or the front matter has no key of an agent.

    Some clients load a file without front matter as an agent if it is in their folder. There, `assemble import` does
    the same.

    Fails::

        # .claude/agents/readme.md
        Agents of our team.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """
    yield found


@rule("I902", Severity.WARNING)
def front_matter_guessed(found: Violation) -> Iterable[Violation]:
    """The meaning of front matter was guessed, because it is broken, or because clients read it differently.

    If front matter is not valid YAML, Claude Code reads it again with quotes around values that seem to need them.
    `assemble import` does the same, and otherwise reads it line by line. Compare the manifest with the file.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code: correctness first.
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: "Reviews code: correctness first."
        ---
        You review code.
    """
    yield found


@rule("I903")
def front_matter_refused(found: Violation) -> Iterable[Violation]:
    """Front matter is refused because it has aliases, is nested too deeply, or is too long.

    A few YAML aliases can expand to gigabytes of text. The file is not imported.

    Fails::

        # .claude/agents/critic.md
        ---
        name: &name critic
        description: *name
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: critic
        ---
        You review code.
    """
    yield found


@rule("I904", Severity.WARNING)
def key_not_placed(found: Violation) -> Iterable[Violation]:
    """A key of the front matter, or its value, is not allowed in a manifest.

    The client does not know the key or does not accept the value, or `assemble` does not know the key yet. The rest of
    the file is imported.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        version: 2
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        maxTurns: 2
        ---
        You review code.
    """
    yield found


@rule("I905", Severity.WARNING)
def name_repaired(found: Violation) -> Iterable[Violation]:
    """An agent was renamed: it has no name, its name is not allowed in a manifest, or another agent has it.

    Tell the people who start the agent by its name.

    Fails::

        # .claude/agents/critic.md
        ---
        name: Code Critic
        description: Reviews code.
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: code-critic
        description: Reviews code.
        ---
        You review code.
    """
    yield found


@rule("I906", Severity.WARNING)
def description_made_up(found: Violation) -> Iterable[Violation]:
    """An agent has no description, so the first line of its body became the description.

    AI clients choose an agent by its description, and most do not load an agent without one.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """
    yield found


@rule("I907", Severity.WARNING)
def tools_repaired(found: Violation) -> Iterable[Violation]:
    """A list of tools was changed: an entry was repeated, or was not the name of one tool.

    This also covers a key `tools` without names, which most clients read as no tools at all.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        tools: Read, Grep, Read
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        tools: Read, Grep
        ---
        You review code.
    """
    yield found


@rule("I908")
def manifest_in_the_way(found: Violation) -> Iterable[Violation]:
    """A different manifest or block already exists at the path of the new one.

    `assemble import` overwrites nothing. The other files are imported.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # agents/critic.toml
        name = "critic"
        description = "Reviews novels."

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # agents/novelist.toml
        name = "novelist"
        description = "Reviews novels."
    """
    yield found


@rule("I910", Severity.NOTE)
def file_left_behind(found: Violation) -> Iterable[Violation]:
    """The generated file will have a different path from the imported file.

    Generated files are named after their agents. Once the new file exists, the client would see both.

    Fails::

        # .claude/agents/reviewer.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """
    yield found


@rule("I912", Severity.WARNING)
def front_matter_changed(found: Violation) -> Iterable[Violation]:
    """The kit's settings change the agent's front matter, for example with a default for a key that the file lacks.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # assemble.toml
        [defaults]
        model = "opus"

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        model: haiku
        ---
        You review code.

        # assemble.toml
        [defaults]
        model = "opus"
    """
    yield found


@rule("I913")
def edit_not_imported(found: Violation) -> Iterable[Violation]:
    """A file to import was generated from a manifest of the kit and then edited.

    Both the manifest and the file are kept as they are. Move the change to the manifest, or discard it.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code, kindly.
        ---

        <!-- Generated by assemble from ../../agents/critic.toml. Edit that file, then run: assemble agents/critic.toml · sha256:0000000000000000000000000000000000000000000000000000000000000000 -->

        You review code.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """  # noqa: E501 - a stamp is one line
    yield found
