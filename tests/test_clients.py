"""Agent files, read by the npm and Python parsers that AI clients use, and by the loaders of some clients."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rtoml
import tomli_w
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from conftest import REPOSITORY, Workbench, examples
from kei_assembler.markdown.front_matter import front_matter
from kei_assembler.markdown.raw_scalars import raw_front_matter, read_raw
from kei_assembler.model.adaptation import toolset
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import MARKDOWN
from kei_assembler.whitespace import collapse_whitespace
from node_scripts import node_command
from readers import build, path_of, read
from strategies import ANY_TEXT, TRICKY_TEXT

pytestmark = pytest.mark.slow

PACKAGES = ("gray-matter", "js-yaml-3", "js-yaml-4", "yaml")
BY_NPM = {"yaml", "yaml as 1.1", "js-yaml 3", "js-yaml 4", "gray-matter"}
BY_PYTHON: dict[str, Callable[[str], Any]] = {"PyYAML": yaml.safe_load, "ruamel.yaml": YAML(typ="safe", pure=True).load}

LARGEST_EXACT_DOUBLE = 2**53
JAVASCRIPT_NAMES = ("__proto__", "constructor", "toString", "toJSON", "hasOwnProperty", "length", "undefined", "NaN")
TAKEN_FOR_OTHER_TYPES = ("<<", "0o17", "0b11", "1:30", "1_000", "12e03", "2001-12-14T21:59:43.100Z", "!!js/function x")
TEXT = ANY_TEXT | TRICKY_TEXT | st.sampled_from(JAVASCRIPT_NAMES + TAKEN_FOR_OTHER_TYPES)
INTEGERS = st.integers(-LARGEST_EXACT_DOUBLE, LARGEST_EXACT_DOUBLE)
SCALARS = TEXT | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))

BODY_BITS = (
    "---",
    "...",
    "\n",
    "\r\n",
    "\r",
    "\ufeff",
    "\0",
    "\u2028",
    " ",
    "# x",
    "a: b",
    "```",
    "<!-- more -->",
    "---js",
)
BODIES = ANY_TEXT | st.lists(st.sampled_from(BODY_BITS), max_size=8).map("".join)


class Answer(NamedTuple):
    """How one parser reads a file. `body` is None if the parser reads only front matter."""

    data: Any
    body: str | None


class Clients:
    """All parsers. Those from npm run in one process for all tests."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, entries: dict[str, Any], body: str) -> dict[str, Answer]:
        return self.read_file(front_matter(entries.items()) + body)

    def read_file(self, file: str) -> dict[str, Answer]:
        values = file.removeprefix("---\n").partition("\n---\n")[0]
        by_python = {name: Answer(load(values), None) for name, load in BY_PYTHON.items()}
        return by_python | self._read_by_npm(file)

    def _read_by_npm(self, file: str) -> dict[str, Answer]:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(file), file=self._process.stdin, flush=True)
        answers = json.loads(self._process.stdout.readline())
        return {name: Answer(answer.get("data", answer), answer.get("body")) for name, answer in answers.items()}


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    command = node_command("front_matter.mjs", *PACKAGES)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8") as process:
        yield Clients(process)


def _as_json(value: Any) -> str:
    """Return JSON that tells True from 1 and has numbers as doubles, as in JavaScript."""
    return json.dumps(_with_doubles(value), sort_keys=True)


