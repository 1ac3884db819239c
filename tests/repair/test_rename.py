"""`assemble rename`: what it changes, what it leaves alone, and what it refuses. Git is real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import Run, Workbench
from repositories import commit_all, git

SETTINGS = """\
targets = ["claude-code", "copilot", "opencode"]
obligatory = ["honesty"]  # keep
external-agents = ["editor"]

[target.claude-code]
output = ".claude/agents/{name}.md"

[[allow-rights]]
agent = "coder"  # coder
rights = ["opencode.permission=allow"]
reason = "it runs the tests of `coder`"

[[allow-rights]]
agent = "critic"
rights = ["opencode.permission=allow"]
reason = "tried"
"""
CODER = """\
# coder writes
name   = 'coder'  # not "coder"
description = "Writes code."
role = { file = "roles/coder.md" }
blocks = ["honesty"]
"""
CRITIC = """\
name = "critic"
description = "Reviews code, after `coder`."
tools = ["Read", "Agent(editor, coder)"]
role = '''
You review. `coder` fixes, coder-2 does not.
'''
blocks = ["honesty"]

[[handoff]]
target = "\\u0063oder"
trigger = "findings"

[target.copilot]
agents = ["editor", "coder"]

[[target.copilot.handoffs]]
label = "coder"
agent = "coder"
prompt = "Fix it."

