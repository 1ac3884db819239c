"""Which kit a run uses: where its folder is searched for, and what can lie outside it."""

from __future__ import annotations

import os
import shutil

import pytest

from conftest import Run, Workbench
from kei_assembler import Kit

X = 'name = "x"\ndescription = "Reviews code."\n'
Y = X.replace('"x"', '"y"')
OUTPUT = '[{}target.claude-code]\noutput = "{}/{{name}}.md"'


def _with(bench: Workbench, files: dict[str, str | bytes], *args: str, cwd: str = ".") -> Run:
    bench.write(files)
    return bench.run(*args, cwd=cwd)


def _outputs(bench: Workbench) -> list[str]:
    return [file for file in bench.files() if file.endswith("x.md")]


@pytest.mark.parametrize(
    "marks",
    [
        {"assemble.toml": ""},
        {"pyproject.toml": "[tool.assemble]\n"},
        {"pyproject.toml": '[project]\nname = "a"\n\n[tool.assemble]'},
        {"_blocks/a.md": "A."},
        {},
    ],
)
def test_the_kit_is_found_from_the_manifest_upwards(marks: dict[str, str], bench: Workbench) -> None:
    kit = {f"some/kit/{name}": text for name, text in marks.items()}
    run = _with(
        bench,
        {"some/kit/agents/deep/x.toml": X, "other/a.txt": "", **kit},
        "../some/kit/agents/deep/x.toml",
        cwd="other",
    )
    assert (run.status, run.stdout) == (0, "created agents/deep/x.md\n")
    assert _outputs(bench) == ["some/kit/agents/deep/x.md"]


@pytest.mark.parametrize("cwd", [".", "agents", "src/deep"])
def test_all_finds_the_kit_from_the_working_directory_upwards(cwd: str, bench: Workbench) -> None:
    files: dict[str, str | bytes] = {"assemble.toml": "", "agents/x.toml": X, "src/deep/a.py": ""}
    run = _with(bench, files, "--all", cwd=cwd)
    assert (run.status, run.stdout) == (0, "created agents/x.md\n")


@pytest.mark.parametrize(
    "inner", [{"in/assemble.toml": ""}, {"in/pyproject.toml": "[tool.assemble]"}, {"in/_blocks/a.md": "A."}]
)
def test_the_nearest_kit_is_used(inner: dict[str, str], bench: Workbench) -> None:
    outer = {"assemble.toml": OUTPUT.format("", "outer"), "agents/y.toml": Y}
    run = _with(bench, {**outer, **inner, "in/agents/x.toml": X}, "--all", cwd="in")
    assert (run.status, run.stdout) == (0, "created agents/x.md\n")
    assert _outputs(bench) == ["in/agents/x.md"]
    assert bench.run("--all").stdout == "created outer/y.md\n"


def test_a_kit_with_settings_wins_over_one_without_below_it(bench: Workbench) -> None:
    files: dict[str, str | bytes] = {"assemble.toml": 'manifests = "in/agents"', "in/agents/x.toml": X}
    assert _with(bench, files, "in/agents/x.toml").stdout == "created in/agents/x.md\n"


@pytest.mark.parametrize("git", ["folder", "file"])
def test_a_kit_above_the_git_work_tree_is_ignored(git: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": "", "agents/y.toml": Y, "tree/bots/x.toml": X})
    if git == "folder":
        (bench.folder / "tree/.git").mkdir()
    else:
        bench.write({"tree/.git": "gitdir: elsewhere"})
    for args in (["--all"], ["bots/x.toml"]):
        run = bench.run(*args, cwd="tree")
        assert (run.status, run.stdout) == (2, "")
        assert "error: no kit was found in `" in run.stderr


def test_kit_names_the_folder(bench: Workbench) -> None:
    files: dict[str, str | bytes] = {"one/assemble.toml": "", "one/agents/y.toml": Y, "two/agents/x.toml": X}
    assert _with(bench, files, "--all", "--kit", "../two", cwd="one").stdout == "created agents/x.md\n"
    named = bench.run("--kit", "two", "two/agents/x.toml", "--check")
    assert (named.status, named.stderr) == (0, "1 agent, 1 file: 1 unchanged\n")
    assert _outputs(bench) == ["two/agents/x.md"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--kit", "three", "--all"], "the folder `three` does not exist"),
        (["--kit", "one/agents", "--all", "--check"], "`one/agents` is not a kit"),
        (["--kit", "one", "two/agents/x.toml"], "`two/agents/x.toml` is not a manifest of the kit in "),
        (["one/agents/y.toml", "two/agents/x.toml"], "these manifests belong to several kits"),
        (["one/agents/z.toml"], "`one/agents/z.toml` does not exist"),
        (["one/agents"], "`one/agents` is a folder"),
    ],
)
def test_a_run_needs_exactly_one_kit(args: list[str], message: str, bench: Workbench) -> None:
    files = {"one/assemble.toml": "", "one/agents/y.toml": Y, "two/assemble.toml": "", "two/agents/x.toml": X}
    bench.write(files)
    before = bench.files()
    run = bench.run(*args)
    assert (run.status, run.stdout, bench.files()) == (2, "", before)
    assert message in run.stderr


