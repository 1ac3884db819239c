"""Instruction files, rules and skills: what Gemini CLI and Qwen Code send to the model, and in which order."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from model_server import model_server
from node_scripts import node_command

pytestmark = pytest.mark.slow

QUESTION = "Which words do you know?"
FOLDER = "packages/api"
KEPT_VARIABLES = ("PATH", "SYSTEMROOT", "TEMP", "TMP")

Files = dict[str, str]


class Client(NamedTuple):
    """How a client runs without a terminal."""

    package: str
    script: str
    arguments: tuple[str, ...]
    environment: Callable[[str], dict[str, str]]
    at_home: Files


def _gemini_environment(address: str) -> dict[str, str]:
    return {"GOOGLE_GEMINI_BASE_URL": address, "GEMINI_API_KEY": "none", "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def _qwen_environment(address: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "none", "OPENAI_MODEL": "none"}


SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False},
}
CLIENTS = {
    "gemini": Client(
        "@google/gemini-cli",
        "bundle/gemini.js",
        ("--model", "gemini-2.5-flash"),
        _gemini_environment,
        {".gemini/settings.json": json.dumps(SETTINGS)},
    ),
    "qwen": Client("@qwen-code/qwen-code", "cli.js", ("--auth-type", "openai"), _qwen_environment, {}),
}


class Sent(NamedTuple):
    """The words of the files in the first request, and in the last one."""

    first: list[str]
    last: list[str]


def _write(folder: Path, files: Files) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _words(request: str) -> list[str]:
    return re.findall(r"word:(\w+)", request)


def _sent(name: str, folder: Path, files: Files, *, start: str = ".", reads: str = "") -> Sent:
    """What the client sends if it is started in `start`, and if the model then reads the file `reads`."""
    client, home, project = CLIENTS[name], folder / "home", folder / "project"
    command = node_command(f"node_modules/{client.package}/{client.script}", client.package)
    _write(project, {"code.py": "", f"{FOLDER}/code.py": "", **files})
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    _write(home, client.at_home)
    with model_server(project / reads if reads else None) as server:
        subprocess.run(
            [*command, *client.arguments, "--prompt", QUESTION],
            cwd=project / start,
            env=_environment(home, client.environment(server.address)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=True,
        )
    requests = [text for text in server.received if QUESTION in text and json.loads(text).get("tools")]
    return Sent(_words(requests[0]), _words(requests[-1]))


def _environment(home: Path, variables: dict[str, str]) -> dict[str, str]:
    """Nothing of the user's own: no keys, no proxy, no settings."""
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, "HOME": str(home), "USERPROFILE": str(home), **variables}


def _named(value: object) -> str:
    return json.dumps({"context": {"fileName": value}})


def _skill(word: str, name: str = "demo") -> str:
    return f"---\nname: {name}\ndescription: Knows word:{word}.\n---\n\nDo it.\n"


AGENTS = {"AGENTS.md": "word:agents\n"}
NESTED = {
    f"{folder}/{file}": f"word:{word}_{file[:-3].lower()}\n"
    for folder, word in ((".", "root"), ("packages", "middle"), (FOLDER, "near"))
    for file in ("AGENTS.md", "GEMINI.md")
}
COMMENTS = "<!-- word:first -->\nword:text <!-- word:inline -->\n\n<!--\nword:block\n-->\n"
COMMENTED = ["first", "text", "inline", "block"]
CODE = "\n`@AGENTS.md`\n\n```\n@AGENTS.md\n```\n"

AT_THE_ROOT: dict[str, tuple[str, Files, list[str]]] = {
    "gemini ignores AGENTS.md": ("gemini", AGENTS, []),
    "gemini expands @./AGENTS.md": ("gemini", {**AGENTS, "GEMINI.md": "@./AGENTS.md\n"}, ["agents"]),
    "gemini expands it between comments": (
        "gemini",
        {**AGENTS, "GEMINI.md": "<!-- word:head -->\n@AGENTS.md\n<!-- word:tail -->\n"},
        ["head", "agents", "tail"],
    ),
    "gemini adds the files of a list": (
        "gemini",
        {**AGENTS, "GEMINI.md": "word:gemini\n", ".gemini/settings.json": _named(["AGENTS.md"])},
        ["agents", "gemini"],
    ),
    "gemini adds the file of a text": (
        "gemini",
        {**AGENTS, "GEMINI.md": "word:gemini\n", ".gemini/settings.json": _named("AGENTS.md")},
        ["agents", "gemini"],
    ),
    "gemini sends it twice with a setting and a reference": (
        "gemini",
        {**AGENTS, "GEMINI.md": "@AGENTS.md\n", ".gemini/settings.json": _named(["AGENTS.md"])},
        ["agents", "agents"],
    ),
    "gemini keeps comments and code": ("gemini", {**AGENTS, "GEMINI.md": COMMENTS + CODE}, COMMENTED),
    "qwen reads AGENTS.md, not the files of others": (
        "qwen",
        {**AGENTS, "CLAUDE.md": "word:claude\n", "GEMINI.md": "word:gemini\n", "AGENTS.override.md": "word:override\n"},
        ["agents"],
    ),
    "qwen reads QWEN.md first": ("qwen", {**AGENTS, "QWEN.md": "word:qwen\n"}, ["qwen", "agents"]),
    "qwen sends it twice with a reference": ("qwen", {**AGENTS, "QWEN.md": "@AGENTS.md\n"}, ["agents", "agents"]),
    "qwen expands references of AGENTS.md": (
        "qwen",
        {"AGENTS.md": "word:agents @docs/more.md\n", "docs/more.md": "word:more\n"},
        ["agents", "more"],
    ),
    "qwen reads only the files of a setting": (
        "qwen",
        {**AGENTS, "QWEN.md": "word:qwen\n", ".qwen/settings.json": _named(["AGENTS.md"])},
        ["agents"],
    ),
    "qwen keeps comments and code": ("qwen", {"QWEN.md": COMMENTS + CODE, **AGENTS}, [*COMMENTED, "agents"]),
}


