"""Tables of GitHub Flavored Markdown: which lines could belong to one, and the cells of a line."""

from __future__ import annotations

from collections.abc import Sequence

from kei_assembler import lazy_re
from kei_assembler.whitespace import SPACES

_DELIMITERS = lazy_re.compile(r"[ \t>]*+[-:|](?:[-:| \t]*+)\Z")
_ESCAPED_OR_PIPE = lazy_re.compile(r"\\.|\|")
_PIPE = lazy_re.compile(r"(?<!\\)\|")


def is_delimiter_row(line: str) -> bool:
    """Return whether a line could be the one below the header of a table."""
    return ("-" in line or ":" in line) and _DELIMITERS.match(line) is not None


def lines_in_tables(lines: Sequence[str]) -> dict[int, bool]:
    """Return the numbers of the lines that could belong to a table, with whether each could be its header.

    The header is the line before a row of delimiters. A blank line ends a table.
    """
    found: dict[int, bool] = {}
    in_table = False
    for number, line in enumerate(lines):
        if number and is_delimiter_row(line) and lines[number - 1].strip(SPACES):
            found[number - 1] = in_table = True
        in_table = in_table and bool(line.strip(" \t>"))
        if in_table:
            found[number] = False
    return found


def cells(line: str, is_header: bool) -> tuple[int, int, bool]:
    """Return how many pipes separate cells in a line, as parsers with two notions of an escaped pipe count them.

    In a header, it also counts whether there is a pipe at all.
    """
    pipes = sum(match[0] == "|" for match in _ESCAPED_OR_PIPE.finditer(line))
    return pipes, len(_PIPE.findall(line)), is_header and "|" in line
