"""With `commit-outputs = false`, the generated files are neither staged nor committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from conftest import Workbench
from kei_assembler.build import ignore_lines

AGENT = 'name = "{0}"\ndescription = "Does {0}."\n'
SETTINGS = 'commit-outputs = false\n[target.claude-code]\noutput = "{}"\n'
OUTPUT = ".claude/agents/{name}.md"


def _git(folder: Path, *args: str) -> str:
    variables = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org", "GIT_CONFIG_GLOBAL": os.devnull}
    variables |= {"GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org"}
    run = subprocess.run(["git", *args], cwd=folder, env=os.environ | variables, capture_output=True, check=False)
    return run.stdout.decode()


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A built and staged kit whose outputs git ignores."""
    (bench.folder / ".git").rmdir()
    _git(bench.folder, "init", "--quiet")
    bench.write({"assemble.toml": SETTINGS.format(OUTPUT), "agents/alpha.toml": AGENT.format("alpha")})
    bench.write({".gitignore": bench.run("gitignore").stdout})
    assert bench.run("--all").status == 0
    _git(bench.folder, "add", "--all")
    return bench


def test_staged_does_not_ask_for_the_outputs(kit: Workbench) -> None:
    assert _git(kit.folder, "ls-files").split() == [".gitignore", "agents/alpha.toml", "assemble.toml"]
    before = kit.files()
    run = kit.run("--all", "--check", "--staged")
    assert run == (0, "", "1 agent, 1 file: 1 unchanged\nwaived: generated files are not staged\n")
    assert kit.run("--all", "--staged") == (0, "", "1 agent, 1 file: 1 unchanged\n")
    assert kit.files() == before


def test_the_sources_must_still_be_staged(kit: Workbench) -> None:
    kit.write({"agents/beta.toml": AGENT.format("beta")})
    run = kit.run("--all", "--staged")
    assert run.status == 1
    assert run.stderr == (
        "agents/beta.toml:1:1: error[O612] the file on disk differs from git's index\n"
        "    help: run: git add agents/beta.toml\n"
        "2 agents, 2 files: 1 created, 1 unchanged; 1 error\n"
        "to fix this, run: git add agents/beta.toml\n"
    )
    _git(kit.folder, "add", "agents")
    assert kit.run("--all", "--check", "--staged").status == 0


def test_an_ignored_source_must_be_staged(kit: Workbench) -> None:
    kit.write({".gitignore": "*.toml\n/.claude/agents/*.md\n", "agents/beta.toml": AGENT.format("beta")})
    run = kit.run("--all", "--staged")
    assert "help: git ignores it; if clones need it, run: git add --force agents/beta.toml\n" in run.stderr


def test_the_outputs_must_be_up_to_date(kit: Workbench) -> None:
    kit.write({"agents/alpha.toml": 'name = "alpha"\ndescription = "New."\n'})
    _git(kit.folder, "add", "--all")
    assert kit.run("--all", "--check", "--staged").status == 1
    assert kit.run("--all", "--staged").status == 0
    assert kit.run("--all", "--check", "--staged").status == 0


def test_a_tracked_output_is_an_error(kit: Workbench) -> None:
    _git(kit.folder, "add", "--force", ".claude")
    for options in (["--all", "--check"], ["--all"], ["agents/alpha.toml"]):
        run = kit.run(*options, "--staged")
        assert run.status == 1
        assert run.stderr.startswith(
            ".claude/agents/alpha.md:1:1: error[O635] git tracks this generated file, but the setting `commit-outputs`"
            " is `false`\n"
            "    help: to keep the file and stop tracking it, run: git rm --cached .claude/agents/alpha.md\n"
        )
    command = kit.run("--all", "--check", "--staged").stderr.rpartition("to fix this, run: ")[2]
    assert command == "git rm --cached --quiet --ignore-unmatch .claude/agents/alpha.md\n"
    _git(kit.folder, *command.split()[1:])
    assert kit.run("--all", "--check", "--staged").status == 0


def test_a_tracked_output_that_is_gone_is_an_error(kit: Workbench) -> None:
    kit.write({"agents/beta.toml": AGENT.format("beta")})
    kit.run("--all")
    _git(kit.folder, "add", "--force", ".claude", "agents")
    _git(kit.folder, "rm", "--cached", ".claude/agents/beta.md")
    (kit.folder / "agents/alpha.toml").unlink()
    (kit.folder / ".claude/agents/alpha.md").unlink()
    _git(kit.folder, "add", "agents")
    run = kit.run("--all", "--staged")
    assert (run.status, run.stderr.count("error[O635]"), run.stderr.count("error[")) == (1, 1, 1)


def test_without_git_nothing_is_said(kit: Workbench) -> None:
    _git(kit.folder, "add", "--force", ".claude")
    assert kit.run("--all", "--check") == (0, "", "1 agent, 1 file: 1 unchanged\n")


def test_an_output_that_git_does_not_ignore_is_a_note(kit: Workbench) -> None:
    kit.write({".gitignore": "", "agents/beta.toml": AGENT.format("beta")})
    _git(kit.folder, "add", "agents", ".gitignore")
    run = kit.run("--all", "--staged")
    assert run.status == 0
    assert run.stderr == (
        ".claude/agents/alpha.md:1:1: note[O636] git does not ignore `.claude/agents/alpha.md` and 1 other generated"
        " file, so `git add .` would stage what is not committed\n"
        "    help: add `/.claude/agents/alpha.md` to `.gitignore`; `assemble gitignore` prints all lines\n"
        "2 agents, 2 files: 1 created, 1 unchanged; 1 note\n"
    )