def _with_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_doubles(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_doubles(item) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value + 0.0 if is_number else value  # JavaScript writes -0.0 as 0 in JSON


def _assert_round_trip(clients: Clients, entries: dict[str, Any], body: str = "\n# BODY\n") -> None:
    answers = clients.read(entries, body)
    assert set(answers) == BY_NPM | set(BY_PYTHON)
    assert {name: _as_json(answer.data) for name, answer in answers.items()} == dict.fromkeys(
        answers, _as_json(entries)
    )
    assert answers["gray-matter"].body == body


@examples(500)
@given(TEXT)
def test_text_round_trips(clients: Clients, text: str) -> None:
    _assert_round_trip(clients, {"description": text, "model": "opus"})


@examples(300)
@given(st.lists(TEXT, max_size=4))
def test_list_of_texts_round_trips(clients: Clients, texts: list[str]) -> None:
    _assert_round_trip(clients, {"skills": texts, "model": "opus"})


@examples(300)
@given(NESTED)
@example({name: {name: "x"} for name in JAVASCRIPT_NAMES})
@example({"<<": {"a": "b"}})
@example({"k" * 5000: ["v" * 5000]})
@example([LARGEST_EXACT_DOUBLE, -0.0, 1e16, 1e-7, 5e-324, 1.7976931348623157e308])
def test_nested_values_round_trip(clients: Clients, value: Any) -> None:
    _assert_round_trip(clients, {"hooks": {"key": value}, "mcpServers": value})


@examples(300)
@given(TEXT, BODIES)
@example("x", "")
@example("x", "---\na: b\n---\n")
@example("x", "\r\nx\r\n")
def test_body_round_trips(clients: Clients, text: str, body: str) -> None:
    _assert_round_trip(clients, {"description": text}, body)


@pytest.mark.parametrize("text", ["2001-12-14T21:59:43.100Z", "2001-12-14", "0x1F", "1e3", "1:30", "=", "~", "<<"])
def test_text_that_looks_like_another_type_stays_text(clients: Clients, text: str) -> None:
    _assert_round_trip(clients, {"description": text, "skills": [text]})


SOURCES = ("agents/*.toml", "_blocks/*.md", "templates/*", "pyproject.toml")
TEXTS = (
    "Reviews: all of it # and more",
    "before --- after",
    "First.\n---\nname: other\ntools: Bash\n---\nLast.\n",
    "First.\n\n  - a: b\n  # c\n",
    "\"quoted\" and 'quoted'",
    '\'\'\' and """ and """"" \\',
    "C:\\new \\u0041 \\x41 \\",
    "\ttab,\u00a0no-break space",
    "日本語 🦊 👩\u200d🚀 Ü",
    "$HOME, ${HOME:-x}, {{ x }} and {% y %}",
    "a: # " * 300,
    *(f"{indicator}{gap}first" for indicator in "*&!%@`>|-?[{,]}#:~'\"" for gap in ("", " ")),
    *("1e5 0x1f 0o17 .inf 1_000 12:30:45 2026-11-01 yes null ~ << = NaN undefined".split()),
)
IN_GEMINI = {
    "Read": "read_file",
    "Edit": "replace",
    "Write": "write_file",
    "NotebookEdit": None,
    "Glob": "glob",
    "Grep": "grep_search",
    "Bash": "run_shell_command",
    "Bash(git:*)": "run_shell_command",
    "Bash(npm run test:*)": "run_shell_command",
    "Agent": None,
    "Agent(a, b)": None,
    "Task": None,
    "Skill": "activate_skill",
    "Skill(x)": "activate_skill",
    "TodoWrite": "write_todos",
    "WebFetch": "web_fetch",
    "WebSearch": "google_web_search",
    "mcp__docs": "mcp_docs_*",
    "mcp__tracker__*": "mcp_tracker_*",
    "mcp__tracker__find_it": "mcp_tracker_find_it",
    "mcp__claude_ai_Mail__search": "mcp_claude_ai_Mail_search",
    "mcp__claude_ai_Mail": None,
    "mcp__my_server__*": None,
    "mcp__söks__find": None,
}
LIMITS = re.compile(r"# TOOLS\n\n(?:Besides .*\n\n(?:- .*\n)+|You may .*\n)\n")

Agents = dict[str, dict[str, Any]]


def _ours() -> dict[str, str]:
    files = (path for pattern in SOURCES for path in REPOSITORY.glob(pattern))
    return {str(path.relative_to(REPOSITORY)): path.read_text() for path in files}


def _with_some(tools: list[str]) -> list[str]:
    """The targets without those in which no tool of a list is left, which their clients would take for all tools."""
    return [
        name for name, row in TARGETS.items() if not row.tools.empty_means_all or toolset((*tools,), name).granted != ()
    ]


def _hostile() -> dict[str, str]:
    tools = [["*"], list(IN_GEMINI), *([entry] for entry in IN_GEMINI)]
    agents: list[dict[str, Any]] = [{"description": text, "role": f"{text}\n\nYou review."} for text in TEXTS]
    agents += [
        {"description": "Reviews.", "role": "You review.", "tools": entries, "targets": _with_some(entries)}
        for entries in tools
    ]
    strict = [name for name, row in TARGETS.items() if not row.tools.empty_means_all]
    agents.append({"description": "Reviews.", "role": "You review.", "tools": [], "targets": strict})
    named = {f"a{index}": agent for index, agent in enumerate(agents)}
    manifests = {f"agents/{name}.toml": tomli_w.dumps({"name": name} | agent) for name, agent in named.items()}
    return {"assemble.toml": "", **manifests}


def _has_any(entries: list[str], target: str) -> bool:
    return toolset(tuple(entries), target).granted != ()


@pytest.fixture(params=[_ours, _hostile])
def agents(request: pytest.FixtureRequest, bench: Workbench) -> Agents:
    """The manifests of a kit that was built for every target."""
    files = request.param()
    bench.write(files)
    run = bench.run("--all", *(arg for target in TARGETS for arg in ("--target", target)))
    assert run.status == 0, run.stderr
    return {Path(name).stem: tomllib.loads(text) for name, text in files.items() if name.startswith("agents/")}


def _by_gemini(folder: Path) -> dict[str, Any]:
    command = [*node_command("gemini_agents.mjs", "@google/gemini-cli"), str(folder / ".gemini" / "agents")]
    environment = {**os.environ, "HOME": str(folder)}
    answer: dict[str, Any] = json.loads(subprocess.check_output(command, env=environment, timeout=120))
    assert answer["errors"] == []
    return {agent["name"]: agent for agent in answer["agents"]}


def _tools_in_gemini(tools: list[str] | None) -> list[str] | None:
    if tools is None or "*" in tools:
        return None
    return list(dict.fromkeys(name for tool in tools if (name := IN_GEMINI[tool])))


def test_gemini_loads_the_values_of_the_manifests(agents: Agents, bench: Workbench) -> None:
    assert _by_gemini(bench.folder) == {
        name: {
            "name": name,
            "description": agent["description"],
            "tools": _tools_in_gemini(agent.get("tools")),
            "body": bench.read(path_of("gemini", name)).partition("\n---\n\n")[2].strip(),
            "failure": "",
        }
        for name, agent in agents.items()
    }


def test_gemini_variable_is_refused(bench: Workbench) -> None:
    manifest = 'name = "a"\ndescription = "A."\nrole = "You look into `$HOME`."\n'
    bench.write({"agents/a.toml": manifest, "assemble.toml": 'targets = ["gemini"]'})
    assert bench.run("--all").status == 0
    assert _by_gemini(bench.folder)["a"]["failure"] == ""
    file = path_of("gemini", "a")
    bench.write({file: bench.read(file).replace("$HOME", "${HOME}")})
    assert "Missing required input parameters: HOME." in _by_gemini(bench.folder)["a"]["failure"]
    bench.write({"agents/a.toml": manifest.replace("$HOME", "${HOME}")})
    run = bench.run("--all", "--force")
    assert (run.status, "error[T407]" in run.stderr) == (1, True)


def _by_kimi(folder: Path) -> dict[str, Any]:
    agents = folder / ".kimi-code" / "agents"
    command = [*node_command("kimi_agents.mjs", "@moonshot-ai/kimi-code", "js-yaml-4"), str(agents)]
    answer: dict[str, Any] = json.loads(subprocess.check_output(command, timeout=120))
    return {Path(name).stem: agent for name, agent in answer.items()}


def test_kimi_loads_the_values_of_the_manifests(agents: Agents, bench: Workbench) -> None:
    loaded = _by_kimi(bench.folder)
    assert loaded.keys() == agents.keys()
    for name, agent in agents.items():
        text = bench.read(path_of("kimi", name))
        found, written = loaded[name], read("kimi", text)
        assert (found["name"], found["description"]) == (name, agent["description"].strip())
        tools = written.values.get("tools")
        assert found.get("tools") == (tools.split(", ") if isinstance(tools, str) else tools)
        assert found.get("subagents") == written.values.get("subagents")
        assert found["prompt"] == text.partition("\n---\n\n")[2].strip()


@pytest.mark.parametrize("variable", ["${cwd}", "${base_prompt}", "${HOME}", "$cwd", "${now}"])
def test_what_kimi_replaces_is_an_error(variable: str, bench: Workbench) -> None:
    manifest = f'name = "a"\ndescription = "A."\nrole = "You look into `{variable}`."\n'
    bench.write({"agents/a.toml": manifest, "assemble.toml": 'targets = ["kimi"]\n'})
    run = bench.run("--all")
    bench.write({path_of("kimi", "a"): f"---\nname: a\ndescription: A.\n---\n\nYou look into `{variable}`.\n"})
    is_replaced = variable not in _by_kimi(bench.folder)["a"]["prompt"]
    assert ("error[T407]" in run.stderr) == is_replaced


def _by_vibe(folder: Path) -> dict[str, Any]:
    """What Vibe makes of the agents of a user whose folder of settings is `.vibe`."""
    vibe = shutil.which("vibe")
    if not vibe:
        pytest.skip("Mistral Vibe is not installed; it needs Python 3.12: pip install mistral-vibe")
    command = [str(Path(vibe).with_name("python")), str(REPOSITORY / "tests" / "vibe_agents.py")]
    environment = {**os.environ, "HOME": str(folder), "VIBE_HOME": str(folder / ".vibe")}
    answer: dict[str, Any] = json.loads(subprocess.check_output(command, env=environment, timeout=120))
    return answer


def test_vibe_loads_the_values_of_the_manifests(agents: Agents, bench: Workbench) -> None:
    answer = _by_vibe(bench.folder)
    assert answer["errors"] == []
    read_values = {
        name: (agent["description"], agent["overrides"].get("enabled_tools"), agent["instructions"])
        for name, agent in answer["agents"].items()
    }
    assert read_values == {
        name: (
            agent["description"],
            _granted("vibe", agent.get("tools")),
            tomllib.loads(bench.read(path_of("vibe", name)))["instructions"],
        )
        for name, agent in agents.items()
        if "vibe" in agent.get("targets", TARGETS)
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('safety = "odd"', "safety: 'odd' is not one of"),
        ('description = " "', "a name and a description are required"),
        ('enabled_tools = "bash"', "enabled_tools: Input should be a valid list"),
        (f'instructions = "{"x" * 65_537}"', "limited to 65,536 characters"),
    ],
)
def test_vibe_loses_a_file_that_the_rules_prevent(line: str, complaint: str, bench: Workbench) -> None:
    lines = ['description = "A."', 'agent_type = "subagent"', 'instructions = "Text."', line]
    table = {each.partition(" ")[0]: each for each in lines}
    bench.write({".vibe/agents/a.toml": "\n".join(table.values())})
    answer = _by_vibe(bench.folder)
    assert (answer["agents"], complaint in "".join(answer["errors"])) == ({}, True)


