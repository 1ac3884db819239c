"""The agents of a kit: what each one is made of, what its files cost, and the state of these files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.findings import limited
from kei_assembler.build.kit_plan import plan_kit, preview
from kei_assembler.build.run import Policy
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import split_entry
from kei_assembler.loader import refuse_home
from kei_assembler.markdown.tokens import tokens
from kei_assembler.model.inheritance import INHERITED, Resolved
from kei_assembler.model.manifest import Manifest, is_abstract
from kei_assembler.rules.bundles import bundles_in
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.toml.source import with_lf

STATES = {
    FileStatus.FOREIGN: "foreign",
    FileStatus.EDITED: "edited",
    FileStatus.CREATE: "missing",
    FileStatus.UPDATE: "out of date",
    FileStatus.UNCHANGED: "up to date",
}
"""The states of an output by the status of its file, worst first."""

NO_FILES = "no files"
"""The state of an agent without outputs."""


class Output(NamedTuple):
    """One generated file of an agent: its client, its path, its state, and about how many tokens it has."""

    target: str
    path: str
    state: str
    tokens: int


class Agent(NamedTuple):
    """An agent: its manifest, merged with what it inherits, and its outputs.

    `file` is the manifest's. `bases` are the names of its bases, nearest first, and `bundles` those of the bundles that
    its blocks come from, sorted, with the bundles that contain them.
    """

    name: str
    file: str
    manifest: Manifest
    bases: tuple[str, ...]
    bundles: tuple[str, ...]
    outputs: tuple[Output, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The clients that the agent is generated for."""
        return tuple(output.target for output in self.outputs)

    @property
    def state(self) -> str:
        """The worst state of its outputs."""
        present = {output.state for output in self.outputs}
        return next((state for state in STATES.values() if state in present), NO_FILES)

    @property
    def largest(self) -> Output | None:
        """The output with the most tokens, the first of several, or None if there are no outputs."""
        return max(self.outputs, key=lambda output: output.tokens, default=None)

    @property
    def tokens(self) -> int:
        """About how many tokens the largest output has."""
        return self.largest.tokens if self.largest else 0


class Survey(NamedTuple):
    """The agents of a kit without errors, sorted by name, all errors, and the number of all agents."""

    agents: tuple[Agent, ...]
    errors: tuple[Diagnostic, ...]
    total: int


def survey(kit: LoadedKit, files: Sequence[str] | None = None) -> Survey:
    """Return the agents of these manifests, or of all, planned as a build would plan them. Nothing is written.

    Raises:
        AssembleError: a folder of the kit cannot be read, or the run may not use the home folder that it needs.
    """
    refuse_home(kit)
    policy = Policy.of(kit)
    files = kit.manifests if files is None else files
    plan = plan_kit(kit, files, False, policy.ignore)
    changes: dict[str, list[Change]] = {}
    for change in plan.changes:
        if change.manifest and change.status in STATES:
            changes.setdefault(change.manifest, []).append(change)
    errors = errors_in(policy.weigh(plan.diagnostics))
    broken = {one.location.file for one in errors}
    agents, total = [], 0
    for context in contexts(kit, files):
        total += 1
        file, planned = context.source.file, changes.get(context.source.file, [])
        is_whole = {change.target for change in planned} == {*kit.targets_of(context.manifest)}
        if is_whole and (planned or file not in broken):
            agents.append(_agent(kit, context, planned))
    return Survey(tuple(sorted(agents)), tuple(limited(errors, policy.ignore)), total)


def errors_in(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings that are errors."""
    return [one for one in found if one.severity is Severity.ERROR]


def contexts(kit: LoadedKit, files: Iterable[str]) -> Iterator[ManifestContext]:
    """Yield each of these manifests that is readable and not only a base, valid or not, with what it inherits."""
    for file in files:
        source = kit.read_manifest(file)
        if source.error is None and not is_abstract(source.data):
            yield ManifestContext(kit, source)


def _agent(kit: LoadedKit, context: ManifestContext, changes: list[Change]) -> Agent:
    file, resolved = context.source.file, context.resolved
    texts = _texts(kit, file, changes)
    outputs = tuple(
        Output(change.target, change.path, STATES[change.status], tokens(text))
        for change, text in zip(changes, texts, strict=True)
    )
    bases = tuple(map(stem, resolved.bases))
    return Agent(context.manifest.name, file, context.manifest, bases, _bundles(kit, resolved), outputs)


def _texts(kit: LoadedKit, file: str, changes: list[Change]) -> list[str]:
    """The generated texts of an agent. A plan does not keep those of unchanged files, which are on the disk."""
    disk = OutputFiles(kit)
    contents = [change.after or with_lf(disk.peek(change.path) or b"") for change in changes]
    if all(contents):
        return [content.decode() for content in contents]
    generated = {artifact.path: artifact.content for artifact in preview(kit, file)[1]}
    return [generated.get(change.path, b"").decode() for change in changes]


def _bundles(kit: LoadedKit, resolved: Resolved) -> tuple[str, ...]:
    listed: set[str] = set()
    for layer in resolved.layers():
        listed.update(layer.bundles)
        own = kit.composition.source(layer.file).data.get("blocks") if layer.far else None
        if own is not None and INHERITED not in own:
            break  # the blocks of the next layers are replaced
    return tuple(sorted(bundles_in(kit, listed)))


def shared_tokens(kit: LoadedKit, agents: Iterable[Agent]) -> dict[str, int]:
    """Return about how many tokens of each agent's largest output are in blocks that other agents list too, by name.

    Two sections of a block are two blocks here.
    """
    agents = list(agents)
    users = Counter(entry for agent in agents for entry in set(agent.manifest.blocks))
    return {
        agent.name: sum(block_tokens(kit, entry, agent) for entry in agent.manifest.blocks if users[entry] > 1)
        for agent in agents
    }


def block_tokens(kit: LoadedKit, entry: str, agent: Agent) -> int:
    """Return about how many tokens an entry of `blocks` has in the largest output, before values fill it."""
    return kit.blocks.tokens(entry, agent.largest.target if agent.largest else "")


def block_names(entries: Iterable[str]) -> frozenset[str]:
    """Return entries of `blocks`, and the names of the blocks of those that are sections."""
    return frozenset(name for entry in entries for name in (entry, split_entry(entry)[0]))
