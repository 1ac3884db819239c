"""Which files the tool recognizes as its own, which it leaves alone, and what it reports about both."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable

import pytest

from conftest import Run, Workbench, leave_temporary_file

AGENT = 'name = "{0}"\ndescription = "Does {0}."\nrole = "You do {0}."\nblocks = ["one", "two"]\n'


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit with two agents and two blocks, assembled and committed."""
    shutil.rmtree(bench.folder / ".git")
    bench.write({f"agents/{name}.toml": AGENT.format(name) for name in ("alpha", "beta")})
    bench.write(
        {"_blocks/one.md": "# ONE\n\n- first\n", "_blocks/two.md": "# TWO\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"}
    )
    assert bench.run("--all").status == 0
    git(bench, "init", "--quiet", "--initial-branch", "main")
    commit(bench, "start")
    return bench


def git(bench: Workbench, *args: str, check: bool = True) -> str:
    settings = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *settings, *args]
    run = subprocess.run(command, cwd=bench.folder, check=check, capture_output=True, text=True)
    return run.stdout


def commit(bench: Workbench, message: str) -> None:
    git(bench, "add", "--all")
    git(bench, "commit", "--quiet", "--message", message)


def look(bench: Workbench, *args: str) -> Run:
    """Run a check, which must not change any file."""
    before = bench.files()
    run = bench.run("--all", "--check", *args)
    assert bench.files() == before
    return run


def edit(bench: Workbench, name: str, old: str, new: str) -> None:
    text = bench.read(name)
    assert old in text
    bench.write({name: text.replace(old, new)})


def test_a_changed_manifest_updates_its_file(kit: Workbench) -> None:
    edit(kit, "agents/alpha.toml", "You do alpha.", "You always do alpha.")
    run = look(kit)
    assert (run.status, run.stdout) == (1, "would update agents/alpha.md: assemble agents/alpha.toml\n")
    assert kit.run("agents/alpha.toml").stdout == "updated agents/alpha.md\n"
    assert look(kit).status == 0


def test_a_changed_block_updates_all_files(kit: Workbench) -> None:
    edit(kit, "_blocks/one.md", "first", "second")
    assert look(kit).stdout.count("would update") == 2
    assert kit.run("--all").stdout == "updated agents/alpha.md\nupdated agents/beta.md\n"


def test_a_missing_file_is_created(kit: Workbench) -> None:
    (kit.folder / "agents" / "beta.md").unlink()
    assert look(kit).stdout == "would create agents/beta.md: assemble agents/beta.toml\n"
    assert "created agents/beta.md\n" in kit.run("--all").stdout


@pytest.mark.parametrize("command", [("--all",), ("agents/alpha.toml",)])
def test_an_edited_file_is_kept_and_its_diff_shown(kit: Workbench, command: tuple[str, ...]) -> None:
    edit(kit, "agents/alpha.md", "You do alpha.", "You do alpha, kindly.")
    before = kit.files()
    run = kit.run(*command)
    assert run.status == 1
    assert kit.files() == before
    assert "edited agents/alpha.md: assemble --force agents/alpha.toml\n" in run.stdout
    assert "-You do alpha, kindly.\n+You do alpha.\n" in run.stdout
    assert "error[O604] the file was edited after it was generated; it is kept as it is" in run.stderr


def test_force_overwrites_an_edited_file(kit: Workbench) -> None:
    edit(kit, "agents/alpha.md", "You do alpha.", "You do alpha, kindly.")
    assert kit.run("--force", "agents/alpha.toml") == (0, "overwrote agents/alpha.md\n", "1 agent: 1 overwrote\n")
    assert look(kit).status == 0


@pytest.mark.parametrize("content", ["Mine.\n", ""])
def test_a_file_from_elsewhere_is_foreign(kit: Workbench, content: str) -> None:
    kit.write({"agents/alpha.md": content or kit.read("agents/beta.md")})
    message = "error[O605] a file that was not generated from agents/alpha.toml is in the way; it is kept as it is\n"
    assert f"agents/alpha.md:1:1: {message}" in kit.run("--all").stderr


