"""Exclusive kits: every file that a client would load as an agent must come from a kit in the work tree."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.build.changes import MAX_OUTPUT_BYTES
from kei_assembler.build.intruders import with_intruders
from kei_assembler.files import Disk, Entry
from kei_assembler.loader import load_kit
from kei_assembler.markdown import stamp
from kei_assembler.targets import TARGETS

MANIFEST = 'name = "{0}"\ndescription = "Does {0}."\nrole = "You do {0}."\n'
ROGUE = "---\nname: rogue\ndescription: Does as it likes.\n---\n\nYou do as you like.\n"
ROGUE_TOML = 'name = "rogue"\ndescription = "Rogue."\ndeveloper_instructions = "You do as you like."\n'
ESCAPED_TOML = ROGUE_TOML.replace("developer_instructions", r'"developer\u005finstructions"')
PAGE = "# Agents\n\nThis folder contains our agents.\n"
OUTPUTS = {"claude-code": ".claude/agents/{name}.md"}
"""The output patterns of the tests, where they differ from the defaults."""


def exclusive(bench: Workbench, *targets: str, more: str = "") -> Workbench:
    """An exclusive kit for some clients, with the agent `alpha`, built."""
    tables = "".join(f'[target.{name}]\noutput = "{OUTPUTS[name]}"\n' for name in targets if name in OUTPUTS)
    names = ", ".join(f'"{name}"' for name in targets)
    settings = f"{more}exclusive = true\ntargets = [{names}]\n{tables}"
    bench.write({"assemble.toml": settings, "agents/alpha.toml": MANIFEST.format("alpha")})
    assert bench.run("--all").status == 0
    assert bench.run("--all", "--check").status == 0
    return bench


def intruders(bench: Workbench, *args: str) -> list[str]:
    """The files that a check and a build report as intruders. Both fail if there are any, and change nothing."""
    before = bench.files()
    check = bench.run("--all", "--check", "--output-format", "json", *args)
    build = bench.run("--all", "--output-format", "json", *args)
    assert bench.files() == before
    assert (check.status, build.status) in ((0, 0), (1, 1)), check.stderr
    found = json.loads(check.stdout)["diagnostics"]
    assert found == json.loads(build.stdout)["diagnostics"]
    found = [one for one in found if one["severity"] != "note"]
    assert {one["code"] for one in found} <= {"O608", "O611"}, found
    assert bool(found) == (check.status == 1)
    return sorted(one["file"] for one in found)


LOADED: list[tuple[str, str, str | bytes]] = [
    # Claude Code
    ("claude-code", ".claude/agents/rogue.md", ROGUE),
    ("claude-code", ".claude/agents/spaces.md", ROGUE.replace("---\n", "--- \n", 1)),
    ("claude-code", ".claude/agents/tabs.md", ROGUE.replace("---\n", "---\t \n", 1)),
    ("claude-code", ".claude/agents/no-break.md", ROGUE.replace("---\n", "---\u00a0\n", 1)),
    ("claude-code", ".claude/agents/crlf.md", ROGUE.replace("\n", "\r\n")),
    ("claude-code", ".claude/agents/cr.md", ROGUE.replace("\n", "\r")),
    ("claude-code", ".claude/agents/blank.md", f"\n{ROGUE}"),
    ("claude-code", ".claude/agents/indented.md", f" {ROGUE}"),
    ("claude-code", ".claude/agents/mark.md", f"\ufeff{ROGUE}"),
    ("claude-code", ".claude/agents/marks.md", f"\ufeff\ufeff\n{ROGUE}"),
    ("claude-code", ".claude/agents/unseen.md", f"\u200b\u2028\u3000\u00a0\x0c{ROGUE}"),
    ("claude-code", ".claude/agents/utf-16.md", ROGUE.encode("utf-16")),
    ("claude-code", ".claude/agents/utf-16-be.md", b"\xfe\xff" + ROGUE.encode("utf-16-be")),
    ("claude-code", ".claude/agents/comment.md", ROGUE.replace("---\n", "--- # rogue\n", 1)),
    ("claude-code", ".claude/agents/language.md", ROGUE.replace("---\n", "---yaml\n", 1)),
    ("claude-code", ".claude/agents/one-line.md", "--- {name: rogue, description: x}\n---\n\nYou.\n"),
    ("claude-code", ".claude/agents/.x/rogue.md", ROGUE),
    ("claude-code", ".claude/agents/.rogue.md", ROGUE),
    ("claude-code", ".claude/agents/.md", ROGUE),
    ("claude-code", ".claude/agents/.assemble-1-rogue.md", ROGUE),
    ("claude-code", ".claude/agents/a/b/c/d/e/f/g/h/i/j/k/l/rogue.md", ROGUE),
    ("claude-code", ".claude/agents/folder.md/rogue.md", ROGUE),
    ("claude-code", ".claude/agents/rogue.MD", ROGUE),
    ("claude-code", ".claude/agents/Alpha.md", ROGUE),
    ("claude-code", ".claude/Agents/rogue.md", ROGUE),
    ("claude-code", ".Claude/agents/rogue.md", ROGUE),
    ("claude-code", ".CLAUDE/AGENTS/ALPHA.MD", ROGUE),
    ("claude-code", ".claude/agents/large.md", ROGUE + "x" * MAX_OUTPUT_BYTES),
    ("claude-code", ".claude/agents/blanks.md", "\n" * MAX_OUTPUT_BYTES + ROGUE),
    ("claude-code", ".claude/agents/new\nline.md", ROGUE),
    ("claude-code", ".claude/agents/lfs.md", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    ("claude-code", ".claude/agents/annex.md", "/annex/objects/SHA256E-s1--0.md\n"),
    ("claude-code", ".claude/agents/crypt.md", b"\0GITCRYPT\0\x01"),
    # GitHub Copilot and VS Code
    ("copilot", ".github/agents/rogue.agent.md", ROGUE),
    ("copilot", ".github/agents/rogue.md", PAGE),
    ("copilot", ".github/agents/empty.md", ""),
    ("copilot", ".github/agents/inner/rogue.agent.md", PAGE),
    ("copilot", ".github/agents/.x/rogue.agent.md", ROGUE),
    ("copilot", ".github/agents/rogue.agent.md/rogue.md", ROGUE),
    ("copilot", ".github/chatmodes/rogue.chatmode.md", PAGE),
    ("copilot", ".GitHub/Chatmodes/rogue.chatmode.md", PAGE),
    ("copilot", ".claude/agents/rogue.md", ROGUE),
    # Cursor
    ("cursor", ".cursor/agents/rogue.md", "You do as you like.\n"),
    ("cursor", ".cursor/agents/late.md", f"# Rogue\n\n{ROGUE}"),
    ("cursor", ".cursor/agents/rogue.mdc", ROGUE),
    ("cursor", ".cursor/agents/rogue.markdown", ROGUE),
    ("cursor", ".cursor/agents/rogue.Mdc", ROGUE),
    ("cursor", ".cursor/agents/inner/.x/rogue.md", ROGUE),
    ("cursor", ".claude/agents/rogue.md", ROGUE),
    ("cursor", ".claude/agents/inner/rogue.mdc", ROGUE),
    ("cursor", ".grok/agents/rogue.md", ROGUE),
    # OpenCode
    ("opencode", ".opencode/agents/rogue.md", "You do as you like.\n"),
    ("opencode", ".opencode/agents/team/rogue.md", PAGE),
    ("opencode", ".opencode/agent/rogue.md", PAGE),
    ("opencode", ".opencode/modes/rogue.md", PAGE),
    ("opencode", ".opencode/mode/rogue.md", PAGE),
    ("opencode", ".opencode/agents/.x/.rogue.md", ROGUE),
    # Kilo Code
    ("kilo", ".kilo/agents/rogue.md", "You do as you like.\n"),
    ("kilo", ".kilo/agent/rogue.md", PAGE),
    ("kilo", ".kilo/modes/rogue.md", PAGE),
    ("kilo", ".kilo/mode/.x/.rogue.md", PAGE),
    ("kilo", ".kilocode/agents/rogue.md", PAGE),
    ("kilo", ".kilocode/agent/rogue.md", PAGE),
    ("kilo", ".kilocode/modes/rogue.md", PAGE),
    ("kilo", ".kilocode/mode/rogue.md", PAGE),
    # Factory Droid
    ("droid", ".factory/droids/rogue.md", "You do as you like.\n"),
    # Auggie
    ("auggie", ".augment/agents/rogue.txt", "You do as you like.\n"),
    ("auggie", ".augment/agents/inner/rogue.md", ROGUE),
    ("auggie", ".claude/agents/rogue.md", ROGUE),
    ("auggie", ".agents/agents/rogue.md", ROGUE),
    # Gemini CLI
    ("gemini", ".gemini/agents/rogue.md", ROGUE),
    ("gemini", ".gemini/agents/.rogue.md", ROGUE),
    ("gemini", ".gemini/agents/spaces.md", ROGUE.replace("---\n", "--- \n", 1)),
    # Codex CLI
    ("codex", ".codex/agents/rogue.toml", ROGUE_TOML),
    ("codex", ".codex/agents/inner/.x/rogue.toml", ROGUE_TOML),
    ("codex", ".codex/agents/rogue.TOML", ROGUE_TOML),
    ("codex", ".codex/agents/indented.toml", ROGUE_TOML.replace("developer", "\t developer")),
    ("codex", ".codex/agents/quoted.toml", ROGUE_TOML.replace("developer_instructions", "'developer_instructions'")),
    ("codex", ".codex/agents/escaped.toml", ESCAPED_TOML),
    ("codex", ".codex/agents/mark.toml", f"\ufeff{ROGUE_TOML}"),
    ("codex", ".codex/agents/first.toml", "\n".join(sorted(ROGUE_TOML.splitlines()))),
    # Qwen Code
    ("qwen", ".qwen/agents/rogue.md", ROGUE),
    ("qwen", ".qwen/agents/.rogue.md", ROGUE),
    ("qwen", ".qwen/agents/_rogue.md", ROGUE),
    ("qwen", ".qwen/agents/crlf.md", ROGUE.replace("\n", "\r\n")),
    # Kimi Code
    ("kimi", ".kimi-code/agents/rogue.md", ROGUE),
    ("kimi", ".kimi-code/agents/team/rogue.md", ROGUE),
    ("kimi", ".agents/agents/rogue.md", ROGUE),
    # Grok Build
    ("grok", ".grok/agents/rogue.md", ROGUE),
    ("grok", ".grok/agents/.rogue.md", ROGUE),
    ("grok", ".claude/agents/rogue.md", ROGUE),
    # clients that are known from their documentation only
    ("kiro", ".kiro/agents/team/rogue.md", ROGUE),
    ("goose", ".goose/agents/late.md", f"# Rogue\n\n{ROGUE}"),
    ("goose", ".claude/agents/rogue.md", ROGUE),
    ("goose", ".agents/agents/rogue.md", ROGUE),
    ("junie", ".junie/agents/rogue.md", ROGUE),
    ("junie", ".agents/agents/rogue.md", ROGUE),
    ("devin", ".devin/agents/rogue/AGENT.md", ROGUE),
    # Mistral Vibe
    ("vibe", ".vibe/agents/rogue.toml", 'instructions = "Do as you like."\n'),
    ("vibe", ".vibe/agents/mode.toml", "bypass_tool_permissions = true\n"),
    # pi-subagents
    ("pi", ".pi/agents/rogue.md", ROGUE),
    ("pi", ".pi/agents/skills/rogue.md", ROGUE),
    ("pi", ".agents/team/rogue.md", ROGUE),
    # Cline
    ("cline", ".cline/agents/rogue.yaml", ROGUE),
    ("cline", ".cline/agents/.rogue.YML", ROGUE),
]  # fmt: skip

IGNORED: list[tuple[str, str, str]] = [
    ("claude-code", ".claude/agents/README.md", PAGE),
    ("claude-code", ".claude/agents/empty.md", ""),
    ("claude-code", ".claude/agents/blank.md", "\n" * (MAX_OUTPUT_BYTES // 4)),
    ("claude-code", ".claude/agents/line.md", f"----\n\n{PAGE}"),
    ("claude-code", ".claude/agents/rogue.txt", ROGUE),
    ("claude-code", ".claude/agents/rogue.md.bak", ROGUE),
    ("claude-code", ".claude/agents/rogue.mdc", ROGUE),
    ("claude-code", ".claude/commands/rogue.md", ROGUE),
    ("claude-code", ".claude/agent/rogue.md", ROGUE),
    ("claude-code", ".cursor/agents/rogue.md", ROGUE),
    ("claude-code", "docs/agents/rogue.md", ROGUE),
    ("copilot", ".github/workflows/check.yml", PAGE),
    ("copilot", ".github/agents/diagram.svg", PAGE),
    ("copilot", ".github/README.md", PAGE),
    ("cursor", ".cursor/rules/rule.mdc", ROGUE),
    ("cursor", ".cursor/agents/notes.txt", ROGUE),
    ("opencode", ".opencode/commands/page.md", PAGE),
    ("opencode", ".claude/agents/rogue.md", ROGUE),
    ("kilo", ".kilo/commands/page.md", PAGE),
    ("droid", ".factory/droids/inner/rogue.md", ROGUE),
    ("auggie", ".augment/agents/.rogue.md", ROGUE),
    ("auggie", ".augment/rules/rogue.md", ROGUE),
    ("gemini", ".gemini/agents/_rogue.md", ROGUE),
    ("gemini", ".gemini/agents/inner/rogue.md", ROGUE),
    ("gemini", ".gemini/agents/README.md", PAGE),
    ("codex", ".codex/config.toml", ROGUE_TOML),
    ("codex", ".codex/agents/notes.toml", 'title = "Notes"\n'),
    ("codex", ".codex/agents/rogue.md", ROGUE),
    ("codex", ".codex/agents/blank.toml", "\n" * (MAX_OUTPUT_BYTES // 4)),
    ("codex", ".codex/agents/spaces.toml", " " * (MAX_OUTPUT_BYTES // 4)),
    ("codex", ".codex/agents/quotes.toml", '"' * (MAX_OUTPUT_BYTES // 4)),
    ("qwen", ".qwen/agents/inner/rogue.md", ROGUE),
    ("qwen", ".qwen/agents/rogue.toml", ROGUE_TOML),
    ("kimi", ".kimi-code/skills/rogue.md", ROGUE),
    ("kimi", ".kimi-code/agents/.rogue.md", ROGUE),
    ("grok", ".grok/agents/sub/rogue.md", ROGUE),
    ("grok", ".claude/agents/sub/rogue.md", ROGUE),
    ("grok", ".cursor/agents/rogue.md", ROGUE),
    ("kiro", ".kiro/steering/rogue.md", ROGUE),
    ("goose", ".goose/agents/sub/rogue.md", ROGUE),
    ("junie", ".junie/agents/sub/rogue.md", ROGUE),
    ("devin", ".devin/agents/rogue/notes.md", ROGUE),
    ("vibe", ".vibe/agents/inner/rogue.toml", ROGUE_TOML),
    ("vibe", ".vibe/config.toml", ROGUE_TOML),
    ("vibe", ".vibe/agents/rogue.md", ROGUE),
    ("pi", ".agents/skills/rogue/SKILL.md", ROGUE),
    ("pi", ".pi/agents/rogue.chain.md", ROGUE),
    ("pi", ".pi/rogue.md", ROGUE),
    ("cline", ".cline/agents/rogue.md", ROGUE),
    ("cline", ".cline/agents/inner/rogue.yaml", ROGUE),
    ("cline", ".cline/agents/plain.yaml", "name: rogue\n"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "path", "content"), LOADED)
def test_a_file_that_the_client_loads_is_an_intruder(
    target: str, path: str, content: str | bytes, bench: Workbench
) -> None:
    exclusive(bench, target).write({path: content})
    assert intruders(bench) == [path]


@pytest.mark.parametrize(("target", "path", "content"), IGNORED)
def test_a_file_that_the_client_does_not_load_is_none(target: str, path: str, content: str, bench: Workbench) -> None:
    exclusive(bench, target).write({path: content})
    assert intruders(bench) == []


@pytest.mark.parametrize("name", TARGETS)
def test_every_client_is_in_the_tables(name: str) -> None:
    assert any(target == name for target, _, _ in IGNORED)
    folders = {path for target, path, _ in LOADED if target == name}
    assert all(any(path.startswith(f"{folder}/") for path in folders) for folder in TARGETS[name].agent_folders)


LINKS: list[tuple[str, str, str]] = [
    ("claude-code", ".claude/agents/rogue.md", "alpha.md"),
    ("claude-code", ".claude/agents/rogue.md", "../../notes.txt"),
    ("claude-code", ".claude/agents/rogue.md", "/etc/hostname"),
    ("claude-code", ".claude/agents/rogue.md", "nowhere"),
    ("claude-code", ".claude/agents/rogue.md", "rogue.md"),
    ("claude-code", ".claude/agents/.x/rogue.MD", "nowhere"),
    ("claude-code", ".claude/agents/team", "../../folder"),
    ("claude-code", ".claude/agents/team", "/etc"),
    ("claude-code", ".claude/agents/team", "/etc/hostname"),
    ("claude-code", ".claude/agents/team", "nowhere"),
    ("claude-code", ".claude/agents/team", "."),
    ("claude-code", ".claude/Agents", "nowhere"),
    ("claude-code", ".Claude", "/etc"),
    ("copilot", ".github/agents/rogue.agent.md", "../../notes.txt"),
    ("copilot", ".github/chatmodes", "/etc"),
    ("copilot", ".claude", "nowhere"),
    ("cursor", ".cursor/agents/rogue.mdc", "nowhere"),
    ("cursor", ".grok", "/etc"),
    ("opencode", ".opencode/agents/team", "../../folder"),
    ("opencode", ".opencode/agent", "../../elsewhere"),
    ("gemini", ".gemini/agents/rogue.md", "nowhere"),
    ("codex", ".codex/agents/rogue.toml", "alpha.toml"),
    ("codex", ".codex/agents/team", "../../folder"),
    ("qwen", ".qwen/agents/rogue.md", "../../notes.txt"),
]


@pytest.mark.parametrize(("target", "path", "to"), LINKS)
def test_a_link_is_an_intruder_whatever_it_leads_to(target: str, path: str, to: str, bench: Workbench) -> None:
    exclusive(bench, target).write({"notes.txt": "Notes.\n", "folder/notes.txt": "Notes.\n"})
    (bench.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (bench.folder / path).symlink_to(to)
    assert intruders(bench) == [path]


@pytest.mark.parametrize(("target", "path", "to"), [
    ("claude-code", ".claude/agents/notes", "../../notes.txt"),
    ("claude-code", ".claude/agents/notes.txt", "../../notes.txt"),
    ("claude-code", ".Claude", ".claude"),
    ("gemini", ".gemini/agents/team", "../../folder"),
    ("gemini", ".gemini/agents/_rogue.md", "nowhere"),
    ("cursor", ".claude", ".cursor"),
    ("opencode", ".opencode/agent", "agents"),
])  # fmt: skip
def test_a_link_to_what_is_no_agent_is_none(target: str, path: str, to: str, bench: Workbench) -> None:
    exclusive(bench, target).write({"notes.txt": "Notes.\n", "folder/notes.txt": "Notes.\n"})
    (bench.folder / path).symlink_to(to)
    assert intruders(bench) == []


def test_a_linked_folder_of_a_client_is_searched(bench: Workbench) -> None:
    exclusive(bench, "opencode").write({"elsewhere/rogue.md": PAGE})
    (bench.folder / ".opencode/agent").symlink_to("../elsewhere")
    assert intruders(bench) == [".opencode/agent/rogue.md"]


def test_a_file_whose_name_is_not_unicode_is_an_intruder(bench: Workbench) -> None:
    exclusive(bench, "claude-code")
    with open(os.path.join(os.fsencode(bench.folder), b".claude/agents/rogue-\xff.md"), "wb") as file:
        file.write(ROGUE.encode())
    kit = load_kit(str(bench.folder))
    (found,) = with_intruders(kit, [], [".claude/agents/alpha.md"], ["claude-code"])
    assert found.path == ".claude/agents/rogue-\udcff.md"


class Observed(Disk):
    """A file system that records which files were read and which folders were listed."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def read(self, path: str, *args: Any, **options: Any) -> bytes:
        self.seen.append(path)
        return super().read(path, *args, **options)

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        self.seen.append(folder)
        return super().list(folder, source_suffix)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_outside_the_root_is_read(target: str, bench: Workbench) -> None:
    folder = TARGETS[target].agent_folders[0]
    suffix = TARGETS[target].suffixes[0]
    output = f'[target.{target}]\noutput = "{folder}/{{name}}{suffix}"\n'
    for place in (".", f"{folder}/kit"):
        bench.write({f"{place}/assemble.toml": f'exclusive = true\ntargets = ["{target}"]\n{output}'})
        bench.write({f"{place}/agents/alpha.toml": MANIFEST.format("alpha"), f"{place}/_blocks/b.md": ""})
    below, end = f"{folder}/kit/{folder}", ".md" if target == "codex" else suffix
    bench.write({
        f"{below}/up{end}": stamped("../" * (below.count("/") + 1) + "agents/alpha.toml"),
        f"{below}/far{end}": stamped("/etc/hostname.toml"),
        f"{below}/inner/next.md": stamped("next.toml"), f"{below}/inner/next.toml": MANIFEST.format("next"),
    })  # fmt: skip
    for name, to in ((f"file{end}", "/etc/hostname"), ("up", "../" * 9), ("kit", bench.folder), ("etc.toml", "/etc")):
        (bench.folder / below / name).symlink_to(to)
    files = Observed()
    kit = load_kit(str(bench.folder / folder / "kit"), files=files)
    assert len(with_intruders(kit, [], [], [target])) > 2
    top = str(bench.folder / folder / "kit")
    assert len(files.seen) > 4
    assert [path for path in files.seen if not f"{os.path.realpath(path)}/".startswith(f"{top}/")] == []


