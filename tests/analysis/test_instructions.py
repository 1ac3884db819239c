"""`assemble list` and `assemble show` in a kit with instructions, which can have the names of agents."""

from __future__ import annotations

import json

import pytest

from conftest import Workbench
from repositories import commit_all

KIT = {
    "assemble.toml": (
        'targets = ["codex", "gemini"]\n\n[bundles]\ncore = ["honesty"]\n\n[values]\nTEST = "make test"\n'
    ),
    "agents/house.toml": 'name = "house"\ndescription = "Keeps the house."\nblocks = ["@core"]\n',
    "instructions/base.toml": 'name = "base"\nabstract = true\nblocks = ["@core"]\n',
    "instructions/house.toml": (
        'name = "house"\nextends = "base"\nrole = "You are in this house."\nblocks = ["...", "tests"]\n'
    ),
    "instructions/api.toml": 'name = "api"\nfolder = "api"\ntargets = ["codex"]\nblocks = ["tests"]\n',
    "_blocks/honesty.md": "# Honesty\n\nSay what you did.\n",
    "_blocks/tests.md": "# Tests\n\nRun {{TEST}}.\n",
    "api/go.mod": "module api\n",
}
API = "api    instructions  -          -       1      51  up to date  codex\n"
HOUSE = "house  instructions  -          -       2      63  up to date  codex, gemini\n"
HEADINGS = "NAME   KIND          MODEL  TOOLS  BLOCKS  TOKENS  STATE       TARGETS\n"


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    assert bench.run("--all").status == 0
    return bench


def test_the_list(kit: Workbench) -> None:
    assert kit.run("list") == (
        0,
        f"{HEADINGS}house  agent         -        all       1      62  up to date  codex, gemini\n{API}{HOUSE}",
        "1 agent and 2 instruction manifests: 3 up to date\n",
    )


def test_the_list_of_one_kind(kit: Workbench) -> None:
    assert kit.run("list", "--kind", "instructions") == (
        0,
        HEADINGS + API + HOUSE,
        "2 instruction manifests: 2 up to date\n",
    )
    run = kit.run("list", "--kind", "agent")
    assert run.stdout.startswith("AGENT  MODEL ")
    assert run.stderr == "1 agent: 1 up to date\n"


@pytest.mark.parametrize(
    ("use", "listed", "numbers"),
    [
        ("block:tests", ["api", "house"], "0 of 1 agent and 2 instruction manifests: 2 up to date\n"),
        ("block:honesty", ["house", "house"], "1 agent and 1 of 2 instruction manifests: 2 up to date\n"),
        ("bundle:core", ["house", "house"], "1 agent and 1 of 2 instruction manifests: 2 up to date\n"),
        ("base:base", ["house"], "0 of 1 agent and 1 of 2 instruction manifests: 1 up to date\n"),
        ("value:TEST", ["api", "house"], "0 of 1 agent and 2 instruction manifests: 2 up to date\n"),
        ("tool:Bash", ["house"], "1 agent and 0 of 2 instruction manifests: 1 up to date\n"),
    ],
)
def test_what_uses_something(kit: Workbench, use: str, listed: list[str], numbers: str) -> None:
    run = kit.run("list", "--uses", use)
    assert run.status == 0
    assert [line.split()[0] for line in run.stdout.splitlines()[1:]] == listed
    assert run.stderr == numbers