def test_a_foreign_file_does_not_stop_other_files(kit: Workbench) -> None:
    kit.write({"agents/gamma.md": "My notes.\n", "agents/gamma.toml": AGENT.format("gamma")})
    edit(kit, "agents/alpha.toml", "You do", "You often do")
    run = kit.run("--all")
    assert run.status == 1
    assert run.stdout.startswith("updated agents/alpha.md\nunchanged agents/beta.md\nforeign agents/gamma.md: ")
    assert kit.read("agents/gamma.md") == "My notes.\n"
    assert kit.run("--all", "--force").status == 0
    assert kit.read("agents/gamma.md").startswith("---\nname: gamma\n")


def test_an_orphan_is_reported_and_deleted_only_on_request(kit: Workbench) -> None:
    (kit.folder / "agents" / "beta.toml").unlink()
    run = look(kit)
    assert (run.status, run.stdout) == (1, "orphan agents/beta.md: assemble --all --prune\n")
    assert "agents/beta.md:1:1: error[O611] the file was generated from agents/beta.toml" in run.stderr
    assert kit.run("--all").status == 1
    assert (kit.folder / "agents" / "beta.md").exists()
    assert kit.run("--all", "--prune").stdout == "unchanged agents/alpha.md\ndeleted agents/beta.md\n"
    assert look(kit).status == 0


def test_an_edited_orphan_is_never_deleted(kit: Workbench) -> None:
    (kit.folder / "agents" / "beta.toml").unlink()
    edit(kit, "agents/beta.md", "You do beta.", "You do beta, and I wrote this.")
    run = kit.run("--all", "--prune")
    assert (run.status, "orphan agents/beta.md\n" in run.stdout) == (1, True)
    assert "it was edited: save the changes that you need, then delete it" in run.stderr
    assert (kit.folder / "agents" / "beta.md").exists()


def test_an_orphan_of_another_target_says_how_to_keep_it(kit: Workbench) -> None:
    kit.run("--all", "--target", "codex")
    run = kit.run("--all", "--check")
    assert "generated from agents/alpha.toml, which no longer has the target `codex`\n" in run.stderr
    assert "help: to keep it, add `codex` to `targets`; to delete it, run: assemble --all --prune" in run.stderr
    kit.write({"assemble.toml": 'targets = ["claude-code", "codex"]\n'})
    assert kit.run("--all", "--check").status == 0


def test_a_renamed_manifest_leaves_an_orphan(kit: Workbench) -> None:
    git(kit, "mv", "agents/beta.toml", "agents/delta.toml")
    edit(kit, "agents/delta.toml", '"beta"', '"delta"')
    assert look(kit).stdout == (
        "would create agents/delta.md: assemble agents/delta.toml\norphan agents/beta.md: assemble --all --prune\n"
    )


def test_a_moved_output_leaves_orphans_in_the_default_folder(kit: Workbench) -> None:
    kit.write({"assemble.toml": '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'})
    assert kit.run("--all", "--prune").stdout == (
        "created .claude/agents/alpha.md\ncreated .claude/agents/beta.md\n"
        "deleted agents/alpha.md\ndeleted agents/beta.md\n"
    )
    assert look(kit).status == 0


@pytest.mark.parametrize("folder", [".", "our kit"])
def test_moved_outputs_leave_orphans_in_the_folder_of_the_client(bench: Workbench, folder: str) -> None:
    bench.run("init", folder)
    settings = f"{folder}/assemble.toml"
    bench.write({settings: re.sub("(?m)^output = .*", 'output = "out/{name}.md"', bench.read(settings))})
    bench.run("--all", "--kit", folder)
    assert "orphan" in look(bench, "--kit", folder).stdout
    assert "deleted " in bench.run("--all", "--prune", "--kit", folder).stdout
    assert not (bench.folder / ".claude/agents/reviewer.md").exists()
    assert look(bench, "--kit", folder).status == 0