def test_an_output_folder_outside_the_root_is_not_searched(bench: Workbench) -> None:
    settings = 'exclusive = true\ntargets = ["cursor"]\n[target.cursor]\noutput = "../.cursor/agents/{name}.md"\n'
    bench.write({"kit/assemble.toml": settings, "kit/agents/alpha.toml": MANIFEST.format("alpha")})
    bench.write({".cursor/agents/rogue.md": ROGUE})
    files = Observed()
    kit = load_kit(str(bench.folder / "kit"), files=files)
    assert with_intruders(kit, [], [], []) == []
    assert [path for path in files.seen if not os.path.realpath(path).startswith(str(bench.folder / "kit"))] == []


class IgnoresCase(Disk):
    """A file system that ignores the case of names, on top of one that does not."""

    def _actual(self, path: str) -> str:
        found = "/"
        for part in path.split("/")[1:]:
            names = os.listdir(found) if os.path.isdir(found) else []
            same = (name for name in names if name.casefold() == part.casefold())
            found = os.path.join(found, next(same, part))
        return found

    def read(self, path: str, *args: Any, **options: Any) -> bytes:
        return super().read(self._actual(path), *args, **options)

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        return super().list(self._actual(folder), source_suffix)

    def exists(self, path: str) -> bool:
        return super().exists(self._actual(path))

    def is_folder(self, path: str) -> bool:
        return super().is_folder(self._actual(path))

    def is_link(self, path: str) -> bool:
        return super().is_link(self._actual(path))


