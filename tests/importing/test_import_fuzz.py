"""Mutated agent files: no import crashes, and every manifest that it writes can be read."""

from __future__ import annotations

import random
import tomllib

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from mutants import mutants
from readers import path_of

HEAD = "name: critic\ndescription: Reviews code, when it is done.\nmodel: opus\ncolor: Blue\n"
BODY = "You review.\n\n## Honesty\n\n- Say what you ran.\n- Say `{{A}}`.  \n\n```\nx\n```\n\n## End\n\nStop.\n"
SEEDS = [
    f"---\n{front}---\n\n{BODY}".encode()
    for front in (
        f"{HEAD}tools: Read, Grep, Bash(git *), Agent(a, b), mcp__github__get\n",
        f"{HEAD}tools:\n  - read\n  - 'github/*'\nhandoffs:\n  - label: Go\n    agent: tester\n    prompt: Test.\n",
        "description: >-\n  Reviews.\nmode: subagent\ntools: {write: false}\npermission: {bash: {'git *': ask}}\n",
        'name: "Code: Critic"\ndescription: Use it: now.\nfiles: [a, "b"]\ntags: [x]\nmetadata: {a: 1, b: null}\n',
        f"{HEAD}hooks:\n  Stop:\n    - hooks: [{{type: command, command: x}}]\nmcpServers: {{x: {{command: y}}}}\n",
    )
]
CODEX = f'name = "critic"\ndescription = "D."\nsandbox_mode = "read-only"\ndeveloper_instructions = """\n{BODY}"""\n'
PLAIN = ("lib/agents/x{}.md", "plugins/a/agents/x{}.md", "plugins/b/agents/x{}.md", ".opencode/agent/sub/x{}.md")
PATHS = [*(path_of(target, "x{}") for target in TARGETS), *PLAIN]
OPTIONS: tuple[tuple[str, ...], ...] = ((), ("--share",), ("--keep-metadata",), ("--dry-run",))
SIZE = 12
"""How many files are imported at once."""


def _import(bench: Workbench, number: int) -> None:
    """Import mutated files into a new kit. Some of them are said to be for one client."""
    chooser = random.Random(number)
    contents = mutants([*SEEDS, CODEX.encode()], f"import {number}", SIZE)
    paths = (chooser.choice(PATHS).format(chooser.choice(("", index))) for index in range(SIZE))
    files: dict[str, str | bytes] = dict(zip(paths, contents, strict=True))
    bench.write({**files, ".git/x": ""})
    client = chooser.choice((*TARGETS, *(() for _ in TARGETS)))
    sources = chooser.choice((["."], ["lib", "plugins"], [*files]))
    present = [each for each in sources if (bench.folder / each).exists()]
    options = [*chooser.choice(OPTIONS), *(["--from", client] if isinstance(client, str) else [])]
    assert bench.run("import", *options, *present or ["."]).status in (0, 1, 2)
    assert {path: (bench.folder / path).read_bytes() for path in files} == files
    for manifest in {*bench.folder.glob("agents/**/*.toml")} - {bench.folder / path for path in files}:
        assert tomllib.loads(manifest.read_bytes().decode())["name"] == manifest.stem


def test_mutants_are_imported(bench: Workbench) -> None:
    for number in range(6):
        _import(bench.below(str(number)), number)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_many_mutants_are_imported(part: int, bench: Workbench) -> None:
    for number in range(100 * part, 100 * (part + 1)):
        _import(bench.below(str(number)), 1000 + number)