def test_only_orphans_are_reported_in_unused_client_folders(kit: Workbench) -> None:
    kit.write(
        {".claude/agents/hand.md": "---\nname: hand\n---\n", ".claude/agents/beta.md": kit.read("agents/beta.md")}
    )
    (kit.folder / ".claude/agents/alpha.md").symlink_to("../../agents/alpha.md")
    kit.write({"assemble.toml": "exclusive = true\n"})
    assert look(kit) == (0, "", "2 agents: 2 unchanged\n")


def test_a_copy_is_not_an_orphan_if_manifests_are_at_the_top(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'manifests = "."\n', "a.toml": 'name = "a"\ndescription = "Helps."\n'})
    bench.run("--all")
    bench.write({".claude/agents/a.md": bench.read("a.md"), ".claude/agents/b.md": bench.read("a.md")})
    assert (look(bench).status, look(bench).stdout) == (0, "")


def test_a_generated_file_of_another_kit_is_not_an_orphan(kit: Workbench) -> None:
    text = kit.read("agents/beta.md").replace("from beta.toml", "from ../../other/agents/beta.toml")
    (kit.folder / "agents" / "beta.toml").unlink()
    kit.write({"agents/beta.md": text})
    run = look(kit)
    assert (run.status, run.stdout) == (0, "")
    assert "agents/beta.md:1:1: note[O607]" in run.stderr


@pytest.fixture
def two(bench: Workbench) -> Workbench:
    """Two kits, one of them exclusive, with one folder of outputs at the top of their repository."""
    for name in ("teams/one", "teams/two"):
        settings = 'root = "../.."\nexclusive = true\n[target.claude-code]\noutput = "../../out/{name}.md"\n'
        bench.write({f"{name}/assemble.toml": settings.replace("true", str(name == "teams/one").lower())})
        bench.write({f"{name}/agents/{name[6:]}.toml": f'name = "{name[6:]}"\ndescription = "Helps."\n'})
        assert bench.run("--all", "--kit", name).status == 0
    return bench


@pytest.mark.parametrize("kit", ["teams/one", "teams/two"])
def test_files_of_another_kit_are_not_reported(two: Workbench, kit: str) -> None:
    assert look(two, "--kit", kit)[:2] == (0, "")
    assert "O60" not in look(two, "--kit", kit).stderr


def test_the_stamp_identifies_another_kit_through_a_link(two: Workbench) -> None:
    (two.folder / "teams/one/deep/inner").mkdir(parents=True)
    (two.folder / "teams/one/deep/inner/out").symlink_to("../../../../out")
    settings = two.read("teams/one/assemble.toml").replace("../../out/", "deep/inner/out/")
    two.write({"teams/one/assemble.toml": settings})
    two.run("--all", "--prune", "--kit", "teams/one")
    assert (two.folder / "out/two.md").is_file()
    assert look(two, "--kit", "teams/one")[:2] == (0, "")


@pytest.mark.parametrize("edit_it", [
    lambda text: text + "Mine.\n",
    lambda text: text.replace("two/agents/two.toml", "two/assemble.toml"),
])  # fmt: skip
def test_a_file_with_a_false_stamp_is_unmanaged(two: Workbench, edit_it: Callable[[str], str]) -> None:
    two.write({"out/two.md": edit_it(two.read("out/two.md")), "teams/two/agents/of.md": ""})
    run = look(two, "--kit", "teams/one")
    assert (run.status, "out/two.md:1:1: error[O608]" in run.stderr) == (1, True)