@pytest.mark.parametrize("path", [".claude/agents/Alpha.md", ".claude/Agents/alpha.md", ".Claude/Agents/ALPHA.MD"])
def test_an_output_in_another_case_is_the_output_where_case_does_not_matter(path: str, bench: Workbench) -> None:
    exclusive(bench, "claude-code")
    (bench.folder / ".claude").rename(bench.folder / "away")
    rogue = f"{os.path.dirname(path)}/rogue.md"
    bench.write({path: bench.read("away/agents/alpha.md"), rogue: ROGUE})
    outputs = [".claude/agents/alpha.md"]
    ignoring = load_kit(str(bench.folder), files=IgnoresCase())
    found = [change.path for change in with_intruders(ignoring, [], outputs, ["claude-code"])]
    assert found == [rogue]
    minding = load_kit(str(bench.folder))
    found = [change.path for change in with_intruders(minding, [], outputs, ["claude-code"])]
    assert found == [path, rogue]


@pytest.mark.parametrize(("target", "path"), [
    ("claude-code", ".claude/agents/team"), ("claude-code", ".claude/agents/team/inner"), ("claude-code", ".Claude"),
    ("cursor", ".grok"), ("cursor", ".claude/agents"),
])  # fmt: skip
def test_a_submodule_that_is_not_checked_out_is_an_intruder(target: str, path: str, bench: Workbench) -> None:
    exclusive(bench, target)
    (bench.folder / path).mkdir(parents=True)
    assert intruders(bench) == []
    bench.write({".gitmodules": f'[submodule "x"]\n\tpath = {path}\n\turl = https://example.org/x\n'})
    assert intruders(bench) == [path]
    bench.write({f"{path}/.git": "gitdir: elsewhere\n"})
    assert intruders(bench) == []


