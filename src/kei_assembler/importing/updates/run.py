"""Run the updates of an import: compare its files with the record, report what changed, and take it if asked to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kei_assembler.analysis.adoption import Reach, reach
from kei_assembler.build.diff import diffs, hunks
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.writer import replace_planned
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.agents import convert_again
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.pending_kit import PendingFile
from kei_assembler.importing.updates.history import imported_before
from kei_assembler.importing.updates.matching import Pair, located, matched, recorded_file
from kei_assembler.importing.updates.update import Updated, Updates, update
from kei_assembler.importing.updates.versions import Version, versions
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.owners import possible_outputs
from kei_assembler.loader import load_kit
from kei_assembler.markdown import shell
from kei_assembler.paths import display_path
from kei_assembler.records import NamedTuple
from kei_assembler.repair.adoption.adopt import as_change
from kei_assembler.repair.edits import FileChange, write_all
from kei_assembler.repair.import_record import (
    RECORD,
    Imported,
    imported_text,
    read_record,
    record_content,
    text_of_record,
)
from kei_assembler.rules import upstream
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.runner import run_rule
from kei_assembler.selection import prefix_to
from kei_assembler.toml.source import START


class UpdateOptions(NamedTuple):
    """Whether to take what changed, and which side wins where both changed: "mine", "upstream", or None."""

    update: bool = False
    prefer: str | None = None
    dry_run: bool = False


class Outcome(NamedTuple):
    """What is known about the files that were imported before, and the kit as it is after their updates.

    `new` are the other files. `manifests` are those of the known files, and `others` those of them that do not have
    what their files say. `record` is the new record, without the new files. `reaches_others` says that generated files
    of other manifests change.
    """

    kit: LoadedKit
    new: list[AgentFile]
    manifests: list[PendingFile]
    others: list[PendingFile]
    files: list[tuple[str, str]]
    found: list[Diagnostic]
    diffs: list[str]
    record: list[Imported]
    reaches_others: bool


def update_known(kit: LoadedKit, agents: Sequence[AgentFile], options: UpdateOptions) -> Outcome:
    """Compare files with what was imported of them. With `update`, take what changed into the kit.

    Raises:
        AssembleError: the record is broken, or a file cannot be read or written.
    """
    record = located(kit, read_record(kit))
    record += imported_before(kit, record, agents)
    found = matched(kit, record, agents)
    changed = versions(kit, record, found.known)
    updates = update(kit, changed, {entry.manifest for entry in record}, options.prefer or "")
    taken = _take(kit, updates, options)
    left = [each for each in updates.agents if each not in taken.agents]
    behind = {each.version.manifest for each in left}
    moved = {each.version.manifest: each.manifest for each in taken.agents if not options.dry_run}
    kept = {
        manifest: PendingFile(moved.get(manifest, manifest), "", made._replace(found=()), is_kept=True)
        for manifest, made in _conversions(kit, found.known, changed).items()
    }
    report = _Report(kit, options)
    about = [*(one for each in left for one in report.about(each)), *report.about_gone(found.gone)]
    return Outcome(
        taken.kit,
        found.new,
        [*kept.values()],
        [file for manifest, file in kept.items() if manifest in behind],
        taken.files,
        [*about, *_about_updated(taken.kit, taken.agents, options.dry_run)],
        [*taken.shown, *(text for each in left for text in report.diffs(each))],
        _new_record(record, found.known, moved, behind),
        taken.reaches_others,
    )


class _Taken(NamedTuple):
    """The agents that are updated, the kit afterwards, and what the command says about it."""

    kit: LoadedKit
    agents: list[Updated]
    files: list[tuple[str, str]]
    shown: list[str]
    reaches_others: bool


def _take(kit: LoadedKit, updates: Updates, options: UpdateOptions) -> _Taken:
    """Write the updates without conflicts, unless it is a dry run."""
    taken = [each for each in updates.agents if options.update and not each.conflicts]
    if not taken:
        return _Taken(kit, [], [], [], False)
    changes = sorted(updates.draft.changes(), key=lambda change: (change.after is None, change.path))
    files = [(_status(change, options.dry_run), change.path) for change in changes]
    reached = _reach(kit, updates.draft.kit_with(), taken)
    shown = [f"{line}\n" for line in (*reached.sentences, *(f"warning: {gain}" for gain in reached.gains))]
    if options.dry_run:
        shown += diffs(map(as_change, changes), prefix_to(kit.folder))
        return _Taken(kit, taken, files, shown, False)
    write_all(kit, changes)
    return _Taken(load_kit(kit.folder, for_user=kit.for_user), taken, files, shown, bool(reached.beyond))


def _reach(before: LoadedKit, after: LoadedKit, taken: Iterable[Updated]) -> Reach:
    """Return what the updates reach besides the files of these agents, and which rights agents gain."""
    manifests = {each.manifest for each in taken}
    return reach(before, after, [one for one in possible_outputs(after) if one.manifest in manifests])


def _status(change: FileChange, dry_run: bool) -> str:
    verb = "create" if change.before is None else "delete" if change.after is None else "update"
    return f"would {verb}" if dry_run else f"{verb}d"


def _conversions(
    kit: LoadedKit, known: Mapping[str, Sequence[Pair]], changed: Iterable[Version]
) -> dict[str, Conversion]:
    """Return what the known files are converted to, by their manifests."""
    found = {each.manifest: each.theirs for each in changed}
    rest = {stem(manifest): [pair.agent for pair in known[manifest]] for manifest in known if manifest not in found}
    again = convert_again(kit, rest)
    return {manifest: found.get(manifest) or again[stem(manifest)][0] for manifest in known}


def _about_updated(kit: LoadedKit, taken: Sequence[Updated], dry_run: bool) -> Iterator[Diagnostic]:
    """Yield what a build finds about the updated manifests, and what is new in what the import says about the files."""
    for each in taken:
        known = {(one.code, one.message) for one in each.version.base.found}
        yield from (one for one in each.version.theirs.found if (one.code, one.message) not in known)
    if taken and not dry_run:
        yield from plan_kit(kit, [each.manifest for each in taken], False, kit.settings.ignore).diagnostics


def _new_record(
    record: Iterable[Imported],
    known: Mapping[str, Sequence[Pair]],
    moved: Mapping[str, str],
    behind: set[str],
) -> list[Imported]:
    """Return the entries with what was taken."""
    now = {pair.recorded: pair for pairs in known.values() for pair in reversed(pairs)}
    made = []
    for entry in record:
        pair = now.get(entry)
        if pair and entry.manifest not in behind and (entry.manifest in moved or not pair.is_changed):
            made.append(as_entry(moved.get(entry.manifest, entry.manifest), pair.agent))
        else:
            made.append(entry)
    return made


def as_entry(manifest: str, agent: AgentFile) -> Imported:
    """Return the entry of a file in a record."""
    file, is_outside = recorded_file(agent)
    return Imported(manifest, agent.target, file, imported_text(agent.raw), is_outside)


def write_record(kit: LoadedKit, entries: Iterable[Imported], new: Iterable[PendingFile]) -> None:
    """Write the record with these entries and those of newly imported files, if it changes.

    Raises:
        AssembleError: it cannot be read or written.
    """
    before = record_content(kit)
    by_key = {(entry.manifest, entry.target): entry for entry in entries}
    for file in new:
        for part in file.conversion.each:
            by_key.setdefault((file.path, part.target), as_entry(file.path, part.agent))
    after = text_of_record(by_key.values()) if by_key else None
    if before != after and (before or after):
        replace_planned(kit.tree, kit.path(RECORD), before, after)


class _Report:
    def __init__(self, kit: LoadedKit, options: UpdateOptions) -> None:
        self.kit = kit
        self.options = options

    def about(self, each: Updated) -> Iterator[Diagnostic]:
        """Yield the findings about an agent that was not updated."""
        pair = next(pair for pair in each.version.pairs if pair.is_changed)
        agent, manifest = pair.agent, display_path(self.kit.path(each.version.manifest))
        word = shell.word(agent.source.file)
        for conflict in each.conflicts:
            message = f"{conflict.what} was changed here and in {manifest}"
            hint = f"change {manifest} by hand; or use --prefer mine or --prefer upstream. This agent was left as it is"
            yield from agent.report(upstream.changed_on_both_sides, START, message, hint)
        if not each.conflicts:
            file = recorded_file(agent)[0]
            was = f" as `{pair.recorded.file}`" if pair.recorded.file != file else ""
            message = f"the file changed since it was imported to {manifest}{was}"
            hint = f"to take the change, run: assemble import --update{self.kit.command_options} {word}"
            yield from agent.report(upstream.changed_since_import, START, message, hint)

    def about_gone(self, gone: Iterable[Imported]) -> Iterator[Diagnostic]:
        """Yield a finding about each file that is gone."""
        for entry in gone:
            message = f"`{entry.file}` is gone, which this manifest was imported from"
            hint = f"if the agent is no longer needed, run: assemble remove {shell.word(stem(entry.manifest))}"
            source = self.kit.read_manifest(entry.manifest)
            yield from run_rule(upstream.gone_since_import, source, Violation(START, message, hint))

    def diffs(self, each: Updated) -> Iterator[str]:
        """Yield what changed in the files of an agent, or both texts of its conflicts."""
        for conflict in each.conflicts:
            if conflict.ours != conflict.theirs:
                manifest = display_path(self.kit.path(each.version.manifest))
                file = each.version.pairs[0].agent.source.file
                yield _diff(f"{manifest} ({conflict.what})", f"{file}", conflict.ours, conflict.theirs)
        for pair in () if each.conflicts else each.version.pairs:
            if pair.is_changed:
                old, new = pair.recorded.text, imported_text(pair.agent.raw)
                yield _diff(f"{pair.recorded.file} (imported)", pair.agent.source.file, old, new)


def _diff(old: str, new: str, before: str, after: str) -> str:
    one, other = ([f"{line}\n" for line in text.rstrip("\n").split("\n")] for text in (before, after))
    return "".join([f"--- {old}\n+++ {new}\n", *hunks(one, other)])