def test_a_new_or_deleted_manifest_of_another_kit_is_noticed(two: Workbench) -> None:
    manifest = two.folder / "teams/two/agents/two.toml"
    for _ in range(2):
        assert two.run("--all", "--check", "--kit", "teams/one").status == 0
    manifest.rename(manifest.with_name("away"))
    assert two.run("--all", "--check", "--kit", "teams/one").status == 1
    manifest.with_name("away").rename(manifest)
    assert two.run("--all", "--check", "--kit", "teams/one").status == 0


def test_a_generated_file_without_a_manifest_is_an_orphan(two: Workbench) -> None:
    (two.folder / "teams/two/agents/two.toml").unlink()
    run = look(two, "--kit", "teams/one")
    assert (run.status, "orphan ../../out/two.md: " in run.stdout) == (1, True)
    assert "generated from ../two/agents/two.toml, which no longer generates it\n" in run.stderr
    assert two.run("--all", "--prune", "--kit", "teams/one").stdout.endswith("deleted ../../out/two.md\n")


def test_a_moved_kit_keeps_its_orphans(two: Workbench) -> None:
    two.write({"teams/two/agents/gone.toml": 'name = "gone"\ndescription = "Helps."\n'})
    two.run("--all", "--kit", "teams/two")
    os.rename(two.folder / "teams/two", two.folder / "teams/new")
    (two.folder / "teams/new/agents/gone.toml").unlink()
    assert two.run("--all", "--prune", "--kit", "teams/new").stdout.splitlines() == [
        "updated ../../out/two.md", "deleted ../../out/gone.md",
    ]  # fmt: skip
    assert look(two, "--kit", "teams/new").status == 0


def test_a_renamed_manifest_folder_keeps_its_orphans(bench: Workbench) -> None:
    bench.run("init")
    bench.write({"agents/writer.toml": bench.read("agents/reviewer.toml").replace('"reviewer"', '"writer"')})
    bench.run("--all")
    os.rename(bench.folder / "agents", bench.folder / "prompts")
    (bench.folder / "prompts/writer.toml").unlink()
    bench.write({"assemble.toml": 'manifests = "prompts"\n' + bench.read("assemble.toml")})
    assert "orphan .claude/agents/writer.md" in look(bench).stdout
    assert "deleted .claude/agents/writer.md\n" in bench.run("--all", "--prune").stdout
    assert (look(bench).status, look(bench).stdout) == (0, "")


def test_a_kit_in_a_subfolder_recognizes_its_outputs_outside(bench: Workbench) -> None:
    bench.run("init", "one")
    bench.write({"one/_blocks/baseline.md": "Say all.\n"})
    assert bench.run("--all", "--kit", "one").stdout.splitlines()[0] == "updated ../.claude/agents/reviewer.md"
    os.rename(bench.folder / "one/agents/reviewer.toml", bench.folder / "one/agents/critic.toml")
    bench.write({"one/agents/critic.toml": bench.read("one/agents/critic.toml").replace('"reviewer"', '"critic"')})
    run = bench.run("--all", "--prune", "--kit", "one")
    assert run.stdout.splitlines()[:2] == [
        "created ../.claude/agents/critic.md",
        "deleted ../.claude/agents/reviewer.md",
    ]
    assert bench.run("--all", "--check", "--kit", "one").status == 0


@pytest.mark.parametrize("cwd", [".", "our kit", "our kit/agents", "elsewhere"])
def test_the_commands_in_a_report_work_in_the_working_directory(bench: Workbench, cwd: str) -> None:
    bench.run("init", "our kit")
    bench.write({"elsewhere/x": ""})
    where = (
        () if cwd.startswith("our kit") else ("--kit", os.path.relpath(bench.folder / "our kit", bench.folder / cwd))
    )
    output = bench.folder / ".claude/agents/reviewer.md"
    for break_it, command in (
        (output.unlink, "assemble "),
        (lambda: output.write_text(output.read_text() + "mine\n"), "assemble --force "),
        (lambda: output.write_text("<<<<<<< HEAD\n" + output.read_text()), "assemble --force "),
    ):
        break_it()
        line = bench.run("--all", "--check", *where, cwd=cwd).stdout.splitlines()[0]
        fix = line[line.index(command) :]
        assert bench.run(*shlex.split(fix)[1:], cwd=cwd).status == 0
        assert bench.run("--all", "--check", *where, cwd=cwd).status == 0
    (bench.folder / "our kit/agents/reviewer.toml").unlink()
    (line,) = re.findall("orphan .*", bench.run("--all", "--check", *where, cwd=cwd).stdout)
    assert bench.run(*shlex.split(line.partition(": assemble ")[2]), cwd=cwd).stdout.count("deleted ") == 1


