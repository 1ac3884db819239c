"""What corrects TOML that cannot be parsed, where one edit is likely.

None of it is safe: nothing in the file had an effect before, so the file can add tools, rights or handoffs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kei_assembler import lazy_re
from kei_assembler.rules.definition import Remedy
from kei_assembler.toml.source import span_of
from kei_assembler.toml.syntax import Problem
from kei_assembler.toml.writer import string_text
from kei_assembler.whitespace import SPACES

Edit = tuple[int, int, str]
"""The start and the end of a part of the text, and the text that replaces it."""

_COLON = lazy_re.compile(r"[\w.-]++(?P<colon>[ \t]*+:)")
_QUOTED = lazy_re.compile(r"[“”„‟«»‘’‚‛](?P<inner>[^“”„‟«»‘’‚‛\"\\\n]*+)[“”„‟«»‘’‚‛]")
_LINE_OF_STRING = lazy_re.compile(r"(?P<quote>[\"'])[^\"'\\#,\]}\n]*+$", re.MULTILINE)
_STRING = lazy_re.compile(r'"(?P<inner>(?:[^"\\\n\']|\\[^\n\'])*+)"')


def remedy_of(text: str, problem: Problem) -> Remedy | None:
    """Return what corrects a problem of a text, or None if there is not one likely edit."""
    edit = _EDITS[problem.kind](text, problem) if problem.kind in _EDITS else None
    if edit is None:
        return None
    start, end, new = edit
    return Remedy("written", span_of(text, start, end), (text[start:end], new), is_safe=False)


def _lower(_: str, problem: Problem) -> Edit:
    return problem.start, problem.end, problem.text.lower()


def _quoted(_: str, problem: Problem) -> Edit:
    return problem.start, problem.end, string_text(problem.text)


def _without_last(_: str, problem: Problem) -> Edit | None:
    """Remove the `;` or `,` at the end of the wrong text."""
    return (problem.end - 1, problem.end, "") if problem.text[-1:] in (";", ",") else None


def _with_comma(text: str, problem: Problem) -> Edit | None:
    before = text[: problem.start].rstrip(SPACES)
    return None if before.endswith("\n") else (len(before), len(before), ",")


def _with_equals(text: str, problem: Problem) -> Edit | None:
    match = _COLON.match(text, problem.start)
    return (match.start("colon"), match.end(), " =") if match else None


def _with_hash(_: str, problem: Problem) -> Edit:
    return problem.start, problem.start, "# "


def _with_plain_quotes(text: str, problem: Problem) -> Edit | None:
    match = _QUOTED.match(text, problem.start)
    return (*match.span(), f'"{match["inner"]}"') if match else None


def _closed(text: str, problem: Problem) -> Edit | None:
    match = _LINE_OF_STRING.match(text, problem.start)
    end = len(match[0].rstrip(SPACES)) + problem.start if match else 0
    return (end, end, match["quote"]) if match else None


def _literal(text: str, problem: Problem) -> Edit | None:
    match = _STRING.match(text, problem.origin)
    return (*match.span(), f"'{match['inner']}'") if match else None


_EDITS: Mapping[str, Callable[[str, Problem], Edit | None]] = {
    "boolean": _lower,
    "colon": _with_equals,
    "comment": _with_hash,
    "escape-literal": _literal,
    "extra-comma": _without_last,
    "missing-comma": _with_comma,
    "semicolon": _without_last,
    "semicolon-after": _without_last,
    "typographic": _with_plain_quotes,
    "unclosed-string": _closed,
    "unquoted": _quoted,
}
"""The edits for kinds of problems."""
