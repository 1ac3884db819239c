"""Stamped sections: the parts of a file that the tool generates, in a file that people also write.

A section is a begin line, text, and an end line. The begin line names the section and its manifest, and, unless it is
plain, has a digest of the text, like the stamp of a generated file. A line `<!-- assemble: NAME -->` is a place for a
section that does not exist yet. These lines count only at the start of a line, and not in code fences, HTML comments
and the like.

All offsets are in bytes, because everything else in the file has to stay as it is, in whatever encoding.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from hashlib import sha256

from kei_assembler import lazy_re
from kei_assembler.markdown.block_reader import BlockReader, Unclosed
from kei_assembler.markdown.stamp import DIGITS, THEN
from kei_assembler.records import NamedTuple

MARK = b"<!-- assemble: "
"""The start of all lines that are about sections."""

_NAME = rb"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*+)"
_BEGIN = lazy_re.compile(rb"<!-- assemble: begin " + _NAME + rb"(?P<rest>[^\r\n]*) -->[ \t]*")
_END = lazy_re.compile(rb"<!-- assemble: end " + _NAME + rb" -->[ \t]*")
_PLACE = lazy_re.compile(rb"<!-- assemble: " + _NAME + rb" -->[ \t]*")
_DAMAGED = lazy_re.compile(rb"<!-- assemble: (?:begin|end) " + _NAME)
_SOURCE = lazy_re.compile(rb" from (?P<source>.+?)" + re.escape(THEN.encode()))
_DIGEST = lazy_re.compile(rb" sha256:(?P<digest>[0-9a-f]{%d})\Z" % DIGITS)
_ANY_DIGEST = lazy_re.compile(rb" \xc2\xb7 sha256:\w*\Z")
_PLAIN = lazy_re.compile(rb"\.toml'?\Z| assemble --all\Z")
_BEGIN_LINES = rb"(?:<!-- assemble: begin [^\n]*\n)*"
# Two branches that change different blocks of a section cause this conflict, which is about the begin line alone.
_CONFLICT = lazy_re.compile(
    rb"<{7}[^\n]*\n(?P<first>%b)(?:\|{7}[^\n]*\n%b)?={7}\r?\n%b>{7}[^\n]*(?:\n|\Z)" % ((_BEGIN_LINES,) * 3)
)


class Section(NamedTuple):
    """A section of a file: its name, the manifest that its begin line names, its span, and its text with LF.

    `begin` is the begin line. `source` is the path of the manifest relative to the file, or "" if the section belongs
    to no single manifest. `line` is that of its begin line, from 1. `intact` says whether the text matches the digest,
    and `is_plain` that there is none.
    """

    name: str
    begin: bytes
    source: str
    start: int
    end: int
    line: int
    text: bytes
    intact: bool
    is_plain: bool

    @property
    def digest(self) -> str:
        """The whole digest of the text."""
        return sha256(self.text).hexdigest()


class Place(NamedTuple):
    """A line for a section that does not exist yet: its span, and its number, from 1."""

    start: int
    end: int
    line: int


class Fault(NamedTuple):
    """Why the sections of a file cannot be told apart: a kind, the name of a section, and a line, from 1.

    `source` is the manifest that the line names, relative to the file, or "".

    - `no-begin`: an end line without a begin line
    - `no-end`: a begin line without an end line
    - `inside`: a begin or end line in a section of another name
    - `repeated`: a second section, or a second place, of a name
    - `damaged`: a line that starts like a begin or end line, and does not end like one
    """

    kind: str
    name: str
    line: int
    source: str


class Layout(NamedTuple):
    """What is in a file: its sections and places by their names, and its faults.

    `line_end` is the one that most of its lines have. `unclosed` is a code fence or the like that is still open at the
    end of the file, so that a section could not follow.
    """

    content: bytes
    line_end: bytes
    sections: dict[str, Section]
    places: dict[str, Place]
    faults: tuple[Fault, ...]
    unclosed: Unclosed | None


class Edit(NamedTuple):
    """A change of a file: the new bytes for the span between two offsets."""

    start: int
    end: int
    text: bytes


def is_text(content: bytes) -> bool:
    """Return whether a file has an encoding in which ASCII is ASCII, so that a section can be part of it."""
    return b"\0" not in content and not content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))


def written(name: str, source: str, command: str, body: str, is_plain: bool = False) -> bytes:
    """Return a section as UTF-8 with LF, with a line end after its end line.

    `source` is the path of the manifest relative to the file, and `command` are the words after `assemble` that
    generate the section. Without a source, the begin line names only the command. If `is_plain`, it has no digest.
    """
    text = f"\n{body}\n\n".encode()
    origin = f" from {source}{THEN}" if source else "; to update this section, run: assemble "
    digest = "" if is_plain else f" · sha256:{sha256(text).hexdigest()[:DIGITS]}"
    begin = f"<!-- assemble: begin {name}{origin}{command}{digest} -->\n"
    return b"".join((begin.encode(), text, f"<!-- assemble: end {name} -->\n".encode()))


def place_for(name: str) -> bytes:
    """Return the line that is the place for a section."""
    return b"%b%b -->\n" % (MARK, name.encode())


def with_digest_of(section: Section, other: Section) -> bytes:
    """Return the begin line of a section with the digest of another one, or without one if that is plain."""
    line, found = (each.begin.removesuffix(b" -->") for each in (section, other))
    digest = _ANY_DIGEST.search(found)
    return _ANY_DIGEST.sub(b"", line) + (digest[0] if digest else b"") + b" -->"


def has_marker(text: str) -> bool:
    """Return whether a text has a line that would begin or end a section, or be a place for one."""
    mark = MARK.decode()
    return mark in text and any(
        _DAMAGED.match(line.encode()) or _PLACE.fullmatch(line.encode())
        for line in text.split("\n")
        if line.startswith(mark)
    )


def layout(content: bytes) -> Layout:
    """Return what is in a file with these bytes."""
    return _Reader(content).layout()


class _Reader:
    """Reads a file line by line."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sections: dict[str, Section] = {}
        self.places: dict[str, Place] = {}
        self.faults: list[Fault] = []
        self.markdown = BlockReader()
        self.open: tuple[re.Match[bytes], int, int, int] | None = None
        """The begin line of the section that is being read, its number, its start, and the start of its text."""

    def layout(self) -> Layout:
        """Read the whole file."""
        position, number = len(BOM_UTF8) if self.content.startswith(BOM_UTF8) else 0, 0
        while position < len(self.content):
            if self.open and not self.content.startswith(MARK, position):  # skip the text of the section
                start = (self.content.find(b"\n" + MARK, position) + 1) or len(self.content)
                number += self.content.count(b"\n", position, start)
                position = start
                continue
            number += 1
            end = self._end_of_line(position)
            can_begin = not (self.open or self.markdown.unclosed)
            conflict = _CONFLICT.match(self.content, position) if can_begin else None
            if conflict and (begin := _begin_of(conflict)):
                self._begin(begin, number, position, conflict.end())
                number += conflict[0].count(b"\n") - 1
                end = conflict.end()
            else:
                self._read(self.content[position:end].rstrip(b"\r\n"), number, position, end)
            position = end
        if self.open:
            self._fault("no-end", self.open[0], self.open[1])
        crlf = self.content.count(b"\r\n")
        line_end = b"\r\n" if crlf * 2 > self.content.count(b"\n") else b"\n"
        unclosed = self.markdown.unclosed
        return Layout(self.content, line_end, self.sections, self.places, tuple(self.faults), unclosed)

    def _end_of_line(self, start: int) -> int:
        return (self.content.find(b"\n", start) + 1) or len(self.content)

    def _read(self, line: bytes, number: int, start: int, end: int) -> None:
        is_marker = line.startswith(MARK) and (self.open or not self.markdown.unclosed)
        if is_marker and (begin := _BEGIN.fullmatch(line)):
            self._begin(begin, number, start, end)
        elif is_marker and (match := _END.fullmatch(line)):
            self._end(match, number, start, end)
        elif is_marker and not self.open and (place := _PLACE.fullmatch(line)):
            self._place(place, number, start, end)
        elif is_marker and (damaged := _DAMAGED.match(line)):
            self._fault("damaged", damaged, number)
        if not self.open:
            for part in line.decode(errors="surrogateescape").split("\r"):  # in Markdown, a CR alone ends a line
                self.markdown.number = number - 1  # the lines of sections have not been read
                self.markdown.read(part.expandtabs(4))

    def _begin(self, match: re.Match[bytes], number: int, start: int, end: int) -> None:
        if self.open:
            self._fault("inside" if match["name"] != self.open[0]["name"] else "repeated", match, number)
            return
        if _name_of(match) in self.sections:
            self._fault("repeated", match, number)
        self.open = match, number, start, end

    def _end(self, match: re.Match[bytes], number: int, start: int, end: int) -> None:
        if self.open is None:
            self._fault("no-begin", match, number)
        elif match["name"] != self.open[0]["name"]:
            self._fault("inside", match, number)
        else:
            begin, line, first, start_of_text = self.open
            text = self.content[start_of_text:start].replace(b"\r\n", b"\n")
            digest = _DIGEST.search(begin["rest"])
            is_intact = digest is not None and digest["digest"].decode() == sha256(text).hexdigest()[:DIGITS]
            is_plain = _PLAIN.search(begin["rest"]) is not None
            self.sections[_name_of(begin)] = Section(
                _name_of(begin), begin[0].rstrip(b" \t"), _source_of(begin), first, end, line, text, is_intact, is_plain
            )
            self.open = None

    def _place(self, match: re.Match[bytes], number: int, start: int, end: int) -> None:
        if _name_of(match) in self.places:
            self._fault("repeated", match, number)
        self.places[_name_of(match)] = Place(start, end, number)

    def _fault(self, kind: str, match: re.Match[bytes], number: int) -> None:
        source = _source_of(match) if "rest" in match.groupdict() else ""
        self.faults.append(Fault(kind, _name_of(match), number, source))


