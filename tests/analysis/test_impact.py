"""`assemble impact`: what it says about a change, in every format, and when it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import markdown_it
import pytest
import yaml

from conftest import REPOSITORY, Workbench
from kei_assembler.analysis.impact import page
from kei_assembler.report.layout import width
from repositories import git

SCHEMA = json.loads((REPOSITORY / "docs/impact.schema.json").read_text())
KIT = {
    "assemble.toml": """\
targets = ["claude-code", "opencode"]

[bundles]
core = ["honesty"]

[values]
LANGUAGE = "Go"

[target.claude-code]
output = ".claude/agents/{name}.md"
""",
    "agents/critic.toml": """\
name = "critic"
description = "Reviews code."
blocks = ["@core", "style"]
tools = ["Read"]
""",
    "agents/coder.toml": """\
name = "coder"
description = "Writes code."
extends = "base"
role = { file = "roles/coder.md" }
""",
    "agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["@core"]\ntools = ["Read", "Edit"]\n',
    "roles/coder.md": "You write code.\n",
    "_blocks/honesty.md": "# Honesty\n\nSay what you did.\n",
    "_blocks/style.md": "# Style\n\nWrite plain {{LANGUAGE}}.\n",
    "_blocks/testing.md": "# Testing\n\nTest first.\n",
}


def _commit(folder: Path, message: str = "kit") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


@pytest.fixture
def kit(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """A committed kit."""
    for name in ("GITHUB_BASE_REF", "GITHUB_WORKSPACE", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        monkeypatch.delenv(name, raising=False)
    git(bench.folder, "init", "--quiet", "--initial-branch=main")
    bench.write(KIT)
    _commit(bench.folder)
    return bench


def _data(kit: Workbench, *args: str) -> dict[str, Any]:
    run = kit.run("impact", "--output-format", "json", *args)
    assert (run.status, run.stderr) == (0, "")
    data: dict[str, Any] = json.loads(run.stdout)
    jsonschema.validate(data, SCHEMA, jsonschema.Draft202012Validator)
    return data


def _edit(kit: Workbench, file: str, old: str, new: str) -> None:
    text = kit.read(file)
    assert old in text
    kit.write({file: text.replace(old, new)})


def test_nothing_changed(kit: Workbench) -> None:
    before = kit.files()
    assert kit.run("impact") == (0, "no agent is affected\n", "")
    assert kit.run("impact", "--names") == (0, "", "")
    assert kit.files() == before


def test_a_block_that_all_agents_share(kit: Workbench) -> None:
    _edit(kit, "_blocks/honesty.md", "Say what you did.", "Say what you did.\nSay what you did not do.")
    assert kit.run("impact") == (
        0,
        """\
_blocks/honesty.md  +1 −0  →  2 agents × 2 targets: coder, critic   about +7 tokens each
  @@ -1,3 +1,4 @@
   # Honesty

   Say what you did.
  +Say what you did not do.

AGENTS
  coder: 107 → 114 tokens, in Claude Code, OpenCode
  critic: 103 → 110 tokens, in Claude Code, OpenCode

