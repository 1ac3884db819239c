"""Rules about the body of an imported agent file.

As in `imports`, `assemble import` makes the findings while it converts a file, and a rule only documents their code.
"""

from __future__ import annotations

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import documented


@documented("I909", Severity.WARNING)
def body_repaired() -> None:
    """The body leaves a code fence or an HTML block open. In the manifest, it is closed at the end.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        Report like this:
        ```
        finding

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        Report like this:
        ```
        finding
        ```
    """


@documented("I911", Severity.NOTE)
def section_moved() -> None:
    """A section became a block, and moved after the rest of the body, because blocks follow the role.

    Only reported with `--share`.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        # Honesty

        Say what you ran.

        # Task

        You review code.

        # .claude/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        # Honesty

        Say what you ran.

        # .claude/agents/planner.md
        ---
        name: planner
        description: Plans code.
        ---
        # Honesty

        Say what you ran.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        # Task

        You review code.

        # Honesty

        Say what you ran.

        # .claude/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        # Honesty

        Say what you ran.

        # .claude/agents/planner.md
        ---
        name: planner
        description: Plans code.
        ---
        # Honesty

        Say what you ran.
    """


@documented("I934", Severity.NOTE)
def section_diverged() -> None:
    """Several agents have a copy of a section, and some of the copies have changed since.

    Only reported with `--share`. At least 85% of the words of such copies are the same. A diff shows the differences.
    With `--share=near`, the copies become one block.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/planner.md
        ---
        name: planner
        description: Plans code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it. Be brief.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/planner.md
        ---
        name: planner
        description: Plans code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.
    """


@documented("I935", Severity.WARNING)
def section_replaced() -> None:
    """A section became a block with another text: that of most of the agents that have a copy of the section.

    Only reported with `--share=near`. A diff shows the differences. The imported file is kept until you delete it.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/planner.md
        ---
        name: planner
        description: Plans code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it. Be brief.

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/planner.md
        ---
        name: planner
        description: Plans code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.

        # .claude/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        # Honesty

        Say what you ran, what you only read, and what you expect. Never claim that a test
        passed if you did not run it.
    """


@documented("I918", Severity.NOTE)
def role_in_manifest() -> None:
    """A role of more than 40 lines stays in the manifest, because its file would be in the way of another file.

    Such a role gets a file of its own, such as `roles/critic.md`, which the manifest names.

    Fails::

        # .claude/agents/critic.md (20 times)
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # roles/critic.md
        My own notes.

    Passes::

        # .claude/agents/critic.md (20 times)
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """


@documented("I914", Severity.NOTE)
def break_rewritten() -> None:
    """Lines of the body end in two spaces, a hard line break. The manifest uses a backslash instead.

    Both mean the same in Markdown, but generated files have no trailing whitespace. Code is not changed.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        Name: critic\x20\x20
        Task: review

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        Name: critic\\
        Task: review
    """
