"""What the README shows is what the tool does."""

from __future__ import annotations

import re

from conftest import REPOSITORY, Workbench

README = (REPOSITORY / "README.md").read_text()
FENCED = re.compile(r"^(?P<fence>`{3,})\w*\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
BLOCKS = [match["text"] for match in FENCED.finditer(README)]
COMMANDS, BLOCK, MANIFEST, AGENT_FILE, DIAGNOSTIC = BLOCKS[:5]


def _write_kit(bench: Workbench, manifest: str) -> None:
    other = 'name = "implementer"\ndescription = "Writes code."\n'
    bench.write(
        {"_blocks/honesty.md": BLOCK, "agents/critic.toml": manifest, "agents/implementer.toml": other},
    )


def test_the_example_gives_the_file_that_is_shown(bench: Workbench) -> None:
    _write_kit(bench, MANIFEST)
    assert bench.run("agents/critic.toml").status == 0
    assert re.sub(r"sha256:\w+", "sha256:0", bench.read("agents/critic.md")) == AGENT_FILE


def test_the_mistake_is_reported_as_shown(bench: Workbench) -> None:
    _write_kit(bench, MANIFEST.replace("honesty", "honestly"))
    assert bench.run("agents/critic.toml").stderr == f"{DIAGNOSTIC}1 error; nothing was written\n"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    commands = [line.partition("#")[0].strip() for line in COMMANDS.splitlines()]
    makefile = (REPOSITORY / "Makefile").read_text()
    assert commands == ["make", "make test"]
    assert re.findall(r"^(\w+):", makefile, re.MULTILINE)[:2] == ["assemble", "test"]
