"""Kits to measure on: any number of agents shaped like one of this repository's own.

The settings, the template and the blocks are the repository's too.

As a command, `python benchmarks/kits.py FOLDER COUNT` makes one.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SEED = "kei-ml-implementer"
"""The repository's agent that all agents of a kit are shaped like."""

_SOURCES = ("agents", "_blocks", "templates")
_SETTINGS = "[tool.assemble]\n"
_TARGET = re.compile(r'^target = "(.+)"$', re.MULTILINE)
_SENTENCE = re.compile(r'^(    "|description = "|trigger = "|role = """\n)(?=[^a-z]|[a-z]+[ /])', re.MULTILINE)


def make(folder: Path, count: int) -> None:
    """Make a kit with that many agents; its outputs are not made."""
    for name in _SOURCES:
        (folder / name).mkdir(parents=True)
    seed = (REPOSITORY / "agents" / f"{SEED}.toml").read_text(encoding="utf-8")
    for file in ("templates/agent.md.j2", *(f"_blocks/{block}.md" for block in tomllib.loads(seed)["blocks"])):
        shutil.copyfile(REPOSITORY / file, folder / file)
    (folder / "pyproject.toml").write_text(_settings(_TARGET.findall(seed)), encoding="utf-8")
    for index in range(count):
        manifest(folder, index).write_text(_text(seed, index, count), encoding="utf-8")


def manifest(folder: Path, index: int = 0) -> Path:
    """Return where a kit's agent of that number has its manifest."""
    return folder / "agents" / f"{_name(index)}.toml"


def cleared(folder: Path) -> Path:
    """Return the kit's folder after deleting all outputs, for whatever tool they are."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in _SOURCES:
            shutil.rmtree(path)
    for path in folder.glob("agents/*.md"):
        path.unlink()
    return folder


def _name(index: int) -> str:
    return f"agent-{index:05}"


def _settings(external: list[str]) -> str:
    """The repository's own settings, with those agents that a small kit has not from elsewhere."""
    own = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    return own.replace(_SETTINGS, f"{_SETTINGS}external-agents = {external}\n", 1)


def _text(seed: str, index: int, count: int) -> str:
    """One manifest: no sentence of it is in another, and it hands off to the agents that come next."""
    text = seed.replace(SEED, _name(index))
    next_ones = [_name((index + step) % count) for step in range(1, count)]
    for target, other in zip(_TARGET.findall(seed), next_ones, strict=False):
        text = text.replace(target, other)
    return _SENTENCE.sub(rf"\g<1>A{index:05} ", text)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