2 agents affected: 4 files, 1 cause
""",
        "",
    )
    assert kit.run("impact", "--names") == (0, "coder\ncritic\n", "")


def _causes(data: Mapping[str, Any]) -> dict[tuple[str, str, str], list[str]]:
    return {(each["kind"], each["file"], each["key"]): each["agents"] for each in data["causes"]}


Edit = tuple[str, str, str, tuple[str, str], list[str]]
EDITS: dict[str, Edit] = {
    "block": ("_blocks/style.md", "plain", "simple", ("block", ""), ["critic"]),
    "manifest": ("agents/critic.toml", "Reviews", "Checks", ("manifest", ""), ["critic"]),
    "base": ("agents/base.toml", '"Edit"', '"Write"', ("base", ""), ["coder"]),
    "role": ("roles/coder.md", "write", "make", ("role", ""), ["coder"]),
    "bundle": ("assemble.toml", '"honesty"', '"testing"', ("bundle", "bundles.core"), ["coder", "critic"]),
    "value": ("assemble.toml", '"Go"', '"Rust"', ("value", "values.LANGUAGE"), ["critic"]),
    "setting": ("assemble.toml", '"opencode"', '"gemini"', ("setting", "targets"), ["coder", "critic"]),
    "new setting": (
        "assemble.toml",
        "[bundles]",
        '[defaults]\nmodel = "opus"\n\n[bundles]',
        ("setting", "defaults.model"),
        ["coder", "critic"],
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_each_kind_of_cause(kit: Workbench, edit: Edit) -> None:
    file, old, new, (kind, key), agents = edit
    _edit(kit, file, old, new)
    assert _causes(_data(kit)) == {(kind, file, key): agents}


def test_a_template_is_a_cause(kit: Workbench) -> None:
    kit.write({"templates/agent.md.j2": "{{ agent.description | upper }}\n"})
    data = _data(kit)
    assert _causes(data) == {("template", "templates/agent.md.j2", ""): ["coder", "critic"]}
    assert data["causes"][0]["status"] == "new"


def test_lines_of_several_causes_are_told_apart(kit: Workbench) -> None:
    _edit(kit, "_blocks/honesty.md", "did.", "did!")
    _edit(kit, "assemble.toml", '"Go"', '"Rust"')
    _edit(kit, "agents/critic.toml", "Reviews", "Checks")
    data = _data(kit)
    assert _causes(data) == {
        ("block", "_blocks/honesty.md", ""): ["coder", "critic"],
        ("manifest", "agents/critic.toml", ""): ["critic"],
        ("value", "assemble.toml", "values.LANGUAGE"): ["critic"],
    }
    of_critic = [
        (each["kind"], output["lines"])
        for each in data["causes"]
        for output in each["outputs"]
        if output["path"] == ".claude/agents/critic.md"
    ]
    assert of_critic == [(kind, {"added": 1, "removed": 1}) for kind in ("block", "manifest", "value")]


def test_what_a_template_changes_has_several_causes(kit: Workbench) -> None:
    kit.write({"templates/agent.md.j2": "{% for block in blocks %}{{ block | upper }}\n{% endfor %}"})
    _commit(kit.folder)
    _edit(kit, "_blocks/honesty.md", "did.", "did!")
    _edit(kit, "assemble.toml", '"Go"', '"Rust"')
    run = kit.run("impact")
    assert run.status == 0
    assert "several causes  →  1 agent × 2 targets: critic" in run.stdout
    assert "  -WRITE PLAIN GO.\n  +SAY WHAT YOU DID!\n  +WRITE PLAIN RUST.\n" in run.stdout


def test_a_new_stamp_is_no_change(kit: Workbench) -> None:
    (kit.folder / "agents/team").mkdir()
    git(kit.folder, "mv", "agents/critic.toml", "agents/team/critic.toml")
    data = _data(kit)
    assert data["items"] == []
    assert [each["file"] for each in data["unused"]] == ["agents/critic.toml", "agents/team/critic.toml"]


def test_new_deleted_and_renamed_agents(kit: Workbench) -> None:
    git(kit.folder, "rm", "--quiet", "agents/critic.toml")
    kit.write({"agents/judge.toml": KIT["agents/critic.toml"].replace('"critic"', '"judge"')})
    data = _data(kit)
    assert [(item["name"], item["status"]) for item in data["items"]] == [("critic", "deleted"), ("judge", "new")]
    assert [output["path"] for output in data["items"][0]["outputs"]] == [None, None]
    assert kit.run("impact", "--names") == (0, "judge\n", "")


def test_outputs_that_move(kit: Workbench) -> None:
    _edit(kit, "assemble.toml", "[bundles]", '[target.opencode]\noutput = "oc/{name}.md"\n\n[bundles]')
    data = _data(kit)
    assert _causes(data) == {("setting", "assemble.toml", "target.opencode.output"): ["coder", "critic"]}
    moved = data["items"][1]["outputs"]
    assert [(each["old_path"], each["path"], each["status"]) for each in moved] == [
        (".opencode/agents/critic.md", "oc/critic.md", "moved")
    ]
    assert "    moves from .opencode/agents/critic.md to oc/critic.md\n" in kit.run("impact").stdout


def test_handoffs_and_front_matter(kit: Workbench) -> None:
    old = '\n[[handoff]]\ntarget = "coder"\ntrigger = "it is wrong"\n'
    _edit(kit, "agents/critic.toml", 'tools = ["Read"]\n', f'tools = ["Read"]\n{old}')
    _edit(kit, "agents/critic.toml", "Reviews", "Checks")
    item = _data(kit)["items"][0]
    assert item["handoffs"] == {"added": ["coder"], "removed": [], "changed": []}
    assert [each["keys"] for each in item["outputs"]] == [["description"], ["description"]]
    out = kit.run("impact").stdout
    assert "    now hands off to coder\n    front matter: description in Claude Code, OpenCode\n" in out


RIGHTS = {
    "a tool": ('tools = ["Read"]', 'tools = ["Read", "Bash"]', ["critic: may now use Bash in Claude Code, OpenCode"]),
    "a tool by a name for several": (
        'tools = ["Read"]',
        'tools = ["Read", "Edit"]',
        [
            "critic: may now use Edit in Claude Code, OpenCode",
            "critic: may now use NotebookEdit, Write in OpenCode",
        ],
    ),
    "all tools": ('tools = ["Read"]\n', "", ["critic: may now use all tools in Claude Code, OpenCode"]),
    "fewer": ('tools = ["Read"]', "tools = []", ["critic: may no longer use Read in Claude Code, OpenCode"]),
    "a part of a tool": (
        'tools = ["Read"]',
        'tools = ["Read", "Bash(git:*)"]',
        ["critic: may now use Bash(git:*) in Claude Code, OpenCode"],
    ),
    "a hook": (
        'tools = ["Read"]\n',
        'tools = ["Read"]\n\n[[target.claude-code.hooks.Stop]]\nhooks = [{ type = "command", command = "make" }]\n',
        ["critic: now has hooks: Stop in Claude Code"],
    ),
    "a permission": (
        'tools = ["Read"]\n',
        'tools = ["Read"]\n\n[target.opencode.permission]\n"*" = "deny"\nread = "allow"\nbash = "allow"\n',
        [
            "critic: may now use Bash in OpenCode",
            "critic: now has permission: bash, permission: read *.env, permission: read *.env.* in OpenCode",
        ],
    ),
    "a model": (
        'tools = ["Read"]\n',
        'tools = ["Read"]\nmodel = "opus"\n',
        ["critic: now uses the model opus instead of the client's model in Claude Code"],
    ),
}
ALLOWED = """
[[allow-rights]]
agent = "critic"
rights = ["claude-code.hooks", "opencode.permission=allow"]
reason = "for this test"
"""


@pytest.mark.parametrize(("old", "new", "lines"), RIGHTS.values(), ids=RIGHTS)
def test_what_agents_may_do_comes_first(kit: Workbench, old: str, new: str, lines: list[str]) -> None:
    kit.write({"assemble.toml": KIT["assemble.toml"] + ALLOWED})
    _commit(kit.folder)
    _edit(kit, "agents/critic.toml", old, new)
    run = kit.run("impact")
    assert (run.status, run.stderr) == (0, "")
    assert [line.strip() for line in run.stdout.partition("\n\n")[0].split("\n")] == ["RIGHTS", *lines]


def test_a_limit_that_is_gone_is_a_gain(kit: Workbench) -> None:
    limited = 'tools = ["Read"]\n\n[target.claude-code]\ndisallowedTools = ["Bash"]\npermissionMode = "plan"\n'
    _edit(kit, "agents/critic.toml", 'tools = ["Read"]\n', limited)
    assert "critic: is now limited by disallowedTools: Bash, permissionMode=plan in Cl" in kit.run("impact").stdout
    _commit(kit.folder)
    kit.write({"agents/critic.toml": KIT["agents/critic.toml"]})
    added = _data(kit)["items"][0]["rights"]["added"]
    names = ["no limit by disallowedTools: Bash", "no limit by permissionMode=plan"]
    assert added == [{"name": name, "targets": ["claude-code"]} for name in names]
    run = kit.run("impact", "--fail-on", "rights")
    assert "critic: is no longer limited by disallowedTools: Bash, permissionMode=plan in Claude Code\n" in run.stdout
    assert (run.status, run.stderr) == (
        1,
        """\
