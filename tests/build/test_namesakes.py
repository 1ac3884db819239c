"""Files that a client takes for a generated agent, because it knows both by one name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import diagnostics

CRITIC = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code, and report what you find."\n'
SETTINGS = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'


def _found(bench: Workbench, *args: str) -> list[dict[str, Any]]:
    return diagnostics(bench, *args, codes=("O607", "O608", "O611", "O625"))


def _files(bench: Workbench, *args: str) -> list[tuple[str, str]]:
    return [(one["code"], one["file"]) for one in _found(bench, *args)]


def _kit(bench: Workbench, target: str = "claude-code", output: str = "") -> None:
    output = output or TARGETS[target].default_path
    settings = f'targets = ["{target}"]\n[target.{target}]\noutput = "{output}"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": CRITIC})


def _agent(name: str = "critic", line: str = "") -> str:
    return f"---\n{line or f'name: {name}'}\ndescription: Written by hand.\n---\n\nYou do things.\n"


def test_the_error_names_both_files_in_every_run(bench: Workbench) -> None:
    _kit(bench)
    bench.write({".claude/agents/aaa.md": _agent(), "agents/tester.toml": CRITIC.replace("critic", "tester")})
    for args in (["--all"], ["agents/critic.toml"], ["--all", "--check"], ["agents/critic.toml", "--check"]):
        (found,) = _found(bench, *args)
        assert (found["severity"], found["file"], found["line"]) == ("error", ".claude/agents/aaa.md", 2)
        assert "the generated `.claude/agents/critic.md`" in found["message"]
        assert "agents/critic.toml; or rename the agent" in found["help"]
        assert bench.run(*args).status == 1
    assert _files(bench, "agents/tester.toml") == []
    assert (bench.folder / ".claude/agents/critic.md").exists()  # as with other files on disk, the rest is written


SAME = {
    "claude-code": [
        (".claude/agents/aaa.md", _agent()),
        (".claude/agents/sub/.hidden/aaa.md", _agent()),
        (".claude/agents/aaa.md", _agent(line='name: "cri\\x74ic"')),
        (".claude/agents/aaa.md", _agent(line="name: >-\n  critic")),
        (".claude/agents/aaa.md", _agent(line="name:   'critic'  # mine")),
        (".claude/agents/aaa.md", _agent(line="x: a: b\nname: critic")),
        (".claude/agents/aaa.md", _agent().replace("\n", "\r\n")),
        (".claude/agents/Critic.md", _agent()),
    ],
    "copilot": [
        (".github/agents/aaa.agent.md", _agent()),
        (".github/agents/critic.md", _agent("other")),
        (".github/agents/sub/critic.agent.md", "No front matter.\n"),
        (".github/chatmodes/critic.chatmode.md", _agent(line="x: y")),
    ],
    "cursor": [
        (".cursor/agents/aaa.mdc", _agent()),
        (".cursor/agents/1/2/3/4/5/6/7/8/9/10/aaa.md", _agent()),
        (".cursor/agents/sub/critic.md", _agent(line="x: y")),
        (".cursor/agents/aaa.md", f"# A heading\n\n{_agent()}"),
        (".cursor/agents/aaa.md", _agent(line="Name: critic")),
        (".cursor/agents/aaa.md", _agent(line="name:\n# name: other\nname: critic")),
    ],
    "opencode": [
        (".opencode/agents/aaa.md", _agent()),
        (".opencode/agent/critic.md", _agent(line="x: y")),
        (".opencode/modes/critic.md", "You review.\n"),
        (".opencode/agents/sub/x.md", _agent()),
    ],
    "kilo": [
        (".kilo/agents/aaa.md", _agent()),
        (".kilo/agent/critic.md", _agent(line="x: y")),
        (".kilocode/agents/critic.md", "You review.\n"),
        (".kilo/modes/critic.md", "You review.\n"),
    ],
    "droid": [
        (".factory/droids/aaa.md", _agent()),
        (".factory/droids/.critic.md", _agent(line="name: critic")),
    ],
    "auggie": [
        (".augment/agents/aaa.md", _agent()),
        (".augment/agents/critic.txt", "You review.\n"),
        (".augment/agents/sub/aaa.md", _agent()),
    ],
    "gemini": [
        (".gemini/agents/aaa.md", _agent()),
        (".gemini/agents/aaa.md", "---\n- name: one\n  agent_card_url: u\n- agent_card_url: u\n  name: critic\n---\n"),
    ],
    "codex": [
        (".codex/agents/aaa.toml", 'name = "critic"\ndeveloper_instructions = "Review."\n'),
        (".codex/agents/sub/aaa.toml", 'name = "cri\\u0074ic"\ndeveloper_instructions = "Review."\n'),
    ],
    "qwen": [
        (".qwen/agents/aaa.md", _agent()),
        (".qwen/agents/aaa.md", _agent("Critic")),
        (".qwen/agents/Critic.md", _agent('"CRITI\\x43"')),
    ],
    "kimi": [
        (".kimi-code/agents/aaa.md", _agent()),
        (".kimi-code/agents/sub/critic.md", _agent(line="x: y")),
        (".agents/agents/aaa.md", _agent()),
    ],
    "grok": [(".grok/agents/aaa.md", _agent()), (".grok/agents/.aaa.md", _agent())],
    "kiro": [],
    "goose": [(".goose/agents/aaa.md", _agent()), (".goose/agents/aaa.md", f"# A heading\n\n{_agent()}")],
    "junie": [(".junie/agents/aaa.md", _agent()), (".agents/agents/critic.md", _agent(line="x: y"))],
    "devin": [(".devin/agents/aaa/AGENT.md", _agent())],
    "vibe": [],
    "pi": [
        (".pi/agents/aaa.md", _agent()),
        (".pi/agents/sub/aaa.md", _agent("'critic'")),
        (".pi/agents/aaa.md", _agent(line="name: >\n  critic")),
    ],
    "cline": [(".cline/agents/aaa.yml", _agent()), (".cline/agents/Critic.yaml", _agent("CRITIC"))],
}
DIFFERENT = {
    "claude-code": [
        (".claude/agents/aaa.md", _agent("tester")),
        (".claude/agents/aaa.md", _agent("Critic")),
        (".claude/agents/sub/critic.md", _agent("tester")),
        (".claude/agents/sub/critic.md", _agent(line="x: y")),
        (".claude/agents/aaa.md", "---\nname: aaa\ndescription: Hands off.\n---\n\nname: critic\n"),
        (".claude/agents/aaa.txt", _agent()),
        (".claude/commands/aaa.md", _agent()),
        ("app/.claude/agents/aaa.md", _agent()),
    ],
    "copilot": [
        (".github/agents/aaa.agent.md", _agent("other")),
        (".github/agents/aaa.agent.md", _agent("Critic")),
        (".claude/agents/critic.md", _agent()),
    ],
    "cursor": [
        (".cursor/agents/aaa.md", _agent(line='name: "critic"')),
        (".cursor/agents/build/aaa.md", _agent()),
        (".cursor/agents/.hidden/aaa.md", _agent()),
        (".cursor/agents/1/2/3/4/5/6/7/8/9/10/11/aaa.md", _agent()),
        (".claude/agents/critic.md", _agent()),
        (".grok/agents/critic.md", _agent()),
    ],
    "opencode": [
        (".opencode/agents/sub/critic.md", _agent(line="x: y")),
        (".opencode/agent/critic.md", _agent("other")),
        (".opencode/agent/aaa.md", _agent("Critic")),
    ],
    "kilo": [
        (".kilo/agents/sub/critic.md", _agent(line="x: y")),
        (".opencode/agents/critic.md", _agent()),
    ],
    "droid": [
        (".factory/droids/aaa.md", _agent("Critic")),
        (".factory/droids/sub/critic.md", _agent()),
        (".agents/droids/critic.md", _agent()),
    ],
    "auggie": [
        (".augment/agents/aaa.md", _agent("Critic")),
        (".augment/agents/sub/critic.md", "You review.\n"),
        (".augment/agents/.critic.md", _agent()),
        (".claude/agents/critic.md", _agent()),
        (".agents/agents/critic.md", _agent()),
    ],
    "gemini": [
        (".gemini/agents/aaa.md", _agent("CRITIC")),
        (".gemini/agents/_aaa.md", _agent()),
        (".gemini/agents/sub/aaa.md", _agent()),
    ],
    "codex": [
        (".codex/agents/aaa.toml", 'name = "Critic"\ndeveloper_instructions = "Review."\n'),
        (".codex/agents/aaa.toml", 'name = "critic"\n'),
        (".codex/agents/critic.md", _agent()),
    ],
    "qwen": [(".qwen/agents/sub/aaa.md", _agent()), (".qwen/agents/critic.txt", _agent())],
    "kimi": [
        (".kimi-code/agents/critic.md.txt", _agent()),
        (".kimi-code/agents/sub/critic.md", _agent("other")),
        (".kimi-code/agents/.hidden/aaa.md", _agent()),
        (".kimi-code/agents/.aaa.md", _agent()),
        (".kimi-code/agents/1/2/3/4/5/6/7/8/9/aaa.md", _agent()),
        (".claude/agents/critic.md", _agent()),
    ],
    "grok": [
        (".grok/agents/critic.md.txt", _agent()),
        (".grok/agents/aaa.md", _agent("Critic")),
        (".grok/agents/sub/aaa.md", _agent()),
        (".claude/agents/critic.md", _agent()),
    ],
    "kiro": [(".kiro/agents/sub/critic.md", _agent(line="x: y")), (".kiro/agents/critic.txt", _agent())],
    "goose": [(".goose/agents/sub/aaa.md", _agent()), (".claude/agents/critic.md", _agent())],
    "junie": [(".junie/agents/sub/aaa.md", _agent()), (".junie/agents/aaa.md", _agent("other"))],
    "devin": [(".devin/agents/critic.md", _agent()), (".devin/agents/aaa/AGENT.md", _agent("other"))],
    "vibe": [(".vibe/agents/aaa.toml", 'name = "critic"\ninstructions = "Review."\n')],
    "pi": [
        (".pi/agents/aaa.md", _agent("Critic")),
        (".agents/critic.md", _agent()),
        (".pi/agents/aaa.md", _agent("[critic]")),
        (".pi/agents/aaa.chain.md", _agent()),
    ],
    "cline": [(".cline/agents/sub/aaa.yaml", _agent()), (".cline/agents/critic.md", _agent())],
}


def test_every_client_is_tested() -> None:
    assert SAME.keys() == DIFFERENT.keys() == TARGETS.keys()


@pytest.mark.parametrize(("target", "file"), [(target, file) for target in SAME for file in SAME[target]])
def test_a_client_takes_the_file_for_the_agent(target: str, file: tuple[str, str], bench: Workbench) -> None:
    _kit(bench, target)
    bench.write(dict([file]))
    assert _files(bench) == [("O625", file[0])]
    assert _files(bench, "--all", "--check") == [("O625", file[0])]
    assert _files(bench, "agents/critic.toml") == [("O625", file[0])]


@pytest.mark.parametrize(("target", "file"), [(target, file) for target in DIFFERENT for file in DIFFERENT[target]])
def test_a_client_knows_the_file_by_another_name(target: str, file: tuple[str, str], bench: Workbench) -> None:
    _kit(bench, target)
    bench.write(dict([file]))
    assert _files(bench) == []
    assert _files(bench, "agents/critic.toml") == []


def test_folders_between_the_kit_and_the_root_are_searched(bench: Workbench) -> None:
    settings = 'root = "../.."\n[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    bench.write({"a/b/assemble.toml": settings, "a/b/agents/critic.toml": CRITIC})
    bench.write({"a/.claude/agents/x.md": _agent(), ".claude/agents/y.md": _agent(), "c/.claude/agents/z.md": _agent()})
    expected = ["../.claude/agents/x.md", "../../.claude/agents/y.md"]
    assert sorted(file for _, file in _files(bench, "--kit", "a/b", "--all")) == sorted(expected)
    bench.write({"a/b/assemble.toml": settings.replace("../..", "..")})
    assert [file for _, file in _files(bench, "--kit", "a/b", "--all")] == expected[:1]


def test_a_file_of_another_kit_counts_too(bench: Workbench) -> None:
    root = 'root = ".."\n[target.claude-code]\noutput = "../.claude/agents/{name}.md"\n'
    bench.write({"one/assemble.toml": root.replace("{name}", "one/{name}"), "one/agents/critic.toml": CRITIC})
    bench.write({"two/assemble.toml": root.replace("{name}", "two/{name}"), "two/agents/critic.toml": CRITIC})
    assert _files(bench, "--kit", "one", "--all") == []
    (found,) = _found(bench, "--kit", "two", "--all")
    assert (found["code"], found["file"]) == ("O625", "../.claude/agents/one/critic.md")
    assert "it was generated from ../one/agents/critic.toml" in found["help"]


def test_the_name_that_two_files_share_is_reported(bench: Workbench) -> None:
    _kit(bench, "copilot")
    bench.write({".github/agents/critic.md": _agent("other")})
    (found,) = _found(bench)
    assert "this agent has the name `critic`" in found["message"]
    assert (found["line"], found["help"].rpartition("; ")[2]) == (1, "or rename the file")


def test_an_item_of_a_list_is_located(bench: Workbench) -> None:
    _kit(bench, "gemini")
    front = "---\n- name: one\n  agent_card_url: u\n\n- agent_card_url: u\n  name: critic\n---\n"
    bench.write({".gemini/agents/remote.md": front})
    (found,) = _found(bench)
    assert (found["line"], found["column"]) == (6, 3)


def test_an_orphan_is_only_reported_as_such(bench: Workbench) -> None:
    _kit(bench, output=".claude/agents/old/{name}.md")
    bench.run("--all")
    _kit(bench)
    assert _files(bench) == [("O611", ".claude/agents/old/critic.md")]
    assert _files(bench, "agents/critic.toml") == []


def test_an_exclusive_kit_reports_both(bench: Workbench) -> None:
    _kit(bench)
    bench.write({"assemble.toml": f"exclusive = true\n{SETTINGS}", ".claude/agents/aaa.md": _agent()})
    assert _files(bench, "--all", "--check") == [("O608", ".claude/agents/aaa.md"), ("O625", ".claude/agents/aaa.md")]


def test_cursor_makes_one_hyphen_of_several_characters(bench: Workbench) -> None:
    _kit(bench, "cursor")
    bench.write({"agents/a-b.toml": CRITIC.replace("critic", "a-b"), ".cursor/agents/a _b.md": _agent(line="x: y")})
    assert _files(bench) == [("O625", ".cursor/agents/a _b.md")]
    bench.write({".cursor/agents/a _b.md": _agent("c"), ".cursor/agents/a-_b.md": _agent(line="x: y")})
    assert _files(bench) == []


def test_the_error_can_be_ignored(bench: Workbench) -> None:
    _kit(bench)
    bench.write({".claude/agents/aaa.md": _agent(), "assemble.toml": f'ignore = ["O625"]\n{SETTINGS}'})
    assert bench.run("--all").status == 0


def test_the_next_run_notices_a_new_file(bench: Workbench) -> None:
    _kit(bench)
    for _ in range(3):
        assert bench.run("--all").status == 0
        assert bench.run("agents/critic.toml").status == 0
    bench.write({".claude/agents/sub/aaa.md": _agent()})
    assert bench.run("--all").status == 1
    assert bench.run("agents/critic.toml").status == 1
    (bench.folder / ".claude/agents/sub/aaa.md").unlink()
    assert bench.run("--all").status == 0


def test_files_outside_the_root_and_in_the_home_folder_are_not_read(bench: Workbench) -> None:
    bench.write({"home/.claude/agents/aaa.md": _agent(), "home/kit/agents/critic.toml": CRITIC})
    bench.write({"home/kit/assemble.toml": SETTINGS, "out/aaa.md": _agent()})
    (bench.folder / "home/kit/.claude/agents").mkdir(parents=True)
    (bench.folder / "home/kit/.claude/agents/link").symlink_to("../../../../out")
    (bench.folder / "home/kit/.claude/agents/aaa.md").symlink_to("../../../../out/aaa.md")
    assert _files(bench, "--kit", "home/kit", "--all") == []


def test_links_in_the_root_are_followed(bench: Workbench) -> None:
    _kit(bench)
    bench.write({"shared/aaa.md": _agent(), ".claude/agents/x.md": _agent("x")})
    (bench.folder / ".claude/agents/link").symlink_to("../../shared")
    (bench.folder / ".claude/agents/loop").symlink_to(".")
    assert _files(bench) == [("O625", ".claude/agents/link/aaa.md")]


def test_a_linked_output_is_no_namesake(bench: Workbench) -> None:
    _kit(bench)
    bench.run("--all")
    (bench.folder / ".claude/agents/alias.md").symlink_to("critic.md")
    assert _files(bench) == []


def test_two_generated_files_of_one_name_are_an_error(bench: Workbench) -> None:
    _kit(bench, "copilot", ".github/agents/{name}/helper.agent.md")
    bench.write({"agents/tester.toml": CRITIC.replace("critic", "tester")})
    run = bench.run("--all")
    assert run.status == 1
    assert "agents/tester.toml:1:1: error[O626] this agent has the name `helper`" in run.stderr
    assert not (bench.folder / ".github").exists()


def test_two_generated_files_of_one_name_in_another_case_are_an_error_if_the_client_ignores_case(
    bench: Workbench,
) -> None:
    for name in ("critic", "tester"):
        manifest = CRITIC.replace("critic", name) + f'display-name = "{"Critic" if name == "tester" else "critic"}"\n'
        bench.write({f"agents/{name}.toml": manifest, "assemble.toml": 'targets = ["qwen", "claude-code"]'})
    run = bench.run("--all")
    assert run.status == 1
    assert re.findall(r"(\S+?):\S+ error\[O626\].* in (.+)$", run.stderr, re.MULTILINE) == [
        ("agents/tester.toml", "Qwen Code")
    ]


def test_the_output_itself_is_no_namesake_if_the_file_system_ignores_case(bench: Workbench) -> None:
    _kit(bench)
    bench.run("--all")
    folder = bench.folder / ".claude/agents"
    (folder / "critic.md").rename(folder / "Critic.md")
    (folder / "critic.md").symlink_to("Critic.md")  # stands for the other spelling of one file
    assert _files(bench) == []
