"""What could have to change in the sources so that lines of a generated file change: the candidates, likeliest first.

A candidate is only a guess. Whether it is right is found out by building the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath
from kei_assembler.records import NamedTuple
from kei_assembler.render.places import Line, Part
from kei_assembler.repair.adoption.texts import Text, Texts
from kei_assembler.repair.adoption.words import Hunk, between, carried, similar_pairs
from kei_assembler.repair.edits import Edit
from kei_assembler.toml.rewriting import with_table, without_key

Candidate = tuple[Edit, ...]

_SCALAR = lazy_re.compile(r"-?[0-9]+(?:\.[0-9]+)?|true|false")

_JOINT = ", "
"""What is between the entries of a list that a client has on one line."""

_MAX_SLIDES = 3


class _Table(NamedTuple):
    """A table in a list, such as a handoff: its file, the list, its number there, and its texts by their keys."""

    file: str
    path: KeyPath
    number: int
    texts: Mapping[str, Text]


class Changes:
    """The candidates for the changes of a file. `present` are its lines as generated, and `wanted` the edited ones."""

    def __init__(self, texts: Texts, present: Sequence[Line], wanted: Sequence[str]) -> None:
        self.texts = texts
        self.present = present
        self.wanted = wanted

    def of(self, hunk: Hunk) -> list[list[Candidate]]:
        """Return the candidates for each of the changes that make up a hunk. The first is about all of it, if any."""
        whole = [*self._whole(hunk)]
        parts = [found for part in self._split(hunk) if (found := [*self._candidates(part)])]
        return [[*whole, *parts[0]]] if len(parts) == 1 else [*([whole] if whole else []), *parts]

    def _split(self, hunk: Hunk) -> Iterator[Hunk]:
        """Yield the parts of a hunk: a line that became another one, or lines that are new or gone."""
        old, new = hunk
        if len(old) == len(new):
            yield from (Hunk(range(a, a + 1), range(b, b + 1)) for a, b in zip(old, new, strict=True))
            return
        pairs = similar_pairs([self.present[at].text for at in old], [self.wanted[at] for at in new])
        start, first = old.start, new.start
        for a, b in [*((old[a], new[b]) for a, b in pairs), (old.stop, new.stop)]:
            if start < a or first < b:
                yield Hunk(range(start, a), range(first, b))
            if a < old.stop:
                yield Hunk(range(a, a + 1), range(b, b + 1))
            start, first = a + 1, b + 1

    def _candidates(self, hunk: Hunk) -> Iterator[Candidate]:
        if len(hunk.old) == 1 == len(hunk.new):
            yield from self._changed(hunk.old[0], hunk.new[0])
        elif not hunk.old:
            for slid in self._slid(hunk):
                yield from self._added(slid)
        else:
            for slid in self._slid(hunk) if not hunk.new else [hunk]:
                yield from self._whole(slid)
                yield from self._removed(slid)

    def _changed(self, old: int, new: int) -> Iterator[Candidate]:
        """Yield the candidates for a line that became another one."""
        line, wanted = self.present[old], self.wanted[new]
        lists = {(part.file, part.key) for part in line.parts}
        inline = [part for part in line.parts if (part.file, part.key.rpartition("[")[0]) in lists]
        if inline:
            yield from self._list_on_a_line(inline, line.text, wanted)
        seen = set()
        for part in line.parts:
            text = self.texts.of(part)
            if text is None and (found := self._scalar(part, line.text, wanted)):
                yield (found,)
            if text is None or text.key in seen or part in inline:
                continue
            seen.add(text.key)
            is_one = len(text.lines) == 1
            number = 0 if is_one else text.number(part.line, line.text)
            numbers = [number] if number is not None else [*text.numbers(part.line)]
            for at in numbers:
                for made in carried(text.lines[at], line.text, wanted):
                    if edit := text.with_lines(at, at + 1, [made]):
                        yield (edit,)

    def _scalar(self, part: Part, printed: str, wanted: str) -> Edit | None:
        """Return the edit that changes a number or a boolean in TOML, which a line ends with."""
        edit = self.texts.scalar(part)
        before = printed.removesuffix(edit.text) if edit else printed
        new = wanted.removeprefix(before)
        is_scalar = edit is not None and before != printed and wanted == f"{before}{new}" and _SCALAR.fullmatch(new)
        return edit._replace(text=new) if edit and is_scalar else None

    def _list_on_a_line(self, parts: Sequence[Part], printed: str, wanted: str) -> Iterator[Candidate]:
        """Yield the candidate for a line that has all entries of a list, such as tools."""
        entries = [self.texts.entry(part) for part in parts]
        values = [text.value for part in parts if (text := self.texts.of(part))]
        start = printed.rfind(_JOINT.join(values)) if values else -1
        path = entries[0][0] if entries[0] else ()
        is_whole = bool(path) and [*entries] == [(path, index) for index in range(self._count(parts[0].file, path))]
        if start < 0 or len(values) != len(parts) or not is_whole:
            return
        before, after = printed[:start], printed[start + len(_JOINT.join(values)) :]
        if wanted.startswith(before) and wanted[len(before) :].endswith(after):
            new = wanted[len(before) : len(wanted) - len(after)].split(_JOINT)
            order = [values.index(each) if each in values else each for each in new if each]
            yield tuple(self.texts.rearranged(parts[0].file, path, order))

    def _whole(self, hunk: Hunk) -> Iterator[Candidate]:
        """Yield the candidate for lines of one text that are replaced or removed."""
        found = [self._line_of_text(number) for number in hunk.old]
        if not found or None in found:
            return
        placed = [each for each in found if each]
        text, first, indent = placed[0]
        is_one = all(other.key == text.key and at == first + step for step, (other, at, _) in enumerate(placed))
        if is_one and (made := self._without_indent(hunk.new, indent)) is not None:
            last = first + len(placed)
            if edit := text.with_lines(first, last, made):
                yield (edit,)

    def _line_of_text(self, number: int) -> tuple[Text, int, str] | None:
        """Return the text of several lines that a line is from, the line in it, and its indent in the file."""
        line = self.present[number]
        text = self.texts.of(line.parts[0])
        if text is None or len(line.parts[0:1]) != 1:
            return None
        at = text.number(line.parts[0].line, line.text)
        indent = None if at is None else text.indented(at, line.text)
        return None if at is None or indent is None else (text, at, indent)

    def _without_indent(self, numbers: range, indent: str) -> list[str] | None:
        lines = [self.wanted[number] for number in numbers]
        is_indented = all(line.startswith(indent) or not line for line in lines)
        return [line[len(indent) :] for line in lines] if is_indented else None

    def _slid(self, hunk: Hunk) -> Iterator[Hunk]:
        """Yield a hunk of new or removed lines, and the equal ones that begin some lines above or below."""
        yield hunk
        lines, numbers = (self.wanted, hunk.new) if hunk.new else ([line.text for line in self.present], hunk.old)
        for step in (-1, 1):
            old, new = hunk
            start, stop = numbers.start, numbers.stop
            for _ in range(_MAX_SLIDES):
                leaving, entering = (stop - 1, start - 1) if step < 0 else (start, stop)
                if not (0 <= entering < len(lines) and lines[leaving] == lines[entering]):
                    break
                start, stop = start + step, stop + step
                old, new = range(old.start + step, old.stop + step), range(new.start + step, new.stop + step)
                if min(old.start, new.start) < 0 or old.stop > len(self.present):
                    break
                yield Hunk(old, new)

    def _added(self, hunk: Hunk) -> Iterator[Candidate]:
        """Yield the candidates for new lines: after the line above them, or before the one below."""
        at = hunk.old.start
        for number, is_after in ((at - 1, True), (at, False)):
            if not 0 <= number < len(self.present):
                continue
            line = self.present[number]
            for part in line.parts:
                yield from self._added_entries(hunk, line, part, is_after)
            yield from self._added_tables(hunk, line, is_after)
            found = self._line_of_text(number) or self._number_of_text(number)
            if found and (made := self._without_indent(hunk.new, found[2])) is not None:
                where = found[1] + is_after
                if edit := found[0].with_lines(where, where, made):
                    yield (edit,)

    def _number_of_text(self, number: int) -> tuple[Text, int, str] | None:
        """Return the text that a line is from, and the line in it, even if values fill the line."""
        line = self.present[number]
        text = self.texts.of(line.parts[0])
        numbers = [*text.numbers(line.parts[0].line)] if text else []
        return (text, numbers[0], "") if text and len(numbers) == 1 else None

    def _added_entries(self, hunk: Hunk, line: Line, part: Part, is_after: bool) -> Iterator[Candidate]:
        """Yield the candidate for lines that are new entries of the list that a line next to them is from."""
        entry, text = self.texts.entry(part), self.texts.of(part)
        at = line.text.find(text.value) if text and text.value else -1
        if entry is None or text is None or at < 0:
            return
        before, after = line.text[:at], line.text[at + len(text.value) :]
        lines = [self.wanted[number] for number in hunk.new]
        if all(each.startswith(before) and each[len(before) :].endswith(after) for each in lines):
            path, index = entry
            new = [each[len(before) : len(each) - len(after)] for each in lines]
            count = self._count(part.file, path)
            where = index + is_after
            yield tuple(self.texts.rearranged(part.file, path, [*range(where), *new, *range(where, count)]))

    def _added_tables(self, hunk: Hunk, line: Line, is_after: bool) -> Iterator[Candidate]:
        """Yield the candidate for lines that are new tables of a list, such as handoffs: like a line next to them."""
        table = self._table(line)
        if table is None:
            return
        joints, end, keys = list[str](), 0, list[str]()
        for key, text in sorted(table.texts.items(), key=lambda each: line.text.find(each[1].value)):
            at = line.text.find(text.value, end)
            if at < end:
                return
            joints.append(line.text[end:at])
            keys.append(key)
            end = at + len(text.value)
        found = [between(self.wanted[number], [*joints, line.text[end:]]) for number in hunk.new]
        file, path, index, _ = table
        source, edits = self.texts.source(file), list[Edit]()
        for texts in filter(None, reversed(found)):
            values = {key: texts[keys.index(key)] for key in source.value((*path, index))}
            edits += (Edit(file, *splice) for splice in with_table(source, path, index + is_after, values))
        if len(edits) == len(found) and found:
            yield (edits[0]._replace(text="".join(each.text for each in reversed(edits))),)

    def _table(self, line: Line) -> _Table | None:
        """Return the table in a list that a line has all texts of."""
        texts = [text for part in line.parts if (text := self.texts.of(part)) and text.path]
        by_key = {str(text.path[-1]): text for text in texts}
        tables = {(text.source.file, text.path[:-1]) for text in texts}
        file, path = next(iter(tables)) if len(tables) == 1 else ("", ())
        if len(path) > 1 and isinstance(path[-1], int) and {*by_key} == {*self.texts.source(file).value(path)}:
            return _Table(file, path[:-1], path[-1], by_key)
        return None

    def _count(self, file: str, path: KeyPath) -> int:
        """Return how many entries a list in a TOML file has."""
        return len(self.texts.source(file).value(path))

    def _removed(self, hunk: Hunk) -> Iterator[Candidate]:
        """Yield the candidate for lines that are entries of one list."""
        if hunk.new:
            return
        if tables := [table for number in hunk.old if (table := self._table(self.present[number]))]:
            yield tuple(
                Edit(file, *splice)
                for file, path, index, _ in tables
                for splice in without_key(self.texts.source(file), (*path, index))
            )
        entries = [self._entry(self.present[number]) for number in hunk.old]
        lists = {each[:2] for each in entries if each}
        if None in entries or len(lists) != 1:
            return
        file, path = next(iter(lists))
        gone = {each[2] for each in entries if each}
        order: list[int | str] = [index for index in range(self._count(file, path)) if index not in gone]
        yield tuple(self.texts.rearranged(file, path, order))

    def _entry(self, line: Line) -> tuple[str, tuple[str | int, ...], int] | None:
        for part in line.parts:
            if found := self.texts.entry(part):
                return part.file, *found
        return None
