"""Compare two states of a kit: what differs in the files that they generate, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from kei_assembler.analysis.impact.abilities import NOTHING_AT_ALL, Abilities, abilities, clients, gained
from kei_assembler.analysis.impact.attribution import UNKNOWN, Attribution, Numbered, Subject
from kei_assembler.analysis.impact.causes import TARGETS_KEY, Causes
from kei_assembler.analysis.impact.ends import End
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
from kei_assembler.build.diff import matched_lines
from kei_assembler.build.findings import limited
from kei_assembler.build.kit_plan import Preview
from kei_assembler.build.parallel import shared
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import stamp
from kei_assembler.markdown.tokens import tokens
from kei_assembler.model.values import filled, values_for
from kei_assembler.render.renderer import Artifact
from kei_assembler.targets import TARGETS

_MIN_SHARED = 32
"""The number of agents above which a second process compares half of them."""


class _Side:
    """An agent at one end: what is generated of it, by target, and what it may do there."""

    def __init__(self, end: End, preview: Preview | None) -> None:
        self.end = end
        self.preview = preview

    @cached_property
    def artifacts(self) -> Mapping[str, Artifact]:
        return {artifact.target: artifact for artifact in self.preview.artifacts} if self.preview else {}

    @cached_property
    def clients(self) -> tuple[str, ...]:
        return clients(self.end.kit, self.preview.manifest) if self.preview and self.end.kit else ()

    def abilities(self, target: str) -> Abilities:
        if self.preview is None or self.end.kit is None or target not in self.clients:
            return NOTHING_AT_ALL
        return abilities(self.end.kit, self.preview.manifest, target)

    @property
    def handoffs(self) -> dict[str, str]:
        if self.preview is None:
            return {}
        manifest = self.preview.manifest
        found = filled(manifest, values_for(manifest._replace(target={}), "")).handoff
        return {handoff.target: handoff.trigger for handoff in found}

    @property
    def tokens(self) -> int:
        return max((tokens(artifact.content.decode()) for artifact in self.artifacts.values()), default=0)


def compare(before: LoadedKit | None, after: LoadedKit | None, since: str, until: str) -> Impact:
    """Return the impact of the change from one state of a kit to another. Either can be missing.

    `since` and `until` are the names of the states. Only agents whose files can differ are built.

    Raises:
        AssembleError: a folder of a kit cannot be read, or a run may not use the home folder that it needs.
    """
    comparison = _Comparison(Causes(End(before), End(after)))
    return comparison.impact(since, until)


class _Part(NamedTuple):
    """What differs for some agents; see `Impact`.

    `unclear` are the causes of lines that cannot be told to come from one of them, and of incomparable agents.
    """

    items: tuple[Item, ...]
    errors: tuple[Diagnostic, ...]
    incomparable: tuple[str, ...]
    broken: tuple[str, ...]
    unclear: frozenset[Cause]


class _Comparison:
    def __init__(self, causes: Causes) -> None:
        self.causes = causes
        self.attribution = Attribution(causes)
        self.unclear: set[Cause] = set()
        """See `_Part`."""

    def impact(self, since: str, until: str) -> Impact:
        names = sorted({*self.causes.before.agents, *self.causes.after.agents})
        _ = self.causes.bases  # both processes need it
        half = len(names) // 2
        halves = [names[:half], names[half:]] if len(names) > _MIN_SHARED else [names]
        parts = shared(self._compared, halves, minimum=2)
        items = tuple(item for part in parts for item in part.items)
        effects, unused = self._effects(items, {cause for part in parts for cause in part.unclear})
        errors = limited({error for part in parts for error in part.errors}) if len(parts) > 1 else parts[0].errors
        incomparable = tuple(name for part in parts for name in part.incomparable)
        broken = tuple(name for part in parts for name in part.broken)
        return Impact(since, until, effects, items, unused, tuple(errors), incomparable, broken)

    def _compared(self, some: Iterable[str]) -> _Part:
        """Return what differs for some agents."""
        before, after = self.causes.before, self.causes.after
        names = [*filter(self._may_differ, some)]
        new, errors = after.build((name for name in names if name in after.agents), {})
        same = {name: preview.manifest for name, preview in new.items() if self.causes.has_same_manifest(name)}
        old, _ = before.build([name for name in names if name in before.agents], same)
        items = [
            item
            for name in names
            if (name in new or name not in after.agents)
            and (item := self._item(name, _Side(before, old.get(name)), _Side(after, new.get(name))))
        ]
        incomparable = tuple(name for name in names if name in after.agents and name not in new)
        known = {*old, *incomparable}
        broken = tuple(name for name in names if name in before.agents and name not in known)
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

    def _may_differ(self, name: str) -> bool:
        """Return whether any file of an agent can differ, or cannot be built."""
        before, after = self.causes.before, self.causes.after
        if name not in before.agents or name not in after.agents:
            return True
        if after.may_have_errors(name):
            return True
        old, new = before.inputs(name), after.inputs(name)
        return old.targets != new.targets or any(
            self.causes.candidates(name, target) or self.causes.has_other_prefixes(name, target)
            for target in new.targets
        )

    def _item(self, name: str, old: _Side, new: _Side) -> Item | None:
        """Return the item for an agent, or None if none of its files differs."""
        targets = dict.fromkeys((*new.artifacts, *old.artifacts))
        outputs = tuple(filter(None, (self._output(name, target, old, new) for target in targets)))
        if not outputs:
            return None
        readers = dict.fromkeys((*new.clients, *old.clients))
        pairs = {target: (old.abilities(target), new.abilities(target)) for target in readers}
        differences = [gained(*pair, target) for target, pair in pairs.items()]
        models = (
            Model(target, one.model, other.model)
            for target, (one, other) in pairs.items()
            if target in old.artifacts and target in new.artifacts and one.model != other.model
        )
        return Item(
            name,
            NEW if old.preview is None else DELETED if new.preview is None else CHANGED,
            outputs,
            old.tokens,
            new.tokens,
            _joined(tools for tools, _ in differences),
            _joined(rights for _, rights in differences),
            tuple(models),
            _handoffs(old.handoffs, new.handoffs),
        )

    def _output(self, name: str, target: str, old: _Side, new: _Side) -> Output | None:
        """Return what differs in an agent's file for a target, or None if nothing does."""
        before, after = (side.artifacts.get(target) for side in (old, new))
        lines, others = _lines(before), _lines(after)
        matches = matched_lines(lines, others)
        matched = frozenset(matches)
        gone = [Numbered(at, lines[at]) for at, match in enumerate(matches) if match is None and lines[at] != _STAMP]
        come = [Numbered(at, line) for at, line in enumerate(others) if at not in matched and line != _STAMP]
        if before and after and not gone and not come and before.path == after.path:
            return None
        status = NEW if before is None else DELETED if after is None else CHANGED
        status = MOVED if before and after and before.path != after.path else status
        possible = self.causes.candidates(name, target) | self._causes_of_targets(status)
        reason = self._reason(name, target, status)
        shares = {reason: Share()} if status == MOVED else {}
        subject = Subject(name, target, possible, UNKNOWN if status in (CHANGED, MOVED) else reason)
        shares |= self._shares(subject, gone, come)
        if UNKNOWN in shares:
            self.unclear |= possible
        path, old_path = (artifact.path if artifact else "" for artifact in (after, before))
        return Output(name, target, status, path, old_path, shares, _differing_keys(before, after))

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

    def _reason(self, name: str, target: str, status: str) -> Cause:
        """The cause of a file as a whole being new, deleted or elsewhere."""
        causes = self.causes
        paths = [("target", target, "output")] if status == MOVED else [TARGETS_KEY, ("target", target, "use-files-of")]
        settings = [causes.of_setting(path) for path in paths if path in causes.settings]
        inputs = [end.inputs(name) for end in (causes.before, causes.after) if name in end.agents]
        files = dict.fromkeys(file for each in inputs for file in each.manifests)
        changed = [causes.of_file(file) for file in files if causes.is_changed(file)]
        found = [*settings, *changed] if status == MOVED else [*changed, *settings]
        return next(iter(found), UNKNOWN)


_STAMP = "\0"
"""What the stamp is compared as: it differs if any other line does, and does not count."""


def _lines(artifact: Artifact | None) -> list[str]:
    """The lines of a generated file, with `_STAMP` in place of the stamp."""
    if artifact is None:
        return []
    text = artifact.content.decode()
    own_stamp = stamp.split(text, TARGETS[artifact.target].form.comment)[0]
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
