"""Rules about TOML that cannot be parsed: where the mistake began, and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.markdown.hidden_text import named
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sources import nested_too_deeply
from kei_assembler.rules.syntax_remedies import remedy_of
from kei_assembler.toml.source import MAX_NESTING, Source, span_of
from kei_assembler.toml.syntax import Problem, first_problem


class _Text(NamedTuple):
    """The message and the help for one kind of problem, and what the problem's origin is.

    They can contain `{text}`, the wrong text on one line, `{word}`, its first word, and `{key}`, the same in one word.
    """

    message: str
    help: str = ""
    origin: str = ""


_STRINGS: Mapping[str, _Text] = {
    "several-lines": _Text(
        "the string that begins here has several lines, but `{quote}` is for one line", "use {long}"
    ),
    "unclosed-string": _Text(
        "the string that begins here is not closed", "write `{quote}` at its end; if it has several lines, use {long}"
    ),
    "other-end": _Text(
        "the string that begins here is not closed, because `{last}` does not end it", "write `{quote}` at its end"
    ),
    "unclosed-key": _Text(
        "the string that begins here is not closed", "write `{quote}` at its end; keys have one line"
    ),
    "long-key": _Text("a key cannot be in three quotes, because it has one line", "put it in one quote, or in none"),
    "swallows-next": _Text(
        "the string that begins here is not closed before the next key",
        'write `{text}` at its end; to write three quotes in its text, write `\\"""`',
        "it ends here",
    ),
    "unclosed-long-string": _Text("the string that begins here is not closed", "write `{text}` at its end"),
    "escaped-end": _Text(
        'the string that begins here is not closed, because `\\"` is a quote in its text',
        "use `'…'`, in which `\\` stands for itself",
    ),
}
_DOUBLED = "write `\\\\` for each `\\` that stands for itself"
_NOT_AN_ESCAPE = "the string that begins here contains `{text}`, which is not an escape of TOML"
_ESCAPES: Mapping[str, _Text] = {
    "escape-literal": _Text(_NOT_AN_ESCAPE, "use `'…'`, in which `\\` stands for itself"),
    "escape-literal-long": _Text(_NOT_AN_ESCAPE, "use `'''…'''`, in which `\\` stands for itself"),
    "escape-doubled": _Text(_NOT_AN_ESCAPE, _DOUBLED),
    "escape-doubled-long": _Text(_NOT_AN_ESCAPE, _DOUBLED),
    "escape-code": _Text("the string that begins here contains `{text}`, which is not a character", "correct the code"),
}
_BRACKETS: Mapping[str, _Text] = {
    "unclosed-list": _Text("the list that begins here is not closed", "write `]` after its last entry"),
    "unclosed-table": _Text("the inline table that begins here is not closed", "write `}}` after its last key"),
    "mismatched-list": _Text("the list that begins here is closed with `}}`", "close it with `]`", "closed here"),
    "mismatched-table": _Text(
        "the inline table that begins here is closed with `]`", "close it with `}}`", "closed here"
    ),
    "unclosed-header": _Text("the header that begins here is not closed", "write `[name]` on a line of its own"),
    "unclosed-list-header": _Text(
        "the header that begins here is not closed with `]]`", "write `[[name]]` on a line of its own"
    ),
}
_VALUE = "the value"
_OTHERS: Mapping[str, _Text] = {
    "after-header": _Text("text follows a header on its line", "write each key on a line of its own", "the header"),
    "after-long-string": _Text(
        "text follows the end of a string",
        'close the string where it is meant to end; to write three quotes in its text, write `\\"""`',
        "the string begins here",
    ),
    "after-value": _Text("text follows the value", "remove it, or write `#` before it if it is a comment", _VALUE),
    "backtick": _Text("a backtick does not start a string", 'write `"…"`'),
    "bad-header": _Text(
        "`{text}` is not a header", "write keys of letters, digits, `_` and `-`, joined by `.`; quote all others"
    ),
    "bare-key": _Text(
        "a key that is not in quotes has only ASCII letters, digits, `_` and `-`", "correct it, or put it in quotes"
    ),
    "boolean": _Text("`{text}` is not a value of TOML", "write `{lower}`"),
    "closes-nothing": _Text("`{first}` closes nothing", "remove it"),
    "colon": _Text("a `:` follows the key, but TOML uses `=`", "write `key = value`"),
    "colon-of-lines": _Text(
        "a `:` follows the key, but TOML uses `=`", 'write `key = """`, the text, and `"""` after it'
    ),
    "comma": _Text("no comma can be here", "remove it; commas separate only what is in brackets"),
    "comment": _Text("a comment in TOML starts with `#`", "write `#` before it"),
    "control": _Text("a string contains {named}", "remove it, or write it as the escape `{escape}`", "the string"),
    "dash": _Text("an entry of a list does not start with `{word}`", 'write `["…", "…"]`'),
    "doubled-quotes": _Text(
        "text follows an empty string", "write three quotes at the start and at the end, or one", "the empty string"
    ),
    "extra-comma": _Text("there is no value before this comma", "remove the comma", "the list or table begins here"),
    "front-matter": _Text("`{word}` has no meaning in TOML", "remove it: the whole file is TOML"),
    "joined": _Text("TOML cannot join strings", "write one string", "the first string"),
    "json": _Text("a line cannot start with `{{`", "write TOML: `key = value`, each on a line of its own"),
    "list-in-braces": _Text("a list is written with brackets", "write `[…]`"),
    "list-item": _Text("a line cannot start with `{word}`", 'write a list: `key = ["…", "…"]`'),
    "missing-comma": _Text("there is no comma before this entry", "write `,` after the previous one", "begins here"),
    "no-equals": _Text("there is no `=` after the key", "write `key = value`"),
    "no-key": _Text("there is no key before this `=`", "write `key = value`"),
    "no-value": _Text("the key has no value", "write the value on the same line, or remove the key"),
    "not-a-pair": _Text("this line is not of the form `key = value`", 'text of several lines must be in `"""…"""`'),
    "null": _Text("TOML has no `{text}`", "remove the key, or write a value"),
    "odd-space": _Text("{named} is not a space in TOML", "remove it, or replace it with a plain space"),
    "operator": _Text("TOML only knows the assignment `=`", "write `key = value`"),
    "parenthesis": _Text("a list is written with brackets", "write `[…]`"),
    "prefix": _Text("a string has no prefix in TOML", "remove the letter; in `'…'`, `\\` stands for itself"),
    "quote-in-list": _Text(
        "the string before this text ends here",
        'write a quote at the start and at the end of each string, and a comma between them: `["…", "…"]`',
        "the string begins here",
    ),
    "quote-in-string": _Text(
        "the string ends before this text, because it contains its own quote `{quote}`",
        "{inner}",
        "the string begins here",
    ),
    "semicolon": _Text("a line does not end with `;`", "remove it"),
    "semicolon-after": _Text("a line does not end with `;`", "remove it"),
    "spaces-in-key": _Text("a key cannot contain a space", "write one word, or put the key in quotes"),
    "text-of-lines": _Text("`{word}` does not start a text of several lines", 'write `"""` before and after the text'),
    "two-keys": _Text("a second key is on the same line", "write each key on a line of its own", "earlier on the line"),
    "typographic": _Text("“ and similar quotes are not the quotes of TOML", 'write `"`'),
    "unopened-header": _Text("there is no `[` before this header", "write `[name]` on a line of its own"),
    "unopened-string": _Text("there is no quote before this text", "write `{last}` before it"),
    "unquoted": _Text("the value is not in quotes", "write `{quoted}`"),
    "unquoted-list": _Text("the value is not in quotes", "write `{words}` for a list, or `{quoted}` for a text"),
    "values": _Text("several values follow the key", "write a list: `key = [{listed}]`", _VALUE),
    "yes-no": _Text("`{text}` is not a value of TOML", 'write `true` or `false`, or `"{text}"` for the word'),
}