BROKEN: dict[str, str | bytes] = {
    "outer/pyproject.toml": "# assemble\n[broken",
    "outer/agents/y.toml": Y,
    "outer/kit/assemble.toml": "",
}


@pytest.mark.parametrize("args", [("--all",), ("schema",), ("new", "z"), ("agents/y.toml",)])
def test_nothing_is_written_if_a_broken_file_could_hold_the_settings(args: tuple[str, ...], bench: Workbench) -> None:
    run = _with(bench, BROKEN, *args, cwd="outer")
    assert (run.status, set(bench.files())) == (2, set(BROKEN))
    assert "pyproject.toml:2:8: error[S003] " in run.stderr
    assert "error: the settings have errors; nothing was done\n" in run.stderr


def test_a_broken_file_above_a_kit_is_ignored(bench: Workbench) -> None:
    run = _with(bench, BROKEN | {"outer/kit/agents/x.toml": X}, "--all", "--kit", "kit", cwd="outer")
    assert (run.status, _outputs(bench)) == (0, ["outer/kit/agents/x.md"])


@pytest.mark.parametrize("project", ["[project]\nname = 'a'\n", "[broken", b"\xff\xfe", "[tool.assembler]\na = 1\n"])
def test_an_unrelated_project_file_is_ignored(project: str | bytes, bench: Workbench) -> None:
    run = _with(bench, {"pyproject.toml": project, "agents/x.toml": X}, "--all")
    assert (run.status, run.stdout) == (0, "created agents/x.md\n")


def test_a_kit_needs_no_settings_and_no_blocks(bench: Workbench) -> None:
    run = _with(bench, {"agents/x.toml": X}, "agents/x.toml")
    assert (run.status, run.stdout, run.stderr) == (0, "created agents/x.md\n", "1 agent, 1 file: 1 created\n")


def test_two_kits_share_their_blocks(bench: Workbench) -> None:
    settings = 'root = ".."\nblocks = ["_blocks", "../shared"]'
    manifest = X + 'blocks = ["own", "common"]'
    for kit in ("one", "two"):
        bench.write({f"{kit}/assemble.toml": settings, f"{kit}/agents/x.toml": manifest, f"{kit}/_blocks/own.md": kit})
    bench.write({"shared/common.md": "Common."})
    for kit in ("one", "two"):
        assert bench.run("--all", cwd=kit).status == 0
        assert bench.read(f"{kit}/agents/x.md").endswith(f"\n\n{kit}\n\nCommon.\n")


