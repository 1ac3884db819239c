"""Run an import: read agent files, convert them, write the new files of the kit, and report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kei_assembler.build.findings import limited
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.files import DISK
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.agents import convert_agents, differences
from kei_assembler.importing.already_generated import without_generated
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.common_findings import grouped
from kei_assembler.importing.dialects import Guess, about_guesses, read_recognized
from kei_assembler.importing.instruction_files import (
    InstructionFile,
    all_of,
    generated_sections,
    read_instructions,
    sort_out,
)
from kei_assembler.importing.instructions import convert_all, texts_of, with_block_names
from kei_assembler.importing.left_out import about_left_out
from kei_assembler.importing.metadata import extra_keys_of
from kei_assembler.importing.names import common_targets
from kei_assembler.importing.new_files import write_new
from kei_assembler.importing.next_steps import Imported, next_steps
from kei_assembler.importing.old_files import old_files, remove
from kei_assembler.importing.paths import FoundFile, agent_files, target_by_path
from kei_assembler.importing.pending_kit import (
    PendingFile,
    PendingKit,
    by_imported_file,
    new_kit,
    pending_manifests,
    with_pieces,
)
from kei_assembler.importing.sharing.blocks import Sharing, with_blocks
from kei_assembler.importing.sharing.proposals import proposals
from kei_assembler.importing.sharing.split import MIN_USERS
from kei_assembler.importing.subfolders import with_subfolders
from kei_assembler.importing.updates.run import UpdateOptions, update_known, write_record
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.loader import load_kit
from kei_assembler.model.kinds import AGENT, Kind
from kei_assembler.paths import display_path, display_path_from, normalize, path_below
from kei_assembler.records import NamedTuple
from kei_assembler.repair import import_record
from kei_assembler.rules.sources import check_source
from kei_assembler.selection import working_directory
from kei_assembler.toml.source import MAX_BYTES, ReadError, Source

_UNCHANGED = ("unchanged", "kept")

MAX_IMPORTED_BYTES = 64 * 1024 * 1024
"""The maximum size of all files of one import, which keeps them in several forms."""


class ImportResult(NamedTuple):
    """The result of an import.

    `files` has a status and a path, relative to the working directory, for each file that was written or deleted, or is
    in the way. `counts` has the number of manifests of each kind, imported or not, and `known` is the number of those
    that existed already. `next_steps` says what to do next, a line each.
    """

    files: list[tuple[str, str]]
    found: list[Diagnostic]
    counts: Mapping[Kind, int]
    known: int
    sources: int
    diffs: list[str]
    sharing: str
    next_steps: list[str]


class ImportOptions(NamedTuple):
    """The options of an import.

    With `share`, sections that at least `share_min` agents have become blocks: those that are the same or, if it is
    `near`, also those that are almost the same. With `dry_run`, nothing is written. With `replace`, imported files are
    deleted whose agents get files with other names, after these are generated. With `keep_metadata`, the settings of a
    new kit declare the keys that no client knows. With `update`, manifests get what changed in files that were imported
    before; `prefer` says which side wins if both changed.
    """

    share: str = ""
    share_min: int = MIN_USERS
    dry_run: bool = False
    replace: bool = False
    keep_metadata: bool = False
    update: bool = False
    prefer: str | None = None

    @property
    def of_updates(self) -> UpdateOptions:
        """The options of the files that were imported before."""
        return UpdateOptions(self.update, self.prefer, self.dry_run)


def import_files(
    sources: Sequence[str], target: str | None, folder: str | None, options: ImportOptions
) -> ImportResult:
    """Convert agent files and files with instructions to manifests, and write those that don't exist yet.

    `sources` are files and folders, `target` is their target if it does not depend on their paths, and `folder` is the
    kit's folder.

    Raises:
        AssembleError: there are no such files, they are too large in total, the folder does not exist, or the kit's
            settings are invalid.
    """
    kit_folder = _kit_folder(folder)
    present = load_kit(kit_folder) if discovery.is_kit(kit_folder) else None
    given = agent_files(sources, target, kit_folder)
    read = _read_all(given.files, kit_folder, present)
    instructions, about_files = sort_out(read.instructions)
    kit, settings = (present, "") if present else _new_kit(kit_folder, read.agents, all_of(instructions), options)
    policy = Policy.of(kit)
    by_hand, generated, edited = _without_generated(kit, read)
    known = update_known(kit, by_hand, options.of_updates)
    kit, names = known.kit, BlockNames(known.kit)
    added, sharing = _manifests(kit, known.new, instructions, names, options)
    manifests = [*known.manifests, *added]
    written = write_new(kit, manifests, settings, names, options.dry_run)
    present_files = (*generated, *(file.path for file in manifests if file.is_kept))
    states = [*dict.fromkeys((path, "kept") for path in present_files), *written.states]
    found = [*read.found, *about_files, *about_left_out(kit, given.others), *edited, *known.found]
    found += [one for file in manifests for one in file.conversion.found]
    found += [*PendingKit(kit, written.added, names.new).problems(), *written.conflicts]
    files = [*known.files, *((status, path) for path, status in states if status not in _UNCHANGED)]
    sharing = sharing if files else Sharing([])
    kept = [file for file in manifests if file.is_kept and file not in known.others]
    ending = _finish(kit, known.record, [*kept, *written.added], options)
    weighed = policy.weigh([*grouped([*found, *sharing.found], read.clients), *ending.found])
    imported = Imported(kit, ending.new, ending.old, target or "", sources, has_errors(weighed), known.reaches_others)
    counts = _counts(kit, {path for path, _ in states} - written.others, manifests)
    return ImportResult(
        [(status, display_path(kit.path(path))) for status, path in (*files, *ending.files)],
        limited(weighed, policy.ignore),
        counts,
        len({path for path, status in states if status in _UNCHANGED} - written.others),
        counts[AGENT] + sum(len(file.conversion.each) - 1 for file in manifests),
        [*known.diffs, *differences(file.conversion for file in manifests), *sharing.diffs],
        sharing.report + "".join(proposals(kit, sharing.conversions, options.share_min) if options.share else ()),
        list(next_steps(imported)) if (written.added or ending.old or known.files) and not options.dry_run else [],
    )


def _new_kit(
    folder: str, agents: list[AgentFile], instructions: list[AgentFile], options: ImportOptions
) -> tuple[LoadedKit, str]:
    extra_keys = extra_keys_of(agents) if options.keep_metadata else {}
    return new_kit(folder, [*agents, *instructions], () if instructions else common_targets(agents), extra_keys)


class _Ending(NamedTuple):
    """The manifests with old files, by these files, after the removal: what it did, and what is left to do."""

    new: list[PendingFile]
    old: list[PendingFile]
    files: list[tuple[str, str]]
    found: list[Diagnostic]


def _finish(
    kit: LoadedKit, record: Iterable[import_record.Imported], manifests: Sequence[PendingFile], options: ImportOptions
) -> _Ending:
    """Record what was imported, and remove the old files if the options say so."""
    if not options.dry_run:
        write_record(kit, record, [file for file in manifests if file.conversion.kind is AGENT])
    new = by_imported_file(manifests)
    old = old_files(kit, new)
    if not (options.replace and old) or options.dry_run:
        return _Ending(new, old, [], [])
    removal = remove(kit.folder, old)
    if removal.found:
        return _Ending(new, old, removal.files, removal.found)
    return _Ending([file for file in new if file not in old], [], removal.files, [])


def _without_generated(kit: LoadedKit, read: _Read) -> tuple[list[AgentFile], list[str], list[Diagnostic]]:
    """Return the agents that people wrote, the manifests that generated files and sections, and what was edited."""
    by_hand, generated, edited = without_generated(kit, read.agents)
    for file in read.instructions:
        manifests, found = generated_sections(kit, file)
        generated += manifests
        edited += found
    return by_hand, generated, edited


def _counts(kit: LoadedKit, paths: Iterable[str], manifests: Iterable[PendingFile]) -> Counter[Kind]:
    kinds = {file.path: file.conversion.kind for file in manifests}
    return Counter(kinds.get(path) or kit.manifest_files.kind_of(path) for path in paths)


def _manifests(
    kit: LoadedKit,
    agents: Sequence[AgentFile],
    instructions: Sequence[InstructionFile],
    names: BlockNames,
    options: ImportOptions,
) -> tuple[list[PendingFile], Sharing]:
    """Return the files of all manifests, and what they share. Their blocks get names."""
    conversions = convert_agents(kit, agents)
    drafts = convert_all(kit, instructions, {conversion.name for conversion in conversions})
    sharing = Sharing(conversions)
    if options.share:
        sharing = with_blocks(names, conversions, texts_of(drafts), options.share_min, options.share == "near")
    of_agents = pending_manifests(kit, sharing.conversions, lambda each: with_pieces(each, names))
    finished = pending_manifests(kit, drafts, lambda draft: with_block_names(draft, names, bool(options.share)))
    return [*of_agents, *finished], sharing


def _kit_folder(folder: str | None) -> str:
    """The folder of the kit, which does not have to exist as a kit yet."""
    if folder is None:
        here = working_directory()
        return discovery.find(here) or here
    if not DISK.is_folder(folder):
        raise AssembleError(f"`{folder}` does not exist", "--kit takes the folder of an existing or a new kit")
    return discovery.resolved(os.path.abspath(folder))


class _Read(NamedTuple):
    """The files that were read, and why others were not."""

    agents: list[AgentFile]
    instructions: list[InstructionFile]
    found: list[Diagnostic]

    @property
    def clients(self) -> dict[str, str]:
        """The clients of the agent files, by their paths."""
        return {agent.source.file: agent.target for agent in self.agents}


def _read_all(files: Sequence[FoundFile], kit_folder: str, present: LoadedKit | None) -> _Read:
    root = present.root if present else kit_folder
    read, size = _Read([], [], []), 0
    guesses: list[tuple[AgentFile, Guess]] = []
    for file in files:
        path = file.path
        try:
            raw = file.tree.read(os.path.abspath(path), MAX_BYTES)
        except OSError as error:
            read.found.extend(check_source(Source(normalize(path), "", ReadError("unreadable", error))))
            continue
        size += len(raw)
        if size > MAX_IMPORTED_BYTES:
            raise AssembleError(
                f"the files have more than {MAX_IMPORTED_BYTES:,} bytes in total", "import fewer files at a time"
            )
        kit_path = _kit_path(path, kit_folder, root)
        if file.has_instructions:
            instructions, problems = read_instructions(file, raw, root)
            if instructions:
                agent = instructions.agent._replace(kit_path=kit_path)
                read.instructions.append(instructions._replace(agent=agent))
        else:
            found, problems, guess = _read_agent(file, raw)
            if found:
                read.agents.append(found._replace(kit_path=kit_path))
                guesses += [(found, guess)] if file.is_guess else []
        read.found.extend(problems)
    read.found.extend(about_guesses(guesses))
    return read._replace(agents=with_subfolders(read.agents, present))


def _read_agent(file: FoundFile, raw: bytes) -> tuple[AgentFile | None, list[Diagnostic], Guess]:
    path = normalize(file.path)
    if file.is_guess:
        return read_recognized(path, raw)
    is_in_place = target_by_path(file.path) == file.target
    return *read_agent(path, raw, file.target, is_in_place), Guess(file.target)


def _kit_path(path: str, kit_folder: str, root: str) -> str:
    """The path of a file relative to the kit, or "" if it is not in the kit's root. A link can lead out of it or in."""
    for resolve in (os.path.abspath, DISK.resolve):
        if path_below(resolve(path), resolve(root)):
            return display_path_from(resolve(kit_folder), resolve(path))
    return ""
