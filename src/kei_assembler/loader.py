"""Load a kit, and refuse invalid settings."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.files import Files
from kei_assembler.files.home import home_folder
from kei_assembler.files.sparse_checkout import files_at
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.rules import home
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.settings import check_settings
from kei_assembler.targets.groups import expanded


def load_kit(folder: str, chosen: Iterable[str] = (), files: Files | None = None, for_user: bool = False) -> LoadedKit:
    """Return the kit in a folder, given by its absolute path. If targets or groups are chosen, it only has those.

    Without `files`, read it from the disk, or, in a sparse checkout, also from git's index. `for_user` allows outputs
    in the user's home folder.

    Raises:
        AssembleError: the settings are invalid, or the home folder is needed and unusable. If it is about settings, the
            error has their diagnostics.
    """
    kit = discovery.read_kit(folder, files or files_at(folder))
    refuse(check_settings(kit))
    kit.selected_targets = expanded(chosen)
    kit.for_user = for_user
    if for_user and kit.settings.is_user_level:
        kit.home = home_folder()
    return kit


def load_kit_at(folder: str, commit: str, chosen: Iterable[str] = ()) -> LoadedKit | None:
    """Return the kit that a commit has in a folder, or None if it has none there. See `load_kit` and `tree_at`.

    Raises:
        AssembleError: as in `load_kit`, or the folder is not in a git work tree, or git cannot read the commit.
    """
    from kei_assembler.files.git_tree import tree_at

    files = tree_at(folder, commit)
    return load_kit(folder, chosen, files) if discovery.is_kit(folder, files) else None


def refuse_home(kit: LoadedKit) -> None:
    """Stop the run if it would need the user's home folder, and is not for the user or uses files of a repository.

    Raises:
        AssembleError: the run is refused, or a folder cannot be read. In the first case, the error has the diagnostics.
    """
    if kit.settings_source:
        rules = home.FOR_USER if kit.for_user else home.OF_RUN
        refuse(found for rule in rules for found in run_rule(rule, kit.settings_source, kit))


def refuse(problems: Iterable[Diagnostic]) -> None:
    """Stop the run if there are problems with the settings.

    Raises:
        AssembleError: there are any. The error has them as diagnostics.
    """
    if diagnostics := tuple(problems):
        raise AssembleError("the settings have errors; nothing was done", diagnostics=diagnostics)
