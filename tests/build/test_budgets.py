"""The budgets of a kit: for agent files, for blocks, and for all descriptions together."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.markdown.tokens import tokens
from readers import diagnostics

AGENT = 'name = "{0}"\ndescription = "Reviews code."\n'
RULE = "Read the whole diff before you say anything about it.\n"
CODES = ("L805", "L808", "L809")


def _found(bench: Workbench, *args: str) -> list[dict[str, Any]]:
    return diagnostics(bench, *args, codes=CODES)


def _places(found: list[dict[str, Any]]) -> list[tuple[str, str, int, int]]:
    return [(one["code"], one["file"], one["line"], one["column"]) for one in found]


def test_agent_above_its_budget_is_a_warning_with_its_largest_parts(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": "[budget]\nagent = 300\n",
            "_blocks/long.md": RULE * 40,
            "_blocks/short.md": RULE,
            "_blocks/middle.md": RULE * 8,
            "agents/a.toml": AGENT.format("a") + 'blocks = ["short", "long", "middle"]\n',
            "agents/b.toml": AGENT.format("b") + 'blocks = ["short"]\n',
        }
    )
    (found,) = _found(bench)
    count = tokens(bench.read("agents/a.md"))
    assert _places([found]) == [("L805", "agents/a.toml", 3, 1)]
    assert (found["severity"], found["message"]) == (
        "warning",
        f"`agents/a.md` has about {count:,} tokens; the budget for an agent is 300",
    )
    long, middle, short = (tokens((RULE * times).strip()) for times in (40, 8, 1))
    rest = count - long - middle - short
    assert found["help"] == (
        f"shorten or leave out the largest parts: `long` ({long}), `middle` ({middle}) and everything else ({rest})"
    )
    assert _found(bench, "--all", "--check") == [found]
    assert _found(bench, "agents/a.toml") == [found]
    assert _found(bench, "agents/b.toml") == []
    assert bench.run("--all", "--strict").status == 1


def test_budget_is_the_most_that_is_allowed(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a")})
    bench.run("--all")
    count = tokens(bench.read("agents/a.md"))
    bench.write({"assemble.toml": f"[budget]\nagent = {count}\n"})
    assert _found(bench) == []
    bench.write({"assemble.toml": f"[budget]\nagent = {count - 1}\n"})
    (found,) = _found(bench)
    assert _places([found]) == [("L805", "agents/a.toml", 1, 1)]
    assert found["help"] == f"shorten or leave out the largest parts: the manifest's own text ({count})"


def test_each_manifest_has_one_warning_for_all_clients(bench: Workbench) -> None:
    settings = 'targets = ["claude-code", "codex", "gemini"]\n[target.codex.budget]\nagent = 5\n[budget]\nagent = 10\n'
    bench.write({"assemble.toml": settings, "agents/a.toml": AGENT.format("a") + 'role = "You review."\n'})
    (found,) = _found(bench)
    assert "/a.toml` has about " in found["message"]
    assert found["message"].endswith(
        "; the budget for an agent of Codex CLI is 5; 2 other files of this agent are above the budget, too"
    )
    (found,) = _found(bench, "--all", "--target", "gemini")
    assert found["message"].endswith("the budget for an agent is 10")


def test_budget_of_a_target_replaces_the_general_one(bench: Workbench) -> None:
    settings = "[budget]\nagent = 10\nblock = 5\ndescriptions = 3\n"
    bench.write(
        {
            "assemble.toml": f"{settings}[target.claude-code.budget]\nagent = 1000\nblock = 100\ndescriptions = 100\n",
            "_blocks/x.md": RULE,
            "agents/a.toml": AGENT.format("a") + 'blocks = ["x"]\n',
        }
    )
    assert _found(bench) == []
    bench.write({"assemble.toml": settings})
    assert [one["code"] for one in _found(bench)] == ["L808", "L805", "L809"]


def test_inherited_blocks_are_reported_at_the_manifest(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": "[budget]\nagent = 10\n",
            "_blocks/x.md": RULE,
            "agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["x"]\n',
            "agents/a.toml": AGENT.format("a") + 'extends = "base"\n',
        }
    )
    (found,) = _found(bench)
    assert _places([found]) == [("L805", "agents/a.toml", 3, 1)]
    assert "`x` (" in found["help"]


def test_block_above_the_budget_is_a_warning_at_the_block(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": 'ignore = ["B206"]\n[budget]\nblock = 50\n',
            "_blocks/x.md": RULE * 10,
            "_blocks/unused.md": RULE * 9,
            "_blocks/y.md": RULE,
            "agents/a.toml": AGENT.format("a") + 'blocks = ["x", "y"]\n',
            "agents/b.toml": AGENT.format("b") + 'blocks = ["x"]\n',
            "agents/c.toml": AGENT.format("c") + 'blocks = ["y"]\n',
        }
    )
    unused, used = _found(bench)
    assert _places([unused, used]) == [("L808", "_blocks/unused.md", 1, 1), ("L808", "_blocks/x.md", 1, 1)]
    count = tokens((RULE * 10).strip())
    assert used["message"] == f"the block has about {count} tokens; the budget for a block is 50"
    assert _found(bench, "agents/a.toml") == [used]
    assert _found(bench, "agents/c.toml") == []


def test_unreadable_block_has_only_the_finding_that_says_so(bench: Workbench) -> None:
    bench.write({"assemble.toml": "[budget]\nblock = 1\n", "_blocks/x.md": b"Be honest and careful. \xff"})
    bench.write({"agents/a.toml": AGENT.format("a") + 'blocks = ["x"]\n'})
    (found,) = diagnostics(bench)
    assert (found["severity"], found["file"]) == ("error", "_blocks/x.md")


def test_budget_of_a_target_counts_for_the_blocks_of_its_agents(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": "[target.codex.budget]\nblock = 5\n",
            "_blocks/x.md": RULE,
            "_blocks/y.md": RULE,
            "agents/a.toml": AGENT.format("a") + 'blocks = ["x"]\n',
            "agents/b.toml": AGENT.format("b") + 'blocks = ["y"]\ntargets = ["codex"]\n',
        }
    )
    (found,) = _found(bench)
    assert _places([found]) == [("L808", "_blocks/y.md", 1, 1)]
    assert found["message"].endswith("the budget for a block of Codex CLI is 5")


def test_descriptions_above_the_budget_are_a_warning_at_the_setting(bench: Workbench) -> None:
    texts = {"aa": "Reviews code, and finds what others miss.", "bb": "Writes code.", "cc": "Плавает.", "dd": "Runs."}
    bench.write({f"agents/{name}.toml": f'name = "{name}"\ndescription = "{text}"\n' for name, text in texts.items()})
    sizes = {name: tokens(f"{name}: {text}") for name, text in texts.items()}
    total = sum(sizes.values())
    bench.write({"assemble.toml": f"[budget]\n\ndescriptions = {total - 1}\n"})
    (found,) = _found(bench)
    assert _places([found]) == [("L809", "assemble.toml", 3, 1)]
    assert found["message"] == (
        f"the names and descriptions of 4 agents have about {total} tokens for Claude Code; the budget is {total - 1}"
    )
    assert found["help"].startswith(f"shorten the descriptions; the longest: `aa` ({sizes['aa']}), ")
    assert _found(bench, "agents/aa.toml") == []  # the others are not known
    bench.write({"assemble.toml": f"[budget]\ndescriptions = {total}\n"})
    assert _found(bench) == []


def test_each_setting_for_descriptions_has_one_warning(bench: Workbench) -> None:
    settings = 'targets = ["claude-code", "codex", "gemini"]\n[budget]\ndescriptions = 3\n'
    bench.write({"assemble.toml": settings, "agents/a.toml": AGENT.format("a") + 'role = "You review."\n'})
    assert _places(_found(bench)) == [("L809", "assemble.toml", 3, 1)]
    bench.write({"assemble.toml": f"{settings}[target.codex.budget]\ndescriptions = 2\n"})
    assert _places(_found(bench)) == [("L809", "assemble.toml", 3, 1), ("L809", "assemble.toml", 5, 1)]


def test_settings_in_pyproject(bench: Workbench) -> None:
    bench.write({"pyproject.toml": "[tool.assemble.budget]\ndescriptions = 3\n", "agents/a.toml": AGENT.format("a")})
    assert _places(_found(bench)) == [("L809", "pyproject.toml", 2, 1)]


def test_many_manifests_have_one_warning_each(bench: Workbench) -> None:
    names = [f"a{number:03}" for number in range(300)]  # enough for a second process
    bench.write({"assemble.toml": "[budget]\nagent = 10\ndescriptions = 100\n"})
    bench.write({f"agents/{name}.toml": AGENT.format(name) for name in names})
    found = _found(bench)
    assert [one["file"] for one in found if one["code"] == "L805"] == [f"agents/{name}.toml" for name in names]
    total = sum(tokens(f"{name}: Reviews code.") for name in names)
    (about,) = (one["message"] for one in found if one["code"] == "L809")
    assert about == (
        f"the names and descriptions of 300 agents have about {total:,} tokens for Claude Code; the budget is 100"
    )


@pytest.mark.parametrize(("settings", "is_loaded"), [("", "False"), ("[budget]\nagent = 9000\n", "True")])
def test_only_a_kit_with_budgets_loads_the_estimate(settings: str, is_loaded: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": settings, "agents/a.toml": AGENT.format("a")})
    code = """if True:
        import sys
        from kei_assembler.cli.app import main
        try:
            main(["--all", "--no-cache"])
        finally:
            print("kei_assembler.markdown.tokens" in sys.modules)
    """
    run = subprocess.run([sys.executable, "-c", code], cwd=bench.folder, capture_output=True, text=True, check=False)
    assert run.stdout.splitlines()[-1:] == [is_loaded]


@pytest.mark.parametrize("code", CODES)
def test_findings_can_be_ignored(code: str, bench: Workbench) -> None:
    settings = "[budget]\nagent = 10\nblock = 5\ndescriptions = 3\n"
    bench.write({"assemble.toml": settings, "_blocks/x.md": RULE})
    bench.write({"agents/a.toml": AGENT.format("a") + 'blocks = ["x"]\n'})
    assert [one["code"] for one in _found(bench, "--all", "--ignore", code)] == [
        one for one in ("L808", "L805", "L809") if one != code
    ]


@pytest.mark.parametrize(
    ("budget", "fault", "help_"),
    [
        ("budget = 3", "`budget` must be a table, not", ""),
        ("[budget]\nagent = 0", "`agent` must be a whole number above 0", ""),
        ("[budget]\nagent = -1", "`agent` must be a whole number above 0", ""),
        ("[budget]\nblock = true", "`block` must be a whole number above 0, not", ""),
        ('[budget]\nblock = "100"', "`block` must be a whole number above 0, not", ""),
        ("[budget]\ndescriptions = 1.5", "`descriptions` must be a whole number above 0, not", ""),
        ("[budget]\nagents = 5", "unknown setting `agents`", "did you mean `agent`?"),
        (
            "[budget.codex]\nagent = 5",
            "unknown setting `codex`",
            "a budget for one target belongs in `[target.codex.budget]`",
        ),
        ("[target.codex.budget]\nagent = 0", "`agent` must be a whole number above 0", ""),
        ("[target.codex]\nagent = 5", "unknown setting `agent`", "it belongs in `[target.codex.budget]`"),
    ],
)
def test_wrong_budget_is_one_error(budget: str, fault: str, help_: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f"{budget}\n", "agents/a.toml": AGENT.format("a")})
    run = bench.run("--all", "--output-format", "json")
    (found,) = json.loads(run.stdout)["diagnostics"]
    assert run.status == 2
    assert (found["message"][: len(fault)], found["help"]) == (fault, help_)
    assert not (bench.folder / "agents/a.md").exists()


@pytest.mark.parametrize(("table", "place"), [("budget", ""), ("target.codex.budget", "`[target.codex]` of ")])
def test_budget_in_a_manifest_is_one_error(table: str, place: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f"{AGENT.format('a')}[{table}]\nagent = 5\n"})
    (found,) = diagnostics(bench)
    assert (found["code"], found["line"]) == ("K101", 3)
    assert found["help"].endswith(f"it is a setting of the kit, and belongs in {place}`assemble.toml`")