@rule("S003", fixable=Fixable.UNSAFELY)
def broken_toml(text: str, error: Exception, problem: Problem | None) -> Iterable[Violation]:
    """The file is not valid TOML.

    The keys of such a file cannot be checked, so this is the only finding in it.

    Fails::

        name = critic
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    if problem is None:
        message, hint, line, column = _parts(error)
        yield Violation(Span(line, column, line, column + 1), message, hint)
    else:
        yield from _violation(_OTHERS, text, problem)


@rule("S005")
def duplicate_key(text: str, error: Exception) -> Iterable[Violation]:
    """A key or table is defined twice.

    TOML forbids this, because it is unclear which of the two counts.

    Fails::

        name = "critic"
        description = "Reviews code."
        name = "critic"

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    message, _, line, column = _parts(error)
    holder = _HOLDER.fullmatch(message)
    if not holder and message != "duplicate key":
        return
    from kei_assembler.toml.positions import mentions

    keys = list(mentions(text))
    path = next((mention.path for mention in keys if mention.span[:2] == (line, column)), ())
    again = Span(line, column, line, column + 1)
    spans = [mention.span for mention in keys if path and mention.path == path and mention.defines] or [again]
    related = ((spans[0], "defined here first"),) if spans[0][:2] != again[:2] else ()
    name = f"`{path[-1]}`" if path else "this key"
    again = next((span for span in spans if span[:2] == again[:2]), again)
    problem, hint = f"{name} is defined twice", "keep one of the two"
    if holder:
        what = holder[1].replace("array", "list")
        kind = f"{'an' if what[0] in 'ai' else 'a'} {what}"
        problem, hint = f"{name} is already {kind}, so it cannot get keys here", "write all of it in one place"
    yield Violation(again, problem, hint, related)


