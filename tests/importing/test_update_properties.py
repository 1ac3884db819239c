"""An update gives what a new import gives, and keeps what people changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kei_assembler.importing.run import ImportOptions, import_files
from kei_assembler.toml.source import read_toml

KEYS = st.fixed_dictionaries(
    {"description": st.sampled_from(["Reviews code.", "Reviews a diff.", "Says {{NO}}.", "Looks: everywhere"])},
    optional={
        "tools": st.sampled_from(["Read", "Read, Grep", "Read, Bash", "Grep, Read, Edit"]),
        "model": st.sampled_from(["opus", "haiku", "inherit"]),
        "color": st.sampled_from(["red", "blue"]),
        "maxTurns": st.integers(1, 3).map(str),
        "skills": st.sampled_from(["[a]", "[a, b]", "[b, a]"]),
        "hooks": st.just("{Stop: [{hooks: [{type: command, command: x}]}]}"),
        "version": st.sampled_from(["1", "2"]),
    },
)
KIND = "Be kind to all who read what you write in here, always."
TEXTS = [KIND, f"{KIND}\nAnd brief.", "- one\n- two", "```\nx\n```", "Long.\n" + "\n.\n" * 45]
SECTIONS = st.lists(
    st.tuples(
        st.sampled_from(["", "# Title", "## Honesty", "## Report", "### Detail", "# FORBIDDEN"]),
        st.sampled_from(
            [
                "Be kind to all who read what you write in here, always.",
                "Be kind.\nAnd brief.",
                "- one\n- two",
                "```\nx\n```",
                "Long.\n" + "\n.\n" * 45,
            ]
        ),
    ),
    max_size=4,
).map(lambda parts: "\n\n".join(f"{head}\n\n{text}" for head, text in parts))
AGENT = st.tuples(KEYS, SECTIONS)
CLIENTS = {"claude-code": ".claude/agents/{}.md", "copilot": ".github/agents/{}.agent.md"}
NAMES = ("critic", "tester")
_FEW = 9
"""With as many words, one other word makes texts too different for one agent."""


def _write(folder: Path, version: dict[str, tuple[dict[str, str], str]], targets: list[str]) -> None:
    for name, (keys, body) in version.items():
        for target in targets:
            kept = {key: value for key, value in keys.items() if target == "claude-code" or key == "description"}
            front = "".join(f"{key}: {value}\n" for key, value in kept.items())
            path = folder / CLIENTS[target].format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            is_other = keys.get("color") == "red" and target != "claude-code" and len(body.split(" ")) > _FEW
            text = body.replace("kind", "fair", 1) if is_other else body
            path.write_text(f"---\nname: {name}\n{front}---\n{text}\n")


def _files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def _import(folder: Path, update: bool = False) -> None:
    os.chdir(folder)
    result = import_files(["."], None, None, ImportOptions(update=update))
    assert not [one for one in result.found if one.code in ("I908", "I942")]


VERSION = st.fixed_dictionaries(dict.fromkeys(NAMES, AGENT))
TARGETS = st.sampled_from([["claude-code"], ["copilot"], ["claude-code", "copilot"]])


@given(VERSION, VERSION, TARGETS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_update_of_an_untouched_kit_is_a_new_import(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, tuple[dict[str, str], str]],
    after: dict[str, tuple[dict[str, str], str]],
    targets: list[str],
) -> None:
    updated, fresh = tmp_path_factory.mktemp("updated"), tmp_path_factory.mktemp("fresh")
    for folder in (updated, fresh):
        (folder / ".git").mkdir()
    _write(updated, before, targets)
    _import(updated)
    _write(updated, after, targets)
    _import(updated, update=True)
    _write(fresh, after, targets)
    _import(fresh)
    assert _files(updated) == _files(fresh)


def _said(folder: Path, name: str) -> dict[str, object]:
    """What a manifest says, with the text of its role file as the role, and without that of its blocks."""
    source = read_toml("", (folder / f"agents/{name}.toml").read_bytes())
    assert source.error is None
    role = source.data.get("role", "")
    text = (folder / role["file"]).read_text() if isinstance(role, dict) else role
    return {**source.data, "role": text.strip("\n")}


@given(VERSION, VERSION)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_update_of_an_edited_manifest_keeps_the_edit(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, tuple[dict[str, str], str]],
    after: dict[str, tuple[dict[str, str], str]],
) -> None:
    updated, fresh = tmp_path_factory.mktemp("updated"), tmp_path_factory.mktemp("fresh")
    for folder in (updated, fresh):
        (folder / ".git").mkdir()
    _write(updated, before, ["claude-code"])
    _import(updated)
    for name in NAMES:
        path = updated / f"agents/{name}.toml"
        path.write_text(path.read_text().replace("name =", "# mine\nreferences = { extra = ['x'] }  # too\nname ="))
    _write(updated, after, ["claude-code"])
    _import(updated, update=True)
    _write(fresh, after, ["claude-code"])
    _import(fresh)
    for name in NAMES:
        assert _said(updated, name) == {**_said(fresh, name), "references": {"extra": ["x"]}}
        text = (updated / f"agents/{name}.toml").read_text()
        assert text.startswith("# mine\nreferences = { extra = ['x'] }  # too\nname =")