error: critic is no longer limited by disallowedTools: Bash in Claude Code [--fail-on]
error: critic is no longer limited by permissionMode=plan in Claude Code [--fail-on]
""",
    )


GATES = {
    "rights": ("rights", []),
    "tools": ("tools", ["critic gains Bash in Claude Code, OpenCode"]),
    "tokens in percent": ("tokens=+10%", ["critic grows by about 25 tokens (+24%)"]),
    "tokens": ("tokens=20", ["critic grows by about 25 tokens (+24%)"]),
    "enough tokens": ("tokens=+25", []),
    "agents": ("agents=0", ["the change affects 1 agent"]),
    "enough agents": ("agents=1", []),
    "several": ("tools, agents=0", ["critic gains Bash in Claude Code, OpenCode", "the change affects 1 agent"]),
}


@pytest.mark.parametrize(("gates", "failures"), GATES.values(), ids=GATES)
def test_gates(kit: Workbench, gates: str, failures: list[str]) -> None:
    _edit(kit, "agents/critic.toml", '"Read"', '"Read", "Bash"')
    _edit(kit, "_blocks/style.md", "plain", f"plain {'very ' * 18}simple")
    run = kit.run("impact", "--fail-on", gates)
    assert run.status == int(bool(failures))
    assert run.stderr == "".join(f"error: {failure} [--fail-on]\n" for failure in failures)
    assert run.stdout.startswith("RIGHTS\n")


NEEDS_LIMIT = "error: the gate `tokens` needs a limit\n  help: write, for example, `tokens=+10%` or `tokens=+200`\n"


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ("right", "error: `--fail-on` has no gate `right`\n  help: did you mean `rights`?\n"),
        (
            "tokens",
            "error: the gate `tokens` needs a limit\n  help: write, for example, `tokens=+10%` or `tokens=+200`\n",
        ),
        (
            "tokens=x",
            "error: the gate `tokens` needs a limit\n  help: write, for example, `tokens=+10%` or `tokens=+200`\n",
        ),
        ("agents=5%", "error: the gate `agents` needs a limit\n  help: write, for example, `agents=20`\n"),
        ("rights=1", "error: the gate `rights` takes no limit\n  help: write `rights`\n"),
    ],
)
def test_wrong_gates(kit: Workbench, gates: str, message: str) -> None:
    assert kit.run("impact", "--fail-on", gates) == (2, "", message)


def test_two_commits_are_compared_without_touching_anything(kit: Workbench) -> None:
    _edit(kit, "_blocks/style.md", "plain", "simple")
    _commit(kit.folder)
    _edit(kit, "_blocks/style.md", "simple", "short")
    git(kit.folder, "add", "--all")
    _edit(kit, "_blocks/style.md", "short", "terse")
    before = kit.files()
    run = kit.run("impact", "--since", "HEAD~1", "--until", "HEAD")
    assert (run.status, run.stderr) == (0, "")
    assert "  -Write plain {{LANGUAGE}}.\n  +Write simple {{LANGUAGE}}.\n" in run.stdout
    assert "  +Write terse {{LANGUAGE}}.\n" in kit.run("impact").stdout
    assert kit.files() == before


def test_a_revision_without_a_kit(kit: Workbench) -> None:
    git(kit.folder, "checkout", "--quiet", "--orphan", "empty")
    git(kit.folder, "rm", "-r", "--quiet", "--force", ".")
    _commit(kit.folder)
    statuses = {"main": "deleted", "empty": "new"}
    for since, status in statuses.items():
        until = next(each for each in statuses if each != since)
        items = _data(kit, "--since", since, "--until", until)["items"]
        assert [(item["name"], item["status"]) for item in items] == [("coder", status), ("critic", status)]
    assert [item["status"] for item in _data(kit, "--since", "main")["items"]] == ["deleted", "deleted"]


def test_invalid_settings_at_a_revision(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'targets = ["claude"]\n'})
    _commit(kit.folder)
    kit.write({"assemble.toml": KIT["assemble.toml"]})
    run = kit.run("impact")
    assert (run.status, run.stdout) == (2, "")
    assert "error: the settings at `HEAD` have errors\n" in run.stderr
    assert "assemble.toml:1:12: error[C702]" in run.stderr


def test_every_format_names_the_agents_with_errors(kit: Workbench) -> None:
    _edit(kit, "agents/critic.toml", '"style"', '"stile"')
    words = "critic has errors and cannot be compared"
    assert kit.run("impact").stdout == f"{words}\n\nno other agent is affected\n"
    assert kit.run("impact", "--output-format", "github").stdout == f"::error title=impact::{words}\n"
    assert "**`critic` has errors and cannot be compared.**" in kit.run("impact", "--output-format", "markdown").stdout
    data = json.loads(kit.run("impact", "--output-format", "json").stdout)
    jsonschema.validate(data, SCHEMA, jsonschema.Draft202012Validator)
    assert (data["incomparable"], data["unused"], data["items"]) == (["critic"], [], [])


def test_an_agent_with_errors_at_both_ends(kit: Workbench) -> None:
    _edit(kit, "agents/critic.toml", '"style"', '"stile"')
    _commit(kit.folder)
    run = kit.run("impact")
    assert (run.status, run.stdout) == (1, "critic has errors and cannot be compared\n\nno other agent is affected\n")
    assert "counts as new" not in run.stderr


def test_a_source_that_did_not_change_where_the_line_comes_from_is_no_cause(kit: Workbench) -> None:
    _edit(kit, "agents/base.toml", "tools", 'model = "opus"\ntools')
    _edit(kit, "agents/coder.toml", 'extends = "base"\n', 'extends = "base"\nmodel = "haiku"\n')
    _commit(kit.folder)
    _edit(kit, "agents/base.toml", "tools", 'domain_in = ["code"]\ntools')
    _edit(kit, "agents/coder.toml", 'model = "haiku"\n', "")
    causes = {each["kind"]: each["outputs"][0]["lines"] for each in _data(kit)["causes"]}
    assert causes["manifest"] == {"added": 0, "removed": 1}  # `model: haiku`
    assert causes["several"] == {"added": 1, "removed": 0}  # `model: opus`


def test_the_order_of_a_list_is_the_cause_of_lines_that_move(kit: Workbench) -> None:
    _edit(kit, "agents/critic.toml", '["@core", "style"]', '[\n  "honesty",\n  "style",\n  "testing",\n]')
    _commit(kit.folder)
    _edit(kit, "agents/critic.toml", '  "honesty",\n  "style",\n', '  "style",\n  "honesty",\n')
    _edit(kit, "_blocks/honesty.md", "# Honesty\n", "# Honesty\n\nBe brief.\n")
    causes = {each["kind"]: each["outputs"] for each in _data(kit)["causes"]}
    lines = {output["path"]: output["lines"] for output in causes["block"]}
    assert lines[".claude/agents/critic.md"]["removed"] == 0
    assert "manifest" in causes
    assert "several" not in causes


def test_a_block_in_a_missing_submodule_is_an_error(kit: Workbench, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "rules")
    (tmp_path / "rules/shared.md").write_text("# Shared\n\nBe kind.\n")
    _commit(tmp_path / "rules")
    git(kit.folder, "submodule", "--quiet", "add", str(tmp_path / "rules"), "_blocks/rules")
    _edit(kit, "agents/critic.toml", '"style"', '"rules/shared"')
    _commit(kit.folder)
    (tmp_path / "rules/shared.md").write_text("# Shared\n\nBe cruel.\n")
    _commit(tmp_path / "rules")
    git(kit.folder / "_blocks/rules", "pull", "--quiet")
    _commit(kit.folder)
    assert kit.run("impact", "--since", "HEAD~1", "--names") == (0, "critic\n", "")
    git(kit.folder.parent, "clone", "--quiet", str(kit.folder), str(tmp_path / "clone"))
    run = kit.below(str(tmp_path / "clone")).run("impact", "--since", "HEAD~1", "--until", "HEAD")
    assert run.status == 1
    assert run.stdout == "critic has errors and cannot be compared\n\nno other agent is affected\n"


def test_agents_with_errors(kit: Workbench) -> None:
    _edit(kit, "agents/critic.toml", '"style"', '"stile"')
    _edit(kit, "_blocks/honesty.md", "did.", "did!")
    run = kit.run("impact", "--names")
    assert (run.status, run.stdout) == (1, "coder\n")
    assert run.stderr.startswith("agents/critic.toml:3:20: error[B201] unknown block `stile`\n")
    _commit(kit.folder)
    _edit(kit, "agents/critic.toml", '"stile"', '"style"')
    run = kit.run("impact", "--names")
    assert run == (0, "critic\n", "note: critic could not be built at HEAD, so it counts as new\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--since", "mian"), "error: the revision `mian` does not exist\n  help: did you mean `main`?\n"),
        (("--since", ""), "error: the revision `` does not exist\n  help: name a commit, a branch or a tag\n"),
        (("--until", ""), "error: the revision `` does not exist\n  help: name a commit, a branch or a tag\n"),
        (
            ("--names", "--output-format", "json"),
            "Usage: assemble impact [OPTIONS]\nTry 'assemble impact --help' for help.\n\n"
            "Error: --names cannot be used with --output-format\n",
        ),
    ],
)
def test_wrong_arguments(kit: Workbench, args: tuple[str, ...], message: str) -> None:
    assert kit.run("impact", *args) == (2, "", message)


def test_outside_a_work_tree(bench: Workbench) -> None:
    with TemporaryDirectory() as folder:
        outside = bench.below(folder)
        outside.write(KIT)
        assert outside.run("impact") == (2, "", f"error: `{folder}` is not in a git work tree\n")


def test_a_shallow_clone(kit: Workbench, tmp_path: Path) -> None:
    for text in ("simple", "short"):
        kit.write({"_blocks/style.md": f"# Style\n\nWrite {text}.\n"})
        _commit(kit.folder)
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{kit.folder}", "clone")
    clone = kit.below(str(tmp_path / "clone"))
    run = clone.run("impact", "--since", "HEAD~1", "--until", "HEAD", "--names")
    assert run == (0, "critic\n", "")
    run = clone.run("impact", "--since", "HEAD~2")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == (
        "error: `HEAD~2` does not exist in this shallow clone\n"
        "  help: fetch more history, for example with `git fetch --unshallow`\n"
    )


def test_a_kit_in_a_subfolder_and_a_sparse_checkout(bench: Workbench) -> None:
    git(bench.folder, "init", "--quiet", "--initial-branch=main")
    bench.write({f"team/kit/{name}": text for name, text in KIT.items()} | {"other/x.md": "x\n"})
    _commit(bench.folder)
    bench.write({"team/kit/_blocks/style.md": "# Style\n\nWrite less.\n"})
    _commit(bench.folder)
    assert bench.below("team/kit").run("impact", "--since", "HEAD~1", "--names") == (0, "critic\n", "")
    assert bench.run("impact", "--kit", "team/kit", "--since", "HEAD~1", "--names") == (0, "critic\n", "")
    git(bench.folder, "sparse-checkout", "set", "--no-cone", "/team/kit/agents/", "/team/kit/assemble.toml")
    assert not (bench.folder / "team/kit/_blocks").exists()
    assert bench.below("team/kit").run("impact", "--since", "HEAD~1", "--names") == (0, "critic\n", "")


def test_in_ci_it_compares_with_the_base_of_the_pull_request(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    git(kit.folder, "checkout", "--quiet", "-b", "topic")
    _edit(kit, "_blocks/style.md", "plain", "simple")
    _commit(kit.folder)
    assert kit.run("impact", "--names") == (0, "", "")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    assert kit.run("impact", "--names") == (0, "critic\n", "")


def test_annotations(kit: Workbench) -> None:
    _edit(kit, "agents/critic.toml", '"Read"', '"Read", "Bash"')
    _edit(kit, "assemble.toml", '"honesty"', '"testing"')
    run = kit.run("impact", "--output-format", "github")
    assert run == (
        0,
        "::warning file=agents/critic.toml,line=4,title=impact::critic: may now use Bash in Claude Code, OpenCode\n"
        "::notice file=assemble.toml,line=4,title=impact::bundles.core: 2 agents × 2 targets: coder, critic; "
        "about −2 tokens each\n"
        "::notice file=agents/critic.toml,line=4,title=impact::1 agent × 2 targets: critic; "
        "about +4 tokens each, on average\n",
        "",
    )


def test_several_kits(bench: Workbench) -> None:
    git(bench.folder, "init", "--quiet", "--initial-branch=main")
    bench.write({f"{kit}/{name}": text for kit in ("a", "b", "c") for name, text in KIT.items()})
    _commit(bench.folder)
    bench.write({f"{kit}/_blocks/style.md": "# Style\n\nWrite less.\n" for kit in ("a", "c")})
    assert bench.run("impact", "--recursive", "--names") == (0, "critic\ncritic\n", "")
    assert bench.run("impact", "--recursive", "--exclude", "c", "--names") == (0, "critic\n", "")
    nothing = bench.run("impact", "--recursive", "--exclude", "d", "--names")
    assert nothing == (0, "critic\ncritic\n", "note: `--exclude d` matches no folder\n")
    out = bench.run("impact", "--recursive").stdout
    assert [line for line in out.split("\n") if line in ("a:", "b:", "c:")] == ["a:", "b:", "c:"]
    page_of_all = bench.run("impact", "--recursive", "--output-format", "markdown").stdout
    assert [line for line in page_of_all.split("\n") if line.startswith("## ")] == [
        f"## Impact on agents of `{kit}`: 1 agent affected: 2 files, 1 cause" for kit in ("a", "c")
    ]
    files = bench.run("impact", "--recursive", "--output-format", "github").stdout
    assert [line.partition(",")[0] for line in files.split("\n")[:-1]] == [
        f"::notice file={kit}/_blocks/style.md" for kit in ("a", "c")
    ]


def _step(name: str) -> str:
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    return str(next(step["run"] for step in action["runs"]["steps"] if step.get("name") == name))


@pytest.mark.parametrize(("fail_on", "status"), [("", 0), ("tools", 1), ("agents=5", 0)])
def test_the_action_writes_the_page_to_the_summary(kit: Workbench, fail_on: str, status: int, tmp_path: Path) -> None:
    git(kit.folder, "checkout", "--quiet", "-b", "topic")
    _edit(kit, "agents/critic.toml", '"Read"', '"Read", "Bash"')
    _commit(kit.folder)
    summary = tmp_path / "summary.md"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(summary),
        "KIT": "",
        "EXCLUDE": "vendor\nnode_modules\n",
        "FAIL_ON": fail_on,
    }
    script = _step("Show the impact of the pull request")
    run = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=kit.folder, env=environment, check=False)
    assert run.returncode == status
    assert "- **`critic`: may now use `Bash` in Claude Code, OpenCode**" in summary.read_text()


HOSTILE = "<script>alert(1)</script> ``` | @everyone \u202e </details>"


def test_the_page_is_short_and_harmless(kit: Workbench) -> None:
    for number in range(400):
        text = KIT["agents/critic.toml"].replace('"critic"', f'"critic-{number}"')
        kit.write({f"agents/critic-{number}.toml": text.replace("Reviews code.", f"{HOSTILE[:40]} {number}")})
    kit.write({"_blocks/honesty.md": "# Honesty\n\n" + "".join(f"{HOSTILE[:40]}\n~~~\n" for _ in range(20))})
    run = kit.run("impact", "--output-format", "markdown")
    assert run.status in (0, 1)
    assert len(run.stdout) <= page.MAX_CHARACTERS
    assert "more, left out here" in run.stdout
    tokens = markdown_it.MarkdownIt("commonmark").parse(run.stdout)
    html = [token.content for token in tokens if token.type == "html_block"]
    inline = [child.content for token in tokens for child in token.children or () if child.type == "html_inline"]
    assert not any("script" in text for text in (*html, *inline))


def test_the_page_mentions_nobody(kit: Workbench) -> None:
    role = "roles/@somebody #1.md"
    kit.write({role: "You write code.\n"})
    _edit(kit, "agents/coder.toml", "roles/coder.md", role)
    _commit(kit.folder)
    kit.write({role: "You write tests.\n"})
    out = kit.run("impact", "--output-format", "markdown").stdout
    assert f"<summary><code>{role}</code></summary>" in out
    assert out.count(role) == out.count(f"`{role}`") + out.count(f"<code>{role}</code>") == 2


def test_the_page(kit: Workbench) -> None:
    _edit(kit, "_blocks/style.md", "plain", "simple")
    assert kit.run("impact", "--output-format", "markdown") == (
        0,
        f"""\
