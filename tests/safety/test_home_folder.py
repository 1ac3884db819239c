"""Settings reach the home folder only with `--user`, only where `output` says, and never from a git repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Workbench
from kei_assembler.build import run as build_run

AGENT = 'name = "{0}"\ndescription = "Does {0}."\n'
OUT = "[target.{1}]\noutput = '{0}'\n"
OUTPUT = "~/.claude/agents/{name}.md"
MODES = (["--all"], ["--all", "--check"], ["--all", "--force", "--prune"], ["--stdout", "agents/a.toml"])


@pytest.fixture
def user(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """A folder with a home folder in `home`, a secret in `outside`, and a kit in `home/kits/mine`; no work tree."""
    (bench.folder / ".git").rmdir()
    bench.write(
        {"outside/secret.md": "s3cr3t", "home/.bashrc": "# mine\n", "home/kits/mine/agents/a.toml": AGENT.format("a")}
    )
    monkeypatch.setenv("HOME", str(bench.folder / "home"))
    return bench


@pytest.fixture
def kit(user: Workbench) -> Workbench:
    kit = user.below("home/kits/mine")
    kit.write({"assemble.toml": OUT.format(OUTPUT, "claude-code")})
    return kit


def _is_refused(kit: Workbench, user: Workbench, options: list[str], reason: str) -> None:
    """Check that a run fails for this reason, with status 1 or 2, and that no file anywhere changes."""
    before = user.files()
    run = kit.run(*options)
    assert run.status in (1, 2)
    assert reason in run.stderr
    assert "s3cr3t" not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert user.files() == before


def _folder(path: Path) -> None:
    path.mkdir(parents=True)


def _bare(path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(path.parent)], check=True)


REPOSITORIES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a work tree": ("home/kits/mine/.git", _folder),
    "a work tree around it": ("home/kits/.git", _folder),
    "a home folder in git": ("home/.git", _folder),
    "a work tree around the home folder": (".git", _folder),
    "a linked work tree": (
        "home/kits/mine/.git",
        lambda path: path.write_text("gitdir: /elsewhere/.git/worktrees/mine\n"),
    ),
    "a submodule": ("home/kits/.git", lambda path: path.write_text("gitdir: ../.git/modules/kits\n")),
    "a broken .git": ("home/kits/mine/.git", lambda path: path.symlink_to("/nowhere")),
    "an empty .git": ("home/kits/mine/.git", lambda path: path.write_text("")),
    "a bare repository": ("home/kits/HEAD", _bare),
}


@pytest.mark.parametrize("options", MODES)
@pytest.mark.parametrize("what", REPOSITORIES)
def test_a_repository_never_reaches_the_home_folder(
    what: str, options: list[str], user: Workbench, kit: Workbench
) -> None:
    path, make = REPOSITORIES[what]
    make(user.folder / path)
    for user_option in ([], ["--user"]):
        _is_refused(
            kit, user, [*options, *user_option], "error[C712] a kit in a git repository cannot write to the home"
        )
    _is_refused(user, user, ["--all", "--user", "--kit", "home/kits/mine"], "error[C712]")


def test_a_work_tree_that_the_environment_names_is_refused(
    user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dotfiles are often kept in a bare repository, with the home folder as its work tree."""
    monkeypatch.setenv("GIT_WORK_TREE", str(user.folder / "home"))
    _is_refused(kit, user, ["--all", "--user"], "error[C712]")
    monkeypatch.setenv("GIT_WORK_TREE", str(user.folder / "outside"))
    assert kit.run("--all", "--user").status == 0


def test_a_real_clone_is_refused(user: Workbench, kit: Workbench) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q", user.folder / "origin"], check=True)
    user.write({"origin/assemble.toml": OUT.format(OUTPUT, "claude-code"), "origin/agents/a.toml": AGENT.format("a")})
    for args in (
        ["-C", "origin", "add", "."],
        ["-C", "origin", "commit", "-qm", "x"],
        ["clone", "-q", "origin", "clone"],
    ):
        subprocess.run([*git, *args], cwd=user.folder, check=True)
    subprocess.run([*git, "-C", "clone", "worktree", "add", "-q", "../linked"], cwd=user.folder, check=True)
    for name in ("origin", "clone", "linked"):
        _is_refused(user.below(name), user, ["--all", "--user"], "error[C712]")
    assert kit.run("--all", "--user").status == 0


def test_a_link_in_a_repository_does_not_lead_to_a_kit_outside(user: Workbench, kit: Workbench) -> None:
    user.write({"repository/.git/HEAD": ""})
    (user.folder / "repository/kit").symlink_to(kit.folder)
    _is_refused(user, user, ["--all", "--user", "--kit", "repository/kit"], "leads outside the git work tree")