@pytest.mark.parametrize(("root", "status"), [(".", 2), ("..", 0)])
def test_a_linked_block_folder_stays_inside_the_root(root: str, status: int, bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": f'root = "{root}"\nblocks = ["lib"]', "kit/agents/x.toml": X + 'blocks = ["a"]'})
    bench.write({"elsewhere/a.md": "A."})
    (bench.folder / "kit/lib").symlink_to(bench.folder / "elsewhere")
    run = bench.run("--all", cwd="kit")
    assert run.status == status
    assert ("is outside the kit's root" in run.stderr) == (status == 2)
    assert _outputs(bench) == ["kit/agents/x.md"][: status == 0]


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("_blocks/deep/a.md", "out/a.md"),
        ("_blocks/deep", "out"),
        ("_blocks", "deep"),
        ("agents", "out"),
        ("templates/agent.md.j2", "out/agent.md.j2"),
        ("templates", "out"),
    ],
)
def test_nothing_is_read_through_a_link_out_of_the_root(link: str, target: str, bench: Workbench) -> None:
    x = X + ('blocks = ["deep/a"]' if "_blocks" in link else "")
    outside = {
        "out/a.md": "SECRET",
        "deep/deep/a.md": "SECRET",
        "out/agent.md.j2": "SECRET",
        "out/y.toml": "SECRET = 1",
    }
    bench.write({"kit/assemble.toml": "", **outside, **({} if link == "agents" else {"kit/agents/x.toml": x})})
    (bench.folder / "kit" / link).parent.mkdir(exist_ok=True, parents=True)
    (bench.folder / "kit" / link).symlink_to(bench.folder / target)
    run = bench.run("--all", cwd="kit")
    assert "SECRET" not in run.stderr
    assert _outputs(bench) == []
    assert run.status


