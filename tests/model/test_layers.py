"""Merging the layers of a manifest: what the order of keys, dots in keys, and mistakes in defaults do."""

from __future__ import annotations

import pytest

from conftest import Workbench
from kei_assembler.loader import load_kit
from kei_assembler.model.inheritance import Resolved
from readers import AGENT, findings, path_of, read

BASE = 'name = "base"\nabstract = true\n'
CHILD = f'{AGENT}extends = "base"\n'


def _resolved(bench: Workbench, child: str, base: str) -> Resolved:
    bench.write({"agents/critic.toml": CHILD + child, "agents/base.toml": BASE + base})
    kit = load_kit(str(bench.folder))
    return kit.composition.resolve(kit.read_manifest("agents/critic.toml"))


@pytest.mark.parametrize(
    ("base", "child", "order"),
    [
        ('"*" = "ask"', '"git *" = "allow"\n"*" = "deny"', ["git *", "*"]),
        ('"*" = "ask"\n"rm *" = "deny"', '"ls" = "allow"', ["*", "rm *", "ls"]),
        ('"*" = "ask"\n"git *" = "allow"', '"*" = "deny"', ["git *", "*"]),
    ],
)
def test_keys_of_the_nearer_table_come_last_in_its_order(
    base: str, child: str, order: list[str], bench: Workbench
) -> None:
    """In some tables, the last match wins. There, the rules of the child have to win over those of the base."""
    bench.write({"assemble.toml": 'targets = ["opencode"]\n'})
    header = "[target.opencode.permission.bash]\n"
    data = _resolved(bench, header + child, header + base).data
    assert list(data["target"]["opencode"]["permission"]["bash"]) == order
    assert bench.run("agents/critic.toml").status == 0
    assert list(read("opencode", bench.read(path_of("opencode"))).values["permission"]["bash"]) == order


@pytest.mark.parametrize("key", ["my.server", "a.b.c"])
def test_unset_finds_a_key_below_one_with_dots(key: str, bench: Workbench) -> None:
    header = f'[target.copilot.mcp-servers."{key}"]\n'
    resolved = _resolved(
        bench, f'unset = ["target.copilot.mcp-servers.{key}.args"]\n', f"{header}args = []\ntools = []\n"
    )
    assert resolved.faults == ()
    assert resolved.data["target"]["copilot"]["mcp-servers"] == {key: {"tools": []}}


def test_unset_prefers_the_whole_key(bench: Workbench) -> None:
    resolved = _resolved(bench, 'unset = ["target.copilot.a.b"]', "[target.copilot]\na = { b = 1 }\n'a.b' = 2\n")
    assert resolved.data["target"]["copilot"] == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("defaults", "line", "column"),
    [
        ('[defaults]\ntools = ["Read", "..."]', 2, 18),
        ('[defaults.target.copilot]\nuser-invocable = true\ntools = ["..."]', 3, 10),
    ],
)
def test_an_entry_that_stands_for_nothing_is_reported_in_the_defaults(
    defaults: str, line: int, column: int, bench: Workbench
) -> None:
    bench.write({"assemble.toml": defaults, "agents/critic.toml": AGENT, "agents/b.toml": AGENT.replace("critic", "b")})
    assert [(one.code, one.file, one.line, one.column) for one in findings(bench)] == [
        ("E141", "assemble.toml", line, column)
    ]


@pytest.mark.parametrize("table", ["values", "target.codex.values"])
def test_an_inherited_entry_of_a_value_is_there_once(table: str, bench: Workbench) -> None:
    resolved = _resolved(bench, f'{table}.PATHS = ["...", "src", "docs"]\n', f'{table}.PATHS = ["lib", "src"]\n')
    values = resolved.data["values"] if table == "values" else resolved.data["target"]["codex"]["values"]
    assert values == {"PATHS": ["lib", "src", "docs"]}