@pytest.mark.parametrize("name", ["agents/a --force b/critic.toml", "agents/critic.toml"])
def test_the_suggested_command_resolves_a_merge_in_an_output(bench: Workbench, name: str) -> None:
    bench.write({name: 'name = "critic"\ndescription = "Reviews."\n'})
    bench.run("--all")
    output = next(str(path.relative_to(bench.folder)) for path in bench.folder.rglob("critic.md"))
    bench.write({output: bench.read(output) + "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n"})
    hint = bench.run("--all", "--check").stderr.partition("then run: ")[2].splitlines()[0]
    assert "--force" not in hint.replace(name, "")
    assert shlex.split(hint)[-1] == name


@pytest.mark.parametrize("folder", ["kit", "kit in a folder"])
def test_the_next_step_of_init_works_in_the_working_directory(bench: Workbench, folder: str) -> None:
    (line,) = re.findall("next: .*", bench.run("init", folder).stderr)
    assert bench.run(*shlex.split(re.findall("assemble (--all.*)", line)[0])).status == 0
    new = re.findall("`assemble (new NAME.*?)`", line)[0].replace("NAME", "other --description Other.")
    assert bench.run(*shlex.split(new)).status == 0


@pytest.mark.parametrize("command", [("git", "apply"), ("patch", "-p1", "--silent")], ids=" ".join)
def test_a_diff_of_a_kit_below_can_be_applied_from_here(bench: Workbench, command: tuple[str, ...]) -> None:
    bench.run("init", "our kit")
    bench.write({"our kit/_blocks/baseline.md": "Say all.\n"})
    text = bench.run("--all", "--diff", "--kit", "our kit").stdout
    subprocess.run(command, cwd=bench.folder, input=text, text=True, check=True)
    assert bench.run("--all", "--check", "--kit", "our kit").status == 0


@pytest.mark.parametrize("output_format", ["github", "gitlab", "junit", "sarif"])
def test_annotations_use_paths_in_the_repository(bench: Workbench, output_format: str) -> None:
    bench.run("init", "tools/kit")
    (bench.folder / ".claude/agents/reviewer.md").unlink()
    out = bench.run("--all", "--check", "--output-format", output_format, "--kit", "tools/kit").stdout
    assert ".claude/agents/reviewer.md" in out
    assert "/../" not in out.replace("outside the kit, to ../../.claude", "")


def test_two_kits_can_share_an_output_folder(bench: Workbench) -> None:
    for name in ("one", "two"):
        bench.run("init", name)
        text = bench.read(f"{name}/agents/reviewer.toml")
        bench.write({f"{name}/agents/{name}.toml": text.replace('"reviewer"', f'"{name}"')})
        (bench.folder / name / "agents/reviewer.toml").unlink()
        assert bench.run("--all", "--prune", "--force", "--kit", name).status == 0
    assert sorted(os.listdir(bench.folder / ".claude/agents")) == ["one.md", "two.md"]
    assert bench.run("--all", "--check", "--kit", "one").status == 0
    bench.write({"two/agents/one.toml": bench.read("two/agents/two.toml").replace('"two"', '"one"')})
    assert "foreign ../.claude/agents/one.md" in bench.run("--all", "--kit", "two").stdout