[target.opencode.permission]
task = { "editor" = "deny", "coder" = "ask" }
"""
HEIR = 'name = "heir"\r\ndescription = "Writes."\r\nextends = "coder" # coder\r\nrole = "You."\r\n'
KIT = {
    "assemble.toml": SETTINGS,
    "agents/coder.toml": CODER,
    "agents/critic.toml": CRITIC,
    "agents/heir.toml": HEIR,
    "roles/coder.md": "You write. Not `coder-2`.\n",
    "_blocks/honesty.md": "# HONESTY\n\nSay so, `coder`.\n",
}


def _kit(bench: Workbench, files: dict[str, str], build: bool = True) -> Workbench:
    bench.write(files)
    if build:
        assert bench.run("--all").status == 0, bench.run("--all").stderr
    commit_all(bench.folder)
    return bench


def _texts(bench: Workbench) -> dict[str, str]:
    files = bench.files().items()
    return {path: content.decode() for path, (content, _) in files if not path.startswith(".git/")}


def _checks(bench: Workbench) -> Run:
    return bench.run("--all", "--check")


def test_an_agent(bench: Workbench) -> None:
    _kit(bench, KIT)
    before = _texts(bench)
    run = bench.run("rename", "coder", "implementer")
    assert (run.status, run.stdout) == (
        0,
        "moved agents/coder.toml to agents/implementer.toml\n"
        "moved roles/coder.md to roles/implementer.md\n"
        "moved .claude/agents/coder.md to .claude/agents/implementer.md\n"
        "moved .github/agents/coder.agent.md to .github/agents/implementer.agent.md\n"
        "moved .opencode/agents/coder.md to .opencode/agents/implementer.md\n"
        "updated agents/critic.toml\n"
        "updated agents/heir.toml\n"
        "updated assemble.toml\n"
        "updated .claude/agents/critic.md\n"
        "updated .github/agents/critic.agent.md\n"
        "updated .opencode/agents/critic.md\n",
    )
    assert run.stderr == (
        "_blocks/honesty.md:3:10: Say so, `coder`.\n"
        'agents/critic.toml:2:37: description = "Reviews code, after `coder`."\n'
        "agents/critic.toml:5:14: You review. `coder` fixes, coder-2 does not.\n"
        "3 mentions of `coder` in backticks left; to change them, run: assemble rename --prose coder implementer\n"
        "`coder` is now `implementer`: 5 files moved, 6 updated\n"
    )
    after = _texts(bench)
    assert after["agents/implementer.toml"] == CODER.replace("'coder'", "'implementer'").replace(
        "roles/coder", "roles/implementer"
    )
    assert after["roles/implementer.md"] == KIT["roles/coder.md"]
    assert after["assemble.toml"] == SETTINGS.replace('"coder"', '"implementer"')
    assert after["agents/heir.toml"] == HEIR.replace('"coder"', '"implementer"')
    assert after["agents/critic.toml"] == CRITIC.replace("\\u0063oder", "implementer").replace(
        "editor, coder", "editor, implementer"
    ).replace('"editor", "coder"', '"editor", "implementer"').replace(
        'agent = "coder"', 'agent = "implementer"'
    ).replace('"coder" = "ask"', '"implementer" = "ask"')
    assert after["_blocks/honesty.md"] == before["_blocks/honesty.md"]
    assert _checks(bench).status == 0
    assert not [path for path in after if "coder" in path]
    staged = git(bench.folder, "diff", "--cached", "--name-status").splitlines()
    assert [line.split("\t")[0] for line in staged] == ["R100"] * 5
    assert git(bench.folder, "ls-files", "--others") == ""


def test_prose(bench: Workbench) -> None:
    _kit(bench, KIT)
    assert bench.run("rename", "--prose", "coder", "implementer").status == 0
    at_once = _texts(bench)
    assert at_once["_blocks/honesty.md"] == "# HONESTY\n\nSay so, `implementer`.\n"
    assert "after `implementer`." in at_once["agents/critic.toml"]
    assert "`implementer` fixes, coder-2" in at_once[".claude/agents/critic.md"]
    assert at_once["roles/implementer.md"] == "You write. Not `coder-2`.\n"
    assert at_once["assemble.toml"] == SETTINGS.replace('"coder"', '"implementer"')  # a reason is no prompt
    git(bench.folder, "reset", "--quiet", "--hard")
    bench.run("rename", "coder", "implementer")
    run = bench.run("rename", "--prose", "coder", "implementer")
    assert (run.status, run.stderr) == (0, "`coder` is now `implementer`: 11 files updated\n")
    assert _texts(bench) == at_once
    run = bench.run("rename", "--prose", "coder", "implementer")
    assert (run.status, run.stderr) == (2, "error: no text mentions `coder`\n")
    assert _checks(bench).status == 0


def test_a_dry_run_writes_nothing(bench: Workbench) -> None:
    _kit(bench, KIT)
    before = bench.files()
    run = bench.run("rename", "--dry-run", "--prose", "heir", "son")
    assert run.status == 0
    assert run.stdout == (
        "would move agents/heir.toml to agents/son.toml\n"
        "would move .claude/agents/heir.md to .claude/agents/son.md\n"
        "would move .github/agents/heir.agent.md to .github/agents/son.agent.md\n"
        "would move .opencode/agents/heir.md to .opencode/agents/son.md\n"
        "--- a/agents/son.toml\n"
        "+++ b/agents/son.toml\n"
        "@@ -1,4 +1,4 @@\n"
        '-name = "heir"<U+000D>\n'
        '+name = "son"<U+000D>\n'
        ' description = "Writes."<U+000D>\n'
        ' extends = "coder" # coder<U+000D>\n'
        ' role = "You."<U+000D>\n'
    )
    assert run.stderr == "`heir` would become `son`: 4 files to move\n"
    assert bench.files() == before


BLOCKS = {
    "assemble.toml": """\
