"""`--output-dir` builds into another folder: the same files, with the same rules, and the kit stays as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given

from composed_kits import ComposedKit, composed_kits
from conftest import REPOSITORY, Run, Workbench, examples
from kei_assembler.build.output_folder import redirect
from kei_assembler.build.run import RunOptions, run
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.targets import TARGETS

AGENT = 'name = "{0}"\ndescription = "Does {0}."\nrole = "You do {0}."\nblocks = ["one"]\n'
ALPHA, BETA = ".claude/agents/alpha.md", ".claude/agents/beta.md"
SETTINGS = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
SCHEMA = ".assemble/manifest.schema.json"
HINT = "  help: name another folder, such as `build/preview`, or one outside the kit\n"


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit with two agents, in the folder `kit`. Nothing is built yet."""
    kit = bench.below("kit")
    kit.write({f"agents/{name}.toml": AGENT.format(name) for name in ("alpha", "beta")})
    kit.write({"_blocks/one.md": "# ONE\n\n- first\n", "assemble.toml": SETTINGS})
    return kit


def build(kit: Workbench, *args: str) -> Run:
    """Build into another folder, which must change nothing else in the kit."""
    before = _outside(kit, "build")
    run_ = kit.run(*args)
    assert _outside(kit, "build") == before
    return run_


def _outside(kit: Workbench, folder: str) -> dict[str, tuple[bytes, int]]:
    return {name: found for name, found in kit.files().items() if not name.startswith(f"{folder}/")}


def _contents(folder: Path, leaving_out: Iterable[str] = ()) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name not in set(leaving_out)}


def test_the_kit_stays_as_it_is(kit: Workbench) -> None:
    assert kit.run("--all").status == 0
    normal = {name: kit.read(name) for name in (ALPHA, BETA)}
    kit.write({ALPHA: "Edited."})
    before = kit.files()
    assert kit.run("--all", "--output-dir", "build/preview") == (
        0,
        "created build/preview/.claude/agents/alpha.md\ncreated build/preview/.claude/agents/beta.md\n",
        "2 agents, 2 files: 2 created\n",
    )
    assert {name: kit.read(f"build/preview/{name}") for name in (ALPHA, BETA)} == normal
    assert {name: found for name, found in kit.files().items() if not name.startswith("build/")} == before


def test_a_check_compares_with_the_folder(kit: Workbench) -> None:
    assert kit.run("--all").status == 0
    assert kit.run("--all", "--check", "--output-dir", "build/a b") == (
        1,
        "would create build/a b/.claude/agents/alpha.md [O609]\nwould create build/a b/.claude/agents/beta.md [O609]\n",
        "2 agents, 2 files: 2 to create\nto fix this, run: assemble --all --output-dir 'build/a b'\n",
    )
    assert not (kit.folder / "build").exists()
    assert build(kit, "--all", "--output-dir", "build/a b").status == 0
    assert build(kit, "--all", "--check", "--diff", "--output-dir", "build/a b") == (
        0,
        "",
        "2 agents, 2 files: 2 unchanged\n",
    )
    kit.write({"_blocks/one.md": "# ONE\n\n- second\n"})
    checked = build(kit, "agents/alpha.toml", "--diff", "--output-dir", "build/a b")
    assert "--- a/build/a b/.claude/agents/alpha.md\t\n" in checked.stdout
    assert checked.stderr.endswith("to apply this, run: assemble agents/alpha.toml --output-dir 'build/a b'\n")


def test_files_in_the_folder_are_owned_as_in_a_kit(kit: Workbench) -> None:
    assert kit.run("--all").status == 0
    assert build(kit, "--all", "--output-dir", "build").status == 0
    kit.write({f"build/{ALPHA}": kit.read(f"build/{ALPHA}") + "edited\n", f"build/{BETA}": "Somebody's.\n"})
    (kit.folder / "agents/beta.toml").rename(kit.folder / "agents/gamma.toml.txt")
    kit.write({"build/.claude/agents/twin.md": "---\nname: alpha\ndescription: D.\n---\nBy hand.\n"})
    kept = kit.files()
    run_ = build(kit, "--all", "--output-dir", "build")
    assert kit.files() == kept
    assert run_.stdout.startswith("edited build/.claude/agents/alpha.md\n--- a/build/.claude/agents/alpha.md\n")
    assert run_.stderr == (
        "build/.claude/agents/alpha.md:1:1: error[O604] "
        "the file was edited after it was generated; it is kept as it is\n"
        "    help: move the change to agents/alpha.toml, a block or a template; to discard it, run: "
        "assemble --force --output-dir build agents/alpha.toml\n"
        "build/.claude/agents/twin.md:2:1: error[O625] this agent has the name `alpha`, like the generated "
        "`build/.claude/agents/alpha.md`; only one is loaded in Claude Code\n"
        "    2 | name: alpha\n"
        "      | ^^^^ help: delete it, after moving what you need to agents/alpha.toml; or rename the agent\n"
        "1 agent, 1 file: 1 edited; 2 errors\n"
    )


