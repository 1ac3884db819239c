"""What a run would change: a value for each file, made before anything is written."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler import stamp

if TYPE_CHECKING:  # rendering costs a template engine, which a plan does not need
    from kei_assembler.render import Artifact


class Kind(StrEnum):
    """What becomes of one file."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    EDITED = "edited"
    FOREIGN = "foreign"
    UNMANAGED = "unmanaged"


WRITTEN = (Kind.CREATE, Kind.UPDATE)
"""The kinds that a build writes."""

DRIFT = (Kind.CREATE, Kind.UPDATE, Kind.EDITED, Kind.FOREIGN)
"""The kinds for which what is on disk is not what the sources give."""


class Change(NamedTuple):
    """What a run would do to one file: `path` and `manifest` are relative to the kit.

    `content` is what would be written, and None where nothing would be.
    """

    kind: Kind
    path: str
    manifest: str
    target: str
    content: bytes | None = None


def decide(artifact: Artifact, present: bytes | None) -> Change:
    """Return the change that an artifact means for the file at its path, given its present bytes or None."""
    kind = _kind(artifact.content, present)
    content = None if kind is Kind.UNCHANGED else artifact.content
    return Change(kind, artifact.path, artifact.manifest, artifact.target, content)


def _kind(wanted: bytes, present: bytes | None) -> Kind:
    if present is None:
        return Kind.CREATE
    if present == wanted or with_lf(present) == wanted:
        return Kind.UNCHANGED
    return _kind_of_other(wanted.decode(), with_lf(present).decode(errors="surrogateescape"))


def _kind_of_other(wanted: str, present: str) -> Kind:
    """A file that, stamp aside, already is what would be written is nobody's work to lose."""
    if stamp.split(present)[1] == stamp.split(wanted)[1]:
        return Kind.UPDATE
    found = stamp.find(present)
    if found is None:
        return Kind.FOREIGN
    return Kind.UPDATE if found.intact else Kind.EDITED


def is_agent_file(content: bytes) -> bool:
    """Tell whether a Markdown file is made like an agent's: it begins with front matter."""
    return with_lf(content).startswith(b"---\n")


def with_lf(content: bytes) -> bytes:
    """Return the bytes with LF line ends: a checkout with CRLF is no difference."""
    return content.replace(b"\r\n", b"\n")