def test_a_byte_order_mark_does_not_make_a_file_foreign(kit: Workbench) -> None:
    alpha = kit.folder / "agents/alpha.md"
    alpha.write_bytes(b"\xef\xbb\xbf" + alpha.read_bytes())
    assert "would update agents/alpha.md" in kit.run("--all", "--check").stdout
    kit.run("--all")
    assert alpha.read_bytes().startswith(b"---\n")
    alpha.write_bytes(b"\xef\xbb\xbf" + alpha.read_bytes() + b"mine\n")
    assert "edited agents/alpha.md" in kit.run("--all", "--check").stdout
    (kit.folder / "agents/alpha.toml").unlink()
    assert "orphan agents/alpha.md" in kit.run("--all", "--check").stdout


def test_the_stamp_names_a_command_that_works(bench: Workbench) -> None:
    bench.write({"agents/my team/a.toml": AGENT.format("a").replace('"one", "two"', "")})
    bench.run("--all")
    bench.write({"agents/my team/a.toml": AGENT.format("a").replace('"one", "two"', "") + 'model = "opus"\n'})
    command = bench.read("agents/my team/a.md").partition("run: assemble ")[2].partition(" ·")[0]
    assert bench.run(*shlex.split(command)).stdout == "updated agents/my team/a.md\n"


@pytest.mark.parametrize("folder", ["agents/", "./agents", "agents//.", "agents"])
def test_spellings_of_the_manifest_folder(kit: Workbench, folder: str) -> None:
    kit.write({"assemble.toml": f'manifests = "{folder}"\n'})
    (kit.folder / "agents/alpha.toml").unlink()
    assert "orphan agents/alpha.md" in kit.run("--all", "--check").stdout
    kit.write({"assemble.toml": f'manifests = "{folder}"\n[target.codex]\noutput = "agents/codex/{{name}}.toml"\n'})
    assert "error[O616]" in kit.run("--all", "--target", "codex").stderr


def test_only_the_stamp_at_the_right_place_counts(kit: Workbench) -> None:
    stamp = next(line for line in kit.read("agents/beta.md").splitlines() if "Generated by" in line)
    kit.write({"agents/notes.md": f"---\nname: notes\ndescription: x\n---\n\nA stamp looks so:\n\n{stamp}\n"})
    assert look(kit).stdout == ""
    kit.write({"agents/notes.toml": AGENT.format("notes")})
    assert "foreign agents/notes.md" in look(kit).stdout


def test_an_unmanaged_file_is_a_note_or_an_error_in_an_exclusive_kit(kit: Workbench) -> None:
    kit.write({"agents/hand.md": "---\nname: hand\ndescription: x\n---\n\nYou.\n", "agents/README.md": "# Agents\n"})
    run = look(kit)
    assert (run.status, run.stdout) == (0, "")
    assert [line for line in run.stderr.splitlines() if "[O6" in line] == [
        "agents/hand.md:1:1: note[O607] this agent file does not come from a manifest"
    ]
    assert kit.run("--all").stderr == "2 agents: 2 unchanged\n"
    kit.write({"assemble.toml": "exclusive = true\n"})
    assert (look(kit).status, kit.run("--all").status) == (1, 1)


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("You do alpha.\n", "You do alpha.  \n", "an editor or a hook that removes or adds white space at line ends"),
        ("| a | b |\n|---|---|\n", "| a   | b   |\n| --- | --- |\n", "a Markdown formatter that pads tables"),
        ("- first\n", "* first\n", "a Markdown formatter, in blank lines, list or emphasis marks"),
    ],
)
def test_the_likely_cause_of_an_edit_is_reported(kit: Workbench, old: str, new: str, cause: str) -> None:
    edit(kit, "agents/alpha.md", old, new)
    assert f"probably by {cause}; it is kept as it is\n    help: exclude generated files" in look(kit).stderr


