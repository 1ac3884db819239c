"""Run an import: read agent files, convert them, write the new files of the kit, and report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kei_assembler.build import writer
from kei_assembler.build.findings import limited
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.files import DISK
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.agents import convert_agents, differences
from kei_assembler.importing.already_generated import without_generated
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.common_findings import grouped
from kei_assembler.importing.convert import Conversion
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
from kei_assembler.importing.next_steps import Imported, next_steps
from kei_assembler.importing.old_files import old_files, remove
from kei_assembler.importing.paths import FoundFile, agent_files, target_by_path
from kei_assembler.importing.pending_kit import (
    PendingFile,
    PendingKit,
    block_file,
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
from kei_assembler.kit import SETTINGS_FILE, LoadedKit, discovery, stem
from kei_assembler.kit.blocks import VARIANT_MARK
from kei_assembler.loader import load_kit
from kei_assembler.model.kinds import AGENT, Kind
from kei_assembler.paths import display_path, display_path_from, normalize, path_below
from kei_assembler.records import NamedTuple
from kei_assembler.repair import import_record
from kei_assembler.rules import imports
from kei_assembler.rules.sources import check_source
from kei_assembler.selection import working_directory
from kei_assembler.suggestions import listed
from kei_assembler.toml.source import MAX_BYTES, START, ReadError, Source, with_lf

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
    added = [file for file in manifests if not file.is_kept]
    kept = [file for file in manifests if file.is_kept and file not in known.others]
    pieces = _pieces(kit, settings, names, added, manifests)
    written, conflicts = _write(kit, (*pieces, *added), options.dry_run)
    others = {*(piece.path for piece in pieces), *(file.role_file for file in added)}
    foreign = {path for path, status in written if status == "foreign"}
    added = [file for file in added if file.path not in foreign]
    generated += [file.path for file in manifests if file.is_kept]
    written = [*dict.fromkeys((path, "kept") for path in generated), *written]
    found = [*read.found, *about_files, *about_left_out(kit, given.others), *edited, *known.found]
    found += [one for file in manifests for one in file.conversion.found]
    found += [*PendingKit(kit, added, names.new).problems(), *conflicts]
    files = [*known.files, *((status, path) for path, status in written if status not in _UNCHANGED)]
    sharing = sharing if files else Sharing([])
    ending = _finish(kit, known.record, [*kept, *added], options)
    weighed = policy.weigh([*grouped([*found, *sharing.found], read.clients), *ending.found])
    imported = Imported(kit, ending.new, ending.old, target or "", sources, has_errors(weighed), known.reaches_others)
    counts = _counts(kit, {path for path, _ in written} - others, manifests)
    return ImportResult(
        [(status, display_path(kit.path(path))) for status, path in (*files, *ending.files)],
        limited(weighed, policy.ignore),
        counts,
        len({path for path, status in written if status in _UNCHANGED} - others),
        counts[AGENT] + sum(len(file.conversion.each) - 1 for file in manifests),
        [*known.diffs, *differences(file.conversion for file in manifests), *sharing.diffs],
        sharing.report + "".join(proposals(kit, sharing.conversions, options.share_min) if options.share else ()),
        list(next_steps(imported)) if (added or ending.old or known.files) and not options.dry_run else [],
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


def _pieces(
    kit: LoadedKit, settings: str, names: BlockNames, added: Sequence[PendingFile], manifests: Sequence[PendingFile]
) -> list[PendingFile]:
    """Return the settings and the blocks. A manifest that cannot be written needs no blocks."""
    found = [PendingFile(SETTINGS_FILE, settings, manifests[0].conversion)] if settings and manifests else []
    writable = [file for file in reversed(added) if not _obstacle(kit, file)[0]]
    users = {name: file for file in writable for name in file.conversion.data.get("blocks", ())}
    blocks = ((name, text, users.get(name.partition(VARIANT_MARK)[0])) for name, text in names.new.items())
    return [*found, *(PendingFile(block_file(kit, name), text, user.conversion) for name, text, user in blocks if user)]


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


def _write(
    kit: LoadedKit, files: Sequence[PendingFile], dry_run: bool
) -> tuple[list[tuple[str, str]], list[Diagnostic]]:
    written, found = [], []
    for file in files:
        status, reason = _obstacle(kit, file)
        path = _namesake(kit, file) or file.path
        if file.role_file and status != "foreign":  # the role file comes first, because the manifest needs it
            role_file = PendingFile(file.role_file, file.role, file.conversion)
            (role_written,), role_found = _write(kit, [role_file], dry_run)
            written.append(role_written)
            found += role_found
            if role_found:
                written.append((file.path, "foreign"))
                continue
        status, reason = (status, reason) if status else _create(kit, file, dry_run)
        written.append((file.path, status))
        if status == "foreign":
            message, hint = f"{path} {reason}", _hint_for_conflict(kit, file.conversion, path)
            found += file.conversion.agent.report(imports.manifest_in_the_way, START, message, hint)
    return written, found


def _hint_for_conflict(kit: LoadedKit, conversion: Conversion, path: str) -> str:
    if conversion.kind is not AGENT:
        return "move one of the two files"
    hint = "move one of the two files, or rename this agent"
    targets = (kit.decoded(path)[0].targets or kit.settings.targets) if path.endswith(".toml") else ()
    lacking = [each.target for each in conversion.each if each.target not in targets] if targets else []
    return f"if it is the same agent, add {listed(lacking)} to its `targets`; otherwise {hint}" if lacking else hint


def _namesake(kit: LoadedKit, file: PendingFile) -> str:
    """The manifest with the name and the kind of a new one at another path, or ""."""
    if not file.path.endswith(".toml"):
        return ""
    present = kit.manifest_files.named(file.conversion.kind).get(stem(file.path), file.path)
    return present if present != file.path else ""


def _obstacle(kit: LoadedKit, file: PendingFile) -> tuple[str, str]:
    """Return the status of a file that exists, or "", and the reason if it cannot be written."""
    if (path := _namesake(kit, file)) and _present_status(kit, file._replace(path=path))[0] != "unchanged":
        return "foreign", f"has the same {file.conversion.kind.noun} name"
    if path:
        return "unchanged", ""
    return _present_status(kit, file)


_DIFFERS = "exists with different content, and was kept"


def _present_status(kit: LoadedKit, file: PendingFile) -> tuple[str, str]:
    """Return the status of a file that exists, or "", and the reason if it cannot be written."""
    try:
        present = writer.OutputFiles(kit).read(file.path)
    except OSError as error:
        return "foreign", f"cannot be written: {error.strerror}"
    if present is None:
        return "", ""
    return ("unchanged", "") if with_lf(present) == file.text.encode() else ("foreign", _DIFFERS)


def _create(kit: LoadedKit, file: PendingFile, dry_run: bool) -> tuple[str, str]:
    """Write a file that does not exist. Return its status, and the reason if it was not written."""
    if dry_run:
        return "would create", ""
    is_created = writer.create(kit.tree, kit.path(file.path), file.text.encode())
    return ("created", "") if is_created else ("foreign", _DIFFERS)