def test_an_output_that_is_a_link_is_no_intruder(bench: Workbench) -> None:
    exclusive(bench, "claude-code")
    output = bench.folder / ".claude/agents/alpha.md"
    output.rename(bench.folder / "alpha.txt")
    output.symlink_to("../../alpha.txt")
    assert intruders(bench) == []


def _fifo(path: str) -> None:
    os.mkfifo(path)


def _socket(path: str) -> None:
    folder = os.getcwd()
    os.chdir(os.path.dirname(path))  # the path of a socket must be short
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(os.path.basename(path))
    os.chdir(folder)


@pytest.mark.parametrize("create", [_fifo, _socket])
@pytest.mark.parametrize("target", ["claude-code", "cursor"])
def test_what_is_no_regular_file_is_an_intruder(create: Callable[[str], None], target: str, bench: Workbench) -> None:
    exclusive(bench, target)
    path = f"{TARGETS[target].agent_folders[0]}/rogue.md"
    create(str(bench.folder / path))
    assert intruders(bench) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_an_unreadable_file_is_an_intruder(bench: Workbench) -> None:
    exclusive(bench, "claude-code").write({".claude/agents/rogue.md": PAGE})
    (bench.folder / ".claude/agents/rogue.md").chmod(0)
    assert bench.run("--all", "--check").status == 1


