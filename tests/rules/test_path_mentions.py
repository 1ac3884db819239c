"""Paths that texts name in backticks: those that exist nowhere in the work tree, and those that need not exist."""

from __future__ import annotations

import subprocess
from functools import partial

import pytest

from conftest import Workbench
from kei_assembler.kit import LoadedKit
from kei_assembler.model.settings import decode_settings
from kei_assembler.rules.mentions import Naming
from kei_assembler.rules.path_mentions import unknown_path
from kei_assembler.rules.runner import MAX_FINDINGS, first_findings
from kei_assembler.toml.source import span_of
from readers import Found, findings


def _kit(bench: Workbench, text: str, more: dict[str, str] | None = None) -> None:
    """A kit with an agent whose only block is the text."""
    manifest = 'name = "code-critic"\ndescription = "Reviews code."\nblocks = ["rule"]\n'
    bench.write({"agents/code-critic.toml": manifest, "_blocks/rule.md": text, **(more or {})})


def _found(bench: Workbench) -> list[Found]:
    return [one for one in findings(bench, "--check") if one.code == "B220"]


SIMILAR = ("docs/reveiw.md", "./docs/reviww.md", "src/lib/paarser.py")


@pytest.mark.parametrize("path", SIMILAR)
def test_a_misspelled_path_is_a_note_with_a_fix(path: str, bench: Workbench) -> None:
    files = {"docs/review.md": "", "src/lib/parser.py": "", "src/lib/parser.rs": ""}
    text = f"Read `{path}` first.\n"
    _kit(bench, text, files)
    (found,) = _found(bench)
    assert (found.code, found.message) == ("B220", f"there is no file `{path}`")
    bench.run("--all", "--fix")
    assert bench.read("_blocks/rule.md") == text
    bench.run("--all", "--unsafe-fixes")
    right = path.replace("reveiw", "review").replace("reviww", "review").replace("paarser", "parser")
    assert bench.read("_blocks/rule.md") == f"Read `{right}` first.\n"
    assert _found(bench) == []


MISSING = (
    "Read `docs/rules.md` first.",
    "Read `src/x.py`, `docs/review.md`\nand `docs/notes.md`.",
    "- **Style**: `docs/style.v2.md`",
    "Write a report. The rules are in `docs/rules.md`.",
    "See `docs/reveiw.txt` and `docs/review.md`.",
    "See `docs/rules.md#naming` and `docs/review.md#naming`.",
    "Run `./scripts/check.sh`.",
    "The workflow is `.github/workflows/ci.yml`.",
)


@pytest.mark.parametrize("text", MISSING)
def test_a_path_that_exists_nowhere_is_a_note(text: str, bench: Workbench) -> None:
    _kit(bench, f"{text}\n", {"docs/review.md": "", "docs/notes.md": "", ".github/x.yml": ""})
    (found,) = _found(bench)
    assert f"{found.message}" == f"there is no file `{found.message.split('`')[1]}`"
    assert bench.run("--all").status == 0
    assert bench.run("--all", "--check").status == 0


def test_the_note_says_what_to_do(bench: Workbench) -> None:
    _kit(bench, "Be honest.\n\nRead `docs/rules.md` first.\n")
    run = bench.run("--all")
    assert (
        "_blocks/rule.md:3:7: note[B220] there is no file `docs/rules.md`\n"
        "    3 | Read `docs/rules.md` first.\n"
        "      |       ^^^^^^^^^^^^^ help: correct the path, or leave out the backticks\n"
    ) in run.stderr


FINE = {
    "files, sources and outputs": "`docs/review.md`, `_blocks/rule.md` and `agents/code-critic.md`",
    "placeholders": "`docs/{name}.md`, `docs/NNNN-title.md`, `plans/YYYY-MM-DD.md`, `path/to/x.py`, `src/foo.py`",
    "globs": "`docs/*.md` and `src/**/x.py`",
    "other places": "`../docs/x.md`, `/docs/x.md`, `~/docs/x.md`, `https://example.org/docs/x.md`, `example.org/x.md`",
    "no paths": "`docs/x.md --all`, `docs/x.md#a b`, `x.md`, `docs/x`, `docs/`, `2.5/3.0` and `and/or`",
    "code": "\n\n```\ncat `docs/x.md`\n```",
    "what builds make": "`dist/app.js` and `node_modules/x/index.js`",
    "folders of other tools": "`.circleci/config.yml`, `buildkite/pipeline.yml` and `Jenkinsfile`",
    "files that are written": "Write your plan to `plans/plan.md`. Then results are stored in `out.d/results.json`.",
    "a file that is created": "Your plan goes into `plans/plan.md`, which is created by the first step.",
    "a file that may be missing": "Read `docs/x.md` if it exists, or follow the rules in `docs/y.md`, if any.",
    "examples": "Name the file, for example `src/main.rs`, and other files, such as\n`src/lib.rs`.",
}