_HOLDER = lazy_re.compile(r"cannot extend value of type ([\w -]+) with a dotted key")


@rule("S007", fixable=Fixable.UNSAFELY)
def unclosed_string(text: str, _: Exception, problem: Problem | None) -> Iterable[Violation]:
    """A string is not closed, or a string in single quotes has several lines.

    In TOML, `"…"` and `'…'` must end on the line on which they begin. A string of several lines needs three quotes.

    Fails::

        name = "critic"
        description = "Reviews code.

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    yield from _violation(_STRINGS, text, problem)


@rule("S008", fixable=Fixable.UNSAFELY)
def wrong_escape(text: str, _: Exception, problem: Problem | None) -> Iterable[Violation]:
    r"""A string in double quotes contains a backslash that does not start an escape.

    In `"…"` and `\"\"\"…\"\"\"`, `\` starts an escape, such as `\n` for a line break. In `'…'` and `'''…'''`, it stands
    for itself, as regular expressions and Windows paths need it.

    Fails::

        name = "critic"
        description = "Reviews code in C:\users."

    Passes::

        name = "critic"
        description = 'Reviews code in C:\users.'
    """
    yield from _violation(_ESCAPES, text, problem)


@rule("S009")
def unclosed_bracket(text: str, _: Exception, problem: Problem | None) -> Iterable[Violation]:
    """A list, an inline table or a header is not closed.

    Fails::

        name = "critic"
        tools = ["Read", "Grep"
        description = "Reviews code."

    Passes::

        name = "critic"
        tools = ["Read", "Grep"]
        description = "Reviews code."
    """
    yield from _violation(_BRACKETS, text, problem)


def check_syntax(source: Source, error: Exception) -> list[Diagnostic]:
    """Return the finding about a file that the parser refuses with this error."""
    if "recurs" in str(error):
        return run_rule(nested_too_deeply, source, _deepest_span(source.text, error))
    if found := run_rule(duplicate_key, source, source.text, error):
        return found
    problem = first_problem(source.text)
    diagnostics = (run_rule(each, source, source.text, error, problem) for each in _RULES)
    return next(filter(None, diagnostics))


_RULES = (unclosed_string, wrong_escape, unclosed_bracket, broken_toml)
_MAX_QUOTED = 60


def _violation(texts: Mapping[str, _Text], text: str, problem: Problem | None) -> Iterable[Violation]:
    if problem is None or problem.kind not in texts:
        return
    row, (start, end) = texts[problem.kind], (problem.start, problem.end)
    quoted = problem.text.partition("\n")[0]
    begin = problem.origin if problem.origin >= 0 else start
    inside = text[begin:end].partition("\n")[0].strip(" \t,")
    quote = text[begin : begin + 1]
    words = {
        "text": quoted if len(quoted) <= _MAX_QUOTED else f"{quoted[:_MAX_QUOTED]}…",
        "word": quoted.split(" ")[0].split("=")[0],
        "first": quoted[:1],
        "last": quoted.rstrip(",]}) ")[-1:],
        "lower": quoted.lower(),
        "listed": inside if len(inside) <= _MAX_QUOTED else "…, …",
        "words": "[{}]".format(", ".join(f'"{word}"' for word in quoted.replace(" ", "").replace("\t", "").split(","))),
        "escape": f"\\u{ord(quoted):04X}" if len(quoted) == 1 else "",
        "named": named(quoted) if len(quoted) == 1 else "",
        "quote": quote,
        "inner": _INNER.get(quote, ""),
        "long": f"`{quote * 3}` at its start and at its end",
        "quoted": quoted.join("''" if set(quoted) & {'"', "\\"} and "'" not in quoted else '""'),
    }
    related = ((_span_at(text, problem.origin), row.origin),) if row.origin and problem.origin >= 0 else ()
    where = span_of(text, start, end)
    if texts is _ESCAPES:  # the string's start is where to change the quotes
        where, related = _span_at(text, problem.origin), ((where, "the escape"),)
    hint = row.help.format(**words)
    hint = _for_code(text, problem, hint) if texts is _ESCAPES else hint
    yield Violation(where, row.message.format(**words), hint, related, remedy_of(text, problem))


_LONG_CODES = "four hexadecimal digits after `\\u`, or eight after `\\U`"
_CODES = {"u": _LONG_CODES, "U": _LONG_CODES, "x": "two hexadecimal digits after `\\x`"}
_PAIR = lazy_re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def _for_code(text: str, problem: Problem, hint: str) -> str:
    """Return the help for a wrong escape: what is meant if other languages have such an escape, or the given help."""
    letter, has_digits = problem.text[1:2], len(problem.text) > len("\\u")
    if pair := _PAIR.match(text, problem.start):
        code = b"".join(bytes.fromhex(half) for half in pair.groups()).decode("utf-16-be")
        return f"write `\\U{ord(code):08X}`"
    if problem.kind == "escape-code":
        return hint
    if letter == "'":
        return "write `'`, which needs no `\\`"
    if letter in _CODES and (has_digits or text.startswith("{", problem.end)):
        return f"for a character, write {_CODES[letter]}; otherwise, {hint}"
    return hint


