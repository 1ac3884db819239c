"""What a run accesses: every path that the disk was asked about, as it was before, and every file that was written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from kei_assembler.files import signatures
from kei_assembler.files.signatures import Signature

Written = tuple[Signature, str]


class Accesses(NamedTuple):
    """What was accessed, by path.

    `paths` has the signatures from before the first access, `places` the resolved paths, `entries` the lines of the
    folders that were listed, `digests` those of the contents whose signatures are too young to tell a change, and
    `written` the signatures and digests of the files that the run has written.

    `sources` has the places where sources were looked for, with the suffixes that their names end with.
    """

    paths: dict[str, Signature]
    places: dict[str, str]
    entries: dict[str, set[str]]
    digests: dict[str, str]
    sources: dict[str, set[str]]
    written: dict[str, Written]

    def agree_with(self, others: Accesses) -> bool:
        """Tell whether whatever two processes have both seen looked the same to both."""
        both = zip(self._seen, others._seen, strict=True)
        return all(there.get(path, value) == value for here, there in both for path, value in here.items())

    @property
    def _seen(self) -> tuple[dict[str, Any], ...]:
        return self.paths, self.places, self.entries, self.digests

    def add(self, others: Accesses) -> None:
        """Add those of another process, which agree with these."""
        for here, there in zip((*self._seen, self.written), (*others._seen, others.written), strict=True):
            here.update(there)
        for path, suffixes in others.sources.items():
            self.sources.setdefault(path, set()).update(suffixes)


class Recorder:
    """Records the accesses of this process while it is on.

    It turns itself off when something looks one way now and another way later: what such a run has seen is no state
    that a later run could find again.
    """

    accesses: Accesses | None = None
    since: int = 0
    """Nanoseconds from the epoch: a change after this time may not show in a signature."""

    def start(self, since: int) -> None:
        """Turn it on, with no accesses yet."""
        self.accesses, self.since = Accesses({}, {}, {}, {}, {}, {}), since

    def stop(self) -> None:
        """Turn it off, and forget all accesses."""
        self.accesses = None

    def record_lookup(self, path: str) -> None:
        """Record a path that is about to be accessed; it may be missing."""
        if self.accesses is None:
            return
        before = self.accesses.paths.get(path)
        if before is None:
            self.accesses.paths[path] = signatures.signature(path)
            folder = os.path.dirname(path)
            if folder not in self.accesses.places:
                self.accesses.places[folder] = os.path.realpath(folder)
        elif not before and signatures.signature(path):
            self.stop()  # it came about meanwhile: the run does not see what was recorded

    def record_source_lookup(self, path: str) -> None:
        """Record a path where a source is looked for."""
        self.record_lookup(path)
        self._add_source(path, "")

    def _add_source(self, path: str, suffix: str) -> None:
        if self.accesses is not None:
            self.accesses.sources.setdefault(path, set()).add(suffix)

    def record_read(self, path: str, content: bytes) -> None:
        """Record the content that was read at a path."""
        if self.accesses is not None and not signatures.is_settled(self.accesses.paths.get(path, ()), self.since):
            digest = signatures.digest(content)
            if self.accesses.digests.setdefault(path, digest) != digest:
                self.stop()

    def record_listing(self, folder: str, entries: Iterable[os.DirEntry[str]], source_suffix: str | None) -> None:
        """Record the entries of a folder, and where the links among them lead."""
        if self.accesses is None:
            return
        if source_suffix is not None:
            self._add_source(folder, source_suffix)
        self.accesses.entries.setdefault(folder, set(map(signatures.entry_line, entries)))
        for entry in entries:
            if entry.is_symlink():
                self.record_lookup(entry.path)

    def record_resolved(self, path: str, real: str) -> None:
        """Record where a path leads."""
        if self.accesses is not None and self.accesses.places.setdefault(path, real) != real:
            self.stop()

    def record_written(self, path: str, content: bytes) -> None:
        """Record a file that the run itself has put in its place."""
        if self.accesses is not None:
            self.accesses.written[path] = signatures.signature(path), signatures.digest(content)

    def all_accesses(self) -> Accesses | None:
        """Return all accesses so far, those of the program's own files among them; None if it is off."""
        for module in tuple(sys.modules.values()):
            self.record_lookup(getattr(module, "__file__", None) or "")
        for folder in sys.path:
            self.record_lookup(folder)
        return self.accesses

    def add(self, others: Accesses | None) -> None:
        """Add the accesses of another process; where it saw something else than this one, nothing is certain."""
        if self.accesses is None or others is None or not self.accesses.agree_with(others):
            self.stop()
        else:
            self.accesses.add(others)


RECORDER = Recorder()
"""The recorder of this process: with the run that `run_cache` has in hand, all the state that the program has."""