def _name_of(match: re.Match[bytes]) -> str:
    return match["name"].decode()


def _source_of(begin: re.Match[bytes]) -> str:
    source = _SOURCE.match(begin["rest"])
    return source["source"].decode(errors="surrogateescape") if source else ""


def _begin_of(conflict: re.Match[bytes]) -> re.Match[bytes] | None:
    """The begin line on the first side of a conflict, if all lines in it begin the same section."""
    lines = [line.rstrip(b"\r") for line in conflict[0].split(b"\n") if line.startswith(MARK)]
    begins = [match for match in map(_BEGIN.fullmatch, lines) if match]
    is_one = conflict["first"].count(b"\n") == 1 and len(begins) == len(lines)
    return begins[0] if is_one and len({match["name"] for match in begins}) == 1 else None


def insertion(file: Layout, name: str, section: bytes) -> Edit:
    """Return the edit that puts a section, as `written` returns it, into a file in place of the one of its name.

    A new section goes to the place that somebody has made for it, or to the end of the file. If the file has no line
    end there, the section has none, either, so that `removal` can tell.
    """
    text = section.replace(b"\n", file.line_end)
    if present := file.sections.get(name):
        is_at_end = not file.content[: present.end].endswith(b"\n")
        return Edit(present.start, present.end, text.removesuffix(file.line_end) if is_at_end else text)
    if place := file.places.get(name):
        return Edit(place.start, place.end, text)
    end = len(file.content)
    if file.content in (b"", BOM_UTF8) or file.content.endswith(b"\n"):
        return Edit(end, end, text)
    return Edit(end, end, file.line_end + text.removesuffix(file.line_end))


