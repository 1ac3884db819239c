"""What bases may do and read: nothing outside the root, nothing else of the kit, and no right that is not allowed."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from conftest import Workbench
from observer import Observer, problem
from readers import diagnostics, findings
from repositories import git

BASE = 'name = "base"\nabstract = true\n'
CRITIC = 'name = "critic"\ndescription = "Reviews code."\nextends = "base"\n'
TESTER = 'name = "tester"\ndescription = "Tests code."\nextends = "base"\n'
MODE = '[target.claude-code]\npermissionMode = "bypassPermissions"\n'
ALLOWANCE = """\
[[allow-rights]]
agent = "{}"
rights = ["claude-code.permissionMode=bypassPermissions"]
reason = "runs in a container"
"""


def _codes(bench: Workbench, *args: str) -> list[tuple[str, str]]:
    return [(one["code"], one["file"]) for one in diagnostics(bench, *args)]


def test_a_base_behind_a_link_out_of_the_root_is_not_read(bench: Workbench) -> None:
    outside = bench.folder.parent / f"{bench.folder.name}-outside.toml"
    outside.write_text(f'{BASE}role = "SECRET"\n')
    bench.write({"agents/critic.toml": CRITIC})
    (bench.folder / "agents/base.toml").symlink_to(outside)
    before = bench.files()
    for args in (["--all"], ["agents/critic.toml"], ["--all", "--check"]):
        run = bench.run(*args)
        assert (run.status, run.stderr.count("error[")) == (1, 1)
        assert "agents/base.toml:1:1: error[S001]" in run.stderr
        assert "inherited by `critic`" in run.stderr
        assert "SECRET" not in run.stdout + run.stderr
    assert bench.files() == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser can read everything")
def test_a_base_without_permission_to_read(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, "agents/base.toml": BASE})
    (bench.folder / "agents/base.toml").chmod(0)
    assert _codes(bench, "agents/critic.toml") == [("S001", "agents/base.toml")]


def test_no_list_of_arguments_loses_a_repeated_one(bench: Workbench) -> None:
    server = '[target.claude-code.mcpServers.x]\ncommand = "c"\nargs = [{}]\n'
    allowance = ALLOWANCE.format("critic").replace("permissionMode=bypassPermissions", "mcpServers")
    bench.write({"assemble.toml": allowance, "agents/base.toml": BASE + server.format('"-v", "a", "-v", "b"')})
    bench.write({"agents/critic.toml": CRITIC + server.format('"...", "-v", "c"')})
    assert bench.run("--all").status == 0
    printed = bench.read("agents/critic.md")
    assert printed.count('"-v"') == 3, printed


def test_an_entry_of_several_layers_is_printed_once(bench: Workbench) -> None:
    bench.write({"agents/base.toml": f'{BASE}tools = ["Read", "Grep"]\ndomain_in = ["Errors"]\n'})
    bench.write({"agents/critic.toml": f'{CRITIC}tools = ["Bash", "...", "Grep"]\ndomain_in = ["...", "Errors"]\n'})
    assert bench.run("--all").status == 0
    printed = bench.read("agents/critic.md")
    assert "tools: Bash, Read, Grep\n" in printed
    assert printed.count("Errors") == 1


@pytest.mark.parametrize("allowed", ["base", "critic", "tester", "nobody"])
def test_a_right_is_allowed_for_each_agent_by_name(bench: Workbench, allowed: str) -> None:
    bench.write({"assemble.toml": ALLOWANCE.format(allowed), "agents/base.toml": BASE + MODE})
    bench.write({"agents/critic.toml": CRITIC, "agents/tester.toml": TESTER})
    for agent in ("critic", "tester"):
        found = [] if agent == allowed else [("R501", "agents/base.toml")]
        assert _codes(bench, f"agents/{agent}.toml") == found
    assert (bench.folder / f"agents/{allowed}.md").exists() == (allowed in ("critic", "tester"))


def test_a_right_of_a_base_that_is_an_agent_is_not_that_of_its_heirs(bench: Workbench) -> None:
    base = f'name = "base"\ndescription = "Reviews texts."\n{MODE}'
    bench.write({"assemble.toml": ALLOWANCE.format("base"), "agents/base.toml": base, "agents/critic.toml": CRITIC})
    assert _codes(bench, "agents/base.toml") == []
    assert _codes(bench, "agents/critic.toml") == [("R501", "agents/base.toml")]
    bench.write({"assemble.toml": ALLOWANCE.format("critic")})
    assert _codes(bench, "agents/base.toml") == [("R501", "agents/base.toml")]
    assert _codes(bench, "agents/critic.toml") == []


def test_a_right_depends_on_the_tools_that_the_agent_has(bench: Workbench) -> None:
    mode = '[target.claude-code]\npermissionMode = "acceptEdits"\n'
    bench.write({"agents/base.toml": f'{BASE}tools = ["Read", "Edit", "Write"]\n{mode}'})
    bench.write({"agents/critic.toml": CRITIC, "agents/tester.toml": f'{TESTER}tools = ["...", "!Edit"]\n'})
    assert _codes(bench, "agents/critic.toml") == []
    assert _codes(bench, "agents/tester.toml") == [("R501", "agents/base.toml")]


def test_a_key_that_is_unset_gives_back_what_the_client_allows(bench: Workbench) -> None:
    base = f'{BASE}tools = ["Read"]\n[target.claude-code]\ndisallowedTools = ["WebFetch"]\n'
    bench.write({"agents/base.toml": base, "agents/critic.toml": CRITIC + 'unset = ["tools"]\n'})
    assert bench.run("--all").status == 0
    assert "tools: " not in bench.read("agents/critic.md").replace("disallowedTools: ", "")
    assert "disallowedTools: [WebFetch]\n" in bench.read("agents/critic.md")


def test_a_list_of_denied_tools_stays_whatever_the_heir_allows(bench: Workbench) -> None:
    base = f'{BASE}tools = ["Read"]\n[target.claude-code]\ndisallowedTools = ["WebFetch"]\n'
    bench.write({"agents/base.toml": base, "agents/critic.toml": f'{CRITIC}tools = ["...", "Grep"]\n'})
    assert bench.run("--all").status == 0
    assert "disallowedTools: [WebFetch]\n" in bench.read("agents/critic.md")


def test_two_heirs_cannot_have_the_display_name_of_their_base(bench: Workbench) -> None:
    bench.write({"agents/base.toml": f'{BASE}display-name = "Reviewer"\n'})
    bench.write({"agents/critic.toml": CRITIC, "agents/tester.toml": TESTER})
    assert [code for code, _ in _codes(bench, "--all")] == ["O626"]
    assert not (bench.folder / "agents/critic.md").exists()
    bench.write({"agents/tester.toml": f'{TESTER}display-name = "Tester"\n'})
    assert bench.run("--all").status == 0


@pytest.mark.parametrize("last", ["", 'extends = "a000"\n'], ids=["levels", "cycle"])
def test_a_long_chain_of_bases_is_one_finding(bench: Workbench, last: str) -> None:
    for number in range(300):
        extends = f'extends = "a{number + 1:03}"\n' if number < 299 else last
        name = f"a{number:03}"
        bench.write({f"agents/{name}.toml": f'name = "{name}"\ndescription = "Reviews code."\n{extends}'})
    assert _codes(bench, "--all") == [("E102", "agents/a000.toml") if last else ("E103", "agents/a290.toml")]
    assert _codes(bench, "agents/a100.toml") == _codes(bench, "--all")
    assert not list(bench.folder.rglob("*.md"))


def test_a_change_in_a_base_is_noticed_after_the_same_run(bench: Workbench) -> None:
    bench.write({"agents/top.toml": 'name = "top"\nabstract = true\nrole = "One."\n'})
    bench.write({"agents/base.toml": f'{BASE}extends = "top"\n', "agents/critic.toml": CRITIC})
    for file in ("agents/critic.toml", "--all"):
        bench.write({"agents/top.toml": 'name = "top"\nabstract = true\nrole = "One."\n'})
        assert bench.run(file).status == bench.run(file).status == 0
        bench.write({"agents/top.toml": 'name = "top"\nabstract = true\nrole = "Two."\n'})
        assert bench.run(file).status == 0
        assert "Two." in bench.read("agents/critic.md")


def test_a_new_manifest_of_the_name_of_a_base_is_noticed(bench: Workbench) -> None:
    bench.write({"agents/base.toml": BASE, "agents/critic.toml": CRITIC})
    assert bench.run("agents/critic.toml").status == bench.run("agents/critic.toml").status == 0
    bench.write({"agents/old/base.toml": BASE})
    assert _codes(bench, "agents/critic.toml") == [("K108", "agents/old/base.toml")]


def test_a_base_that_a_partial_clone_lacks(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> None:
    (bench.folder / ".git").rmdir()
    bench.write({"bases/base.toml": BASE, "team/critic.toml": CRITIC, "assemble.toml": 'manifests = "."\n'})
    assert bench.run("--all").status == 0
    for args in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=kit"]):
        git(bench.folder, *args)
    git(bench.folder, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path_factory.mktemp("clone") / "clone"
    git(bench.folder, "clone", "--quiet", "--filter=blob:none", "--sparse", f"file://{bench.folder}", str(clone))
    git(clone, "sparse-checkout", "set", "team")
    partial = Workbench(clone, bench._capsys, bench._monkeypatch)
    for args in (["--all", "--check"], ["--all"], ["--all", "--prune"]):
        assert partial.run(*args).status == 0
    assert "this partial clone lacks its content" in partial.run("team/critic.toml").stderr


NEEDED = {
    "assemble.toml": 'bundles = { careful = ["honest"] }\n',
    "agents/critic.toml": CRITIC + '[[handoff]]\ntarget = "tester"\ntrigger = "tests"\n',
    "agents/base.toml": f'{BASE}extends = "top"\nblocks = ["@careful", "..."]\n',
    "agents/top.toml": 'name = "top"\nabstract = true\nblocks = ["exact"]\n',
    "agents/tester.toml": 'name = "tester"\ndescription = "Tests code."\nextends = "base-of-testers"\n',
    "agents/base-of-testers.toml": 'name = "base-of-testers"\nabstract = true\ndisplay-name = "Tester"\n',
    "_blocks/honest.md": "Be honest.\n",
    "_blocks/exact.md": "Be exact.\n",
}
"""The files that a build of one manifest reads: its own, those of its bases, its blocks, and agents that it names."""


@pytest.mark.slow
def test_a_build_of_one_manifest_reads_only_what_it_needs(bench: Workbench, tmp_path: Path) -> None:
    if reason := problem():
        pytest.skip(reason)
    bench.write(NEEDED)
    for number in range(30):
        name = f"other-{number}"
        bench.write({f"agents/{name}.toml": CRITIC.replace("critic", name), f"_blocks/{name}.md": "Be quick.\n"})
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with closing(Observer(tmp_path / "log")) as observer:
        run = observer.run(bench.folder, ["agents/critic.toml", "--no-cache"], environment)
    assert run.status == 0, run.stderr
    read = {os.path.relpath(one.path, bench.folder) for one in run.accesses if one.kind == "read"}
    assert {file for file in read if file.endswith((".toml", ".md"))} == NEEDED.keys()


INHERITED_NOTES = {
    "a link": ('role = "See [the rules](rules.md)."\n', "B210"),
    "a display name": ('role = "You work."\ndisplay-name = "Reviewer of code"\ntargets = ["qwen"]\n', "K129"),
    "a tool": ('tools = ["Raed"]\n', "K111"),
    "a lost tool": ('role = "You work."\ntools = ["NotebookEdit", "Read"]\ntargets = ["gemini"]\n', "K113"),
    "a model": ('role = "You work."\nmodel = "opus"\ntargets = ["codex"]\n', "K126"),
}


@pytest.mark.parametrize(("keys", "code"), INHERITED_NOTES.values(), ids=INHERITED_NOTES.keys())
def test_a_note_about_inherited_text_is_one(bench: Workbench, keys: str, code: str) -> None:
    bench.write({"agents/base.toml": BASE + keys, "agents/critic.toml": CRITIC, "agents/tester.toml": TESTER})
    assert _codes(bench, "--all") == [(code, "agents/base.toml")]


OUTRANKING = 'name = "critic"\ndescription = "Reviews."\nextends = "base"\ntargets = ["opencode", "claude-code"]\n'
WITH_DENIAL = 'name = "base"\nabstract = true\n[target.opencode.permission]\n"*" = "ask"\nbash = "deny"\n'


@pytest.mark.parametrize(
    ("settings", "own", "codes"),
    [
        ("", 'tools = ["Read"]\n', ["E109"]),
        ("", 'tools = ["Read"]\n[target.opencode]\npermission = { "*" = "deny" }\n', []),
        ("", 'unset = ["target.opencode.permission"]\ntools = ["Read"]\n', []),
        ("", 'targets = ["claude-code"]\ntools = ["Read"]\n', []),
        ("", 'role = "You review."\n', []),
        ('[defaults.target.opencode]\nmodel = "a/b"\n', 'model = "opus"\n', []),
    ],
)
def test_a_key_of_the_base_that_has_no_effect_is_noted(
    settings: str, own: str, codes: list[str], bench: Workbench
) -> None:
    start = OUTRANKING if "targets" not in own else OUTRANKING.partition("targets")[0]
    bench.write({"assemble.toml": f'ignore = ["K126"]\n{settings}'})
    bench.write({"agents/base.toml": WITH_DENIAL, "agents/critic.toml": f"{start}{own}"})
    found = findings(bench)
    assert [one.code for one in found] == codes
    for one in found:
        assert one.message == "`tools` replaces `permission` of `[target.opencode]`, which the base sets"
        assert [(each["file"], each["line"]) for each in one.related] == [("agents/base.toml", 3)]


def test_one_build_of_a_manifest_reports_that_two_files_are_its_base(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, "agents/base.toml": BASE, "agents/old/base.toml": BASE})
    before = bench.files()
    assert _codes(bench, "agents/critic.toml") == [("K108", "agents/old/base.toml")]
    assert bench.files() == before


@pytest.mark.parametrize(
    "entry",
    [
        '"@x"',
        "'@x'",
        r'"\u0040x"',
        r'"\U00000040x"',
        '"""@x"""',
        "'''@x'''",
        '"""\\\n  @x"""',
        '"""\n@x"""',
        "'''\n@x'''",
    ],
)
def test_a_bundle_can_be_written_in_each_kind_of_string(bench: Workbench, entry: str) -> None:
    bench.write({"assemble.toml": '[bundles]\nx = ["kind"]\n', "_blocks/kind.md": "Be kind.\n"})
    bench.write({"agents/critic.toml": f'name = "critic"\ndescription = "Reviews code."\nblocks = [{entry}]\n'})
    run = bench.run("--all")
    assert (run.status, run.stderr) == (0, "1 agent, 1 file: 1 created\n")
    assert "Be kind." in (bench.folder / "agents/critic.md").read_text()


def test_a_client_has_defaults_and_values_in_the_settings(bench: Workbench) -> None:
    settings = 'targets = ["codex"]\n[defaults.target.codex]\nmodel = "o3"\n[target.codex.values]\nPROJECT = "Shop"\n'
    manifest = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review {{PROJECT}}."\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": manifest})
    assert bench.run("--all").status == 0
    text = (bench.folder / ".codex/agents/critic.toml").read_text()
    assert ('model = "o3"' in text, "You review Shop." in text) == (True, True)
