"""What the help says about keys in the wrong table, and about names that are written as paths."""

from __future__ import annotations

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import diagnostics

HEAD = 'name = "a"\ndescription = "A."\n'
BLOCKS = {
    "_blocks/testing.md": "Test.\n",
    "_blocks/policy/no-git.md": "No.\n",
    "agents/critic.toml": HEAD.replace('"a"', '"critic"'),
}


def _helps(bench: Workbench, files: dict[str, str]) -> list[tuple[str, str]]:
    bench.write({"agents/a.toml": HEAD, **BLOCKS, **files})
    found = diagnostics(bench, "--all", "--ignore", "B206")
    return [(each["code"], each["help"] or "") for each in found]


_TABLES = [f"`[target.{name}]`" for name, row in TARGETS.items() if "temperature" in row.keys]
WITH_TEMPERATURE = f"{', '.join(_TABLES[:-1])} or {_TABLES[-1]}"
CLAUDE = "it belongs in `[target.claude-code]`"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('color = "red"', CLAUDE),
        ('permissionMode = "plan"', CLAUDE),
        ('permission-mode = "plan"', f"{CLAUDE} as `permissionMode`"),
        ("max_turns = 3", f"{CLAUDE} as `maxTurns`"),
        ('PermissionMode = "plan"', f"{CLAUDE} as `permissionMode`"),
        ('permisionMode = "plan"', f"{CLAUDE} as `permissionMode`"),
        ('skills = ["x"]', CLAUDE),
        ("mcpServers = {}", CLAUDE),
        ("hooks = {}", CLAUDE),
        ('disallowed_tools = ["Bash"]', f"{CLAUDE} as `disallowedTools`"),
        ("temperature = 0.5", f"it belongs in {WITH_TEMPERATURE}"),
        ('targets = ["gemini"]\ntemperature = 0.5', "it belongs in `[target.gemini]`"),
        ('targets = ["gemini"]\nmaxTurns = 5', "it belongs in `[target.gemini]` as `max_turns`"),
        ('[target.codex]\ncolor = "red"', CLAUDE),
        ("[target.claude-code]\ntemperature = 1", f"it belongs in {WITH_TEMPERATURE}"),
        (
            '[target.claude-code]\noutput = "x"',
            "it is a setting of the kit, and belongs in `[target.claude-code]` of `assemble.toml`",
        ),
        ('output = "x"', "it is a setting of the kit, and belongs in `[target.NAME]` of `assemble.toml`"),
        ('obligatory = ["testing"]', "it is a setting of the kit, and belongs in `assemble.toml`"),
        ("known_tools = []", "it is a setting of the kit, and belongs in `assemble.toml` as `known-tools`"),
        (
            'observer = "x"',
            "it lets another agent watch this one and send it messages",
        ),
        ('desciption = "x"', "did you mean `description`?"),
        ("[[handoffs]]", "did you mean `handoff`?"),
        ('tool = ["Read"]', "did you mean `tools`?"),
        ('forbidden-domain = ["x"]', "did you mean `forbidden_domain`?"),
        ('[target.claude-code]\npermission_mode = "plan"', "did you mean `permissionMode`?"),
    ],
)
def test_a_misplaced_key_is_sent_home(line: str, expected: str, bench: Workbench) -> None:
    helps = _helps(bench, {"agents/a.toml": f"{HEAD}{line}\n"})
    assert [help_ for code, help_ in helps if code == "K101"] == [expected]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('[defaults]\ncolor = "red"', "it belongs in `[defaults.target.claude-code]`"),
        (
            "[defaults]\nmax_turns = 1",
            "`[defaults.target.gemini]`, `[defaults.target.qwen]` as `maxTurns` or `[defaults.target.grok]` as "
            "`maxTurns`",
        ),
        ('color = "red"', "it belongs in `[defaults.target.claude-code]`"),
        ('model = "opus"', "it belongs in `[defaults]`"),
        ('Tools = ["Read"]', "it belongs in `[defaults]` as `tools`"),
        ('role = "x"', "`role` is a key of manifests, which has no default"),
        ('[defaults]\nrole = "x"', "`role` is a key of manifests, which has no default"),
        ('[defaults]\nobligatory = ["testing"]', "it belongs at the top of the settings"),
        ("known_tools = []", "did you mean `known-tools`?"),
        ('[defaults.target.codex]\ncolor = "red"', "it belongs in `[defaults.target.claude-code]`"),
        ('[kind.skill]\ntools = ["Read"]', "it belongs in `[kind.skill.defaults]`"),
        ('[kind.skill]\nTools = ["Read"]', "it belongs in `[kind.skill.defaults]` as `tools`"),
        ('[kind.skill]\nmodel = "opus"', "the settings here are `required`, `obligatory` and `defaults`"),
        ('[kind.skill.defaults]\nmodel = "opus"', "the only setting here is `tools`"),
        ('[kind.skill.defaults]\ntargets = ["codex"]', "the only setting here is `tools`"),
        ("[kind.skill.defaults]\nobligatory = []", "it belongs in `[kind.skill]`"),
        ("[kind.instructions.defaults]\ntools = []", "the settings here are `required` and `obligatory`"),
        ("[kind.agent]\nrequired = []", "the settings of agents belong at the top, and in `[defaults]`"),
        ("[kind]\nobligatory = []", "the settings here are `instructions` and `skill`"),
    ],
)
@pytest.mark.parametrize("file", ["assemble.toml", "pyproject.toml"])
def test_a_misplaced_setting_is_sent_home(settings: str, expected: str, file: str, bench: Workbench) -> None:
    text = settings if file == "assemble.toml" else _in_project(settings)
    bench.write({"agents/a.toml": HEAD, **BLOCKS, file: text})
    run = bench.run("--all")
    assert "error[C701]" in run.stderr
    assert expected in run.stderr


