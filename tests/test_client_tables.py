"""Tables in front matter, read by Gemini CLI and Qwen Code: they refuse or drop what the rules report."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from client_tables import ACCEPTED, REFUSED
from kei_assembler.markdown.front_matter import front_matter
from node_scripts import node_command

pytestmark = pytest.mark.slow

LOADERS = {
    "gemini": ("gemini_agents.mjs", "@google/gemini-cli"),
    "qwen": ("qwen_agents.mjs", "@qwen-code/qwen-code"),
}
NOT_BY_THE_LOADER = {
    "gemini's misspelled address": "the server fails to start",
    "gemini's server without address": "the server fails to start",
    "qwen's server without address": "the server fails to start",
    "qwen's function": "the hook is dropped when it is registered",
    "event of another client": "the hook is dropped when it is registered",
}
"""What the client takes when it loads the agent, and refuses when it runs it."""


def _tables(cases: dict[str, str], target: str) -> dict[str, dict[str, Any]]:
    parsed = {name: tomllib.loads(text)["target"] for name, text in cases.items()}
    return {name: tables[target] for name, tables in parsed.items() if target in tables}


def _answers(target: str, tables: dict[str, dict[str, Any]], folder: Path) -> dict[str, Any]:
    """What the client makes of an agent with each table, by the agents' names. A complaint has the key `error`."""
    script, package = LOADERS[target]
    command, environment = [*node_command(script, package), str(folder)], {**os.environ, "HOME": str(folder)}
    for number, table in enumerate(tables.values()):
        values = {"name": f"agent-{number}", "description": "Reviews code.", **table}
        text = f"{front_matter(values.items())}\nYou review code, all of it.\n"
        (folder / f"agent-{number}.md").write_text(text)
    answer = json.loads(subprocess.check_output(command, env=environment, timeout=120))
    if "agents" in answer:
        loaded = {agent["name"] for agent in answer["agents"]}
        answer = {
            f"{name}.md": {} if name in loaded else {"error": ""} for name in map("agent-{}".format, range(len(tables)))
        }
    return {name: answer[f"agent-{number}.md"] for number, name in enumerate(tables)}


@pytest.mark.parametrize("target", LOADERS)
def test_the_client_refuses_or_drops_what_is_an_error(target: str, tmp_path: Path) -> None:
    errors = {name: text for name, (text, code, *_) in REFUSED.items() if code not in ("K118", "K119")}
    tables = _tables(errors, target)
    answers = _answers(target, tables, tmp_path)
    loaded = {name for name in tables if "error" not in answers[name]}
    # Qwen Code drops some keys
    kept = {name for name in loaded if target != "qwen" or answers[name] == answers[name] | tables[name]}
    assert tables
    assert kept - NOT_BY_THE_LOADER.keys() == set()


@pytest.mark.parametrize("target", LOADERS)
def test_the_client_takes_what_is_accepted(target: str, tmp_path: Path) -> None:
    tables = _tables(
        ACCEPTED | {name: text for name, (text, code, *_) in REFUSED.items() if code in ("K118", "K119")}, target
    )
    answers = _answers(target, tables, tmp_path)
    assert tables
    assert {name: answer["error"] for name, answer in answers.items() if "error" in answer} == {}
    if target == "qwen":
        assert {name: answers[name] | table for name, table in tables.items()} == answers
