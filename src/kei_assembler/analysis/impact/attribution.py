"""Attribute the changed lines of a generated file to the sources that caused them.

A changed line belongs to the source that it comes from if that changed there, otherwise to the changed entry that
included it, such as a bundle or a base. What a template or the client adds around such lines, such as a heading,
belongs to their cause. All other lines belong to the cause of the whole file if it is new or deleted, otherwise to
several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.analysis.impact.causes import Causes
from kei_assembler.analysis.impact.results import SEVERAL, Cause
from kei_assembler.kit.outputs import Output
from kei_assembler.model.kinds import ItemName
from kei_assembler.records import NamedTuple
from kei_assembler.render.origins import Origins
from kei_assembler.render.places import Entry, Part

UNKNOWN = Cause(SEVERAL)

_FRAMES = ("template", "client")
"""The kinds of parts that can be around the values of a manifest."""


class Numbered(NamedTuple):
    """A line of a file, with its number, from 0."""

    number: int
    text: str


class Subject(NamedTuple):
    """An output whose lines changed: that of an item before, and the one after the change, if they exist.

    `possible` are the causes that can have an effect on it. `other` is the cause of lines that cannot be told to come
    from one of them.
    """

    named: ItemName
    before: Output | None
    after: Output | None
    possible: frozenset[Cause]
    other: Cause


class Attribution:
    """Finds the causes of lines. Origins are looked up only where several causes are possible."""

    def __init__(self, causes: Causes) -> None:
        self.causes = causes
        self._before, self._after = (Origins(end.kit) if end.kit else None for end in (causes.before, causes.after))
        self._known: dict[object, list[Cause]] = {}
        self._by_key = {causes.of_setting(path).key: causes.of_setting(path) for path in causes.settings}

    def of_lines(self, lines: Sequence[Numbered], about: Subject, *, is_after: bool) -> list[Cause]:
        """Return the cause of each of these lines of a file before or after the change."""
        if not lines or len(about.possible) == 1:
            return [*about.possible] * len(lines)
        if not about.possible:
            return [about.other] * len(lines)
        # Looking up origins is slow, and most agents with a source in common have the same lines of it. The same lines
        # with the same possible causes have the same causes.
        key = (tuple(line.text for line in lines), about.possible, about.other, is_after)
        if key not in self._known:
            end, origins = (self.causes.after, self._after) if is_after else (self.causes.before, self._before)
            output = about.after if is_after else about.before
            all_lines = origins.of_output(end.items[about.named], output) if origins and output else []
            all_parts = [line.parts for line in all_lines]
            parts = [all_parts[line.number] for line in lines]
            found = [self._cause(each, about, is_after) for each in parts]
            self._known[key] = _with_frames(lines, parts, found, about.other)
        return self._known[key]

    def _cause(self, parts: Sequence[Part], about: Subject, is_after: bool) -> Cause | None:
        included = [entry for part in parts for entry in part.through]
        templates = [cause for cause in about.possible if cause.kind == "template"]
        found = [
            *self._changed(parts, is_after),
            *self._changed(included, is_after),
            *self._with_other_lists(included),
            # another template can be used than before
            *(templates if len(templates) == 1 and parts[0].kind == "template" else ()),
        ]
        return next((cause for cause in found if cause in about.possible), None)

    def _changed(self, places: Iterable[Part | Entry], is_after: bool) -> Iterator[Cause]:
        """Yield the causes of the places whose lines or settings have changed."""
        for place in places:
            if place.file == self.causes.settings_file and place.key:
                yield from (cause for key, cause in self._by_key.items() if _is_within(place.key, key))
            elif place.line and self.causes.is_line_changed(place.file, place.line, is_after):
                yield self.causes.of_file(place.file)

    def _with_other_lists(self, entries: Iterable[Entry]) -> Iterator[Cause]:
        """Yield the causes of the entries of lists that have changed in another place, such as their order."""
        for entry in entries:
            key = entry.key.partition("[")[0]
            if entry.file != self.causes.settings_file and key and self.causes.is_key_changed(entry.file, key):
                yield self.causes.of_file(entry.file)


def _with_frames(
    lines: Sequence[Numbered], parts: Sequence[Sequence[Part]], found: Sequence[Cause | None], other: Cause
) -> list[Cause]:
    """Return the causes of lines. What is around the lines of a cause, without a cause of its own, has the same cause.

    That is the cause of the next line or, at the end of consecutive lines, of the one before.
    """
    causes = [*found]
    is_frame = [cause is None and part[0].kind in _FRAMES for cause, part in zip(found, parts, strict=True)]
    for order, step in ((reversed(range(len(lines))), 1), (range(len(lines)), -1)):
        for at in order:
            near = at + step
            is_next = 0 <= near < len(lines) and lines[near].number == lines[at].number + step
            if is_next and is_frame[at] and causes[at] is None and other == UNKNOWN:
                causes[at] = causes[near]
    return [cause or other for cause in causes]


def _is_within(key: str, outer: str) -> bool:
    """Return whether a dotted key path is another one, or leads on from it."""
    return key.startswith(outer) and key[len(outer) : len(outer) + 1] in ("", ".", "[")