REFUSED = (
    *("~", "~/", "~{name}.md", "~/..", "~root/{name}.md", "~a/.claude/{name}.md", "~+/{name}.md", "~-/{name}.md"),
    *("$HOME/.claude/{name}.md", "${HOME}/{name}.md", "$XDG_CONFIG_HOME/{name}.md", "%USERPROFILE%/{name}.md"),
    *("~/../outside/{name}.md", "~/x/../../outside/{name}.md", "~/{name}/../x.md", "~/.claude/..", "~/./../{name}.md"),
    *("~//{name}.md", "~/~/{name}.md", "~/$HOME/{name}.md", "~/C:/{name}.md", "./~/{name}.md", "x/../~/{name}.md"),
    *("~\\{name}.md", "~/\\{name}.md", "/~/{name}.md", "~/x/~/{name}.md", "~/{name}.md\n/../x"),
)


@pytest.mark.parametrize("output", REFUSED)
def test_what_is_not_below_the_home_folder_is_refused(output: str, user: Workbench, kit: Workbench) -> None:
    kit.write({"assemble.toml": f"[target.claude-code]\noutput = {_quoted(output)}\n"})
    _is_refused(kit, user, ["--all", "--user"], "error[C702]")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace("\n", "\\n") + '"'


def test_the_message_names_the_spelling_that_works(kit: Workbench) -> None:
    kit.write({"assemble.toml": OUT.format("$HOME/.claude/{name}.md", "claude-code")})
    assert "help: for your home folder, begin with `~/`; variables and other users" in kit.run("--all", "--user").stderr


FILES = {
    "claude-code": (
        "~/.{name}",
        "~/.ssh/{name}",
        "~/.config/autostart/{name}.desktop",
        "~/bin/{name}",
        "~/{name}.toml",
    ),
    "codex": (
        *("~/.codex/{name}.md", "~/.cargo/{name}", "~/.gitconfig.d/{name}.toml.conf"),
        *("~/.codex/{name}.toml", "~/.config/{name}.toml", "~/.cargo/{name}.toml", "~/{name}.toml"),
        *("~/.cargo/{name}/agents.toml", "~/{name}/agents/config.toml", "~/xagents/{name}.toml"),
    ),
    "copilot": ("~/.bashrc.d/{name}.sh",),
}


@pytest.mark.parametrize(("target", "output"), [(target, each) for target, found in FILES.items() for each in found])
def test_files_that_other_programs_run_are_refused(target: str, output: str, user: Workbench, kit: Workbench) -> None:
    kit.write({"assemble.toml": f'targets = ["{target}"]\n{OUT.format(output, target)}'})
    _is_refused(kit, user, ["--all", "--user"], "error[C715]")


@pytest.mark.parametrize("manifests", ["..", "../agents"])
def test_manifests_elsewhere_do_not_lead_out_of_the_folder_of_agents(
    manifests: str, user: Workbench, kit: Workbench
) -> None:
    settings = f'root = ".."\nmanifests = "{manifests}"\ntargets = ["codex"]\n'
    kit.write({"assemble.toml": settings + OUT.format("~/.codex/agents/{dir}/{name}.toml", "codex")})
    kit.write({f"{manifests}/config.toml": AGENT.format("config")})
    _is_refused(kit, user, ["--all", "--user"], "error[C715]")


RESERVED = {
    "~/kits/mine/_blocks/{name}.md": "error[O602]",
    "~/kits/other/_blocks/{name}.md": "error[O602]",
    "~/kits/other/_blocks/deep/{name}.md": "error[O602]",
    "~/new/_blocks/{name}.md": "error[O602]",
    "~/.git/hooks/{name}.md": "git's own folder",
    "~/x/.GIT/{name}.md": "git's own folder",
    "~/git~1/{name}.md": "git's own folder",
    "~/x/.git./{name}.md": "git's own folder",
    "~/{name}.md/x/../agents.md": "error[C702]",
}


@pytest.mark.parametrize("output", RESERVED)
def test_sources_and_git_folders_are_never_outputs(output: str, user: Workbench, kit: Workbench) -> None:
    kit.write({"assemble.toml": OUT.format(output, "claude-code"), "_blocks/x.md": "X.\n"})
    user.write({"home/kits/other/assemble.toml": "", "home/kits/other/_blocks/y.md": "Y.\n"})
    _is_refused(kit, user, ["--all", "--user", "--force"], RESERVED[output])


