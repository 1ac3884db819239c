"""Edits of sources as data, and atomic writes of several files: all of them, or none.

An edit replaces a part of a source's text. Everything else in the file stays byte for byte: line ends, a BOM, comments,
order and quoting. Nothing here parses TOML or Markdown.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise

from kei_assembler.build.writer import replace_planned
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.overlay import Overlay
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.records import NamedTuple
from kei_assembler.toml.source import MAX_BYTES, with_lf


class Edit(NamedTuple):
    """The text between two offsets of a source is replaced with another one. Edits sort by file and position.

    `file` is relative to the kit. The offsets count characters of `Source.text`, which has LF line ends and no BOM. An
    edit with `start == end` inserts `text` there. `text` has LF line ends.
    """

    file: str
    start: int
    end: int
    text: str


class FileChange(NamedTuple):
    """The content of a file before and after a change; None stands for no file.

    `path` is relative to the kit, or absolute if the file is in the home folder.
    """

    path: str
    before: bytes | None
    after: bytes | None


def overlap(first: Edit, second: Edit) -> bool:
    """Return whether two edits of the same file cannot both be made.

    Edits that touch can, except two insertions at the same place and an insertion where another edit starts: the result
    would depend on their order.
    """
    if first.file != second.file:
        return False
    first, second = sorted((first, second))
    return second.start < first.end or first.start == second.start


def edited(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the bytes of a file with edits of its text made. An edit that is listed twice is made once.

    A line that an edit adds ends like the line before it, or like the first line of the file.

    Raises:
        ValueError: the content is not UTF-8, an edit lies outside the text, or two edits overlap.
    """
    bom = BOM_UTF8 if content.startswith(BOM_UTF8) else b""
    text = content.removeprefix(bom).decode()
    in_order = sorted(set(edits))
    if any(overlap(*pair) for pair in pairwise(in_order)):
        raise ValueError("edits overlap")
    lines = _LineEnds(text)
    parts, position = [], 0
    for edit in in_order:
        if not 0 <= edit.start <= edit.end <= lines.size:
            raise ValueError(f"an edit lies outside the text of {edit.file}")
        start, end = lines.offset(edit.start), lines.offset(edit.end)
        parts += [text[position:start], edit.text.replace("\n", lines.end_before(edit.start))]
        position = end
    return bom + "".join([*parts, text[position:]]).encode()


class _LineEnds:
    """The CRLF line ends of a text, and how offsets count without their CR."""

    def __init__(self, text: str) -> None:
        halves = text.split("\r\n")
        self.size = len(text) - len(halves) + 1
        self._crlf, offset = [], 0
        for half in halves[:-1]:
            offset += len(half) + 1
            self._crlf.append(offset - 1)
        self._plain = text.replace("\r\n", "\n") if self._crlf else text

    def offset(self, plain: int) -> int:
        """Return the offset in the text for an offset that counts each CRLF as one character."""
        return plain + bisect_left(self._crlf, plain)

    def end_before(self, plain: int) -> str:
        """Return how a line that is added at an offset ends."""
        end = self._plain.rfind("\n", 0, plain)
        end = self._plain.find("\n") if end < 0 else end
        index = bisect_left(self._crlf, end)
        return "\r\n" if self._crlf[index : index + 1] == [end] else "\n"


def edited_text(text: str, edits: Iterable[Edit]) -> str:
    """Return a source's text with edits of it made.

    Raises:
        ValueError: an edit lies outside the text, or two edits overlap.
    """
    return with_lf(edited(text.encode(), edits)).decode()


def by_file(edits: Iterable[Edit]) -> dict[str, list[Edit]]:
    """Return edits by their files, which are sorted."""
    found: dict[str, list[Edit]] = {}
    for edit in edits:
        found.setdefault(edit.file, []).append(edit)
    return dict(sorted(found.items()))


def kit_with(kit: LoadedKit, contents: Mapping[str, bytes | None]) -> LoadedKit:
    """Return a kit as it is with other contents of some files, given by their resolved paths. None stands for no file.

    Raises:
        AssembleError: its settings are then invalid.
    """
    return load_kit(kit.folder, files=Overlay(kit.files, contents), for_user=kit.for_user)


def content_of(kit: LoadedKit, file: str) -> bytes:
    """Return the bytes of a source.

    Raises:
        AssembleError: the file cannot be read.
    """
    try:
        return kit.tree.read(kit.path(file), MAX_BYTES)
    except OSError as error:
        raise AssembleError(f"{file} cannot be read: {error.strerror}") from error


def write_all(kit: LoadedKit, changes: Sequence[FileChange]) -> None:
    """Make all changes of a kit's files, each atomically. If one fails, those made so far are undone.

    Raises:
        AssembleError: a file cannot be written, or no longer has the content that the change starts from.
    """
    with written(kit, changes):
        pass


@contextmanager
def written(kit: LoadedKit, changes: Sequence[FileChange]) -> Iterator[None]:
    """Make all changes of a kit's files, and undo them if one of them or the block of the `with` statement fails.

    Files are deleted last. A file that somebody else changes meanwhile is not undone.

    Raises:
        AssembleError: see `write_all`.
    """
    begun: list[FileChange] = []
    new_folders: list[str] = []
    try:
        for change in sorted(changes, key=lambda change: change.after is None):
            begun.append(change)  # before it is made: an interrupt can come at any time
            new_folders += _missing_folder(kit, change.path)
            replace_planned(kit.tree_of(change.path), kit.output_path(change.path), change.before, change.after)
        yield
    except BaseException:
        for change in reversed(begun):
            with suppress(AssembleError):
                replace_planned(kit.tree_of(change.path), kit.output_path(change.path), change.after, change.before)
        for folder in new_folders:
            kit.tree_of(folder).remove_empty_folder(kit.output_path(folder))
        raise


def _missing_folder(kit: LoadedKit, path: str) -> list[str]:
    folder = os.path.dirname(path)
    return [] if kit.files.is_folder(kit.output_path(folder)) else [folder]
