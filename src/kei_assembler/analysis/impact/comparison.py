"""Compare two states of a kit: what differs in the files that they generate, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

from kei_assembler.analysis.impact.abilities import NOTHING_AT_ALL, Abilities, abilities, clients, gained
from kei_assembler.analysis.impact.attribution import UNKNOWN, Attribution, Numbered, Subject
from kei_assembler.analysis.impact.causes import TARGETS_KEY, Causes
from kei_assembler.analysis.impact.ends import Built, End, Made
from kei_assembler.analysis.impact.results import (
    CHANGED,
    DELETED,
    MOVED,
    NEW,
    Cause,
    Change,
    Difference,
    Effect,
    Handoffs,
    Impact,
    Item,
    Model,
    Output,
    Share,
)
from kei_assembler.build.classify import comment_of
from kei_assembler.build.diff import matched_lines
from kei_assembler.build.findings import limited
from kei_assembler.build.parallel import shared
from kei_assembler.diagnostics import Diagnostic, KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import stamp
from kei_assembler.markdown.tokens import tokens
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS, ItemName
from kei_assembler.model.values import filled, values_for
from kei_assembler.records import NamedTuple
from kei_assembler.render.renderer import Artifact
from kei_assembler.targets import TARGETS

_MIN_SHARED = 32
"""The number of items above which a second process compares half of them."""


class _Side:
    """An item at one end: what is generated of it, by slot (see `Made`), and what it may do there."""

    def __init__(self, end: End, built: Built | None) -> None:
        self.end = end
        self.built = built

    @cached_property
    def made(self) -> Mapping[str, Made]:
        return {made.slot: made for made in self.built.made} if self.built else {}

    @cached_property
    def clients(self) -> tuple[str, ...]:
        may_act = self.built is not None and self.built.manifest.kind != INSTRUCTIONS.name
        return clients(self.end.kit, self.built.manifest) if may_act and self.built and self.end.kit else ()

    def abilities(self, target: str) -> Abilities:
        if self.built is None or self.end.kit is None or target not in self.clients:
            return NOTHING_AT_ALL
        return abilities(self.end.kit, self.built.manifest, target)

    @property
    def handoffs(self) -> dict[str, str]:
        if self.built is None:
            return {}
        manifest = self.built.manifest
        found = filled(manifest, values_for(manifest._replace(target={}), "")).handoff
        return {handoff.target: handoff.trigger for handoff in found}

    @property
    def tokens(self) -> int:
        return max((tokens(made.artifact.content.decode()) for made in self.made.values()), default=0)


def compare(before: LoadedKit | None, after: LoadedKit | None, since: str, until: str) -> Impact:
    """Return the impact of the change from one state of a kit to another. Either can be missing.

    `since` and `until` are the names of the states. Only items whose outputs can differ are built.

    Raises:
        AssembleError: a folder of a kit cannot be read, or a run may not use the home folder that it needs.
    """
    comparison = _Comparison(Causes(End(before), End(after)))
    return comparison.impact(since, until)


class _Part(NamedTuple):
    """What differs for some items; see `Impact`.

    `unclear` are the causes of lines that cannot be told to come from one of them, and of incomparable items.
    """

    items: tuple[Item, ...]
    errors: tuple[Diagnostic, ...]
    incomparable: tuple[ItemName, ...]
    broken: tuple[ItemName, ...]
    unclear: frozenset[Cause]


class _Comparison:
    def __init__(self, causes: Causes) -> None:
        self.causes = causes
        self.attribution = Attribution(causes)
        self.unclear: set[Cause] = set()
        """See `_Part`."""

    def impact(self, since: str, until: str) -> Impact:
        names = sorted({*self.causes.before.items, *self.causes.after.items})
        _ = self.causes.bases  # both processes need it
        half = len(names) // 2
        halves = [names[:half], names[half:]] if len(names) > _MIN_SHARED else [names]
        parts = shared(self._compared, halves, minimum=2)
        items = tuple(item for part in parts for item in part.items)
        effects, unused = self._effects(items, {cause for part in parts for cause in part.unclear})
        errors = limited({error for part in parts for error in part.errors}) if len(parts) > 1 else parts[0].errors
        incomparable = tuple(name for part in parts for name in part.incomparable)
        broken = tuple(name for part in parts for name in part.broken)
        kinds = tuple(dict.fromkeys((AGENT.name, *(name.kind for name in names))))
        return Impact(since, until, effects, items, unused, tuple(errors), incomparable, broken, kinds)

    def _compared(self, some: Iterable[ItemName]) -> _Part:
        """Return what differs for some items."""
        before, after = self.causes.before, self.causes.after
        names = [*filter(self._may_differ, some)]
        new, errors = after.build((name for name in names if name in after.items), {})
        same = {name: built.manifest for name, built in new.items() if self.causes.has_same_manifest(name)}
        old, _ = before.build([name for name in names if name in before.items], same)
        items = [
            item
            for name in names
            if (name in new or name not in after.items)
            and (item := self._item(name, _Side(before, old.get(name)), _Side(after, new.get(name))))
        ]
        incomparable = tuple(name for name in names if name in after.items and name not in new)
        known = {*old, *incomparable}
        broken = tuple(name for name in names if name in before.items and name not in known)
        for name in incomparable:
            self.unclear |= {cause for target in TARGETS for cause in self.causes.candidates(name, target)}
        return _Part(tuple(items), tuple(errors), incomparable, broken, frozenset(self.unclear))

    def _effects(
        self, items: Iterable[Item], unclear: Collection[Cause]
    ) -> tuple[tuple[Effect, ...], tuple[Change, ...]]:
        """Return the effects of the causes, and the changes without any."""
        by_cause: dict[Cause, list[Output]] = {cause: [] for cause in self.causes.all()}
        for item in items:
            for output in item.outputs:
                for cause in output.shares:
                    by_cause.setdefault(cause, []).append(output)
        effects, unused = [], []
        for cause, outputs in sorted(by_cause.items(), key=lambda each: each[0]):
            change = self.causes.change(cause)
            if outputs:
                effects.append(Effect(change, tuple(outputs)))
            elif cause not in unclear:
                unused.append(change)
        return tuple(effects), tuple(unused)

    def _may_differ(self, name: ItemName) -> bool:
        """Return whether any output of an item can differ, or cannot be built."""
        before, after = self.causes.before, self.causes.after
        if name not in before.items or name not in after.items:
            return True
        if after.may_have_errors(name):
            return True
        old, new = before.inputs(name), after.inputs(name)
        return (old.targets, old.paths) != (new.targets, new.paths) or any(
            self.causes.candidates(name, target) or self.causes.has_other_prefixes(name, target)
            for target in new.targets
        )

    def _item(self, name: ItemName, old: _Side, new: _Side) -> Item | None:
        """Return an item, or None if none of its outputs differs."""
        slots = dict.fromkeys((*new.made, *old.made))
        outputs = tuple(filter(None, (self._output(name, old.made.get(slot), new.made.get(slot)) for slot in slots)))
        if not outputs:
            return None
        readers = dict.fromkeys((*new.clients, *old.clients))
        pairs = {target: (old.abilities(target), new.abilities(target)) for target in readers}
        differences = [gained(*pair, target) for target, pair in pairs.items()]
        models = (
            Model(target, one.model, other.model)
            for target, (one, other) in pairs.items()
            if target in old.made and target in new.made and one.model != other.model
        )
        return Item(
            name,
            NEW if old.built is None else DELETED if new.built is None else CHANGED,
            outputs,
            old.tokens,
            new.tokens,
            _joined(tools for tools, _ in differences),
            _joined(rights for _, rights in differences),
            tuple(models),
            _handoffs(old.handoffs, new.handoffs),
        )

    def _output(self, name: ItemName, old: Made | None, new: Made | None) -> Output | None:
        """Return what differs in an output of an item, or None if nothing does."""
        before, after = (made.artifact if made else None for made in (old, new))
        lines, others = _lines(before), _lines(after)
        matches = matched_lines(lines, others)
        matched = frozenset(matches)
        gone = [Numbered(at, lines[at]) for at, match in enumerate(matches) if match is None and lines[at] != _STAMP]
        come = [Numbered(at, line) for at, line in enumerate(others) if at not in matched and line != _STAMP]
        if before and after and not gone and not come and before.path == after.path:
            return None
        status = NEW if before is None else DELETED if after is None else CHANGED
        status = MOVED if before and after and before.path != after.path else status
        outputs = [made.output for made in (new, old) if made]
        targets = dict.fromkeys(target for output in outputs for target in output.targets)
        possible = self._causes_of_targets(status).union(*(self.causes.candidates(name, each) for each in targets))
        reason = self._reason(name, targets, status)
        shares = {reason: Share()} if status == MOVED else {}
        other = UNKNOWN if status in (CHANGED, MOVED) else reason
        subject = Subject(name, old.output if old else None, new.output if new else None, possible, other)
        shares |= self._shares(subject, gone, come)
        if UNKNOWN in shares:
            self.unclear |= possible
        path, old_path = (artifact.path if artifact else "" for artifact in (after, before))
        keys, (shown, *_) = _differing_keys(before, after), outputs
        return Output(name, shown.targets, status, path, old_path, shares, keys, shown.section)

    def _shares(self, about: Subject, gone: Sequence[Numbered], come: Sequence[Numbered]) -> dict[Cause, Share]:
        """Return the shares of the causes in the lines of a file that are gone and those that have come."""
        added: dict[Cause, list[str]] = {}
        removed: dict[Cause, list[str]] = {}
        for lines, by_cause, is_after in ((gone, removed, False), (come, added, True)):
            found = self.attribution.of_lines(lines, about, is_after=is_after)
            for cause, line in zip(found, lines, strict=True):
                by_cause.setdefault(cause, []).append(line.text)
        return {
            cause: _share(tuple(added.get(cause, ())), tuple(removed.get(cause, ())))
            for cause in dict.fromkeys((*added, *removed))
        }

    def _causes_of_targets(self, status: str) -> frozenset[Cause]:
        """The change of the setting `targets`, if it can be why a file is new or deleted."""
        is_cause = status in (NEW, DELETED) and TARGETS_KEY in self.causes.settings
        return frozenset([self.causes.of_setting(TARGETS_KEY)] if is_cause else [])

    def _reason(self, name: ItemName, targets: Iterable[str], status: str) -> Cause:
        """The cause of an output as a whole being new, deleted or elsewhere."""
        causes, is_agent = self.causes, name.kind == AGENT.name
        paths: list[KeyPath] = [
            ("target", target, "output" if status == MOVED else "use-files-of") for target in targets
        ]
        if status != MOVED:
            paths.insert(0, TARGETS_KEY)
        elif not is_agent:
            paths = [("root",)]
        settings = [causes.of_setting(path) for path in paths if path in causes.settings]
        inputs = [end.inputs(name) for end in (causes.before, causes.after) if name in end.items]
        files = dict.fromkeys(file for each in inputs for file in each.manifests)
        changed = [causes.of_file(file) for file in files if causes.is_changed(file)]
        found = [*settings, *changed] if status == MOVED and is_agent else [*changed, *settings]
        return next(iter(found), UNKNOWN)


_STAMP = "\0"
"""What the stamp is compared as: it differs if any other line does, and does not count."""


def _lines(artifact: Artifact | None) -> list[str]:
    """The lines of a generated file or section, with `_STAMP` in place of the stamp."""
    if artifact is None:
        return []
    text = artifact.content.decode()
    if artifact.section:
        return [_STAMP, *text.split("\n")[1:-2], _STAMP]
    own_stamp = stamp.split(text, comment_of(artifact.kind, artifact.target))[0]
    return text.replace(own_stamp or _STAMP, _STAMP, 1).split("\n")[:-1]


@lru_cache(maxsize=256)  # many files get the same lines
def _share(added: tuple[str, ...], removed: tuple[str, ...]) -> Share:
    return Share(added, removed, tokens("\n".join(added)) - tokens("\n".join(removed)))


def _joined(differences: Iterable[Difference]) -> Difference:
    parts = list(differences)
    return Difference(
        tuple(gain for part in parts for gain in part.added), tuple(gain for part in parts for gain in part.removed)
    )


def _handoffs(old: Mapping[str, str], new: Mapping[str, str]) -> Handoffs:
    return Handoffs(
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(name for name in new if name in old and old[name] != new[name]),
    )


def _differing_keys(before: Artifact | None, after: Artifact | None) -> tuple[str, ...]:
    """The keys of the front matter that differ."""
    if before is None or after is None:
        return ()
    old, new = dict(before.entries), dict(after.entries)
    return tuple(key for key in dict.fromkeys((*new, *old)) if old.get(key) != new.get(key))
