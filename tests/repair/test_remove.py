"""`assemble remove`: what it deletes, and what it refuses. Git is real."""

from __future__ import annotations

import pytest

from conftest import Workbench
from kei_assembler.toml.source import read_toml
from kei_assembler.toml.statements import statements
from repositories import commit_all, git

SETTINGS = """\
targets = ["claude-code", "opencode"]

# of all
obligatory = ["@core"]

[bundles]
# the base
core = ["honesty"] # core
old = [
  "honesty", # one
  "git",
] # two

[values]
PROJECT = "Apollo"
OLD = "x"

[values.GONE]
doc = "Not used."
default = "y"

[target.claude-code]
output = ".claude/agents/{name}.md"

# rights
[[allow-rights]]
agent = "writer"
rights = ["opencode.permission=allow"]
reason = "tried"

[[allow-rights]]
agent = "coder"
rights = ["opencode.permission=allow"]
reason = "tried"
"""
CODER = """\
name = "coder"
description = "Writes code of {{PROJECT}}."
role = "You write, `writer` does not."
blocks = ["@core"]
[target.opencode.permission]
bash = "allow"
"""
WRITER = """\
name = "writer"
description = "Writes."
role = { file = "roles/writer.md" }
blocks = ["@core"]
[values]
OLD = "z"
[target.opencode.permission]
bash = "allow"
"""
CRITIC = """\
name = "critic"
description = "Reviews."
role = "You review."
blocks = ["@core"]

[[handoff]]
target = "coder"
trigger = "findings"
"""
KIT = {
    "assemble.toml": SETTINGS,
    "agents/coder.toml": CODER,
    "agents/writer.toml": WRITER,
    "agents/critic.toml": CRITIC,
    "agents/heir.toml": 'name = "heir"\ndescription = "H."\nextends = "coder"\n',
    "roles/writer.md": "You write.\n",
    "_blocks/honesty.md": "# HONESTY\n\nSay so.\n",
    "_blocks/git.md": "# GIT\n\nCommit.\n",
    "_blocks/git@codex.md": "# GIT\n",
}


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT | {"assemble.toml": SETTINGS.replace('\n[[allow-rights]]\nagent = "coder"', _HEIR)})
    assert bench.run("--all").status == 0
    commit_all(bench.folder)
    return bench


_HEIR = """
[[allow-rights]]
agent = "heir"
rights = ["opencode.permission=allow"]
reason = "tried"

[[allow-rights]]
agent = "coder\""""


def test_an_agent(kit: Workbench) -> None:
    run = kit.run("remove", "writer")
    assert (run.status, run.stdout, run.stderr) == (
        0,
        "updated assemble.toml\n"
        "deleted agents/writer.toml\n"
        "deleted .claude/agents/writer.md\n"
        "deleted .opencode/agents/writer.md\n",
        'agents/coder.toml:3:21: role = "You write, `writer` does not."\n'
        "roles/writer.md stays, and no manifest names it any more\n"
        "`writer` is removed: 1 file updated, 3 deleted\n",
    )
    assert kit.read("assemble.toml").count("allow-rights") == 2
    assert '# rights\n[[allow-rights]]\nagent = "heir"' in kit.read("assemble.toml")
    assert kit.run("--all", "--check").status == 0
    assert git(kit.folder, "diff", "--name-status", "--diff-filter=D").splitlines() == [
        "D\t.claude/agents/writer.md",
        "D\t.opencode/agents/writer.md",
        "D\tagents/writer.toml",
    ]


def test_a_dry_run_writes_nothing(kit: Workbench) -> None:
    before = kit.files()
    run = kit.run("remove", "--dry-run", "writer")
    assert run.status == 0
    assert run.stdout.startswith("would update assemble.toml\nwould delete agents/writer.toml\n")
    assert '-agent = "writer"\n' in run.stdout
    assert run.stderr.endswith("`writer` would be removed: 1 file to update, 3 to delete\n")
    assert kit.files() == before


USED = [
    ("coder", "agents/critic.toml:7 hands off to it\n  agents/heir.toml:3 extends it"),
    ("block:honesty", "assemble.toml:8 has it in the bundle `core`\n  assemble.toml:10 has it in the bundle `old`"),
    (
        "bundle:core",
        "agents/coder.toml:4 lists it\n  agents/critic.toml:4 lists it\n  agents/writer.toml:4 lists it\n"
        "  assemble.toml:4 makes it obligatory",
    ),
    ("value:PROJECT", "agents/coder.toml:2 has a placeholder for it"),
]


@pytest.mark.parametrize(("name", "uses"), USED)
def test_what_is_used_is_refused(name: str, uses: str, kit: Workbench) -> None:
    before = kit.files()
    run = kit.run("remove", name)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == f"error: `{name}` is still used\n  {uses}\n  help: change these first, or use --force\n"
    assert kit.files() == before


def test_force_leaves_the_uses(kit: Workbench) -> None:
    path = kit.folder / ".claude/agents/coder.md"
    path.write_text(path.read_text() + "Mine.\n")
    run = kit.run("remove", "--force", "coder")
    assert run.status == 0
    assert "deleted .claude/agents/coder.md\n" in run.stdout
    assert "agents/critic.toml:7:1: error[H301] unknown agent `coder`" in run.stderr
    assert "agents/critic.toml:7 still hands off to it\nagents/heir.toml:3 still extends it\n" in run.stderr
    assert not path.exists()
    assert kit.read("agents/critic.toml") == CRITIC
    assert kit.run("--all", "--check").status == 1