def test_a_build_leaves_the_folders_of_other_clients_alone(bench: Workbench) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = f".claude/agents/.assemble-{gone.pid}-rogue.md"
    exclusive(bench, "copilot").write({left: ROGUE})
    assert intruders(bench) == [left]


def test_the_folders_of_all_clients_count_once(bench: Workbench) -> None:
    exclusive(bench, *TARGETS).write({".claude/agents/rogue.md": ROGUE, ".claude/agents/page.md": PAGE})
    assert intruders(bench) == [".claude/agents/page.md", ".claude/agents/rogue.md"]


def test_the_help_names_the_client_that_loads_the_file(bench: Workbench) -> None:
    exclusive(bench, "copilot").write({".claude/agents/README.md": PAGE})
    assert "help: GitHub Copilot and VS Code can load it: write a manifest for it" in bench.run("--all").stderr


def test_a_remote_agent_needs_no_manifest(bench: Workbench) -> None:
    exclusive(bench, "gemini").write({".gemini/agents/remote.md": ROGUE})
    message = "help: Gemini CLI can load it: write a manifest for it unless it is a remote agent, or move it away"
    assert message in bench.run("--all").stderr


def test_a_client_without_an_agent_counts(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'exclusive = true\ntargets = ["cursor"]\n', ".cursor/agents/rogue.md": ROGUE})
    bench.write({"agents/alpha.toml": MANIFEST.format("alpha") + 'targets = ["gemini"]\n'})
    bench.run("--all")
    bench.write({".gemini/agents/rogue.md": ROGUE})
    assert intruders(bench) == [".cursor/agents/rogue.md", ".gemini/agents/rogue.md"]


