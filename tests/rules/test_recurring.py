"""Rules about values that recur: what they find in a manifest is the same, whatever manifests were checked before."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.rules import OF_MANIFEST, check_manifest
from kei_assembler.rules.catalog import documentation
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.toml.source import read_toml
from rule_examples import example_files

OTHERS: dict[str, dict[str, object]] = {
    "writer": {"display-name": "Writer, of code"},
    "tester": {"display-name": "Tester"},
    "base": {"abstract": True},
}
TARGETS = (["claude-code"], ["codex"], ["claude-code", "opencode", "cursor"])


def _kit(folder: Path, **settings: object) -> LoadedKit:
    """Return a kit with some agents and one block."""
    files = {"assemble.toml": {"targets": TARGETS[2], **settings}}
    for name, table in OTHERS.items():
        files[f"agents/{name}.toml"] = {"name": name, "description": "Works.", "role": "You work.", **table}
    for path, data in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(tomli_w.dumps(data))
    (folder / "_blocks").mkdir(exist_ok=True)
    (folder / "_blocks" / "baseline.md").write_text("Be honest.\n")
    return load_kit(str(folder))


def _check(kit: LoadedKit, table: dict[str, Any]) -> list[Diagnostic]:
    text = tomli_w.dumps({"name": "critic", "description": "Reviews code.", "role": "You review code.", **table})
    source = read_toml("agents/critic.toml", text.encode())
    assert source.error is None
    return check_manifest(kit, source)[1]


TOOLS = ("Read", "Reed", "Read", "Bash(git:*)", "Agent", "Agent(writer)", "Agent(tester)", "Agent(base)", "A B", "*")
RECEIVERS = st.sampled_from([*OTHERS, "nobody"])
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.lists(st.sampled_from(TOOLS), max_size=3),
        "model": st.sampled_from(["opus", "opuss", "gpt-5", "flash", "inherit", ""]),
        "blocks": st.lists(st.sampled_from(["baseline", "base-line", "Base Line", "baseline.md"]), max_size=2),
        "targets": st.sampled_from([*TARGETS, ["codex", "codex"], ["codexx"]]),
        "display-name": st.sampled_from(["Critic", "Critic, Reviewer", "critic\\"]),
        "handoff": st.lists(st.builds(lambda target: {"target": target, "trigger": "work"}, RECEIVERS), max_size=2),
        "target": st.sampled_from(
            [
                {"claude-code": {"disallowedTools": ["Read"], "permissionMode": "bypassPermissions"}},
                {"codex": {"model": "opus"}},
                {"opencode": {"permission": {"bash": "allow"}}},
            ]
        ),
    },
)


@given(tables=st.lists(TABLES, min_size=2, max_size=6), limits=st.booleans(), obliges=st.booleans())
def test_manifests_are_checked_alike_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, tables: list[dict[str, Any]], limits: bool, obliges: bool
) -> None:
    settings = {
        "obligatory": ["baseline"] if obliges else [],
        "target": {"claude-code": {"limit-agents": limits}},
    }
    folder = tmp_path_factory.mktemp("kit")
    shared = _kit(folder, **settings)
    for table in tables:
        assert _check(shared, table) == _check(load_kit(str(folder)), table)


def _to(agent: str) -> list[dict[str, str]]:
    return [{"target": agent, "trigger": "work"}]


ALMOST_ALIKE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "K109": ({"targets": ["codex"]}, {"targets": ["codex", "codex"]}),
    "K113": ({"tools": ["NotebookEdit"]}, {"tools": ["NotebookEdit"], "targets": ["gemini"]}),
    "K115": ({"tools": "Read", "targets": ["cursor"]}, {"tools": [], "targets": ["cursor"]}),
    "K116": ({"tools": ["Read"]}, {"tools": ["Read Write"]}),
    "K122": ({"tools": ["Read"]}, {"tools": ["Read"], "target": {"claude-code": {"disallowedTools": ["Read"]}}}),
    "K125": ({"model": "opus"}, {"model": "opuss"}),
    "K129": ({"display-name": "A, B", "targets": ["codex"]}, {"display-name": "A, B", "targets": ["qwen"]}),
    "K131": ({"tools": ["Agent"], "handoff": _to("tester")}, {"tools": ["Agent"], "handoff": _to("writer")}),
    "K132": ({"model": "flash", "targets": ["codex"]}, {"model": "flash", "targets": ["claude-code"]}),
    "B201": ({"blocks": ["baseline"]}, {"blocks": ["base-line"]}),
    "H304": ({"tools": ["Read"]}, {"tools": ["Read"], "handoff": _to("tester")}),
}
"""By its code, what a rule finds only in the second of two manifests that differ in little."""


@pytest.mark.parametrize("code", ALMOST_ALIKE)
def test_a_manifest_is_not_taken_for_another_one(code: str, tmp_path: Path) -> None:
    kit = _kit(tmp_path, target={"claude-code": {"limit-agents": True}})
    first, second = ([one.code for one in _check(kit, table)] for table in ALMOST_ALIKE[code])
    assert (code in first, code in second) == (False, True)


ABOUT = {rule.code: rule for rule in OF_MANIFEST if rule.about}
OF_TABLES = [code for code, rule in ABOUT.items() if rule.about == "target"]
READ: dict[str, set[str]] = {
    "tools": {"tools", "targets", "target", "handoff"},
    "model": {"model", "targets", "target"},
    "display-name": {"display_name", "targets"},
    "blocks": {"blocks"},
}
"""What a rule about a key may read of a manifest without tables of targets before it has a finding."""


class _Watched:
    """An object that remembers which of its attributes were read."""

    def __init__(self, value: object) -> None:
        self._value = value
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._value, name)


def _contexts(kit: LoadedKit) -> Iterable[ManifestContext]:
    """Yield the valid manifests of agents in the documentation of the rules."""
    for rule in OF_MANIFEST:
        for example in documentation(rule)[2:]:
            for file in example_files(example):
                if file.path == "agents/critic.toml":
                    source = read_toml(file.path, (file.text * file.times).encode())
                    context = None if source.error else ManifestContext(kit, source)
                    if context and not context.validation_errors:
                        yield context


@pytest.mark.parametrize("code", [code for code in ABOUT if code not in OF_TABLES])
def test_a_rule_about_a_key_reads_nothing_else(code: str, tmp_path: Path) -> None:
    count = 0
    for context in _contexts(_kit(tmp_path)):
        watched, manifest = copy(context), _Watched(context.manifest)
        watched.manifest = manifest  # type: ignore[assignment]
        rest = _Watched(watched)
        if "target" not in context.data and not any(True for _ in ABOUT[code].check(rest)):
            count += 1
            assert manifest.read <= READ[ABOUT[code].about]
            assert rest.read <= {"kit", "manifest", "fits"}
    assert count > 20


@pytest.mark.parametrize("code", OF_TABLES)
def test_a_rule_about_tables_of_targets_finds_nothing_without_them(code: str, tmp_path: Path) -> None:
    contexts = [context for context in _contexts(_kit(tmp_path)) if "target" not in context.data]
    assert len(contexts) > 20
    assert [context.data for context in contexts if any(True for _ in ABOUT[code].check(context))] == []
