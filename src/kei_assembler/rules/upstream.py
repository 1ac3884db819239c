"""Rules about files that were imported before, and about the record of what was imported.

As in `imports`, `assemble import` makes the findings, and a rule only documents their code.
"""

from __future__ import annotations

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import documented


@documented("I941", Severity.NOTE)
def changed_since_import() -> None:
    """A file changed since it was imported, and its manifest does not have the change yet.

    The import shows the change, and `--update` takes it: the manifest keeps what you changed in it.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code, kindly.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code."

        # .assemble/imported.json
        {
         "agents": {
          "agents/critic.toml": {
           "claude-code": {
            "file": ".claude/agents/critic.md",
            "text": [
             "---",
             "name: critic",
             "description: Reviews code.",
             "---",
             "You review code."
            ]
           }
          }
         },
         "version": 1
        }

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """


@documented("I942")
def changed_on_both_sides() -> None:
    """A file changed since it was imported, and you changed the same part of its manifest or of its text.

    The import shows both texts, and leaves all of this agent as it is. Write what you want into the manifest: if it is
    what the file says, the next `--update` goes on. `--prefer mine` keeps your text, and `--prefer upstream` takes that
    of the file.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code, kindly.
        ---
        You review code.

        # agents/critic.toml
        name = "critic"
        description = "Reviews a diff."
        role = "You review code."

        # .assemble/imported.json
        {
         "agents": {
          "agents/critic.toml": {
           "claude-code": {
            "file": ".claude/agents/critic.md",
            "text": [
             "---",
             "name: critic",
             "description: Reviews code.",
             "---",
             "You review code."
            ]
           }
          }
         },
         "version": 1
        }

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """


@documented("I943", Severity.NOTE)
def gone_since_import() -> None:
    """A file that was imported is gone, although its folder was imported again.

    Its manifest stays. If the agent is no longer needed, delete the manifest.

    Fails::

        # team/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        You test code.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code."

        # .assemble/imported.json
        {
         "agents": {
          "agents/critic.toml": {
           "claude-code": {
            "file": "team/agents/critic.md",
            "text": [
             "---",
             "name: critic",
             "description: Reviews code.",
             "---",
             "You review code."
            ]
           }
          }
         },
         "version": 1
        }

    Passes::

        # team/agents/tester.md
        ---
        name: tester
        description: Tests code.
        ---
        You test code.
    """


@documented("I944")
def record_broken() -> None:
    """`.assemble/imported.json` is not what an import wrote, so that nothing can be compared with it.

    This happens in a merge with conflicts. Nothing is imported until the file is restored or deleted. Without it, the
    next import writes a new one.

    Fails::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code."

        # .assemble/imported.json
        <<<<<<< HEAD
        {

    Passes::

        # .claude/agents/critic.md
        ---
        name: critic
        description: Reviews code.
        ---
        You review code.
    """