def test_a_crlf_checkout_is_up_to_date_and_is_rewritten_with_lf(kit: Workbench) -> None:
    git(kit, "config", "core.autocrlf", "true")
    shutil.rmtree(kit.folder / "agents")
    shutil.rmtree(kit.folder / "_blocks")
    git(kit, "checkout", "--", ".")
    assert b"\r\n" in (kit.folder / "agents" / "alpha.md").read_bytes()
    assert look(kit).status == 0
    edit(kit, "_blocks/one.md", "first", "second")
    assert kit.run("--all").stdout == "updated agents/alpha.md\nupdated agents/beta.md\n"
    assert b"\r" not in (kit.folder / "agents" / "alpha.md").read_bytes()


def _branch(bench: Workbench, name: str, block: str) -> None:
    git(bench, "checkout", "--quiet", "-b", name, "main")
    edit(bench, f"_blocks/{block}.md", f"# {block.upper()}\n", f"# {block.upper()}\n\nChanged in {name}.\n")
    assert bench.run("--all").status == 0
    commit(bench, name)


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_a_merge_of_two_branches_with_different_blocks_needs_no_force(kit: Workbench, style: str) -> None:
    git(kit, "config", "merge.conflictStyle", style)
    _branch(kit, "left", "one")
    _branch(kit, "right", "two")
    assert "CONFLICT" in git(kit, "merge", "left", check=False)
    assert "<<<<<<< " in kit.read("agents/alpha.md")
    assert look(kit).stdout.count("would update") == 2
    assert kit.run("--all").stdout == "updated agents/alpha.md\nupdated agents/beta.md\n"
    assert kit.read("agents/alpha.md").count("Changed in") == 2
    assert look(kit).status == 0


def test_a_merge_conflict_in_a_new_kit_has_to_be_resolved_first(bench: Workbench) -> None:
    (bench.folder / ".git").rmdir()
    git(bench, "init", "--quiet", "-b", "main")
    assert bench.run("init").status == 0
    commit(bench, "new")
    for name in ("left", "right"):
        git(bench, "checkout", "--quiet", "-b", name, "main")
        edit(bench, "agents/reviewer.toml", "You review code", f"You review {name} code")
        commit(bench, name)
    assert "CONFLICT" in git(bench, "merge", "left", check=False)
    run = look(bench)
    assert (run.status, "agents/reviewer.toml:10:1: error[T405] the file has an unfinished" in run.stderr) == (1, True)


def test_a_conflict_in_the_text_has_a_help(kit: Workbench) -> None:
    _branch(kit, "left", "one")
    _branch(kit, "right", "one")
    assert "CONFLICT" in git(kit, "merge", "left", check=False)
    git(kit, "checkout", "--ours", "_blocks/one.md")
    run = look(kit)
    assert "error[O604] the file has an unfinished merge; it is kept as it is" in run.stderr
    assert "for example with `git checkout --ours`, then run: assemble agents/alpha.toml" in run.stderr
    git(kit, "checkout", "--ours", "agents")
    assert kit.run("--all").status == 0
    assert look(kit).status == 0


def test_after_a_reverted_commit_everything_is_up_to_date(kit: Workbench) -> None:
    _branch(kit, "left", "one")
    git(kit, "revert", "--no-edit", "HEAD")
    assert look(kit).status == 0


def test_check_reports_every_status_in_one_run(kit: Workbench) -> None:
    kit.write({f"agents/{name}.toml": AGENT.format(name) for name in ("gamma", "delta", "gone")})
    kit.run("--all")
    (kit.folder / "agents" / "gone.toml").unlink()
    (kit.folder / "agents" / "delta.md").unlink()
    kit.write({"agents/gamma.md": "foreign\n"})
    edit(kit, "agents/alpha.md", "You do", "You may do")
    edit(kit, "agents/beta.toml", "You do", "You may do")
    kinds = [line.partition(" agents")[0] for line in look(kit).stdout.splitlines()]
    assert kinds == ["edited", "would update", "would create", "foreign", "orphan"]


