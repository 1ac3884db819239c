"""Import: what became of an agent file that a manifest was made from?

These rules only name what `assemble import` finds while it reads; each takes the finding as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import Finding, rule


@rule("I901", Severity.NOTE)
def no_agent_file(found: Finding) -> Iterable[Finding]:
    """A file among those to import is no agent's: it has no front matter, or none of an agent's keys in it.

    Some AI tools take a file without front matter for an agent where it lies in their folder; so does an import then.

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
def front_matter_guessed(found: Finding) -> Iterable[Finding]:
    """Front matter was read otherwise than it stands there, because it is broken, or AI tools differ on it.

    Claude Code reads a second time what is no YAML, with quotes around values that look like they need them. This tool
    does so too, and where that does not help reads line by line. What was guessed is for a person to compare.

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
def front_matter_refused(found: Finding) -> Iterable[Finding]:
    """Front matter that is not read on purpose: it uses aliases, is nested deeply or very long.

    A few aliases of YAML can stand for gigabytes of text. The file is not imported.

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
def key_not_placed(found: Finding) -> Iterable[Finding]:
    """A key of the front matter, or its value, has no place in a manifest.

    The AI tool does not know it, or does not take this value, or this tool knows nothing of it yet. The rest is
    imported.

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
def name_repaired(found: Finding) -> Iterable[Finding]:
    """An agent got another name: a manifest does not allow its own, another agent has it, or there is none.

    Who starts the agent by its name has to be told the new one.

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
def description_made_up(found: Finding) -> Iterable[Finding]:
    """An agent without a description got the first line of its body as one.

    AI tools choose an agent by its description, and most do not load one without.

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
def tools_repaired(found: Finding) -> Iterable[Finding]:
    """A list of tools is not what the file has: an entry stood in it twice, or is not the name of one tool.

    So it is said where the key `tools` stands without names, which for most AI tools means none at all.

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
def manifest_in_the_way(found: Finding) -> Iterable[Finding]:
    """There is a manifest, or a block, already where one would be written, and it says something else.

    An import overwrites nothing. The other files are imported nevertheless.

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
def file_left_behind(found: Finding) -> Iterable[Finding]:
    """The agent's file will be another one than that which was imported.

    The kit's files are named after their agents. Once the new file is there, the AI tool would see both.

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
def made_otherwise(found: Finding) -> Iterable[Finding]:
    """The settings of the kit make the agent's front matter other than it was, as by a default that the file lacks.

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
def edit_not_taken_over(found: Finding) -> Iterable[Finding]:
    """A file that was generated from a manifest of the kit, and edited since, is to be imported.

    The manifest is what counts: it is kept as it is, and the file as well, until somebody moves the change or drops it.

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
