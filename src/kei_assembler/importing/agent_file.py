"""An agent file of an AI tool as it lies on disk: front matter and body, told apart and read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.importing.lenient_yaml import FrontMatter, LocatedValue, Recovery, RefusedYamlError, by_lines, read
from kei_assembler.markdown.stamp import MARKUP, split
from kei_assembler.rules.definition import Rule, Violation
from kei_assembler.rules.imports import front_matter_guessed, front_matter_refused, no_agent_file
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import BODY_KEY, LINES, TOML
from kei_assembler.toml.source import START, Source, read_text, read_toml, span_of


class AgentFile(NamedTuple):
    """What an agent file says: the entries of its front matter, and its body, which begins on `line`."""

    source: Source
    target: str
    entries: Mapping[str, LocatedValue]
    body: str
    line: int

    def say(self, rule: Rule, where: Span, message: str, hint: str = "") -> list[Diagnostic]:
        """Return a finding about a place in this file."""
        return run_rule(rule, self.source, Violation(where, message, hint))

    def span(self, key: str) -> Span:
        """Return where a key stands, or else the start of the file."""
        return self.entries[key].span if key in self.entries else START


class _NotTaken(Exception):
    """The file is no agent's, or is refused: the finding that says so."""

    def __init__(self, rule: Rule, finding: Violation) -> None:
        super().__init__(finding.message)
        self.rule = rule
        self.finding = finding


def read_agent(
    file: str, raw: bytes, target: str, is_in_place: bool = False
) -> tuple[AgentFile | None, list[Diagnostic]]:
    """Return what an agent file says, or None, and what there is to say about how it was read.

    `is_in_place` tells that the AI tool would find the file where it is; some need no front matter then.
    """
    is_toml = TARGETS[target].form is TOML
    source = read_toml(file, raw) if is_toml else read_text(file, raw)
    if source.error:
        return None, check_source(source)
    may_be_bare = is_in_place and TARGETS[target].loader.has_optional_front_matter and not _README.search(file)
    try:
        agent, guesses = _from_toml(source, target) if is_toml else _from_markdown(source, target, may_be_bare)
    except _NotTaken as why:
        return None, run_rule(why.rule, source, why.finding)
    guesses += _oddities_of_file(agent, raw, is_mended=bool(guesses))
    return agent, [found for guess in guesses for found in agent.say(front_matter_guessed, *guess)]


_README = re.compile(r"(?:\A|/)readme\.[a-z]+\Z", re.IGNORECASE)


def _from_toml(source: Source, target: str) -> tuple[AgentFile, list[Recovery]]:
    body = source.data.get(BODY_KEY)
    if not isinstance(body, str):
        raise _NotTaken(no_agent_file, Violation(START, f"there is no text in `{BODY_KEY}`; passed over"))
    entries = {key: LocatedValue(value, source.locate((key,))) for key, value in source.data.items() if key != BODY_KEY}
    return AgentFile(source, target, entries, body, source.locate((BODY_KEY,)).line), []


def _from_markdown(read_source: Source, target: str, may_be_bare: bool) -> tuple[AgentFile, list[Recovery]]:
    source = _with_plain_lines(read_source)
    parts = _parts(source.text, may_be_bare)
    reading = _reading(parts, target)
    if not may_be_bare and reading.entries.keys().isdisjoint(_keys(target)):
        raise _NotTaken(no_agent_file, Violation(START, "its front matter has no key of an agent; passed over", _FRONT))
    entries = {key: LocatedValue(value, _moved(span, parts.first)) for key, (value, span) in reading.entries.items()}
    guesses = [guess._replace(span=_moved(guess.span, parts.first)) for guess in reading.recoveries]
    guesses += _oddities(parts, target)
    return AgentFile(source, target, entries, parts.body, parts.line), guesses


def _with_plain_lines(source: Source) -> Source:
    """The source without those CR that are no part of its lines' usual ends."""
    return Source(source.file, re.sub(r"\r+\n?", "\n", source.text)) if "\r" in source.text else source


_FRONT = "an agent file begins with a line `---`, keys and values, and another such line"


class _Parts(NamedTuple):
    """Front matter and body, and the lines on which they begin.

    `blanks` are the lines before the first `---`, `ending` is what follows the front matter.
    """

    front: str
    body: str
    first: int = 1
    line: int = 1
    blanks: int = 0
    ending: str = "---"


_OPENING = re.compile(r"\s*?^---[ \t]*\n", re.MULTILINE)
_CLOSING = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_CLOSING_ANYWHERE = re.compile(r"---\s*\n?")
_DOTS = re.compile(r"^\.\.\.[ \t]*$\n?", re.MULTILINE)
_GENERAL_KEYS = ("name", "description", "tools", "model")
_MORE_KEYS = re.compile(rf"^(?:{'|'.join(_GENERAL_KEYS)}):", re.MULTILINE)