def test_the_list_as_json(kit: Workbench) -> None:
    items = json.loads(kit.run("list", "--output-format", "json").stdout)["items"]
    assert [(item["kind"], item["name"]) for item in items] == [
        ("agent", "house"),
        ("instructions", "api"),
        ("instructions", "house"),
    ]
    assert set(items[0]["outputs"][0]) == {"target", "path", "state", "tokens"}
    assert items[2]["bases"] == ["base"]
    assert (items[2]["tools"], items[2]["handoffs"], items[2]["shared"]) == ([], [], 15)
    assert items[2]["outputs"] == [
        {
            "target": "codex",
            "path": "AGENTS.md",
            "state": "up to date",
            "tokens": 63,
            "section": "house",
            "targets": ["codex", "gemini"],
        },
        {
            "target": "gemini",
            "path": "GEMINI.md",
            "state": "up to date",
            "tokens": 45,
            "section": "AGENTS.md",
            "targets": ["gemini"],
        },
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "state"),
    [
        ("AGENTS.md", "You are", "Who is", "edited"),
        ("GEMINI.md", "@AGENTS.md", "@AGENTS", "edited"),
        ("_blocks/honesty.md", "Say", "Tell", "out of date"),
        ("AGENTS.md", "<!-- assemble: begin house", "# House", "missing"),
    ],
)
def test_the_states_of_sections(kit: Workbench, file: str, old: str, new: str, state: str) -> None:
    text = kit.read(file).replace(old, new)
    kit.write({file: text.replace("<!-- assemble: end house -->\n", "") if state == "missing" else text})
    assert f"  {state}  " in kit.run("list", "--kind", "instructions").stdout.split("\n")[2]


def test_what_instructions_are_made_of(kit: Workbench) -> None:
    assert kit.run("show", "instructions/house") == (
        0,
        "instructions/house\n"
        "  instructions/house.toml, extends base\n"
        "  for the whole repository\n"
        "  up to date, 63 tokens in the largest section\n"
        "\n"
        "PARTS\n"
        "  role              6  instructions/house.toml:3\n"
        "  block honesty     8  _blocks/honesty.md:1, listed in assemble.toml:4\n"
        "  block tests       7  _blocks/tests.md:1\n"
        "  everything else  42\n"
        "\n"
        "FILES\n"
        "  AGENTS.md (section house)      up to date  63 tokens  for codex, gemini\n"
        "  GEMINI.md (imports AGENTS.md)  up to date  45 tokens  for gemini\n",
        "",
    )


def test_instructions_for_a_folder(kit: Workbench) -> None:
    run = kit.run("show", "api")
    assert run.stdout.startswith("instructions/api\n  instructions/api.toml\n  for the folder api\n  up to date, ")
    assert "  api/AGENTS.md (section api)  up to date  51 tokens  for codex\n" in run.stdout


@pytest.mark.parametrize(
    "name", ["instructions/house", "instructions/house.toml", "AGENTS.md", "GEMINI.md", "house/../AGENTS.md"]
)
def test_instructions_have_several_names(kit: Workbench, name: str) -> None:
    run = kit.run("show", name)
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.startswith("instructions/house\n")


def test_an_agent_of_the_same_name(kit: Workbench) -> None:
    assert kit.run("show", "house") == (
        2,
        "",
        "error: several manifests have the name `house`\n  help: write `agents/house` or `instructions/house`\n",
    )
    for name in ("agents/house", "agents/house.toml", ".codex/agents/house.toml"):
        assert kit.run("show", name).stdout.startswith("house\n  Keeps the house.\n")


def test_a_file_with_several_sections(kit: Workbench) -> None:
    kit.write({"instructions/more.toml": 'name = "more"\nrole = "More."\n'})
    assert kit.run("show", "AGENTS.md") == (
        2,
        "",
        "error: several manifests generate sections of `AGENTS.md`\n"
        "  help: write `instructions/house` or `instructions/more`\n",
    )


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("hous", "unknown agent or instructions `hous`", "did you mean `house`?"),
        ("zzz", "unknown agent or instructions `zzz`", "`assemble list` lists the agents and instructions"),
        ("base", "`base` is only a base of others", "`assemble list --uses base:base` lists"),
    ],
)
def test_unknown_names(kit: Workbench, name: str, message: str, hint: str) -> None:
    run = kit.run("show", name)
    assert (run.status, run.stdout) == (2, "")
    assert f"error: {message}\n" in run.stderr
    assert hint in run.stderr


def test_instructions_with_errors(kit: Workbench) -> None:
    kit.write({"instructions/api.toml": KIT["instructions/api.toml"].replace('"tests"', '"test"')})
    run = kit.run("list", "--kind", "instructions")
    assert (run.status, run.stdout) == (1, HEADINGS + HOUSE)
    assert "unknown block `test`" in run.stderr
    assert run.stderr.endswith("\n1 of 2 instruction manifests: 1 up to date\n")
    run = kit.run("show", "api")
    assert (run.status, run.stdout) == (1, "")
    assert "unknown block `test`" in run.stderr


