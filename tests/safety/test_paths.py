"""A kit cannot read or write outside its root, whatever its links, settings and names are."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run, Workbench
from kei_assembler.paths import is_in_git_folder

AGENT = 'name = "{0}"\ndescription = "Does {0}."\n'
OUT = "[target.claude-code]\noutput = '{}'\n"
SECRET = "token = s3cr3t"


@pytest.fixture
def repository(bench: Workbench) -> Workbench:
    """A git work tree with one agent, and next to it a folder `outside` with a secret."""
    subprocess.run(["git", "init", "-q", bench.folder / "work"], check=True)
    bench.write({"outside/secret": SECRET, "outside/.bashrc": "# mine\n"})
    work = bench.below("work")
    work.write({"agents/a.toml": AGENT.format("a"), ".git/credentials": SECRET})
    return work


def _outside(work: Workbench) -> dict[str, bytes]:
    folder = work.folder.parent / "outside"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _git(work: Workbench) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (work.folder / ".git").rglob("*") if path.is_file()}


def _link(work: Workbench, name: str, target: str) -> None:
    path = work.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _is_refused(run: Run, reason: str) -> None:
    assert run.status in (1, 2)
    assert reason in run.stderr
    assert "s3cr3t" not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


INIT = [".prettierignore", ".gitattributes", ".pre-commit-config.yaml", ".github/workflows/assemble.yml"]


@pytest.mark.parametrize("name", [*INIT, ".github", ".github/workflows"])
@pytest.mark.parametrize("is_kit", [False, True])
def test_init_writes_nothing_outside(repository: Workbench, name: str, is_kit: bool) -> None:
    if is_kit:
        repository.write({"assemble.toml": OUT.format('x;echo$IFS"PWNED";/{name}.md')})
    else:
        (repository.folder / "agents/a.toml").unlink()
    to_outside = os.path.relpath("outside", Path("work", name).parent)
    _link(repository, name, f"{to_outside}/.bashrc" if Path(name).suffix or "ignore" in name else to_outside)
    before = _outside(repository)
    run = repository.run("init")
    assert "is outside the kit's root" in run.stderr
    assert run.status == 2
    assert _outside(repository) == before


def test_init_writes_through_a_link_inside(repository: Workbench) -> None:
    repository.write({"config/ignored": "build/\n", "assemble.toml": ""})
    _link(repository, ".prettierignore", "config/ignored")
    assert "extended .prettierignore" in repository.run("init").stdout
    assert repository.read("config/ignored").startswith("build/\nagents/")
    assert (repository.folder / ".prettierignore").is_symlink()


def test_new_writes_nothing_outside(repository: Workbench) -> None:
    schema = repository.run("schema").stdout
    for name in (".assemble/manifest.schema.json", ".assemble"):
        (repository.folder.parent / "outside/manifest.schema.json").write_text(schema)
        _link(repository, name, "../../outside/manifest.schema.json" if name.endswith("json") else "../outside")
        run = repository.run("new", f"b{len(name)}")
        assert (run.status, run.stdout.splitlines()) == (0, [f"created agents/b{len(name)}.toml"])
        assert _outside(repository)["manifest.schema.json"].decode() == schema
        (repository.folder / name).unlink()
        if name != ".assemble":
            (repository.folder / ".assemble").rmdir()


@pytest.mark.parametrize("name", ["agents", "agents/new.toml"])
def test_new_creates_no_manifest_outside(repository: Workbench, name: str) -> None:
    (repository.folder / "agents/a.toml").unlink()
    if name == "agents":
        (repository.folder / "agents").rmdir()
        repository.write({"assemble.toml": ""})
    _link(repository, name, "../outside" if name == "agents" else "../../outside/new.toml")
    before = _outside(repository)
    reason = "its real path is outside the kit's root" if name == "agents" else "the agent `new` already exists"
    _is_refused(repository.run("new", "new"), reason)
    assert _outside(repository) == before


DOT_GIT = [".git", ".GIT", ".git.", ".git ", ".git::$INDEX_ALLOCATION", "git~1", "GIT~1", "sub/.git", "sub/.Git/x"]


@pytest.mark.parametrize("folder", DOT_GIT)
def test_no_output_is_in_a_git_folder(repository: Workbench, folder: str) -> None:
    (repository.folder / folder / "hooks").mkdir(parents=True, exist_ok=True)
    repository.write({"assemble.toml": OUT.format(folder + "/hooks/{name}")})
    before = _git(repository)
    run = repository.run("--all")
    _is_refused(run, f"error[O601] the output folder `{folder}/hooks` is in git's own folder")
    assert _git(repository) == before
    assert not (repository.folder / folder / "hooks/a").exists()


@pytest.mark.parametrize("force", [(), ("--force",), ("--prune",), ("--check", "--diff"), ("--staged",)])
def test_no_output_is_written_into_git_through_a_link(repository: Workbench, force: tuple[str, ...]) -> None:
    _link(repository, "agents/a.md", "../.git/commondir")
    before = _git(repository)
    _is_refused(repository.run("--all", *force), "error[O601] the output `agents/a.md` is in git's own folder")
    assert _git(repository) == before


def test_no_message_says_that_the_root_would_open_git_folders(repository: Workbench) -> None:
    repository.write({"assemble.toml": OUT.format(".git/hooks/{name}")})
    _link(repository, "_blocks/b.md", "../.git/config")
    run = repository.run("--all")
    assert "error[S001] the file cannot be read: its real path is in git's own folder\n" in run.stderr
    assert "help: if a link leads there, remove it; otherwise, change `output`\n" in run.stderr
    assert "`root`" not in run.stderr


def test_git_folders_are_known_by_their_other_names() -> None:
    assert all(map(is_in_git_folder, [*DOT_GIT, ".g\u200cit", "\ufeff.git/x", "a/.GIT/b", "/x/.git"]))
    assert not any(
        map(is_in_git_folder, ["", "git", ".github/x", ".gitignore", "x.git/y", "agits", ".g\u00eft", "git~2"])
    )


@pytest.mark.parametrize("name", [".{name}", "sub/.{name}"])
def test_no_agent_makes_a_git_folder(repository: Workbench, name: str) -> None:
    repository.write({"agents/git.toml": AGENT.format("git"), "assemble.toml": OUT.format(name)})
    _is_refused(repository.run("--all"), "is in git's own folder")
    assert not (repository.folder / "sub").exists()


LINKED_SOURCES = {
    "settings": ("assemble.toml", "assemble.toml is a link that leads outside the kit's folder"),
    "pyproject": ("pyproject.toml", "pyproject.toml is a link that leads outside the kit's folder"),
    "a manifest": ("agents/b.toml", "error[S001] the file cannot be read: its real path"),
    "a block": ("_blocks/b.md", "error[S001] the file cannot be read: its real path"),
    "a template": ("templates/agent.md.j2", "the file cannot be read: its real path"),
    "the folder of manifests": ("agents", "agents:1:1: error[S001] the file cannot be read: its real path"),
    "the folder of blocks": ("_blocks", "error[S001] the file cannot be read: its real path"),
    "the folder of templates": ("templates", "the file cannot be read: its real path"),
}


@pytest.mark.parametrize("target", ["outside", "git"])
@pytest.mark.parametrize("what", LINKED_SOURCES)
def test_no_source_is_read_outside(repository: Workbench, what: str, target: str) -> None:
    name, message = LINKED_SOURCES[what]
    secrets = repository.folder / ".git/secrets" if target == "git" else repository.folder.parent / "outside"
    secrets.mkdir(exist_ok=True)
    for file in ("b.toml", "b.md", "agent.md.j2"):
        (secrets / file).write_text(SECRET)
    if name == "agents":
        (repository.folder / "agents/a.toml").unlink()
        (repository.folder / "agents").rmdir()
    else:
        repository.write({"agents/a.toml": AGENT.format("a") + 'blocks = ["b"]\n'})
    file = "" if name in ("agents", "_blocks", "templates") else "/agent.md.j2" if "j2" in name else "/b.toml"
    _link(repository, name, f"{secrets}{file}")
    if name not in {"_blocks/b.md", "_blocks"}:
        repository.write({"_blocks/b.md": "Be kind.\n"})
    _is_refused(repository.run("--all", "--diff"), message)
    for args in (
        ["--all", "--check", "--output-format", "json"],
        ["--stdout", "agents/a.toml"],
        ["schema"],
        ["new", "b"],
    ):
        run = repository.run(*args)
        assert "s3cr3t" not in run.stdout + run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize("name", ["a.toml", "b.toml", "c.toml"])
def test_sources_are_read_through_links_inside(repository: Workbench, name: str) -> None:
    repository.write({f"shared/{name}": AGENT.format(name[0]), "shared/rule.md": "Be kind.\n"})
    (repository.folder / "agents/a.toml").unlink()
    _link(repository, f"agents/{name}", f"../shared/{name}")
    _link(repository, "_blocks", "shared")
    assert repository.run("--all", "--ignore", "B206").stdout == f"created agents/{name[0]}.md\n"


RESERVED = {
    "a template": ("templates/{name}.md.j2", "agent", "O602"),
    "a template of a client": ("templates/claude-code/{name}.md.j2", "agent", "O602"),
    "a template in capitals": ("Templates/{name}.md.J2", "agent", "O602"),
    "a block": ("_blocks/{name}.md", "a", "O602"),
    "a block further down": ("_blocks/x/{name}.md", "a", "O602"),
    "a block in capitals": ("_BLOCKS/{name}.MD", "a", "O602"),
    "settings": ("{name}.toml", "assemble", "O602"),
    "settings in capitals": ("{name}.TOML", "assemble", "O602"),
    "settings of the project": ("{name}.toml", "pyproject", "O602"),
    "settings of a kit to be": ("deep/er/{name}.toml", "assemble", "O602"),
    "a lock": ("{name}.lock", "assemble", "O602"),
    "a schema": (".assemble/{name}.schema.json", "manifest", "O602"),
    "a manifest": ("agents/x/{name}.toml", "a", "O616"),
    "a block of another kit": ("other/parts/{name}.md", "a", "O602"),
    "a manifest of another kit": ("other/agents/{name}.toml", "a", "O602"),
    "a template of another kit": ("other/templates/{name}.j2", "a", "O602"),
    "a block of a kit without settings": ("plain/_blocks/{name}.md", "a", "O602"),
    "a block of a kit to be": ("deep/_blocks/{name}.md", "a", "O602"),
    "a folder that makes another a kit": ("agents/_BLOCKS/{name}.txt", "a", "O602"),
    "settings to Windows": ("{name}.toml. ", "assemble", "O602"),
    "settings as a stream": ("{name}.toml::$DATA", "pyproject", "O602"),
    "a block to Windows": ("_blocks./{name}.md", "a", "O602"),
    "a block to macOS": ("other/po\u0308rts/{name}.md", "a", "O602"),
    "in a folder in the place of settings": ("pyproject.toml/{name}.md", "a", "O602"),
    "in a folder in the place of a manifest": ("agents/{name}s.toml/x.md", "a", "O602"),
    "in a folder in the place of a block": ("_blocks/{name}.md/deep/er.txt", "a", "O602"),
    "in a folder in the place of a template": ("templates/{name}.md.j2/x.md", "agent", "O602"),
    "in a folder in the place of a schema": (".assemble/manifest.schema.json/{name}.md", "a", "O602"),
    "in a folder in the place of a lock": ("assemble.lock/{name}.md", "a", "O602"),
}


@pytest.mark.parametrize("what", RESERVED)
def test_no_output_is_a_file_that_the_tool_reads(repository: Workbench, what: str) -> None:
    pattern, agent, code = RESERVED[what]
    (repository.folder / "agents/a.toml").unlink()
    repository.write(
        {
            f"agents/{agent}.toml": AGENT.format(agent),
            "assemble.toml": f"[target.claude-code]\noutput = {pattern!r}\n".replace("'", '"'),
            "other/assemble.toml": 'blocks = ["parts", "p\u00f6rts"]\n',
            "other/parts/.keep": "",
            "plain/_blocks/.keep": "",
        }
    )
    before = repository.files()
    run = repository.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert f"[{code}]" in run.stderr
    assert repository.files() == before


@pytest.mark.parametrize("character", ["\n", "\r", "\v", "\t", "\x1b", "\x7f"])
def test_no_output_pattern_contains_a_control_character(repository: Workbench, character: str) -> None:
    pattern = json.dumps(f"{{name}}{character}/../CLAUDE.md")
    repository.write({"assemble.toml": f"[target.claude-code]\noutput = {pattern}\n"})
    run = repository.run("--all")
    assert (run.status, run.stdout) == (2, "")
    assert "output" in run.stderr
    assert not (repository.folder / "CLAUDE.md").exists()


@pytest.mark.parametrize("name", ["assemble", "pyproject"])
def test_codex_does_not_generate_settings(repository: Workbench, name: str) -> None:
    manifest = AGENT.format(name) + 'targets = ["codex"]\nrole = "You."\n'
    repository.write({f"agents/{name}.toml": manifest, "assemble.toml": '[target.codex]\noutput = "{name}.toml"\n'})
    run = repository.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert f"error[O602] the output `{name}.toml` would be the settings of a kit" in run.stderr


def test_no_output_is_the_target_of_a_linked_source(repository: Workbench) -> None:
    manifest = AGENT.format("b") + 'targets = ["codex"]\nrole = "You."\n'
    repository.write({"store/b.toml": manifest, "assemble.toml": '[target.codex]\noutput = "store/{name}.toml"\n'})
    _link(repository, "agents/b.toml", "../store/b.toml")
    run = repository.run("--all", "--force")
    assert (run.status, run.stdout) == (1, "")
    assert "[O602] the output `store/b.toml` would be one of the sources" in run.stderr
    assert repository.read("store/b.toml") == manifest


def test_import_reads_nothing_outside_through_a_link(repository: Workbench) -> None:
    repository.folder.parent.joinpath("outside/x.md").write_text(f"---\nname: x\ndescription: {SECRET}\n---\n\nHi.\n")
    repository.write({".claude/agents/b.md": "---\nname: b\ndescription: B.\n---\n\nYou.\n"})
    _link(repository, ".claude/agents/x.md", "../../../outside/x.md")
    _link(repository, ".claude/agents/more", "../../../outside")
    _link(repository, ".claude/agents/git.md", "../../.git/credentials")
    run = repository.run("import", ".claude/agents")
    assert "s3cr3t" not in run.stdout + run.stderr
    assert sorted(path.name for path in (repository.folder / "agents").iterdir()) == ["a.toml", "b.toml"]
    assert "[S001] the file cannot be read: its real path is outside" in run.stderr
    for file in (".claude/agents/x.md", ".claude/agents/git.md"):
        _is_refused(repository.run("import", file), "[S001] the file cannot be read: its real path")


def test_import_reads_what_the_user_names_elsewhere(repository: Workbench) -> None:
    elsewhere = repository.folder.parent / "elsewhere/b.md"
    elsewhere.parent.mkdir()
    elsewhere.write_text("---\nname: b\ndescription: B.\n---\n\nYou.\n")
    elsewhere.with_name("c.md").symlink_to("b.md")
    assert "created agents/b.toml" in repository.run("import", str(elsewhere)).stdout
    assert repository.run("import", str(elsewhere.with_name("c.md"))).status == 0


def test_import_writes_nothing_outside(repository: Workbench) -> None:
    repository.write({".claude/agents/new.md": "---\nname: new\ndescription: N.\n---\n\nYou.\n"})
    _link(repository, "agents/new.toml", "../../outside/new.toml")
    before = _outside(repository)
    repository.run("import", ".claude/agents")
    assert _outside(repository) == before


@pytest.mark.parametrize(
    "args", [["--all"], ["--all", "--check"], ["--all", "--prune", "--force"], ["schema"], ["new", "b"]]
)
@pytest.mark.parametrize("kind", ["fifo", "folder", "loop", "broken link", "device"])
@pytest.mark.parametrize(
    "name", ["assemble.toml", "agents/b.toml", "agents/a.md", "_blocks/b.md", "templates/agent.md.j2"]
)
def test_what_is_not_a_file_is_not_opened(repository: Workbench, name: str, kind: str, args: list[str]) -> None:
    path = repository.folder / name
    path.parent.mkdir(exist_ok=True)
    make: dict[str, Callable[[Path], object]] = {
        "fifo": os.mkfifo,
        "folder": os.mkdir,
        "loop": lambda path: path.symlink_to(path.name),
        "broken link": lambda path: path.symlink_to("nowhere"),
        "device": lambda path: path.symlink_to("/dev/zero"),
    }
    make[kind](path)
    run = repository.run(*args)
    assert run.status in (0, 1, 2)
    assert "Traceback" not in run.stderr


def test_a_second_kit_in_the_same_output_folder_keeps_its_files(repository: Workbench) -> None:
    other = ".kits/b"
    repository.write(
        {
            "assemble.toml": 'manifests = "."\n' + OUT.format("out/{name}.md"),
            "a.toml": AGENT.format("a"),
            f"{other}/assemble.toml": 'root = "../.."\n' + OUT.format("../../out/{name}.md"),
            f"{other}/agents/b.toml": AGENT.format("b"),
        }
    )
    (repository.folder / "agents/a.toml").unlink()
    assert repository.run("--all", "--kit", other).status == 0
    run = repository.run("--all", "--prune")
    assert (run.status, run.stdout) == (0, "created out/a.md\n")
    assert (repository.folder / "out/b.md").is_file()


def test_a_kit_inside_another_keeps_its_files(repository: Workbench) -> None:
    repository.write(
        {
            "assemble.toml": 'manifests = "."\n' + OUT.format("out/{name}.md"),
            "kits/b/assemble.toml": 'root = "../.."\n' + OUT.format("../../out/{name}.more.md"),
            "kits/b/agents/b.toml": AGENT.format("b"),
        }
    )
    assert repository.run("--all", "--kit", "kits/b").stdout == "created ../../out/b.more.md\n"
    run = repository.run("--all", "--prune")
    assert (run.status, run.stdout) == (0, "created out/a.md\ncreated out/b.md\n")
    (repository.folder / "kits/b/agents/b.toml").unlink()
    assert "deleted out/b.more.md\n" in repository.run("--all", "--prune").stdout


@pytest.mark.parametrize(
    "command",
    [
        "init linked",
        "--all --kit linked",
        "agents/b.toml",
        "schema --kit linked",
        "import x.md --kit linked",
        "linked/agents/b.toml",
    ],
)
def test_no_kit_is_used_through_a_link_out_of_the_work_tree(repository: Workbench, command: str) -> None:
    outside = repository.folder.parent / "outside"
    (repository.folder / "agents/a.toml").unlink()
    (repository.folder / "agents").rmdir()
    _link(repository, "linked", "../outside")
    _link(repository, "agents", "linked/agents")
    (outside / "agents").mkdir()
    (outside / "_blocks").mkdir()
    (outside / "agents/b.toml").write_text(AGENT.format("b"))
    repository.write({"x.md": "---\nname: x\ndescription: X.\n---\n\nYou.\n"})
    before = _outside(repository)
    run = repository.run(*command.split())
    assert (run.status, run.stdout) == (2, "")
    refusals = ("is a link that leads outside the git work tree", "is not a manifest of the kit in")
    assert any(refusal in run.stderr for refusal in refusals)
    assert _outside(repository) == before


@pytest.mark.parametrize(
    "args", ["--kit .git/x --all", "init .git/x", "new b --kit .git/x", "import agents --kit .git/x"]
)
@pytest.mark.parametrize("through", ["", "link/"])
def test_no_kit_is_in_a_git_folder(repository: Workbench, args: str, through: str) -> None:
    repository.write({".git/x/agents/b.toml": AGENT.format("b"), "agents/c.md": "---\nname: c\n---\n"})
    _link(repository, "link", ".")
    before = repository.files()
    run = repository.run(*args.replace(".git", f"{through}.git").split())
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(f"error: `{repository.folder}/{through}.git/x` is in git's own folder\n")
    assert repository.files() == before


def test_import_names_the_git_folder(repository: Workbench) -> None:
    run = repository.run("import", ".git")
    assert (run.status, run.stderr) == (2, "error: `.git` is in git's own folder\n")


def test_git_files_that_are_no_files_are_not_opened(repository: Workbench) -> None:
    os.mkfifo(repository.folder / ".git/index")
    assert repository.run("--all").status == 0


def test_a_kit_is_used_through_a_link_inside_the_work_tree(repository: Workbench) -> None:
    repository.write({"tools/kit/agents/b.toml": AGENT.format("b"), "tools/kit/_blocks/.keep": ""})
    _link(repository, "linked", "tools/kit")
    assert repository.run("--all", "--kit", "linked").status == 0
    assert (repository.folder / "tools/kit/agents/b.md").is_file()