def test_a_linked_folder_of_manifests_is_searched(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", "agents/x.toml": X, "more/y.toml": Y})
    (bench.folder / "agents/more").symlink_to(bench.folder / "more")
    run = bench.run("--all")
    assert (run.status, run.stdout) == (0, "created agents/more/y.md\ncreated agents/x.md\n")


def test_circular_links_find_a_manifest_once(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", "agents/x.toml": X})
    (bench.folder / "agents/round").symlink_to(bench.folder / "agents")
    run = bench.run("--all")
    assert (run.status, run.stdout) == (0, "created agents/x.md\n")


def test_a_kit_named_through_a_link_is_the_same_kit(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": "", "kit/agents/x.toml": X})
    (bench.folder / "link").symlink_to(bench.folder / "kit")
    assert bench.run("link/agents/x.toml").stdout == "created agents/x.md\n"
    assert bench.run("kit/agents/x.toml", "--check").status == 0
    shutil.rmtree(bench.folder / "kit/agents")
    assert bench.run("--all", cwd="link").stdout == ""


@pytest.mark.parametrize("agents", ["mine/agents/x.md", "mine/agents/assemble.toml", "mine/agents/deep/notes.txt"])
def test_a_folder_with_empty_agents_is_not_a_kit(agents: str, bench: Workbench) -> None:
    bench.write({agents: ""})
    for args in (["--all", "--check"], ["new", "x"]):
        run = bench.run(*args, "--kit", "mine")
        assert (run.status, run.stdout) == (2, "")
        assert "`mine` is not a kit\n" in run.stderr
        assert "a kit is a folder with `assemble.toml`, " in run.stderr
    bench.write({"mine/agents/deep/x.toml": X})
    assert bench.run("--all", "--kit", "mine").status == 0


def test_the_settings_of_a_kit_are_not_a_manifest_of_the_kit_above(bench: Workbench) -> None:
    settings = {"tools/agents/assemble.toml": "", "tools/agents/deep/pyproject.toml": "[tool.assemble]\n"}
    bench.write({"tools/agents/x.toml": X, **settings})
    run = bench.run("--all", cwd="tools")
    assert (run.status, run.stdout) == (0, "created agents/x.md\n")


@pytest.fixture
def linked(bench: Workbench) -> Workbench:
    """A valid kit deep in the tree, with a link to it at the top."""
    bench.run("init", "deep/er/kit")
    (bench.folder / "kit").symlink_to("deep/er/kit")
    return bench


@pytest.mark.parametrize("args", [["--all", "--kit", "kit"], ["kit/agents/reviewer.toml"], ["--all", "--kit", "kit/"]])
def test_through_a_link_a_kit_writes_the_same_bytes_to_the_same_place(args: list[str], linked: Workbench) -> None:
    before = linked.files()
    assert linked.run(*args, "--check", "--strict").status == 0
    assert linked.run(*args, "--force").stderr == "1 agent, 1 file: 1 unchanged\n"
    (linked.folder / ".claude/agents/reviewer.md").unlink()
    assert linked.run(*args).status == 0
    assert {file: content for file, (content, _) in linked.files().items()} == {
        file: content for file, (content, _) in before.items()
    }


def test_through_a_link_the_library_has_the_same_kit(linked: Workbench) -> None:
    kit = Kit.load(linked.folder / "kit")
    assert kit.folder == os.path.realpath(linked.folder / "deep/er/kit")
    assert [change.status.value for change in kit.plan().changes] == ["unchanged"]


def test_init_and_import_follow_a_link_to_the_kit(bench: Workbench) -> None:
    (bench.folder / "deep/er/kit").mkdir(parents=True)
    (bench.folder / "kit").symlink_to("deep/er/kit")
    assert "created .claude/agents/reviewer.md" in bench.run("init", "kit").stdout
    assert "--kit deep/er/kit" in bench.read(".pre-commit-config.yaml")
    assert bench.run("--all", "--check", cwd="deep/er/kit").status == 0
    bench.write({".claude/agents/x.md": "---\nname: x\ndescription: Reviews code.\n---\n\nYou review.\n"})
    assert "created deep/er/kit/agents/x.toml" in bench.run("import", ".claude/agents/x.md", "--kit", "kit").stdout


@pytest.mark.parametrize("file", ["link/agents/x.toml", "link/agents/more/y.toml"])
def test_a_linked_manifest_is_reported_under_its_name_in_the_kit(file: str, bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'root = ".."', "one.toml": X, "kit/agents/y.txt": "", "more/y.toml": Y})
    (bench.folder / "kit/agents/x.toml").symlink_to("../../one.toml")
    (bench.folder / "kit/agents/more").symlink_to("../../more")
    (bench.folder / "link").symlink_to("kit")
    run = bench.run(file)
    assert (run.status, run.stdout) == (0, f"created {file.removeprefix('link/').replace('.toml', '.md')}\n")


def test_manifests_outside_the_kit_are_found_from_the_kit(bench: Workbench) -> None:
    settings = 'root = ".."\nmanifests = "../prompts"\n'
    bench.write({"kit/assemble.toml": settings, "kit/src/a.py": "", "prompts/x.toml": X, "others/y.toml": Y})
    new = bench.run("new", "z", "--description", "Tests.", cwd="kit")
    assert "next: run: assemble ../prompts/z.toml\n" in new.stderr.replace("then run", "run")
    assert bench.run("../prompts/x.toml", cwd="kit").stdout == "created ../prompts/x.md\n"
    assert bench.run("../../prompts/x.toml", "--check", cwd="kit/src").status == 0
    for file, cwd in (("../others/y.toml", "kit"), ("prompts/x.toml", ".")):
        run = bench.run(file, cwd=cwd)
        assert run.status == 2
        assert "no kit was found in `" in run.stderr


def test_the_kit_around_a_manifest_wins_over_the_working_directory(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'root = ".."\nmanifests = "../prompts/agents"\n', "prompts/agents/x.toml": X})
    bench.write({"prompts/assemble.toml": ""})
    assert bench.run("../prompts/agents/x.toml", cwd="kit").stdout == "created agents/x.md\n"


@pytest.mark.parametrize("name", ["assemble", "pyproject"])
def test_an_agent_can_have_the_name_of_the_settings_file(name: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": ""})
    assert bench.run("new", name, "--description", "Reviews code.").status == 0
    assert bench.run("--all").stdout == f"created agents/{name}.md\n"
    bench.write({f"agents/{name}.toml": "name = "})
    assert f"agents/{name}.toml:1:8: error[S003]" in bench.run("--all").stderr


@pytest.mark.parametrize(("depth", "status"), [(100, 0), (101, 2)])
def test_folders_are_not_nested_endlessly(depth: int, status: int, bench: Workbench) -> None:
    folder = "agents" + "/d" * depth
    bench.write({f"{folder}/critic.toml": 'name = "critic"\ndescription = "Reviews code."\n'})
    run = bench.run("--all")
    assert run.status == status, run.stderr
    assert ("has more than 100 folders inside each other" in run.stderr) == (status == 2)
    assert (bench.folder / folder / "critic.md").exists() == (status == 0)
