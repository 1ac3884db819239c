"""Rules about outputs in the user's home folder."""

from __future__ import annotations

import os
from collections.abc import Iterable

from kei_assembler.files import Files
from kei_assembler.files.home import home_if_known, lies_in, repository_around
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit
from kei_assembler.paths import is_outside
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS


@rule("C712")
def home_from_repository(kit: LoadedKit) -> Iterable[Violation]:
    """An output is in the home folder, and the kit is in a git repository.

    What a repository contains can come from anybody, so it never reaches the home folder, with or without `--user`. The
    folders above the kit count, too. Move the kit to a folder outside of any repository. A manifest, block or template
    can also be in a repository of its own, such as a clone in a folder of the kit, or a link into one: use a copy.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = "~/.claude/agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = ".claude/agents/{name}.md"
    """
    targets = list(filter(kit.settings.is_in_home, kit.settings.target))
    if not targets:
        return
    if top := repository_around([kit.folder], kit.files):
        message = f"a kit in a git repository cannot write to the home folder, and `{top}` is one"
        hint = "move the kit out of the repository, or use a path relative to the kit"
    elif kit.home and (top := repository_around(sorted(_folders_of_sources(kit)), kit.files)):
        message = f"a file from a git repository cannot reach the home folder, and sources of this kit are in `{top}`"
        hint = "if you trust them, copy these files to the kit; or use a path relative to the kit"
    else:
        return
    for target in targets:
        yield Violation(kit.settings_path("target", target, "output"), message, hint)


def _folders_of_sources(kit: LoadedKit) -> set[str]:
    """The absolute folders that the sources lie in, and those that links to sources lead to."""
    paths = [kit.path(file) for file in kit.sources()]
    return {os.path.dirname(path) for each in paths for path in (each, kit.files.resolve(each))}


@rule("C713")
def home_without_option(kit: LoadedKit) -> Iterable[Violation]:
    """An output is in the home folder, and the run is without `--user`.

    Settings alone must not reach the home folder: they can come from somebody else. With `--user`, you say that these
    may.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = "~/.claude/agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = ".claude/agents/{name}.md"
    """
    if kit.variant.output_dir:  # what the settings place in the home folder is built there, too
        return
    for target in filter(kit.settings.is_in_home, kit.settings.target):
        message = f"`{kit.settings.output(target)}` is in your home folder, which a run only uses with `--user`"
        hint = "if you trust these settings, add --user; otherwise, use a path relative to the kit"
        yield Violation(kit.settings_path("target", target, "output"), message, hint)


@rule("C714")
def root_contains_home(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `root` gives the kit the home folder or its agents, and the run is without `--user`.

    Outside of a git work tree, `root` can be any folder around the kit, so a relative `output` could lead to the home
    folder, too. The same holds for a `root` such as `~/.claude`, where a client finds the agents of a user.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        root = "../../../../../../../../../../../../../../../.."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        root = "."
    """
    if kit.settings.root == "." or kit.root == kit.folder:
        return
    home = home_if_known()
    if home and git_top(kit.folder, kit.files) is None and (what := reached(kit.root, home, kit.files)):
        message = f"`root` is `{kit.root}`, which {what}; a run only uses that with `--user`"
        hint = "choose a smaller root; or, if you trust these settings, add --user"
        yield Violation(kit.settings_path("root"), message, hint)


def reached(root: str, home: str, files: Files) -> str:
    """Return what of the home folder a folder reaches, as the end of a sentence about it, or "" if nothing."""
    if lies_in(home, root):
        return "contains your home folder"
    for row in TARGETS.values():
        for folder in row.home_folders:
            agents = files.resolve(os.path.join(home, folder))
            if lies_in(agents, root) or lies_in(root, agents):
                return f"reaches the agents in `~/{folder}`"
    return ""


@rule("C715")
def unfit_home_file(kit: LoadedKit) -> Iterable[Violation]:
    """An output in the home folder does not have a name as the client's agent files have it.

    Other programs read files in the home folder, such as `~/.bashrc` and `~/.ssh/authorized_keys`, and act on them. So
    only files with the client's own suffix are written there. TOML files can be configuration, such as
    `~/.codex/config.toml`, so they also have to lie in a folder that is called as the client's folder of agents is.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = "~/.config/autostart/{name}.desktop"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        [target.claude-code]
        output = ".claude/agents/{name}.md"
    """
    for target in filter(kit.settings.is_in_home, kit.settings.target):
        row = TARGETS[target]
        output = kit.settings.output(target)
        folders = {os.path.basename(each) for each in row.home_folders}
        if not output.casefold().endswith(row.suffixes):
            problem = f"must end with {listed(row.suffixes, joint='or')}"
        elif output.endswith(".toml") and folders.isdisjoint(_sure_folders(kit, output)):
            problem = f"must lie in a folder called {listed(sorted(folders))}"
        else:
            continue
        message = f"in the home folder, the files of {row.label} {problem}"
        hint = f"for example, `~/{row.home_folders[0]}/{row.file_name}`"
        yield Violation(kit.settings_path("target", target, "output"), message, hint)


def _sure_folders(kit: LoadedKit, output: str) -> list[str]:
    """The names of the folders in which all files of a pattern lie; none if `{dir}` can lead upwards."""
    leads_up = "{dir}" in output and any(map(is_outside, kit.settings.manifests))
    return [] if leads_up else output.partition("{")[0].split("/")[:-1]


OF_SETTINGS = (home_from_repository, unfit_home_file)
"""The rules about settings that are never valid."""

OF_RUN = (home_without_option, root_contains_home)
"""The rules about settings that a run without `--user` refuses."""

FOR_USER = (home_from_repository,)
"""The rules that a run with `--user` refuses, and that look at the sources, too."""
