"""An import keeps what it cannot convert: no command that it recommends or runs destroys the only copy of a text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

import pytest

from conftest import Run, Workbench

HEAD = "name: {0}\ndescription: Does {0}.\n"
FOLDER = ".claude/agents"
CODEX = 'name = "critic"\ndescription = "D."\ndeveloper_instructions = "You."\n'


def _agent(name: str, more: str = "", body: str = "You work.") -> str:
    return f"---\n{HEAD.format(name)}{more}---\n\n{body}\n"


def _import(bench: Workbench, files: Mapping[str, str], *args: str) -> Run:
    bench.write(dict(files))
    return bench.run("import", ".", *args)


def _follow(bench: Workbench, run: Run, cwd: str = ".") -> list[int]:
    """Run the commands that the import recommends, and return their statuses."""
    commands = re.findall(r"^(?:next: .*)?then run: assemble (.*?)(?:, which .*)?$", run.stderr, re.MULTILINE)
    return [bench.run(*shlex.split(command), cwd=cwd).status for command in commands]


def _finish(bench: Workbench, run: Run) -> list[int]:
    """Also delete what the import leaves to people, and return the statuses of all commands."""
    statuses = _follow(bench, run)
    for line in run.stderr.splitlines():
        if match := re.fullmatch(r"(?:finally,|next: .*then) delete (.*) and run: assemble (.*)", line):
            kept = re.findall(r"^keep until .*: (.*)$", run.stderr, re.MULTILINE)
            files = re.split(", | and ", kept[0]) if match[1] == "the files that you kept" else shlex.split(match[1])
            for path in files:
                (bench.folder / path).unlink()
            statuses.append(bench.run(*shlex.split(match[2])).status)
    return statuses


LOSSES = {
    "a key of nobody": (f"{FOLDER}/critic.md", _agent("critic", "version: 2\n"), "I904"),
    "a value of nobody": (f"{FOLDER}/critic.md", _agent("critic", "permissionMode: always\n"), "I904"),
    "an empty value": (f"{FOLDER}/critic.md", _agent("critic", "mcpServers:\n  - a:\n      type:\n"), "I904"),
    "a tool of nobody": (f"{FOLDER}/critic.md", _agent("critic", "tools: [Read, [x]]\n"), "I907"),
    "a tool that would inherit": (f"{FOLDER}/critic.md", _agent("critic", "tools: Read, ...\n"), "I907"),
    "an entry that would inherit": (
        f"{FOLDER}/critic.md",
        _agent("critic", 'disallowedTools: ["...", Bash]\n'),
        "I904",
    ),
    "a server that would inherit": (f"{FOLDER}/critic.md", _agent("critic", 'mcpServers: ["..."]\n'), "I904"),
    "a tool of Qwen that would inherit": (".qwen/agents/critic.md", _agent("critic", 'tools: ["...", x y]\n'), "I904"),
    "a comment": (f"{FOLDER}/critic.md", _agent("critic", "# Ours.\n"), "I916"),
    "a comment after a value": (f"{FOLDER}/critic.md", _agent("critic", "model: opus # fast\n"), "I916"),
    "a comment that looks like text": (
        f"{FOLDER}/critic.md",
        "---\nname: critic\ndescription: Fix #1\n---\nB.\n",
        "I916",
    ),
    "a repeated key": (f"{FOLDER}/critic.md", _agent("critic", "model: opus\nmodel: haiku\n"), "I902"),
    "broken YAML": (f"{FOLDER}/critic.md", "---\nlost\nname: critic\ndescription: 'D\n---\nB.\n", "I902"),
    "a refused key": (".gemini/agents/critic.md", _agent("critic", "auth: oauth\n"), "I904"),
    "a line of Cursor": (".cursor/agents/critic.md", _agent("critic", "and more\n"), "I902"),
    "a key of Codex": (".codex/agents/critic.toml", f'{CODEX}notify = ["x"]\n', "I904"),
    "a comment in TOML": (".codex/agents/critic.toml", f"# Ours.\n{CODEX}", "I916"),
}


@pytest.mark.parametrize("what", LOSSES)
def test_a_file_with_more_than_its_manifest_is_not_overwritten(what: str, bench: Workbench) -> None:
    path, text, code = LOSSES[what]
    run = _import(bench, {path: text, f"{FOLDER}/other.md": _agent("other")})
    assert f"[{code}]" in run.stderr
    assert "--force" not in run.stderr or "agents/critic.toml" not in run.stderr.partition("--force")[2]
    assert f"keep until you have moved what the findings above name to the manifests: {path}\n" in run.stderr
    _follow(bench, run)
    assert bench.read(path) == text
    assert bench.run("import", ".", "--replace").status in (0, 1)
    assert bench.read(path) == text


@pytest.mark.parametrize("what", LOSSES)
def test_a_file_with_more_than_its_manifest_is_not_deleted(what: str, bench: Workbench) -> None:
    path, text, _ = LOSSES[what]
    old = path.replace("critic.", "old.")
    run = _import(bench, {old: text, f"{FOLDER}/other.md": _agent("other")}, "--replace")
    assert "rm " not in run.stderr
    _follow(bench, run)
    assert bench.read(old) == text


@pytest.mark.parametrize("text", [
    _agent("critic", "model: opus\ntools: Read, Read\n"),
    _agent("critic", 'skills: ["a #b", "c"]\n'),
    "---\nname: critic\ndescription: 'Fixes #1, and C# too'\n---\nB.\n",
    "---\nname: critic\ndescription: |\n  # Text\n  Not a comment.\n---\nB.\n",
    _agent("critic", body="# Heading\n\n```\n# not a comment\n```"),
])  # fmt: skip
def test_a_complete_import_is_taken_over(text: str, bench: Workbench) -> None:
    run = _import(bench, {f"{FOLDER}/critic.md": text})
    assert "keep until" not in run.stderr
    assert "assemble --all --force, which overwrites the imported files\n" in run.stderr
    assert _follow(bench, run) == [0]
    assert bench.run("--all", "--check").status == 0


REMOTE = "kind: remote\nname: {0}\ndescription: Calls.\nagent_card_url: https://x.example/{0}.json\n"


@pytest.mark.parametrize("front", [
    REMOTE.format("critic"),
    REMOTE.format("critic").replace("kind: remote\n", ""),
    "- kind: remote\n  name: a\n  agent_card_url: https://x.example\n- kind: remote\n  name: b\n",
    "\n# Ours.\n- name: a\n  kind: remote\n",
])  # fmt: skip
def test_a_remote_agent_is_kept(front: str, bench: Workbench) -> None:
    path, text = ".gemini/agents/critic.md", f"---\n{front}---\n"
    run = _import(bench, {path: text, ".gemini/agents/other.md": _agent("other")})
    assert (run.status, "warning[I915]" in run.stderr) == (0, True)
    assert "created agents/critic.toml" not in run.stdout
    _follow(bench, run)
    assert bench.read(path) == text


def test_why_a_key_is_never_written(bench: Workbench) -> None:
    run = _import(bench, {".codex/agents/critic.toml": f'{CODEX}notify = ["x"]\n'})
    assert "`assemble` never writes `notify`, because it runs a command" in run.stderr


RENAMED = {
    f"{FOLDER}/aaa.md": _agent("critic"),
    f"{FOLDER}/bbb.md": _agent("tester"),
    f"{FOLDER}/same.md": _agent("same"),
}


def test_the_next_steps_replace_the_old_files(bench: Workbench) -> None:
    run = _import(bench, RENAMED)
    assert run.stderr.splitlines()[-2:] == [
        "next: review the manifests, then run: assemble import --replace .claude/agents/aaa.md "
        ".claude/agents/bbb.md, which deletes the old files after generating the new",
        "then run: assemble --all --force, which overwrites the imported files",
    ]
    assert _follow(bench, run) == [0, 0]
    assert sorted(path for path in bench.files() if path.startswith(FOLDER)) == [
        f"{FOLDER}/{name}.md" for name in ("critic", "same", "tester")
    ]
    assert bench.run("--all", "--check", "--strict").status == 0


def test_no_step_builds_again_what_another_one_generates(bench: Workbench) -> None:
    old = {f"{FOLDER}/aaa.md": _agent("critic"), f"{FOLDER}/bbb.md": _agent("tester")}
    run = _import(bench, {**old, f"{FOLDER}/ccc.md": _agent("other", "# Ours.\n")})
    assert run.stderr.splitlines()[-3:] == [
        f"keep until you have moved what the findings above name to the manifests: {FOLDER}/ccc.md",
        f"next: review the manifests, then run: assemble import --replace {FOLDER}/aaa.md {FOLDER}/bbb.md, "
        "which deletes the old files after generating the new",
        "finally, delete the files that you kept and run: assemble --all",
    ]
    assert _finish(bench, run) == [0, 0]
    assert bench.run("--all", "--check", "--strict").status == 0


def test_steps_about_many_files_are_short(bench: Workbench) -> None:
    old = {f"{FOLDER}/old-{number}.md": _agent(f"agent-{number}") for number in range(12)}
    incomplete = {f"{FOLDER}/a{number}.md": _agent(f"b{number}", "# Ours.\n") for number in range(12)}
    run = _import(bench, {**old, **incomplete})
    keep, then, finally_ = run.stderr.splitlines()[-3:]
    assert keep.endswith(f"{FOLDER}/a6.md, {FOLDER}/a7.md and 2 more")
    command = "next: review the manifests, then run: assemble import --replace ."
    assert then == f"{command}, which deletes the old files after generating the new"
    assert finally_ == "finally, delete the files that you kept and run: assemble --all"
    assert _follow(bench, run) == [0]
    assert sorted(path for path in bench.files() if path.startswith(f"{FOLDER}/old-")) == []
    assert all((bench.folder / path).exists() for path in incomplete)


def _edit(bench: Workbench, path: str) -> None:
    bench.write({path: bench.read(path).replace('"Does', '"Always does')})


@pytest.mark.parametrize("builds_first", [False, True])
def test_the_next_steps_work_with_edited_manifests(bench: Workbench, builds_first: bool) -> None:
    run = _import(bench, RENAMED)
    for name in ("critic", "tester", "same"):
        _edit(bench, f"agents/{name}.toml")
    if builds_first:
        assert bench.run("--all", "--force").status == 1
    assert _follow(bench, run) == [0, 0]
    assert "Always does critic." in bench.read(f"{FOLDER}/critic.md")
    assert bench.run("--all", "--check", "--strict").status == 0


def test_the_next_steps_work_with_renamed_manifests(bench: Workbench) -> None:
    run = _import(bench, RENAMED)
    (bench.folder / "agents/critic.toml").rename(bench.folder / "agents/judge.toml")
    bench.write({"agents/judge.toml": bench.read("agents/judge.toml").replace('name = "critic"', 'name = "judge"')})
    assert _follow(bench, run) == [0, 0]
    assert sorted(path for path in bench.files() if path.startswith(FOLDER)) == [
        f"{FOLDER}/{name}.md" for name in ("judge", "same", "tester")
    ]


def test_shared_sections_and_names_of_their_own_do_not_stop_the_next_steps(bench: Workbench) -> None:
    body = "You work.\n\n## Honesty\n\nSay what you ran.\n"
    files = {f"{FOLDER}/{name}.md": _agent("critic", body=f"You are {name}.\n\n{body}") for name in "ab"}
    files[f"{FOLDER}/d.md"] = _agent("The D", body=body)
    run = _import(bench, files | {f"{FOLDER}/c.md": _agent("c", body=body)}, "--share")
    before = bench.files()
    assert _follow(bench, run) == [0, 0]
    assert {path for path in bench.files() if path.endswith(".toml")} <= before.keys()
    assert sorted(path for path in bench.files() if path.startswith(FOLDER)) == [
        f"{FOLDER}/{name}.md" for name in ("b", "c", "critic", "d")
    ]


def test_an_old_file_that_was_edited_after_its_import_is_kept(bench: Workbench) -> None:
    _import(bench, RENAMED)
    bench.write({f"{FOLDER}/aaa.md": f"{RENAMED[f'{FOLDER}/aaa.md']}More.\n"})
    run = bench.run("import", f"{FOLDER}/aaa.md", "--replace")
    assert (run.status, "note[I941]" in run.stderr) == (0, True)
    assert "More." in bench.read(f"{FOLDER}/aaa.md")


@pytest.mark.parametrize("name", ["critic", "old"])
@pytest.mark.parametrize("others", [
    {},
    {f"{FOLDER}/other.md": _agent("other")},
    RENAMED,
    {f"{FOLDER}/{file}.md": _agent(name) for file, name in ("ab", "bc", "cd", "xy", "yx")},
])  # fmt: skip
def test_the_next_steps_end_with_what_people_decide(bench: Workbench, name: str, others: dict[str, str]) -> None:
    path = f"{FOLDER}/{name}.md"
    run = _import(bench, {path: _agent("deployer" if name == "old" else name, "version: 2\n")} | others)
    steps = bench.run("import", ".", "--dry-run")
    assert "next:" not in steps.stderr
    assert set(_follow(bench, run)) <= {0}
    assert "version: 2" in bench.read(path)
    assert _finish(bench, run)[-1:] == [0]
    assert bench.run("--all", "--check", "--strict").status == 0


def test_the_next_steps_work_in_a_kit_with_a_root_above_it(bench: Workbench) -> None:
    output = '[target.claude-code]\noutput = "../.claude/agents/{name}.md"\n'
    bench.write({"kit/assemble.toml": f'root = ".."\n\n{output}', **RENAMED})
    run = bench.run("import", "../.claude", cwd="kit")
    assert _follow(bench, run, cwd="kit") == [0, 0]
    assert bench.run("--all", "--check", "--strict", "--kit", "kit").status == 0


def test_errors_come_first(bench: Workbench) -> None:
    run = _import(bench, {f"{FOLDER}/aaa.md": _agent("deployer", "permissionMode: bypassPermissions\n")})
    assert "\nnext: fix the errors above and review the manifests, then run: assemble import " in run.stderr


def test_the_next_steps_name_the_kit_and_the_client(bench: Workbench) -> None:
    bench.write({f"kit/{path}": text for path, text in RENAMED.items()})
    run = bench.run("import", "kit", "--kit", "kit", "--from", "claude-code")
    assert "assemble import --replace --from claude-code --kit kit kit/.claude/agents/aaa.md" in run.stderr
    assert _follow(bench, run) == [0, 0]
    assert bench.run("--all", "--check", "--kit", "kit").status == 0


def test_the_option_deletes_the_old_files_after_the_new_ones_are_generated(bench: Workbench) -> None:
    run = _import(bench, RENAMED, "--replace")
    assert run.status == 0
    assert run.stdout.splitlines()[-4:] == [
        *(f"created {FOLDER}/{name}.md" for name in ("critic", "tester")),
        *(f"deleted {FOLDER}/{name}.md" for name in ("aaa", "bbb")),
    ]
    assert "rm " not in run.stderr
    assert bench.read(f"{FOLDER}/same.md") == RENAMED[f"{FOLDER}/same.md"]
    assert _follow(bench, run) == [0]
    assert bench.run("--all", "--check", "--strict").status == 0


def test_a_later_import_can_delete_them(bench: Workbench) -> None:
    _import(bench, RENAMED)
    assert bench.run("--all", "--force").status in (0, 1)
    run = bench.run("import", FOLDER, "--replace")
    assert run.stdout.splitlines()[-2:] == [f"deleted {FOLDER}/aaa.md", f"deleted {FOLDER}/bbb.md"]
    assert bench.run("--all", "--check", "--strict").status == 0


def test_all_old_files_are_deleted_or_none(bench: Workbench) -> None:
    files = RENAMED | {f"{FOLDER}/critic.md": "My own notes.\n"}
    run = _import(bench, files, "--replace")
    assert (run.status, run.stderr.count("error[I917]"), "deleted" in run.stdout) == (1, 1, False)
    assert {path: bench.read(path) for path in files} == files


def test_an_agent_that_cannot_be_built_keeps_its_file(bench: Workbench) -> None:
    files = RENAMED | {f"{FOLDER}/ccc.md": _agent("deployer", "permissionMode: bypassPermissions\n")}
    run = _import(bench, files, "--replace")
    assert (run.status, "error[I917]" in run.stderr, "deleted" in run.stdout) == (1, True, False)
    assert {path: bench.read(path) for path in files} == files


def test_a_dry_run_deletes_nothing(bench: Workbench) -> None:
    bench.write(RENAMED)
    before = bench.files()
    run = bench.run("import", FOLDER, "--replace", "--dry-run")
    assert (run.status, bench.files()) == (0, before)
    assert "rm " not in run.stderr


def test_swapped_names_are_no_old_files(bench: Workbench) -> None:
    files = {f"{FOLDER}/x.md": _agent("y", body="You x."), f"{FOLDER}/y.md": _agent("x", body="You y.")}
    run = _import(bench, files, "--replace")
    assert {path: bench.read(path) for path in files} == files
    assert _follow(bench, run) == [0]
    assert ["You x." in bench.read(f"{FOLDER}/{name}.md") for name in "xy"] == [False, True]


def test_links_and_files_elsewhere_are_kept(bench: Workbench) -> None:
    bench.write({"shared/critic-of-ours.md": _agent("critic"), "vendor/tester-of-ours.md": _agent("tester")})
    (bench.folder / FOLDER).mkdir(parents=True)
    (bench.folder / FOLDER / "aaa.md").symlink_to("../../shared/critic-of-ours.md")
    run = bench.run("import", FOLDER, "vendor", "--replace")
    assert (run.status, "deleted" in run.stdout, "rm " in run.stderr) == (0, False, False)
    assert (bench.folder / FOLDER / "aaa.md").is_symlink()
    assert bench.read("vendor/tester-of-ours.md")


def test_a_manifest_that_exists_protects_the_file(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": 'name = "critic"\ndescription = "Another."\n'})
    run = _import(bench, {f"{FOLDER}/aaa.md": _agent("critic")}, "--replace")
    assert (run.status, "error[I908]" in run.stderr) == (1, True)
    assert bench.read(f"{FOLDER}/aaa.md") == _agent("critic")
