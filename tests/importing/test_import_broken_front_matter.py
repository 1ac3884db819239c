"""Files with the same fault in their front matter are read in the same way, and no text is lost."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Workbench
from kei_assembler.markdown.lenient_yaml import read

KNOWN = ("name", "description", "tools", "model", "color")
TALK = 'Context: A diff: done.\nuser: "Review: now"\nassistant: "I will"'
PATH = ".claude/agents/critic.md"


def _read(text: str) -> dict[str, Any]:
    return {key: value for key, (value, _) in read(text, KNOWN).entries.items()}


@pytest.mark.parametrize("first", ["Use it.", "Use it: always.", "Use it. Examples:", 'Use "it".'])
@pytest.mark.parametrize("around", ["", "<example>", "- one", "Like this:", "it's"])
@pytest.mark.parametrize("talk", [TALK, "user: hi", "User: hi\nmore", "Human: a\nAI: b", "examples:\n- x: y"])
def test_what_people_say_is_a_part_of_the_description(first: str, around: str, talk: str) -> None:
    lines = f"{around}\n{talk}\n{around}" if around else talk
    found = _read(f"name: critic\nversion: 2\ndescription: {first}\n{lines}\ntools: Read, Grep\nmodel: opus\n")
    expected = f"{first}\n{lines}"
    assert found == {"name": "critic", "version": 2, "description": expected, "tools": "Read, Grep", "model": "opus"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name: critic\ndescription: Reviews.\ntools: Read\nuser: us\n", "user"),
        ("user: us\nname: critic\ndescription: Reviews.\n", "user"),
        ("name: critic\ndescription: Reviews.\nusers: 5\nversion: 1\n", ""),
        ("name: critic\ndescription: Reviews.\nversion: 1\n", "version"),
        ("name: critic\ndescription: |\n  Use it.\n  user: hi\n", ""),
        ('name: critic\ndescription: "Use it.\nuser: hi"\n', ""),
    ],
)
def test_other_keys_stay_keys(text: str, key: str) -> None:
    found = _read(text)
    assert {*found} - {"name", "description", "tools"} == ({key} if key else set())


def test_the_part_is_reported_and_nothing_is_lost(bench: Workbench) -> None:
    text = "---\nname: critic\ndescription: Use it.\nuser: hi\nassistant: ok\ntools: Read\n---\nYou review code.\n"
    bench.write({PATH: text})
    run = bench.run("import", PATH)
    assert run.stderr.startswith(
        f"{PATH}:4:1: warning[I902] `user` and what follows were read as a part of the `description`\n"
        "    4 | user: hi\n"
        "      | ^^^^ help: YAML takes this for a key: indent the lines of a long description\n"
        "1 agent; 1 warning\n"
    )
    manifest = tomllib.loads(bench.read("agents/critic.toml"))
    assert (manifest["description"], manifest["tools"]) == ("Use it.\nuser: hi\nassistant: ok", ["Read"])


LINE = st.text("ab :<>\"'-", min_size=1, max_size=8).filter(lambda text: text.strip() == text)
TALKS = st.tuples(st.sampled_from(["user", "Assistant", "Context"]), LINE).map(": ".join)


@given(st.lists(LINE | TALKS, max_size=4), TALKS, st.lists(LINE | TALKS, max_size=4))
def test_no_line_of_a_description_is_lost(before: list[str], talk: str, after: list[str]) -> None:
    lines = "\n".join(["Use it.", *before, talk, *after])
    found = _read(f"name: critic\ndescription: {lines}\nmodel: opus\n")
    assert (found["name"], found["model"]) == ("critic", "opus")
    words = re.findall("[a-z]+", lines, re.IGNORECASE)
    assert [word for word in words if word not in str(found["description"])] == []
