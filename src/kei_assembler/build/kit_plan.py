"""Plan a kit: merge the plans of its manifests, and check the kit as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.client_settings import check_client_settings
from kei_assembler.build.cost import Cost
from kei_assembler.build.descriptions import check_descriptions
from kei_assembler.build.namesakes import Named, Namesakes
from kei_assembler.build.parallel import shared
from kei_assembler.build.planner import ManifestPlan, Output, Planner
from kei_assembler.build.progress import with_progress
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, ExcessError, Location, has_errors
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import Block, split_entry
from kei_assembler.loader import refuse_home
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.model.manifest import Manifest
from kei_assembler.paths import is_inside
from kei_assembler.records import NamedTuple
from kei_assembler.rules import (
    check_block,
    check_defaults,
    check_kit,
    check_models,
    check_templates,
    crowded_folders,
    links,
    outputs,
    placement,
    shared_files,
    verification,
)
from kei_assembler.rules.inheritance import inheriting
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.role_files import with_users
from kei_assembler.rules.runner import diagnose, first_findings, run_rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.instructions import SHARED_FILE
from kei_assembler.toml.source import Source

if TYPE_CHECKING:
    from kei_assembler.render.renderer import Artifact

_AT_EACH_FILE = (outputs.output_outside_root.code, outputs.unusable_path.code)
"""Codes of shared findings that are located at a manifest. The others are located at their cause."""

_WITH_OUTPUT = (links.unresolved_link.code,)
"""Codes of findings whose message names one of several outputs."""


class Plan(NamedTuple):
    """The diagnostics about some manifests, the changes that a build would make, and the findings about the files.

    `about_files` are the findings about where the files are, and about others of the same names. They prevent nothing
    from being written. `bases` is the number of manifests that are only bases of others, and `others` those of the rest
    that are not of agents, by kind.
    """

    diagnostics: tuple[Diagnostic, ...]
    changes: tuple[Change, ...]
    about_files: tuple[Diagnostic, ...] = ()
    bases: int = 0
    others: Mapping[str, int] = {}


def plan_kit(kit: LoadedKit, files: Sequence[str], whole: bool, ignored: Collection[str] = ()) -> Plan:
    """Return the plan for these manifests, which are all of the kit if `whole`. Drop findings with `ignored` codes.

    The policy is not applied yet. If the kit is too large, the plan only has a diagnostic that says so.

    Raises:
        AssembleError: a folder of the kit cannot be read.
    """
    try:
        return _plan_kit(kit, files, whole, ignored)
    except ExcessError as excess:
        return Plan(tuple(run_rule(outputs.too_large_for_one_run, Source(excess.file, ""), excess)), ())


def _plan_kit(kit: LoadedKit, files: Sequence[str], whole: bool, ignored: Collection[str]) -> Plan:
    planner = Planner(kit, ignored, is_partial=whole and bool(kit.lacking))
    merged = _Merged(kit, planner.cost)
    if whole and kit.lacking:
        files = merged.without_lacking(files)
    for plans in shared(planner.plan, planner.batches(files), with_progress, planner.receive):
        for plan in plans:
            merged.add(plan)
    found = [*merged.findings(whole, ignored), *_overwritten_sources(kit, merged.changes)]
    if not has_errors(found):
        found += [*_overwritten_role_files(kit, merged.changes), *_too_large(merged)]
    about_files = [*not_loaded(kit, merged.changes), *_notes(kit, merged.noted)]
    changes = merged.changes
    if whole and not has_errors(found):
        found += check_kit(merged.usage) if not kit.lacking else []
        leftovers, damages = _leftovers(merged)
        found += damages
        changes += leftovers
    # the schema files describe all agents and targets of the kit, so each build keeps them up to date
    if not kit.selected_targets and not kit.variant.output_dir and not has_errors(found):
        from kei_assembler.build.schema_files import schema_file_changes

        changes += schema_file_changes(kit, whole)
    if not has_errors(found):
        namesakes = merged.files_of_same_name(changes)
        beside = (*namesakes, *check_client_settings(merged.namesakes))
        moved = ((one, kit.shown_output(one.location.file)) for one in beside)  # they are located where the run builds
        about_files += [one._replace(location=one.location._replace(file=file)) for one, file in moved]
        if merged.sections:
            from kei_assembler.build.session_load import check_sessions

            about_files += check_sessions(kit, changes, merged.usage.targets_of_instructions)
        about_files += check_descriptions(merged.usage, merged.namesakes) if whole and not kit.lacking else []
        # The error says all that the note about the same file would say.
        reported = {one.location.file for one in namesakes if not kit.settings.exclusive}
        changes = [one for one in changes if one.status is not FileStatus.UNMANAGED or one.path not in reported]
    about_files = [one for one in about_files if one.code not in ignored]
    return Plan(tuple(found), tuple(changes), tuple(about_files), merged.bases, merged.others)


def _too_large(merged: _Merged) -> Iterable[Diagnostic]:
    if not merged.sections:
        return ()
    from kei_assembler.build.section_files import check_sizes  # most kits have only agents

    return check_sizes(merged.changes)


def _leftovers(merged: _Merged) -> tuple[list[Change], list[Diagnostic]]:
    """Return the orphans, the unmanaged files and, in an exclusive kit, the intruders, and what is damaged."""
    from kei_assembler.build.orphans import find_orphans, find_other_orphans  # only whole runs need it

    kit = merged.kit
    found = find_orphans(kit, merged.known, merged.usage.targets, merged.cost)
    if kit.settings.exclusive:
        from kei_assembler.build.intruders import with_intruders

        found = with_intruders(kit, found, [*merged.paths, *merged.left_out.values()], merged.usage.targets)
    if kit.selected_targets:  # what the other targets need is not known
        return found, []
    from kei_assembler.build.section_files import find_orphaned_sections  # only whole runs need it

    sections, damages = find_orphaned_sections(kit, merged.sections, merged.cost)
    return [*found, *sections, *find_other_orphans(kit, merged.known, merged.cost)], damages


class Preview(NamedTuple):
    """A manifest, merged with what it inherits, and its artifacts: those of all its targets that can be rendered."""

    manifest: Manifest
    artifacts: tuple[Artifact, ...]


def preview(kit: LoadedKit, file: str, ignored: Collection[str] = ()) -> tuple[list[Diagnostic], list[Artifact]]:
    """Return the findings about one manifest of the kit, and its artifacts. Nothing is written."""
    found, made = previews(kit, [kit.read_manifest(file)], ignored, {})
    return found, [artifact for each in made.values() for artifact in each.artifacts]


def previews(
    kit: LoadedKit, sources: Iterable[Source], ignored: Collection[str], known: Mapping[str, Manifest]
) -> tuple[list[Diagnostic], dict[str, Preview]]:
    """Return the findings about some manifests of the kit, and what is generated from those without errors, by file.

    Nothing is written. Findings about outputs that lie elsewhere, or that are there already, are left out. `known` has
    manifests, merged with what they inherit, that have no errors and are not checked again, by file.
    """
    refuse_home(kit)
    planner = Planner(kit, ignored)
    merged = _Merged(kit, planner.cost)
    made = {}
    for source in sources:
        manifest, plan = known.get(source.file), ManifestPlan(source.file, [], [], [], {}, None)
        if manifest is None:
            manifest, plan = planner.check(*planner.resolved(source))
        if manifest is not None:
            made[source.file] = Preview(manifest, tuple(planner.render(manifest, plan)))
        merged.add(plan)
    return merged.findings(False, ignored), made


def check_manifests(kit: LoadedKit, files: Iterable[str], ignored: Collection[str] = ()) -> list[Diagnostic]:
    """Return the findings about some manifests of the kit, their bases and the defaults, but not about their blocks."""
    planner = Planner(kit, ignored)
    merged = _Merged(kit, planner.cost)
    for file in files:
        merged.add(planner.load_and_check(file)[1])
    return [one for one in merged.with_heirs() if one.code not in ignored]


class _Merged:
    """The merged plans of some manifests."""

    def __init__(self, kit: LoadedKit, cost: Cost) -> None:
        self.kit = kit
        self.cost = cost
        self.found = check_defaults(kit)
        self.changes: list[Change] = []
        self.usage = KitUsage(kit)
        self.bases = 0
        self.others: Counter[str] = Counter()
        self.owners: dict[str, str] = {}
        self.sections: dict[str, dict[str, str]] = {}
        """The manifests of generated sections, by the resolved, case-folded path of the file, and by section."""
        self.paths: list[str] = []
        self.left_out: dict[str, str] = {}
        self.namesakes = Namesakes(kit)
        self.noted: dict[tuple[str, str], list[str]] = {}
        self._causes: set[tuple[str, str, Location | None]] = set()
        self._role_files: set[str] = set()
        self._inherited: dict[tuple[str, str, Location], tuple[Diagnostic, list[str]]] = {}

    def without_lacking(self, files: Sequence[str]) -> list[str]:
        """Return the manifests that can be planned although the kit lacks sources.

        What the others generate is unknown, so all outputs that manifests can have are theirs.
        """
        disk = OutputFiles(self.kit)
        for file in self.kit.manifests:
            for path in {self.kit.output(target, stem(file), file) for target in TARGETS}:
                self.left_out[disk.real(path).casefold()] = path
        is_lacking_all = not self.kit.lacking.isdisjoint(self.kit.templates())
        return [] if is_lacking_all else [file for file in files if file not in self.kit.lacking]

    def add(self, plan: ManifestPlan) -> None:
        """Add one manifest's plan."""
        self.found += plan.found
        for one in plan.inherited:
            self._inherited.setdefault(_cause(one), (one, []))[1].append(plan.file)
        self._role_files.add(plan.role_file)
        self.usage.bases.update(plan.bases)
        self.usage.bundles.update(plan.bundles)
        if plan.own_values:
            self.usage.own_values[plan.file] = plan.own_values
        if plan.use and plan.use.values:
            for file in (plan.file, *plan.bases):
                self.usage.used_values.setdefault(file, set()).update(plan.use.values)
        self._count(plan)
        self.found += filter(self._is_new, plan.shared)
        self.left_out.update(plan.left_out)
        if plan.use:
            self.usage.add(plan.use)
        for noted in plan.noted:
            self.noted.setdefault(noted, []).append(plan.file)
        for output in plan.outputs:
            path, real, change = output.path, output.real, output.change
            if self._is_known_section(output):
                continue
            if real in self.owners or (real in self.sections and not output.section):
                other = self.owners.get(real) or next(iter(self.sections[real].values()))
                self.found += run_rule(outputs.duplicate_output, Source(plan.file, ""), path, other)
                continue
            if output.section:
                self.sections.setdefault(real, {})[output.section] = plan.file
                self.found += filter(self._is_new, output.problems)
            else:
                self.owners[real] = plan.file
                self.paths.append(path)
                self.found += output.problems
                if output.kind == AGENT.name:
                    self.found += self.namesakes.add([Named(output.target, path, plan.file, output.name)])
            self.changes += [change] if change else []

    def _count(self, plan: ManifestPlan) -> None:
        """Count a manifest that is not of an agent, or only a base of others."""
        self.bases += plan.is_base
        self.others.update([plan.kind] if plan.kind != AGENT.name and not plan.is_base else [])
        if plan.is_base:
            self.usage.abstract[plan.file] = stem(plan.file)
            self.usage.add_listed(plan.blocks)

    def _is_known_section(self, output: Output) -> bool:
        """Whether another manifest needs the same section: one that imports the shared file."""
        return output.section == SHARED_FILE and output.section in self.sections.get(output.real, {})

    @property
    def known(self) -> dict[str, str]:
        """The files of the manifests: their paths, by the resolved and case-folded paths."""
        return self.left_out | dict(zip(self.owners, self.paths, strict=True))

    def files_of_same_name(self, changes: Iterable[Change]) -> list[Diagnostic]:
        """Return the findings about files that are named like the generated ones."""
        orphans = {change.path for change in changes if change.status is FileStatus.ORPHAN}
        bases = (stem(file) for file in self.usage.bases)
        abstract = {*self.usage.abstract_agents, *filter(self.kit.names.is_abstract, bases)}
        known, namesakes = self.known, self.namesakes
        return [*namesakes.on_disk(known, orphans, abstract), *namesakes.shown_twice(known, orphans)]

    def _is_new(self, diagnostic: Diagnostic) -> bool:
        """Return whether a shared finding has not been reported yet: one cause is one finding."""
        location = None if diagnostic.code in _AT_EACH_FILE else diagnostic.location
        cause = (diagnostic.code, diagnostic.message, location)
        is_new = cause not in self._causes
        self._causes.add(cause)
        return is_new

    def findings(self, whole: bool, ignored: Collection[str]) -> list[Diagnostic]:
        """Return the findings so far and those about the obligatory and used blocks.

        If `whole`, add those about all other blocks and about all templates.
        """
        blocks = [block for block in self._blocks(whole) if block.source.file not in self.kit.lacking]
        found = [one for block in blocks for one in self._counted(check_block(self.usage, block))]
        if self.kit.settings.budgets["block"]:
            from kei_assembler.build.budgets import check_block as check_budget

            found += [one for block in blocks for one in self._counted(check_budget(self.usage, block))]
        for about_template in check_templates(self.kit) if whole else ():
            found += filter(self._is_new, self._counted(about_template))
        found += check_models(self.usage)
        return [one for one in (*self.with_heirs(), *found) if one.code not in ignored]

    def with_heirs(self) -> Iterator[Diagnostic]:
        """Yield the findings so far. Those about what manifests inherit name these manifests."""
        inherited = {
            cause: (with_users if one.location.file in self._role_files else inheriting)(self.kit, one, files)
            for cause, (one, files) in self._inherited.items()
        }
        yield from (inherited.pop(_cause(one), one) for one in self.found)
        yield from inherited.values()

    def _blocks(self, whole: bool) -> Iterator[Block]:
        """Yield the obligatory and used blocks, each before its used variants. If `whole`, yield all of them."""
        obligatory = chain.from_iterable(map(self.kit.obligatory, KINDS.values()))
        names = {*(split_entry(entry)[0] for entry in obligatory), *self.usage.blocks}
        for name in sorted(names.union(self.kit.block_names if whole else ())):
            if block := self.kit.block(name):
                yield block
                used = set().union(*self.usage.blocks.get(name, {}).values())
                for target in self.kit.blocks.variants(name):
                    if (whole or target in used) and (variant := self.kit.block(name, target)):
                        yield variant

    def _counted(self, found: list[Diagnostic]) -> list[Diagnostic]:
        self.cost.add_findings(found)
        return found


