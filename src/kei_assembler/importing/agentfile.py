"""An agent file of an AI tool as it lies on disk: front matter and body, told apart and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from kei_assembler.diagnostics import Diagnostic, Finding, Rule, Span
from kei_assembler.forms import BODY_KEY, LINES, TOML
from kei_assembler.importing.lenient import Entry, Guess, Reading, Refused, by_lines, read
from kei_assembler.rules.imports import front_matter_guessed, front_matter_refused, no_agent_file
from kei_assembler.source import START, Source, read_text, read_toml
from kei_assembler.stamp import MARKUP, split
from kei_assembler.targets import TARGETS

FOLDERS = {
    ".claude": "claude-code",
    ".github": "copilot",
    ".cursor": "cursor",
    ".opencode": "opencode",
    ".gemini": "gemini",
    ".codex": "codex",
    ".qwen": "qwen",
}
"""The AI tools by the folders that hold their `agents`."""

_IN_FOLDER = re.compile(r"(?:.*/)?(?P<folder>\.[a-z]+)/agents?/(?:.*/)?[^/]+")
_GENERAL_KEYS = ("name", "description", "tools", "model")


class AgentFile(NamedTuple):
    """What an agent file says: the entries of its front matter, and its body, which begins on `line`."""

    source: Source
    target: str
    entries: Mapping[str, Entry]
    body: str
    line: int

    def say(self, rule: Rule, where: Span, message: str, hint: str = "") -> list[Diagnostic]:
        """Return a finding about a place in this file."""
        return self.source.run(rule, Finding(where, message, hint))

    def span(self, key: str) -> Span:
        """Return where a key stands, or else the start of the file."""
        return self.entries[key].span if key in self.entries else START


def target_of(path: str) -> str | None:
    """Return the AI tool that a file is for, by its path with `/`; None where that does not tell."""
    match = _IN_FOLDER.fullmatch(path)
    if match and match["folder"] in FOLDERS:
        return FOLDERS[match["folder"]]
    return "copilot" if path.endswith(".agent.md") else None


def suffix_of(target: str) -> str:
    """Return how the names of a tool's agent files end."""
    return ".toml" if TARGETS[target].form is TOML else ".md"


def read_agent(file: str, raw: bytes, target: str) -> tuple[AgentFile | None, list[Diagnostic]]:
    """Return what an agent file says, or None, and what there is to say about how it was read."""
    return _from_toml(file, raw, target) if TARGETS[target].form is TOML else _from_markdown(file, raw, target)


def _from_toml(file: str, raw: bytes, target: str) -> tuple[AgentFile | None, list[Diagnostic]]:
    source, problems = read_toml(file, raw)
    if problems:
        return None, problems
    if BODY_KEY not in source.data:
        return None, source.run(no_agent_file, Finding(START, f"there is no `{BODY_KEY}`; passed over"))
    entries = {key: Entry(value, source.locate((key,))) for key, value in source.data.items() if key != BODY_KEY}
    return AgentFile(source, target, entries, str(source.data[BODY_KEY]), source.locate((BODY_KEY,)).line), []


def _from_markdown(file: str, raw: bytes, target: str) -> tuple[AgentFile | None, list[Diagnostic]]:
    source, problems = read_text(file, raw)
    if problems:
        return None, problems
    parts = _parts(source.text)
    if parts is None:
        return None, source.run(no_agent_file, Finding(START, "there is no front matter; passed over", _NO_FRONT))
    try:
        reading = _read(parts.front, target)
    except Refused as error:
        where = _moved(error.span, parts.first)
        return None, source.run(front_matter_refused, Finding(where, error.message, "say it in full"))
    entries = {key: Entry(value, _moved(span, parts.first)) for key, (value, span) in reading.entries.items()}
    guesses = [guess._replace(span=_moved(guess.span, parts.first)) for guess in reading.guesses]
    guesses += _oddities(raw, parts, target, is_mended=bool(reading.guesses))
    said = [found for guess in guesses for found in source.run(front_matter_guessed, Finding(*guess))]
    return AgentFile(source, target, entries, parts.body, parts.line), said


_NO_FRONT = "an agent file begins with a line `---`, keys and values, and another such line"


class _Parts(NamedTuple):
    """Front matter and body, and the lines on which they begin. `blanks` are the lines before the first `---`."""

    front: str
    body: str
    first: int
    line: int
    blanks: int


_OPENING = re.compile(r"\s*?^---[ \t]*\n", re.MULTILINE)
_CLOSING = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_CLOSING_ANYWHERE = re.compile(r"---\s*\n?")


def _parts(text: str) -> _Parts | None:
    opening = _OPENING.match(text)
    if opening is None:
        return None
    closing = _CLOSING.search(text, opening.end()) or _CLOSING_ANYWHERE.search(text, opening.end())
    if closing is None:
        return None
    body = _unstamped(text[closing.end() :])
    first, line = (text.count("\n", 0, at) + 1 for at in (opening.end(), len(text) - len(body)))
    return _Parts(text[opening.end() : closing.start()], body, first, line, opening[0].count("\n") - 1)


def _unstamped(body: str) -> str:
    """The body without the mark of a file that this tool made."""
    stamp, _ = split(body, MARKUP)
    return body.lstrip("\n").removeprefix(stamp) if stamp else body


def _read(front: str, target: str) -> Reading:
    if TARGETS[target].form is LINES:
        return by_lines(front)
    return read(front, {*_GENERAL_KEYS, *TARGETS[target].keys})


def _moved(span: Span, first: int) -> Span:
    return Span(span.line + first - 1, span.column, span.end_line + first - 1, span.end_column)


def _oddities(raw: bytes, parts: _Parts, target: str, is_mended: bool) -> list[Guess]:
    """What the file's own tool takes otherwise than it was read here."""
    if parts.blanks and TARGETS[target].form is not LINES:
        return [Guess(START, "blank lines before the front matter were passed over", _LOST)]
    inner = parts.front.find("---")
    if target == "claude-code" and inner >= 0:
        line = parts.first + parts.front.count("\n", 0, inner)
        column = inner - parts.front.rfind("\n", 0, inner)
        return [Guess(Span(line, column, line, column + 3), _DASHES, _DASHES_HELP)]
    if target == "claude-code" and is_mended and b"\r\n" in raw[: len(parts.front)]:
        return [Guess(START, "line ends of CRLF were read as LF", "with them, Claude Code does not load this agent")]
    return []


_LOST = "the AI tools do not load an agent that begins like this"
_DASHES = "the `---` inside of the front matter was taken for text"
_DASHES_HELP = "Claude Code ends the front matter here, and cuts or loses the agent"
