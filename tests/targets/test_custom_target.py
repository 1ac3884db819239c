"""One row adds a client: its files, checks, settings, rights, documentation and import then work."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from conftest import Run, Workbench
from forkserver import ForkServer
from readers import AGENT

ADDED_ROW = """
from kei_assembler.targets.forms import MARKDOWN
from kei_assembler.validation import BOOLEAN, POSITIVE, Field, one_of
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.target import Handoffs, Key, Limit, Loader, Placeholder, Right, Target
from kei_assembler.targets.tools import Tools
from kei_assembler.targets import TARGETS

TARGETS["made-up"] = Target(
    name="made-up",
    label="Made Up",
    verified=(Verified("Made Up", "1.0", "2026-01-02", ("docs",), Executable(("made-up",), ("version",))),),
    output=".made-up/{name}.bot.md",
    keys=("title", "name", "description", "mood", "steps", "power", "run", "can", "hosts", "mind", "next"),
    table=(
        Key(
            Field("mood", one_of("calm", "wild"), "How it answers."),
            "calm asks",
            (Right("made-up", "mood", "wild", "do as it likes"),),
        ),
        Key(Field("steps", POSITIVE, "When it stops."), "grants nothing"),
        Key(Field("can", one_of("everything"), "All tools."), "all tools"),
        Key(Field("power", POSITIVE, "What it may do."), ""),
    ),
    refused={"run": "runs commands"},
    tools=Tools(
        "list",
        names={"Read": "look", "Write": "change", "Edit": "change", "Bash": "run", "Monitor": "watch"},
        companions={"look": ("peek", "stare")},
        substitutes={"Grep": ("Bash", "WebFetch")},
        needs={"Monitor": "Bash"},
        servers_key="hosts",
        unknown_means_all=True,
        mcp_tool="{server}:{tool}",
        mcp_server="{server}:",
        scoped=("Bash",),
        key="can",
        empty_means_all=True,
        legacy_names={"see": "look"},
        categories=("everything",),
    ),
    defaults={"title": "Bot"},
    models=("opus",),
    model_key="mind",
    handoffs=Handoffs("next", "To {agent}"),
    settings=(Field("loud", BOOLEAN, "Whether it shouts."),),
    limits=(Limit("description", maximum=20), Limit("prompt", maximum=400, is_advisory=True)),
    placeholder=Placeholder(r"%\\w+%", ("%NAME%",), "and forgets the agent", "write `$NAME`, not `{plain}`"),
    unsupported=("It has no memory.",),
    search_paths=(".made-up/{name}.bot.md", "old/bots/{name}.robot"),
    loader=Loader(
        named_by_file=True,
        ignored_prefix="-",
        legacy_keys={"temper": "mood"},
        assumed_values={"steps": 9},
        types={"mood": one_of("calm", "wild")},
    ),
)
"""
SETTINGS = 'targets = ["made-up"]\nexternal-agents = ["other"]\n'
FILE = """\
---
title: Bot
name: critic
description: Reviews code.
mood: calm
can: [look, peek, stare, change, "s:find", run]
hosts: {"named": ["s"]}
mind: opus
next: [{"label": "To other", "agent": "other", "prompt": "more"}]
---
"""
BASE = 'name = "base-critic"\nabstract = true\nrole = "You review code."\n'
HEIR = 'name = "{}"\ndescription = "Reviews code."\nextends = "base-critic"\n\n'
WIDENED = "[K114] Made Up cannot limit `mcp__s__find`, so the agent gets the whole server there"
NOTE = "agents/critic.toml:5:71: note[K113] there is no counterpart in Made Up for `Agent`, which the agent then lacks"


class CustomKit(NamedTuple):
    """A kit, and a command that supports one additional target."""

    bench: Workbench
    forkserver: ForkServer

    def run(self, *args: str, path: str = os.environ["PATH"]) -> Run:
        done = self.forkserver.run(self.bench.folder, args, environment={**os.environ, "PATH": path})
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    def findings_for(self, manifest: str, settings: str = "") -> list[str]:
        self.bench.write({"assemble.toml": SETTINGS + settings, "agents/critic.toml": AGENT + manifest})
        return re.findall(r"^(\S+: \w+\[.*)$", self.run("--all", "--ignore", "O637").stderr, re.MULTILINE)


@pytest.fixture(scope="module")
def with_added_row() -> Iterator[ForkServer]:
    with closing(ForkServer(ADDED_ROW)) as forkserver:
        yield forkserver


@pytest.fixture
def kit(bench: Workbench, with_added_row: ForkServer) -> CustomKit:
    return CustomKit(bench, with_added_row)


def test_its_files_are_generated_checked_and_deleted(kit: CustomKit) -> None:
    manifest = (
        'model = "opus"\ntools = ["Read", "Edit", "Write", "Grep", "mcp__s__find", "Bash(ls)", "Agent"]\n'
        '[[handoff]]\ntarget = "other"\ntrigger = "more"\n[target.made-up]\nmood = "calm"\n'
    )
    assert [line.partition(", whose")[0] for line in kit.findings_for(manifest)] == [
        f"agents/critic.toml:5:43: warning{WIDENED}",
        NOTE,
    ]
    generated = kit.bench.read(".made-up/critic.bot.md")
    assert generated.startswith(f"{FILE}\n<!-- Generated by assemble from ../agents/critic.toml.")
    kit.bench.write({"assemble.toml": f'{SETTINGS}[target.made-up]\noutput = "bots/{{name}}"\nloud = true\n'})
    run = kit.run("--all", "--prune", "--target", "made-up")
    assert (run.status, run.stdout) == (0, "created bots/critic\ndeleted .made-up/critic.bot.md\n")
    assert kit.run("--all", "--check").status == 0


@pytest.mark.parametrize(
    ("manifest", "settings", "finding"),
    [
        ("[target.made-up]\nmod = 1\n", "", "5:1: error[K101] unknown key `mod`"),
        ("[target.made-up]\nsteps = 0\n", "", "5:1: error[K106] `steps` must be a whole number above 0"),
        ('tools = ["LSP", "Read"]\n', "", "4:10: note[K113] there is no counterpart in Made Up for `LSP`"),
        ('tools = ["Read", "Grep"]\n', "", "4:18: note[K113] there is no counterpart in Made Up for `Grep`"),
        ('tools = ["Read", "Monitor"]\n', "", "4:18: note[K113] there is no counterpart in Made Up for `Monitor`"),
        ('tools = ["mcp__s__a"]\n', "", "4:10: warning[K114] Made Up cannot limit `mcp__s__a`, so the agent gets the"),
        ('tools = ["Read(x)"]\n', "", "4:10: warning[K114] Made Up cannot limit `Read(x)`"),
        ("tools = []\n", "", "4:1: error[K115] Made Up gives an agent without tools all tools"),
        (
            'domain_in = ["%PATH%"]\n',
            "",
            "4:15: error[T407] Made Up treats `%PATH%` as a variable, and forgets the agent",
        ),
        ('[target.made-up]\nmood = "wild"\n', "", "5:1: error[R501] `made-up.mood=wild` lets the agent do as it likes"),
        ("", "[target.made-up]\nloud = 1\n", "4:1: error[C702] `loud` must be true or false, not a number"),
        ("", "[defaults.target.made-up]\nmood = 'wld'\n", "4:1: error[C702] `mood` must be one of `calm`, `wild`"),
    ],
)
def test_it_is_checked(manifest: str, settings: str, finding: str, kit: CustomKit) -> None:
    (line,) = kit.findings_for(manifest, settings)
    assert line.startswith(f"{'assemble' if settings else 'agents/critic'}.toml:{finding}")


def test_no_group_has_a_target_that_is_docs_only(kit: CustomKit) -> None:
    kit.bench.write({"assemble.toml": 'targets = ["@all", "@verified"]\n', "agents/critic.toml": AGENT})
    assert "made-up" not in kit.run("--all").stdout
    kit.bench.write({"assemble.toml": 'targets = ["@all", "made-up"]\n'})
    assert kit.run("--all").stdout == "created .made-up/critic.bot.md\n"


DOCS_ONLY = "note[O637] `made-up` is docs only: nobody has run Made Up or read its code to see how it loads these files"


@pytest.mark.parametrize(
    ("settings", "critic", "base", "where"),
    [
        ('targets = ["@all", "made-up"]\n', "", "", "assemble.toml:1:20"),
        ('targets = ["made-up"]\n', 'targets = ["made-up"]\n', "", "assemble.toml:1:12"),
        ("", 'targets = ["codex", "made-up"]\n', "", "agents/critic.toml:5:21"),
        ("", 'targets = ["codex", "..."]\n', 'targets = ["made-up"]\n', "agents/base-critic.toml:4:12"),
    ],
)
def test_a_note_says_once_that_it_is_docs_only(
    settings: str, critic: str, base: str, where: str, kit: CustomKit
) -> None:
    kit.bench.write({"assemble.toml": settings, "agents/base-critic.toml": BASE + base})
    kit.bench.write({f"agents/{name}.toml": HEIR.format(name) + critic for name in ("critic", "tester")})
    run = kit.run("--all")
    assert run.status == 0
    assert [line for line in run.stderr.splitlines() if "[O637]" in line] == [f"{where}: {DOCS_ONLY}"]
    assert "help: try them in Made Up, and then add `O637` to `ignore`\n" in run.stderr
    assert "[O637]" not in kit.run("--all", "--check", "--ignore", "O637").stderr
    assert kit.run("--all", "--check").status == 0


def test_the_note_is_also_about_instructions(kit: CustomKit) -> None:
    kit.bench.write({"instructions/house.toml": 'name = "house"\nrole = "Be kind."\ntargets = ["made-up"]\n'})
    assert f"instructions/house.toml:3:12: {DOCS_ONLY}\n" in kit.run("--all").stderr


def test_there_is_no_note_if_nothing_names_it(kit: CustomKit) -> None:
    kit.bench.write({"agents/critic.toml": AGENT, "assemble.toml": 'targets = ["@all"]\n'})
    run = kit.run("--all", "--target", "made-up")
    assert (run.status, run.stdout) == (0, "created .made-up/critic.bot.md\n")
    assert "O637" not in run.stderr
    kit.bench.write({"assemble.toml": 'targets = ["made-up"]\n', "agents/critic.toml": f'{AGENT}targets = ["codex"]\n'})
    assert "O637" not in kit.run("--all").stderr


def test_its_limits_and_rights_apply(kit: CustomKit) -> None:
    allowed = '[[allow-rights]]\nagent = "critic"\nrights = ["made-up.mood=wild"]\nreason = "tried"\n'
    manifest = f'domain_in = ["{"x" * 300}"]\n[target.made-up]\nmood = "wild"\n'
    kit.bench.write({"assemble.toml": SETTINGS + allowed})
    kit.bench.write({"agents/critic.toml": AGENT.replace("code.", "code, slowly.", 1) + manifest})
    run = kit.run("--all")
    assert "error[L801] `description` has 21 characters; the maximum for Made Up is 20" in run.stderr
    assert "R50" not in run.stderr
    kit.bench.write({"agents/critic.toml": AGENT + manifest})
    assert "warning[L802] the body with the stamp has " in kit.run("--all").stderr


def test_it_is_documented(kit: CustomKit) -> None:
    text = " ".join(kit.run("targets", "made-up").stdout.split())
    (line,) = [line for line in kit.run("targets").stdout.splitlines() if line.startswith("made-up")]
    assert re.fullmatch(r"made-up +Made Up +\.made-up/(\*\.bot\.md)? +docs only +AI--", line)
    assert text.startswith("made-up: Made Up verified Made Up 1.0 on 2026-01-02: only documentation read file ")
    for fact in (
        "file .made-up/{name}.bot.md, Markdown with YAML front matter",
        "Write, Edit → change",
        "SERVER:TOOL",
        "Read → look, peek, stare",
        "Grep: none of its own; Bash or WebFetch can do the same",
        "loud: Whether it shouts.",
        "at most 20 characters",
        "variable %NAME% in the body: the client replaces it, and forgets the agent",
        "no memory",
        "Monitor without Bash",
        "Unknown names of tools",
    ):
        assert fact in text
    page = kit.run("targets", "--all").stdout
    assert "\n## Made Up: `made-up`\n\n- **verified**: Made Up 1.0 on 2026-01-02: only documentation read\n" in page
    permissions = "**right**: `made-up.mood=wild`; calm asks"
    assert f"| `mood` | one of `calm`, `wild` | How it answers. | {permissions} |\n" in page
    assert "\n- **right**: `made-up.mood=wild`, which lets the agent do as it likes\n" in page
    assert "\n- **not written**: `run`, because it runs commands\n" in page
    assert "| `power`" not in page


@pytest.mark.parametrize("file", [".made-up/settings.json", ".made-up/critic.bot.md", "old/bots/critic.robot"])
def test_its_folders_show_it(file: str, kit: CustomKit) -> None:
    kit.bench.write({file: "x\n", "old/other.robot": "x\n"})
    assert kit.run("targets", "--present").stdout == "made-up\n"
    run = kit.run("init")  # its agent has a longer description than the row allows
    assert re.findall(r"error\[(\w+)\]", run.stderr) == ["L801"]
    assert "the setting `targets` names the clients that had files here: `made-up`\n" in run.stderr
    assert 'targets = ["made-up"]\n' in kit.bench.read("assemble.toml")
    kit.bench.write({"agents/reviewer.toml": AGENT.replace("critic", "reviewer") + 'blocks = ["baseline"]\n'})
    assert "created .made-up/reviewer.bot.md\n" in kit.run("--all").stdout


UNKNOWN = "Made Up may know it, but `assemble` does not; the keys here are `mood`, `steps`, `can` and `values`"


@pytest.mark.parametrize(
    ("key", "message", "help_text"),
    [
        ("power = 3", "", UNKNOWN),
        ("run = 'x'", "`run` is a key of Made Up, but `assemble` never writes it", "it runs commands"),
        ("other = true", "", UNKNOWN),
    ],
)
def test_a_key_that_the_row_does_not_classify_is_never_written(
    key: str, message: str, help_text: str, kit: CustomKit
) -> None:
    manifest, word = f"[target.made-up]\n{key}\n", f" `{key.split()[0]}`"
    assert kit.findings_for(manifest) == [f"agents/critic.toml:5:1: error[K101] {message or 'unknown key' + word}"]
    assert help_text in kit.run("--all").stderr
    (line,) = kit.findings_for("", f"[defaults.target.made-up]\n{key}\n")
    assert line == f"assemble.toml:4:1: error[C701] {message or 'unknown setting' + word}"
    assert not [path for path in kit.bench.files() if "bot" in path]


def test_import_leaves_a_key_that_the_row_does_not_classify_behind(kit: CustomKit) -> None:
    front = FILE.replace("mood: calm", "mood: calm\npower: 3").replace("next:", "other: 1\nnext:")
    kit.bench.write({".made-up/critic.bot.md": f"{front}\nLook for what is wrong.\n"})
    run = kit.run("import", ".")
    assert "warning[I904] `assemble` does not know `power`" in run.stderr
    assert "power" not in kit.bench.read("agents/critic.toml")


def test_its_files_are_imported(kit: CustomKit) -> None:
    front = FILE.replace("mood:", "temper:").replace("look,", "see,").replace("name: critic\n", "")
    kit.bench.write({".made-up/critic.bot.md": f"{front}\nLook for what is wrong.\n", ".made-up/-old.bot.md": front})
    run = kit.run("import", ".")
    assert (run.status, run.stdout) == (
        0,
        "created assemble.toml\ncreated agents/old.toml\ncreated agents/critic.toml\n",
    )
    assert re.findall(r"critic.*?(\w+\[.*)", run.stderr) == [
        "warning[I902] `temper` became `mood`",
        "warning[I902] `see` became `look`",
        f"warning{WIDENED}",
    ]
    assert "warning[I904] `assemble` does not know `next`; also in `.made-up/critic.bot.md`\n" in run.stderr
    assert "Made Up ignores files whose names start with `-`" in run.stderr
    assert 'targets = ["made-up"]\n' in kit.bench.read("assemble.toml")
    assert tomllib.loads(kit.bench.read("agents/critic.toml")) == {
        "name": "critic",
        "description": "Reviews code.",
        "tools": ["Read", "Write", "Edit", "mcp__s__find", "Bash"],
        "model": "opus",
        "role": "Look for what is wrong.\n",
        "target": {"made-up": {"mood": "calm", "steps": 9}},
    }
    assert kit.run("--all", "--force").status == 0
    generated = kit.bench.read(".made-up/critic.bot.md")
    assert generated.startswith(re.sub("next:.*\n", "", FILE.replace("can:", "steps: 9\ncan:")))
    assert "\n# ROLE\n\nLook for what is wrong.\n" in generated


def test_import_reports_a_value_for_which_it_ignores_all_keys(kit: CustomKit) -> None:
    kit.bench.write({".made-up/critic.bot.md": FILE.replace("calm", "[calm]").replace("next:", "other:")})
    text = "`mood` is not one of `calm`, `wild`: Made Up ignores all keys of this file, so the agent has all tools"
    assert f"warning[I902] {text}" in kit.run("import", ".").stderr


def test_import_keeps_a_word_for_several_tools(kit: CustomKit) -> None:
    kit.bench.write({".made-up/critic.bot.md": re.sub("can:.*", "can: everything", FILE).replace("next:", "other:")})
    assert kit.run("import", ".").status == 0
    assert 'can = "everything"\n' in kit.bench.read("agents/critic.toml")


@pytest.mark.parametrize("path", [".made-up/sub/critic.md", "old/bots/critic.bot.md", "old/elsewhere/critic.robot"])
def test_its_files_are_recognized_by_their_paths(path: str, kit: CustomKit) -> None:
    kit.bench.write({path: FILE.replace("name: critic\n", "")})
    assert kit.run("import", path).status == 0
    assert '[target.made-up]\nsteps = 9\nmood = "calm"\n' in kit.bench.read("agents/critic.toml")


def test_the_doctor_knows_it(kit: CustomKit, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bin")
    (folder / "made-up").write_text('#!/bin/sh\n[ "$*" = version ] && echo "Made Up 1.1"\n')
    (folder / "made-up").chmod(0o755)
    kit.findings_for("")
    run = kit.run("doctor", path=str(folder))
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.startswith("CLIENTS\n  made-up  1.1  newer than the verified 1.0\n  not installed: claude-code, ")
    assert run.stdout.endswith("\nREADS\n  made-up  .made-up (1 agent)\n\n1 output: all are read\n")
    kit.bench.write({"assemble.toml": f'{SETTINGS}[target.made-up]\noutput = "bots/{{name}}"\n'})
    run = kit.run("doctor", path=str(folder))
    assert (run.status, "Made Up looks for agents in `.made-up`" in " ".join(run.stdout.split())) == (1, True)
