"""Classify the files of a kit's outputs: compare what is on disk with what the kit generates."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.files import Files
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.markdown import stamp
from kei_assembler.model.kinds import AGENT
from kei_assembler.paths import is_hidden, is_outside, normalize
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import with_lf

if TYPE_CHECKING:  # `render` imports the template engine
    from kei_assembler.render.renderer import Artifact


def comment_of(kind: str, target: str) -> stamp.Comment:
    """Return the syntax of the stamp in a file for a target. Except for those of agents, all files are Markdown."""
    return TARGETS[target].form.comment if kind == AGENT.name else stamp.MARKUP


def has_stamp(content: bytes, target: str) -> bool:
    """Return whether an agent file of a target has a stamp, also one with a merge conflict in it."""
    return stamp.find_settled(text_of(content), TARGETS[target].form.comment) is not None


def classify(kit: LoadedKit, artifact: Artifact, present: bytes | None) -> Change:
    """Return the change of the file at an artifact's path, given its current bytes, or None if it does not exist.

    A file is foreign if it was generated from another manifest that still exists.
    """
    status = FileStatus.CREATE if present is None else _status(kit, artifact, present)
    before, after = (None, None) if status is FileStatus.UNCHANGED else (present, artifact.content)
    chosen = bool(kit.selected_targets)
    change = Change(
        status, artifact.path, artifact.manifest, artifact.target, before, after, chosen=chosen, kind=artifact.kind
    )
    return with_digest(kit, artifact, change)


def with_digest(kit: LoadedKit, artifact: Artifact, change: Change) -> Change:
    """Return the change of an artifact with what a kit with plain stamps records about it."""
    if not kit.settings.has_plain_stamps:
        return change
    from kei_assembler.build.ownership import digest_of

    return change._replace(digest=digest_of(artifact))


def _status(kit: LoadedKit, artifact: Artifact, present: bytes) -> FileStatus:
    if present == artifact.content or with_lf(present) == artifact.content:
        return FileStatus.UNCHANGED
    comment = comment_of(artifact.kind, artifact.target)
    text = stamp.settled(text_of(present), comment)
    # If only the stamp differs, overwriting the file cannot lose anybody's work.
    is_same = stamp.split(text, comment)[1] == stamp.split(artifact.content.decode(), comment)[1]
    found = stamp.find(text, comment)
    if found is None:
        edited_or_foreign = FileStatus.EDITED if stamp.is_torn(text, comment) else FileStatus.FOREIGN
        return FileStatus.UPDATE if is_same else edited_or_foreign
    owner = owner_of(kit, artifact.path, found)
    if not (is_same or is_intact(kit, artifact.path, owner, found)):
        return FileStatus.EDITED
    return FileStatus.FOREIGN if owner != artifact.manifest and kit.files.exists(kit.path(owner)) else FileStatus.UPDATE


def is_intact(kit: LoadedKit, path: str, manifest: str, found: stamp.Stamp) -> bool:
    """Return whether nobody has edited a file since it was generated from a manifest, which its stamp names.

    Raises:
        AssembleError: the stamp is plain, and git fails.
    """
    if not found.is_plain:
        return found.intact
    from kei_assembler.build.ownership import owns  # only needed for plain stamps

    return owns(kit, (path, ""), manifest, found.digest)


def owner_of(kit: LoadedKit, path: str, found: stamp.Stamp) -> str:
    """Return the manifest that the stamp of the file at `path` names. Both paths are relative to the kit."""
    return owner_of_source(kit, path, found.source)


def owner_of_source(kit: LoadedKit, path: str, source: str) -> str:
    """Return the manifest that the file at `path` names, relative to itself, as its source."""
    manifest = normalize(f"{os.path.dirname(path) or '.'}/{source}")
    return normalize(os.path.relpath(kit.path(manifest), kit.folder)) if is_outside(manifest) else manifest


def classify_leftover(kit: LoadedKit, path: str, target: str, present: bytes) -> Change | None:
    """Return an orphan or unmanaged file as a change, or None for any other file that lies where outputs do.

    An orphan was generated from a manifest in this kit's manifest folder, or from a manifest in the kit's root that no
    longer exists, for example because the kit moved. A file whose manifest exists elsewhere belongs to another kit.
    """
    form = TARGETS[target].form
    if found := stamp.find_settled(text_of(present), form.comment):
        manifest = owner_of(kit, path, found)
        sources = named_by(kit.files, kit.path(path), found.source)
        source_exists = any(map(kit.files.exists, sources))
        # Outside the root, a manifest can be missing on this machine and exist on others.
        is_gone = bool(sources) and not source_exists and all(map(kit.holds, sources))
        if is_gone or is_manifest_path(kit, manifest):
            is_own = is_intact(kit, path, manifest, found)
            return Change(FileStatus.ORPHAN, path, manifest, target, present, None, is_own)
        # a plain stamp of another kit is up to that kit
        if (found.intact or found.is_plain) and stem(found.source) in path and source_exists:
            return None
    is_agent_file = form.agent_pattern.search(present)
    return Change(FileStatus.UNMANAGED, path, "", target) if is_agent_file else None


def is_manifest_path(kit: LoadedKit, path: str) -> bool:
    """Return whether the kit would read a file at this path, relative to the kit, as a manifest."""
    if os.path.isabs(path):  # in the home folder, which can contain the kit
        path = normalize(os.path.relpath(path, kit.folder))
    if not path.endswith(".toml") or is_outside(path):
        return False
    folders = ("" if folder == "." else f"{folder}/".casefold() for folder in kit.settings.manifests)
    below = (path.casefold().removeprefix(folder) for folder in folders if path.casefold().startswith(folder))
    return not all(map(is_hidden, below))


def named_by(files: Files, path: str, source: str) -> list[str]:
    """Return the absolute paths at which the manifest can be that a stamp names; none if that is not a manifest.

    `path` is the absolute path of the stamped file. The stamp is relative to the file's folder as the kit that wrote it
    saw that folder: through the same links as here, or resolved.
    """
    if not source.endswith(".toml") or "\0" in source:
        return []
    return [os.path.normpath(os.path.join(os.path.dirname(start), source)) for start in (path, files.resolve(path))]


def text_of(content: bytes) -> str:
    """Return a file's bytes as text with LF and without a BOM. Bytes that are not UTF-8 become surrogates."""
    return with_lf(content.removeprefix(BOM_UTF8)).decode(errors="surrogateescape")
