"""Plan manifests: load, check and render each one, and classify its outputs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING

from kei_assembler.build.changes import MAX_OUTPUT_BYTES, Change
from kei_assembler.build.classify import classify, is_manifest_path
from kei_assembler.build.cost import ENTRY_BYTES, Cost
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, has_errors
from kei_assembler.files.tree import Tree
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.kit.role_files import role_file
from kei_assembler.model.inheritance import Resolved
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import Manifest, is_abstract
from kei_assembler.records import NamedTuple
from kei_assembler.rules import (
    OF_KEYS,
    OF_VALUES,
    check_base,
    check_context,
    check_limits,
    check_readable,
    context_of,
    names,
    outputs,
)
from kei_assembler.rules.crowded_folders import crowded_notes
from kei_assembler.rules.kit_usage import ManifestUse, use_of
from kei_assembler.rules.limits import Given
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.set_values import names_set_in
from kei_assembler.rules.shared_files import kit_notes
from kei_assembler.rules.verification import docs_only_notes
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source
from kei_assembler.whitespace import has_text

if TYPE_CHECKING:
    from kei_assembler.build.budgets import Excess
    from kei_assembler.render.renderer import Artifact

_MAX_AHEAD = 1024 * 1024
"""The maximum number of characters of manifests that are read before they are checked."""

_LIMITED = {"body": "body", "prompt": "prompt", "file": "content"}
"""The parts of an artifact that clients limit (see `target.Limit`), and the fields of `Artifact` that hold them."""


class Output(NamedTuple):
    """The output of an artifact: its path, its change, and its problems.

    `real` is the resolved, case-folded path. `change` is None if the existing file cannot be read. `name` is the name
    in the front matter, or empty. `section` is the name of the section if the output is one. `kind` is that of the
    artifact.
    """

    path: str
    real: str
    change: Change | None
    problems: list[Diagnostic]
    target: str
    name: str
    section: str = ""
    kind: str = AGENT.name


class ManifestPlan(NamedTuple):
    """The plan of one manifest.

    `shared` contains findings whose cause other manifests can share, such as a template, and `inherited` those in the
    files that the manifest inherits from, and in `role_file`, the file of its role, if any. `left_out` contains the
    outputs of targets that this run skips, by their resolved, case-folded paths. `use` is None if the manifest cannot
    be read, or is not an agent. `kept` and `handled` are the cost of the plan, see `Cost`. `noted` is what `kit_notes`
    returns. `is_base` means that the manifest is only a base of others. `bases` are the files of its bases, `blocks`
    its blocks, `bundles` those that it lists, and `own_values` the names of the values that it sets. `kind` is the
    manifest's.
    """

    file: str
    found: list[Diagnostic]
    shared: list[Diagnostic]
    outputs: list[Output]
    left_out: dict[str, str]
    use: ManifestUse | None
    kept: int = 0
    handled: int = 0
    noted: tuple[tuple[str, str], ...] = ()
    inherited: tuple[Diagnostic, ...] = ()
    is_base: bool = False
    blocks: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    role_file: str = ""
    bundles: tuple[str, ...] = ()
    own_values: frozenset[str] = frozenset()
    kind: str = AGENT.name


BATCH = 16
"""How many files the manifests that are planned together generate at most, unless one alone has more targets."""


class Planner:
    """Plans the manifests of a kit, one by one. Drops findings with `ignored` codes.

    `cost` is the cost of all plans so far. With `is_partial`, what needs a base that the kit lacks is left out.
    """

    def __init__(self, kit: LoadedKit, ignored: Collection[str] = (), is_partial: bool = False) -> None:
        from kei_assembler.render.renderer import Renderer

        if kit.settings.values:  # most likely needed, and here, a second process shares it
            import kei_assembler.markdown.filling  # noqa: F401

        self.kit = kit
        self.ignored = ignored
        self.is_partial = is_partial
        self.cost = Cost(kit)
        self.renderer = Renderer(kit)
        self.disk = OutputFiles(kit)
        self._top_of = cache(self._find_top)
        self._about_base = cache(partial(check_base, kit))

    def batches(self, files: Sequence[str]) -> list[Sequence[str]]:
        """Return the manifests in batches that generate about the same number of files, whatever the targets are.

        The number of batches is even, so that two processes can plan half of the manifests each.
        """
        most = max(1, BATCH // len(self.kit.selected_targets or self.kit.settings.targets))
        pairs = ceil(len(files) / (2 * most))
        size = ceil(len(files) / (2 * pairs or 1)) or 1
        return [files[start : start + size] for start in range(0, len(files), size)]

    def plan(self, files: Iterable[str]) -> list[ManifestPlan]:
        """Return the plans of these manifests.

        Reading several manifests before checking them, and checking them before rendering them, is faster than
        alternating: rules ask for the other agents of a kit, and the processor's caches help.

        Raises:
            ExcessError: the plans are too large.
        """
        checked = [self.check(*loaded) for loaded in self._loaded(files)]
        plans = []
        for manifest, plan in checked:
            kept, handled = self.cost.kept, self.cost.handled - plan.handled
            if manifest is not None and not self._lacks_blocks(plan):
                self._plan_outputs(manifest, plan)
            self.cost.add_findings(chain(plan.found, plan.shared, plan.inherited))
            plans.append(plan._replace(kept=self.cost.kept - kept, handled=self.cost.handled - handled))
        return plans

    def _loaded(self, files: Iterable[str]) -> Iterator[tuple[Source, Resolved]]:
        """Yield the manifests as `load` returns them. Several are read ahead, unless they are large."""
        ahead: list[tuple[Source, Resolved]] = []
        size = 0
        for file in files:
            ahead.append(self.load(file))
            size += len(ahead[-1][0].text)
            while ahead and size > _MAX_AHEAD:
                source, resolved = ahead.pop(0)
                size -= len(source.text)
                yield source, resolved
        while ahead:
            yield ahead.pop(0)

    def receive(self, plans: Iterable[ManifestPlan]) -> None:
        """Add the cost of plans that another process has made.

        Raises:
            ExcessError: all plans together are too large.
        """
        for plan in plans:
            self.cost.add(plan.kept, plan.handled)

    def _lacks_blocks(self, plan: ManifestPlan) -> bool:
        if not self.kit.lacking or plan.use is None:
            return False
        targets = ("", *plan.use.targets)
        blocks = (self.kit.block(entry, target) for entry in plan.use.blocks for target in targets)
        return any(block.source.file in self.kit.lacking for block in blocks if block)

    def _plan_outputs(self, manifest: Manifest, plan: ManifestPlan) -> None:
        for artifact in self.render(manifest, plan):
            self.cost.add(handled=len(artifact.content))
            self._classify(artifact, plan)
        plan.outputs[:] = map(_repacked, plan.outputs)
        for target in self.kit.skipped_targets(manifest) if manifest.kind == AGENT.name else ():
            path = self.kit.output(target, manifest.name, plan.file)
            plan.left_out[self.disk.real(path).casefold()] = path

    def load_and_check(self, file: str) -> tuple[Manifest | None, ManifestPlan]:
        """Return the manifest, or None if it has errors, and its plan, without outputs."""
        return self.check(*self.load(file))

    def load(self, file: str) -> tuple[Source, Resolved]:
        """Return the source of a manifest, and its data with what it inherits."""
        return self.resolved(self.kit.read_manifest(file))

    def resolved(self, source: Source) -> tuple[Source, Resolved]:
        """Return what `load` returns, given the source."""
        self.cost.add(handled=len(source.text))
        resolved = self.kit.composition.resolve(source)
        if resolved.data is not source.data:  # otherwise, it is known from reading it
            self.kit.names.add(source.file, resolved.data)
        return source, resolved

    def check(self, source: Source, resolved: Resolved) -> tuple[Manifest | None, ManifestPlan]:
        """Return what `load_and_check` returns, given what `load` returns."""
        file, size = source.file, len(source.text)
        if problems := check_readable(source) or run_rule(outputs.unusable_path, source, file):
            return None, ManifestPlan(file, problems, [], [], {}, None, handled=size)
        named, bases, is_base = role_file(resolved.data), resolved.bases, is_abstract(source.data)
        if self.is_partial and not self.kit.lacking.isdisjoint((*bases, named)):
            return None, ManifestPlan(file, [], [], [], {}, None, handled=size)
        about_bases: list[Diagnostic] = []
        for base in reversed(bases):
            about_bases += self._reported(self._about_base(base), base, about_bases)
        context = context_of(self.kit, source, resolved)
        manifest, problems = context.manifest, check_context(context)
        if named:
            size += len(manifest.role)
            self.cost.add(handled=len(manifest.role))
        problems = self._reported(problems, file, about_bases)
        of_several = [one for one in problems if _is_about_namesakes(one, file)]
        own = [one for one in problems if one.location.file == file and one not in of_several]
        others = [one for one in problems if one.location.file != file and one not in of_several]
        plan = ManifestPlan(
            file,
            own,
            of_several,
            [],
            {},
            None if is_base else _use(context, problems),
            handled=size,
            noted=() if is_base else _noted(self.kit, manifest, file),
            inherited=(*others, *about_bases),
            is_base=is_base,
            blocks=manifest.blocks,
            bases=bases,
            role_file=named,
            bundles=tuple(name for layer in resolved.layers() for name in layer.bundles),
            own_values=names_set_in(source.data),
            kind=context.kind.name,
        )
        return None if plan.is_base or has_errors((*problems, *about_bases)) else manifest, plan

    def _reported(self, found: Iterable[Diagnostic], file: str, about_bases: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return which findings about a manifest are reported, given those about its bases."""
        reported = [one for one in found if one.code not in self.ignored]
        if not has_errors(about_bases):
            return reported
        # the others can be about what only seems to be missing
        return [one for one in reported if one.location.file == file and one.code in OF_VALUES]

    def render(self, manifest: Manifest, plan: ManifestPlan) -> Iterator[Artifact]:
        """Yield the manifest's artifact for each of its targets. Add the findings of templates to the plan."""
        from kei_assembler.render.templates import TemplateFailure

        above: list[Excess] = []
        for output in outputs_of(self.kit, manifest, plan.file):
            target = output.target
            try:
                artifact = self.renderer.render_output(manifest, plan.file, output)
                self.renderer.refuse_additions(artifact, manifest)
            except TemplateFailure as failure:
                plan.shared.extend(failure.diagnostics)
                continue
            plan.shared.extend(self.renderer.check_allowance(artifact, manifest))
            plan.shared.extend(self.renderer.templates.ineffective_blocks(target, manifest.kind))
            if output.kind != AGENT.name:
                yield artifact
                continue
            plan.found.extend(self._check_limits(artifact, manifest))
            if self.kit.settings.budgets["agent"]:
                from kei_assembler.build.budgets import excess_of  # rarely needed

                above.extend(excess_of(self.kit, artifact))
            yield artifact
        if manifest.kind != AGENT.name:
            from kei_assembler.rules.readers import check_readers

            plan.shared.extend(check_readers(self.kit, manifest))
        if above:
            from kei_assembler.build.budgets import check_agent

            plan.found.extend(check_agent(self.kit, manifest, plan.file, above))

    def _check_limits(self, artifact: Artifact, manifest: Manifest) -> list[Diagnostic]:
        if len(artifact.content) > MAX_OUTPUT_BYTES:
            return []
        limited = {limit.part for limit in TARGETS[artifact.target].limits}
        given: Given = {of: getattr(artifact, name) for of, name in _LIMITED.items() if of in limited}
        if not artifact.body and self._lists_faulty_block(manifest, artifact.target):
            return []
        return check_limits(Source(artifact.manifest, ""), given, (artifact.target,))

    def _lists_faulty_block(self, manifest: Manifest, target: str) -> bool:
        """Return whether a block of a manifest cannot be read, or is empty, which is reported for the block."""
        blocks = [block for entry in manifest.blocks if (block := self.kit.block(entry, target))]
        return any(block.source.error or not (block.target or has_text(block.source.text)) for block in blocks)

    def _find_top(self, tree: Tree) -> str:
        """The folder up to which the sources of kits count: that of the tree, or in a work tree around it, its top."""
        return (self.kit.variant.output_dir and git_top(tree.folder, self.kit.files)) or tree.folder

    def _classify(self, artifact: Artifact, plan: ManifestPlan) -> None:
        """Add the artifact to the plan's outputs, or a finding if it must not be written."""
        source, path, size = Source(plan.file, ""), artifact.path, len(artifact.content)
        real = self.disk.real(path)
        tree = self.kit.tree_of(path)
        if reason := tree.refusal(real):
            shown = self.kit.shown_output(path)
            what = f"`{shown}`" if self.disk.is_link(path) else f"folder `{os.path.dirname(shown) or '.'}`"
            plan.shared.extend(run_rule(outputs.output_outside_root, source, what, reason))
        elif size > MAX_OUTPUT_BYTES:
            plan.found.extend(run_rule(outputs.output_too_large, source, path, size, MAX_OUTPUT_BYTES))
        elif is_manifest_path(self.kit, path):
            plan.found.extend(run_rule(outputs.output_among_manifests, source, path))
        elif owner := self.kit.role_files.reserved.owner(real, self._top_of(tree)):
            plan.found.extend(run_rule(outputs.output_is_source, source, path, owner))
        else:
            change, problems = self._compared(artifact, source)
            size = len(change.after or b"") if change else 0
            if size > MAX_OUTPUT_BYTES:
                problems += run_rule(outputs.output_too_large, source, path, size, MAX_OUTPUT_BYTES)
            named = (artifact.target, artifact.name, artifact.section, artifact.kind)
            plan.outputs.append(Output(path, real.casefold(), change, problems, *named))

    def _compared(self, artifact: Artifact, source: Source) -> tuple[Change | None, list[Diagnostic]]:
        """Compare the artifact with the file on disk. Return the change, if the file can be read, and the findings."""
        try:
            if artifact.section:
                from kei_assembler.build.section_files import classify_section  # most kits have only agents

                change, problems = classify_section(self.kit, artifact, self.disk.read(artifact.path))
            else:
                present = self.disk.read(artifact.path, artifact.content)
                change, problems = classify(self.kit, artifact, present), []
            self.cost.add(kept=ENTRY_BYTES + len(change.before or b"") + len(change.after or b""))
        except OSError as error:
            shown, reason = self.kit.shown_output(artifact.path), error.strerror or str(error)
            return None, run_rule(outputs.output_unreadable, source, shown, reason)
        return change, problems


def _use(context: ManifestContext, problems: Iterable[Diagnostic]) -> ManifestUse:
    """Return what a manifest uses. If it has an unknown key, that may be where the values are that it lacks."""
    use = use_of(context)
    has_unknown = use.unfilled and any(one.code in OF_KEYS for one in problems)
    return use._replace(unfilled=frozenset()) if has_unknown else use


def _noted(kit: LoadedKit, manifest: Manifest, file: str) -> tuple[tuple[str, str], ...]:
    """Return what the manifest in a file contributes to the notes about the kit."""
    found = docs_only_notes(kit, manifest)
    if manifest.kind != AGENT.name:
        return found
    return (*found, *kit_notes(kit, manifest, file), *crowded_notes(kit, manifest, file))


def _is_about_namesakes(diagnostic: Diagnostic, file: str) -> bool:
    return diagnostic.code == names.duplicate_name.code and stem(diagnostic.location.file) == stem(file)


def _repacked(output: Output) -> Output:
    """Copy the bytes of an output: the originals fragment the memory of larger texts, which raises the peak."""
    if output.change is None or output.change.after is None:
        return output
    return output._replace(change=output.change._replace(after=bytes(memoryview(output.change.after))))
