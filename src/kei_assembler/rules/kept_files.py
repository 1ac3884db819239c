"""Rules about what an import leaves in the imported files, which are then kept.

As in `imports`, `assemble import` makes the findings, and a rule only documents their code.
"""

from __future__ import annotations

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import documented


@documented("I915", Severity.WARNING)
def agent_not_expressible() -> None:
    """A file has agents that no manifest can describe, such as one that runs as a remote service, or a list of agents.

    The file is kept as it is, and nothing is imported from it.

    Fails::

        # .gemini/agents/critic.md
        ---
        kind: remote
        name: critic
        description: Reviews code.
        agent_card_url: https://example.org/critic.json
        ---

    Passes::

        # .gemini/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """


@documented("I916", Severity.NOTE)
def comment_left_out() -> None:
    """The front matter has a comment, which is not imported.

    In YAML, `#` after white space starts a comment, also in `description: Fixes #12`, unless the value is in quotes.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        model: opus  # the others are too fast
        ---
        You review code.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        model: opus
        ---
        You review code.
    """


@documented("I917")
def old_file_kept() -> None:
    """`--replace` deleted none of the old files, because something stands in the way.

    An old file is deleted if its agent's new file was generated, and if nobody has changed the old one. Either all old
    files are deleted or none. A file whose manifest lacks a part of it is never deleted.

    Fails::

        # .claude/agents/reviewer.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # .claude/agents/critic.md
        My own notes.

    Passes::

        # .claude/agents/reviewer.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """
