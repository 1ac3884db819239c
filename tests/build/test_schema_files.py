"""Generated schema files for editors: a build of the whole kit updates them, and a check fails if they are outdated."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from conftest import Workbench
from forkserver import COMMAND, ForkServer
from kei_assembler import Kit
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.schema_files import MANIFEST_SCHEMA, SETTINGS_SCHEMA
from kei_assembler.kit import json_schema
from kei_assembler.model.settings import SETTINGS

AGENT = 'name = "{0}"\ndescription = "Does {0}."\nblocks = ["baseline"]\n'
OUTPUT = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
ON_TWO_CORES = """\
import os
os.sched_getaffinity = lambda process: {0, 1}
os.register_at_fork(before=lambda: print("it forks"))
"""
CHANGES = {
    "an agent": {"agents/critic.toml": AGENT.format("critic")},
    "a block": {
        "_blocks/more.md": "More.\n",
        "agents/critic.toml": AGENT.format("critic").replace('e"]', 'e", "more"]'),
    },
    "a setting": {"assemble.toml": f'obligatory = ["baseline"]\nexternal-agents = ["general-purpose"]\n{OUTPUT}'},
}


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A new kit with an agent that its schema does not contain yet."""
    assert bench.run("init").status == 0
    schema = bench.read(MANIFEST_SCHEMA)
    bench.write(CHANGES["an agent"])
    assert bench.run("agents/critic.toml").status == 0
    bench.write({MANIFEST_SCHEMA: schema})
    return bench


def _is_up_to_date(bench: Workbench) -> bool:
    return bench.read(MANIFEST_SCHEMA) == bench.run("schema").stdout


@pytest.mark.parametrize("what", CHANGES)
def test_build_of_the_whole_kit_updates_the_schema(bench: Workbench, what: str) -> None:
    bench.run("init")
    bench.write(CHANGES[what])
    run = bench.run("--all")
    assert (run.status, run.stdout.splitlines()[-1]) == (0, f"renewed {MANIFEST_SCHEMA}")
    assert _is_up_to_date(bench)
    assert MANIFEST_SCHEMA not in bench.run("--all").stdout


@pytest.mark.parametrize("files", [["critic"], ["reviewer"], ["critic", "reviewer"]])
@pytest.mark.parametrize("what", CHANGES)
def test_build_of_single_manifests_updates_the_schema(bench: Workbench, files: list[str], what: str) -> None:
    bench.run("init")
    bench.write(CHANGES["an agent"] | CHANGES[what])
    args = [f"agents/{name}.toml" for name in files]
    assert bench.run("--check", *args).status == 1
    run = bench.run(*args)
    assert (run.status, run.stdout.splitlines()[-1]) == (0, f"renewed {MANIFEST_SCHEMA}")
    assert _is_up_to_date(bench)
    assert bench.run("--check", *args).status == 0
    assert MANIFEST_SCHEMA not in bench.run(*args).stdout


def test_the_command_in_a_stamp_leaves_the_kit_green(kit: Workbench) -> None:
    kit.write({"agents/tester.toml": AGENT.format("tester")})
    assert kit.run("agents/tester.toml").status == 0
    edited = kit.read("agents/tester.toml").replace("Does", "Always does")
    kit.write(
        {
            "agents/tester.toml": edited,
            "_blocks/more.md": "More.\n",
            "agents/critic.toml": AGENT.format("critic") + 'role = "R."\n',
        }
    )
    (command,) = re.findall(r"then run: assemble (\S+)", kit.read(".claude/agents/tester.md"))
    assert kit.run(command).status == 0
    assert kit.run("agents/critic.toml").status == 0
    assert kit.run("--all", "--check").status == 0


@pytest.mark.parametrize("name", ["critic", "reviewer"])
def test_single_build_reports_an_edited_schema(kit: Workbench, name: str) -> None:
    kit.write({MANIFEST_SCHEMA: kit.read(MANIFEST_SCHEMA).replace('"title": "', '"title": "My ', 1)})
    run = kit.run(f"agents/{name}.toml")
    assert (run.status, "error[O604]" in run.stderr) == (1, True)


def test_single_build_with_an_error_keeps_the_schema(kit: Workbench) -> None:
    kit.write({"agents/tester.toml": AGENT.format("tester") + "x = 1\n"})
    before = kit.files()
    assert kit.run("agents/tester.toml").status == 1
    assert kit.files() == before


@pytest.mark.parametrize("name", ["critic", "reviewer"])
def test_check_of_one_manifest_names_a_command_that_works(kit: Workbench, name: str) -> None:
    run = kit.run("--check", f"agents/{name}.toml")
    assert (run.status, run.stderr.splitlines()[-1]) == (1, f"to fix this, run: assemble agents/{name}.toml")
    assert kit.run(f"agents/{name}.toml").status == 0
    assert kit.run("--all", "--check").status == 0


