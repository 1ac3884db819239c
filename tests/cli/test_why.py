"""`assemble why`: the sources of lines, of files that differ too, and what it refuses."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from conftest import Workbench
from kei_assembler.report.layout import width

KIT = {
    "assemble.toml": '[bundles]\ncore = ["honesty"]\n\n[values]\nTOOL = "pytest"\n',
    "agents/critic.toml": (
        'name = "critic"\ndescription = "Reviews code."\nrole = """\nYou review.\n\nYou run {{TOOL}}.\n"""\n'
        'blocks = ["@core"]\n'
    ),
    "_blocks/honesty.md": "# HONESTY\n\nSay what you ran.\n\nSay what you read.\n",
}
FILE = "agents/critic.md"


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    assert bench.run("--all").status == 0
    return bench


def test_the_sources_of_a_file(kit: Workbench) -> None:
    run = kit.run("why", FILE)
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == (
        "    1  (format of the client)\n"
        "    2  agents/critic.toml:1    name\n"
        "    3  agents/critic.toml:2    description\n"
        "  4-5  (format of the client)\n"
        "  6-7  (stamp)\n"
        "  8-9  default/agent.md.j2:4   template\n"
        "10-13  agents/critic.toml:4-6  role\n"
        "14-18  _blocks/honesty.md:1-5  block\n"
    )


def test_the_source_of_a_line(kit: Workbench) -> None:
    number = kit.line_of(FILE, "Say what you read.")
    run = kit.run("why", f"{FILE}:{number}")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == (
        f"{FILE}:{number}: Say what you read.\n"
        "  _blocks/honesty.md:5: block `honesty`\n"
        "      5 | Say what you read.\n"
        "    through assemble.toml:2: bundles.core[0]\n"
        "    through agents/critic.toml:8: blocks[0]\n"
    )


def test_the_values_of_a_line(kit: Workbench) -> None:
    run = kit.run("why", f"{FILE}:{kit.line_of(FILE, 'You run pytest.')}", cwd="agents/..")
    assert run.stdout.split("\n")[1:] == [
        "  agents/critic.toml:6: role",
        "      6 | You run {{TOOL}}.",
        "  assemble.toml:5: values.TOOL",
        '      5 | TOOL = "pytest"',
        "",
    ]


def test_several_lines_and_another_folder(kit: Workbench) -> None:
    run = kit.run("why", "critic.md:6-8", cwd="agents")
    assert run.status == 0, run.stderr
    assert re.findall("^critic.md:([0-9]+):", run.stdout, re.MULTILINE) == ["6", "7", "8"]
    assert "  stamp: not from a source\n" in run.stdout
    assert "  default/agent.md.j2:4: template\n      4 | # ROLE\n" in run.stdout


def test_an_edited_file(kit: Workbench) -> None:
    kit.write({FILE: kit.read(FILE).replace("Say what you ran.", "Say nothing.").replace("# ROLE", "Hi.\n\n# ROLE")})
    number = kit.line_of(FILE, "Say nothing.")
    run = kit.run("why", f"{FILE}:{number}-{number + 2}")
    assert run.status == 0
    assert run.stderr == f"note: `{FILE}` was edited; to see how, run: assemble --diff agents/critic.toml\n"
    assert f"{FILE}:{number}: Say nothing.\n  not generated: an edit, or its source has changed\n" in run.stdout
    assert f"{number + 2}: Say what you read.\n  _blocks/honesty.md:5: block" in run.stdout
    assert f"\n   {number}  (an edit, or its source has changed)\n" in kit.run("why", FILE).stdout


def test_a_file_that_is_out_of_date(kit: Workbench) -> None:
    kit.write({"_blocks/honesty.md": "# HONESTY\n\nNew.\n\nSay what you read.\n"})
    run = kit.run("why", f"{FILE}:{kit.line_of(FILE, 'Say what you ran.')}")
    assert run.stderr == f"note: `{FILE}` is out of date; to update it, run: assemble agents/critic.toml\n"
    assert "  not generated any more: its source has changed\n" in run.stdout
    run = kit.run("why", f"{FILE}:{kit.line_of(FILE, 'Say what you read.')}")
    assert "  _blocks/honesty.md:5: block" in run.stdout
    assert "(stamp)" in kit.run("why", FILE).stdout


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["agents/crtic.md"], "`agents/crtic.md` does not exist", "did you mean `agents/critic.md`?"),
        (["agents/critic.toml"], "`agents/critic.toml` is not a file that the kit", "did you mean `agents/critic.md`?"),
        (["README.md"], "`README.md` is not a file that the kit", "name a file that `assemble --all` writes"),
        (["agents"], "`agents` is not a file that the kit", "name a file"),
        ([""], "`` does not exist", ""),
        (["agents/critic.md:99"], "`agents/critic.md` has no line 99", "it has 18 lines"),
        (["agents/critic.md:0"], "lines count from 1", ""),
        (["agents/critic.md:5-4"], "lines count from 1", ""),
        (["agents/critic.md:x"], "`agents/critic.md:x` does not exist", "did you mean `agents/critic.md`?"),
        (["--git", "agents/critic.md"], "--git needs a line", ""),
        (["--git", "agents/critic.md:3"], "git cannot read the last commit: fatal: not a git repository", ""),
        ([], "Missing argument", ""),
        (["agents/critic.md", "--kit", "nowhere"], "the folder `nowhere` does not exist", ""),
        (["agents/new.md"], "`agents/new.md` has not been generated yet", "run: assemble agents/new.toml"),
        (["agents/own.md"], "`agents/own.md` was not generated from `agents/own.toml`", "assemble --diff agents/own"),
        (["agents/bad.md"], "`agents/bad.toml` has errors", ""),
    ],
)
def test_what_is_refused(args: list[str], message: str, hint: str, kit: Workbench) -> None:
    new = 'name = "{}"\ndescription = "New."\n'
    kit.write({"README.md": "Hi.\n", "agents/new.toml": new.format("new"), "agents/own.toml": new.format("own")})
    kit.write({"agents/own.md": "Mine.\n", "agents/bad.toml": new.format("other"), "agents/bad.md": "x\n"})
    before = kit.files()
    run = kit.run("why", *args)
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr
    assert hint in run.stderr
    assert kit.files() == before


def test_a_file_in_the_home_folder(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.folder / ".git").rmdir()
    (bench.folder / "home").mkdir()
    monkeypatch.setenv("HOME", str(bench.folder / "home"))
    settings = KIT["assemble.toml"] + '[target.claude-code]\noutput = "~/.claude/agents/{name}.md"\n'
    bench.write({f"kit/{name}": text for name, text in (KIT | {"assemble.toml": settings}).items()})
    assert bench.run("--all", "--user", cwd="kit").status == 0
    run = bench.run("why", "--user", "../home/.claude/agents/critic.md:9", cwd="kit")
    assert (run.status, run.stderr) == (0, "")
    assert "  default/agent.md.j2:5: template\n" in run.stdout
    run = bench.run("why", "../home/.claude/agents/critic.md:9", cwd="kit")
    assert (run.status, run.stdout) == (2, "")
    assert "for a file in your home folder, use --user" in run.stderr


def _git(bench: Workbench, *args: str) -> str:
    options = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    command = ["git", "-C", str(bench.folder), *options, *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def committed(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-05-04T23:30:00-0800")
    (kit.folder / ".git").rmdir()
    _git(kit, "init", "--quiet")
    _git(kit, "add", ".")
    _git(kit, "commit", "--quiet", "--message", "Add the critic")
    return kit


def test_the_commit_of_a_line(committed: Workbench) -> None:
    commit = _git(committed, "rev-parse", "--short=8", "HEAD").strip()
    run = committed.run("why", "--git", f"{FILE}:{committed.line_of(FILE, 'Say what you read.')}")
    assert (run.status, run.stderr) == (0, "")
    assert f"      5 | Say what you read.\n        | {commit} 2026-05-04 Ada: Add the critic\n" in run.stdout


def test_a_line_that_is_not_committed(committed: Workbench) -> None:
    committed.write({"_blocks/honesty.md": "# HONESTY\n\nNew.\n\nSay what you ran.\n"})
    committed.run("--all")
    run = committed.run("why", "--git", f"{FILE}:{committed.line_of(FILE, 'New.')}")
    assert "      3 | New.\n        | not committed yet\n" in run.stdout
    run = committed.run("why", "--git", f"{FILE}:{committed.line_of(FILE, 'Say what you ran.')}")
    assert "Ada: Add the critic" in run.stdout


def test_a_file_that_is_not_committed(committed: Workbench) -> None:
    committed.write({"agents/new.toml": 'name = "new"\ndescription = "New."\n'})
    committed.run("--all")
    run = committed.run("why", "--git", "agents/new.md:3")
    assert "not committed yet" in run.stdout


def test_git_runs_nothing_that_the_repository_configures(committed: Workbench) -> None:
    for key in (
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "diff.x.textconv",
        "core.fsmonitor",
        "core.pager",
    ):
        _git(committed, "config", key, f"touch {committed.folder}/canary; cat")
    committed.write({".gitattributes": "* filter=x diff=x\n"})
    run = committed.run("why", "--git", f"{FILE}:{committed.line_of(FILE, 'Say what you read.')}")
    assert (run.status, run.stderr) == (0, "")
    assert "Ada: Add the critic" in run.stdout
    assert not (committed.folder / "canary").exists()


def test_git_does_not_read_a_pipe(committed: Workbench) -> None:
    os.mkfifo(committed.folder / "pipe")
    _git(committed, "config", "blame.ignoreRevsFile", "pipe")
    run = committed.run("why", "--git", f"{FILE}:{committed.line_of(FILE, 'Say what you read.')}")
    assert (run.status, run.stdout) == (2, "")
    assert "`blame.ignoreRevsFile` names no file: `pipe`" in run.stderr


def test_lines_fit_on_a_narrow_terminal(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    bench.write(KIT | {"_blocks/honesty.md": f"# HONESTY\n\n{'word ' * 40}\n\n{'長' * 80}\n\n::add-mask::x\n"})
    assert bench.run("--all").status == 0
    size = len(bench.read(FILE).split("\n")) - 1
    for args in ([FILE], [f"{FILE}:1-{size}"]):
        run = bench.run("why", *args)
        assert run.status == 0
        assert max(map(width, run.stdout.split("\n"))) <= 60
