"""The descriptions of all agents of a client, which together have a limit."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import diagnostics

SETTINGS = 'targets = ["claude-code"]\n[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'


def _found(bench: Workbench, *args: str) -> list[dict[str, Any]]:
    return diagnostics(bench, *args, codes=("L803", "L810"))


def _kit(bench: Workbench, sizes: dict[str, int], more: str = "") -> None:
    """Write a kit in which `NAME: DESCRIPTION` of each agent has so many characters."""
    bench.write({"assemble.toml": SETTINGS})
    for name, size in sizes.items():
        description = "x" * (size - len(name) - 2)
        bench.write({f"agents/{name}.toml": f'name = "{name}"\n{more}description = "{description}"\n'})


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 1), ("abc", 2), ("abcd", 2), ("abcdefg", 3), ("ä" * 7, 3), ("😀" * 4, 3), ("\ud800" * 3, 2)],
)
def test_tokens_are_estimated_as_the_client_does(text: str, tokens: int) -> None:
    budget = TARGETS["claude-code"].budget
    assert budget
    assert budget.tokens("a", text) == tokens  # a quarter of the UTF-16 units of `a: TEXT`, half of one rounded up


def test_one_warning_names_the_longest_descriptions(bench: Workbench) -> None:
    _kit(bench, {"aa": 20_000, "bb": 24_000, "cc": 16_000, "dd": 5})
    (found,) = _found(bench)
    assert (found["severity"], found["file"], found["line"], found["column"]) == ("warning", "agents/bb.toml", 2, 1)
    assert found["message"] == (
        "the names and descriptions of 4 agents have about 15,001 tokens; Claude Code warns above 15,000"
    )
    assert found["help"] == "shorten the descriptions; the longest: `bb` (6,000), `aa` (5,000) and `cc` (4,000)"
    assert _found(bench, "--all", "--check") == [found]
    assert _found(bench, "agents/bb.toml") == []  # the others are not known
    bench.write({"assemble.toml": f'ignore = ["L803"]\n{SETTINGS}'})
    assert _found(bench) == []


def test_from_80_percent_of_the_limit_on_there_is_a_note(bench: Workbench) -> None:
    _kit(bench, {"aa": 20_000, "bb": 24_000, "cc": 16_000})
    (found,) = _found(bench)
    assert (found["code"], found["severity"], found["file"], found["line"]) == ("L810", "note", "agents/bb.toml", 2)
    assert found["message"] == (
        "the names and descriptions of 3 agents have about 15,000 tokens; Claude Code warns above 15,000"
    )
    assert _found(bench, "agents/bb.toml") == []
    bench.write({"assemble.toml": f"{SETTINGS}[budget]\ndescriptions = 100_000\n"})  # says what the kit wants
    assert _found(bench) == []


def test_below_80_percent_of_the_limit_nothing_is_reported(bench: Workbench) -> None:
    _kit(bench, {"aa": 20_000, "bb": 27_996})
    assert _found(bench) == []
    _kit(bench, {"aa": 20_000, "bb": 28_000})
    assert [one["code"] for one in _found(bench)] == ["L810"]


def test_agents_of_other_clients_do_not_count(bench: Workbench) -> None:
    _kit(bench, {"aa": 40_000, "bb": 24_000})
    text = (bench.folder / "agents/bb.toml").read_text()
    bench.write({"agents/bb.toml": f'{text}targets = ["codex"]\nrole = "You review."\n'})
    assert _found(bench) == []


def test_the_display_name_counts(bench: Workbench) -> None:
    _kit(bench, {"aa": 60_000}, 'display-name = "Aaaaaa"\n')
    (found,) = _found(bench)
    assert "about 15,001 tokens" in found["message"]


def test_other_files_of_the_client_count(bench: Workbench) -> None:
    _kit(bench, {"aa": 40_000})
    by_hand = f"---\nname: mine\ndescription: {'y' * 20_000}\n---\n\nYou do things.\n"
    bench.write({".claude/agents/sub/mine.md": by_hand})
    (found,) = _found(bench)
    assert "of 2 agents, 1 of them not of this kit, have about 15,002 tokens; " in found["message"]
    assert _found(bench) == [found]
    bench.write({".claude/agents/sub/mine.md": by_hand.replace("name:", "title:")})  # the client does not load it
    assert _found(bench) == []
    bench.write({".claude/agents/sub/mine.md": f"---\nname: mine\ndescription: {'y' * 7_000}\n---\n{'z' * 20_000}"})
    assert _found(bench) == []
