"""Rules about imported instructions, such as those of `AGENTS.md`.

As in `imports`, `assemble import` makes the findings, and a rule only documents their code.
"""

from __future__ import annotations

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import documented


@documented("I919", Severity.NOTE)
def instructions_move() -> None:
    """Instructions come from a file of one client, and will be in `AGENTS.md`, which other clients read, too.

    The client's own file then imports that file.

    Fails::

        # CLAUDE.md
        Be kind.

    Passes::

        # AGENTS.md
        Be kind.
    """


@documented("I920", Severity.NOTE)
def import_not_expanded() -> None:
    """A text contains `@PATH`, which stands for the content of another file, but not for all of its clients.

    The line stays as it is. The other clients pass it to the model as text, which may or may not read the file.

    Fails::

        # assemble.toml
        targets = ["claude-code", "codex"]

        # AGENTS.md
        Be kind.

        @docs/style.md

    Passes::

        # assemble.toml
        targets = ["claude-code"]

        # AGENTS.md
        Be kind.

        @docs/style.md
    """


@documented("I921", Severity.NOTE)
def no_instructions() -> None:
    """A file needs no instructions of its own: it is empty, or it imports, links to or repeats `AGENTS.md`.

    A text beside an import of `AGENTS.md` is only for the client of that file, and stays there.

    Fails::

        # AGENTS.md
        Be kind.

        # CLAUDE.md
        @AGENTS.md

    Passes::

        # AGENTS.md
        Be kind.
    """


@documented("I922", Severity.WARNING)
def front_matter_in_instructions() -> None:
    """Instructions start with front matter, which becomes part of their text.

    In a section of `AGENTS.md`, no client reads it as front matter.

    Fails::

        # AGENTS.md
        ---
        title: Rules
        ---
        Be kind.

    Passes::

        # AGENTS.md
        Be kind.
    """