def removal(file: Layout, name: str) -> Edit:
    """Return the edit that removes a section, with the line end that `insertion` added before it."""
    section = file.sections[name]
    start = section.start
    if not file.content[: section.end].endswith(b"\n"):
        start -= _line_end_of(file.content[:start])
    return Edit(start, section.end, b"")


def edited(content: bytes, edits: Iterable[Edit]) -> bytes | None:
    """Return a file with these edits of different sections. Return None if they leave nothing of it."""
    made, position = bytearray(), 0
    for start, end, text in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if start < position:  # a removal includes the line end before its section, which ends an edited one
            del made[len(made) - _line_end_of(made) :]
        made += content[position:start]
        if made.endswith(b"\r") and text.startswith(b"\n"):  # `removal` has to leave that CR
            made += b"\r"
        made += text
        position = end
    made += content[position:]
    return bytes(made) if _has_text(made) or made == content else None


def _line_end_of(content: bytes | bytearray) -> int:
    """The length of the line end at the end of a file's first bytes, or 0 if there is none."""
    return 2 if content.endswith(b"\r\n") else int(content.endswith(b"\n"))


def text_outside(file: Layout) -> bytes:
    """Return what is in a file outside of its sections."""
    return edited(file.content, (Edit(each.start, each.end, b"") for each in file.sections.values())) or b""


def _has_text(content: bytes | bytearray) -> bool:
    return bool(content.removeprefix(BOM_UTF8).strip(b" \t\r\n"))
