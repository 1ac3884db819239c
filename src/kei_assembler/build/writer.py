"""Read and write the outputs of a kit."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from kei_assembler.build.changes import MAX_OUTPUT_BYTES, Change, FileStatus
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.sparse_checkout import LackingError, is_left_out
from kei_assembler.files.tree import Tree
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.targets import TARGETS
from kei_assembler.targets.instructions import SKILL_FILE


class OutputFiles:
    """The outputs of one kit on this machine. Paths are relative to the kit, or in the home folder absolute.

    If the run builds into another folder, that is where the files are.
    """

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit

    def read(self, path: str, generated: bytes | None = None) -> bytes | None:
        """Return the current bytes of an output, or None if it does not exist.

        If a partial clone lacks the bytes, their id still tells whether they are the `generated` ones.

        Raises:
            OSError: the path is not a regular file, cannot be read, or is too large.
        """
        try:
            return _present(self.kit.tree_of(path), self.kit.output_path(path))
        except LackingError as error:
            if generated is not None and error.is_content(generated):
                return generated
            raise

    def peek(self, path: str) -> bytes | None:
        """Return the current bytes of a file, or None if it cannot be read or a link leads outside the root."""
        with suppress(OSError):
            return self.read(path)
        return None

    def remove_stale_temp_files(self, paths: Iterable[str]) -> None:
        """Remove the temporary files of killed runs from the folders of these outputs."""
        for folder in {os.path.dirname(path) for path in paths}:
            self.kit.tree_of(folder).remove_stale_temp_files(self.kit.output_path(folder))

    def real(self, path: str) -> str:
        """Return the absolute path of an output with links resolved."""
        return self.kit.tree_of(path).real(self.kit.output_path(path))

    def is_link(self, path: str) -> bool:
        """Return whether an output itself is a link."""
        return self.kit.files.is_link(self.kit.output_path(path))

    def is_left_out(self, path: str) -> bool:
        """Return whether a sparse checkout leaves out an output."""
        return is_left_out(self.kit.files, self.kit.output_path(path))

    def apply(self, change: Change) -> Change:
        """Make a change, and return it with `applied` set.

        The file is written atomically. If somebody else changed it after it was planned, it is kept and the change is
        returned as edited, without `applied`. If another run has already made the same change, it counts as applied.

        Raises:
            AssembleError: the file cannot be written.
        """
        try:
            path = self.kit.output_path(change.path)
            before = None if is_left_out(self.kit.files, path) else change.before
            is_as_planned = self.kit.tree_of(change.path).replace(path, before, change.after)
        except OSError as error:
            raise AssembleError(
                f"{self.kit.shown_output(change.path)} cannot be written: {error.strerror}",
                "free some space or change the permissions, then run again; all files written so far are complete",
            ) from error
        if is_as_planned and change.after is None:
            self._remove_empty_folders(change)
        return change._replace(applied=True) if is_as_planned else change._replace(status=FileStatus.EDITED)

    def _remove_empty_folders(self, deleted: Change) -> None:
        """Remove the folders that only a deleted file was in, as far as they are named after its manifest."""
        patterns = [SKILL_FILE]
        if deleted.target:
            row = TARGETS[deleted.target]
            patterns = [self.kit.settings.output(row.name), row.output, *row.search_paths]
        ends = filter(None, (_end_with_own_folder(pattern, stem(deleted.manifest)) for pattern in patterns))
        folder, end = deleted.path, next((each for each in ends if f"/{deleted.path}".endswith(each)), "/")
        for _ in range(end.count("/") - 1):
            folder = os.path.dirname(folder)
            self.kit.tree_of(folder).remove_empty_folder(self.kit.output_path(folder))


def _end_with_own_folder(pattern: str, name: str) -> str:
    """The end of an output's path, from the first folder that has the name in it: `/NAME/AGENT.md`; or ""."""
    parts = pattern.split("/")
    first = next((index for index, part in enumerate(parts[:-1]) if "{name}" in part), None)
    return "" if first is None else "/" + "/".join(parts[first:]).replace("{name}", name)


def create(tree: Tree, path: str, content: bytes) -> bool:
    """Write a file in a tree atomically unless its path exists. Return whether it was written.

    Raises:
        AssembleError: the path leads out of the tree, or the file cannot be written.
    """
    try:
        return tree.create(path, content)
    except OSError as error:
        raise _unwritable(path, error) from error


def replace(tree: Tree, path: str, change: Callable[[bytes], bytes]) -> bool:
    """Replace a file's content atomically with the result of `change`. Return whether the content differs.

    Raises:
        AssembleError: the path leads out of the tree, the file cannot be written, or somebody else is changing it.
    """
    try:
        before = _present(tree, path)
        after = change(before or b"")
        if after != before and not tree.replace(path, before, after):
            raise OSError(errno.EBUSY, "another program is changing it")
    except OSError as error:
        raise _unwritable(path, error) from error
    return after != before


def replace_planned(tree: Tree, path: str, before: bytes | None, after: bytes | None) -> None:
    """Replace the content `before` of a file in a tree atomically with `after`; None stands for no file.

    Raises:
        AssembleError: the path leads out of the tree, the file cannot be written, or it no longer has that content.
    """
    try:
        if not tree.replace(path, before, after):
            raise OSError(errno.EBUSY, "another program is changing it")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: str, error: OSError) -> AssembleError:
    return AssembleError(f"{path} cannot be written: {error.strerror or error}")


def _present(tree: Tree, path: str) -> bytes | None:
    try:
        content = tree.read(path, MAX_OUTPUT_BYTES)
    except FileNotFoundError:
        return None
    if len(content) > MAX_OUTPUT_BYTES:
        raise OSError(errno.EFBIG, f"the file is larger than {MAX_OUTPUT_BYTES:,} bytes")
    return content
