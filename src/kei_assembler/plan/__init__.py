"""What a run would change: a value for each file, made before anything is written."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from enum import StrEnum
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.files import Files
from kei_assembler.kit import Kit, naming, stem
from kei_assembler.paths import normal
from kei_assembler.source import with_lf
from kei_assembler.targets import TARGETS
from kei_assembler.text import stamp

if TYPE_CHECKING:  # rendering costs a template engine, which a plan does not need
    from kei_assembler.render import Artifact


OUTPUT_MOST = 4 * 1024 * 1024
"""The bound on the size of a generated file, in bytes: a larger one is none of an agent."""


class Kind(StrEnum):
    """What becomes of one file."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    ORPHAN = "orphan"
    EDITED = "edited"
    FOREIGN = "foreign"
    UNMANAGED = "unmanaged"


DRIFT = (Kind.CREATE, Kind.UPDATE, Kind.ORPHAN, Kind.EDITED, Kind.FOREIGN)
"""The kinds for which what is on disk is not what the sources give."""


class Change(NamedTuple):
    """What a run would do to one file: `path` and `manifest` are relative to the kit.

    `manifest` and `target` are empty where a file is none of one agent.

    `before` is what is there now, `after` what would be there; both are None where nothing changes. `intact` tells
    of an orphan whether it is still as it was generated, `chosen` whether the run was to keep to some targets.
    """

    kind: Kind
    path: str
    manifest: str
    target: str
    before: bytes | None = None
    after: bytes | None = None
    intact: bool = True
    chosen: bool = False

    def mending(self, kit: str = "") -> str:
        """Return the command that brings the file in line with the sources; empty where only a person can.

        `kit` is the kit's folder where the command line has to name it.
        """
        where = naming(kit)
        only = f"{where} --target {self.target}" if self.chosen else where
        what = quote(self.manifest) if self.manifest else "--all"
        match self.kind:
            case Kind.CREATE | Kind.UPDATE:
                return f"assemble{only} {what}"
            case Kind.EDITED | Kind.FOREIGN:
                return f"assemble --force{only} {what}"
            case Kind.ORPHAN if self.intact:
                return f"assemble{where} --all --prune"
            case _:
                return ""


class Licence(NamedTuple):
    """What a run may do besides creating and updating: overwrite what is not its own, delete orphans."""

    force: bool = False
    prune: bool = False

    def covers(self, change: Change) -> bool:
        """Tell whether the run carries out the change."""
        match change.kind:
            case Kind.CREATE | Kind.UPDATE:
                return True
            case Kind.EDITED | Kind.FOREIGN:
                return self.force
            case Kind.ORPHAN:
                return self.prune and change.intact
            case _:
                return False


def decide(kit: Kit, artifact: Artifact, present: bytes | None) -> Change:
    """Return the change that an artifact means for the file at its path, given its present bytes or None.

    A file that was generated from another manifest, which is still there, is that one's.
    """
    kind = _kind(kit, artifact, present)
    before, after = (None, None) if kind is Kind.UNCHANGED else (present, artifact.content)
    return Change(kind, artifact.path, artifact.manifest, artifact.target, before, after)


def _kind(kit: Kit, artifact: Artifact, present: bytes | None) -> Kind:
    if present is None:
        return Kind.CREATE
    if present == artifact.content or with_lf(present) == artifact.content:
        return Kind.UNCHANGED
    return _kind_of_other(kit, artifact, stamp.settled(text_of(present), _comment(artifact.target)))


def _kind_of_other(kit: Kit, artifact: Artifact, present: str) -> Kind:
    """A file that, stamp aside, already is what would be written is nobody's work to lose."""
    comment = _comment(artifact.target)
    is_same = stamp.split(present, comment)[1] == stamp.split(artifact.content.decode(), comment)[1]
    found = stamp.find(present, comment)
    if found is None:
        torn_or_foreign = Kind.EDITED if stamp.is_torn(present, comment) else Kind.FOREIGN
        return Kind.UPDATE if is_same else torn_or_foreign
    if not (found.intact or is_same):
        return Kind.EDITED
    owner = owner_of(kit, artifact.path, found)
    return Kind.FOREIGN if owner != artifact.manifest and kit.files.exists(kit.path(owner)) else Kind.UPDATE


def _comment(target: str) -> stamp.Comment:
    return TARGETS[target].form.comment


def owner_of(kit: Kit, path: str, found: stamp.Stamp) -> str:
    """Return the manifest, relative to the kit, that the stamp of the file at `path` names."""
    way = normal(f"{os.path.dirname(path) or '.'}/{found.source}")
    return normal(os.path.relpath(kit.path(way), kit.folder)) if way.startswith("../") else way


def decide_leftover(kit: Kit, path: str, target: str, present: bytes) -> Change | None:
    """Return what a file is that lies where outputs do, but is none: an orphan, unmanaged, or nothing to speak of.

    An orphan was generated from a manifest in this kit's folder for them, or from one in its root that is nowhere any
    more, as after the kit or that folder moved. What was generated from another, which is there, is another kit's.
    """
    form = TARGETS[target].form
    if found := stamp.find(stamp.settled(text_of(present), form.comment), form.comment):
        manifest = owner_of(kit, path, found)
        ways = named_by(kit.files, kit.path(path), found.source)
        if _is_own(kit, manifest) or _is_gone(kit, ways):
            return Change(Kind.ORPHAN, path, manifest, target, present, None, found.intact)
        if found.intact and stem(found.source) in path and any(map(kit.files.exists, ways)):
            return None
    is_agent_file = form.agent_pattern.match(with_lf(present.removeprefix(BOM_UTF8)))
    return Change(Kind.UNMANAGED, path, "", target) if is_agent_file else None


def _is_own(kit: Kit, manifest: str) -> bool:
    """Tell whether a manifest's path lies in this kit's folder for them; it may be gone."""
    folder = kit.settings.manifests
    return not manifest.startswith("../") if folder == "." else manifest.startswith(f"{folder}/")


def _is_gone(kit: Kit, ways: list[str]) -> bool:
    """Outside the root nobody can tell: what is there differs between machines."""
    return bool(ways) and not any(map(kit.files.exists, ways)) and all(map(kit.holds, ways))


def named_by(files: Files, path: str, source: str) -> list[str]:
    """Return where the manifest may be that the stamp of a file at this absolute path names; nowhere if that is none.

    The way starts at the file's folder, or where that really is: who wrote the file may not have come by our links.
    """
    if not source.endswith(".toml") or "\0" in source:
        return []
    return [os.path.normpath(os.path.join(os.path.dirname(start), source)) for start in (path, files.resolve(path))]


def text_of(content: bytes) -> str:
    """Return the bytes of a file as text with LF and without a BOM; what is not UTF-8 survives as surrogates."""
    return with_lf(content.removeprefix(BOM_UTF8)).decode(errors="surrogateescape")