@pytest.mark.parametrize(("name", "uses"), [("block:honesty", 2), ("bundle:core", 4), ("value:PROJECT", 1)])
def test_force_with_other_kinds(name: str, uses: int, kit: Workbench) -> None:
    run = kit.run("remove", "--force", name)
    assert (run.status, run.stderr.count(" still ")) == (0, uses)
    assert kit.run("--all", "--check").status != 0


def test_an_edited_output_is_refused(kit: Workbench) -> None:
    path = kit.folder / ".claude/agents/writer.md"
    path.write_text(path.read_text() + "Mine.\n")
    before = kit.files()
    run = kit.run("remove", "writer")
    assert (run.status, run.stdout, run.stderr) == (
        2,
        "",
        "error: .claude/agents/writer.md was edited by hand\n"
        "  help: take what is right into other sources, then use --force to delete it\n",
    )
    assert kit.files() == before
    assert kit.run("remove", "--force", "writer").status == 0
    assert not path.exists()
    assert kit.run("--all", "--check").status == 0


def test_a_block_with_its_variants(kit: Workbench) -> None:
    assert kit.run("remove", "bundle:old").status == 0
    assert '[bundles]\n# the base\ncore = ["honesty"] # core\n\n[values]' in kit.read("assemble.toml")
    run = kit.run("remove", "block:git")
    assert run.stdout == "deleted _blocks/git.md\ndeleted _blocks/git@codex.md\n"
    assert kit.run("--all", "--check").status == 0


def test_values(kit: Workbench) -> None:
    run = kit.run("remove", "value:OLD")
    assert (run.status, run.stdout) == (0, "updated agents/writer.toml\nupdated assemble.toml\n")
    assert kit.read("agents/writer.toml") == WRITER.replace('OLD = "z"\n', "")
    assert 'PROJECT = "Apollo"\n\n[values.GONE]' in kit.read("assemble.toml")
    assert kit.run("remove", "value:GONE").status == 0
    assert 'PROJECT = "Apollo"\n\n[target.claude-code]\n' in kit.read("assemble.toml")
    assert kit.run("--all", "--check").status == 0


def test_a_key_among_others_is_left_to_people(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'targets = ["codex"]\nvalues = { A = "a", B = "b" }\n'})
    run = kit.run("remove", "value:PROJEKT")
    assert run.stderr.startswith("error: unknown value `PROJEKT`")
    kit.write({f"agents/{name}.toml": f'name = "{name}"\ndescription = "X."\nrole = "Y."\n' for name in KIT_NAMES})
    run = kit.run("remove", "value:A")
    assert run.stderr == "error: assemble.toml:2: `A` shares its line with others\n  help: remove it by hand\n"


KIT_NAMES = ("coder", "writer", "critic", "heir")


def test_instructions_and_skills(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": 'targets = ["claude-code", "codex"]\n',
            "instructions/house.toml": 'name = "house"\nrole = "Be kind."\n',
            "skills/release.toml": 'name = "release"\ndescription = "R."\nrole = "Do."\n',
            "AGENTS.md": "Ours.\r\n",
            "CLAUDE.md": "Mine.\n",
        }
    )
    assert bench.run("--all").status == 0
    assert "@AGENTS.md" in bench.read("CLAUDE.md")
    commit_all(bench.folder)
    run = bench.run("remove", "instructions/house")
    assert (run.status, run.stdout) == (
        0,
        "deleted instructions/house.toml\nupdated AGENTS.md\nupdated CLAUDE.md\n",
    )
    assert (bench.read("AGENTS.md"), bench.read("CLAUDE.md")) == ("Ours.\r\n", "Mine.\n")
    assert bench.run("--all", "--check").status == 0
    assert bench.run("remove", "skills/release").status == 0
    assert not (bench.folder / ".claude/skills/release").exists()
    assert bench.run("--all", "--check").status == 0


def test_a_failure_undoes_everything(kit: Workbench) -> None:
    (kit.folder / ".git/index").write_bytes(b"broken")
    before = kit.files()
    run = kit.run("remove", "writer")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("error: git cannot read the index: ")
    assert kit.files() == before


@pytest.mark.parametrize(
    ("text", "path", "removed"),
    [
        ("a = 1\nb = 2\n", ("a",), "a = 1\n"),
        ("# c\na.b = [\n1, # x\n] # y\n# d", ("a", "b"), "a.b = [\n1, # x\n] # y\n"),
        ('t.a = """\n[x]\n"""\nb = 1', ("t", "a"), 't.a = """\n[x]\n"""\n'),
        ("[t]\na = 1", ("t", "a"), "a = 1"),
        ("[t.a]\nx = 1\n\n# of u\n[u]\n", ("t", "a"), "[t.a]\nx = 1\n\n"),
        ("b = 1\n[t.a]\nx = 1\n\n[u]\n", ("t", "a"), "[t.a]\nx = 1\n"),
        ("[[r]]\nx = 1\n[[r]]\nx = 2\n", ("r", 1), "[[r]]\nx = 2\n"),
        ("t = { a = 1 }\nb = 2", ("t", "a"), "t = { a = 1 }\n"),
        ("t = { a = 1, b = 2 }\n", ("t", "a"), ""),
        ("[t]\na.x = 1\nc = 1\na.y = 2\n", ("t", "a"), "a.x = 1\na.y = 2\n"),
        ("r = [{ x = 1 }]\n", ("r", 0), ""),
    ],
)
def test_statements(text: str, path: tuple[str | int, ...], removed: str) -> None:
    source = read_toml("x.toml", text.encode())
    assert "".join(text[start:end] for start, end in statements(source, path)) == removed
