"""Import, from agent files to the files of a kit: read, convert, write what is not there, and say what came of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import NamedTuple

from kei_assembler.build import writer
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.files import DISK
from kei_assembler.importing import pending_kit
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.already_generated import edits, told_apart
from kei_assembler.importing.convert import Conversion, ImportedFile, convert
from kei_assembler.importing.names import name_all
from kei_assembler.importing.paths import agent_files, target_by_path
from kei_assembler.importing.pending_kit import PendingFile, PendingKit
from kei_assembler.kit import SETTINGS_FILE, Kit, discovery, kit_option
from kei_assembler.loader import load_kit
from kei_assembler.paths import display_path, way_down
from kei_assembler.rules.sources import check_source
from kei_assembler.selection import named, working_directory
from kei_assembler.toml.source import MAX_BYTES, ReadError, Source, with_lf


class ImportResult(NamedTuple):
    """What came of an import, and what there is to say.

    `made` says in a word what became of each file of the kit, with its path as seen from the working directory.
    `agents` counts the agents that these files are about, imported or not. `build` is the command that builds the new
    manifests, and what it does; empty where there are none.
    """

    made: list[tuple[str, str]]
    found: list[Diagnostic]
    agents: int
    build: str


def import_agents(
    sources: Sequence[str], target: str | None, share: bool, dry_run: bool, folder: str | None
) -> ImportResult:
    """Make manifests of agent files, and return what came of it; `dry_run` writes nothing.

    `sources` are files and folders, `target` what they are for if not their paths are to tell, `folder` the kit's.
    With `share`, sections that several files have in common become blocks.
    Raises AssembleError where there is nothing to import, or no kit to import it to.
    """
    origins, found = _read(agent_files(sources, target), home := _home(folder))
    kit, settings = (load_kit(home), "") if discovery.is_kit(home) else pending_kit.new_kit(home, origins)
    policy = Policy.of(kit)
    by_hand, generated = told_apart(kit, origins)
    drafts = _drafts(kit, by_hand)
    drafts, blocks = pending_kit.with_shared(kit, drafts) if share else (drafts, {})
    manifests = pending_kit.pending_manifests(kit, drafts)
    pieces = _pieces(settings, kit, blocks, drafts)
    made, in_the_way = _write(kit, pieces, manifests, dry_run)
    made = [*dict.fromkeys(("kept", one.manifest) for one in generated), *made]
    news = {path for word, path in made if word not in ("foreign", "kept")}
    coming = [file for file in manifests if file.path in news]
    found += [*edits(kit, generated), *(one for draft in drafts for one in draft.found)]
    found += [*PendingKit(kit, coming, blocks).problems(), *in_the_way]
    return ImportResult(
        [(word, display_path(kit.path(path))) for word, path in made],
        policy.weigh(found),
        len({path for _, path in made} - {piece.path for piece in pieces}),
        _build_command(kit, coming) if coming and not dry_run else "",
    )


def _home(folder: str | None) -> str:
    """The folder of the kit: one that is there, or where a new one is to be."""
    if folder is not None and not DISK.is_folder(folder):
        raise AssembleError(f"there is no folder {folder}", "--kit takes the folder of a kit, or the one for a new kit")
    here = working_directory()
    return DISK.resolve(os.path.abspath(folder)) if folder is not None else discovery.find(here) or here


def _read(files: Sequence[tuple[str, str]], home: str) -> tuple[list[ImportedFile], list[Diagnostic]]:
    origins, found = [], []
    for path, target in files:
        agent, said = _read_one(path, target)
        found += said
        if agent is not None:
            origins.append(ImportedFile(agent, _place(path, home)))
    return origins, found


def _place(path: str, home: str) -> str:
    """The path of a file relative to the kit: as it was named, by a link perhaps, or resolved."""
    ways = (way_down(make(path), make(home)) for make in (os.path.abspath, DISK.resolve))
    return next(filter(None, ways), "")


def _read_one(path: str, target: str) -> tuple[AgentFile | None, list[Diagnostic]]:
    name = os.path.normpath(path).replace(os.sep, "/")
    try:
        raw = DISK.read(path, MAX_BYTES)
    except OSError as error:
        return None, check_source(Source(name, "", ReadError("unreadable", error)))
    return read_agent(name, raw, target, is_in_place=target_by_path(path) == target)


def _drafts(kit: Kit, origins: Sequence[ImportedFile]) -> list[Conversion]:
    named = name_all([origin.agent for origin in origins])
    names = [name for name, _ in named]
    drafts = [convert(kit, origin, name, names) for origin, name in zip(origins, names, strict=True)]
    return [one._replace(found=(*said, *one.found)) for one, (_, said) in zip(drafts, named, strict=True)]


def _pieces(settings: str, kit: Kit, blocks: Mapping[str, str], drafts: Sequence[Conversion]) -> list[PendingFile]:
    """What the manifests need to be there before."""
    pieces = [PendingFile(SETTINGS_FILE, settings, drafts[0])] if settings and drafts else []
    return [
        *pieces,
        *(PendingFile(pending_kit.block_file(kit, name), text, drafts[0]) for name, text in blocks.items()),
    ]


def _write(
    kit: Kit, pieces: Sequence[PendingFile], manifests: Sequence[PendingFile], dry_run: bool
) -> tuple[list[tuple[str, str]], list[Diagnostic]]:
    made, found = [], []
    there = {os.path.basename(file): file for file in kit.manifests}
    others = {file.path: there.get(os.path.basename(file.path), file.path) for file in manifests}
    for file in (*pieces, *manifests):
        other = others.get(file.path, file.path)
        is_other = other != file.path
        word, why = ("foreign", "is an agent of this name") if is_other else _write_one(kit, file, dry_run)
        made.append((word, file.path))
        found += pending_kit.in_the_way(file.draft, other, why) if word == "foreign" else []
    return made, found


_DIFFERS = "says something else; it is left as it is"


def _write_one(kit: Kit, file: PendingFile, dry_run: bool) -> tuple[str, str]:
    """Write a file if it is not there, and return in a word what became of it, and why if nothing."""
    outputs = writer.Disk(kit)
    if not outputs.holds(file.path):
        raise AssembleError(f"{file.path} lies outside the kit's root", "see the setting `root`")
    try:
        present, content = outputs.read(file.path), file.text.encode()
    except OSError as error:
        return "foreign", f"cannot be written: {error.strerror}"
    if present is not None:
        return "unchanged" if with_lf(present) == content else "foreign", _DIFFERS
    if dry_run:
        return "would create", ""
    return "created" if writer.create(kit.path(file.path), content) else "foreign", _DIFFERS


def _build_command(kit: Kit, coming: Sequence[PendingFile]) -> str:
    """The command that builds, by force only where that can overwrite nothing but what was imported."""
    everything = f"assemble --all{kit_option(named(kit.folder))}"
    taken = [file for file in coming if _there(kit, file) == {_origin(file)}]
    if not taken:
        return everything
    is_whole_kit = {file.path for file in coming}.issuperset(kit.manifests)
    if is_whole_kit and all(_there(kit, file) <= {_origin(file)} for file in coming):
        return f"{everything} --force, which takes over the files that they came from"
    files = "files that they" if len(taken) > 1 else "file that it"
    manifests = " ".join(quote(display_path(kit.path(file.path))) for file in taken)
    return f"assemble --force {manifests}, which takes over the {files} came from"


def _there(kit: Kit, file: PendingFile) -> set[str]:
    """What lies where the files of a manifest are to be."""
    targets = file.draft.data.get("targets", kit.settings.targets)
    outputs = (kit.path(kit.output(target, file.draft.name, file.path)) for target in targets)
    return {kit.files.resolve(output) for output in outputs if kit.files.exists(output)}


def _origin(file: PendingFile) -> str:
    return DISK.resolve(file.draft.origin.agent.source.file)
