"""Apply the fixes of findings to a kit's sources, in rounds: correcting one finding can reveal others.

All rounds happen in memory. The plan is complete before the first write.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from kei_assembler.build.result import FixedFile
from kei_assembler.diagnostics import Diagnostic, Fix
from kei_assembler.files import Files
from kei_assembler.files.overlay import Overlay
from kei_assembler.files.sparse_checkout import is_left_out
from kei_assembler.kit import LoadedKit
from kei_assembler.records import NamedTuple
from kei_assembler.repair.edits import Edit, FileChange, content_of, edited, overlap, write_all
from kei_assembler.toml.source import Source, read_toml, with_lf

MAX_ROUNDS = 10
"""How often the kit is checked and corrected. Fixes that are left then need another run."""


class Correction(NamedTuple):
    """The edits of one fix, and the code of its finding."""

    edits: tuple[Edit, ...]
    code: str

    @property
    def files(self) -> frozenset[str]:
        """The files that it edits."""
        return frozenset(edit.file for edit in self.edits)


class Fixes:
    """Applies fixes to a kit, whose files are on the disk or in `files`. Nothing is written before `write`.

    `kit` only says where files are. With `with_unsafe`, all fixes are applied, otherwise only the safe ones.
    """

    def __init__(self, kit: LoadedKit, with_unsafe: bool) -> None:
        self._kit = kit
        self._with_unsafe = with_unsafe
        self._before: dict[str, bytes] = {}
        self._after: dict[str, bytes] = {}
        self._codes: dict[str, list[str]] = {}
        self._contents: dict[str, bytes | None] = {}
        self.files: Files = Overlay(kit.files, self._contents)
        """The files of the kit with the fixes made."""

    def apply(self, check: Callable[[Files], Sequence[Diagnostic]]) -> None:
        """Correct what `check` finds in the files that it is called with, until there is nothing to correct.

        The last call is about the files with all fixes made.

        Raises:
            AssembleError: a file to correct cannot be read.
        """
        for _ in range(MAX_ROUNDS):
            made = self._made(list(_compatible(self._corrections(check(self.files)))))
            if not made:
                return
            for correction in made:
                for file in sorted(correction.files):
                    self._codes.setdefault(file, []).append(correction.code)
        check(self.files)

    def _corrections(self, found: Iterable[Diagnostic]) -> Iterator[Correction]:
        """Yield the corrections of findings, those with the same edits only once."""
        known: set[Fix] = set()
        for diagnostic in found:
            fix = diagnostic.fix
            if fix.edits and fix not in known and (fix.is_safe or self._with_unsafe):
                known.add(fix)
                if not any(is_left_out(self._kit.files, self._kit.path(each.file)) for each in fix.edits):
                    yield Correction(tuple(self._edits(fix)), diagnostic.code)

    def _edits(self, fix: Fix) -> Iterator[Edit]:
        for file, (line, column, end_line, end_column), text in fix.edits:
            starts = Source(file, _text(self._content(file))).starts
            yield Edit(file, starts[line - 1] + column - 1, starts[end_line - 1] + end_column - 1, text)

    def _content(self, file: str) -> bytes:
        if file not in self._after:
            self._before[file] = self._after[file] = content_of(self._kit, file)
        return self._after[file]

    def _made(self, corrections: Sequence[Correction]) -> Sequence[Correction]:
        """Make corrections, and return which were made. A file that was valid TOML stays valid."""
        contents = self._with(corrections)
        if broken := self._broken(contents):
            first = {file: each for each in reversed(corrections) for file in each.files}
            corrections = [each for each in corrections if all(first[file] is each for file in broken & each.files)]
            contents = self._with(corrections)
            broken = self._broken(contents)
            corrections = [each for each in corrections if not broken & each.files]
            contents = self._with(corrections)
        for file, content in contents.items():
            self._after[file] = self._contents[self._kit.tree.real(self._kit.path(file))] = content
        return corrections

    def _with(self, corrections: Iterable[Correction]) -> dict[str, bytes]:
        """Return the contents of files with corrections made. Lines that are inserted at one place stay in order."""
        by_file: dict[str, dict[tuple[int, int], Edit]] = {}
        for edit in (edit for correction in corrections for edit in correction.edits):
            made = by_file.setdefault(edit.file, {})
            other = made.get((edit.start, edit.end))
            made[edit.start, edit.end] = edit._replace(text=f"{other.text}{edit.text}") if other else edit
        return {file: edited(self._content(file), edits.values()) for file, edits in by_file.items()}

    def _broken(self, contents: Mapping[str, bytes]) -> set[str]:
        """Return the files that are no longer valid TOML."""
        files = [file for file in contents if file.endswith(".toml")]
        return {
            file
            for file in files
            if read_toml(file, contents[file]).error and not read_toml(file, self._after[file]).error
        }

    @property
    def changes(self) -> tuple[FixedFile, ...]:
        """The files that change, sorted, each with the codes of the findings that are corrected in it."""
        differing = (file for file in sorted(self._after) if self._after[file] != self._before[file])
        return tuple(
            FixedFile(file, tuple(self._codes[file]), self._before[file], self._after[file]) for file in differing
        )

    def write(self) -> None:
        """Write all files that change, or none of them.

        Raises:
            AssembleError: a file cannot be written, or somebody else has changed it.
        """
        write_all(self._kit, [FileChange(each.path, each.before, each.after) for each in self.changes])


def _text(content: bytes) -> str:
    return with_lf(content.removeprefix(BOM_UTF8)).decode(errors="replace")


def _compatible(corrections: Iterable[Correction]) -> Iterator[Correction]:
    """Yield the corrections that can be made together. The others wait for the next round."""
    chosen: dict[str, list[Edit]] = {}
    for correction in corrections:
        pairs = ((edit, other) for edit in correction.edits for other in chosen.get(edit.file, ()))
        if not any(overlap(*pair) and not _are_lines_at_one_place(*pair) for pair in pairs):
            for edit in correction.edits:
                chosen.setdefault(edit.file, []).append(edit)
            yield correction


def _are_lines_at_one_place(edit: Edit, other: Edit) -> bool:
    """Return whether two edits insert whole lines at the same place."""
    is_same_place = edit.start == edit.end == other.start == other.end
    return is_same_place and edit.text.endswith("\n") and other.text.endswith("\n")