@pytest.mark.parametrize(
    "args",
    [("--check", "--force", "--all"), ("--diff", "--prune", "--all"), ("--prune", "agents/alpha.toml"),
     ("--stdout", "--all"), ("--stdout", "--check", "agents/alpha.toml"),
     ("--stdout", "agents/alpha.toml", "agents/beta.toml"),
     ("--stdout", "--output-format", "json", "agents/alpha.toml")],
)  # fmt: skip
def test_contradictory_flags_are_usage_errors(kit: Workbench, args: tuple[str, ...]) -> None:
    run = kit.run(*args)
    assert (run.status, run.stdout) == (2, "")
    assert "Error: --" in run.stderr


def test_stdout_prints_the_file_and_writes_nothing(kit: Workbench) -> None:
    expected = kit.read("agents/alpha.md")
    (kit.folder / "agents" / "alpha.md").unlink()
    before = kit.files()
    assert kit.run("--stdout", "agents/alpha.toml") == (0, expected, "")
    assert kit.files() == before


def test_a_link_inside_the_root_is_followed_and_one_outside_is_refused(kit: Workbench) -> None:
    (kit.folder / "store").mkdir()
    output = kit.folder / "agents" / "alpha.md"
    output.rename(kit.folder / "store" / "alpha.txt")
    output.symlink_to("../store/alpha.txt")
    edit(kit, "agents/alpha.toml", "You do", "You may do")
    assert kit.run("agents/alpha.toml").stdout == "updated agents/alpha.md\n"
    assert output.is_symlink()
    assert "You may do" in kit.read("store/alpha.txt")
    output.unlink()
    output.symlink_to("/etc/hostname")
    assert "error[O601]" in kit.run("agents/alpha.toml").stderr


def test_the_mode_of_a_file_is_kept(kit: Workbench) -> None:
    output = kit.folder / "agents" / "alpha.md"
    output.chmod(0o640)
    edit(kit, "agents/alpha.toml", "You do", "You may do")
    kit.run("--all")
    assert output.stat().st_mode & 0o777 == 0o640


def test_the_next_run_removes_temporary_files_of_a_killed_run(kit: Workbench) -> None:
    left, empty = leave_temporary_file(kit.folder / "agents"), kit.folder / "agents/.assemble-0123456789abcdef.tmp"
    empty.write_text("")
    assert look(kit).status == 0
    assert left.exists()
    kit.run("--all")
    assert not left.exists()
    assert not empty.exists()


def test_a_temporary_file_in_use_is_kept(kit: Workbench) -> None:
    in_use = leave_temporary_file(kit.folder / "agents")
    with in_use.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        kit.run("--all")
        assert in_use.exists()
    kit.run("--all", "--no-cache")
    assert not in_use.exists()


@pytest.mark.parametrize(
    "name",
    [
        ".assemble-9999999-mine.toml",
        ".assemble-9999999-0123abcd-mine.md",
        ".assemble-0123456789abcdef.tmp",
        ".assemble-0123456789abcdef-1.tmp",
        ".assemble-0123456789abcdef-99999999999999999999.tmp",
    ],
)
def test_a_file_with_the_name_of_a_temporary_file_is_kept(kit: Workbench, name: str) -> None:
    mine = kit.folder / "agents" / name
    mine.write_text("Mine.")
    (kit.folder / "agents/alpha.md").unlink(missing_ok=True)
    kit.run("--all", "--prune")
    kit.run("--all", "--prune", "--force")
    assert mine.read_text() == "Mine."


def test_a_link_or_folder_with_the_name_of_a_temporary_file_is_kept(kit: Workbench) -> None:
    link, folder = (kit.folder / f"agents/.assemble-0123456789abcde{n}.tmp" for n in "ef")
    link.symlink_to("nowhere")
    folder.mkdir()
    kit.run("--all", "--prune")
    assert link.is_symlink()
    assert folder.is_dir()
