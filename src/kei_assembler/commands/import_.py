"""`assemble import`: manifests from agent files that are there already."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import NamedTuple

import click

from kei_assembler.commands import completing, tell
from kei_assembler.commands.options import OneOf, kit_option
from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.files import DISK, Entry
from kei_assembler.files.walk import walk
from kei_assembler.importing import prospect
from kei_assembler.importing.agentfile import AgentFile, read_agent
from kei_assembler.importing.drafting import Draft, Origin, draft
from kei_assembler.importing.generated import edits, told_apart
from kei_assembler.importing.names import name_all
from kei_assembler.importing.paths import is_among_agents, seen_by, suffix_of, target_of
from kei_assembler.importing.prospect import Prospect, Written
from kei_assembler.kit import SETTINGS_FILE, Kit, discovery, naming
from kei_assembler.loader import load_kit
from kei_assembler.paths import as_seen, is_inside, way_down
from kei_assembler.plan import disk
from kei_assembler.plan.build import Policy
from kei_assembler.plan.outcome import Outcome
from kei_assembler.report import as_text
from kei_assembler.rules.sources import check_source
from kei_assembler.selection import named, working_directory
from kei_assembler.source import BYTES_MOST, ReadError, Source, with_lf
from kei_assembler.targets import TARGETS
from kei_assembler.text.hidden import shown

_PASSED_OVER = frozenset((".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"))
_FROM_HELP = "The AI tool that the files are for; else their paths tell, as .github/agents, or it is Claude Code."


class Made(NamedTuple):
    """What became of one file of the kit: in a word, and where it lies."""

    word: str
    path: str


class Imported(NamedTuple):
    """What came of an import: of each file of the kit, the manifests that are there now, and what there is to say.

    `agents` counts those that the files are about, be they imported or not.
    """

    made: list[Made]
    coming: list[Written]
    found: list[Diagnostic]
    agents: int


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="FILE-OR-FOLDER...", shell_complete=completing.files)
@click.option("--from", "target", type=OneOf(TARGETS), metavar="TARGET", help=_FROM_HELP)
@click.option("--share", is_flag=True, help="Make blocks of the sections that several files have word for word.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@kit_option
def command(sources: Sequence[str], target: str | None, share: bool, dry_run: bool, folder: str | None) -> int:
    """Make manifests of agent files that are there already. Nothing that is there is overwritten."""
    files = [(path, target or target_of(_full(path)) or "claude-code") for path in _files(sources, target)]
    if not files:
        raise AssembleError("there are no agent files", "name the files, or the folder that holds them")
    origins, found = _read(files, home := _home(folder))
    kit, settings = _kit(home, origins)
    policy = Policy.of(kit)
    imported = _import(kit, settings, origins, share, dry_run)
    outcome = Outcome(tuple(policy.weigh([*found, *imported.found])), agents=imported.agents)
    return _tell(kit, imported, outcome, dry_run)


def _import(kit: Kit, settings: str, origins: Sequence[Origin], share: bool, dry_run: bool) -> Imported:
    """Write what comes of the files that people wrote."""
    by_hand, generated = told_apart(kit, origins)
    drafts = _drafts(kit, by_hand)
    drafts, blocks = prospect.with_shared(kit, drafts) if share else (drafts, {})
    written = prospect.written(kit, drafts)
    pieces = _pieces(settings, kit, blocks, drafts)
    made, in_the_way = _write(kit, pieces, written, dry_run)
    made = [*dict.fromkeys(Made("kept", one.manifest) for one in generated), *made]
    news = {path for word, path in made if word not in ("foreign", "kept")}
    coming = [file for file in written if file.path in news]
    said = [*edits(kit, generated), *(one for draft in drafts for one in draft.found)]
    said += [*Prospect(kit, coming, blocks).problems(), *in_the_way]
    agents = {path for _, path in made} - {piece.path for piece in pieces}
    return Imported(made, coming, said, len(agents))


def _full(path: str) -> str:
    return os.path.abspath(path).replace(os.sep, "/")


def _home(folder: str | None) -> str:
    """The folder of the kit: one that is there, or where a new one is to be."""
    if folder is not None and not os.path.isdir(folder):
        raise AssembleError(f"there is no folder {folder}", "--kit takes the folder of a kit, or the one for a new kit")
    here = working_directory()
    return DISK.resolve(os.path.abspath(folder)) if folder is not None else discovery.find(here) or here


def _kit(home: str, origins: Sequence[Origin]) -> tuple[Kit, str]:
    """The kit, and the text of its settings where it is a new one."""
    if discovery.is_kit(home):
        return load_kit(home), ""
    return prospect.new_kit(home, origins)


# The files to import


def _files(sources: Sequence[str], target: str | None) -> list[str]:
    found: dict[str, str] = {}
    for source in sources:
        if not os.path.lexists(source):
            raise AssembleError(f"there is no file or folder {source}")
        for path in _inside(source, target) if os.path.isdir(source) else [source]:
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _inside(folder: str, target: str | None) -> list[str]:
    """The agent files of a folder: those in folders of AI tools, or else in folders of agents, or else all Markdown."""
    every = sorted(_walk(folder), key=lambda path: (path.count(os.sep), path))
    if target is not None:
        return [path for path in every if path.endswith(suffix_of(target))]
    known = {path: target_of(_full(path)) for path in every}
    told = [path for path, of in known.items() if of is not None and path.endswith(suffix_of(of))]
    pages = [path for path in every if path.endswith(".md")]
    return told or [path for path in pages if is_among_agents(path)] or pages


def _walk(folder: str) -> Iterator[str]:
    """The files in a folder and below; what several links lead to counts anew where an AI tool looks."""
    real = os.path.realpath(folder)

    def enters(path: str, entry: Entry) -> bool:
        is_upwards = entry.is_link and is_inside(real, os.path.realpath(os.path.join(folder, path)))
        return entry.name not in _PASSED_OVER and not is_upwards

    def is_seen(path: str) -> bool:
        return seen_by(f"{_full(os.path.join(folder, path))}/x") is not None

    for path, entry in walk(DISK, folder, enters, once_per=is_seen):
        if not entry.is_folder:
            yield os.path.join(folder, path)


def _read(files: Sequence[tuple[str, str]], home: str) -> tuple[list[Origin], list[Diagnostic]]:
    origins, found = [], []
    for path, target in files:
        agent, said = _read_one(path, target)
        found += said
        if agent is not None:
            origins.append(Origin(agent, _place(path, home)))
    return origins, found


def _place(path: str, home: str) -> str:
    """The path of a file relative to the kit: as it was named, by a link perhaps, or resolved."""
    ways = (way_down(make(path), make(home)) for make in (os.path.abspath, os.path.realpath))
    return next(filter(None, ways), "")


def _read_one(path: str, target: str) -> tuple[AgentFile | None, list[Diagnostic]]:
    name = os.path.normpath(path).replace(os.sep, "/")
    try:
        raw = DISK.read(path, BYTES_MOST)
    except OSError as error:
        return None, check_source(Source(name, "", ReadError("unreadable", error)))
    return read_agent(name, raw, target, is_in_place=target_of(_full(path)) == target)


# The files of the kit


def _drafts(kit: Kit, origins: Sequence[Origin]) -> list[Draft]:
    named = name_all([origin.agent for origin in origins])
    names = [name for name, _ in named]
    drafts = [draft(kit, origin, name, names) for origin, name in zip(origins, names, strict=True)]
    return [one._replace(found=(*said, *one.found)) for one, (_, said) in zip(drafts, named, strict=True)]


def _pieces(settings: str, kit: Kit, blocks: Mapping[str, str], drafts: Sequence[Draft]) -> list[Written]:
    """What the manifests need to be there before."""
    pieces = [Written(SETTINGS_FILE, settings, drafts[0])] if settings and drafts else []
    return [*pieces, *(Written(prospect.block_file(kit, name), text, drafts[0]) for name, text in blocks.items())]


def _write(
    kit: Kit, pieces: Sequence[Written], manifests: Sequence[Written], dry_run: bool
) -> tuple[list[Made], list[Diagnostic]]:
    made, found = [], []
    there = {os.path.basename(file): file for file in kit.manifests}
    others = {file.path: there.get(os.path.basename(file.path), file.path) for file in manifests}
    for file in (*pieces, *manifests):
        other = others.get(file.path, file.path)
        is_other = other != file.path
        word, why = ("foreign", "is an agent of this name") if is_other else _write_one(kit, file, dry_run)
        made.append(Made(word, file.path))
        found += prospect.in_the_way(file.draft, other, why) if word == "foreign" else []
    return made, found


_DIFFERS = "says something else; it is left as it is"


def _write_one(kit: Kit, file: Written, dry_run: bool) -> tuple[str, str]:
    """Write a file if it is not there, and return in a word what became of it, and why if nothing."""
    outputs = disk.Disk(kit)
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
    return "created" if disk.create(kit.path(file.path), content) else "foreign", _DIFFERS


# The report


def _tell(kit: Kit, imported: Imported, outcome: Outcome, dry_run: bool) -> int:
    tell(sys.stdout, "".join(f"{word} {shown(as_seen(kit.path(path)))}\n" for word, path in imported.made))
    closing = "".join(_closing(kit, imported.coming, outcome, dry_run))
    tell(sys.stderr, as_text.diagnostics(outcome.diagnostics) + closing)
    return outcome.status


def _closing(kit: Kit, coming: Sequence[Written], outcome: Outcome, dry_run: bool) -> Iterator[str]:
    yield "; ".join(filter(None, (as_text.counted(outcome.agents, "agent"), as_text.tally(outcome.diagnostics)))) + "\n"
    if coming and not dry_run:
        yield f"next: look at the manifests, then run: {_next(kit, coming)}\n"


def _next(kit: Kit, coming: Sequence[Written]) -> str:
    """The command that builds, by force only where that can overwrite nothing but what was imported."""
    taken = [file for file in coming if _there(kit, file) == {_origin(file)}]
    if not taken:
        return _everything(kit)
    is_whole_kit = {file.path for file in coming}.issuperset(kit.manifests)
    if is_whole_kit and all(_there(kit, file) <= {_origin(file)} for file in coming):
        return f"{_everything(kit)} --force, which takes over the files that they came from"
    files = "files that they" if len(taken) > 1 else "file that it"
    manifests = " ".join(quote(as_seen(kit.path(file.path))) for file in taken)
    return f"assemble --force {manifests}, which takes over the {files} came from"


def _everything(kit: Kit) -> str:
    """The command that builds the whole kit, and finds it from here."""
    return f"assemble --all{naming(named(kit.folder))}"


def _there(kit: Kit, file: Written) -> set[str]:
    """What lies where the files of a manifest are to be."""
    targets = file.draft.data.get("targets", kit.settings.targets)
    outputs = (kit.path(kit.output(target, file.draft.name, file.path)) for target in targets)
    return {os.path.realpath(output) for output in outputs if os.path.lexists(output)}


def _origin(file: Written) -> str:
    return os.path.realpath(file.draft.origin.agent.source.file)