@pytest.mark.parametrize("options", [(), ("--blocks",), ("--output-format", "json")])
def test_the_graph_has_agents_only(kit: Workbench, options: tuple[str, ...]) -> None:
    run = kit.run("graph", *options)
    for file in ("api", "base", "house"):
        (kit.folder / f"instructions/{file}.toml").unlink()
    assert kit.run("graph", *options) == run
    assert run.status == 0


def test_the_section_on_stdout(kit: Workbench) -> None:
    section = kit.read("AGENTS.md")
    assert section.startswith("<!-- assemble: begin house from instructions/house.toml. ")
    assert kit.run("--stdout", "instructions/house.toml") == (0, section, "")
    assert kit.run("--stdout", "--target", "gemini", "instructions/house.toml").status == 0
    run = kit.run("--stdout", "instructions/base.toml")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("error: `instructions/base.toml` is abstract, so it has no output\n")


def test_a_generated_file_is_not_a_manifest(kit: Workbench) -> None:
    assert kit.run("AGENTS.md") == (
        2,
        "",
        "error: `AGENTS.md` is a generated file, not a manifest\n  help: did you mean `instructions/house.toml`?\n",
    )
    kit.write({"instructions/more.toml": 'name = "more"\nrole = "More."\n'})
    assert kit.run("AGENTS.md") == (
        2,
        "",
        "error: `AGENTS.md` is a file with generated sections, not a manifest\n"
        "  help: did you mean `instructions/house.toml` or `instructions/more.toml`?\n",
    )


def test_flat_instructions_generate_the_same(kit: Workbench) -> None:
    before = kit.read("AGENTS.md")
    assert kit.run("flatten", "--write", "instructions/house.toml").status == 0
    assert "extends" not in kit.read("instructions/house.toml")
    kit.run("--all")
    assert kit.read("AGENTS.md") == before


def test_the_budget_for_agents_is_for_agents_only(kit: Workbench) -> None:
    kit.write({"assemble.toml": f"{KIT['assemble.toml']}\n[budget]\nagent = 20\n"})
    findings = [line for line in kit.run("--all", "--check").stderr.splitlines() if "budget" in line]
    assert len(findings) == 1
    assert findings[0].startswith("agents/house.toml:")


def test_the_catalog(kit: Workbench) -> None:
    assert kit.run("catalog", "site").status == 0
    agents = {path.stem for path in (kit.folder / "site/agents").iterdir()}
    assert agents == {"house"}
    page = kit.read("site/blocks/tests.html")
    assert "instructions/api" in page
    assert "instructions/house" in page
    assert "instructions/house" in kit.read("site/others.html")


def test_the_catalog_has_the_impact_on_instructions(kit: Workbench) -> None:
    commit_all(kit.folder)
    kit.write({"_blocks/tests.md": "# Tests\n\nRun all of {{TEST}}.\n"})
    assert kit.run("catalog", "--since", "HEAD", "site").status == 0
    page = kit.read("site/impact.html")
    assert "2 instruction manifests affected: 2 files, 1 cause." in page
    assert "instructions/api" in page


def test_a_skill_with_more_tools_has_more_rights(bench: Workbench) -> None:
    skill = 'name = "release"\ndescription = "Releases."\nrole = "Tag it."\n'
    allowance = '[[allow-rights]]\nagent = "release"\nrights = ["skill.allowed-tools"]\nreason = "tags"\n'
    bench.write({"skills/release.toml": skill + 'tools = ["Read"]\n', "assemble.toml": allowance})
    commit_all(bench.folder)
    assert bench.run("impact", "--since", "HEAD", "--fail-on", "rights").status == 0
    bench.write({"skills/release.toml": skill + 'tools = ["Read", "Bash"]\n'})
    run = bench.run("impact", "--since", "HEAD", "--fail-on", "rights")
    assert run.status == 1
    assert "skill.allowed-tools: Bash" in run.stdout
    assert "skill.allowed-tools: Read" not in run.stdout