@pytest.mark.parametrize("table", ["tool.assemble", "assemble"])
def test_a_file_of_its_own_needs_no_table(table: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "assemble.toml": f'[{table}]\nobligatory = ["testing"]\n'})
    assert "write the settings at the top of `assemble.toml`" in bench.run("--all").stderr


def _in_project(settings: str) -> str:
    return "[tool.assemble]\n" + settings.replace("[defaults", "[tool.assemble.defaults").replace(
        "[kind", "[tool.assemble.kind"
    )


@pytest.mark.parametrize(
    "written",
    [
        *(
            "_blocks/testing.md",
            "testing.md",
            "./_blocks/testing",
            "_blocks/testing",
            "Testing",
            "TESTING.md",
            "@testing",
        ),
        *(r"_blocks\\testing.md", "./testing.md", "tesing", "_blocks/Testing.markdown", "other/testing.md", " testing"),
    ],
)
def test_a_block_can_be_meant_by_its_path(written: str, bench: Workbench) -> None:
    listed = {"agents/a.toml": f'{HEAD}blocks = ["{written}"]\n'}
    assert [help_ for _, help_ in _helps(bench, listed)] == ["did you mean `testing`?"]
    settings = {"assemble.toml": f'obligatory = ["{written}"]\n', "agents/a.toml": HEAD}
    bench.write(settings)
    assert "help: did you mean `testing`?" in bench.run("--all").stderr


def test_a_block_in_a_folder_can_be_meant_by_its_path(bench: Workbench) -> None:
    for written in ("_blocks/policy/no-git.md", "policy/no-git.md", "policy/no_git", "no-git", "no-git.md"):
        listed = {"agents/a.toml": f'{HEAD}blocks = ["{written}"]\n'}
        assert _helps(bench, listed)[0][1] == "did you mean `policy/no-git`?"


def test_a_path_of_an_obligatory_block_is_one_finding(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": 'obligatory = ["testing"]\n',
            "agents/critic.toml": f'{HEAD}blocks = ["testing"]\n'.replace('"a"', '"critic"'),
        }
    )
    bench.write({"_blocks/testing.md": "T.\n", "agents/a.toml": f'{HEAD}blocks = ["_blocks/testing.md"]\n'})
    found = diagnostics(bench)
    (one,) = found
    assert (one["code"], one["message"]) == (
        "B204",
        "`_blocks/testing.md` is not a block name: lower-case letters, digits, `.`, `_` and `-`, with folders set off "
        "by `/`, but not the name of a device, such as `nul`",
    )


@pytest.mark.parametrize("written", ["agents/critic.toml", "critic.toml", "@critic", "Critic", "critic.md", "./critic"])
def test_an_agent_can_be_meant_by_its_path(written: str, bench: Workbench) -> None:
    text = f'{HEAD}[[handoff]]\ntarget = "{written}"\ntrigger = "x"\n'
    assert _helps(bench, {"agents/a.toml": text}) == [("H301", "did you mean `critic`?")]


@pytest.mark.parametrize("written", ["Description", "desciption", "forbidden-domain"])
def test_a_required_key_can_be_misspelled(written: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "assemble.toml": f'required = ["{written}"]\n'})
    assert "help: did you mean `" in bench.run("--all").stderr


def test_blocks_in_the_settings_are_folders(bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD, "_blocks/testing.md": "T.\n", "assemble.toml": 'blocks = ["testing"]\n'})
    assert "to name blocks that all manifests must list, use `obligatory`" in bench.run("--all").stderr


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('[references]\nblocks = ["...", "x"]', "`blocks` is a key of the manifest: move it to the top"),
        ('blcks = ["...", "x"]', "did you mean the key `blocks`?"),
    ],
)
def test_a_list_at_the_wrong_place_inherits_nothing_and_has_a_fix(line: str, hint: str, bench: Workbench) -> None:
    bench.write({"agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["y"]\n'})
    bench.write({"agents/a.toml": f'name = "a"\ndescription = "A."\nextends = "base"\n{line}\n'})
    bench.write({"_blocks/x.md": "X.\n", "_blocks/y.md": "Y.\n"})
    run = bench.run("--all")
    assert "error[E104]" in run.stderr
    assert f"help: {hint}\n" in run.stderr
    assert bench.run("--all", "--fix").status == 0
    assert 'blocks = ["...", "x"]\n' in bench.read("agents/a.toml")