def test_only_the_chosen_targets_are_searched(bench: Workbench) -> None:
    exclusive(bench, "cursor", "gemini").write({".cursor/agents/rogue.md": ROGUE, ".gemini/agents/rogue.md": ROGUE})
    assert intruders(bench, "--target", "gemini") == [".gemini/agents/rogue.md"]


def test_an_output_of_a_target_that_is_not_chosen_is_no_intruder(bench: Workbench) -> None:
    exclusive(bench, "claude-code", "cursor")
    assert intruders(bench, "--target", "cursor") == []


@pytest.mark.parametrize("where", [".claude/agents", "tools/.claude/agents", "tools/kit/.claude/agents"])
def test_the_folders_between_the_outputs_and_the_root_count(where: str, bench: Workbench) -> None:
    output = '[target.claude-code]\noutput = "../../tools/kit/.claude/agents/team/{name}.md"\n'
    bench.write({"tools/kit/assemble.toml": f'root = "../.."\nexclusive = true\n{output}'})
    bench.write({"tools/kit/agents/alpha.toml": MANIFEST.format("alpha")})
    assert bench.run("--all", "--kit", "tools/kit").status == 0
    assert intruders(bench, "--kit", "tools/kit") == []
    bench.write({f"{where}/rogue.md": ROGUE})
    (found,) = intruders(bench, "--kit", "tools/kit")
    assert os.path.normpath(f"tools/kit/{found}") == f"{where}/rogue.md"


@pytest.mark.parametrize("output", [".OpenCode/Agents/{name}.md", "link/{name}.md", ".opencode/agents/{dir}/{name}.md"])
def test_a_client_folder_is_recognized_in_any_spelling(output: str, bench: Workbench) -> None:
    (bench.folder / ".opencode/agents").mkdir(parents=True)
    (bench.folder / "link").symlink_to(".opencode/agents")
    settings = f'exclusive = true\ntargets = ["opencode"]\n[target.opencode]\noutput = "{output}"\n'
    bench.write({"assemble.toml": settings, "agents/alpha.toml": MANIFEST.format("alpha")})
    bench.run("--all")
    bench.write({".opencode/agent/rogue.md": PAGE})
    assert intruders(bench) == [".opencode/agent/rogue.md"]


