"""Defaults: the setting `[defaults]` applies to all manifests, a manifest overrides it, and mistakes are located."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import AGENT, AgentFile, findings, path_of, read

DEFAULTS = """\
[defaults]
model = "opus"
tools = ["Read", "Grep"]

[defaults.target.claude-code]
maxTurns = 9
color = "blue"

[defaults.target.copilot]
model = "GPT-5"
"""
PREFIXES = {"assemble.toml": "", "pyproject.toml": "tool.assemble."}
"""The settings files, and the prefix that their tables have there."""


def _write(bench: Workbench, defaults: str, manifest: str = "", file: str = "assemble.toml") -> None:
    """Write a settings file with the defaults, and a manifest."""
    settings = re.sub(r"^(\[+)(?=[a-z])", rf"\1{PREFIXES[file]}", defaults, flags=re.MULTILINE)
    bench.write({file: settings, "agents/critic.toml": AGENT + manifest})


def _file(bench: Workbench, target: str = "claude-code") -> AgentFile:
    run = bench.run("--all", "--target", target)
    assert (run.status, run.stderr.splitlines()[1:]) == (0, [])
    return read(target, bench.read(path_of(target)))


@pytest.mark.parametrize("file", PREFIXES)
@pytest.mark.parametrize(
    ("manifest", "values"),
    [
        ("", {"model": "opus", "tools": "Read, Grep", "maxTurns": 9, "color": "blue"}),
        ('model = "haiku"', {"model": "haiku", "tools": "Read, Grep", "maxTurns": 9, "color": "blue"}),
        ('tools = ["Bash"]', {"model": "opus", "tools": "Bash", "maxTurns": 9, "color": "blue"}),
        ("tools = []", {"model": "opus", "tools": [], "maxTurns": 9, "color": "blue"}),
        (
            '[target.claude-code]\nmodel = "x"\ncolor = "red"\neffort = "low"',
            {"model": "x", "tools": "Read, Grep", "effort": "low", "maxTurns": 9, "color": "red"},
        ),
        ('[target.cursor]\nmodel = "x"', {"model": "opus", "tools": "Read, Grep", "maxTurns": 9, "color": "blue"}),
    ],
)
def test_the_manifest_overrides_defaults(file: str, manifest: str, values: dict[str, Any], bench: Workbench) -> None:
    _write(bench, DEFAULTS, manifest, file)
    front_matter = _file(bench).values
    assert {key: front_matter[key] for key in front_matter if key not in ("name", "description")} == values


def test_defaults_do_not_reorder_a_table_of_the_manifest(bench: Workbench) -> None:
    button = 'handoffs = [{ prompt = "Go.", label = "Fix", agent = "x" }]'
    _write(bench, DEFAULTS, f"[target.copilot]\n{button}\n")
    (written,) = _file(bench, "copilot").values["handoffs"]
    assert list(written) == ["prompt", "label", "agent"]


def test_defaults_apply_to_every_target_and_manifest(bench: Workbench) -> None:
    _write(bench, f'ignore = ["K126"]\n{DEFAULTS}')  # Qwen does not get the model of `other`
    bench.write({"agents/other.toml": AGENT.replace("critic", "other") + 'model = "haiku"\n'})
    copilot, qwen = _file(bench, "copilot").values, _file(bench, "qwen").values
    assert (copilot["model"], copilot["tools"]) == ("GPT-5", ["read", "search"])
    assert ("model" in qwen, qwen["tools"]) == (False, ["read_file", "grep_search"])
    assert "model: haiku\n" in bench.run("--stdout", "agents/other.toml").stdout


def test_a_general_key_of_the_manifest_overrides_the_defaults_of_a_target(bench: Workbench) -> None:
    tables = '[defaults.target.cursor]\nmodel = "fast"\ntools = ["Bash"]\nreadonly = true\n'
    _write(bench, tables, 'model = "inherit"\ntools = ["Read"]')
    own = _file(bench, "cursor").values
    assert (own["model"], own["tools"], own["readonly"]) == ("inherit", "Read", "true")
    _write(bench, tables, 'tools = ["Read"]\n[target.cursor]\ntools = ["Grep"]')
    own = _file(bench, "cursor").values
    assert (own["model"], own["tools"], own["readonly"]) == ("fast", "Grep", "true")


def test_a_template_sees_defaults(bench: Workbench) -> None:
    _write(bench, DEFAULTS)
    bench.write({"templates/agent.md.j2": "{{ agent.model }} {{ agent.target['claude-code'].maxTurns }}"})
    assert _file(bench).body == "opus 9"


@pytest.mark.parametrize(
    ("manifest", "messages"),
    [("", ["`handoff` is missing"]), ("tools = []", ["`tools` is empty", "`handoff` is missing"])],
)
def test_a_default_satisfies_a_required_key(manifest: str, messages: list[str], bench: Workbench) -> None:
    required = 'required = ["name", "model", "tools", "target", "handoff"]\n'
    _write(bench, f"{required}{DEFAULTS}", manifest)
    assert sorted(one.message for one in findings(bench)) == sorted(messages)


@pytest.mark.parametrize("file", PREFIXES)
@pytest.mark.parametrize(
    ("defaults", "code", "location"),
    [
        ("[defaults]\nzzz = 1", "C701", (2, 1)),
        ('[defaults]\nname = "x"', "C701", (2, 1)),
        ("[defaults]\nmodel = 1", "C702", (2, 1)),
        ('[defaults]\nmodel = " "', "C702", (2, 1)),
        ('[defaults]\ntools = "Read"', "C702", (2, 1)),
        ('[defaults]\ntools = ["Read", 7]', "C702", (2, 18)),
        ("[defaults.target.claude]\nmodel = 'x'", "C701", (1, 18)),
        ("[defaults.target.codex]\nsandbox = 'x'", "C701", (2, 1)),
        ("[defaults.target.codex]\nsandbox_mode = 'read'", "C702", (2, 1)),
        ("[defaults.target.claude-code]\n\nmaxTurns = 0", "C702", (3, 1)),
        ("[defaults.target]\nqwen = 1", "C702", (2, 1)),
        ("[[defaults]]\nmodel = 'x'", "C702", (1, 3)),
    ],
)
def test_an_invalid_default_is_located_in_the_settings(
    file: str, defaults: str, code: str, location: tuple[int, int], bench: Workbench
) -> None:
    _write(bench, defaults, file=file)
    line, column = location
    column += len(PREFIXES[file]) if defaults.splitlines()[line - 1].startswith("[") else 0
    assert [(one.code, one.file, one.line, one.column) for one in findings(bench)] == [(code, file, line, column)]
    assert bench.run("--all").status == 2


@pytest.mark.parametrize("file", PREFIXES)
@pytest.mark.parametrize(
    ("tools", "code", "message"),
    [
        ('["Grep", "Raed"]', "K111", "unknown tool `Raed`"),
        ('["Read", "Read"]', "K109", "`Read` is listed twice in `tools`"),
        ('["Read", "{{X}}"]', "T401", "the placeholder `{{X}}` is not filled in"),
    ],
)
def test_a_mistake_in_a_default_is_reported_once_in_the_settings(
    file: str, tools: str, code: str, message: str, bench: Workbench
) -> None:
    _write(bench, f"[defaults]\ntools = {tools}\n", file=file)
    bench.write({f"agents/{name}.toml": AGENT.replace("critic", name) for name in ("other", "third")})
    found = [one for one in findings(bench) if one.code == code]
    assert [(one.message, one.file, one.line) for one in found] == [(message, file, 2)]
    messages = [origin["message"] for one in found for origin in one.related]
    assert messages == [*(["listed here first"] if code == "K109" else []), "inherited by `critic`, `other` and 1 more"]


def test_a_mistake_in_a_manifest_is_reported_beside_one_in_the_defaults(bench: Workbench) -> None:
    _write(bench, '[defaults]\ntools = ["Raed"]\n', 'tools = ["Grepp"]')
    assert [(one.code, one.file, one.line) for one in findings(bench)] == [
        ("K111", "agents/critic.toml", 4),
        ("K111", "assemble.toml", 2),
    ]


WITH_RIGHT = '[defaults.target.claude-code]\nmaxTurns = 3\npermissionMode = "auto"\n'
INHERITED = [
    pytest.param(WITH_RIGHT, "claude-code", "R501", (3, 1), id="R501"),
    pytest.param('[defaults]\ntools = ["Read", "LSP"]\n', "gemini", "K113", (2, 18), id="K113"),
    pytest.param('[defaults]\ntools = ["Bash(ls)"]\n', "qwen", "K114", (2, 10), id="K114"),
    pytest.param("[defaults]\ntools = []\n", "qwen", "K115", (2, 1), id="K115"),
    pytest.param("[defaults.target.cursor]\ntools = []\n", "cursor", "K115", (2, 1), id="K115-own"),
]


@pytest.mark.parametrize(("defaults", "target", "code", "location"), INHERITED)
def test_a_finding_about_a_default_refers_to_its_line(
    defaults: str, target: str, code: str, location: tuple[int, int], bench: Workbench
) -> None:
    _write(bench, defaults)
    (found,) = findings(bench, "--target", target)
    assert (found.code, found.file, found.line, found.column) == (code, "assemble.toml", *location)
    (heir,) = found.related
    assert (heir["file"], heir["line"], heir["message"]) == ("agents/critic.toml", 1, "inherited by `critic`")


@pytest.mark.parametrize(
    ("own", "places"),
    [
        ('color = "red"', [("assemble.toml", 3)]),
        ('permissionMode = "auto"', [("agents/critic.toml", 5)]),
        ('permissionMode = "plan"', []),
    ],
)
def test_a_finding_is_located_where_the_key_was_written(
    own: str, places: list[tuple[str, int]], bench: Workbench
) -> None:
    _write(bench, WITH_RIGHT, f"[target.claude-code]\n{own}\n")
    assert [(one.code, one.file, one.line) for one in findings(bench)] == [("R501", *place) for place in places]


def test_every_format_refers_to_the_line_of_a_default(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": WITH_RIGHT, "kit/agents/critic.toml": AGENT})
    formats = ("text", "json", "github", "sarif")
    runs = {each: bench.run("--all", "--kit", "kit", "--output-format", each) for each in formats}
    heir = "agents/critic.toml:1:1: note: inherited by `critic`"
    assert f"{heir}\n" in runs["text"].stderr
    assert runs["github"].stdout.endswith(f"%0Anote: kit/{heir.replace(' note:', '')}\n")
    (found,) = json.loads(runs["json"].stdout)["diagnostics"]
    (result,) = json.loads(runs["sarif"].stdout)["runs"][0]["results"]
    assert (found["file"], found["line"]) == ("assemble.toml", 3)
    assert [(one["file"], one["line"]) for one in found["related"]] == [("agents/critic.toml", 1)]
    (location,) = (one["physicalLocation"] for one in result["relatedLocations"])
    assert (location["artifactLocation"]["uri"], location["region"]["startLine"]) == ("kit/agents/critic.toml", 1)


def test_a_right_in_the_defaults_has_to_be_allowed_for_each_agent(bench: Workbench) -> None:
    allowed = '[[allow-rights]]\nagent = "critic"\nrights = ["claude-code.permissionMode=auto"]\nreason = "tried"\n'
    _write(bench, f"{allowed}{WITH_RIGHT}")
    bench.write({"agents/other.toml": AGENT.replace("critic", "other")})
    (found,) = findings(bench)
    assert (found.code, found.file) == ("R501", "assemble.toml")
    assert [one["message"] for one in found.related] == ["inherited by `other`"]
    bench.write(
        {"agents/other.toml": AGENT.replace("critic", "other") + '[target.claude-code]\npermissionMode = "plan"'}
    )
    assert findings(bench) == []


def test_a_manifest_with_an_invalid_target_table_is_still_reported(bench: Workbench) -> None:
    _write(bench, DEFAULTS, "target = 1\n")
    assert [(one.code, one.line) for one in findings(bench)] == [("K102", 4)]
    _write(bench, DEFAULTS, "target.claude-code = 1\n")
    assert [(one.code, one.line) for one in findings(bench)] == [("K102", 4)]


@pytest.mark.parametrize("target", [name for name, row in TARGETS.items() if "model" in row.keys])
def test_the_keys_of_every_target_can_be_defaults(target: str, bench: Workbench) -> None:
    key = TARGETS[target].model_key
    _write(bench, f'[defaults.target.{target}]\n{key} = "maker/one"\n')
    assert _file(bench, target).values[key] == "maker/one"


def test_a_changed_default_makes_outputs_out_of_date(bench: Workbench) -> None:
    _write(bench, DEFAULTS)
    assert bench.run("--all").status == 0
    _write(bench, DEFAULTS.replace("opus", "haiku"))
    run = bench.run("--all", "--check", "--diff")
    assert (run.status, "-model: opus\n+model: haiku\n" in run.stdout) == (1, True)
