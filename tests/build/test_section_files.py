"""Builds and checks of sections in files that people also write, in real repositories."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest

from conftest import Workbench
from forkserver import COMMAND, ForkServer
from kei_assembler.markdown.stamped_sections import layout, text_outside
from repositories import git

MANIFEST = 'name = "{0}"\nrole = "{1}"\n'
KIT = {
    "assemble.toml": "",
    "instructions/a.toml": MANIFEST.format("a", "Be quick."),
    "instructions/b.toml": MANIFEST.format("b", "Be brief."),
    "instructions/sub.toml": MANIFEST.format("sub", "Be calm.") + 'folder = "sub"\n',
    "AGENTS.md": "# Rules\n\n<!-- assemble: b -->\n\nMine.\n",
    "CLAUDE.md": "Mine, too.\n",
    "sub/AGENTS.md": "Mine below.\n",
    "sub/CLAUDE.md": "See @AGENTS.md\n",
}
OUTPUTS = ("AGENTS.md", "CLAUDE.md", "sub/AGENTS.md")
CHECK = ("--all", "--check")


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit with two sections in one file and one in another, in a repository. Nothing is built yet."""
    shutil.rmtree(bench.folder / ".git")
    git(bench.folder, "init", "--quiet", "--initial-branch=main")
    bench.write(KIT)
    return bench


@pytest.fixture
def built(kit: Workbench) -> Workbench:
    """The kit, built and committed."""
    assert kit.run("--all").status == 0
    _commit(kit, "start")
    return kit


def _commit(kit: Workbench, message: str) -> None:
    git(kit.folder, "add", "--all")
    git(kit.folder, "commit", "--quiet", f"--message={message}")


def _change(kit: Workbench, name: str, role: str) -> None:
    text = kit.read(f"instructions/{name}.toml")
    kit.write({f"instructions/{name}.toml": "\n".join(_with_role(text, role))})


def _with_role(text: str, role: str) -> list[str]:
    return [f'role = "{role}"' if line.startswith("role") else line for line in text.split("\n")]


def _edit(kit: Workbench, file: str, old: str, new: str) -> None:
    assert kit.read(file).count(old) == 1
    kit.write({file: kit.read(file).replace(old, new)})


def _outside(kit: Workbench, file: str) -> bytes:
    return text_outside(layout((kit.folder / file).read_bytes()))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_after_a_build_of_some_manifests_their_check_finds_nothing(kit: Workbench, count: int) -> None:
    for names in combinations(("a", "b", "sub"), count):
        kit.write(KIT)
        files = [f"instructions/{name}.toml" for name in names]
        assert kit.run(*files).status == 0
        assert kit.run("--check", *files) == (0, "", kit.run("--check", *files).stderr)
        assert (kit.run(*CHECK).status == 0) == (count == 3)


@pytest.mark.parametrize("targets", ['["codex", "copilot"]', '["gemini", "codex"]', '["claude-code", "codex"]'])
@pytest.mark.parametrize("target", ["codex", "copilot", "gemini", "claude-code"])
def test_a_build_for_one_client_writes_the_text_of_all(kit: Workbench, targets: str, target: str) -> None:
    blocks = {"_blocks/care.md": "Be careful.\n", "_blocks/care@codex.md": "Be brief.\n"}
    kit.write(blocks | {"instructions/a.toml": f'name = "a"\nblocks = ["care"]\ntargets = {targets}\n'})
    for args in ([], ["--target", target] if target in targets else []):
        run = kit.run("instructions/a.toml", *args)
        assert (run.status, run.stdout) == (1, "")
        assert "instructions/a.toml:1:1: error[O643]" in run.stderr


def test_a_build_for_a_client_that_is_not_a_target_of_the_kit(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'targets = ["gemini"]\n'})
    args = ("instructions/a.toml", "--target", "codex")
    assert kit.run(*args).stdout == "created AGENTS.md (section a)\n"
    assert kit.run("--check", *args).status == 0


def test_each_section_is_updated_alone(built: Workbench) -> None:
    _change(built, "a", "Be slow.")
    _change(built, "b", "Be long.")
    assert built.run("instructions/b.toml").stdout == "updated AGENTS.md (section b)\n"
    assert ("Be long." in built.read("AGENTS.md"), "Be slow." in built.read("AGENTS.md")) == (True, False)
    assert built.run(*CHECK).stdout == "would update AGENTS.md (section a) [O610]\n"