@pytest.mark.parametrize("path", ["agents/.x/rogue.md", "agents/rogue.MD", "Agents/rogue.md", "agents/b/c/rogue.md"])
def test_an_output_folder_of_no_client_counts_too(path: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": "exclusive = true\n", "agents/alpha.toml": MANIFEST.format("alpha")})
    bench.run("--all")
    bench.write({path: ROGUE, "agents/README.md": PAGE})
    assert intruders(bench) == [path]


@pytest.mark.parametrize("settings", ['manifests = "."\n', '[target.claude-code]\noutput = "{name}.md"\n'])
def test_files_beside_outputs_at_the_top_need_front_matter(settings: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f"exclusive = true\n{settings}", "agents/alpha.toml": MANIFEST.format("alpha")})
    bench.run("--all")
    bench.write(
        {"README.md": PAGE, ".github/page.md": ROGUE, ".venv/lib/page.md": ROGUE, ".gitmodules": "", "x.md/y": ""}
    )
    (bench.folder / "module").mkdir()
    (bench.folder / "CLAUDE.md").symlink_to("README.md")
    (bench.folder / "docs").symlink_to("x.md")
    assert intruders(bench) == []
    bench.write({"rogue.md": f"\n{ROGUE}", "alpha.MD": ROGUE, "text": ROGUE})
    (bench.folder / "link.md").symlink_to("text")
    (bench.folder / "lost.md").symlink_to("nowhere")
    (bench.folder / "outside.md").symlink_to("/etc/hostname")
    assert intruders(bench) == ["alpha.MD", "link.md", "lost.md", "outside.md", "rogue.md"]


def test_a_kit_that_is_not_exclusive_reports_none(bench: Workbench) -> None:
    exclusive(bench, "cursor", "copilot", "claude-code")
    bench.write({".github/agents/page.md": PAGE, ".cursor/agents/page.mdc": PAGE, ".claude/agents/rogue.md": ROGUE})
    bench.write({"assemble.toml": bench.read("assemble.toml").replace("exclusive = true", "exclusive = false")})
    run = bench.run("--all", "--check")
    assert (run.status, "error" in run.stderr) == (0, False)


def stamped(source: str, text: str = ROGUE) -> str:
    """A file with a stamp that names a source and has the right digest."""
    head, _, body = text.partition("---\n\n")
    parts = (f"{head}---\n\n", f"\n{body}")
    digest = stamp.digest_of(part.encode() for part in parts)
    return parts[0] + stamp.line_for(digest, stamp.MARKUP, source, source) + parts[1]


@pytest.fixture
def beside(bench: Workbench) -> Workbench:
    """An exclusive kit for Claude Code, and another one in `other/kit` with an output in the same folder."""
    exclusive(bench, "claude-code")
    settings = 'root = "../.."\n[target.claude-code]\noutput = "../../.claude/agents/{name}.md"\n'
    bench.write({"other/kit/assemble.toml": settings, "other/kit/agents/beta.toml": MANIFEST.format("beta")})
    bench.write({"other/kit/agents/gamma.toml": MANIFEST.format("gamma") + 'targets = ["cursor"]\n'})
    assert bench.run("--all", "--kit", "other/kit").status == 0
    assert intruders(bench) == []
    return bench


BETA = "../../other/kit/agents/beta.toml"

FALSE_STAMPS = {
    "a manifest of another agent": ("rogue.md", stamped(BETA)),
    "a name that contains the agent's": ("beta-2.md", stamped(BETA)),
    "the agent's name in the folder": ("beta/rogue.md", stamped("../../../other/kit/agents/beta.toml")),
    "the agent's name in another folder": ("team/beta.md", stamped("../../../other/kit/agents/beta.toml")),
    "the agent's name in another case": ("Beta.md", stamped(BETA)),
    "a manifest without this target": ("gamma.md", stamped("../../other/kit/agents/gamma.toml")),
    "the settings of a kit": ("assemble.md", stamped("../../assemble.toml")),
    "the settings of another kit": ("assemble.md", stamped("../../other/kit/assemble.toml")),
    "the project's file": ("pyproject.md", stamped("../../pyproject.toml")),
    "a file that is not a manifest": ("notes.md", stamped("../../notes.toml")),
    "a file that cannot be parsed": ("broken.md", stamped("../../other/kit/agents/broken.toml")),
    "a manifest with a wrong key": ("wrong.md", stamped("../../other/kit/agents/wrong.toml")),
    "a manifest with another name": ("renamed.md", stamped("../../other/kit/agents/renamed.toml")),
    "a hidden manifest": ("hidden.md", stamped("../../other/kit/agents/.x/hidden.toml")),
    "a manifest outside the folder of manifests": ("stray.md", stamped("../../other/kit/stray.toml")),
    "a kit whose settings have errors": ("delta.md", stamped("../../bad/agents/delta.toml")),
    "a kit whose settings cannot be parsed": ("delta.md", stamped("../../worse/agents/delta.toml")),
    "a kit whose root is elsewhere": ("delta.md", stamped("../../narrow/agents/delta.toml")),
    "a kit in another work tree": ("delta.md", stamped("../../module/agents/delta.toml")),
    "a manifest in a folder that is not a kit": ("delta.md", stamped("../../none/delta.toml")),
    "a file outside the work tree": ("hostname.md", stamped("/etc/hostname.toml")),
    "a link to a manifest outside": ("linked.md", stamped("../../other/kit/agents/linked.toml")),
    "a folder": ("folder.md", stamped("../../other/kit/agents/folder.toml")),
    "a FIFO": ("fifo.md", stamped("../../other/kit/agents/fifo.toml")),
    "no manifest": ("beta-3.md", stamped("../../other/kit/agents/")),
    "the file itself": ("self.md", stamped("self.md")),
    "a very long path": ("long.md", stamped("../../" + "other/../" * 100_000 + "other/kit/agents/beta.toml")),
}