@pytest.mark.parametrize("output", ["~/kits/mine/agents/{name}.toml", "~/linked/agents/{name}.toml"])
@pytest.mark.parametrize("manifests", ["agents", "."])
def test_manifests_are_never_outputs(output: str, manifests: str, user: Workbench, kit: Workbench) -> None:
    settings = f'manifests = "{manifests}"\ntargets = ["codex"]\n{OUT.format(output, "codex")}'
    kit.write({"assemble.toml": settings, "agents/a.toml": AGENT.format("a") + 'role = "You work."\n'})
    (user.folder / "home/linked").mkdir()
    (user.folder / "home/linked/agents").symlink_to(kit.folder / "agents")
    _is_refused(kit, user, ["--all", "--user", "--force"], "error[O6")


LINKS = {
    ".claude": "outside",
    ".claude/agents": "outside",
    ".claude/agents/a.md": "outside/secret.md",
}


@pytest.mark.parametrize("options", [["--all"], ["--all", "--check", "--diff"], ["--all", "--force", "--prune"]])
@pytest.mark.parametrize("is_relative", [False, True])
@pytest.mark.parametrize("link", LINKS)
def test_a_link_does_not_lead_out_of_the_home_folder(
    link: str, is_relative: bool, options: list[str], user: Workbench, kit: Workbench
) -> None:
    path, target = user.folder / "home" / link, user.folder / LINKS[link]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent) if is_relative else target)
    _is_refused(kit, user, [*options, "--user"], "is outside your home folder")


def test_a_link_to_the_kit_is_not_overwritten(user: Workbench, kit: Workbench) -> None:
    (user.folder / "home/.claude/agents").mkdir(parents=True)
    (user.folder / "home/.claude/agents/a.md").symlink_to(kit.folder / "agents/a.toml")
    _is_refused(kit, user, ["--all", "--user", "--force"], "error[O602]")


