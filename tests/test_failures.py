"""Unusual kits, mistakes and attacks: none makes a run fail or write the wrong thing, and each is reported once."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Workbench, leave_temporary_file
from forkserver import COMMAND, ForkServer
from kei_assembler.build.cost import Cost
from kei_assembler.build.orphans import find_orphans
from kei_assembler.loader import load_kit

AGENT = 'name = "{0}"\ndescription = "Does {0}."\n'
A = {"agents/a.toml": AGENT.format("a")}
OUT = '[target.claude-code]\noutput = "{}"\n'


def _codes(stderr: str) -> list[str]:
    return [line.split("[", 1)[1][:4] for line in stderr.splitlines() if ": error[" in line or ": warning[" in line]


def test_prune_deletes_nothing_through_a_link(bench: Workbench) -> None:
    bench.write(A)
    bench.run("--all")
    (bench.folder / "agents" / "old.md").symlink_to("a.md")
    assert bench.run("--all", "--prune").status == 0
    assert (bench.folder / "agents" / "a.md").is_file()


@pytest.mark.parametrize("cwd", ["/", ".", "tools", "tools/kit/agents"])
def test_a_stamp_does_not_depend_on_the_working_directory(bench: Workbench, cwd: str) -> None:
    settings = 'root = "../.."\n' + OUT.format("../../.claude/agents/{name}.md")
    bench.write({"tools/kit/agents/a.toml": AGENT.format("a"), "tools/kit/assemble.toml": settings})
    bench.run("--kit", str(bench.folder / "tools/kit"), "--all", cwd=cwd)
    assert "from ../../tools/kit/agents/a.toml." in bench.read(".claude/agents/a.md")


def test_a_file_of_a_nested_kit_is_not_an_orphan(bench: Workbench) -> None:
    inner = 'root = "../.."\n' + OUT.format("../../.claude/agents/{name}.md")
    bench.write({"tools/kit/agents/b.toml": AGENT.format("b"), "tools/kit/assemble.toml": inner})
    bench.write(A | {"assemble.toml": OUT.format(".claude/agents/{name}.md")})
    bench.run("--all", cwd="tools/kit")
    assert bench.run("--all", "--prune").status == 0
    assert (bench.folder / ".claude/agents/b.md").is_file()


def test_two_kits_do_not_overwrite_each_other(bench: Workbench) -> None:
    settings = 'root = ".."\n' + OUT.format("../out/{name}.md")
    bench.write({f"{kit}/agents/a.toml": AGENT.format("a") for kit in ("one", "two")})
    bench.write({f"{kit}/assemble.toml": settings for kit in ("one", "two")})
    assert bench.run("--all", cwd="one").status == 0
    run = bench.run("--all", cwd="two")
    assert (run.status, _codes(run.stderr)) == (1, ["O605"])
    assert "from ../one/agents/a.toml." in bench.read("out/a.md")


@pytest.mark.parametrize(
    ("blocks", "codes"),
    [("", ["B203"]), ("blocks = []", ["B203"]), ('blocks = ["base-lax"]', ["B203"]), ('blocks = ["bsae"]', ["B201"])],
)
def test_obligatory_blocks_cannot_be_avoided(bench: Workbench, blocks: str, codes: list[str]) -> None:
    bench.write({"agents/a.toml": AGENT.format("a") + blocks, "assemble.toml": 'obligatory = ["base"]'})
    bench.write({"_blocks/base.md": "Base.", "_blocks/base-lax.md": "Lax."})
    run = bench.run("--all")
    assert (run.status, _codes(run.stderr)) == (1, codes)


def test_a_link_from_one_output_to_another_is_refused(bench: Workbench) -> None:
    bench.write(A | {"agents/b.toml": AGENT.format("b")})
    (bench.folder / "agents" / "a.md").symlink_to("b.md")
    run = bench.run("--all")
    assert (run.status, _codes(run.stderr)) == (1, ["O613"])


def test_an_agent_needs_a_name_despite_the_settings(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'description = "A."\n', "assemble.toml": "required = []\n"})
    run = bench.run("--all")
    assert (run.status, _codes(run.stderr)) == (1, ["K103"])


@pytest.mark.parametrize(
    "expression",
    ["agent.name.upper", "range", "self.role", "'x' | map('upper')", "agent.count", "agent.index", "''.__class__",
     "'a' * 9", "2 ** 9", "'%9d' % 1", "'a'.ljust(9)", "'a'.encode()", "(1).to_bytes(9, 'big')", "agnt", "agent.nme",
     "[1].append(2)", "agent.name.foo", "[1] | random", "lipsum()", "cycler", "joiner", "dict()", "namespace()",
     "[1] | batch(9) | list", "[1] | tojson", "range(10 ** 9)", "range(999999999) | list", "'\\ud800'"],
)  # fmt: skip
def test_a_forbidden_template_expression_is_a_finding_with_its_line(bench: Workbench, expression: str) -> None:
    bench.write(A | {"templates/agent.md.j2": f"You.\n\n{{{{ {expression} }}}}\n"})
    run = bench.run("--all")
    assert (run.status, run.stdout, _codes(run.stderr)) == (1, "", ["O603"])
    assert "help: found while rendering agents/a.toml" in run.stderr
    assert not any(word in run.stderr for word in ("Traceback", "vars()", "kei_assembler", "object at 0x"))


@pytest.mark.parametrize(
    "template",
    ["{% include 'agent.md.j2' %}", "{% extends 'no.md.j2' %}", "{% include '../agents/a.toml' %}", "{% if %}", "{{",
     "{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{% for a in b %}"],
)  # fmt: skip
def test_a_failing_template_is_a_finding(bench: Workbench, template: str) -> None:
    bench.write(A | {"templates/agent.md.j2": template})
    run = bench.run("--all")
    assert (run.status, run.stdout, _codes(run.stderr)) == (1, "", ["O603"])


def test_loops_in_templates_have_their_index(bench: Workbench) -> None:
    bench.write(A | {"templates/agent.md.j2": "{% for x in 'ab' %}{{ loop.index }}{{ x }} {% endfor %}"})
    assert bench.run("--stdout", "agents/a.toml").stdout.endswith("\n\n1a 2b\n")


def test_a_failing_template_makes_no_orphans(bench: Workbench) -> None:
    bench.write(A)
    bench.run("--all")
    bench.write({"templates/agent.md.j2": "{{ agent.nme }}"})
    run = bench.run("--all", "--check", "--diff")
    assert (run.status, run.stdout) == (1, "")
    assert "orphan" not in run.stderr


@pytest.mark.parametrize("value", ["2020-01-01", "12:00:00", "inf", "nan"])
@pytest.mark.parametrize(
    "key",
    [
        "hooks.Stop = [{{hooks = [{{type = 'mcp_tool', server = 's', tool = 't', input = {{d = {}}}}}]}}]",
        "mcpServers = [{{d = {}}}]",
        "mcpServers = {{a = {{command = 'c', b = [{}]}}}}",
        "hooks.Stop = [{{hooks = [{{type = 'command', command = 'c', timeout = {}}}]}}]",
    ],
)
def test_front_matter_takes_json_values(bench: Workbench, key: str, value: str) -> None:
    bench.write({"agents/a.toml": f"{AGENT.format('a')}[target.claude-code]\n{key.format(value)}\n"})
    run = bench.run("--all")
    assert (run.status, _codes(run.stderr)) == (1, ["K102"])
    assert "agents/a.toml:4:" in run.stderr


def _assemble(folder: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "kei_assembler", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=20)


@pytest.mark.parametrize("output_format", ["text", "json", "github", "gitlab", "junit", "sarif"])
@pytest.mark.parametrize("folder", [b"\xff", b"a\nb", b"a --> b", b"a\x1b[31m"])
def test_paths_that_no_file_can_name_are_findings(
    tmp_path: Path, forkserver: ForkServer, folder: bytes, output_format: str
) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"agents", folder)
    os.makedirs(path)
    Path(os.fsdecode(path), "a.toml").write_text(AGENT.format("a"))
    run = forkserver.run(tmp_path, ["--all", "--output-format", output_format])
    assert (run.returncode, b"O614" in run.stdout + run.stderr) == (1, True)
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("{assemble} --all >&-", 0),
        ("{assemble} --all 2>&-", 0),
        ("mkdir gone && cd gone && rmdir ../gone && {assemble} --all", 2),
    ],
)
def test_a_closed_stream_or_a_deleted_folder_shows_no_traceback(tmp_path: Path, script: str, status: int) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "a.toml").write_text(AGENT.format("a"))
    command = ["bash", "-c", script.format(assemble=f"{sys.executable} -m kei_assembler")]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (run.returncode, b"Traceback" in run.stderr) == (status, False), run.stderr


IN_A_DELETED_FOLDER = """
import os
os.mkdir("gone")
os.chdir("gone")
os.rmdir("../gone")
"""


@pytest.mark.parametrize("args", ["a.toml", f"--all --kit {os.sep}", "new x", f"new x --kit {os.sep}", "init", "watch"])
def test_every_command_says_that_its_folder_is_deleted(tmp_path: Path, forkserver: ForkServer, args: str) -> None:
    run = forkserver.run(tmp_path, args.split(), code=IN_A_DELETED_FOLDER + COMMAND)
    assert (run.returncode, run.stderr[:7]) == (2, b"error: ")


@pytest.mark.parametrize(
    ("manifest", "codes"),
    [
        ("[target.claude-code.hooks]\nStop = []\nrole = 'You.'\n", ["K110"]),
        ("[handoff]\ntarget = 'b'\ntrigger = 'x'\nmodel = 'opus'\n", ["K102"]),
        ("[reference]\nextra = []\nmodel = 'opus'\n", ["K101"]),
        ("[[handof]]\ntarget = 'b'\nmodel = 'opus'\n", ["K101"]),
        ("references = {extra = [], model = 'opus'}\n", ["K110"]),
        ("model = 'opus'\nhandoff = ['b']\ntools = ['Read']\n", ["K102"]),
    ],
)
def test_one_cause_is_one_finding(bench: Workbench, manifest: str, codes: list[str]) -> None:
    required = 'required = ["name", "model"]\n' if "model" in manifest else ""
    bench.write({"agents/a.toml": AGENT.format("a") + manifest, "assemble.toml": required})
    run = bench.run("--all")
    assert (run.status, _codes(run.stderr)) == (1, codes), run.stderr


def test_each_template_error_is_reported_in_one_run(bench: Workbench) -> None:
    template = "One\u200b.\nTwo.\nThree\u200b.\n"
    bench.write(A | {"agents/b.toml": AGENT.format("b"), "templates/agent.md.j2": template})
    bench.write({"templates/gemini/agent.md.j2": template})
    run = bench.run("--all", "--target", "claude-code", "--target", "gemini")
    places = [line.partition(": error[T406]")[0] for line in run.stderr.splitlines() if "error[T406]" in line]
    files = ("templates/agent.md.j2", "templates/gemini/agent.md.j2")
    assert places == [f"{file}:{location}" for file in files for location in ("1:4", "3:6")]


def test_a_folder_outside_is_reported_once_for_all_agents(bench: Workbench) -> None:
    bench.write({f"agents/{name}.toml": AGENT.format(name) for name in "abc"})
    (bench.folder / "out").symlink_to("/")
    bench.write({"assemble.toml": OUT.format("out/{name}.md")})
    assert _codes(bench.run("--all").stderr) == ["O601"]


SERVERS = "target.claude-code.mcpServers"
ALLOWED = """
[[allow-rights]]
agent = "a"
rights = ["claude-code.mcpServers"]
reason = "its own database"
"""


@pytest.mark.parametrize(
    "servers",
    [
        f"[{SERVERS}]\ndb = {{ command = 'db', env = {{ role = 'reader' }} }}\n",
        f"[{SERVERS}.db]\ncommand = 'db'\nenv = {{\n  role = 'reader',\n}}\n",
        f"[{SERVERS}.db]\ncommand = 'db'\nenv.role = 'reader'\n",
        f"[{SERVERS}.references]\ncommand = 'db'\n",
        f"[{SERVERS}.blocks]\ncommand = 'db'\n",
        f"{SERVERS}.db = {{ command = 'db', env = {{ role = 'reader' }} }}\n",
    ],
)
def test_a_server_may_have_keys_that_manifests_have(bench: Workbench, servers: str) -> None:
    bench.write({"agents/a.toml": AGENT.format("a") + servers, "assemble.toml": ALLOWED})
    run = bench.run("--all")
    assert (run.status, run.stderr) == (0, "1 agent, 1 file: 1 created\n")


@pytest.mark.parametrize(
    ("header", "own"),
    [
        (f"[{SERVERS}.db]\ncommand = 'db'", "db = { role = … }"),
        (f"  [{SERVERS}.db] # its own\ncommand = 'db'\n[{SERVERS}.db.env]", "env = { role = … }"),
        (f"[{SERVERS}.role]\ncommand = 'db'", "role = { role = … }"),
    ],
)
def test_a_key_below_the_header_of_a_server_is_astray_and_can_say_otherwise(
    bench: Workbench, header: str, own: str
) -> None:
    bench.write({"agents/a.toml": f"{AGENT.format('a')}{header}\n\nrole = 'reader'\n", "assemble.toml": ALLOWED})
    run = bench.run("--all")
    assert (run.status, _codes(run.stderr)) == (1, ["K110"])
    assert f"move it above line 3, the manifest's first table header; to keep it in this table, write `{own}`" in (
        run.stderr
    )


@pytest.mark.parametrize(
    ("pattern", "old"),
    [("./out/{name}.md", "out/old.md"), ("out//{name}.md", "out/old.md"), ("out/{name}/agent.md", "out/old/agent.md"),
     ("{dir}/md/{name}.md", "agents/md/old.md"), ("{name}.md", "old.md"), ("{name}{name}.md", "oldold.md"),
     ("out/{name}/{name}.md", "out/old/old.md"), ("out/a{name}/{dir}/{name}.md", "out/aold/agents/old.md")],
)  # fmt: skip
def test_orphans_are_found_with_every_output_pattern(bench: Workbench, pattern: str, old: str) -> None:
    bench.write(A | {"agents/old.toml": AGENT.format("old"), "assemble.toml": OUT.format(pattern)})
    assert bench.run("--all").status == 0
    (bench.folder / "agents" / "old.toml").unlink()
    assert bench.run("--all", "--check").stdout == f"orphan {old} [O611]\n"


@pytest.mark.parametrize("manifests", ["packages", ".", ".hidden/packages", "packages/deep"])
@pytest.mark.parametrize(
    "pattern",
    ["{dir}/.claude/agents/{name}.md", "out/{dir}/.gen/{name}.md", "out/.{name}.md", "out/{dir}-gen/{name}.md",
     "out/{name}-{dir}.md", "{dir}.out/{name}.md", "{dir}.md/{name}.md", ".{name}/of-{dir}/agent.md",
     "out-{dir}/{name}.md", "out/{name}/{dir}.md", "./out/{dir}/./{name}.md", "out/{name}.md/{dir}",
     "out/{subdir}/{name}.md", ".out/{subdir}/.in/{name}.md", "out/{subdir}/in/{name}/{name}.md"],
)  # fmt: skip
def test_orphans_are_found_wherever_a_pattern_leads(bench: Workbench, pattern: str, manifests: str) -> None:
    bench.write({f"{manifests}/{file}.toml": AGENT.format(file[-1]) for file in ("a", "x/b", "x/y/c", "x/z")})
    bench.write({"assemble.toml": f'manifests = "{manifests}"\n' + OUT.format(pattern)})
    before = bench.files()
    assert bench.run("--all").status == 0
    made = bench.files().keys() - before
    for file in ("a", "x/b", "x/y/c"):
        (bench.folder / manifests / f"{file}.toml").unlink()
    run = bench.run("--all", "--prune")
    assert (run.status, run.stdout.count("deleted "), len(made & bench.files().keys())) == (0, 3, 1)


@pytest.mark.parametrize(
    ("pattern", "entered"),
    [("agents/{name}.md", ["agents"]), (".claude/agents/{name}.md", ["agents"]),
     ("{dir}/{name}.md", ["agents"]), ("{dir}/.gen/{name}.md", ["agents"]), ("{dir}.out/{name}.md", [".", "agents"]),
     ("out/.{name}.md", ["agents", "out", "out/in"]), (".{dir}/{name}.md", ["agents"]),
     (".{name}/a.md", [".", ".claude", ".venv", "agents"])],
)  # fmt: skip
def test_only_folders_that_match_the_pattern_are_searched(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, pattern: str, entered: list[str]
) -> None:
    bench.write(A | {"assemble.toml": OUT.format(pattern)})
    bench.write({f"{folder}/x": "" for folder in (".git", ".venv/in", "node_modules/in", "out/in")})
    bench.write({f"{folder}/x": "" for folder in ("agents/.git/in", "agents/.venv/in", ".claude/agents/in")})
    scandir, looked = os.scandir, set()
    monkeypatch.chdir(bench.folder)

    def noting(path: str) -> object:
        looked.add(os.path.relpath(path, bench.folder))
        return scandir(path)

    kit = load_kit(str(bench.folder))
    monkeypatch.setattr(os, "scandir", noting)
    find_orphans(kit, known={}, targets=(), cost=Cost(kit))
    assert set(filter(os.path.isdir, looked)) == {*entered, ".claude/agents", ".claude/agents/in"}


def test_a_temporary_file_of_another_run_is_not_an_orphan(bench: Workbench) -> None:
    bench.write(A | {"assemble.toml": OUT.format("out/.{name}.tmp")})
    bench.run("--all")
    half = leave_temporary_file(bench.folder / "out", bench.read("out/.a.tmp"))
    with half.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert bench.run("--all", "--prune").stdout == ""
    assert half.is_file()


def test_orphans_are_found_if_manifests_are_at_the_top(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'manifests = "."\n', "old.toml": AGENT.format("old"), "a.toml": AGENT.format("a")})
    bench.run("--all")
    (bench.folder / "old.toml").unlink()
    assert bench.run("--all", "--check").stdout == "orphan old.md [O611]\n"


def test_an_output_folder_outside_is_one_finding(bench: Workbench) -> None:
    bench.write({f"agents/{name}.toml": AGENT.format(name) for name in "abc"})
    bench.write({"assemble.toml": OUT.format("../{name}.md")})
    assert _codes(bench.run("--all").stderr) == ["O601"]


def test_conflict_markers_in_the_code_of_a_block_are_allowed(bench: Workbench) -> None:
    shown = "```\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n```\n"
    bench.write({"agents/a.toml": AGENT.format("a") + 'blocks = ["git"]\n', "_blocks/git.md": f"{shown}\nText.\n"})
    bench.run("--all")
    bench.write({"agents/a.md": bench.read("agents/a.md").replace("Text", "Edit")})
    assert "unfinished merge" not in bench.run("--all", "--check").stderr


CONFLICT = "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n"
TORN = {
    "a role": 'role = """\nYou review.\n' + CONFLICT.format("Be kind.", "Be honest.") + '"""\n',
    "a role of joined lines": 'role = """\nYou \\\n' + CONFLICT.format("are kind. \\", "are honest. \\") + 'So.\n"""\n',
    "a role with a tag": 'role = """\n<rules>\n' + CONFLICT.format("Be kind.", "Be honest.") + '</rules>\n"""\n',
    "a list's entry": 'domain_in = ["""\n' + CONFLICT.format("Code", "Tests") + '"""]\n',
    "another line of a table": '[target.claude-code]\ninitialPrompt = """\n' + CONFLICT.format("Go", "Wait") + '"""\n',
}


@pytest.mark.parametrize("rest", TORN.values(), ids=TORN)
def test_a_manifest_is_refused_at_its_first_conflict_marker(rest: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a") + rest})
    line = bench.line_of("agents/a.toml", "<<<<<<< HEAD")
    run = bench.run("--all")
    assert f"agents/a.toml:{line}:1: error[T405] the file has an unfinished merge\n" in run.stderr
    assert (run.status, _codes(run.stderr), run.stdout) == (1, ["T405"], "")


def test_conflict_markers_in_the_code_of_a_role_are_allowed(bench: Workbench) -> None:
    shown = "```\n" + CONFLICT.format("a", "b") + "```\n"
    bench.write({"agents/a.toml": f'{AGENT.format("a")}role = """\nSettle these:\n\n{shown}"""\n'})
    assert bench.run("--all").status == 0
    assert shown in bench.read("agents/a.md")


@pytest.mark.parametrize("text", ["{}", "```\n{}```\n", '{{% extends "default/agent.md.j2" %}}\n{}'])
@pytest.mark.parametrize("file", ["templates/agent.md.j2", "templates/claude-code/agent.md.j2"])
def test_a_template_with_conflict_markers_is_refused(text: str, file: str, bench: Workbench) -> None:
    bench.write(A | {file: text.format(CONFLICT.format("Be kind.", "Be honest."))})
    line = bench.line_of(file, "<<<<<<< HEAD")
    run = bench.run("--all")
    assert f"{file}:{line}:1: error[T405] the file has an unfinished merge\n" in run.stderr
    assert (run.status, _codes(run.stderr), run.stdout) == (1, ["T405"], "")


def test_a_block_with_conflict_markers_within_a_tag_is_refused(bench: Workbench) -> None:
    rule = f"<rules>\n{CONFLICT.format('Be kind.', 'Be honest.')}</rules>\n"
    bench.write({"agents/a.toml": AGENT.format("a") + 'blocks = ["rule"]\n', "_blocks/rule.md": rule})
    assert "_blocks/rule.md:2:1: error[T405] the file has an unfinished merge\n" in bench.run("--all").stderr


def test_a_merge_between_keys_is_reported_as_a_merge(bench: Workbench) -> None:
    sides = '<<<<<<< HEAD\nmodel = "opus"\n=======\nmodel = "haiku"\n>>>>>>> other\n'
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n' + sides})
    assert _codes(bench.run("--all").stderr) == ["T405"]


TO_B = AGENT.format("a") + '[[handoff]]\ntarget = "b"\ntrigger = "t"\n'
ONLY = 'targets = ["{}"]\n'
B = AGENT.format("b") + 'role = "You do b."\n'


def _handing_off(own: str, others: str) -> dict[str, str]:
    return {"agents/a.toml": own + TO_B, "agents/b.toml": others + B}


THREE = 'targets = ["claude-code", "gemini", "cursor"]\n'
OUT_OF_REACH = [
    (ONLY.format("claude-code"), ONLY.format("codex"), (), "Claude Code"),
    ("", ONLY.format("codex"), (), "Claude Code"),
    (ONLY.format("cursor"), "", (), "Cursor"),
    (THREE, ONLY.format("gemini"), (), "Claude Code and Cursor"),
    (THREE, ONLY.format("gemini"), ("--target=cursor",), "Cursor"),
    (THREE, ONLY.format("gemini"), ("--target=gemini",), ""),
    (ONLY.format("claude-code"), ONLY.format("codex"), ("--target=codex",), ""),
    (ONLY.format("gemini"), THREE, (), ""),
]


@pytest.mark.parametrize(("own", "others", "args", "lacking"), OUT_OF_REACH)
def test_a_handoff_to_an_agent_without_the_target_is_reported(
    own: str, others: str, args: tuple[str, ...], lacking: str, bench: Workbench
) -> None:
    bench.write(_handing_off(own, others))
    lines = [line for line in bench.run("--all", *args).stderr.splitlines() if "[H306]" in line]
    line = _line_of(bench, 'target = "b"')
    message = f"agents/a.toml:{line}:1: warning[H306] the agent `b` is not generated for {lacking}"
    assert lines == ([message] if lacking else [])


def test_targets_of_an_invalid_agent_are_not_checked(bench: Workbench) -> None:
    bench.write(_handing_off("", ONLY.format("codex") + "x = 1\n"))
    assert _codes(bench.run("--all").stderr) == ["K101"]


def _line_of(bench: Workbench, text: str) -> int:
    return bench.line_of("agents/a.toml", text)


def test_an_external_agent_can_have_any_target(bench: Workbench) -> None:
    settings = {"assemble.toml": 'external-agents = ["b"]\n'}
    bench.write(_handing_off(ONLY.format("claude-code"), ONLY.format("codex")) | settings)
    assert bench.run("--all", "--strict").status == 0


def test_targets_of_other_agents_are_checked_only_with_all(bench: Workbench) -> None:
    bench.write(_handing_off("", ONLY.format("codex")))
    assert bench.run("agents/a.toml").stderr == "1 agent, 1 file: 1 created\n"


def test_a_long_line_of_spaces_is_fast(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "a.toml").write_text(AGENT.format("a") + 'role = "You."\n')
    _assemble(tmp_path, "--all")
    with (tmp_path / "agents" / "a.md").open("a") as output:
        output.write("a" + " " * 400_000 + "b | " + " " * 400_000 + "|\n")
    assert _assemble(tmp_path, "--all", "--check").returncode == 1


@pytest.mark.parametrize("name", ["agents/a.md", "agents/z.md"])
def test_a_fifo_among_the_outputs_does_not_hang_the_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "a.toml").write_text(AGENT.format("a"))
    os.mkfifo(tmp_path / name)
    run = _assemble(tmp_path, "--all", "--check")
    assert (run.returncode, b"O606" in run.stderr) == (1, name == "agents/a.md")


def test_force_does_not_overwrite_a_source(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a") + 'blocks = ["base"]\n', "_blocks/base.md": "Base.\n"})
    (bench.folder / "agents" / "a.md").symlink_to("../_blocks/base.md")
    assert _codes(bench.run("--all", "--force").stderr) == ["O602"]
    (bench.folder / "agents" / "a.md").unlink()
    bench.write({"_blocks/a.md": "Other.\n", "assemble.toml": OUT.format("_blocks/{name}.md")})
    assert _codes(bench.run("--force", "agents/a.toml").stderr) == ["O602"]
    assert (bench.read("_blocks/base.md"), bench.read("_blocks/a.md")) == ("Base.\n", "Other.\n")


def test_force_does_not_overwrite_a_template(bench: Workbench) -> None:
    bench.write({"agents/agent.toml": AGENT.format("agent"), "templates/claude-code/agent.md.j2": "Mine.\n"})
    bench.write({"assemble.toml": OUT.format("templates/claude-code/{name}.md.j2")})
    assert _codes(bench.run("--all", "--force").stderr) == ["O602"]
    assert bench.read("templates/claude-code/agent.md.j2") == "Mine.\n"


def test_staged_outside_of_git_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "a.toml").write_text(AGENT.format("a"))
    assert _assemble(tmp_path, "--all", "--staged").returncode == 2
    assert not (tmp_path / "agents" / "a.md").exists()


@pytest.mark.parametrize("rest", ['role = "  "\n', "[references]\nextra = []\n", "role = ''\n"])
def test_required_keys_must_not_be_empty(bench: Workbench, rest: str) -> None:
    key = "references" if "references" in rest else "role"
    bench.write({"agents/a.toml": AGENT.format("a") + rest, "assemble.toml": f'required = ["{key}"]\n'})
    run = bench.run("--all")
    assert (_codes(run.stderr), f"`{key}` is empty" in run.stderr) == (["K103"], True)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("role", "write `role = …` above the first table header"),
        ("handoff", "add a `[[handoff]]` at the end of the file"),
        ("references", "add `[references]` at the end of the file"),
        ("target", "add a `[target.…]` at the end of the file"),
    ],
)
def test_a_missing_key_says_where_it_belongs(key: str, hint: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a"), "assemble.toml": f'required = ["{key}"]\n'})
    assert f"help: the kit requires it; {hint}\n" in bench.run("--all").stderr


def test_a_placeholder_spelled_with_escapes_is_found(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "\\u007b{X}}"\n'})
    assert _codes(bench.run("--all").stderr) == ["T401"]


@pytest.mark.parametrize(
    ("role", "body"),
    [("\n\n    code\n    more   \n", "    code\n    more\n"), ("   You.\n \n", "You.\n"), ("\tcode", "\tcode\n")],
)
def test_code_at_the_start_of_a_role_keeps_its_indent(bench: Workbench, role: str, body: str) -> None:
    bench.write({"agents/a.toml": f"{AGENT.format('a')}role = {role!r}\n".replace("'", '"')})
    assert bench.run("--stdout", "agents/a.toml").stdout.endswith(f"\n\n# ROLE\n\n{body}")


def test_annotations_use_paths_from_the_top_of_the_work_tree(bench: Workbench) -> None:
    bench.write({"tools/kit/agents/a.toml": AGENT.format("b")})
    report = bench.run("--kit", "tools/kit", "--all", "--output-format", "github").stdout
    assert report.startswith("::error file=tools/kit/agents/a.toml,line=1,")
    report = bench.run("--kit", "..", "--all", "--output-format", "github", cwd="tools/kit/agents").stdout
    assert report.startswith("::error file=tools/kit/agents/a.toml,line=1,")


@pytest.mark.parametrize("kit", [".config/kit", "..kit", ".kit"])
def test_a_hidden_folder_is_treated_like_any_other(bench: Workbench, kit: str) -> None:
    bench.write({f"{kit}/agents/a.toml": AGENT.format("b")})
    report = bench.run("--kit", kit, "--all", "--output-format", "github").stdout
    assert report.startswith(f"::error file={kit}/agents/a.toml,line=1,")


@pytest.fixture
def drive(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kit that no relative path leads to, like another drive on Windows."""
    folder, relpath = bench.folder / "drive", os.path.relpath
    bench.write({"drive/kit/agents/a.toml": AGENT.format("a"), "here/x.txt": ""})

    def checked(path: str, start: str = ".") -> str:
        if len({Path(end).absolute().is_relative_to(folder) for end in (path, start)}) == 2:
            raise ValueError("path is on mount 'D:', start on mount 'C:'")
        return relpath(path, start)

    monkeypatch.setattr(os.path, "relpath", checked)
    return folder