blocks = ["_blocks", "shared"]
block-conflicts = "first"
targets = ["claude-code", "codex"]
obligatory = ["@core"]
[bundles]
"core" = ["rule#part", 'other',]
extra = ["@core", "rule-2"]
more = ["rule-2"]
""",
    "_blocks/rule.md": "# RULE\n\n`rule`\n\n## Part\n\nOf `block:rule` and rule.\n",
    "_blocks/rule@codex.md": "# RULE\n\nHere, too.\n\n## Part\n\nx\n",
    "shared/rule.md": "# SHADOWED\n",
    "_blocks/other.md": "# OTHER\n",
    "_blocks/rule-2.md": "# RULE 2\n",
    "agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = [\n  "@core",\n  "rule", # rule\n  "rule-2",\n]\n',
    "agents/b.toml": 'name = "b"\ndescription = "B."\nextends = "a"\nblocks = ["@core", "...", "!rule", "!@more"]\n',
}


def test_a_block(bench: Workbench) -> None:
    _kit(bench, BLOCKS)
    before = _texts(bench)
    run = bench.run("rename", "block:rule", "team/law.v2")
    assert (run.status, run.stdout) == (
        0,
        "moved _blocks/rule.md to _blocks/team/law.v2.md\n"
        "moved shared/rule.md to shared/team/law.v2.md\n"
        "moved _blocks/rule@codex.md to _blocks/team/law.v2@codex.md\n"
        "updated agents/a.toml\n"
        "updated agents/b.toml\n"
        "updated assemble.toml\n",
    )
    after = _texts(bench)
    assert after["assemble.toml"] == BLOCKS["assemble.toml"].replace('"rule#', '"team/law.v2#')
    assert after["agents/a.toml"] == BLOCKS["agents/a.toml"].replace('"rule",', '"team/law.v2",')
    assert after["agents/b.toml"] == BLOCKS["agents/b.toml"].replace('"!rule"', '"!team/law.v2"')
    assert {path: text for path, text in after.items() if path.startswith((".claude", ".codex"))} == {
        path: text for path, text in before.items() if path.startswith((".claude", ".codex"))
    }
    assert _checks(bench).status == 0
    assert bench.run("rename", "block:team/law.v2", "block:rule").status == 0
    assert _texts(bench) == before
    assert not (bench.folder / "shared/team").exists()


def test_a_bundle(bench: Workbench) -> None:
    _kit(bench, BLOCKS)
    run = bench.run("rename", "bundle:@core", "bundle:base.2")
    assert (run.status, run.stderr) == (0, "`bundle:core` is now `bundle:base.2`: 3 files updated\n")
    after = _texts(bench)
    assert after["assemble.toml"] == BLOCKS["assemble.toml"].replace("core", "base.2")
    assert after["agents/a.toml"] == BLOCKS["agents/a.toml"].replace("@core", "@base.2")
    assert after["agents/b.toml"] == BLOCKS["agents/b.toml"].replace("@core", "@base.2")
    assert _checks(bench).status == 0


def test_a_bare_key_gets_quotes_if_it_needs_them(bench: Workbench) -> None:
    settings = '[tool.assemble]\nbundles.core = ["rule"]  # core\n\n[other]\nbundles.core = ["core"]\n'
    _kit(
        bench,
        {"pyproject.toml": settings, "_blocks/rule.md": "# R\n", "agents/a.toml": BLOCKS["agents/a.toml"]}
        | {"agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["@core"]\n'},
    )
    assert bench.run("rename", "bundle:core", "base.2").status == 0
    assert bench.read("pyproject.toml") == settings.replace('bundles.core = ["rule', 'bundles."base.2" = ["rule')
    assert _checks(bench).status == 0


VALUES = {
    "assemble.toml": """\
targets = ["claude-code", "codex"]
extra-keys = { note = "string" }
[values]
OTHER = "PROJECT"
[values.PROJECT]
doc = "The PROJECT."
default = "Store"
[target.codex.values]
"PROJECT" = "Shop"
""",
    "_blocks/rule.md": "# R\n\n{{PROJECT}}, `{{PROJECT}}`, \\{{PROJECT}}, ${{PROJECT}}, {{OTHER}}, `PROJECT`\n",
    "roles/a.md": "\ufeffYou own {{PROJECT}}.\r\n",
    "agents/a.toml": """\