def test_a_folder_that_becomes_a_link_stops_the_run(
    user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents, write = user.folder / "home/.claude/agents", build_run.write
    agents.mkdir(parents=True)

    def swapped(*args: object) -> object:
        agents.rmdir()
        agents.symlink_to(user.folder / "outside")
        return write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(build_run, "write", swapped)
    assert kit.run("--all", "--user").status == 2
    assert os.listdir(user.folder / "outside") == ["secret.md"]


def test_a_home_folder_that_becomes_a_link_stops_the_run(
    user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, write = user.folder / "home", build_run.write

    def swapped(*args: object) -> object:
        home.rename(user.folder / "moved")
        home.symlink_to("outside")
        return write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(build_run, "write", swapped)
    assert kit.run("--all", "--user").status == 2
    assert os.listdir(user.folder / "outside") == ["secret.md"]


HOMES = {
    "": "the home folder would be `/`",
    "/": "the home folder would be `/`",
    "//": "the home folder would be `/`",
    "/..": "the home folder would be `/`",
    "home": "the home folder is not known",
    "./home": "the home folder is not known",
    "..": "the home folder is not known",
    "~": "the home folder is not known",
    "{folder}/nowhere/at/all": "does not exist",
    "{folder}/home/.bashrc": "does not exist",
    "{folder}/dangling": "does not exist",
    "{folder}/root": "the home folder would be `/`",
    "{folder}/x/.git/home": "is in git's own folder",
}


@pytest.mark.parametrize("home", HOMES)
def test_an_unusable_home_folder(home: str, user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    (user.folder / "dangling").symlink_to("nowhere")
    (user.folder / "root").symlink_to("/")
    (user.folder / "x/.git/home").mkdir(parents=True)
    monkeypatch.setenv("HOME", home.replace("{folder}", str(user.folder)))
    _is_refused(kit, user, ["--all", "--user"], HOMES[home])
    _is_refused(kit, user, ["--all"], "error[C713]")


def test_without_a_home_folder_other_kits_work(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "nonsense")
    kit.write({"assemble.toml": 'root = ".."\n'})
    assert kit.run("--all", "--ignore", "O627").status == 0
    assert kit.run("--all", "--ignore", "O627", "--user").status == 0


def test_without_the_variable_the_system_knows_the_home_folder(
    user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda _: str(user.folder / "home"))
    assert kit.run("--all", "--user").status == 0
    assert (user.folder / "home/.claude/agents/a.md").is_file()


def test_a_home_folder_behind_a_link(user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    (user.folder / "me").symlink_to("home")
    monkeypatch.setenv("HOME", f"{user.folder}/me/../me/")
    assert kit.run("--all", "--user").stdout == f"created {user.folder}/home/.claude/agents/a.md\n"
    assert kit.run("--all", "--user", "--check").status == 0


@pytest.mark.parametrize("root", ["../..", "../../..", "../../../../../../../../../.."])
@pytest.mark.parametrize("options", MODES)
def test_a_root_that_contains_the_home_folder_needs_the_option(
    root: str, options: list[str], user: Workbench, kit: Workbench
) -> None:
    kit.write({"assemble.toml": f'root = "{root}"\n{OUT.format("../../.claude/agents/{name}.md", "claude-code")}'})
    _is_refused(kit, user, options, "error[C714]")
    assert kit.run("--all", "--user").status == 0
    assert (user.folder / "home/.claude/agents/a.md").is_file()


def test_a_smaller_root_needs_no_option(user: Workbench, kit: Workbench) -> None:
    kit.write({"assemble.toml": f'root = ".."\n{OUT.format("../shared/.claude/agents/{name}.md", "claude-code")}'})
    assert kit.run("--all").status == 0
    assert (user.folder / "home/kits/shared/.claude/agents/a.md").is_file()


def test_a_folder_called_tilde_is_an_ordinary_one(user: Workbench, kit: Workbench) -> None:
    kit.write({"assemble.toml": 'manifests = "."\n', "~/agents/b.toml": AGENT.format("b")})
    for options in ([], ["--user"]):
        run = kit.run("--all", "--ignore", "O627", *options)
        assert run.status == 0, run
    assert (kit.folder / "~/agents/b.md").is_file()
    assert not (user.folder / "home/agents").exists()


def test_a_folder_called_tilde_is_not_the_home_folder(user: Workbench, kit: Workbench) -> None:
    """A kit that uses the home folder can also have such a folder; its files are those of the kit."""
    settings = 'manifests = "."\ntargets = ["claude-code", "opencode"]\n'
    kit.write({"assemble.toml": settings + OUT.format("~/.config/opencode/agents/{name}.md", "opencode")})
    kit.write({"~/b.toml": AGENT.format("b")})
    assert kit.run("--all", "--user", "--ignore", "O627").status == 0
    assert sorted(path.name for path in (kit.folder / "~").iterdir()) == ["b.md", "b.toml"]
    assert not (user.folder / "home/b.md").exists()
    assert kit.run("--all", "--user", "--ignore", "O627", "--check").status == 0


def test_manifests_elsewhere_do_not_lead_out_of_the_home_folder(user: Workbench, kit: Workbench) -> None:
    user.write({"home/kits/shared/agents/b.toml": AGENT.format("b")})
    settings = 'root = ".."\nmanifests = "../shared/agents"\n'
    kit.write({"assemble.toml": settings + OUT.format("~/{dir}/{name}.md", "claude-code")})
    _is_refused(kit, user, ["--all", "--user"], "is outside your home folder")


def test_a_false_stamp_does_not_let_a_file_be_deleted(user: Workbench, kit: Workbench) -> None:
    """A stamp that names a manifest of somebody else, in this kit's root or not, makes no orphan."""
    kit.write(
        {"assemble.toml": f'root = ".."\n{OUT.format(OUTPUT, "claude-code")}', "agents/b.toml": AGENT.format("b")}
    )
    assert kit.run("--all", "--user").status == 0
    (kit.folder / "agents/b.toml").unlink()
    own = user.folder / "home/.claude/agents/b.md"
    text = own.read_text()
    for number, source in enumerate(("../../kits/gone/agents/b.toml", "../../elsewhere/b.toml", "/agents/b.toml")):
        user.write({f"home/.claude/agents/false-{number}.md": text.replace("../../kits/mine/agents/b.toml", source)})
    assert kit.run("--all", "--user", "--prune").stdout == f"deleted {own}\n"
    assert len(list(own.parent.iterdir())) == 4


def test_a_stranger_in_the_root_is_not_for_the_user(user: Workbench, kit: Workbench) -> None:
    """Another kit in the root is looked at, but what its settings say about the home folder is not followed."""
    user.write({"home/kits/other/assemble.toml": OUT.format("~/.ssh/{name}.md", "claude-code")})
    user.write({"home/kits/other/agents/b.toml": AGENT.format("b"), "home/.ssh/config": "s3cr3t"})
    kit.write({"assemble.toml": f'root = ".."\n{OUT.format("../other/{name}.md", "claude-code")}'})
    assert kit.run("--all").status == 0
    _is_refused(user.below("home/kits/other"), user, ["--all"], "error[C713]")


NESTED = ("agents", "agents/team", "_blocks", "_blocks/deep", "templates", "vendor/linked")


@pytest.mark.parametrize("options", MODES)
@pytest.mark.parametrize("where", NESTED)
def test_sources_from_a_repository_never_reach_the_home_folder(
    where: str, options: list[str], user: Workbench, kit: Workbench
) -> None:
    """A kit outside of any repository can contain a clone, or links into one."""
    kit.write({f"{where}/.git/HEAD": "", "_blocks/deep/x.md": "X.\n", "vendor/linked/y.md": "Y.\n"})
    kit.write({"agents/team/b.toml": AGENT.format("b"), "templates/agent.md.j2": '{% extends "default/agent.md.j2" %}'})
    (kit.folder / "_blocks/y.md").symlink_to("../vendor/linked/y.md")
    _is_refused(kit, user, [*options, "--user"], "error[C712] a file from a git repository cannot reach the home")
    kit.write({"assemble.toml": ""})
    assert kit.run(*options, "--ignore", "O627").status in (0, 1)


def test_a_repository_beside_the_sources_does_no_harm(user: Workbench, kit: Workbench) -> None:
    kit.write({"vendor/.git/HEAD": "", "vendor/agents/b.toml": AGENT.format("b"), "_blocks/x.md": "X.\n"})
    user.write({"home/kits/other/.git/HEAD": "", "home/.claude/.git/HEAD": ""})
    assert kit.run("--all", "--user").status == 0


def test_the_run_cache_notices_a_repository(user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        assert kit.run("--all", "--user").status == 0
    kit.write({"agents/.git": "gitdir: /elsewhere\n"})
    _is_refused(kit, user, ["--all", "--user"], "error[C712]")
    (kit.folder / "agents/.git").unlink()
    assert kit.run("--all", "--user").status == 0
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    _is_refused(kit, user, ["--all", "--user"], "error[C712]")


def test_without_a_named_work_tree_it_is_the_working_directory(
    user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As git has it if only `GIT_DIR` is set."""
    monkeypatch.setenv("GIT_DIR", str(user.folder / "outside/dotfiles.git"))
    _is_refused(kit, user, ["--all", "--user"], "error[C712]")
    _is_refused(user, user, ["--all", "--user", "--kit", "home/kits/mine"], "error[C712]")
    assert user.below("outside").run("--all", "--user", "--kit", "../home/kits/mine").status == 0


@pytest.mark.parametrize("options", MODES)
@pytest.mark.parametrize(
    ("folder", "root", "output"),
    [
        (".claude/plugins/x", "../..", "../../agents/{name}.md"),
        (".claude/plugins/x", "..", "../agents/{name}.md"),
        (".claude/agents/x", "..", "../{name}.md"),
        (".claude/agents/deep/x", "..", "../{name}.md"),
        (".config/x", "..", "../opencode/agent/{name}.md"),
        ("linked/x", "..", "../agents/{name}.md"),
    ],
)
def test_a_root_with_agents_of_the_user_needs_the_option(
    folder: str, root: str, output: str, options: list[str], user: Workbench
) -> None:
    (user.folder / "home/.claude").mkdir()
    (user.folder / "home/linked").mkdir()
    (user.folder / "home/.qwen").symlink_to("linked")
    kit = user.below(f"home/{folder}")
    kit.write(
        {"agents/a.toml": AGENT.format("a"), "assemble.toml": f'root = "{root}"\n{OUT.format(output, "claude-code")}'}
    )
    if (folder, root) == (".claude/plugins/x", ".."):
        assert kit.run(*options, "--ignore", "O627").status in (0, 1)
        return
    _is_refused(kit, user, options, "error[C714]")
    assert kit.run("--all", "--user").status == 0


@pytest.mark.parametrize("options", MODES)
def test_a_home_folder_by_another_name_counts(
    options: list[str], user: Workbench, kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems ignore the case, and a folder can be mounted twice."""
    monkeypatch.setattr(os.path, "samefile", lambda one, other: one.casefold() == other.casefold())
    monkeypatch.setenv("HOME", str(user.folder / "HOME"))
    kit.write({"assemble.toml": f'root = "../.."\n{OUT.format("../../.claude/agents/{name}.md", "claude-code")}'})
    _is_refused(kit, user, options, "error[C714]")
    monkeypatch.setenv("GIT_WORK_TREE", str(user.folder / "HOME"))
    kit.write({"assemble.toml": OUT.format(OUTPUT, "claude-code")})
    _is_refused(kit, user, [*options, "--user"], "error[C712]")
