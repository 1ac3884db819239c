"""Kits with mistakes that people make: misspelled names, misplaced keys, repeated entries and the like.

Each follows from its seed. The kit without mistakes has no errors.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import NamedTuple

SETTINGS = """\
# the settings of the team
targets = ["claude-code", "opencode"] # two clients
blocks = ["_blocks"]
obligatory = ["@core"] # everywhere
required = ["name", "description", "blocks"]
ignore = ["K126", "K113", "H306"]
known-tools = ["Deploy"]

[bundles]
# what everybody needs
core = ["honesty", "tickets"]
careful = ["double-check", "testing"]

[values]
PROJECT = "Apollo" # the project

[target.claude-code]
output = ".claude/agents/{name}.md"

[target.opencode]
output = ".opencode/agents/{name}.md"
"""
KIT = {
    "assemble.toml": SETTINGS,
    "_blocks/honesty.md": "Be honest about {{PROJECT}}.\n",
    "_blocks/tickets.md": "Name the ticket.\n",
    "_blocks/double-check.md": "Check twice.\n",
    "_blocks/testing.md": "# Unit tests\n\nTest.\n\n# Integration\n\nTest all.\n",
    "agents/base-reviewer.toml": """\
name = "base-reviewer"
abstract = true # only a base
tools = ["Read", "Grep"] # looks only
model = "inherit"
blocks = [
    "@core",
    # twice is better
    "double-check", # always
]

[target.opencode]
temperature = 0.2 # calm
""",
    "agents/critic.toml": """\
# the critic
name = "critic"
description = "Reviews the code of {{PROJECT}}."
extends = "base-reviewer"
tools = ["...", "Agent"] # starts others
blocks = ["...", "testing#unit-tests"]
role = "You review `code`." # short
domain_in = [
    "Errors", # first
    "Style",
]
forbidden_domain = ["Fixes"]

[[handoff]]
target = "implementer" # the only one
trigger = "findings"

[references]
extra = ["docs/review.md"] # the guide
""",
    "agents/implementer.toml": """\
name = "implementer"
description = 'Writes code.' # and tests
tools = ["Read", "Write", "Edit", "Deploy", "Agent"]
model = "opus"
blocks = ["@core", "@careful"] # all
role = \"\"\"
You write code.
\"\"\"

[[handoff]]
target = "critic"
trigger = "a change"

[[handoff]]
target = "tester"
trigger = "a feature"

[target.claude-code]
color = "red" # danger
""",
    "agents/tester.toml": """\
name = "tester"
description = "Tests code."
tools = ["Read", "Agent"]
blocks = ["honesty", "tickets", "testing"]
targets = ["claude-code"]
role = "You test."

[[handoff]]
target = "critic"
trigger = "a bug"
""",
}


class Mutant(NamedTuple):
    """A kit with mistakes, and the files that have them."""

    files: dict[str, str]
    touched: frozenset[str]


def mutant(seed: int) -> Mutant:
    """Return a kit with one to four mistakes."""
    chooser, files, touched = random.Random(seed), dict(KIT), set[str]()
    for _ in range(chooser.randint(1, 4)):
        file = chooser.choice([name for name in KIT if name.endswith(".toml")])
        changed = chooser.choice(MISTAKES)(files[file], chooser)
        touched.update({file} if changed != files[file] else ())
        files[file] = changed
    return Mutant(files, frozenset(touched))


def _typo(word: str, chooser: random.Random) -> str:
    at = chooser.randrange(1, max(2, len(word) - 1))
    return chooser.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at : at + 1] * 2 + word[at + 1 :],
            word[: at - 1] + word[at : at + 1] + word[at - 1 : at] + word[at + 1 :],
        ]
    )


def _changed(pattern: str, change: Callable[[str, random.Random], str]) -> Callable[[str, random.Random], str]:
    """Return a mistake that changes what the group of one match of a pattern contains."""

    def mistake(text: str, chooser: random.Random) -> str:
        found = [*re.finditer(pattern, text, re.MULTILINE)]
        if not found:
            return text
        match = chooser.choice(found)
        return f"{text[: match.start(1)]}{change(match[1], chooser)}{text[match.end(1) :]}"

    return mistake


def _moved_down(text: str, chooser: random.Random) -> str:
    """Move a key below the last header, at the end of the file."""
    top = re.split(r"^\[", text, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r"^[\w-]+ = (?!\[$|\"\"\"$).*\n", top, re.MULTILINE)
    if not found or top == text:
        return text
    line = chooser.choice(found)
    return f"{text.replace(line, '', 1)}{chooser.choice(['', chr(10)])}{line}"


def _with_key(text: str, chooser: random.Random) -> str:
    """Add a client's key at the top."""
    lines = ("temperature = 0.1 # cool\n", 'color = "blue"\n', 'permissionMode = "plan" # careful\n', "steps = 3\n")
    return f"{chooser.choice(lines)}{text}"


_ENTRY = r"(?<=[\[,\n])\s*(\"[^\"\n]+\"(?=\s*[,\]]))"
MISTAKES: tuple[Callable[[str, random.Random], str], ...] = (
    _changed(r"^([a-z_-]{4,})(?= = )", _typo),
    _changed(r"\"([@\w#-]{4,})\"", _typo),
    _changed(r"^\[\[?([\w.-]+)\]", _typo),
    _changed(_ENTRY, lambda entry, _: f"{entry}, {entry}"),
    _changed(r"(\"(?:honesty|tickets|@core)\",?\s*)", lambda *_: ""),
    _changed(r"\"(honesty|tickets|testing|double-check)\"", lambda name, _: f"_blocks/{name}.md"),
    _changed(r"(?<= = )(\[\"[^\[\]#\n]*\"\])", lambda entries, _: entries[1:-1].replace('", "', ", ")),
    _changed(r"(true|false)", lambda word, _: word.title()),
    _changed(r"(?<= = )(\"\w+\")", lambda text, _: text[1:-1]),
    _changed(r"(?<=\", )(\"[^\"]*\", )(?=\")", lambda *_: ""),
    _moved_down,
    _moved_down,
    _with_key,
)