name = "a"
description = "For \\u007b{PROJECT}}, {{PROJECT}}."
role = { file = "roles/a.md" }
blocks = ["rule"]
domain_in = [
  '{{PROJECT}} 1', # {{PROJECT}}
  \"\"\"é \\
     {{PROJECT}}\"\"\",
]
note = "{{PROJECT}}"
[values]
PROJECT = "PROJECT"
target.codex.values.PROJECT = "x"
""".replace('target.codex.values.PROJECT = "x"\n', '[target]\ncodex.values.PROJECT = "x"\n'),
    "agents/b.toml": 'name = "b"\ndescription = "B."\nextends = "a"\nunset = ["target.codex.values.PROJECT"]\n',
}


def test_a_value(bench: Workbench) -> None:
    _kit(bench, VALUES)
    before = _texts(bench)
    run = bench.run("rename", "value:PROJECT", "PRODUCT_2")
    assert (run.status, run.stderr) == (
        0,
        "_blocks/rule.md:3:73: {{PRODUCT_2}}, `{{PRODUCT_2}}`, \\{{PROJECT}}, ${{PROJECT}}, {{OTHER}}, `PROJECT`\n"
        "1 mention of `PROJECT` in backticks left; "
        "to change it, run: assemble rename --prose value:PROJECT PRODUCT_2\n"
        "`value:PROJECT` is now `value:PRODUCT_2`: 5 files updated\n",
    )
    after = _texts(bench)
    assert after["_blocks/rule.md"] == (
        "# R\n\n{{PRODUCT_2}}, `{{PRODUCT_2}}`, \\{{PROJECT}}, ${{PROJECT}}, {{OTHER}}, `PROJECT`\n"
    )
    assert after["roles/a.md"] == "\ufeffYou own {{PRODUCT_2}}.\r\n"
    assert after["assemble.toml"] == VALUES["assemble.toml"].replace("values.PROJECT", "values.PRODUCT_2").replace(
        '"PROJECT" =', '"PRODUCT_2" ='
    )
    assert after["agents/a.toml"] == (
        VALUES["agents/a.toml"]
        .replace("PROJECT", "PRODUCT_2")
        .replace("# {{PRODUCT_2}}", "# {{PROJECT}}")
        .replace('PRODUCT_2 = "PRODUCT_2"', 'PRODUCT_2 = "PROJECT"')
    )
    assert after["agents/b.toml"] == VALUES["agents/b.toml"].replace("PROJECT", "PRODUCT_2")
    outputs = [path for path in after if path.startswith((".claude", ".codex", ".github"))]
    assert [path for path in outputs if after[path] != before[path]] == []
    assert _checks(bench).status == 0


INSTRUCTIONS = {
    "assemble.toml": 'targets = ["claude-code", "codex"]\n',
    "instructions/house.toml": 'name = "house"\nrole = "Be kind."\n',
    "instructions/zoo.toml": 'name = "zoo"\nrole = "Be brief."\n',
    "skills/house.toml": 'name = "house"\ndescription = "Release."\nrole = "Do."\n',
    "agents/a.toml": 'name = "a"\ndescription = "A."\nrole = "You."\ntools = ["Skill(house)"]\n',
    "AGENTS.md": "Ours.\n\n<!-- assemble: house -->\n\nAnd ours.\r\n",
}


def test_instructions_stay_where_they_are(bench: Workbench) -> None:
    _kit(bench, INSTRUCTIONS)
    before = bench.read("AGENTS.md")
    run = bench.run("rename", "instructions/house", "home")
    assert (run.status, run.stdout) == (
        0,
        "moved instructions/house.toml to instructions/home.toml\nupdated AGENTS.md\n",
    )
    wanted = before.replace("begin house", "begin home").replace("end house", "end home")
    assert bench.read("AGENTS.md") == wanted.replace("instructions/house.toml", "instructions/home.toml")
    assert _checks(bench).status == 0


def test_a_misspelled_name_of_instructions(bench: Workbench) -> None:
    _kit(bench, INSTRUCTIONS)
    run = bench.run("rename", "instructions/hous", "home")
    message = "error: unknown instruction manifest `hous`\n  help: did you mean `instructions/house`?\n"
    assert run == (2, "", message)


def test_a_skill(bench: Workbench) -> None:
    _kit(bench, INSTRUCTIONS)
    assert bench.run("rename", "skills/house", "release").status == 0
    after = _texts(bench)
    assert after["agents/a.toml"] == INSTRUCTIONS["agents/a.toml"].replace("Skill(house)", "Skill(release)")
    assert "instructions/house.toml" in after
    assert {path for path in after if "SKILL.md" in path} == {
        ".agents/skills/release/SKILL.md",
        ".claude/skills/release/SKILL.md",
    }
    assert not (bench.folder / ".claude/skills/house").exists()
    assert _checks(bench).status == 0


REFUSALS = [
    ("codr x", "error: unknown agent `codr`\n  help: did you mean `coder`?\n"),
    ("honesty x", "error: unknown agent `honesty`\n  help: did you mean `block:honesty`?\n"),
    ("skills/coder x", "error: unknown skill `coder`\n  help: did you mean `coder`?\n"),
    (
        "skills/nothing x",
        "error: unknown skill `nothing`\n  help: `assemble list --kind skill` lists what the kit has\n",
    ),
    ("nothing/coder x", "error: unknown agent `nothing/coder`\n"),
    ("block:honest x", "error: unknown block `honest`\n  help: did you mean `block:honesty`?\n"),
    ("blok:honesty x", "error: `blok:honesty` has an unknown kind, `blok`\n  help: did you mean `block`?\n"),
    (
        "block:honesty#part x",
        "error: `block:honesty#part` is not a whole block\n"
        "  help: a section is named by its heading; name the block: `block:honesty`\n",
    ),
    (
        "coder critic",
        "error: the agent cannot be called `critic`: agents/critic.toml has this name\n  help: choose another name\n",
    ),
    (
        "coder editor",
        "error: the agent cannot be called `editor`: the setting `external-agents` has an agent of this name\n"
        "  help: choose another name\n",
    ),
    ("coder coder", "error: `coder` already has this name\n"),
    ("coder block:x", "error: `coder` cannot become `block:x`\n  help: an agent stays an agent\n"),
    ("block:honesty Big", "error: `Big` is not a valid name for a block: it must be a block name: lower-case"),
    ("coder Big", "error: `Big` is not a valid name for an agent: it must be a lower-case letter or digit"),
    ("coder a.toml", "error: `a.toml` is not a valid name for an agent"),
]


@pytest.mark.parametrize(("args", "message"), REFUSALS)
def test_refusals(args: str, message: str, bench: Workbench) -> None:
    bench.write(KIT)
    before = bench.files()
    run = bench.run("rename", *args.split(" "))
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(message)
    assert bench.files() == before


def test_a_kit_with_errors_is_refused(bench: Workbench) -> None:
    bench.write(KIT | {"agents/bad.toml": 'name = "bad"\ndescription = "B."\nblocks = ["honest"]\n'})
    before = bench.files()
    run = bench.run("rename", "coder", "x")
    assert (run.status, run.stdout) == (2, "")
    assert "error[B201] unknown block `honest`" in run.stderr
    assert run.stderr.endswith("error: the kit has errors; nothing was renamed\n  help: correct them first\n")
    assert bench.files() == before


def test_a_name_that_a_client_refuses(bench: Workbench) -> None:
    _kit(
        bench,
        {"assemble.toml": 'targets = ["gemini"]\n', "agents/a.toml": 'name = "a"\ndescription = "A."\nrole = "Y."\n'},
    )
    before = bench.files()
    run = bench.run("rename", "a", "a.b")
    assert run.status == 2
    assert "agents/a.b.toml:1:1: error[L801]" in run.stderr
    assert run.stderr.endswith("error: with the new name, the kit would have errors; nothing was renamed\n")
    assert bench.files() == before


@pytest.mark.parametrize("path", [".claude/agents/coder.md", ".claude/agents/critic.md"])
def test_an_edited_output_is_refused(path: str, bench: Workbench) -> None:
    _kit(bench, KIT)
    (bench.folder / path).write_text(bench.read(path) + "Mine.\n")
    before = bench.files()
    run = bench.run("rename", "coder", "x")
    assert (run.status, run.stdout) == (2, "")
    manifest = f"agents/{Path(path).stem}.toml"
    assert run.stderr == (
        f"error: {path} was edited by hand, and has to change\n"
        f"  help: take what is right into the sources, then run: assemble --force {manifest}\n"
    )
    assert bench.files() == before


def test_an_edited_output_that_is_not_concerned_stays(bench: Workbench) -> None:
    _kit(bench, KIT)
    path = bench.folder / ".claude/agents/coder.md"
    path.write_text(path.read_text() + "Mine.\n")
    before = path.read_text()
    assert bench.run("rename", "block:honesty", "candour").status == 0
    assert path.read_text() == before
    assert _checks(bench).status == 1


def test_outputs_stay_in_their_state(bench: Workbench) -> None:
    _kit(bench, KIT)
    bench.write({"roles/coder.md": "You write, now.\n"})
    (bench.folder / ".opencode/agents/coder.md").unlink()
    (bench.folder / ".github/agents/critic.agent.md").unlink()
    stale = bench.read(".claude/agents/coder.md")
    assert _checks(bench).status == 1
    run = bench.run("rename", "coder", "x")
    assert run.status == 0
    assert "2 generated files are out of date, as before; to update them, run: assemble --all\n" in run.stderr
    assert bench.read(".claude/agents/x.md") == stale
    assert not (bench.folder / ".opencode/agents/x.md").exists()
    assert not (bench.folder / ".github/agents/critic.agent.md").exists()
    assert "x" in bench.read(".claude/agents/critic.md")
    check = _checks(bench)
    assert check.status == 1
    assert "O611" not in check.stderr
    assert bench.run("--all").status == 0
    assert _checks(bench).status == 0


def test_a_stale_section_gets_the_name(bench: Workbench) -> None:
    _kit(bench, INSTRUCTIONS)
    bench.write({"instructions/house.toml": 'name = "house"\nrole = "Be kinder."\n'})
    assert bench.run("rename", "instructions/house", "home").status == 0
    assert "begin home" in bench.read("AGENTS.md")
    assert "Be kind." in bench.read("AGENTS.md")
    assert bench.run("--all").stdout == "updated AGENTS.md (section home)\n"
    assert _checks(bench).status == 0


def test_a_template_that_has_the_name(bench: Workbench) -> None:
    template = "{% extends 'default/agent.md.j2' %}{% block role %}{{ agent.blocks[0] }}{% endblock %}\n"
    _kit(bench, KIT | {"templates/agent.md.j2": template})
    before = bench.files()
    run = bench.run("rename", "block:honesty", "x")
    assert run.stderr == (
        "error: .claude/agents/coder.md would change, although only a name in the sources does\n"
        "  help: a template, or text in code, has the name; change that first\n"
    )
    assert bench.files() == before


def test_a_placeholder_of_the_new_name(bench: Workbench) -> None:
    _kit(bench, VALUES | {"_blocks/unused.md": "`{{NEW}}`\n"})
    run = bench.run("rename", "value:PROJECT", "NEW")
    assert run.stderr == "error: _blocks/unused.md already has a placeholder `{{NEW}}`\n  help: choose another name\n"


def test_a_file_at_the_new_path(bench: Workbench) -> None:
    _kit(bench, KIT)
    bench.write({".claude/agents/x.md": "Mine.\n"})
    before = bench.files()
    run = bench.run("rename", "coder", "x")
    assert (run.status, run.stderr) == (
        2,
        "error: .claude/agents/x.md already exists\n  help: delete or move it, then run the command again\n",
    )
    assert bench.files() == before


def test_a_link_is_refused(bench: Workbench) -> None:
    _kit(bench, KIT)
    (bench.folder / "agents/coder.toml").rename(bench.folder / "elsewhere.toml")
    (bench.folder / "agents/coder.toml").symlink_to("../elsewhere.toml")
    run = bench.run("rename", "coder", "x")
    assert run.stderr == (
        "error: agents/coder.toml is a link, which cannot be moved\n  help: replace it with the file it leads to\n"
    )


def test_a_failure_of_git_undoes_everything(bench: Workbench) -> None:
    _kit(bench, KIT)
    (bench.folder / ".git/index.lock").touch()
    before = _texts(bench)
    run = bench.run("rename", "coder", "x")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("error: git cannot change the index: fatal: Unable to create")
    assert _texts(bench) == before
    assert git(bench.folder, "status", "--porcelain") == ""


def test_without_git(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    _kit(bench, KIT)
    before = bench.files()
    monkeypatch.setenv("PATH", "")
    run = bench.run("rename", "coder", "x")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("error: git cannot read the index: [Errno 2] No such file or directory: 'git'")
    assert bench.files() == before


def test_a_merge_conflict_is_refused(bench: Workbench) -> None:
    _kit(bench, KIT)
    git(bench.folder, "branch", "other")
    bench.write({"agents/heir.toml": HEIR.replace("Writes", "Types")})
    git(bench.folder, "commit", "--quiet", "--all", "--message=one")
    git(bench.folder, "checkout", "--quiet", "other")
    bench.write({"agents/heir.toml": HEIR.replace("Writes", "Draws")})
    git(bench.folder, "commit", "--quiet", "--all", "--message=other")
    with pytest.raises(Exception, match="returned non-zero"):
        git(bench.folder, "merge", "--quiet", "master")
    bench.write({"agents/heir.toml": HEIR})
    before = bench.files()
    run = bench.run("rename", "coder", "x")
    assert run.stderr == "error: agents/heir.toml has a merge conflict\n  help: resolve it first\n"
    assert bench.files() == before


def test_what_git_does_not_track_is_only_moved(bench: Workbench) -> None:
    _kit(bench, KIT | {".gitignore": ".claude\n.github\n.opencode\n"})
    assert bench.run("rename", "coder", "x").status == 0
    assert git(bench.folder, "diff", "--cached", "--name-status", "--no-renames").splitlines() == [
        "D\tagents/coder.toml",
        "A\tagents/x.toml",
        "D\troles/coder.md",
        "A\troles/x.md",
    ]
    assert (bench.folder / ".claude/agents/x.md").exists()
    assert _checks(bench).status == 0


def test_outside_of_a_work_tree(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write(KIT)
    (bench.folder / ".git").rmdir()
    bench.run("--all")
    monkeypatch.setenv("PATH", "")
    assert bench.run("rename", "coder", "x").status == 0
    assert _checks(bench).status == 0


def test_from_a_subfolder(bench: Workbench) -> None:
    _kit(bench, {f"kits/a/{path}": text for path, text in KIT.items()}, build=False)
    run = bench.run("rename", "a/agents/coder.toml", "x", "--kit", "a", cwd="kits")
    assert run.stdout.startswith("moved a/agents/coder.toml to a/agents/x.toml\n")
    assert not (bench.folder / "kits/a/.claude").exists()


def test_schemas_follow(bench: Workbench) -> None:
    _kit(bench, KIT, build=False)
    (bench.folder / ".assemble").mkdir()
    (bench.folder / ".assemble/manifest.schema.json").write_text(bench.run("schema").stdout)
    assert bench.run("--all").status == 0
    run = bench.run("rename", "coder", "implementer")
    assert "updated .assemble/manifest.schema.json\n" in run.stdout
    assert '"implementer"' in bench.read(".assemble/manifest.schema.json")
    assert bench.run("rename", "block:honesty", "candour").stdout.endswith("updated .assemble/manifest.schema.json\n")
    assert "updated .assemble/manifest.schema.json\n" in bench.run("remove", "agents/heir").stdout
    assert _checks(bench).status == 0
    assert _checks(bench).status == 0


def test_no_filter_of_the_repository_runs(bench: Workbench, tmp_path: Path) -> None:
    """When git writes its index, it compares files that changed within the same second, and would filter them."""
    bench.write({"assemble.toml": "", "agents/coder.toml": 'name = "coder"\ndescription = "C."\nrole = "You code."\n'})
    bench.write({"notes.md": "Mine.\n", ".gitattributes": "* filter=spy\n"})
    assert bench.run("--all").status == 0
    commit_all(bench.folder)
    marker = tmp_path / "ran"
    git(bench.folder, "config", "filter.spy.clean", f"touch {marker}; cat")
    git(bench.folder, "config", "filter.spy.required", "true")
    index = bench.folder / ".git/index"
    os.utime(index, (10**9, 10**9))  # all files are newer than the index
    assert bench.run("rename", "coder", "writer").status == 0
    assert not marker.exists()
    assert "agents/writer.toml" in git(bench.folder, "ls-files").split("\n")
    bench.write({"notes.md": "Yours.\n"})
    assert "notes.md" in git(bench.folder, "diff", "--name-only")
    assert marker.exists()
