"""Record what a run accesses: the state of each path before its first access, and each file that the run wrote."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from kei_assembler import TYPE_CHECKING
from kei_assembler.files import signatures
from kei_assembler.files.signatures import Signature
from kei_assembler.records import NamedTuple

if TYPE_CHECKING:
    from typing import Any

Written = tuple[Signature, str]


class Accesses(NamedTuple):
    """The recorded accesses, by path.

    - `paths`: signatures from before the first access
    - `resolved`: resolved paths
    - `entries`: the entry lines of listed folders
    - `digests`: content digests, where the signature is too recent to show every change
    - `sources`: paths where sources were looked up, with the suffixes of the sources' names
    - `written`: signatures and digests of the files that the run wrote
    """

    paths: dict[str, Signature]
    resolved: dict[str, str]
    entries: dict[str, set[str]]
    digests: dict[str, str]
    sources: dict[str, set[str]]
    written: dict[str, Written]

    def agree_with(self, others: Accesses) -> bool:
        """Return whether two processes saw the same state of every path that both accessed."""
        both = zip(self._seen, others._seen, strict=True)
        return all(there.get(path, value) == value for here, there in both for path, value in here.items())

    @property
    def _seen(self) -> tuple[dict[str, Any], ...]:
        return self.paths, self.resolved, self.entries, self.digests

    def add(self, others: Accesses) -> None:
        """Add the accesses of another process, which agree with these."""
        for here, there in zip((*self._seen, self.written), (*others._seen, others.written), strict=True):
            here.update(there)
        for path, suffixes in others.sources.items():
            self.sources.setdefault(path, set()).update(suffixes)


class Recorder:
    """Records the accesses of this process while it is on.

    It stops when a path changes during the run: the run has then seen a state that no later run can find again.
    """

    accesses: Accesses | None = None
    since: int = 0
    """Nanoseconds since the epoch. A signature may not show a change that was made after this time."""

    def start(self, since: int) -> None:
        """Start recording, without any accesses."""
        self.accesses, self.since = Accesses({}, {}, {}, {}, {}, {}), since

    def stop(self) -> None:
        """Stop recording and drop all accesses."""
        self.accesses = None

    def record_lookup(self, path: str) -> None:
        """Record the signature of a path, which need not exist. Call this before the access."""
        if self.accesses is None:
            return
        before = self.accesses.paths.get(path)
        if before is None:
            self.accesses.paths[path] = signatures.signature(path)
            folder = os.path.dirname(path)
            if folder not in self.accesses.resolved:
                try:
                    self.accesses.resolved[folder] = os.path.realpath(folder)
                except OSError:  # somebody replaced a link while it was read
                    self.stop()
        elif not before and signatures.signature(path):
            self.stop()  # the path was created after its signature was recorded

    def record_source_lookup(self, path: str) -> None:
        """Record a path at which a source can appear."""
        self.record_lookup(path)
        self._add_source(path, "")

    def _add_source(self, path: str, suffix: str) -> None:
        if self.accesses is not None:
            self.accesses.sources.setdefault(path, set()).add(suffix)

    def record_read(self, path: str, content: bytes) -> None:
        """Record the content of a file that was read."""
        if self.accesses is None:
            return
        signature = self.accesses.paths.get(path, ())
        if not signatures.is_settled(signature, self.since):
            digest = signatures.digest(content)
        elif signatures.is_recent(signature, self.since):
            digest = signatures.checksum(content)
        else:
            return
        if self.accesses.digests.setdefault(path, digest) != digest:
            self.stop()

    def record_listing(self, folder: str, entries: Iterable[os.DirEntry[str]], source_suffix: str | None) -> None:
        """Record the entries of a folder, and the signatures of the links among them."""
        if self.accesses is None:
            return
        if source_suffix is not None:
            self._add_source(folder, source_suffix)
        self.accesses.entries.setdefault(folder, set(map(signatures.entry_line, entries)))
        for entry in entries:
            if entry.is_symlink():
                self.record_lookup(entry.path)

    def record_resolved(self, path: str, real: str) -> None:
        """Record the resolved path of a path."""
        if self.accesses is not None and self.accesses.resolved.setdefault(path, real) != real:
            self.stop()

    def record_written(self, path: str, content: bytes) -> None:
        """Record a file that the run itself wrote."""
        if self.accesses is not None:
            self.accesses.written[path] = signatures.signature(path), signatures.digest(content)

    def all_accesses(self) -> Accesses | None:
        """Return all accesses so far, including the files of the program, or None if nothing is recorded."""
        for module in tuple(sys.modules.values()):
            self.record_lookup(getattr(module, "__file__", None) or "")
        for folder in sys.path:
            self.record_lookup(folder)
        return self.accesses

    def add(self, others: Accesses | None) -> None:
        """Add the accesses of another process. Stop if it recorded none, or saw another state of a path."""
        if self.accesses is None or others is None or not self.accesses.agree_with(others):
            self.stop()
        else:
            self.accesses.add(others)


RECORDER = Recorder()
"""The recorder of this process. Together with `run_cache._Run`, it is the only global state of the program."""
