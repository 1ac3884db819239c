"""Folders in which a client finds the files of several targets for one agent."""

from __future__ import annotations

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import diagnostics

AGENT = 'name = "{0}"\ndescription = "Does {0}."\nrole = "You do {0}."\n'


def _found(bench: Workbench, outputs: dict[str, str], *args: str) -> list[tuple[str, str]]:
    """Run a kit with these outputs by target, and return the messages and hints of the warnings."""
    tables = "".join(f'[target.{name}]\noutput = "{path}"\n' for name, path in outputs.items() if path)
    targets = ", ".join(f'"{name}"' for name in outputs)
    bench.write({"assemble.toml": f"targets = [{targets}]\n{tables}", "agents/critic.toml": AGENT.format("critic")})
    found = diagnostics(bench, "--all", *args, codes=("O651",))
    assert {one["severity"] for one in found} <= {"warning"}
    return sorted((one["message"], one["help"]) for one in found)


def test_each_client_that_finds_several_files_is_reported_once(bench: Workbench) -> None:
    bench.write({"agents/writer.toml": AGENT.format("writer")})
    outputs = {"auggie": ".agents/agents/{name}-a.md", "kimi": ".agents/agents/{name}.md"}
    effect = "in `.agents/agents`, and loads only one file per agent"
    assert _found(bench, outputs) == [
        (
            f"Auggie also finds the files of 2 agents for Kimi Code {effect}",
            "choose another folder with `output` in `[target.kimi]` of the settings",
        ),
        (
            f"Kimi Code also finds the files of 2 agents for Auggie {effect}",
            "choose another folder with `output` in `[target.auggie]` of the settings",
        ),
    ]
    assert _found(bench, outputs, "--target", "auggie") == []


def test_the_finding_is_where_the_output_is_set(bench: Workbench) -> None:
    _found(bench, {"kimi": "", "junie": "", "auggie": ".agents/agents/{name}.md"})
    found = diagnostics(bench, "--all", codes=("O651",))
    assert [(one["file"], one["line"], one["message"].partition(" also")[0]) for one in found] == [
        ("assemble.toml", 3, "Junie"),
        ("assemble.toml", 3, "Kimi Code"),
    ]


FINE = {
    "a file of its own wins": {"claude-code": ".claude/agents/{name}.md", "cursor": "", "auggie": ""},
    "a folder of many": {"pi": "", "kimi": ".agents/agents/{name}.md"},
    "another form": {"codex": ".claude/agents/{name}.toml", "claude-code": ".claude/agents/{name}.md"},
    "no client's folder": {"kimi": "out/{name}.md", "auggie": "out/{name}-a.md"},
}


@pytest.mark.parametrize("case", FINE)
def test_no_client_finds_several_files(case: str, bench: Workbench) -> None:
    assert _found(bench, FINE[case]) == []
    assert "loads only one of them" not in bench.run("doctor", "--no-run").stdout


def test_the_default_outputs_are_apart(bench: Workbench) -> None:
    outputs = dict.fromkeys(TARGETS, "") | {"claude-code": ".claude/agents/{name}.md"}
    assert _found(bench, outputs) == []
    assert "loads only one of them" not in bench.run("doctor", "--no-run").stdout


def test_a_file_beside_its_own_is_reported_even_if_that_of_the_usual_folder_is_not(bench: Workbench) -> None:
    (found,) = _found(bench, {"claude-code": ".cursor/agents/{name}-c.md", "cursor": ""})
    assert found[0].startswith("Cursor also finds the files of `critic` for Claude Code in `.cursor/agents`")