def test_orphans_in_the_folder_are_pruned(kit: Workbench) -> None:
    assert kit.run("--all").status == 0
    assert build(kit, "--all", "--output-dir", "build").status == 0
    (kit.folder / "agents/beta.toml").unlink()
    checked = build(kit, "--all", "--check", "--output-dir", "build")
    assert checked.stdout == "orphan build/.claude/agents/beta.md [O611]\n"
    assert checked.stderr.endswith("to fix this, run: assemble --all --prune --output-dir build\n")
    pruned = build(kit, "--all", "--prune", "--output-dir", "build")
    assert (pruned.status, pruned.stdout) == (0, "deleted build/.claude/agents/beta.md\n")
    assert (kit.folder / BETA).exists()


def test_force_is_about_the_folder(kit: Workbench) -> None:
    kit.write({f"build/{ALPHA}": "By hand.\n", ALPHA: "By hand.\n"})
    assert build(kit, "agents/alpha.toml", "--output-dir", "build").status == 1
    forced = build(kit, "agents/alpha.toml", "--force", "--output-dir", "build")
    assert (forced.status, forced.stdout) == (0, "overwrote build/.claude/agents/alpha.md\n")
    assert kit.read(ALPHA) == "By hand.\n"


def test_an_exclusive_kit_looks_at_the_folder(kit: Workbench) -> None:
    kit.write({"assemble.toml": "exclusive = true\n" + SETTINGS, ".claude/agents/mine.md": "---\nname: m\n---\nA.\n"})
    assert build(kit, "--all", "--check", "--output-dir", "build").stdout.count("would create") == 2
    assert build(kit, "--all", "--output-dir", "build").stderr == "2 agents, 2 files: 2 created\n"
    kit.write({"build/.claude/agents/other.md": "---\nname: o\ndescription: D.\n---\nA.\n"})
    checked = build(kit, "--all", "--check", "--output-dir", "build")
    assert checked.status == 1
    assert checked.stderr.startswith("build/.claude/agents/other.md:1:1: error[O608]")


def test_the_kit_does_not_see_the_folder(kit: Workbench) -> None:
    kit.write({"assemble.toml": "exclusive = true\n" + SETTINGS})
    assert kit.run("--all").status == 0
    before = kit.run("--all", "--check", "--strict")
    assert build(kit, "--all", "--output-dir", "build/preview").status == 0
    assert before.status == 0
    assert kit.run("--all", "--check", "--strict") == before
    recursive = kit.run("--all", "--recursive", "--check", "--strict", cwd="..")
    assert (recursive.status, recursive.stderr) == (0, f"kit:\n{before.stderr}")


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        (".", "is the kit's own folder"),
        ("agents/..", "is the kit's own folder"),
        ("..", "contains the kit"),
        ("agents", "is in the folder of the manifests, `agents`"),
        ("agents/new", "is in the folder of the manifests, `agents`"),
        ("_blocks/new", "is in the folder of the blocks, `_blocks`"),
        ("templates", "is in the folder of the templates, `templates`"),
        ("assemble.toml", "is not a folder"),
        ("broken", "is not a folder"),
        ("../.git/x", "is in git's own folder"),
        (".claude", "is where the kit has its own files for Claude Code"),
        (".claude/agents", "is where the kit has its own files for Claude Code"),
        (".claude/agents/new", "is where the kit has its own files for Claude Code"),
        ("link", "is in the folder of the manifests, `agents`"),
        ("../other", "is a kit of its own"),
    ],
)
def test_folders_that_have_another_use(folder: str, reason: str, kit: Workbench) -> None:
    (kit.folder / "link").symlink_to("agents")
    (kit.folder / "broken").symlink_to("nowhere")
    (kit.folder / "../other/_blocks").mkdir(parents=True)
    before = kit.files()
    expected = (2, "", f"error: cannot build into `{folder}`: it {reason}\n{HINT}")
    assert kit.run("--all", "--output-dir", folder) == expected
    assert kit.files() == before