def _parts(text: str, may_be_bare: bool) -> _Parts:
    opening = _OPENING.match(text)
    if opening is None and may_be_bare:
        return _Parts("", text)
    if opening is None:
        raise _NotTaken(no_agent_file, Violation(START, "there is no front matter; passed over", _FRONT))
    closing = _closing(text, opening.end())
    if closing is None:
        raise _NotTaken(no_agent_file, Violation(START, "the front matter has no end; passed over", _FRONT))
    body = _unstamped(text[closing.end() :])
    first, line = (text.count("\n", 0, at) + 1 for at in (opening.end(), len(text) - len(body)))
    front = text[opening.end() : closing.start()]
    return _Parts(front, body, first, line, opening[0].count("\n") - 1, closing[0].strip())


def _closing(text: str, start: int) -> re.Match[str] | None:
    """The end of the front matter: as the AI tools see it, or a line `...`, after which no key follows."""
    closing = _CLOSING.search(text, start) or _CLOSING_ANYWHERE.search(text, start)
    dots = _DOTS.search(text, start, closing.start() if closing else len(text))
    is_end = dots and not _MORE_KEYS.search(text, dots.end(), closing.start() if closing else len(text))
    return dots if is_end else closing


def _unstamped(body: str) -> str:
    """The body without the mark of a file that this tool made."""
    stamp, _ = split(body, MARKUP)
    return body.lstrip("\n").removeprefix(stamp) if stamp else body


def _keys(target: str) -> frozenset[str]:
    return frozenset((*_GENERAL_KEYS, *TARGETS[target].keys))


def _reading(parts: _Parts, target: str) -> FrontMatter:
    if TARGETS[target].form is LINES:
        return by_lines(parts.front, TARGETS[target].label)
    try:
        return _in_their_case(read(parts.front, _keys(target)), _keys(target))
    except RefusedYamlError as error:
        where = _moved(error.span, parts.first)
        raise _NotTaken(front_matter_refused, Violation(where, error.message, "say it in full")) from error


def _in_their_case(reading: FrontMatter, known: frozenset[str]) -> FrontMatter:
    """The reading with `Name` for `name`, where that is not there."""
    by_case = {key.lower(): key for key in known - reading.entries.keys()}
    meant = {key: by_case[key.lower()] for key in reading.entries if key not in known and key.lower() in by_case}
    entries = {meant.get(key, key): entry for key, entry in reading.entries.items()}
    guesses = (Recovery(entries[name].span, f"`{key}` was taken for `{name}`", _CASE) for key, name in meant.items())
    return FrontMatter(entries, (*reading.recoveries, *guesses))


_CASE = "AI tools tell capitals from small letters"


def _moved(span: Span, first: int) -> Span:
    return Span(span.line + first - 1, span.column, span.end_line + first - 1, span.end_column)


def _oddities(parts: _Parts, target: str) -> Iterator[Recovery]:
    """What the file's own tool takes otherwise than it was read here."""
    row = TARGETS[target]
    if parts.blanks and row.form is not LINES:
        yield Recovery(START, "blank lines before the front matter were passed over", _LOST)
    if parts.ending == "...":
        yield Recovery(START, "the front matter was taken to end with the line `...`", _LOST)
    inner = parts.front.find("---")
    if row.loader.ends_at_any_dashes and inner >= 0:
        where = _moved(span_of(parts.front, inner, inner + 3), parts.first)
        yield Recovery(where, _DASHES, f"{row.label} ends the front matter here, and cuts or loses the agent")


def _oddities_of_file(agent: AgentFile, raw: bytes, is_mended: bool) -> Iterator[Recovery]:
    """What the file's own tool takes otherwise, for the sake of its line ends or its name."""
    row, name = TARGETS[agent.target], agent.source.file.rpartition("/")[2]
    above_body = raw.splitlines(keepends=True)[: agent.line - 1]
    if row.loader.requires_lf and is_mended and any(line.endswith(b"\r\n") for line in above_body):
        yield Recovery(START, "line ends of CRLF were read as LF", f"with them, {row.label} does not load this agent")
    if (skipped := row.loader.ignored_prefix) and name.startswith(skipped):
        message = f"{row.label} passes over files whose names begin with `{skipped}`"
        yield Recovery(START, message, "the agent comes into use")


_LOST = "the AI tools do not load an agent that is written like this"
_DASHES = "the `---` inside of the front matter was taken for text"