def test_a_kit_on_another_drive_is_named_in_full(bench: Workbench, drive: Path) -> None:
    kit = str(drive / "kit")
    assert bench.run("--all", "--kit", kit, cwd="here") == (0, "created agents/a.md\n", "1 agent, 1 file: 1 created\n")
    assert bench.run(f"{kit}/agents/a.toml", "--check", cwd="here").status == 0
    assert bench.run("agents/a.toml", "--check", "--kit", kit, cwd="here").status == 0
    assert f"did you mean `{kit}/agents/a.toml`?" in bench.run(f"{kit}/agents/b.toml", cwd="here").stderr
    assert bench.run("new", "b", "--kit", kit, cwd="here").stdout == f"created {kit}/agents/b.toml\n"
    assert bench.run("x.txt", "--kit", kit, cwd="here").stderr.startswith(
        "error: `x.txt` is not a manifest of the kit in "
    )


def test_files_on_another_drive_are_imported(bench: Workbench, drive: Path) -> None:
    bench.write({"here/.claude/agents/c.md": "---\nname: c\ndescription: C.\n---\nYou.\n"})
    run = bench.run("import", ".claude/agents/c.md", "--kit", str(drive / "kit"), cwd="here")
    assert (run.status, run.stdout) == (0, f"created {drive}/kit/agents/c.toml\n")
    assert run.stderr.endswith(f"run: assemble --all --kit {drive}/kit\n")


def test_paths_relative_to_the_kit_work_from_anywhere(bench: Workbench) -> None:
    bench.write({"kit/agents/a.toml": AGENT.format("a")})
    assert bench.run("--kit", "kit", "agents/a.toml").stdout == "created agents/a.md\n"