def test_the_home_folder(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    home = kit.folder.parent / "home"
    (home / ".claude").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for folder, reason in (
        ("../home", "contains your home folder"),
        ("../home/.claude", "reaches the agents in `~/.claude/agents`"),
    ):
        expected = (2, "", f"error: cannot build into `{folder}`: it {reason}\n{HINT}")
        assert kit.run("--all", "--output-dir", folder) == expected
    assert kit.run("--all", "--output-dir", "") == (2, "", f"error: --output-dir is empty\n{HINT}")


def test_files_for_the_home_folder_stay_in_the_folder(
    tmp_path: Path, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(bench.folder / ".git")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    kit = bench.below("kit")
    settings = SETTINGS.replace('"', '"~/', 1)
    kit.write({"agents/alpha.toml": AGENT.format("alpha"), "_blocks/one.md": "One.\n", "assemble.toml": settings})
    for options in ((), ("--user",)):
        created = kit.run("--all", "--output-dir", "build", *options)
        assert (created.status, created.stdout) == (0, "created build/.claude/agents/alpha.md\n")
        shutil.rmtree(kit.folder / "build")
    assert not any((tmp_path / "home").iterdir())


def test_outputs_beside_the_kit(bench: Workbench) -> None:
    kit = bench.below("tools/kit")
    settings = 'root = "../.."\n' + SETTINGS.replace('".claude', '"../../.claude')
    kit.write({"agents/alpha.toml": AGENT.format("alpha"), "_blocks/one.md": "One.\n", "assemble.toml": settings})
    created = bench.run("--all", "--kit", "tools/kit", "--output-dir", "preview")
    assert (created.status, created.stdout) == (0, f"created ../../preview/{ALPHA}\n")
    assert kit.run("--all").status == 0
    assert bench.read(f"preview/{ALPHA}") == bench.read(ALPHA)
    checked = bench.run("--all", "--kit", "tools/kit", "--check", "--output-dir", "preview")
    assert checked == (0, "", "1 agent, 1 file: 1 unchanged\n")
    absolute = str(bench.folder / "other")
    created = bench.run("--all", "--kit", "tools/kit", "--output-dir", absolute)
    assert created.stdout == f"created {absolute}/{ALPHA}\n"


def test_outputs_never_leave_the_folder(kit: Workbench) -> None:
    kit.write({"assemble.toml": SETTINGS.replace('".claude', '"../.claude')})
    run_ = kit.run("--all", "--output-dir", "build")
    assert run_.status == 1
    assert (
        "agents/alpha.toml:1:1: error[O601] the output folder `.claude/agents` is outside the output folder\n"
        in run_.stderr
    )
    kit.write({"assemble.toml": SETTINGS})
    (kit.folder / "build").mkdir()
    (kit.folder / "outside").mkdir()
    (kit.folder / "build/.claude").symlink_to("../outside")
    run_ = kit.run("--all", "--output-dir", "build")
    assert (run_.status, os.listdir(kit.folder / "outside")) == (1, [])
    assert (
        "agents/alpha.toml:1:1: error[O601] the output folder `build/.claude/agents` is outside the output folder\n"
        "    help: if a link leads there, remove it; otherwise, change `output`\n"
    ) in run_.stderr
    (kit.folder / "build/.claude").unlink()
    (kit.folder / "build/.claude/agents").mkdir(parents=True)
    (kit.folder / f"build/{ALPHA}").symlink_to("../../../outside/x")
    run_ = kit.run("--all", "--output-dir", "build")
    assert f"the output `build/{ALPHA}` is outside the output folder\n" in run_.stderr
    assert (run_.status, os.listdir(kit.folder / "outside")) == (1, [])


def test_a_link_to_the_folder(kit: Workbench) -> None:
    (kit.folder / "elsewhere").mkdir()
    (kit.folder / "link").symlink_to("elsewhere")
    created = kit.run("agents/alpha.toml", "--output-dir", "link")
    assert created.stdout == f"created link/{ALPHA}\n"
    assert (kit.folder / f"elsewhere/{ALPHA}").is_file()


@pytest.mark.parametrize("is_in_git", [True, False])
def test_a_link_in_the_kit_that_leads_out_of_it(is_in_git: bool, kit: Workbench, tmp_path: Path) -> None:
    """The link can come with the kit, from a stranger."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    if not is_in_git:
        (tmp_path / ".git").rmdir()
    (kit.folder / "link").symlink_to(outside)
    for folder in ("link", "link/inner"):
        top = ".." if is_in_git else "."
        reason = f"cannot build into `{folder}`: it is behind the link `link`, which leads outside {top}"
        assert kit.run("--all", "--output-dir", folder) == (2, "", f"error: {reason}\n{HINT}")
    assert kit.run("--all", "--output-dir", str(outside)).status == 0


def test_a_source_in_the_folder_is_not_overwritten(bench: Workbench) -> None:
    """The folder contains another kit, or lies in the sources of one."""
    kit = bench.below("kit")
    settings = 'targets = ["codex"]\n[target.codex]\noutput = "sub/agents/{name}.toml"\n'
    kit.write({"agents/alpha.toml": AGENT.format("alpha"), "_blocks/one.md": "One.\n", "assemble.toml": settings})
    bench.write({"out/sub/_blocks/x.md": "X.\n", "other/_blocks/x.md": "X.\n", "other/agents/x.toml": ""})
    run_ = kit.run("--all", "--output-dir", "../out")
    assert (run_.status, "would be a manifest of another kit" in run_.stderr) == (1, True), run_.stderr
    run_ = kit.run("--all", "--output-dir", "../other/agents")
    assert (run_.status, "would be a manifest of another kit" in run_.stderr) == (1, True), run_.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("--all", "--recursive", "--output-dir", "x"),
            "--output-dir cannot be used with --recursive, --staged or --stdout",
        ),
        (
            ("--all", "--staged", "--output-dir", "x"),
            "--output-dir cannot be used with --recursive, --staged or --stdout",
        ),
        (
            ("agents/alpha.toml", "--stdout", "--output-dir", "x"),
            "--output-dir cannot be used with --recursive, --staged or --stdout",
        ),
        (
            ("agents/alpha.toml", "../kit2/agents/gamma.toml", "--output-dir", "x"),
            "--output-dir takes the files of one kit; name manifests of one kit only",
        ),
        (
            ("--all", "--without", "block:one"),
            "--without requires --output-dir, so that the kit's own files stay complete",
        ),
    ],
)
def test_options_that_exclude_each_other(args: tuple[str, ...], message: str, kit: Workbench) -> None:
    kit.below("../kit2").write({"agents/gamma.toml": AGENT.format("gamma"), "_blocks/one.md": "One.\n"})
    before = kit.files()
    usage = "Usage: assemble [OPTIONS] MANIFEST...\nTry 'assemble --help' for help.\n\nError: "
    assert kit.run(*args) == (2, "", f"{usage}{message}\n")
    assert kit.files() == before


def test_schemas_for_editors_belong_to_the_kit(kit: Workbench) -> None:
    schema = kit.run("schema").stdout
    kit.write(dict.fromkeys((SCHEMA, f"build/{SCHEMA}"), schema))
    kit.write({"_blocks/two.md": "Two.\n"})
    before = kit.files()
    created = kit.run("agents/alpha.toml", "--output-dir", "build")
    assert created.stdout == f"created build/{ALPHA}\n"
    assert {name: found for name, found in kit.files().items() if name in before} == before


def test_client_settings_in_the_folder(kit: Workbench) -> None:
    settings = '{"agent": {"alpha": {"disable": true}}}\n'
    kit.write({"assemble.toml": 'targets = ["opencode"]\n', "opencode.json": settings})
    assert "L804" not in kit.run("--all", "--output-dir", "build").stderr
    kit.write({"build/opencode.json": settings})
    assert (
        "build/opencode.json:1:12: warning[L804] OpenCode adds these keys to those of the generated "
        "`build/.opencode/agents/alpha.md`"
    ) in kit.run("--all", "--output-dir", "build").stderr


@examples(40, [HealthCheck.too_slow])
@given(composed_kits())
def test_the_files_are_those_of_the_kit(composed: ComposedKit) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, other = Path(name).resolve() / "kit", Path(name).resolve() / "other"
        folder.mkdir()
        composed.write(folder)
        sources = _contents(folder)
        assume(run(kit_in(folder, other), kit_in(folder).manifests, True, RunOptions()).status == 0)
        assert _contents(folder) == sources
        assert run(kit_in(folder), kit_in(folder).manifests, True, RunOptions()).status == 0
        assert (_contents(other) if other.exists() else {}) == _contents(folder, sources)
        again = run(kit_in(folder, other), kit_in(folder).manifests, True, RunOptions(check=True))
        assert again.status == 0


def kit_in(folder: Path, output: Path | None = None) -> LoadedKit:
    kit = load_kit(str(folder))
    if output:
        redirect(kit, str(output))
    return kit


@pytest.mark.parametrize("target", TARGETS)
def test_the_files_of_our_own_agents(target: str, bench: Workbench) -> None:
    for glob in ("agents/*.toml", "_blocks/*.md", "templates/*", "pyproject.toml"):
        bench.write({str(path.relative_to(REPOSITORY)): path.read_bytes() for path in REPOSITORY.glob(glob)})
    before = bench.files()
    assert bench.run("--all", "--target", target, "--output-dir", "build").status == 0
    assert {name: found for name, found in bench.files().items() if not name.startswith("build/")} == before
    assert bench.run("--all", "--target", target).status == 0
    built = {name: found[0] for name, found in bench.files().items() if name not in before}
    elsewhere = {name.removeprefix("build/"): content for name, content in built.items() if name.startswith("build/")}
    assert elsewhere
    assert elsewhere == {name: content for name, content in built.items() if not name.startswith("build/")}
