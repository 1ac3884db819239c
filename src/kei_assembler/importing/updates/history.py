"""Find in git what was imported, for manifests that the record lacks: the files as of the commit that added these."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kei_assembler.build.classify import has_stamp
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.names import wanted_name
from kei_assembler.kit import LoadedKit
from kei_assembler.repair.import_record import Imported, imported_text
from kei_assembler.toml.source import MAX_BYTES

if TYPE_CHECKING:
    from kei_assembler.files.git_index import Git


def imported_before(kit: LoadedKit, record: Iterable[Imported], agents: Sequence[AgentFile]) -> list[Imported]:
    """Return what was imported of agents that have manifests of their names, but no entry in the record.

    Only files that are in the kit's own git work tree are found, and only for clients that the manifest names.
    """
    known = {entry.manifest for entry in record}
    wanted = [
        (manifest, agent)
        for agent in agents
        if agent.kit_path
        and (manifest := kit.files_by_agent.get(wanted_name(agent).name))
        and manifest not in known
        and agent.target in kit.targets_of(kit.decoded(manifest)[0])
    ]
    top = git_top(kit.folder, kit.files) if wanted else None
    if top is None:
        return []
    try:
        return [*_found(kit, git_at(top), wanted)]
    except AssembleError:  # without git, or in a damaged repository, nothing is found
        return []


def _found(kit: LoadedKit, git: Git, wanted: Sequence[tuple[str, AgentFile]]) -> Iterator[Imported]:
    from kei_assembler.files.git_objects import Objects

    manifests = {manifest: _in_git(kit, git, manifest) for manifest, _ in wanted}
    added, objects = _added(git, {os.path.dirname(path) or "." for path in manifests.values()}), Objects(git)
    try:
        for manifest, agent in wanted:
            commit = added.get(manifests[manifest])
            path = _in_git(kit, git, agent.kit_path)
            for revision in (commit, f"{commit}^") if commit and "\n" not in path else ():
                content = objects.read(f"{revision}:{path}", MAX_BYTES)
                if content is not None and not has_stamp(content, agent.target):
                    yield Imported(manifest, agent.target, agent.kit_path, imported_text(content))
                    break
    finally:
        objects.close()


def _in_git(kit: LoadedKit, git: Git, file: str) -> str:
    return os.path.relpath(kit.files.resolve(kit.path(file)), git.top).replace(os.sep, "/")


def _added(git: Git, folders: Iterable[str]) -> dict[str, str]:
    """Return the last commit that added each file in some folders."""
    args = ("log", "--format=commit %H", "--name-only", "--diff-filter=A", "--no-renames", "-z", "--", *sorted(folders))
    added: dict[str, str] = {}
    commit = ""
    for part in git.run(*args, purpose="read the history").decode(errors="surrogateescape").split("\0"):
        for line in part.strip("\n").split("\n"):
            if line.startswith("commit "):
                commit = line.removeprefix("commit ")
            elif line:
                added.setdefault(line, commit)
    return added
