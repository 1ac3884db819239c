"""Old files: imported files whose agents will have other files, so that their clients would see these agents twice."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from kei_assembler.build.changes import FileStatus
from kei_assembler.build.classify import text_of
from kei_assembler.build.run import Policy, RunOptions, run
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.pending_kit import PendingFile
from kei_assembler.importing.replaced_text import Replacement, apply, finish, replacements, undo
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.loader import load_kit
from kei_assembler.markdown import stamp
from kei_assembler.model.kinds import AGENT
from kei_assembler.records import NamedTuple
from kei_assembler.rules import kept_files
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import MAX_BYTES, START


class Removal(NamedTuple):
    """What was done with old files: a status and a path for each, relative to the kit, and why nothing was deleted."""

    files: list[tuple[str, str]]
    found: list[Diagnostic]


def old_files(kit: LoadedKit, new: Iterable[PendingFile]) -> list[PendingFile]:
    """Return the manifests whose imported file can be deleted as soon as the new one exists.

    That file says nothing that the manifest lacks, is not a link, and is not where another manifest has its output. Of
    instructions, only the text of the file can go.
    """
    new = [file for file in new if file.conversion.new_path]
    manifests = (file for file in kit.files_by_agent.values() if not kit.names.is_abstract(stem(file)))
    outputs = outputs_of(kit, [*manifests, *(file.path for file in new if file.conversion.kind is AGENT)])
    return [file for file in new if file.conversion.kind is not AGENT or _is_spare(kit, file, outputs)]


def outputs_of(kit: LoadedKit, manifests: Iterable[str]) -> frozenset[str]:
    """Return where manifests have their outputs: for their targets, or for all clients if it is not clear which."""
    return frozenset(kit.output(target, stem(file), file) for file in manifests for target in _targets(kit, file))


def _targets(kit: LoadedKit, manifest: str) -> Collection[str]:
    data = kit.read_manifest(manifest).data
    targets = data.get("targets", TARGETS if "extends" in data or not data else kit.settings.targets)
    is_clear = isinstance(targets, list | tuple) and all(target in [*TARGETS] for target in targets)
    return targets if is_clear else TARGETS


def is_free(kit: LoadedKit, file: PendingFile) -> bool:
    """Return whether the file of an agent can be generated, because there is none, or one that was generated."""
    content = OutputFiles(kit).peek(file.conversion.new_path)
    comment = TARGETS[file.conversion.agent.target].form.comment
    return content is None or stamp.find_settled(text_of(content), comment) is not None


def _is_spare(kit: LoadedKit, file: PendingFile, outputs: frozenset[str]) -> bool:
    conversion, path = file.conversion, os.path.normpath(kit.path(file.conversion.agent.kit_path))
    is_other = kit.files.resolve(path) != kit.files.resolve(kit.path(conversion.new_path))
    is_own = kit.files.resolve(path) == path and kit.holds(path) and conversion.agent.kit_path not in outputs
    return conversion.is_complete and is_own and is_other


def remove(folder: str, old: Sequence[PendingFile]) -> Removal:
    """Generate the new files of these manifests, then delete the old ones: all, or none if anything is in the way.

    In a file with instructions, the section takes the place of the text.

    Raises:
        AssembleError: a file cannot be written or deleted.
    """
    kit = load_kit(folder)
    replaced = replacements(kit, old)
    if changed := apply(kit, replaced):
        return Removal([], _kept(changed.agent, "this file changed during the import, so it was kept"))
    try:
        removal = _remove(kit, old, replaced)
    except AssembleError:
        undo(kit, replaced)
        raise
    if removal.found:
        undo(kit, replaced)
    return removal


def _remove(kit: LoadedKit, old: Sequence[PendingFile], replaced: Sequence[Replacement]) -> Removal:
    result = run(kit, [*dict.fromkeys(file.path for file in old)], False, RunOptions(policy=Policy.of(kit)))
    written = {change.path: change for change in result.changes}
    current = {path for path, each in written.items() if each.applied or each.status is FileStatus.UNCHANGED}
    own = {each.agent.kit_path for each in replaced}
    created = [
        ("created" if each.before is None else "updated", path)
        for path, each in written.items()
        if each.applied and path not in own and (each.before is None or each.section)
    ]
    found = [one for file in old for one in _obstacle(kit, file, current)]
    if found:
        return Removal(created, found)
    deleted = [("deleted", _deleted(kit, file)) for file in old if file.conversion.kind is AGENT]
    return Removal([*created, *finish(kit, replaced), *deleted], [])


def _obstacle(kit: LoadedKit, file: PendingFile, current: set[str]) -> list[Diagnostic]:
    agent, new_path, user = file.conversion.agent, file.conversion.new_path, kit.settings.command_option
    if new_path not in current:
        message = f"this file was kept, because `{new_path}` was not generated"
        return _kept(agent, message, f"; to see why, run: assemble{user} {file.path}")
    if file.conversion.kind is AGENT and kit.tree.read(kit.path(agent.kit_path), MAX_BYTES) != agent.raw:
        return _kept(agent, "this file changed during the import, so it was kept")
    return []


def _kept(agent: AgentFile, message: str, more: str = "") -> list[Diagnostic]:
    hint = f"all old files were kept: either all of them are deleted or none{more}"
    return agent.report(kept_files.old_file_kept, START, message, hint)


def _deleted(kit: LoadedKit, file: PendingFile) -> str:
    agent = file.conversion.agent
    try:
        is_deleted = kit.tree.replace(kit.path(agent.kit_path), agent.raw, None)
    except OSError as error:
        raise AssembleError(f"{agent.kit_path} cannot be deleted: {error.strerror}") from error
    if not is_deleted:
        raise AssembleError(f"{agent.kit_path} cannot be deleted: another program is changing it")
    return agent.kit_path
