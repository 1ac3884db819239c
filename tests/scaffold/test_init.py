"""A new kit is complete, and existing files are kept."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib

import pytest
import yaml

from conftest import INSTALLED_COMMIT, INSTALLED_FROM, Workbench
from kei_assembler.kit.schema_state import MADE_BY
from kei_assembler.loader import load_kit

OF_KIT = (
    ".assemble/manifest.schema.json",
    ".assemble/settings.schema.json",
    ".gitattributes",
    "_blocks/baseline.md",
    ".claude/agents/reviewer.md",
    "agents/reviewer.toml",
    "assemble.toml",
)
SCHEMAS = (".assemble/manifest.schema.json", ".assemble/settings.schema.json")
OF_REPOSITORY = (".github/workflows/assemble.yml", ".pre-commit-config.yaml", ".prettierignore")


def test_a_new_kit_is_complete_and_valid(bench: Workbench) -> None:
    run = bench.run("init")
    assert run.status == 0
    assert sorted(run.stdout.splitlines()) == sorted(f"created {file}" for file in (*OF_KIT, *OF_REPOSITORY))
    assert run.stderr.startswith("1 agent, 1 file: 1 created\nnext: ")
    assert set(bench.files()) == {*OF_KIT, *OF_REPOSITORY}
    assert bench.run("--all", "--check", "--strict") == (0, "", "1 agent, 1 file: 1 unchanged\n")
    assert bench.run("--all").stdout == ""


def test_the_schema_files_match_the_schema_command(bench: Workbench) -> None:
    bench.run("init")
    assert bench.read(".assemble/manifest.schema.json") == bench.run("schema").stdout
    assert bench.read(".assemble/settings.schema.json") == bench.run("schema", "--settings").stdout
    assert bench.read("assemble.toml").startswith("#:schema .assemble/settings.schema.json\n")
    assert bench.read("agents/reviewer.toml").startswith("#:schema ../.assemble/manifest.schema.json\n")


def test_commented_out_settings_are_valid(bench: Workbench) -> None:
    bench.run("init")
    text = re.sub(r"^# (?=[a-z-]+ = |\[)", "", bench.read("assemble.toml"), flags=re.MULTILINE)
    assert len(tomllib.loads(text)) > len(tomllib.loads(bench.read("assemble.toml"))) + 3
    bench.write({"assemble.toml": text})
    assert load_kit(str(bench.folder)).defaults == {"model": "inherit"}


def test_the_hook_and_the_workflow_check_the_kit(bench: Workbench) -> None:
    bench.run("init", "tools/our agents")
    (repository,) = yaml.safe_load(bench.read(".pre-commit-config.yaml"))["repos"]
    assert repository == {"repo": INSTALLED_FROM, "rev": INSTALLED_COMMIT, "hooks": [{"id": "assemble-check"}]}
    steps = yaml.safe_load(bench.read(".github/workflows/assemble.yml"))["jobs"]["check"]["steps"]
    assert steps[-1]["run"] == "assemble --all --recursive --check --diff"
    assert r"tools/our\ agents/.assemble/" in bench.read(".prettierignore").splitlines()
    assert bench.run(*shlex.split(steps[-1]["run"])[1:]).stderr.startswith("tools/our agents:\n1 agent")


def test_git_applies_the_attributes_and_patterns(bench: Workbench) -> None:
    bench.run("init", "tools/our agents")
    for file in (".claude/agents/reviewer.md", "tools/our agents/.assemble/manifest.schema.json"):
        assert bench.read(file)
        _check_git_matches(bench, file)


def _check_git_matches(bench: Workbench, generated: str) -> None:
    """Check that git applies the lines that were written for a file."""

    def git(*args: str) -> str:
        return subprocess.run(["git", *args], cwd=bench.folder, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet")
    bench.write({".gitignore": bench.read(".prettierignore")})
    assert git("check-attr", "linguist-generated", "--", generated).endswith("linguist-generated: set\n")
    assert git("check-ignore", "--", generated).strip()


def test_existing_files_are_kept_or_extended(bench: Workbench) -> None:
    existing = {
        ".gitattributes": "*.png binary\r\n*.jpg binary",
        ".prettierignore": "dist/\n\n.claude/agents/*.md\n",
        ".pre-commit-config.yaml": "repos: []\n",
        ".github/workflows/assemble.yml": "on: push\n",
        "_blocks_of_old/baseline.md": "Old.\n",
        "agents/notes.md": "By hand.\n",
    }
    bench.write(existing)
    run = bench.run("init")
    assert run.status == 0
    assert {line for line in run.stdout.splitlines() if line.startswith(("kept", "extended"))} == {
        "extended .gitattributes",
        "extended .prettierignore",
        "kept .github/workflows/assemble.yml; if it is missing there, add to `steps`:",
        "kept .pre-commit-config.yaml; if it is missing there, add to `repos`:",
    }
    assert f"\n  - repo: {INSTALLED_FROM}\n" in run.stdout
    assert bench.read(".gitattributes") == (
        "*.png binary\r\n*.jpg binary\r\n"
        ".claude/agents/*.md linguist-generated\r\n.assemble/*.json linguist-generated\r\n"
    )
    assert bench.read(".prettierignore") == "dist/\n\n.claude/agents/*.md\n.assemble/\n"
    kept = [file for file in existing if not file.startswith((".gita", ".prettier"))]
    assert {file: bench.read(file) for file in kept} == {file: existing[file] for file in kept}


def test_existing_lines_are_not_added_again(bench: Workbench) -> None:
    bench.run("init", "one")
    before = bench.read(".prettierignore")
    (bench.folder / "one" / "assemble.toml").unlink()
    (bench.folder / "one" / "agents" / "reviewer.toml").unlink()
    (bench.folder / "one" / "_blocks" / "baseline.md").rename(bench.folder / "one" / "baseline.md")
    (bench.folder / "one" / "_blocks").rmdir()
    run = bench.run("init", "one")
    assert "kept .prettierignore\n" in run.stdout
    assert "kept .gitattributes\n" in run.stdout
    assert bench.read(".prettierignore") == before


def test_a_check_that_is_there_is_not_recommended_again(bench: Workbench) -> None:
    bench.run("init")
    assert not [line for line in bench.run("init").stdout.splitlines() if not re.fullmatch("kept [^ ]+", line)]
    step = '      - run: "assemble --all --recursive --check --diff"'
    for file, line in ((".github/workflows/assemble.yml", step), (".pre-commit-config.yaml", "      - id: ")):
        text = bench.read(file)
        bench.write({file: text.replace(line, f"# {line}")})
        assert f"kept {file}; if it is missing there, add to " in bench.run("init").stdout
        bench.write({file: text})


@pytest.mark.parametrize(
    "files",
    [
        {"assemble.toml": ""},
        {"pyproject.toml": "[tool.assemble]\n"},
        {"_blocks/x.md": "x\n"},
        {"agents/x.toml": 'name = "x"\n'},
    ],
)
@pytest.mark.parametrize("args", [(), (".",)])
def test_an_existing_kit_gets_only_checks_and_schemas(
    bench: Workbench, files: dict[str, str], args: tuple[str, ...]
) -> None:
    bench.write(files)
    run = bench.run("init", *args)
    added = (".gitattributes", *OF_REPOSITORY, *SCHEMAS)
    extended = [f"extended {file}" for file in files if file in ("assemble.toml", "agents/x.toml")]
    assert (run.status, sorted(run.stdout.splitlines())) == (
        0,
        sorted([*(f"created {file}" for file in added), *extended]),
    )
    assert run.stderr.startswith(
        "this folder is already a kit, so only checks and schemas for editors were added\nnext: "
    )
    kept = {file: re.sub("#:schema.*\n", "", bench.read(file)) for file in bench.files() if file not in added}
    assert kept == files
    assert bench.read(".prettierignore") == "agents/*.md\n.assemble/\n"
    before = bench.files()
    again = bench.run("init", *args)
    assert again.stdout.count("kept ") == len(added)
    assert again.stderr.startswith("this folder is already a kit, so nothing was added\nnext: ")
    assert bench.files() == before


def test_a_kit_with_invalid_settings_is_not_changed(bench: Workbench) -> None:
    bench.write({"assemble.toml": "frob = 1\n"})
    before = bench.files()
    run = bench.run("init")
    assert (run.status, run.stdout, bench.files()) == (2, "", before)
    assert "error[C701]" in run.stderr


OWN_TARGETS = 'name = "x"\ndescription = "X."\ntargets = ["gemini", "codex"]\n'


def test_an_imported_kit_gets_the_checks(bench: Workbench) -> None:
    bench.write({".claude/agents/critic.md": "---\nname: critic\ndescription: Reviews.\n---\nYou review.\n"})
    assert bench.run("import", ".claude").status == 0
    bench.write({"agents/x.toml": OWN_TARGETS})
    assert bench.run("init").status == 0
    outputs = [".claude/agents/*.md", ".codex/agents/*.toml", ".gemini/agents/*.md"]
    assert bench.read(".prettierignore").splitlines() == [*outputs, ".assemble/"]
    assert bench.read(".gitattributes").splitlines()[:-1] == [f"{output} linguist-generated" for output in outputs]


def test_an_imported_kit_gets_the_schemas(bench: Workbench) -> None:
    bench.write({".claude/agents/critic.md": "---\nname: critic\ndescription: Reviews.\n---\nYou review.\n"})
    bench.run("import", ".claude")
    bench.write({"agents/team/tester.toml": '\ufeffname = "tester"\r\ndescription = "Tests."\r\nrole = "R."\r\n'})
    bench.write({"agents/own.toml": '# Ours.\n#:schema own.json\nname = "own"\ndescription = "X."\n'})
    before = bench.read("agents/own.toml")
    bench.run("--all", "--force")
    assert bench.run("init").status == 0
    assert bench.read("assemble.toml").startswith("#:schema .assemble/settings.schema.json\nrequired = ")
    assert bench.read("agents/critic.toml").startswith("#:schema ../.assemble/manifest.schema.json\nname = ")
    assert (
        (bench.folder / "agents/team/tester.toml")
        .read_bytes()
        .startswith("\ufeff#:schema ../../.assemble/manifest.schema.json\r\nname = ".encode())
    )
    assert bench.read("agents/own.toml") == before
    assert bench.read(SCHEMAS[0]) == bench.run("schema").stdout
    assert bench.run("--all", "--check").status == 0
    assert bench.run("new", "other", "--description=X.").stdout.endswith("renewed .assemble/manifest.schema.json\n")


def test_a_kit_with_schemas_keeps_its_manifests(bench: Workbench) -> None:
    bench.run("init")
    text = 'name = "x"\ndescription = "X."\n'
    bench.write({"agents/x.toml": text})
    assert "extended" not in bench.run("init").stdout
    assert bench.read("agents/x.toml") == text


def test_linked_manifests_are_not_extended(bench: Workbench) -> None:
    text = 'name = "x"\ndescription = "X."\n'
    bench.write({"shared/x.toml": text, "assemble.toml": ""})
    (bench.folder / "agents").symlink_to("shared")
    assert bench.run("init").status == 0
    assert bench.read("shared/x.toml") == text


def test_output_at_the_top_gets_no_pattern(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'manifests = "."\n', "x.toml": 'name = "x"\ndescription = "X."\n'})
    bench.run("init")
    assert bench.read(".prettierignore") == ".assemble/\n"


@pytest.mark.parametrize(
    ("settings", "output"),
    [
        ("", "tools/our [agents]/agents/x.md"),
        (
            'root = "../.."\n[target.claude-code]\noutput = "../../.claude/my agents/{name}.md"\n',
            ".claude/my agents/x.md",
        ),
    ],
)
def test_git_applies_the_lines_of_a_kit_in_a_subfolder(bench: Workbench, settings: str, output: str) -> None:
    kit = "tools/our [agents]"
    bench.write({f"{kit}/assemble.toml": settings, f"{kit}/agents/x.toml": 'name = "x"\ndescription = "X."\n'})
    assert bench.run("init", kit).status == 0
    assert bench.run("--all", "--kit", kit).status == 0
    assert bench.read(output)
    _check_git_matches(bench, output)


def test_a_kit_inside_a_kit_must_be_named(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", "sub/x.txt": ""})
    assert "this folder lies inside the kit" in bench.run("init", cwd="sub").stderr
    assert bench.run("init", ".", cwd="sub").status == 0
    assert (bench.folder / "sub" / "assemble.toml").is_file()


@pytest.mark.parametrize(
    ("blocking", "message"),
    [
        ("_blocks", "_blocks/baseline.md cannot be written: "),
        (".github", ".github/workflows/assemble.yml cannot be written: "),
        (".gitattributes/x", ".gitattributes cannot be written: "),
    ],
)
def test_a_blocked_path_is_an_error_without_traceback(bench: Workbench, blocking: str, message: str) -> None:
    bench.write({blocking: "x"})
    run = bench.run("init")
    assert run.status == 2
    assert run.stderr.startswith(f"error: {bench.folder}/{message}")


def test_init_creates_the_folder(bench: Workbench) -> None:
    run = bench.run("init", "new/deep")
    assert (run.status, "created new/deep/assemble.toml\n" in run.stdout) == (0, True)
    assert bench.below("new/deep").run("--all", "--check").status == 0


def test_a_file_is_not_a_folder(bench: Workbench) -> None:
    bench.write({"file": "x"})
    assert bench.run("init", "file") == (2, "", f"error: `{bench.folder}/file` is not a folder\n")


def test_links_are_kept_and_no_temporary_files_remain(bench: Workbench) -> None:
    (bench.folder / ".prettierignore").symlink_to("ignored")
    (bench.folder / "assemble.toml.x").write_text("x")
    bench.run("init")
    assert (bench.folder / ".prettierignore").is_symlink()
    assert [file for file in bench.files() if ".assemble-" in file] == []


def test_an_agent_file_written_by_hand_is_kept(bench: Workbench) -> None:
    bench.write({".claude/agents/reviewer.md": "By hand.\n"})
    run = bench.run("init")
    assert run.status == 1
    assert bench.read(".claude/agents/reviewer.md") == "By hand.\n"
    assert "next:" not in run.stderr


def test_the_schema_files_say_how_to_update_them(bench: Workbench) -> None:
    bench.run("init")
    for name in ("manifest", "settings"):
        comment = json.loads(bench.read(f".assemble/{name}.schema.json"))["$comment"]
        assert comment.startswith(MADE_BY)
        assert " > FILE. " in comment


def test_the_step_for_a_second_kit_fits_into_the_workflow(bench: Workbench) -> None:
    bench.run("init", ".ai/one")
    output = bench.run("init", ".ai/two").stdout
    workflow = ".github/workflows/assemble.yml"
    step = output.partition(f"kept {workflow}; if it is missing there, add to `steps`:\n")[2].splitlines()[0]
    bench.write({workflow: f"{bench.read(workflow)}{step}\n"})
    steps = yaml.safe_load(bench.read(workflow))["jobs"]["check"]["steps"]
    assert [step["run"] for step in steps[-2:]] == [
        "assemble --all --recursive --check --diff --kit .ai/one",
        "assemble --all --recursive --check --diff --kit .ai/two",
    ]