def test_check_fails_and_says_how_to_update_it(kit: Workbench) -> None:
    before = kit.files()
    run = kit.run("--all", "--check")
    summary = "2 agents, 2 files: 2 unchanged; 1 schema to renew\nto fix this, run: assemble --all\n"
    assert run == (1, f"would renew {MANIFEST_SCHEMA} [O610]\n", summary)
    (found,) = json.loads(kit.run("--all", "--check", "--output-format", "json").stdout)["diagnostics"]
    assert (found["code"], found["file"], found["help"]) == (
        "O610",
        MANIFEST_SCHEMA,
        "to update it, run: assemble --all",
    )
    assert kit.files() == before
    assert kit.run("--all").status == kit.run("--all", "--check").status == 0


def test_git_can_apply_the_diff(kit: Workbench) -> None:
    run = kit.run("--all", "--diff")
    assert (run.status, run.stdout.startswith(f"--- a/{MANIFEST_SCHEMA}\n+++ b/{MANIFEST_SCHEMA}\n")) == (0, True)
    assert '+              "critic",' in run.stdout
    subprocess.run(["git", "apply"], input=run.stdout, text=True, cwd=kit.folder, check=True)
    assert _is_up_to_date(kit)


@pytest.mark.parametrize(
    "args",
    [
        ("--all", "--target", "claude-code"),
        ("--stdout", "agents/critic.toml"),
    ],
    ids=" ".join,
)
def test_run_on_part_of_the_kit_keeps_it(kit: Workbench, args: tuple[str, ...]) -> None:
    before = kit.files()
    assert kit.run(*args).status == 0
    assert kit.files() == before
    if "--stdout" not in args:
        assert kit.run("--check", *args).status == 0


@pytest.mark.parametrize(
    "text",
    [
        "{}\n",
        "",
        "Generated by `assemble schema`\n",
        '{"$comment": "By hand, not as Generated by `assemble schema`"}\n',
        '{"title": "\\"$comment\\": \\"Generated by `assemble schema`"}\n',
        '{"properties": {"name": {"$comment": "Generated by `assemble schema`"}}}\n',
        '["$comment", "Generated by `assemble schema`"]\n',
    ],
)
def test_file_written_by_hand_is_kept(kit: Workbench, text: str) -> None:
    kit.write({MANIFEST_SCHEMA: text, SETTINGS_SCHEMA: text})
    assert kit.run("--all", "--check").status == 0
    assert MANIFEST_SCHEMA not in kit.run("--all", "--force", "--prune").stdout
    assert (kit.read(MANIFEST_SCHEMA), kit.read(SETTINGS_SCHEMA)) == (text, text)


def test_schema_without_its_comment_is_kept(kit: Workbench) -> None:
    own = {key: value for key, value in json.loads(kit.read(MANIFEST_SCHEMA)).items() if key != "$comment"}
    kit.write({MANIFEST_SCHEMA: json.dumps(own)})
    assert kit.run("--all", "--check").status == kit.run("--all").status == 0
    assert kit.read(MANIFEST_SCHEMA) == json.dumps(own)


def test_missing_schema_is_not_created(kit: Workbench) -> None:
    for file in (MANIFEST_SCHEMA, SETTINGS_SCHEMA):
        (kit.folder / file).unlink()
    assert kit.run("--all", "--check").status == kit.run("--all").status == 0
    assert os.listdir(kit.folder / ".assemble") == []


