"""The text of a generated file, in pieces that say which part of the kit they come from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kei_assembler.analysis.catalog.contents import Contents
from kei_assembler.analysis.catalog.html import Html, element
from kei_assembler.records import NamedTuple
from kei_assembler.render.places import Line, Part
from kei_assembler.render.templates import PACKAGE_FILES

KINDS = {
    "manifest": "manifest",
    "base": "base",
    "setting": "settings",
    "role": "role file",
    "block": "block",
    "value": "value",
    "template": "template",
    "client": "for the client",
    "stamp": "stamp",
}
"""The kinds of parts with their names for readers, in the order of the legend."""


class Piece(NamedTuple):
    """Successive lines of a generated file that come from the same part of the kit.

    `name` is the key of a TOML file or the entry of a block. `lines` are those of the source, `values` the names of the
    values that fill them.
    """

    kind: str
    name: str
    file: str
    lines: tuple[int, int]
    text: str
    values: tuple[str, ...] = ()


def pieces(lines: Iterable[Line]) -> list[Piece]:
    """Return the lines of a generated file in pieces. An empty line belongs to the piece before it."""
    found: list[Piece] = []
    for line in lines:
        part = line.parts[0] if line.parts else Part("client")
        name = _name(part)
        values = tuple(dict.fromkeys(_name(each) for each in line.parts[1:] if each.kind == "value"))
        last = found[-1] if found else None
        if last and not line.text:
            found[-1] = last._replace(text=f"{last.text}\n")
        elif last and (last.kind, last.name, last.file) == (part.kind, name, part.file):
            numbers = [*last.lines, *(each.line for each in line.parts if each.file == part.file and each.line)]
            found[-1] = last._replace(
                lines=(min(filter(None, numbers), default=0), max(numbers)),
                text=f"{last.text}\n{line.text}",
                values=tuple(dict.fromkeys((*last.values, *values))),
            )
        else:
            found.append(Piece(part.kind, name, part.file, (part.line, part.line), line.text, values))
    return found


def _name(part: Part) -> str:
    """The entry of a block, the name of a value, or the first part of a key."""
    if part.kind == "block":
        return part.key
    return part.key.rpartition("values.")[2] if part.kind == "value" else re.split(r"[.\[]", part.key)[0]


def marked_text(contents: Contents, found: Iterable[Piece], root: str) -> Html:
    """Return pieces of a text, each with its origin beside it, and a legend."""
    found = list(found)
    present = {piece.kind for piece in found}
    legend = [
        element("li", element("span", class_=f"swatch of-{kind}"), what)
        for kind, what in KINDS.items()
        if kind in present
    ]
    rows = [
        element(
            "div",
            element("p", _origin(contents, piece, root), class_="origin"),
            element("pre", Html("\n"), piece.text.rstrip("\n") or " "),
            class_=f"piece of-{piece.kind}",
        )
        for piece in found
    ]
    return Html(element("ul", legend, class_="legend", aria_label="Origins") + element("div", rows, class_="pieces"))


def _origin(contents: Contents, piece: Piece, root: str) -> Iterator[Html | str]:
    yield element("span", KINDS[piece.kind], class_="unseen" if piece.kind == "block" else None)
    yield " "
    if piece.kind == "block":
        yield contents.block_link(piece.name, root)
    elif piece.name:
        yield element("code", piece.name)
    first, last = piece.lines
    if piece.file in PACKAGE_FILES:
        yield element("small", " built in")
    elif piece.file:
        numbers = f":{first}" if first == last else f":{first}-{last}"
        yield element("small", f" {piece.file}{numbers if first else ''}")
    if piece.values:
        yield element("small", f" with {', '.join(piece.values)}")