def test_an_ignored_output_without_the_setting(kit: Workbench) -> None:
    kit.write({"assemble.toml": SETTINGS.format(OUTPUT).partition("\n")[2]})
    _git(kit.folder, "add", "--all")
    run = kit.run("--all", "--check", "--staged")
    assert run.status == 1
    assert run.stderr.startswith(
        ".claude/agents/alpha.md:1:1: error[O612] the file on disk differs from git's index\n"
        "    help: git ignores it; if clones need it, run: git add --force .claude/agents/alpha.md;"
        " if generated files are not committed, set `commit-outputs = false` in the settings\n"
    )


def test_schemas_are_still_committed(kit: Workbench) -> None:
    kit.write({".assemble/manifest.schema.json": kit.run("schema").stdout})
    run = kit.run("--all", "--check", "--staged")
    assert ".assemble/manifest.schema.json:1:1: error[O612]" in run.stderr


PATTERNS = {
    OUTPUT: "/.claude/agents/*.md",
    "{dir}/{name}.md": "/agents/*.md\n/agents/team/*.md",
    "out/{dir}/{name}.md": "/out/agents/*.md\n/out/agents/team/*.md",
    "out/{name}/{name}.md": "/out/*/*.md",
    "{name}.md": "/alpha.md\n/beta.md",
    "{name}/agent.md": "/*/agent.md",
    "_blocks/x/{name}": "/_blocks/x/*",
    "a b/[x]*?/{name}.md": "/a b/\\[x]\\*\\?/*.md",
    "#x/!{name} ": "/#x/!*\\ ",
    "x/{name}.md  ": "/x/*.md \\ ",
    "é/**/{name}": "/é/\\*\\*/*",
    "{name}s/{name}": "/alphas/alpha\n/betas/beta",  # `/*s/*` would match agents/alpha.toml
}


@pytest.mark.parametrize("prefix", ["", "sub/[k] t!/"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_lines_match_the_outputs_only(pattern: str, prefix: str, bench: Workbench) -> None:
    (bench.folder / ".git").rmdir()
    _git(bench.folder, "init", "--quiet")
    settings = f"targets = ['claude-code']\n{SETTINGS.format(pattern)}"
    files = {"assemble.toml": settings, "agents/alpha.toml": AGENT.format("alpha")}
    files |= {"agents/team/beta.toml": AGENT.format("beta"), "_blocks/house.md": "One.\n", "README.md": "x\n"}
    files |= {"notes/agent.txt": "x\n"}
    bench.write({prefix + name: text for name, text in files.items()})
    kit = bench.below(prefix or ".")
    assert kit.run("--all", "--ignore", "O627").status == 0
    run = kit.run("gitignore")
    start = prefix.replace("[", "\\[")
    assert run == (0, "".join(f"/{start}{line[1:]}\n" for line in PATTERNS[pattern].splitlines()), "")
    bench.write({".gitignore": run.stdout})
    listed = _git(bench.folder, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    assert sorted(filter(None, listed)) == sorted([".gitignore", *(prefix + name for name in files)])


def test_an_odd_folder_has_lines_too(bench: Workbench) -> None:
    (bench.folder / ".git").rmdir()
    _git(bench.folder, "init", "--quiet")
    name = "a\nb\\ "
    bench.write(
        {
            f"{name}/assemble.toml": SETTINGS.format("{dir}/{name}.md"),
            f"{name}/agents/alpha.toml": AGENT.format("alpha"),
        }
    )
    kit = bench.below(name)
    assert kit.run("--all", "--ignore", "O627").status == 0
    bench.write({".gitignore": kit.run("gitignore").stdout})
    assert "alpha.md" not in _git(bench.folder, "ls-files", "-z", "--others", "--exclude-standard")


def test_a_linked_folder_is_named_as_git_sees_it(bench: Workbench) -> None:
    bench.write({"assemble.toml": SETTINGS.format(OUTPUT), "agents/alpha.toml": AGENT.format("alpha")})
    (bench.folder / "shared/agents").mkdir(parents=True)
    (bench.folder / ".claude").symlink_to("shared")
    assert bench.run("gitignore").stdout == "/shared/agents/*.md\n"


def test_sources_that_a_line_would_match_are_left_out(bench: Workbench) -> None:
    settings = 'blocks = ["shared"]\n' + SETTINGS.format("./shared.d/../out/{name}.md")
    bench.write({"assemble.toml": settings, "agents/alpha.toml": AGENT.format("alpha"), "shared/one.md": "One.\n"})
    bench.write({"templates/x.md": "x", "templates/agent.md.j2": '{% extends "default/agent.md.j2" %}'})
    assert bench.run("gitignore").stdout == "/out/*.md\n"
    bench.write({"assemble.toml": SETTINGS.format("templates/{name}.md")})
    assert bench.run("gitignore").stdout == "/templates/alpha.md\n"


@pytest.mark.parametrize(
    ("part", "yes", "no"),
    [
        ("x", ["x"], ["", "xx"]),
        ("*", ["", "x", ".x"], []),
        ("*.md", [".md", "a.md", "a.md.md"], ["a.txt", "md"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("a*b*c", ["abc", "a-b-b-c"], ["ac", "acb", "a-c"]),
        ("*a*a*", ["aa", "xaxax"], ["a", "xax"]),
    ],
)
def test_part_of_a_pattern(part: str, yes: list[str], no: list[str]) -> None:
    found = {name: ignore_lines.matches(name, part.replace("*", ignore_lines.ANY)) for name in (*yes, *no)}
    assert found == dict.fromkeys(yes, True) | dict.fromkeys(no, False)
