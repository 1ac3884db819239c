"""Kinds of syntax errors that a text shows at its start: the habits of other languages and of word processors."""

from __future__ import annotations

import re

from kei_assembler import lazy_re
from kei_assembler.whitespace import OTHER_SPACES

Faults = tuple[tuple[str, "re.Pattern[str]"], ...]

ODD_SPACE = lazy_re.compile(rf"[{OTHER_SPACES}\x00-\x08\r\x0e-\x1b\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064]")
"""A character that looks like a space, or like nothing, but is none of TOML's spaces."""

_KEY = r"(?:[\w.$@-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
_STRING = r"(?:\"[^\"\n]*+\"|'[^'\n]*+')"
_WORD = r"[^ \t\n\"',\[\]{}=#]++"
_END = r"(?=[ \t]*+(?:[\n,\]}#]|\Z))"
_LINE_END = r"[ \t]*+(?:#|\n|\Z)"
_TEXT_OF_YAML = rf"(?:[|>][+-]?[0-9]?|<<[-~]?\w++){_LINE_END}"
_QUOTES = lazy_re.compile(r"[“”„‟«»‘’‚‛]")
OTHER_ENDS = "”“»«’‘'\""
"""What people write, or an editor makes of it, instead of the quote that ends a string."""

_COMMENT = lazy_re.compile(r"//|/\*|<!--")

OF_KEYS: Faults = (
    ("comment", _COMMENT),
    ("comment", lazy_re.compile(r";|%")),
    ("front-matter", lazy_re.compile(r"(?:---++|\+\+\+|```|~~~)")),
    ("json", lazy_re.compile(r"\{")),
    ("closes-nothing", lazy_re.compile(r"[\]}]")),
    ("comma", lazy_re.compile(r",")),
    ("no-key", lazy_re.compile(r"=")),
    ("typographic", _QUOTES),
    ("list-item", lazy_re.compile(r"[-*•][ \t]")),
    ("colon-of-lines", lazy_re.compile(rf"{_KEY}[ \t]*+:[ \t]*+{_TEXT_OF_YAML}")),
    ("colon", lazy_re.compile(rf"{_KEY}[ \t]*+:(?![=:])")),
    ("operator", lazy_re.compile(rf"{_KEY}[ \t]*+(?:[+:?.|*-]=|->)")),
    ("list-in-braces", lazy_re.compile(rf"{_STRING}[ \t]*+[,}}]")),
    ("unopened-header", lazy_re.compile(rf"[A-Za-z_][\w.-]*+\]\]?{_LINE_END}")),
    ("no-equals", lazy_re.compile(rf"{_KEY}[ \t]++[\"'\[{{“]")),
    ("spaces-in-key", lazy_re.compile(r"[\w-]++(?:[ \t]++[\w-]++)++[ \t]*+=")),
    ("bare-key", lazy_re.compile(r"(?=[^\n#\"'=]*[^\n#\"'=A-Za-z0-9_. \t-])[^ \t\n#\"'=]++[ \t]*+=")),
)
"""What the line of a key looks like if no key is there, or no `=` after it."""

OF_VALUES: Faults = (
    ("typographic", _QUOTES),
    ("backtick", lazy_re.compile(r"`")),
    ("parenthesis", lazy_re.compile(r"\(")),
    ("boolean", lazy_re.compile(rf"(?i:true|false){_END}")),
    ("yes-no", lazy_re.compile(rf"(?i:yes|no|on|off){_END}")),
    ("null", lazy_re.compile(rf"(?i:null|none|nil|undefined|~){_END}")),
    ("prefix", lazy_re.compile(rf"[A-Za-z]{{1,2}}{_STRING}{_END}")),
    ("unopened-string", lazy_re.compile(rf"{_WORD}(?:[ \t]++{_WORD})*+[\"']{_END}")),
    ("text-of-lines", lazy_re.compile(_TEXT_OF_YAML)),
    ("dash", lazy_re.compile(r"[-*•][ \t]")),
    ("semicolon-after", lazy_re.compile(rf"(?:true|false|[+-]?[0-9][\w.+-]*+);{_END}")),
)
"""What a value looks like if it is none of TOML's, except for words without quotes."""

OF_RESTS: Faults = (
    ("comment", _COMMENT),
    ("comment", lazy_re.compile(r"--[ \t]")),
    ("semicolon", lazy_re.compile(r";")),
    ("joined", lazy_re.compile(r"[+&.][ \t]*+[\"']")),
    ("values", lazy_re.compile(rf"(?:,[ \t]*+{_STRING})++,?{_LINE_END}")),
    ("comma", lazy_re.compile(r",[ \t]*+(?:#|\n|\Z)")),
    ("closes-nothing", lazy_re.compile(r"[\]}]")),
    ("two-keys", lazy_re.compile(r",?[ \t]*+[\w.-]++[ \t]*+=")),
)
"""What follows a complete value or header on its line."""


def fault(faults: Faults, text: str, at: int, otherwise: str) -> str:
    """Return the kind of the first fault that a text shows at an offset."""
    return next((kind for kind, pattern in faults if pattern.match(text, at)), otherwise)
