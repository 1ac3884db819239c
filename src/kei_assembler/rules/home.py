"""Rules about outputs in the user's home folder."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.files.home import home_if_known, repository_around
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.discovery import git_top
from kei_assembler.paths import is_inside
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS


@rule("C712")
def home_from_repository(kit: LoadedKit) -> Iterable[Violation]:
    """An output is in the home folder, and the kit is in a git repository.

    What a repository contains can come from anybody, so it never reaches the home folder, with or without `--user`. The
    folders above the kit count, too. Move the kit to a folder outside of any repository.

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
    for target in filter(kit.settings.is_in_home, kit.settings.target):
        if top := repository_around(kit.folder, kit.files):
            message = f"a kit in a git repository cannot write to the home folder, and `{top}` is one"
            hint = "move the kit out of the repository, or use a path relative to the kit"
            yield Violation(kit.settings_path("target", target, "output"), message, hint)


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
    for target in filter(kit.settings.is_in_home, kit.settings.target):
        message = f"`{kit.settings.output(target)}` is in your home folder, which a run only uses with `--user`"
        hint = "if you trust these settings, add --user; otherwise, use a path relative to the kit"
        yield Violation(kit.settings_path("target", target, "output"), message, hint)


@rule("C714")
def root_contains_home(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `root` gives the kit the home folder, and the run is without `--user`.

    Outside of a git work tree, `root` can be any folder around the kit, so a relative `output` could lead to the home
    folder, too.

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
    if home and is_inside(home, kit.root) and git_top(kit.folder, kit.files) is None:
        message = f"`root` is `{kit.root}`, which contains your home folder; a run only uses that with `--user`"
        hint = "choose a smaller root; or, if you trust these settings, add --user"
        yield Violation(kit.settings_path("root"), message, hint)


@rule("C715")
def unfit_home_file(kit: LoadedKit) -> Iterable[Violation]:
    """An output in the home folder does not have a name as the client's agent files have it.

    Other programs read files in the home folder, such as `~/.bashrc` and `~/.ssh/authorized_keys`, and act on them. So
    only files with the client's own suffix are written there.

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
        if not kit.settings.output(target).endswith(row.suffixes):
            where = kit.settings_path("target", target, "output")
            message = f"in the home folder, the files of {row.label} must end with {listed(row.suffixes)}"
            yield Violation(where, message, f"for example, `~/{row.home_folders[0]}/{{name}}{row.form.suffix}`")


OF_SETTINGS = (home_from_repository, unfit_home_file)
"""The rules about settings that are never valid."""

OF_RUN = (home_without_option, root_contains_home)
"""The rules about settings that a run without `--user` refuses."""
