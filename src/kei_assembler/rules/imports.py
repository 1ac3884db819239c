"""Rules about an imported agent file.

`assemble import` makes the findings while it reads a file. A rule only documents their code.
"""

from __future__ import annotations

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import documented


@documented("I901", Severity.NOTE)
def no_agent_file() -> None:
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


@documented("I902", Severity.WARNING)
def front_matter_guessed() -> None:
    """The meaning of front matter was guessed, because it is broken, or because clients read it differently.

    If front matter is not valid YAML, Claude Code reads it again with quotes around values that seem to need them.
    `assemble import` does the same, and otherwise reads it line by line. Cursor reads no YAML, but values that are YAML
    are imported as YAML. Compare the manifest with the file.

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


@documented("I903")
def front_matter_refused() -> None:
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


@documented("I904", Severity.WARNING)
def key_not_placed() -> None:
    """A manifest cannot have a key of the front matter, or its value.

    The client does not know the key or does not accept the value, or `assemble` does not know the key or never writes
    it. The rest of the file is imported.

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


@documented("I905", Severity.WARNING)
def name_repaired() -> None:
    """An agent was renamed: it has no name, a manifest cannot have its name, or another agent has it.

    Tell the people who start the agent by its name. A name that is only not allowed as the manifest's `name`, as
    `Code Critic`, becomes the `display-name`, and is not reported. The manifest is then named after the file.

    Fails::

        # .claude/agents/critic.md
        ---
        name: Critic:Code
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


@documented("I906", Severity.WARNING)
def description_made_up() -> None:
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


@documented("I907", Severity.WARNING)
def tools_repaired() -> None:
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


@documented("I908")
def manifest_in_the_way() -> None:
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


@documented("I910", Severity.NOTE)
def file_left_behind() -> None:
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


@documented("I912", Severity.WARNING)
def front_matter_changed() -> None:
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


@documented("I913")
def edit_not_imported() -> None:
    """A file to import was generated from a manifest of the kit and then edited.

    Both the manifest and the file are kept as they are. Move the change to the manifest, or discard it.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code, kindly.
        ---

        <!-- Generated by assemble from ../../agents/critic.toml. Edit that file, then run: assemble agents/critic.toml · sha256:000000000000 -->

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


@documented("I927", Severity.NOTE)
def value_in_lower_case() -> None:
    """A value is imported in lower case, because the client knows the word in lower case only.

    Claude Code, for example, ignores the color `Blue`. This is only done with keys that grant the agent nothing.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        color: Blue
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        color: blue
        ---
        You review code.
    """


@documented("I928", Severity.NOTE)
def metadata_kept() -> None:
    """A key that no client knows is an extra key of the manifest now, which generated files do not have.

    The setting `extra-keys` declares it. `assemble import --keep-metadata` writes this setting for a new kit.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        category: quality
        ---
        You review code.

        # assemble.toml
        extra-keys = { category = "string" }

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # assemble.toml
        extra-keys = { category = "string" }
    """
