"""Classify the files of a kit's outputs: compare what is on disk with what the kit generates."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from kei_assembler.files import Files
from kei_assembler.kit import Kit, stem
from kei_assembler.paths import normal
from kei_assembler.plan.changes import Change, FileStatus
from kei_assembler.source import with_lf
from kei_assembler.targets import TARGETS
from kei_assembler.text import stamp

if TYPE_CHECKING:  # rendering costs a template engine, which a plan does not need
    from kei_assembler.render import Artifact


def classify(kit: Kit, artifact: Artifact, present: bytes | None) -> Change:
    """Return the change that an artifact means for the file at its path, given its present bytes or None.

    A file that was generated from another manifest, which is still there, is that one's.
    """
    status = _status(kit, artifact, present)
    before, after = (None, None) if status is FileStatus.UNCHANGED else (present, artifact.content)
    return Change(status, artifact.path, artifact.manifest, artifact.target, before, after)


def _status(kit: Kit, artifact: Artifact, present: bytes | None) -> FileStatus:
    if present is None:
        return FileStatus.CREATE
    if present == artifact.content or with_lf(present) == artifact.content:
        return FileStatus.UNCHANGED
    return _status_of_other(kit, artifact, stamp.settled(text_of(present), _comment(artifact.target)))


def _status_of_other(kit: Kit, artifact: Artifact, present: str) -> FileStatus:
    """A file that, stamp aside, already is what would be written is nobody's work to lose."""
    comment = _comment(artifact.target)
    is_same = stamp.split(present, comment)[1] == stamp.split(artifact.content.decode(), comment)[1]
    found = stamp.find(present, comment)
    if found is None:
        torn_or_foreign = FileStatus.EDITED if stamp.is_torn(present, comment) else FileStatus.FOREIGN
        return FileStatus.UPDATE if is_same else torn_or_foreign
    if not (found.intact or is_same):
        return FileStatus.EDITED
    owner = owner_of(kit, artifact.path, found)
    return FileStatus.FOREIGN if owner != artifact.manifest and kit.files.exists(kit.path(owner)) else FileStatus.UPDATE


def _comment(target: str) -> stamp.Comment:
    return TARGETS[target].form.comment


def owner_of(kit: Kit, path: str, found: stamp.Stamp) -> str:
    """Return the manifest, relative to the kit, that the stamp of the file at `path` names."""
    way = normal(f"{os.path.dirname(path) or '.'}/{found.source}")
    return normal(os.path.relpath(kit.path(way), kit.folder)) if way.startswith("../") else way


def classify_leftover(kit: Kit, path: str, target: str, present: bytes) -> Change | None:
    """Return what a file is that lies where outputs do, but is none: an orphan, unmanaged, or nothing to speak of.

    An orphan was generated from a manifest in this kit's folder for them, or from one in its root that is nowhere any
    more, as after the kit or that folder moved. What was generated from another, which is there, is another kit's.
    """
    form = TARGETS[target].form
    if found := stamp.find(stamp.settled(text_of(present), form.comment), form.comment):
        manifest = owner_of(kit, path, found)
        ways = named_by(kit.files, kit.path(path), found.source)
        if _is_own(kit, manifest) or _is_gone(kit, ways):
            return Change(FileStatus.ORPHAN, path, manifest, target, present, None, found.intact)
        if found.intact and stem(found.source) in path and any(map(kit.files.exists, ways)):
            return None
    is_agent_file = form.agent_pattern.match(with_lf(present.removeprefix(BOM_UTF8)))
    return Change(FileStatus.UNMANAGED, path, "", target) if is_agent_file else None


def _is_own(kit: Kit, manifest: str) -> bool:
    """Tell whether a manifest's path lies in this kit's folder for them; it may be gone."""
    folder = kit.settings.manifests
    return not manifest.startswith("../") if folder == "." else manifest.startswith(f"{folder}/")


def is_manifest_path(kit: Kit, path: str) -> bool:
    """Tell whether a file at this path, relative to the kit, would count as one of its manifests."""
    folder = "" if kit.settings.manifests == "." else f"{kit.settings.manifests}/".casefold()
    inside = path.casefold().removeprefix(folder)
    is_inside = path.casefold().startswith(folder)
    return path.endswith(".toml") and is_inside and not any(part.startswith(".") for part in inside.split("/"))


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
