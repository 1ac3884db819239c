"""Keep the subfolders of imported agents: their manifests lie in subfolders of the kit's folder of manifests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import takewhile

from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.paths import below_client_folder
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.placement import Placement
from kei_assembler.markdown.stamp import can_name
from kei_assembler.model.kinds import AGENT, Kind
from kei_assembler.model.manifest import FOLDER
from kei_assembler.model.settings import OUTPUT
from kei_assembler.paths import is_hidden, normalize
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.validation import fits


def with_subfolders(agents: Sequence[AgentFile], kit: LoadedKit | None) -> list[AgentFile]:
    """Return the files with their subfolders. `kit` is the kit that takes them if it exists.

    In a client's folder, that is the folder below it, if the client looks for agents there and knows them by the names
    in their files. Elsewhere, it is what puts the kit's output into the folder of the file, or otherwise what the
    folders of these files do not have in common: for `plugins/docs/agents` and `plugins/tests/agents`, that is `docs`
    and `tests`.
    """
    known = [_known_subfolder(agent, kit) for agent in agents]
    folders = [_steps(agent.source.file) for agent in agents]
    before, after = _common_ends([steps for steps, own in zip(folders, known, strict=True) if own is None])
    found = []
    for agent, steps, own in zip(agents, folders, known, strict=True):
        subfolder = "/".join(steps[before : len(steps) - after]) if own is None else own
        found.append(agent._replace(subfolder=subfolder) if _is_usable(subfolder) else agent)
    return found


def _known_subfolder(agent: AgentFile, kit: LoadedKit | None) -> str | None:
    """The subfolder of a file that does not depend on other files, or None."""
    below = below_client_folder(agent.source.file)
    if below is not None:
        return below if _can_be_below(TARGETS[agent.target], below) else ""
    return _subfolder_of_output(kit, agent) if kit and agent.kit_path else None


def _subfolder_of_output(kit: LoadedKit, agent: AgentFile) -> str | None:
    """The subfolder of a manifest whose output would be in the folder of a file, or None."""
    pattern = normalize(os.path.dirname(kit.settings.output(agent.target)))
    before, mark, after = pattern.partition("{subdir}")
    folder = os.path.dirname(agent.kit_path)
    if mark and folder == normalize(f"{before}.{after}"):
        return ""
    own = folder[len(before) : len(folder) - len(after)]
    return own if mark and own and folder == f"{before}{own}{after}" else None


def _steps(path: str) -> list[str]:
    """The folders of a file, from the top of the file system."""
    return normalize(os.path.abspath(os.path.dirname(path))).split("/")


def _common_ends(folders: Sequence[list[str]]) -> tuple[int, int]:
    """How many steps all folders have in common at their beginning, and how many of the others at their end."""
    before = _common_steps(folders)
    return before, _common_steps([steps[before:][::-1] for steps in folders])


def _common_steps(ways: Iterable[list[str]]) -> int:
    return sum(1 for _ in takewhile(lambda steps: len({*steps}) == 1, zip(*ways, strict=False)))


def _is_usable(folder: str) -> bool:
    """Whether manifests can lie in a subfolder, and outputs, too. The kit does not search hidden folders."""
    is_plain = "{" not in folder and "}" not in folder
    return fits(FOLDER, folder) and is_plain and can_name(folder) and not is_hidden(folder)


def _can_be_below(row: Target, folder: str) -> bool:
    form = row.display_name
    is_named_in_file = not row.loader.folders_in_name or (form.is_only_name and form.is_identity)
    return is_named_in_file and Placement.enters(row, folder)


def output_in_place(agents: Sequence[AgentFile]) -> str:
    """Return the output pattern with which files outside of clients' folders are generated where they are.

    It is empty if no pattern can say that, or if they are all in one folder.
    """
    if not all(agent.kit_path and below_client_folder(agent.source.file) is None for agent in agents):
        return ""
    folders = [os.path.dirname(agent.kit_path).split("/") for agent in agents]
    before, after = _common_ends(folders)
    pattern = "/".join((*folders[0][:before], "{subdir}", *folders[0][len(folders[0]) - after :], "{name}.md"))
    is_kept = all(
        "/".join(steps[before : len(steps) - after]) == agent.subfolder
        for steps, agent in zip(folders, agents, strict=True)
    )
    is_needed = any(agent.subfolder for agent in agents)
    return pattern if is_needed and is_kept and fits(OUTPUT, pattern) and can_name(pattern) else ""


def manifest_of(kit: LoadedKit, file: AgentFile, name: str, kind: Kind = AGENT) -> str:
    """Return the manifest of an imported file: in its subfolder, unless the kit has an agent of that name elsewhere."""
    if not file.subfolder:
        return kit.manifest_file(name, kind)
    return kit.files_by_agent.get(name) or kit.manifest_file(f"{file.subfolder}/{name}", kind)