def test_force_overwrites_the_section_alone(built: Workbench) -> None:
    _edit(built, "AGENTS.md", "Be quick.", "Be quick!")
    _edit(built, "AGENTS.md", "Mine.", "Mine!")
    _edit(built, "CLAUDE.md", "@AGENTS.md", "See below.")
    assert built.run("--all").status == 1
    assert built.run("--force", "instructions/a.toml").stdout == (
        "overwrote AGENTS.md (section a)\noverwrote CLAUDE.md (section AGENTS.md)\n"
    )
    assert ("Mine!" in built.read("AGENTS.md"), "Be quick." in built.read("AGENTS.md")) == (True, True)
    assert built.run(*CHECK).status == 0


@pytest.mark.parametrize("names", [("a",), ("b",), ("a", "b"), ("a", "b", "sub")])
def test_prune_leaves_what_people_wrote(built: Workbench, names: tuple[str, ...]) -> None:
    built.write({"instructions/last.toml": MANIFEST.format("last", "Be last.") + 'folder = "last"\n', "last/x.md": ""})
    for name in names:
        (built.folder / f"instructions/{name}.toml").unlink()
    assert built.run("--all").status == 1
    assert built.run("--all", "--prune").status == 0
    assert built.run(*CHECK).status == 0
    for file in OUTPUTS:
        assert _outside(built, file) == KIT[file].replace("<!-- assemble: b -->\n", "").encode()
        assert not set(names) & layout((built.folder / file).read_bytes()).sections.keys()


def test_prune_is_needed_for_orphans_only_in_the_whole_kit(built: Workbench) -> None:
    (built.folder / "instructions/a.toml").unlink()
    assert built.run("--check", "instructions/b.toml").status == 0
    assert built.run("--prune", "--all").stdout == "deleted AGENTS.md (section a)\n"


def test_the_repair_says_what_happens_to_sections(built: Workbench) -> None:
    (built.folder / "instructions/a.toml").unlink()
    _edit(built, "AGENTS.md", "Be brief.", "Be brief!")
    _edit(built, "sub/AGENTS.md", "Be calm.", "Be calm!")
    assert built.run(*CHECK).stderr.endswith(
        "--force overwrites sections of AGENTS.md, sub/AGENTS.md\n"
        "--prune deletes sections of AGENTS.md\n"
        "to fix this, run: assemble --all --force --prune\n"
    )


def test_a_check_as_json_names_the_sections(built: Workbench) -> None:
    _change(built, "a", "Be slow.")
    _edit(built, "AGENTS.md", "Be brief.", "Be brief!")
    _edit(built, "CLAUDE.md", built.read("CLAUDE.md"), "New.\n")
    (built.folder / "sub/AGENTS.md").unlink()
    run = built.run(*CHECK, "--output-format", "json")
    report = json.loads(run.stdout)
    assert [(change["path"], change["section"], change["kind"]) for change in report["changes"]] == [
        ("AGENTS.md", "a", "update"),
        ("CLAUDE.md", "AGENTS.md", "create"),
        ("AGENTS.md", "b", "edited"),
        ("sub/AGENTS.md", "sub", "create"),
    ]
    assert sorted((one["code"], one["file"], one["line"]) for one in report["diagnostics"]) == [
        ("O604", "AGENTS.md", 3),
        ("O609", "CLAUDE.md", 1),
        ("O609", "sub/AGENTS.md", 1),
        ("O610", "AGENTS.md", 10),
    ]


