"""Create kits to measure. All of their agents are shaped like one of this repository's own agents.

The settings, the template and the blocks are the repository's too. `python benchmarks/kits.py FOLDER COUNT [FORM]`
creates one kit. All forms of a kit generate the same files, except for instructions.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import tomli_w

REPOSITORY = Path(__file__).resolve().parent.parent
SEED = "kei-ml-implementer"
"""The name of the repository's agent that all agents of a kit are copied from."""


class Form(StrEnum):
    """How the manifests of a kit are written.

    A `flat` kit has no bases. In a `based` one, a base has the tools, the model and the blocks. In a `composed` one, it
    lists the blocks in bundles, and has the last lists of the body, in which a value fills each agent's number. In a
    `filled` one, it has all lists, so that a value fills almost every line of an agent. The manifests of `instructions`
    generate sections of `AGENTS.md` files, ten in each, from the same blocks.
    """

    FLAT = "flat"
    BASED = "based"
    COMPOSED = "composed"
    FILLED = "filled"
    INSTRUCTIONS = "instructions"


_BASE = "base"
_WITH_VALUES = (Form.COMPOSED, Form.FILLED)
_DOMAIN = ("domain_in", "forbidden_domain")
_KEYS_OF_CHILDREN = {
    Form.BASED: ("description", "role", "handoff", *_DOMAIN, "output_extra_fields", "references"),
    Form.COMPOSED: ("description", "role", "handoff", *_DOMAIN),
    Form.FILLED: ("description", "role", "handoff"),
}
_SOURCES = ("agents", "_blocks", "templates")
_UNUSED_SETTINGS = ("exclude",)
"""Settings about other folders of the repository. Versions that do not know them can be measured too."""

_TARGET = re.compile(r'^target = "(.+)"$', re.MULTILINE)
# The start of each sentence in the manifest: `_text` inserts the agent's number there.
_SENTENCE = re.compile(r'^(    "|description = "|trigger = "|role = """\n)(?=[^a-z]|[a-z]+[ /])', re.MULTILINE)


def make(folder: Path, count: int, form: Form = Form.FLAT, targets: Sequence[str] = ()) -> None:
    """Create a kit with this many manifests, without generated files. By default, its settings name no targets."""
    for name in _SOURCES:
        (folder / name).mkdir(parents=True)
    seed = (REPOSITORY / "agents" / f"{SEED}.toml").read_text(encoding="utf-8")
    for file in ("templates/agent.md.j2", *(f"_blocks/{block}.md" for block in tomllib.loads(seed)["blocks"])):
        shutil.copyfile(REPOSITORY / file, folder / file)
    (folder / "pyproject.toml").write_text(_settings(_TARGET.findall(seed), form, targets), encoding="utf-8")
    if form is Form.INSTRUCTIONS:
        _make_instructions(folder, tomllib.loads(seed)["blocks"], count)
        return
    for index in range(count):
        text = _text(seed, index, count)
        if form is not Form.FLAT:
            text = _toml(_child(tomllib.loads(text), form, index))
        manifest(folder, index).write_text(text, encoding="utf-8")
    if form is not Form.FLAT:
        base = _base(tomllib.loads(_text(seed, 0, count)), form)
        (folder / "agents" / f"{_BASE}.toml").write_text(_toml(base), encoding="utf-8")


def _make_instructions(folder: Path, blocks: Sequence[str], count: int) -> None:
    (folder / "instructions").mkdir()
    for index in range(count):
        package = f"packages/p{index // 10:04}"
        (folder / package).mkdir(parents=True, exist_ok=True)
        data = {"name": _name(index), "folder": package, "role": f"Rules {_number(index)}."}
        path = folder / "instructions" / f"{_name(index)}.toml"
        path.write_text(_toml(data | {"blocks": list(blocks)}), encoding="utf-8")


def manifest(folder: Path, index: int = 0) -> Path:
    """Return the path of the manifest of a kit's agent with this number."""
    return folder / "agents" / f"{_name(index)}.toml"


def commit(folder: Path) -> None:
    """Commit a kit in a new git repository in its folder."""
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for args in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message=kit")):
        subprocess.run(["git", *args], cwd=folder, check=True)


def edit(folder: Path) -> None:
    """Change a line of a block that all agents of a kit have."""
    block = min((folder / "_blocks").glob("*.md"))
    lines = block.read_text(encoding="utf-8").split("\n")
    block.write_text("\n".join([*lines[:-2], "- This line is new.", *lines[-2:]]), encoding="utf-8")


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


def _number(index: int) -> str:
    return f"A{index:05}"


def _child(flat: dict[str, Any], form: Form, index: int) -> dict[str, Any]:
    """The manifest of an agent that inherits from the base, given its flat one."""
    own = {key: value for key, value in flat.items() if key in _KEYS_OF_CHILDREN[form]}
    values = {"values": {"NUMBER": _number(index)}} if form in _WITH_VALUES else {}
    return {"name": flat["name"], "extends": _BASE, **own, **values}


def _base(first: dict[str, Any], form: Form) -> dict[str, Any]:
    """The base, given the flat manifest of the first agent."""
    shared = {key: value for key, value in first.items() if key not in ("name", *_KEYS_OF_CHILDREN[form])}
    if form in _WITH_VALUES:
        shared = tomllib.loads(_toml(shared).replace(_number(0), "{{NUMBER}}"))
        shared["blocks"] = _with_bundles(shared["blocks"])
    return {"name": _BASE, "abstract": True, **shared}


def _with_bundles(blocks: list[str]) -> list[str]:
    """The blocks of a manifest, with the repository's bundles in place of their blocks."""
    entries = {block: f"@{name}" for name, inner in _repository_settings()["bundles"].items() for block in inner}
    return list(dict.fromkeys(entries.get(block, block) for block in blocks))


def _toml(data: dict[str, Any]) -> str:
    return tomli_w.dumps(data, multiline_strings=True)


def _repository_settings() -> dict[str, Any]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    settings: dict[str, Any] = project["tool"]["assemble"]
    return settings


def _settings(external: list[str], form: Form, targets: Sequence[str]) -> str:
    """The repository's settings. Handoff targets that a small kit doesn't have are external agents."""
    settings = _repository_settings() | {"external-agents": external}
    if targets:
        settings["targets"] = list(targets)
    if form not in _WITH_VALUES:
        bundles = settings.pop("bundles")
        settings["obligatory"] = [block for entry in settings["obligatory"] for block in bundles[entry[1:]]]
    kept = {key: value for key, value in settings.items() if key not in _UNUSED_SETTINGS}
    return tomli_w.dumps({"tool": {"assemble": kept}})


def _text(seed: str, index: int, count: int) -> str:
    """One manifest. Its sentences are unique, and it hands off to the next agents."""
    text = seed.replace(SEED, _name(index))
    next_ones = [_name((index + step) % count) for step in range(1, count)]
    for target, other in zip(_TARGET.findall(seed), next_ones, strict=False):
        text = text.replace(target, other)
    return _SENTENCE.sub(rf"\g<1>{_number(index)} ", text)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), Form(*sys.argv[3:] or (Form.FLAT,)))