def _cause(diagnostic: Diagnostic) -> tuple[str, str, Location]:
    message = "" if diagnostic.code in _WITH_OUTPUT else diagnostic.message
    return diagnostic.code, message, diagnostic.location


def not_loaded(kit: LoadedKit, changes: Sequence[Change]) -> Iterator[Diagnostic]:
    """Yield a finding for each target whose client does not look for agents where the outputs are."""
    changes = [change for change in reversed(changes) if change.kind == AGENT.name]
    folders = ((change.target, change.path.rpartition("/")[0]) for change in changes)
    in_each_folder = dict(zip(folders, changes, strict=True))  # the first one
    reported = set()
    for change in reversed(in_each_folder.values()):
        if change.target not in reported and not kit.placement.is_loaded(change.target, change.path):
            reported.add(change.target)
            source = kit.settings_source or Source(change.manifest, "")
            yield from run_rule(placement.output_not_loaded, source, kit, change.target, change.path)


def _notes(kit: LoadedKit, noted: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[Diagnostic]:
    """Yield a finding for each code and target, at the first manifest that it concerns."""
    for (code, target), files in noted.items():
        rule = (shared_files.OF_KIT | crowded_folders.OF_KIT | verification.OF_KIT)[code]
        context = ManifestContext(kit, kit.read_manifest(files[0]))
        yield from diagnose(rule, context.source, map(context.placed, first_findings(rule, kit, target, files)))


def _overwritten_sources(kit: LoadedKit, changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """Yield the findings about outputs that are the target of a link to a source, or in a linked folder of sources."""
    existing = [change for change in changes if change.before is not None]
    if not existing or not kit.sources_in_folders() or not kit.links:
        return
    disk, links = OutputFiles(kit), {kit.files.resolve(kit.path(path)): suffix for path, suffix in kit.links.items()}
    for change in existing:
        real = disk.real(change.path)
        if any(is_inside(real, target) and real.endswith(suffix) for target, suffix in links.items()):
            yield from run_rule(
                outputs.output_is_source, Source(change.manifest, ""), change.path, "one of the sources"
            )


_NOT_GENERATED = (FileStatus.FOREIGN, FileStatus.EDITED)


def _overwritten_role_files(kit: LoadedKit, changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """Yield the findings about outputs that are role files. Only a file that was not generated can be one."""
    disk, suspects = OutputFiles(kit), [each for each in changes if each.status in _NOT_GENERATED or each.section]
    named = {kit.files.resolve(kit.path(file)) for file in kit.role_files.named} if suspects else set()
    for change in suspects:
        if disk.real(change.path) in named:
            source = Source(change.manifest, "")
            yield from run_rule(outputs.output_is_source, source, change.path, "a role file")
