"""Rules about several imported files that become one manifest, and about files that an import leaves out.

As in `imports`, `assemble import` makes the findings, and a rule only documents their code.
"""

from __future__ import annotations

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import documented


@documented("I923", Severity.NOTE)
def copy_joined() -> None:
    """A file has the same bytes as another file for the same client, so it needs no manifest of its own.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # .claude/agents/team/critic.md
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


@documented("I924", Severity.WARNING)
def client_differs() -> None:
    """An agent has files for several clients, and the manifest for all of them changes something for this client.

    A manifest has one list of tools. A client whose file has none is then limited to these tools, too.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        tools: Read
        ---
        You review code.

        # .codex/agents/critic.toml
        name = "critic"
        description = "Reviews code."
        developer_instructions = "You review code."

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # .codex/agents/critic.toml
        name = "critic"
        description = "Reviews code."
        developer_instructions = "You review code."
    """


@documented("I925", Severity.NOTE)
def not_looked_at() -> None:
    """A folder has more files that may be agents, which the import did not look at.

    In a folder, `assemble import` takes the files in the folders where clients look for agents. If there are none, it
    takes those in folders named `agents`, and otherwise all Markdown files. Files with instructions have to be named.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # plugins/tests/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        You test code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """


@documented("I926", Severity.NOTE)
def client_guessed() -> None:
    """The path of a file does not say which client it is for, but its keys or its tools are those of another client.

    If only one client has them, the file is read as one for that client. Otherwise it is read as one for Claude Code,
    like all files whose path says nothing. The option `--from` names the client.

    Fails::

        # agents/critic.md
        ---
        description: Reviews code.
        mode: subagent
        ---
        You review code.

    Passes::

        # .opencode/agents/critic.md
        ---
        description: Reviews code.
        mode: subagent
        ---
        You review code.
    """
