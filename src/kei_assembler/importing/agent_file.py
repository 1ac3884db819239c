"""Read a client's agent file: separate and parse its front matter and its body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.importing.paths import has_instructions
from kei_assembler.markdown import shell
from kei_assembler.markdown.lenient_yaml import (
    FrontMatter,
    LocatedValue,
    Recovery,
    RefusedYamlError,
    as_text,
    read,
)
from kei_assembler.markdown.plain_lines import lines_or_yaml
from kei_assembler.markdown.raw_scalars import OTHER_READERS
from kei_assembler.markdown.stamp import HASH, MARKUP, split
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Rule, Violation
from kei_assembler.rules.imports import front_matter_guessed, front_matter_refused, no_agent_file
from kei_assembler.rules.kept_files import agent_not_expressible, comment_left_out
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import START, Source, read_text, read_toml, span_of
from kei_assembler.validation import fits
from kei_assembler.whitespace import WHITESPACE, with_lf


class AgentFile(NamedTuple):
    """The content of an agent file: the entries of its front matter, and its body, which starts on line `line`.

    `kit_path` is the path of the file relative to the kit. It is empty if the file is outside its root. `raw` contains
    the bytes of the file. `is_complete` says whether the entries and the body have all of its text. If the body is not
    one piece of the file, `numbers` has the line of each of its lines. `subfolder` is where its manifest goes, below
    the folder of manifests.
    """

    source: Source
    target: str
    entries: Mapping[str, LocatedValue]
    body: str
    line: int
    kit_path: str = ""
    raw: bytes = b""
    is_complete: bool = True
    numbers: tuple[int, ...] = ()
    subfolder: str = ""

    def report(self, rule: Rule, where: Span | str, message: str, hint: str = "") -> list[Diagnostic]:
        """Return a diagnostic for a span of this file, or for a key. If the key is missing, it is for the file."""
        if isinstance(where, str):
            where = self.entries[where].span if where in self.entries else START
        return run_rule(rule, self.source, Violation(where, message, hint))

    def body_line(self, line: int) -> Span:
        """Return where a line is, counted from 1 in the body without blank lines before it."""
        index = len(self.body) - len(self.body.lstrip("\n")) + line - 1
        number = self.numbers[min(index, len(self.numbers) - 1)] if self.numbers else self.line + index
        return Span(number, 1, number, 1)

    def value(self, key: str) -> object:
        """Return the value of a key, or None."""
        return self.entries[key].value if key in self.entries else None


class _SkippedError(Exception):
    """The file is not imported. The finding says why."""

    def __init__(self, message: str, hint: str = "", rule: Rule = no_agent_file, where: Span = START) -> None:
        super().__init__(message)
        self.rule = rule
        self.finding = Violation(where, message, hint)


def read_agent(
    file: str, raw: bytes, target: str, is_in_place: bool = False
) -> tuple[AgentFile | None, list[Diagnostic]]:
    """Return the content of an agent file, or None, and diagnostics about how it was read.

    `is_in_place` says that the file is where the client looks for agents. Some clients need no front matter there.
    """
    row = TARGETS[target]
    is_toml = row.form.syntax == "toml"
    source = read_toml(file, raw) if is_toml else read_text(file, raw)
    if source.error:
        return None, check_source(source)
    can_be_bare = is_in_place and row.loader.has_optional_front_matter and not _README.search(file)
    try:
        agent, recoveries = _from_toml(source, target) if is_toml else _from_text(source, target, can_be_bare)
    except _SkippedError as skipped:
        finding = skipped.finding
        if skipped.rule is no_agent_file and has_instructions(file):
            finding = finding._replace(help=f"to import these instructions, run: assemble import {shell.word(file)}")
        return None, run_rule(skipped.rule, source, finding)
    recoveries += _client_differences(agent, raw, is_recovered=bool(recoveries))
    found = [found for each in recoveries for found in agent.report(front_matter_guessed, *each[:3])]
    if comment := _first_comment(agent):
        message = "comments are not imported"
        found += agent.report(comment_left_out, comment, message, "a comment in the manifest can say the same")
    is_complete = not (comment or any(recovery.loses for recovery in recoveries))
    return agent._replace(raw=raw, is_complete=is_complete), found


_README = lazy_re.compile(r"(?:\A|/)readme\.[a-z]+\Z", re.IGNORECASE)


def _from_toml(source: Source, target: str) -> tuple[AgentFile, list[Recovery]]:
    key_of_body = TARGETS[target].form.body_key
    body = source.data.get(key_of_body)
    if not isinstance(body, str):
        raise _SkippedError(f"`{key_of_body}` has no text; the file was skipped")
    loader = TARGETS[target].loader
    for key, value in {**loader.assumed_values, **source.data}.items():
        if (found := f"{key}={value}") in loader.foreign:
            raise _foreign_error(found, target, source.locate((key,)) if key in source.data else START)
    values = {
        key: LocatedValue(value, source.locate((key,))) for key, value in source.data.items() if key != key_of_body
    }
    return AgentFile(source, target, values, with_lf(body), source.locate((key_of_body,)).line), []


def _from_text(source: Source, target: str, can_be_bare: bool) -> tuple[AgentFile, list[Recovery]]:
    if "\r" in source.text:
        source = Source(source.file, re.sub(r"\r+\n?", "\n", source.text))
    parts = _parts(source.text, can_be_bare)
    front = _front_matter(parts, target)
    _refuse_foreign(front, parts, target)
    if not can_be_bare and front.entries.keys().isdisjoint(_keys(target)):
        raise _SkippedError("the front matter has no key of an agent; the file was skipped", _FORMAT)
    entries = {key: LocatedValue(value, _moved(span, parts.first)) for key, (value, span) in front.entries.items()}
    recoveries = [recovery._replace(span=_moved(recovery.span, parts.first)) for recovery in front.recoveries]
    return AgentFile(source, target, entries, parts.body, parts.line), [*recoveries, *_unusual_format(parts, target)]


def _refuse_foreign(front: FrontMatter, parts: _Parts, target: str) -> None:
    """Refuse a file that describes what no manifest can describe: several agents, or one that the client only calls."""
    row = TARGETS[target]
    if row.loader.reads_lists and not front.entries and _LIST_OF_AGENTS.match(parts.front):
        what = "the front matter is a list of agents, and a manifest describes one agent"
        raise _SkippedError(what, _KEPT, agent_not_expressible, _moved(Span(1, 1, 1, 2), parts.first))
    for key, (value, span) in front.entries.items():
        if found := next((name for name in (key, f"{key}={value}") if name in row.loader.foreign), None):
            raise _foreign_error(found, target, _moved(span, parts.first))


def _foreign_error(found: str, target: str, where: Span) -> _SkippedError:
    what = f"`{found.replace('=', ': ')}` {TARGETS[target].refused[found]}"
    return _SkippedError(what, _KEPT, agent_not_expressible, where)


_KEPT = "the file is kept as it is, and no manifest is written for it"
_LIST_OF_AGENTS = lazy_re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*-[ \t]+(?:name|kind):")


def _first_comment(agent: AgentFile) -> Span | None:
    """The first comment above the body, or None. It begins at the start of a line or after white space."""
    text = agent.source.text
    if TARGETS[agent.target].form.syntax == "toml":
        from kei_assembler.toml.positions import comments

        stamp, _ = split(text, HASH)
        return next((span for comment, span in comments(text) if comment != stamp), None)
    values, at = "\n".join(as_text(value) for value, _ in agent.entries.values()), 0
    for number, line in enumerate(text.split("\n")[: max(agent.line - 2, 0)], 1):
        mark = _COMMENT.search(line)
        if mark and (found := values.find(mark["start"].strip(WHITESPACE), at)) >= 0:
            at = found  # it is part of a value
        elif mark:
            return Span(number, mark.start("start") + 1, number, len(line) + 1)
    return None


_COMMENT = lazy_re.compile(r"(?:^|[ \t])(?P<start>#[^\"']*)")  # up to a quote, which can end a value
_FORMAT = "an agent file starts with a line `---`, keys and values, and a second line `---`"


class _Parts(NamedTuple):
    """Front matter and body, and the lines on which they start.

    `blanks` counts the lines before the first `---`. `ending` is what ends the front matter. `is_generated` says that
    the body has a stamp.
    """

    front: str
    body: str
    first: int = 1
    line: int = 1
    blanks: int = 0
    ending: str = "---"
    is_generated: bool = False


_OPENING = lazy_re.compile(r"(?:[ \t]*\n)*---[ \t]*\n")
_CLOSING = lazy_re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_CLOSING_ANYWHERE = lazy_re.compile(r"---[ \t]*\n?")
_DOTS = lazy_re.compile(r"^\.\.\.[ \t]*$\n?", re.MULTILINE)
_GENERAL_KEYS = ("name", "description", "tools", "model")
_MORE_KEYS = lazy_re.compile(rf"^(?:{'|'.join(_GENERAL_KEYS)}):", re.MULTILINE)


def _parts(text: str, can_be_bare: bool) -> _Parts:
    opening = _OPENING.match(text)
    if opening is None and can_be_bare:
        return _Parts("", text)
    if opening is None:
        raise _SkippedError("the file has no front matter, and was skipped", _FORMAT)
    closing = _closing(text, opening.end())
    if closing is None:
        raise _SkippedError("the front matter does not end; the file was skipped", _FORMAT)
    body = text[closing.end() :]
    stamp, _ = split(body, MARKUP)
    if stamp:
        body = body.lstrip("\n").removeprefix(stamp)
    first, line = (text.count("\n", 0, at) + 1 for at in (opening.end(), len(text) - len(body)))
    front = text[opening.end() : closing.start()]
    return _Parts(front, body, first, line, opening[0].count("\n") - 1, closing[0].strip(WHITESPACE), bool(stamp))


def _closing(text: str, start: int) -> re.Match[str] | None:
    """The end of the front matter: as the clients see it, or a line `...` that no key follows."""
    closing = _CLOSING.search(text, start) or _CLOSING_ANYWHERE.search(text, start)
    end = closing.start() if closing else len(text)
    dots = _DOTS.search(text, start, end)
    return dots if dots and not _MORE_KEYS.search(text, dots.end(), end) else closing


def _keys(target: str) -> frozenset[str]:
    return frozenset((*_GENERAL_KEYS, *TARGETS[target].keys))


def _front_matter(parts: _Parts, target: str) -> FrontMatter:
    row = TARGETS[target]
    if row.form.syntax == "lines" and not parts.is_generated:
        return lines_or_yaml(parts.front, row.label, _keys(target))
    if row.form.syntax in OTHER_READERS:
        return OTHER_READERS[row.form.syntax](parts.front, row.label)
    try:
        return _with_case_corrected(read(parts.front, _keys(target)), _keys(target))
    except RefusedYamlError as error:
        where = _moved(error.span, parts.first)
        raise _SkippedError(error.message, "write it out in full", front_matter_refused, where) from error


def _with_case_corrected(front: FrontMatter, known: frozenset[str]) -> FrontMatter:
    """Take `Name` for `name` if there is no `name`."""
    by_case = {key.lower(): key for key in known - front.entries.keys()}
    corrected = {key: by_case[key.lower()] for key in front.entries if key not in known and key.lower() in by_case}
    entries = {corrected.get(key, key): value for key, value in front.entries.items()}
    recoveries = (
        Recovery(entries[name].span, f"`{key}` was read as `{name}`", "clients distinguish upper and lower case")
        for key, name in corrected.items()
    )
    return FrontMatter(entries, (*front.recoveries, *recoveries))


def _moved(span: Span, first: int) -> Span:
    return Span(span.line + first - 1, span.column, span.end_line + first - 1, span.end_column)


_NOT_LOADED = "clients do not load an agent that is written like this"


def _unusual_format(parts: _Parts, target: str) -> Iterator[Recovery]:
    """What was read here, but is read differently by the file's client."""
    row = TARGETS[target]
    if parts.blanks and row.form.syntax not in OTHER_READERS:
        yield Recovery(START, "blank lines before the front matter were skipped", _NOT_LOADED)
    if parts.ending == "...":
        yield Recovery(START, "the line `...` was read as the end of the front matter", _NOT_LOADED)
    inner = parts.front.find("---")
    if row.loader.ends_at_any_dashes and inner >= 0:
        where = _moved(span_of(parts.front, inner, inner + 3), parts.first)
        hint = f"{row.label} ends the front matter here, and truncates or ignores the agent"
        yield Recovery(where, "the `---` inside the front matter was read as text", hint)


def _client_differences(agent: AgentFile, raw: bytes, is_recovered: bool) -> Iterator[Recovery]:
    """What the file's client reads differently because of the line endings or the file name."""
    row, name = TARGETS[agent.target], agent.source.file.rpartition("/")[2]
    above_body = raw.split(b"\n")[: agent.line - 1]
    if row.loader.requires_lf and is_recovered and any(line.endswith(b"\r") for line in above_body):
        hint = f"{row.label} does not load this agent with CRLF line endings"
        yield Recovery(START, "CRLF line endings were read as LF", hint)
    for key, shape in row.loader.types.items():
        if key in agent.entries and not fits(shape, agent.value(key)):
            effect = f"{row.label} ignores all keys of this file, so the agent has all tools"
            message = f"`{key}` is not {shape.expects}: {effect}"
            yield Recovery(agent.entries[key].span, message, f"write {shape.expects}")
    if (ignored := row.loader.ignored_prefix) and name.startswith(ignored):
        message = f"{row.label} ignores files whose names start with `{ignored}`"
        yield Recovery(START, message, "the imported agent will be active")