def test_settings_schema_is_updated(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.run("--all")
    monkeypatch.setattr(json_schema, "SETTINGS", tuple(SETTINGS)[1:])
    kit.write({SETTINGS_SCHEMA: kit.run("schema", "--settings").stdout})
    monkeypatch.undo()
    assert kit.run("--all").stdout.endswith(f"renewed {SETTINGS_SCHEMA}\n")
    assert kit.read(SETTINGS_SCHEMA) == kit.run("schema", "--settings").stdout


@pytest.mark.parametrize("edit", [('"title": "', '"title": "My '), ('"$schema"', '"$schema')], ids=["value", "broken"])
def test_edited_schema_is_kept_and_reported(kit: Workbench, edit: tuple[str, str]) -> None:
    edited = kit.read(MANIFEST_SCHEMA).replace(*edit, 1)
    kit.write({MANIFEST_SCHEMA: edited})
    run = kit.run("--all")
    assert (run.status, kit.read(MANIFEST_SCHEMA)) == (1, edited)
    assert f"{MANIFEST_SCHEMA}:1:1: error[O604] the file was edited after it was generated" in run.stderr
    assert "remove the `$comment`, which makes the file yours; to discard it, run: assemble --force --all" in run.stderr
    assert kit.run("--all", "--check").status == 1
    assert kit.run("new", "tester", "--description", "Tests.").status == 0
    assert kit.read(MANIFEST_SCHEMA) == edited
    (kit.folder / "agents/tester.toml").unlink()
    assert kit.run("--all", "--force").status == 0
    assert _is_up_to_date(kit)


def test_same_schema_in_another_format_is_up_to_date(kit: Workbench) -> None:
    kit.run("--all")
    text = kit.read(MANIFEST_SCHEMA)
    for same in (text.replace("\n", "\r\n"), json.dumps(json.loads(text), indent=4, sort_keys=True)):
        kit.write({MANIFEST_SCHEMA: same})
        assert kit.run("--all", "--check").status == kit.run("--all").status == 0
        assert kit.read(MANIFEST_SCHEMA) == same


def test_build_resolves_an_unfinished_merge(kit: Workbench) -> None:
    text = kit.read(MANIFEST_SCHEMA)
    kit.write({MANIFEST_SCHEMA: text.replace("{", "{\n<<<<<<< ours\n=======\n>>>>>>> theirs", 1)})
    assert kit.run("--all").status == 0
    assert _is_up_to_date(kit)


def test_nothing_is_written_after_an_error(kit: Workbench) -> None:
    kit.write({"agents/critic.toml": AGENT.format("critic").replace("baseline", "basline")})
    before = kit.files()
    assert kit.run("--all").status == 1
    assert kit.files() == before


@pytest.mark.parametrize("is_folder", [True, False])
def test_link_to_a_schema_outside_the_kit_is_ignored(kit: Workbench, is_folder: bool) -> None:
    linked = ".assemble" if is_folder else MANIFEST_SCHEMA
    elsewhere = kit.folder.parent / f"{kit.folder.name}-elsewhere"
    (kit.folder / linked).rename(elsewhere)
    (kit.folder / linked).symlink_to(elsewhere)
    assert kit.run("--all", "--check").status == kit.run("--all").status == 0
    assert not _is_up_to_date(kit)


def test_linked_schema_inside_the_kit_is_updated(kit: Workbench) -> None:
    (kit.folder / MANIFEST_SCHEMA).rename(kit.folder / "schema.json")
    (kit.folder / MANIFEST_SCHEMA).symlink_to("../schema.json")
    assert kit.run("--all").status == 0
    assert (kit.folder / MANIFEST_SCHEMA).is_symlink()
    assert _is_up_to_date(kit)


def test_special_file_is_ignored(kit: Workbench) -> None:
    (kit.folder / MANIFEST_SCHEMA).unlink()
    os.mkfifo(kit.folder / MANIFEST_SCHEMA)
    assert kit.run("--all", "--check").status == kit.run("--all").status == 0


def test_two_processes_update_the_schema(kit: Workbench, forkserver: ForkServer) -> None:
    kit.write({f"agents/tester-{number}.toml": AGENT.format(f"tester-{number}") for number in range(100, 400)})
    lines = forkserver.run(kit.folder, ["--all"], code=ON_TWO_CORES + COMMAND).stdout.decode().splitlines()
    assert "it forks" in lines
    assert lines[-2:] == ["created .claude/agents/tester-399.md", f"renewed {MANIFEST_SCHEMA}"]
    assert _is_up_to_date(kit)
    assert kit.run("--all", "--check").status == 0


def test_staged_reports_an_unstaged_schema(kit: Workbench) -> None:
    (kit.folder / ".git").rmdir()
    for args in (("init", "--quiet"), ("add", ".")):
        subprocess.run(["git", *args], cwd=kit.folder, check=True)
    run = kit.run("--all", "--staged")
    assert (run.status, f"{MANIFEST_SCHEMA}:1:1: error[O612]" in run.stderr) == (1, True)
    subprocess.run(["git", "add", "."], cwd=kit.folder, check=True)
    assert kit.run("--all", "--staged").status == 0


def test_library_plans_and_writes_the_schema(kit: Workbench) -> None:
    library = Kit.load(kit.folder)
    (change,) = [change for change in library.plan().changes if change.status is not FileStatus.UNCHANGED]
    assert (change.status, change.path, change.manifest, change.target) == (FileStatus.UPDATE, MANIFEST_SCHEMA, "", "")
    library.apply([change])
    assert _is_up_to_date(kit)
    assert library.check() == ()


@pytest.mark.parametrize(("has_schema", "is_loaded"), [(True, True), (False, False)])
def test_only_a_kit_with_a_schema_loads_its_module(kit: Workbench, has_schema: bool, is_loaded: bool) -> None:
    if not has_schema:
        for file in (MANIFEST_SCHEMA, SETTINGS_SCHEMA):
            (kit.folder / file).unlink()
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('kei_assembler.kit.json_schema' in sys.modules))\n"
        "from kei_assembler.__main__ import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "--all", "--no-cache"]
    run = subprocess.run(command, cwd=kit.folder, check=True, capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == str(is_loaded)