@pytest.mark.parametrize(("client", "files", "words"), AT_THE_ROOT.values(), ids=AT_THE_ROOT)
def test_files_at_the_root(client: str, files: Files, words: list[str], tmp_path: Path) -> None:
    assert _sent(client, tmp_path, files).first == words


@pytest.mark.parametrize(("client", "file"), [("gemini", "gemini"), ("qwen", "agents")])
def test_files_above_the_start_come_first(client: str, file: str, tmp_path: Path) -> None:
    sent = _sent(client, tmp_path, NESTED, start=FOLDER)
    assert sent.first == [f"root_{file}", f"middle_{file}", f"near_{file}"]


def test_gemini_ignores_the_settings_above_the_start(tmp_path: Path) -> None:
    files = {**AGENTS, ".gemini/settings.json": _named(["AGENTS.md"])}
    assert _sent("gemini", tmp_path, files, start=FOLDER).first == []


def test_gemini_expands_a_reference_above_the_start(tmp_path: Path) -> None:
    assert _sent("gemini", tmp_path, {**AGENTS, "GEMINI.md": "@AGENTS.md\n"}, start=FOLDER).first == ["agents"]


def test_gemini_sends_nested_files_when_the_model_reads_there(tmp_path: Path) -> None:
    first, last = _sent("gemini", tmp_path, NESTED, reads=f"{FOLDER}/code.py")
    assert first == ["root_gemini"]
    assert sorted(last) == ["middle_gemini", "near_gemini", "root_gemini"]


def test_qwen_never_sends_nested_files(tmp_path: Path) -> None:
    assert _sent("qwen", tmp_path, NESTED, reads=f"{FOLDER}/code.py") == (["root_agents"], ["root_agents"])


RULES = {
    f"{folder}/{name}": f"{head}word:{kind}_{word}\n"
    for folder, kind in ((".qwen/rules", "qwen"), (".gemini/rules", "gemini"), (".claude/rules", "claude"))
    for name, head, word in (("a.md", "", "always"), ("b.md", '---\npaths:\n  - "**/*.py"\n---\n\n', "python"))
} | {
    ".github/instructions/a.instructions.md": '---\napplyTo: "**"\n---\n\nword:github\n',
    ".cursor/rules/a.mdc": "---\nalwaysApply: true\n---\n\nword:cursor\n",
    ".agents/rules/a.md": "word:shared\n",
}


def test_gemini_has_no_rules(tmp_path: Path) -> None:
    assert _sent("gemini", tmp_path, RULES, reads="code.py") == ([], [])


def test_qwen_reads_its_own_rules_only(tmp_path: Path) -> None:
    first, last = _sent("qwen", tmp_path, RULES, reads="code.py")
    assert (first, sorted(last)) == (["qwen_always"], ["qwen_always", "qwen_python"])


@pytest.mark.parametrize("client", CLIENTS)
def test_skill_folders(client: str, tmp_path: Path) -> None:
    folders = ("agents", "claude", "codex", "gemini", "github", "qwen")
    files = {f".{folder}/skills/{folder}/SKILL.md": _skill(folder, folder) for folder in folders}
    assert sorted(_sent(client, tmp_path, files).first) == sorted(["agents", client])


@pytest.mark.parametrize(("client", "wins"), [("gemini", "agents"), ("qwen", "qwen")])
def test_skill_of_the_same_name_is_shown_once(client: str, wins: str, tmp_path: Path) -> None:
    files = {f".{folder}/skills/demo/SKILL.md": _skill(folder) for folder in ("agents", "claude", client)}
    assert _sent(client, tmp_path, files).first == [wins]


@pytest.mark.parametrize("client", CLIENTS)
def test_skills_above_the_start_are_not_found(client: str, tmp_path: Path) -> None:
    files = {
        ".agents/skills/far/SKILL.md": _skill("far", "far"),
        f"{FOLDER}/.agents/skills/near/SKILL.md": _skill("near", "near"),
    }
    assert _sent(client, tmp_path, files, start=FOLDER).first == ["near"]