def test_vibe_takes_the_longest_body(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["vibe"]\nrequired = ["name"]\n', "_blocks/b.md": "x" * 65_535})
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["b"]\n'})
    assert bench.run("--all").status == 0
    assert len(_by_vibe(bench.folder)["agents"]["a"]["instructions"]) == 65_536


def _by_pi(folder: Path) -> dict[str, Any]:
    command = [*node_command("pi_agents.mjs", "pi-subagents"), str(folder)]
    environment = {**os.environ, "HOME": str(folder / "home"), "JITI_FS_CACHE": "false"}
    answer: dict[str, Any] = json.loads(subprocess.check_output(command, env=environment, timeout=120))
    return answer


def test_pi_loads_the_values_of_the_manifests(agents: Agents, bench: Workbench) -> None:
    answer = _by_pi(bench.folder)
    assert answer["errors"] == []
    read_values = {
        agent["name"]: (agent["description"], _tools_in_pi(agent), agent["systemPrompt"]) for agent in answer["agents"]
    }
    assert read_values == {
        name: (
            collapse_whitespace(agent["description"]),
            _granted("pi", agent.get("tools")),
            bench.read(path_of("pi", name)).partition("\n---\n\n")[2].strip(),
        )
        for name, agent in agents.items()
    }


def _tools_in_pi(agent: dict[str, Any]) -> list[str] | None:
    """The tools, which the client separates from those of MCP servers."""
    if "tools" not in agent:
        return None
    return [*agent["tools"], *(f"mcp:{tool}" for tool in agent.get("mcpDirectTools", ()))]


def test_pi_reads_each_key(bench: Workbench) -> None:
    build(bench, tomli_w.dumps({"target": {"pi": PI_KEYS}}), ["pi"])
    (agent,) = _by_pi(bench.folder)["agents"]
    renamed = {"async": "defaultAsync", "timeoutMs": "defaultTimeoutMs", "toolTimeoutMs": "defaultToolTimeoutMs"}
    read_values = {key: agent.get(renamed.get(key, key)) for key in PI_KEYS}
    assert read_values == PI_KEYS | {"tools": ["read"]}
    assert agent["mcpDirectTools"] == ["tracker/find"]


PI_KEYS = {
    "advertise": True,
    "tools": ["read", "mcp:tracker/find"],
    "excludeTools": ["ls", "bash"],
    "allowNestedSubagents": False,
    "model": "maker/one",
    "fallbackModels": ["maker/two", "three"],
    "fast": False,
    "thinking": "high",
    "systemPromptMode": "append",
    "inheritProjectContext": True,
    "inheritGlobalContext": True,
    "inheritSkills": True,
    "defaultContext": "fork",
    "async": True,
    "timeoutMs": 60_000,
    "toolTimeoutMs": 5_000,
    "acceptanceRole": "read-only",
    "skills": ["review", "commit"],
    "maxSubagentDepth": 0,
    "completionGuard": False,
}


@pytest.mark.parametrize(
    "front",
    ["name: a\n", "description: x\n", "name: claude-code\ndescription: x\n", "name: a\ndescription: x\nasync: 1\n"],
)
def test_pi_loses_a_file_that_the_rules_prevent(front: str, bench: Workbench) -> None:
    bench.write({".pi/agents/a.md": f"---\n{front}---\nText.\n", ".agents/skills/x/SKILL.md": HEAD})
    assert _by_pi(bench.folder)["agents"] == []


@pytest.mark.parametrize("name", ["claude-code", "reviewer", "delegate", "worker"])
def test_pi_has_these_built_in_names(name: str, bench: Workbench) -> None:
    bench.write({f"agents/{name}.toml": f'name = "{name}"\ndescription = "A."\nrole = "A."\ntargets = ["pi"]\n'})
    run = bench.run("--all")
    assert re.findall(r"\[(L80.)\]", run.stderr) == ["L801" if name == "claude-code" else "L807"]
    assert [agent["name"] for agent in _by_pi(bench.folder)["agents"]] == ([] if name == "claude-code" else [name])


HEAD = "---\nname: x\ndescription: y\n---\n"


@given(st.text() | TEXT)
@example('"a" and "b"')
@example("'")
@example(">")
def test_raw_scalars_are_read_as_pi_reads_them(text: str) -> None:
    line = raw_front_matter([("description", text)])
    assert read_raw(line.removeprefix("---\n").removesuffix("---\n"), "pi").entries["description"].value == (
        collapse_whitespace(text)
    )


def _by_cline(folder: Path) -> dict[str, Any]:
    command = [*node_command("cline_agents.mjs", "@cline/core"), str(folder)]
    environment = {**os.environ, "HOME": str(folder / "home"), "CLINE_DIR": str(folder / "home")}
    answer: dict[str, Any] = json.loads(subprocess.check_output(command, env=environment, timeout=120))
    return answer


def test_cline_loads_the_values_of_the_manifests(agents: Agents, bench: Workbench) -> None:
    answer = _by_cline(bench.folder)
    assert answer["errors"] == []
    assert {
        agent["name"]: (agent["description"], agent.get("tools"), agent["systemPrompt"]) for agent in answer["agents"]
    } == {
        name: (
            agent["description"].strip(),
            _granted("cline", agent.get("tools")),
            bench.read(path_of("cline", name)).partition("\n---\n\n")[2].strip(),
        )
        for name, agent in agents.items()
    }


def _granted(target: str, tools: list[str] | None) -> list[str] | None:
    granted = toolset(None if tools is None else tuple(tools), target).granted
    return None if granted is None else [grant.name for grant in granted]


def test_cline_reads_each_key(bench: Workbench) -> None:
    table = {"tools": ["read_files"], "skills": ["a"], "modelId": "maker/one", "maxIterations": 3}
    allowed = '[[allow-rights]]\nagent = "critic"\nrights = ["cline.skills"]\nreason = "tested"\n'
    build(bench, f'tools = ["Read"]\n{tomli_w.dumps({"target": {"cline": table}})}', ["cline"], allowed)
    (agent,) = _by_cline(bench.folder)["agents"]
    assert table.items() <= agent.items()


@pytest.mark.parametrize(
    "content",
    [
        "name: a\ndescription: A.\n",
        "---\nname: a\ndescription: A.\n---\n",
        "---\nname: a\ndescription: ''\n---\nText.\n",
        "---\nname: a\ndescription: a: b\n---\nText.\n",
        "---\nname: a\ndescription: A.\nmaxIterations: 0\n---\nText.\n",
        "---\nname: a\ndescription: A.\nskills: 1\n---\nText.\n",
    ],
)
def test_cline_loses_a_file_that_the_rules_prevent(content: str, bench: Workbench) -> None:
    bench.write({".cline/agents/a.yaml": content, ".cline/agents/b.md": content, ".cline/agents/sub/c.yaml": content})
    answer = _by_cline(bench.folder)
    assert (answer["agents"], len(answer["errors"])) == ([], 1)


@pytest.mark.parametrize("target", [name for name, row in TARGETS.items() if row.form.write is MARKDOWN.write])
def test_file_has_the_values_of_its_manifest(clients: Clients, agents: Agents, bench: Workbench, target: str) -> None:
    for name, agent in agents.items():
        if target not in agent.get("targets", TARGETS):
            continue
        file = bench.read(path_of(target, name))
        answers = clients.read_file(file)
        assert len({_as_json(answer.data) for answer in answers.values()}) == 1, file
        data = answers["PyYAML"].data
        assert data["description"] == agent["description"]
        assert data.get("name", name) == name
        assert answers["gray-matter"].body == file.partition("\n---\n")[2]


def test_codex_file_has_the_values_of_its_manifest(agents: Agents, bench: Workbench) -> None:
    for name, agent in agents.items():
        text = bench.read(path_of("codex", name))
        values = tomllib.loads(text)
        assert rtoml.loads(text) == values
        assert (values["name"], values["description"]) == (name, agent["description"])
        body = LIMITS.sub("", values["developer_instructions"] + "\n").strip("\n")
        assert body == read("claude-code", bench.read(path_of("claude-code", name))).body
