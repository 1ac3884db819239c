"""Rules about tools that Claude Code no longer has."""

from __future__ import annotations

import pytest

from conftest import Workbench
from kei_assembler.targets import ALIASES, CLAUDE_TOOLS, FORMER_TOOLS

MANIFEST = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code."\ntools = {tools}\n'


def _build(bench: Workbench, tools: str, *options: str) -> str:
    bench.write({"agents/critic.toml": MANIFEST.format(tools=tools)})
    run = bench.run("agents/critic.toml", *options)
    assert run.status == 0
    return run.stderr


def test_what_replaced_a_tool_is_a_tool_of_today() -> None:
    assert {*FORMER_TOOLS.values()} <= {*CLAUDE_TOOLS}
    assert {*FORMER_TOOLS}.isdisjoint({*CLAUDE_TOOLS, *ALIASES})


@pytest.mark.parametrize(("old", "new"), FORMER_TOOLS.items())
def test_an_old_tool_is_reported_with_the_one_that_replaced_it(old: str, new: str, bench: Workbench) -> None:
    err = _build(bench, f'["Grep", "{old}"]')
    line = f'tools = ["Grep", "{old}"]'
    assert err.startswith(
        f"agents/critic.toml:4:18: warning[K111] `{old}` is an old tool, which Claude Code no longer has\n"
        f"    4 | {line}\n"
        f"      |                   {'^' * len(old)} help: `{new}` replaced it\n"
    )


def test_an_old_tool_beside_the_one_that_replaced_it_can_be_removed(bench: Workbench) -> None:
    err = _build(bench, '["Edit", "MultiEdit"]', "--unsafe-fixes")
    assert "help: remove it: `Edit`, which replaced it, is listed, too\n" in err
    assert bench.read("agents/critic.toml") == MANIFEST.format(tools='["Edit", "MultiEdit"]')


def test_an_old_tool_is_replaced_only_on_request(bench: Workbench) -> None:
    _build(bench, '["Read", "MultiEdit"]', "--fix")
    assert bench.read("agents/critic.toml") == MANIFEST.format(tools='["Read", "MultiEdit"]')
    assert "1 finding fixed" in _build(bench, '["Read", "MultiEdit"]', "--unsafe-fixes")
    assert bench.read("agents/critic.toml") == MANIFEST.format(tools='["Read", "Edit"]')


def test_a_limited_old_tool_is_reported_but_not_replaced(bench: Workbench) -> None:
    err = _build(bench, '["LS(docs)"]', "--unsafe-fixes")
    assert "[K111] `LS` is an old tool, which Claude Code no longer has\n" in err
    assert bench.read("agents/critic.toml") == MANIFEST.format(tools='["LS(docs)"]')


def test_a_known_tool_is_not_old(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'known-tools = ["LS"]\n'})
    assert "K111" not in _build(bench, '["LS"]')