HANDWRITTEN = {
    "LF": b"# Rules\n\n<!-- assemble: b -->\n\nMine.\n",
    "CRLF": b"# Rules\r\n\r\n<!-- assemble: b -->\r\n\r\nMine.\r\n",
    "no final newline": b"# Rules\n\nMine.",
    "a BOM": b"\xef\xbb\xbf# Rules\n",
    "Latin-1": b"Caf\xe9.\n<!-- assemble: a -->\nCaf\xe9.",
    "mixed line ends": b"One.\r\nTwo.\nThree.\rFour.\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("text", HANDWRITTEN.values(), ids=HANDWRITTEN)
def test_a_diff_can_be_applied(kit: Workbench, forkserver: ForkServer, text: bytes) -> None:
    kit.write({"AGENTS.md": text})
    for role, args in (("Be quick.", ["--all"]), ("Be slow.", ["--all"]), ("", ["--all", "--prune"])):
        if role:
            _change(kit, "a", role)
        else:
            (kit.folder / "instructions/a.toml").unlink()
        before = kit.files()
        changes = forkserver.run(kit.folder, ["--all", "--diff"]).stdout
        assert kit.files() == before
        assert kit.run(*args).status == 0
        wanted = (kit.folder / "AGENTS.md").read_bytes()
        kit.write({name: content for name, (content, _) in before.items()})
        git(kit.folder, "apply", "--whitespace=nowarn", given=changes)
        assert (kit.folder / "AGENTS.md").read_bytes() == wanted
        assert kit.run(*CHECK).status == 0


def test_staged_looks_at_files_with_sections(kit: Workbench) -> None:
    git(kit.folder, "add", "--all")
    git(kit.folder, "commit", "--quiet", "--message=start")
    run = kit.run("--all", "--staged")
    assert (run.status, run.stderr.count("error[O612]")) == (1, 3)
    git(kit.folder, "add", *OUTPUTS)
    assert kit.run("--all", "--staged").status == 0
    _edit(kit, "AGENTS.md", "Mine.", "Mine!")
    run = kit.run(*CHECK, "--staged")
    assert (run.status, run.stdout) == (1, "")
    assert "AGENTS.md:1:1: error[O612] the file on disk differs from git's index" in run.stderr


def test_the_repair_of_a_staged_check_stages_the_file(built: Workbench) -> None:
    _change(built, "a", "Be slow.")
    run = built.run(*CHECK, "--staged")
    assert run.stderr.endswith("to fix this, run: assemble --all && git add AGENTS.md instructions/a.toml\n"), (
        run.stderr
    )
    built.run("--all")
    git(built.folder, "add", "AGENTS.md", "instructions/a.toml")
    assert built.run(*CHECK, "--staged").status == 0


def test_staged_notices_a_file_that_was_pruned(built: Workbench) -> None:
    (built.folder / "instructions/sub.toml").unlink()
    _edit(built, "sub/AGENTS.md", "Mine below.\n", "")
    assert built.run("--all", "--prune").stdout == "deleted sub/AGENTS.md (section sub)\n"
    assert not (built.folder / "sub/AGENTS.md").exists()
    assert "instructions/sub.toml:1:1: error[O612]" in built.run(*CHECK, "--staged").stderr


def test_files_with_sections_are_committed_even_if_outputs_are_not(built: Workbench) -> None:
    built.write({"assemble.toml": "commit-outputs = false\n"})
    git(built.folder, "add", "assemble.toml")
    run = built.run(*CHECK, "--staged")
    assert (run.status, run.stdout) == (0, "")
    assert not any(code in run.stderr for code in ("O612", "O635", "O636"))
    assert "AGENTS.md" not in built.run("gitignore").stdout


@pytest.mark.parametrize("folders", [("instructions",), ("instructions", "sub"), ()])
def test_a_sparse_checkout_finds_the_same(built: Workbench, folders: tuple[str, ...]) -> None:
    git(built.folder, "sparse-checkout", "set", *folders)
    assert built.run(*CHECK).status == 0
    before = git(built.folder, "status", "--porcelain")
    assert built.run("--all").stdout == ""
    assert git(built.folder, "status", "--porcelain") == before


def test_a_file_outside_a_sparse_checkout_keeps_its_text(built: Workbench) -> None:
    git(built.folder, "sparse-checkout", "set", "instructions")
    _change(built, "sub", "Be calmer.")
    assert built.run("--all").stdout == "updated sub/AGENTS.md (section sub)\n"
    assert _outside(built, "sub/AGENTS.md") == b"Mine below.\n"
    assert built.run(*CHECK).status == 0


def test_a_checkout_with_crlf_is_up_to_date(built: Workbench) -> None:
    built.write({".gitattributes": "*.md text eol=crlf\n"})
    _commit(built, "crlf")
    for file in OUTPUTS:
        (built.folder / file).unlink()
    git(built.folder, "checkout", "--", *OUTPUTS)
    assert b"\r\n" in (built.folder / "AGENTS.md").read_bytes()
    assert built.run(*CHECK, "--staged").status == 0
    _change(built, "a", "Be slow.")
    assert built.run("--all").status == 0
    content = (built.folder / "AGENTS.md").read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert git(built.folder, "diff", "--numstat", "AGENTS.md") == "2\t2\tAGENTS.md"


def test_a_second_run_prints_the_same(built: Workbench, forkserver: ForkServer) -> None:
    _edit(built, "AGENTS.md", "Be quick.", "Be quick!")
    _change(built, "sub", "Be calmer.")
    for args in (CHECK, ["--all", "--diff"], ["--check", "instructions/b.toml"]):
        runs = [forkserver.run(built.folder, [*args]) for _ in range(3)]
        bare = forkserver.run(built.folder, [*args, "--no-cache"])
        assert {(run.returncode, run.stdout, run.stderr) for run in (*runs, bare)} == {
            (bare.returncode, bare.stdout, bare.stderr)
        }


def test_the_run_cache_notices_changes_around_and_in_sections(built: Workbench, forkserver: ForkServer) -> None:
    def status() -> int:
        return [forkserver.run(built.folder, CHECK).returncode for _ in range(2)][-1]

    assert status() == 0
    _edit(built, "AGENTS.md", "Mine.", "Mine!")
    assert status() == 0
    _edit(built, "AGENTS.md", "Be quick.", "Be quick!")
    assert status() == 1
    _edit(built, "AGENTS.md", "Be quick!", "Be quick.")
    assert status() == 0
    built.write({"GEMINI.md": "Mine.\n", "sub/CLAUDE.md": "Mine.\n"})
    assert status() == 1
    assert forkserver.run(built.folder, ["--all"]).stdout == b"created sub/CLAUDE.md (section AGENTS.md)\n"
    assert status() == 0


SAVED_MEANWHILE = """
from kei_assembler.build import run
write = run.write
def save_and_write(*args):
    with open("AGENTS.md", "a") as file:
        file.write("Saved meanwhile.\\n")
    return write(*args)
run.write = save_and_write
"""


def test_a_file_that_somebody_saves_meanwhile_is_kept(built: Workbench, forkserver: ForkServer) -> None:
    for name in ("a", "b", "sub"):
        _change(built, name, "New.")
    before = built.read("AGENTS.md")
    run = forkserver.run(built.folder, ["--all"], code=SAVED_MEANWHILE + COMMAND)
    assert (run.returncode, built.read("AGENTS.md")) == (1, f"{before}Saved meanwhile.\n")
    assert run.stdout.decode().startswith(
        "edited AGENTS.md (section a)\nedited AGENTS.md (section b)\nupdated sub/AGENTS.md (section sub)\n"
    )
    assert forkserver.run(built.folder, ["--all"]).returncode == 0
    assert "Saved meanwhile." in built.read("AGENTS.md")


@pytest.mark.parametrize("mode", [0o444, 0o600, 0o755])
def test_a_file_keeps_its_mode(built: Workbench, mode: int) -> None:
    (built.folder / "AGENTS.md").chmod(mode)
    _change(built, "a", "Be slow.")
    assert built.run("--all").status == 0
    assert (built.folder / "AGENTS.md").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write in every folder")
def test_a_read_only_folder_is_reported(built: Workbench) -> None:
    _change(built, "sub", "Be calmer.")
    before = built.read("sub/AGENTS.md")
    (built.folder / "sub").chmod(0o555)
    run = built.run("--all")
    (built.folder / "sub").chmod(0o755)
    assert (run.status, built.read("sub/AGENTS.md")) == (2, before)
    assert "error: sub/AGENTS.md cannot be written" in run.stderr


def test_a_role_with_markers_is_refused(kit: Workbench) -> None:
    for role in ("<!-- assemble: begin a -->", "```\\n<!-- assemble: end a -->\\n```", "x\\n<!-- assemble: b -->"):
        _change(kit, "a", role)
        before = kit.files()
        run = kit.run("--all")
        assert (run.status, run.stdout) == (1, "")
        assert "instructions/a.toml:1:1: error[O644]" in run.stderr
        assert kit.files() == before


def test_a_pipe_in_place_of_the_file_does_not_hang(kit: Workbench) -> None:
    (kit.folder / "AGENTS.md").unlink()
    os.mkfifo(kit.folder / "AGENTS.md")
    run = kit.run("--all")
    assert (run.status, "error[O606]" in run.stderr) == (1, True)


def test_no_temporary_file_is_left(built: Workbench) -> None:
    _change(built, "a", "Be slow.")
    assert built.run("--all").status == 0
    names = {path.name for path in Path(built.folder).rglob("*") if ".git" not in path.parts}
    assert not [name for name in names if name.startswith(".assemble")]
    assert subprocess.run(["git", "status", "--short"], cwd=built.folder, capture_output=True, check=True).stdout == (
        b" M AGENTS.md\n M instructions/a.toml\n"
    )
