"""Create kits to measure. All of their agents are shaped like one of this repository's own agents.

The settings, the template and the blocks are the repository's too. `python benchmarks/kits.py FOLDER COUNT` creates
one kit.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

import tomli_w

REPOSITORY = Path(__file__).resolve().parent.parent
SEED = "kei-ml-implementer"
"""The name of the repository's agent that all agents of a kit are copied from."""

_SOURCES = ("agents", "_blocks", "templates")
_UNUSED_SETTINGS = ("exclude",)
"""Settings about other folders of the repository. Versions that do not know them can be measured too."""

_TARGET = re.compile(r'^target = "(.+)"$', re.MULTILINE)
# The start of each sentence in the manifest: `_text` inserts the agent's number there.
_SENTENCE = re.compile(r'^(    "|description = "|trigger = "|role = """\n)(?=[^a-z]|[a-z]+[ /])', re.MULTILINE)


def make(folder: Path, count: int) -> None:
    """Create a kit with this many agents, without generated files."""
    for name in _SOURCES:
        (folder / name).mkdir(parents=True)
    seed = (REPOSITORY / "agents" / f"{SEED}.toml").read_text(encoding="utf-8")
    for file in ("templates/agent.md.j2", *(f"_blocks/{block}.md" for block in tomllib.loads(seed)["blocks"])):
        shutil.copyfile(REPOSITORY / file, folder / file)
    (folder / "pyproject.toml").write_text(_settings(_TARGET.findall(seed)), encoding="utf-8")
    for index in range(count):
        manifest(folder, index).write_text(_text(seed, index, count), encoding="utf-8")


def manifest(folder: Path, index: int = 0) -> Path:
    """Return the path of the manifest of a kit's agent with this number."""
    return folder / "agents" / f"{_name(index)}.toml"


def delete_outputs(folder: Path) -> Path:
    """Delete a kit's generated files for all targets, and return the folder."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in _SOURCES:
            shutil.rmtree(path)
    for path in folder.glob("agents/*.md"):
        path.unlink()
    return folder


def _name(index: int) -> str:
    return f"agent-{index:05}"


def _settings(external: list[str]) -> str:
    """The repository's settings. Handoff targets that a small kit doesn't have are external agents."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    settings = project["tool"]["assemble"] | {"external-agents": external}
    settings["bundles"] = {"core": settings["bundles"]["core"]}
    project["tool"]["assemble"] = {key: value for key, value in settings.items() if key not in _UNUSED_SETTINGS}
    return tomli_w.dumps(project)


def _text(seed: str, index: int, count: int) -> str:
    """One manifest. Its sentences are unique, and it hands off to the next agents."""
    text = seed.replace(SEED, _name(index))
    next_ones = [_name((index + step) % count) for step in range(1, count)]
    for target, other in zip(_TARGET.findall(seed), next_ones, strict=False):
        text = text.replace(target, other)
    return _SENTENCE.sub(rf"\g<1>A{index:05} ", text)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