@pytest.mark.parametrize("case", FALSE_STAMPS)
def test_a_stamp_must_name_a_manifest_that_generates_the_file(case: str, beside: Workbench) -> None:
    name, content = FALSE_STAMPS[case]
    delta = MANIFEST.format("delta")
    output = 'output = "../.claude/agents/{name}.md"\n'
    beside.write({
        "pyproject.toml": '[project]\nname = "pyproject"\n', "notes.toml": 'name = "notes"\ndescription = "x"\n',
        "other/kit/agents/broken.toml": "name = \n", "other/kit/stray.toml": MANIFEST.format("stray"),
        "other/kit/agents/wrong.toml": MANIFEST.format("wrong") + "tools = 1\n",
        "other/kit/agents/renamed.toml": MANIFEST.format("other"),
        "other/kit/agents/.x/hidden.toml": MANIFEST.format("hidden"), "other/kit/agents/folder.toml/x": "",
        "bad/assemble.toml": f'root = ".."\nunknown = 1\n[target.claude-code]\n{output}',
        "bad/agents/delta.toml": delta,
        "worse/assemble.toml": "root = \n", "worse/agents/delta.toml": delta,
        "narrow/assemble.toml": f"[target.claude-code]\n{output}", "narrow/agents/delta.toml": delta,
        "module/assemble.toml": f'root = ".."\n[target.claude-code]\n{output}', "module/agents/delta.toml": delta,
        "module/.git": "gitdir: ../.git/modules/module\n", "none/delta.toml": delta,
    })  # fmt: skip
    (beside.folder / "other/kit/agents/linked.toml").symlink_to("/etc/hostname")
    os.mkfifo(beside.folder / "other/kit/agents/fifo.toml")
    assert intruders(beside) == []
    beside.write({f".claude/agents/{name}": content})
    assert intruders(beside) == [f".claude/agents/{name}"]


@pytest.mark.parametrize("source", ["../../agents/alpha.toml", "../../agents/gone.toml"])
@pytest.mark.parametrize("name", ["copy.md", ".x/copy.md", ".alpha.md", "alpha.MD", "Alpha.md", "team/alpha.md"])
def test_a_copy_of_a_generated_file_is_reported(source: str, name: str, beside: Workbench) -> None:
    text = beside.read(".claude/agents/alpha.md").replace("../../agents/alpha.toml", "../" * name.count("/") + source)
    beside.write({f".claude/agents/{name}": text})
    assert intruders(beside) == [f".claude/agents/{name}"]


def test_a_copy_in_another_folder_of_the_client_is_reported(bench: Workbench) -> None:
    exclusive(bench, "opencode").write({".opencode/agent/alpha.md": bench.read(".opencode/agents/alpha.md")})
    assert intruders(bench) == [".opencode/agent/alpha.md"]


@pytest.mark.parametrize("edit", [
    lambda text: text + "Edited.\n",
    lambda text: text.replace("<!-- Generated", "<!-- Generatd"),
    lambda text: text.replace("sha256:", "sha256:0"),
    lambda text: text.replace("\n<!-- Generated", "\nYou do.\n\n<!-- Generated"),
])  # fmt: skip
def test_an_edited_file_of_another_kit_is_an_intruder(edit: Callable[[str], str], beside: Workbench) -> None:
    path = ".claude/agents/beta.md"
    beside.write({path: edit(beside.read(path))})
    assert intruders(beside) == [path]


def test_a_target_of_another_kit_is_taken_from_its_settings(beside: Workbench) -> None:
    path = "other/kit/assemble.toml"
    beside.write({path: 'targets = ["gemini"]\n' + beside.read(path)})
    assert intruders(beside) == [".claude/agents/beta.md"]


def test_the_kit_of_a_manifest_can_be_further_up(beside: Workbench) -> None:
    beside.write({"other/kit/agents/_blocks/block.md": "A block.\n"})
    assert intruders(beside) == []


def test_another_kit_can_write_to_a_folder_that_only_other_clients_own(bench: Workbench) -> None:
    exclusive(bench, "copilot").write({"other/agents/beta.toml": MANIFEST.format("beta")})
    bench.write({"other/assemble.toml": 'root = ".."\n[target.claude-code]\noutput = "../.claude/agents/{name}.md"\n'})
    bench.run("--all", "--kit", "other")
    assert intruders(bench) == []
    bench.write({".claude/agents/gamma.md": ROGUE})
    assert intruders(bench) == [".claude/agents/gamma.md"]


def test_a_change_of_another_kit_is_noticed_with_the_run_cache(beside: Workbench) -> None:
    settings = "other/kit/assemble.toml"
    before = beside.read(settings)
    for _ in range(2):
        assert beside.run("--all", "--check").status == 0
    beside.write({settings: before.replace(".claude/agents", "elsewhere")})
    assert beside.run("--all", "--check").status == 1
    beside.write({settings: before})
    assert beside.run("--all", "--check").status == 0
    (beside.folder / ".claude/agents/link.md").symlink_to("nowhere")
    assert beside.run("--all", "--check").status == 1