@pytest.mark.parametrize("text", FINE.values(), ids=[*FINE])
def test_other_paths_are_fine(text: str, bench: Workbench) -> None:
    _kit(bench, f"See {text}\n", {"docs/review.md": ""})
    assert _found(bench) == []


def test_outputs_of_other_kinds_and_clients_are_fine(bench: Workbench) -> None:
    text = "See `.agents/skills/audit/SKILL.md`, `.codex/agents/code-critic.toml` and `web/AGENTS.md`.\n"
    skill = 'name = "audit"\ndescription = "Audits code."\nrole = "Audit."\n'
    house = 'name = "web"\nfolder = "web"\nrole = "Be brief."\n'
    _kit(bench, text, {"skills/audit.toml": skill, "instructions/web.toml": house, "web/x.ts": ""})
    bench.write({"assemble.toml": 'targets = ["codex"]\n'})
    assert _found(bench) == []


def test_a_path_in_the_folder_of_an_output(bench: Workbench) -> None:
    """A skill names its own files, and instructions for a folder name what is in it."""
    skill = 'name = "audit"\ndescription = "Audits code."\nrole = "Run `scripts/audit.py`, not `scripts/check.py`."\n'
    house = 'name = "web"\nfolder = "web"\nrole = "Start at `src/app.ts`, not at `src/old.ts`."\n'
    bench.write({"skills/audit.toml": skill, "instructions/web.toml": house, "web/src/app.ts": ""})
    bench.write({".agents/skills/audit/scripts/audit.py": "", "assemble.toml": 'targets = ["codex"]\n'})
    assert [found.message.split("`")[1] for found in _found(bench)] == ["src/old.ts", "scripts/check.py"]


def test_a_kit_below_the_top_of_the_work_tree(bench: Workbench) -> None:
    """What is outside the root is not looked at, so the path may exist there."""
    text = "Read `docs/rules.md`, `docs/more.md` and `docs/other.md` first.\n"
    manifest = 'name = "critic"\ndescription = "Reviews code."\nblocks = ["rule"]\n'
    bench.write({"tools/kit/agents/critic.toml": manifest, "tools/kit/_blocks/rule.md": text})
    bench.write({"docs/rules.md": "", "tools/docs/more.md": "", "tools/kit/assemble.toml": 'root = "../.."\n'})
    subprocess.run(["git", "init", "--quiet"], cwd=bench.folder, check=True)
    run = bench.run("--kit", "tools/kit", "--all")
    assert run.stderr.count("note[B220]") == 1
    assert "there is no file `docs/other.md`" in run.stderr
    for root in (".", ".."):
        bench.write({"tools/kit/assemble.toml": f'root = "{root}"\n'})
        assert "B220" not in bench.run("--kit", "tools/kit", "--all").stderr


def test_a_path_that_is_too_long_is_fine(bench: Workbench) -> None:
    _kit(bench, f"See `docs/{'x' * 5000}.md` and `{'a/' * 5000}review.md`.\n")
    assert bench.run("--all").status == 0


def test_a_path_out_of_the_root_is_not_looked_up(bench: Workbench) -> None:
    _kit(bench, "See `out/reveiw.md` and `.git/reveiw.md`.\n", {".git/review.md": ""})
    (bench.folder.parent / "outside").mkdir()
    (bench.folder.parent / "outside/review.md").write_text("")
    (bench.folder / "out").symlink_to(bench.folder.parent / "outside")
    assert _found(bench) == []


def test_a_file_that_is_written_later(bench: Workbench) -> None:
    """The run cache notices it."""
    _kit(bench, "Read `docs/rules.md` first.\n")
    for _ in range(2):
        assert "note[B220]" in bench.run("--all").stderr
    bench.write({"docs/rules.md": ""})
    for _ in range(2):
        assert "note[B220]" not in bench.run("--all").stderr


def test_many_paths_take_linear_time(bench: Workbench) -> None:
    _kit(bench, "x\n")
    kit = LoadedKit(str(bench.folder), decode_settings({}), None)
    for part in ("`", "`a/", "`a/a.md` ", "`a.a.", "`a/a.md` if "):
        naming = Naming(kit, part * 5_000, partial(span_of, part * 5_000))
        assert len(first_findings(unknown_path, naming)) <= MAX_FINDINGS + 1