_INNER = {'"': "write `\\\"` for a quote in the text, or use `'…'`", "'": 'use `"…"` if the text contains a `\'`'}


def _span_at(text: str, start: int) -> Span:
    end = text.find("\n", start)
    return span_of(text, start, end if end >= 0 else len(text))


_RTOML_MESSAGE = lazy_re.compile(r"(?P<message>.*) at line (?P<line>\d+) column (?P<column>\d+)")


def _parts(error: Exception) -> tuple[str, str, int, int]:
    """Return the parser's message, what it expected, and the line and column."""
    match = _RTOML_MESSAGE.fullmatch(str(error))
    if match is None:  # the parser has no position for a limit of its own, such as its recursion limit
        return str(error), "", 1, 1
    message, comma, expected = match["message"].partition(", expected ")
    hint = f"expected {expected}" if comma and expected != "nothing" else ""
    return message, hint, int(match["line"]), int(match["column"])


def _deepest_span(text: str, error: Exception) -> Span:
    # the parser reports no position for a dotted key or a table header that is too deep, so search for one
    _, _, line, column = _parts(error)
    dotted = _LONG_KEY.search(text)
    return span_of(text, *dotted.span()) if (line, column) == (1, 1) and dotted else Span(line, column, line, column)


_LONG_KEY = lazy_re.compile(rf"^(?:[^\n.]++\.){{{MAX_NESTING}}}[^\n=\]]*", re.MULTILINE)
