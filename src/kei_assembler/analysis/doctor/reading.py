"""What the clients read of a kit: in which places, which outputs they don't read, and which agents they get twice.

The facts are those that the rules about outputs and their readers report; see `rules.placement`, `rules.readers` and
`rules.shared_files`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

from kei_assembler.analysis.agents import contexts, errors_in
from kei_assembler.build.findings import limited
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import Output, hiding_file, outputs_of, reads_skill
from kei_assembler.loader import refuse_home
from kei_assembler.model.kinds import AGENT, SKILL
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.settings import HOME
from kei_assembler.paths import path_below
from kei_assembler.records import NamedTuple
from kei_assembler.rules import placement, readers, shared_files
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target

RULE, SECTION = "rule", "section"
"""What instructions become: a scoped rule, which is a file of its own, or a section of a file."""

HIDES, SHOWS, LOADS_ONE = "hides", "shows both", "loads one"
"""What a client does with several files of an agent: its own one wins, it shows all, or it is not clear which wins."""

_NOT_LOADED, _HIDDEN = placement.output_not_loaded.code, readers.hidden_by_file.code
_ABOUT_READING = frozenset(
    each.code
    for each in (
        *(placement.output_not_loaded, placement.namesake, placement.same_name),
        *(shared_files.shown_twice, shared_files.served_by_foreign_file, shared_files.shown_beside_another),
        *(shared_files.limits_lost, readers.loaded_twice, readers.hidden_by_file, readers.no_scoped_rules),
        *(readers.scoped_rule_twice, readers.skill_shown_twice),
    )
)


class Made(NamedTuple):
    """One output of the kit, the clients that read it, and its manifest: the file, and what is in it or inherited."""

    file: str
    manifest: Manifest
    output: Output
    readers: tuple[str, ...]


class Reading(NamedTuple):
    """What a client reads at one place, which is a folder, or a file with sections.

    `what` is the kind of what is there: an agent, a skill, `RULE` or `SECTION`. `made_for` is the target that it is
    generated for. If that is another one, the client's own files may hide some: `hidden` is the number of these.
    """

    target: str
    place: str
    what: str
    made_for: str
    number: int
    hidden: int = 0


class Several(NamedTuple):
    """The files of one agent, at least two, of which one client reads all. With `HIDES`, the first one wins.

    `has_own` says that the first one is generated for this client.
    """

    target: str
    agent: str
    paths: tuple[str, ...]
    has_own: bool
    effect: str


class Unread(NamedTuple):
    """An output that a client does not read although it is generated for it, and the clients that do read it.

    `code` is that of the rule about it, which the settings can ignore.
    """

    target: str
    path: str
    readers: tuple[str, ...]
    code: str
    is_ignored: bool

    @property
    def subject(self) -> tuple[str, str]:
        """What one finding is about: the client and the code."""
        return self.target, self.code


class KitReading(NamedTuple):
    """What the clients read of a kit.

    `targets` are all of the kit and its manifests, and `outputs` is the number of its outputs. `findings` are those
    about reading, and `errors` all other errors: the manifests that have some are left out.
    """

    targets: tuple[str, ...]
    outputs: int
    readings: tuple[Reading, ...]
    several: tuple[Several, ...]
    unread: tuple[Unread, ...]
    findings: tuple[Diagnostic, ...]
    errors: tuple[Diagnostic, ...]

    @property
    def unclear(self) -> list[Several]:
        """The agents of which a client may not load the file that is generated for it."""
        return [each for each in self.several if each.effect == LOADS_ONE and each.has_own]

    @property
    def serious(self) -> list[Diagnostic]:
        """The findings which say that a client does not read an output."""
        codes = {each.code for each in self.unread if not each.is_ignored}
        return [each for each in self.findings if each.severity is Severity.ERROR or each.code in codes]

    @property
    def is_healthy(self) -> bool:
        """Whether there are no errors, and each client reads what is generated for it."""
        is_lacking = any(not each.is_ignored for each in self.unread)
        return not (is_lacking or self.errors or self.unclear or self.serious)


def reading_of(kit: LoadedKit) -> KitReading:
    """Return what the clients read of a kit, planned as a build would plan it. Nothing is written.

    Raises:
        AssembleError: a folder of the kit cannot be read, or the run may not use the home folder that it needs.
    """
    refuse_home(kit)
    policy = Policy.of(kit)
    plan = plan_kit(kit, kit.manifests, True, policy.ignore)
    found = policy.weigh([*plan.diagnostics, *plan.about_files])
    planned = {change.manifest for change in plan.changes}
    valid = [each for each in contexts(kit, kit.manifests) if each.source.file in planned]
    named = (target for each in valid for target in each.manifest.targets or ())
    targets = tuple(dict.fromkeys([*kit.settings.targets, *named]))
    made = [
        Made(each.source.file, each.manifest, output, _readers(kit, output, targets))
        for each in valid
        for output in outputs_of(kit, each.manifest, each.source.file)
    ]
    several = tuple(_several(kit, made))
    about = tuple(limited((one for one in found if one.code in _ABOUT_READING), policy.ignore))
    others = errors_in(one for one in found if one.code not in _ABOUT_READING)
    return KitReading(
        targets=targets,
        outputs=len({(each.output.path, each.output.section) for each in made}),
        readings=tuple(_readings(kit, made, several)),
        several=several,
        unread=tuple(_unread(made, policy.ignore)),
        findings=about,
        errors=tuple(limited(others, policy.ignore)),
    )


def _readers(kit: LoadedKit, output: Output, targets: Sequence[str]) -> tuple[str, ...]:
    """The clients that read an output: of those that read an agent, also clients that are not targets of the kit."""
    if output.kind == AGENT.name:
        return tuple(name for name in TARGETS if kit.placement.is_loaded(name, output.path))
    if output.kind == SKILL.name:
        return tuple(name for name in targets if reads_skill(kit, name, output.path))
    if not output.section:
        others = (name for name in targets if output.target in TARGETS[name].instructions.reads_rules_of)
        return tuple(dict.fromkeys([*output.targets, *others]))
    folder = os.path.dirname(output.path) or "."
    return tuple(name for name in output.targets if output.imports or not hiding_file(kit, folder, name))


def _unread(made: Iterable[Made], ignored: Collection[str]) -> Iterator[Unread]:
    for each in made:
        output, found = each.output, each.readers
        # an agent that is also a skill is not a skill for one client
        lacking = [name for name in output.targets if name not in found and not (output.kind == SKILL.name and found)]
        code = _HIDDEN if output.section else _NOT_LOADED
        yield from (Unread(name, output.path, found, code, code in ignored) for name in lacking)


def _several(kit: LoadedKit, made: Iterable[Made]) -> Iterator[Several]:
    """Yield the agents of which a client reads several files."""
    by_agent: dict[tuple[str, str], list[Made]] = {}
    for each in made:
        for target in each.readers if each.output.kind == AGENT.name else ():
            by_agent.setdefault((target, each.file), []).append(each)
    for (target, _), files in by_agent.items():
        if len(files) > 1:
            files.sort(key=lambda each: target not in each.output.targets)
            paths = tuple(each.output.path for each in files)
            has_own = target in files[0].output.targets
            effect = _effect(kit, TARGETS[target], files)
            yield Several(target, files[0].manifest.name, paths, has_own, effect)


def _effect(kit: LoadedKit, row: Target, files: Sequence[Made]) -> str:
    """What a client does with several files of an agent, its own one first."""
    manifest, own, *others = files[0].manifest, *(each.output for each in files)
    foreign = [row.foreign_folder(each.target) for each in others]
    if any(
        each and shared_files.shows_both(manifest, row, each) and not shared_files.is_turned_off(kit, each)
        for each in foreign
    ):
        return SHOWS
    wins = all(kit.placement.is_preferred(row, own.path, each.path) for each in others)
    return HIDES if row.name in own.targets and wins else LOADS_ONE


def _readings(kit: LoadedKit, made: Iterable[Made], several: Iterable[Several]) -> Iterator[Reading]:
    """Yield what each client reads at each place, the places with files of its own first."""
    hidden = {(each.target, path) for each in several if each.effect == HIDES for path in each.paths[1:]}
    found: dict[str, dict[tuple[str, str, str], tuple[set[str], int]]] = {name: {} for name in TARGETS}
    for each in made:
        output = each.output
        what = output.kind if output.kind in (AGENT.name, SKILL.name) else SECTION if output.section else RULE
        for target in each.readers:
            key = (_place(kit, each, what), what, target if target in output.targets else output.target)
            items, number = found[target].get(key, (set(), 0))
            items.add(f"{output.path}#{output.section}")
            found[target][key] = items, number + ((target, output.path) in hidden)
    for target, places in found.items():
        for key, (items, number) in sorted(places.items(), key=lambda each: each[0][2] != target):
            yield Reading(target, *key, len(items), number)


def _place(kit: LoadedKit, made: Made, what: str) -> str:
    """The folder around all outputs of a kind for a client, or the file that has a section."""
    if what == SECTION:
        return made.output.path
    path = made.output.path
    if what == AGENT.name:  # the name of the agent can be in the path of its folder
        path = kit.output(made.output.target, "{name}", made.file).partition("{name}")[0]
    folder = os.path.dirname(os.path.dirname(path) if what == SKILL.name else path) or "."
    in_home = path_below(folder, kit.home) if kit.home and os.path.isabs(folder) else ""
    return f"{HOME}{in_home}" if in_home else folder