## Impact on agents: 1 agent affected: 2 files, 1 cause

From `HEAD` to `the work tree`.

### Causes

| cause | lines | affects | tokens | agents |
|---|---|---|---|---|
| `_blocks/style.md` | +1 −1 | 1 agent × 2 targets |  | `critic` |

### Agents

| agent | change | tokens | clients | more |
|---|---|---|---|---|
| `critic` | changed | 103 tokens | Claude Code, OpenCode |  |

### Changes

<details><summary><code>_blocks/style.md</code></summary>

```diff
@@ -1,3 +1,3 @@
 # Style
{" "}
-Write plain {{{{LANGUAGE}}}}.
+Write simple {{{{LANGUAGE}}}}.
```

</details>
""",
        "",
    )


def test_it_fits_a_narrow_terminal(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kei_assembler.cli.console.line_columns", lambda: 60)
    _edit(kit, "_blocks/honesty.md", "did.", "did. " + "Then go on. " * 20)
    _edit(kit, "agents/critic.toml", '"Read"', '"Read", "Bash", "Glob", "Grep", "Edit", "Write", "WebFetch"')
    run = kit.run("impact")
    assert max(map(width, run.stdout.split("\n"))) <= 60
    assert any(line.startswith("_blocks/honesty.md") for line in run.stdout.split("\n"))
