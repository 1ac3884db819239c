"""A draft: the files of a kit as a command will leave them. Nothing is written until the draft is complete."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kei_assembler.build.changes import MAX_OUTPUT_BYTES
from kei_assembler.build.ownership import record_changes
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.sparse_checkout import is_left_out
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.kit import LoadedKit
from kei_assembler.records import NamedTuple
from kei_assembler.repair.edits import Edit, FileChange, by_file, edited, kit_with, written
from kei_assembler.repair.import_record import MAX_RECORD_BYTES, RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kei_assembler.files.git_index import Entry, Git


class Move(NamedTuple):
    """A file that gets another path. Both are relative to the kit, or absolute in the home folder."""

    old: str
    new: str


class Draft:
    """The new contents of some files of a kit, and which of them are moved."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.moves: list[Move] = []
        self._paths: dict[str, str] = {}
        """The path under which each file was first named, by its resolved path."""
        self._before: dict[str, bytes | None] = {}
        self._after: dict[str, bytes | None] = {}

    def copy(self) -> Draft:
        """Return a draft with the same content, to be changed on its own."""
        made = Draft(self.kit)
        made.moves, made._paths = [*self.moves], {**self._paths}
        made._before, made._after = {**self._before}, {**self._after}
        return made

    def content(self, path: str) -> bytes | None:
        """Return the bytes of a file in this draft, or None if it does not exist.

        Raises:
            AssembleError: the file cannot be read, or is left out of a sparse checkout.
        """
        return self._after[self._known(path)]

    def _known(self, path: str) -> str:
        kit = self.kit
        full = kit.output_path(path)
        real = kit.tree_of(path).real(full)
        if real not in self._before:
            if is_left_out(kit.files, full):
                raise AssembleError(f"{path} is not in the sparse checkout", "add its folder with git sparse-checkout")
            try:
                limit = MAX_RECORD_BYTES if path == RECORD else MAX_OUTPUT_BYTES
                content: bytes | None = kit.tree_of(path).read(full, limit)
            except FileNotFoundError:
                content = None
            except OSError as error:
                raise AssembleError(f"{path} cannot be read: {error.strerror}") from error
            self._before[real] = self._after[real] = content
            self._paths[real] = path
        return real

    def put(self, path: str, content: bytes | None) -> None:
        """Give a file a new content, or delete it."""
        self._after[self._known(path)] = content

    def edit(self, edits: Iterable[Edit]) -> None:
        """Edit sources."""
        for file, some in by_file(edits).items():
            self.put(file, edited(self.content(file) or b"", some))

    def move(self, move: Move) -> None:
        """Move a file. Edits of it come before that.

        Raises:
            AssembleError: the file is a link, or there is already a file at the new path.
        """
        self._refuse_link(move.old, "moved")
        content = self.content(move.old)
        if self.content(move.new) is not None:
            raise AssembleError(f"{move.new} already exists", "delete or move it, then run the command again")
        self.put(move.new, content)
        self.put(move.old, None)
        self.moves.append(move)

    def delete(self, path: str) -> None:
        """Delete a file.

        Raises:
            AssembleError: the file is a link.
        """
        self._refuse_link(path, "deleted")
        self.put(path, None)

    def _refuse_link(self, path: str, done: str) -> None:
        if self.kit.files.is_link(self.kit.output_path(path)):
            raise AssembleError(f"{path} is a link, which cannot be {done}", "replace it with the file it leads to")

    def changes(self) -> list[FileChange]:
        """Return the changes of files that the draft consists of, those of sources first."""
        changes = [FileChange(path, self._before[real], self._after[real]) for real, path in self._paths.items()]
        return [change for change in changes if change.before != change.after]

    def kit_with(self) -> LoadedKit:
        """Return the kit as it is with this draft.

        Raises:
            AssembleError: its settings are then invalid.
        """
        contents = {real: self._after[real] for real in self._after if self._after[real] != self._before[real]}
        return kit_with(self.kit, contents)

    def write(self) -> None:
        """Write all changes, or none if one fails. In git's index, moved files that it tracks are moved too.

        Raises:
            AssembleError: a file cannot be written or was changed meanwhile, git fails, or a file is in a conflict.
        """
        renames = [*self._renames()]
        with written(self.kit, self.changes()):
            for git, moved in renames:
                git.rename(moved)
            record_changes(self.kit, ((each.path, each.before, each.after) for each in self.changes()))
        self._remove_empty_folders()

    def _renames(self) -> Iterator[tuple[Git, list[tuple[str, str, Entry]]]]:
        """Yield for each repository the moved files that it tracks: both absolute paths, and the entry.

        Files that change and are in a conflict are refused.
        """
        by_top: dict[str, list[str]] = {}
        for real in self._paths:
            if self._before[real] != self._after[real] and (top := git_top(os.path.dirname(real), self.kit.files)):
                by_top.setdefault(top, []).append(real)
        for top, paths in by_top.items():
            git = git_at(top)
            entries = git.entries(paths)
            if torn := [path for path, entry in entries.items() if entry.stages != "0"]:
                raise AssembleError(f"{self._paths[torn[0]]} has a merge conflict", "resolve it first")
            pairs = [(self._known(move.old), self._known(move.new)) for move in self.moves]
            yield git, [(old, new, entries[old]) for old, new in pairs if old in entries and old in paths]

    def _remove_empty_folders(self) -> None:
        """Remove the folders that deleted files leave empty, such as that of a skill, except the kit's own."""
        kit = self.kit
        own = {*kit.settings.manifests, *kit.settings.blocks}
        for folder in {os.path.dirname(change.path) for change in self.changes() if change.after is None} - own:
            kit.tree_of(folder).remove_empty_folder(kit.output_path(folder))
