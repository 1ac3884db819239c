"""Read the bodies of agent files: recognize generated sections, and close what is open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.markdown.block_reader import Unclosed
from kei_assembler.markdown.structure import escape_block_start, reference
from kei_assembler.markdown.structure import outline as read_outline
from kei_assembler.model.inheritance import INHERITED
from kei_assembler.model.manifest import manifest_reader, manifest_shape
from kei_assembler.records import NamedTuple
from kei_assembler.render.templates import default_body, default_titles
from kei_assembler.whitespace import SPACES, WHITESPACE, collapse_whitespace

_HEADING = lazy_re.compile(r"(?P<hashes>#{1,6})[ \t]+(?P<title>[^ \t].*)", re.DOTALL)

outline = lru_cache(maxsize=8)(read_outline)  # several functions need the outline of the same text


class Section(NamedTuple):
    """A heading with its level, and all lines from it up to the next section."""

    level: int
    title: str
    text: str


def sections(text: str, max_level: int) -> list[Section]:
    """Split a text before each heading up to a level. The text before the first heading has level 0."""
    lines = text.split("\n")
    starts = {0: (0, "")}
    for number, (line, is_verbatim) in enumerate(zip(lines, outline(text).verbatim, strict=True)):
        heading = None if is_verbatim else _HEADING.fullmatch(line)
        if heading and len(heading["hashes"]) <= max_level:
            starts[number] = (len(heading["hashes"]), heading["title"].strip(SPACES))
    return [Section(*starts[start], "\n".join(lines[start:end])) for start, end in pairwise([*starts, len(lines)])]


def fields_of(body: str, is_expressible: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Return the manifest keys that a body was generated from: `role`, and the keys of the sections at its end.

    The key `allowed` has the phrases of a section about tools. A section counts only if the package's template
    generates exactly the same section, and if `is_expressible` returns true for the keys.
    """
    cut = sections(body, 1)
    for start in range(max(len(cut) - len(_READERS), 0), len(cut)):
        data = _read_sections(cut[start:])
        if data is not None and is_expressible(data):
            return {"role": _role(cut[:start]), **data}
    return {"role": _role(cut)}


def _role(cut: Iterable[Section]) -> str:
    text = "\n".join(section.text for section in cut).strip("\n")
    return re.sub(rf"\A# {default_titles()['role']}[ \t]*(?:\n+|\Z)", "", text) or text


def _read_sections(cut: list[Section]) -> dict[str, Any] | None:
    """The keys that sections were generated from, or None if the template generates other sections from them."""
    readers = {title: _READERS[block] for block, title in default_titles().items() if block in _READERS}
    data: dict[str, Any] = {}
    for section in cut:
        if section.title not in readers:
            return None
        data |= readers[section.title](section.text.partition("\n")[2].strip(WHITESPACE))
    text = "\n".join(section.text for section in cut)
    return data if _has_valid_lists(data) and _WORD.findall(_generated(data)) == _WORD.findall(text) else None


_WORD = lazy_re.compile(f"[^{WHITESPACE}]+")


def _has_valid_lists(data: Mapping[str, Any]) -> bool:
    """A manifest's lists have no empty and no repeated entries, and none that stands for inherited ones."""
    handoffs, references = data.get("handoff", ()), data.get("references", {})
    others = (data[key] for key in data if key not in ("handoff", "references"))
    lists = ([handoff["target"] for handoff in handoffs], *references.values(), *others)
    return all(len({*entries} - {"", INHERITED}) == len(entries) for entries in lists)


def _generated(data: Mapping[str, Any]) -> str:
    allowed = tuple(data["allowed"]) if "allowed" in data else None
    manifest, _ = _read_manifest({key: data[key] for key in data if key != "allowed"})
    return default_body(manifest, allowed)


_read_manifest = manifest_reader(manifest_shape({}))


def _entries(text: str) -> list[str]:
    return [_unescaped(line[2:].strip(SPACES)) for line in text.split("\n") if line.startswith("- ")]


def _unescaped(entry: str) -> str:
    """The text without the backslash that keeps it from starting a block."""
    bare = entry.replace("\\", "", 1)
    return bare if escape_block_start(bare) == entry else entry


_HANDOFF = lazy_re.compile(r"\*\*(?P<target>.+?)\*\*: (?P<trigger>.+)", re.DOTALL)


def _handoffs(text: str) -> list[dict[str, str]]:
    matches = filter(None, map(_HANDOFF.fullmatch, _entries(text)))
    return [{"target": match["target"], "trigger": _unescaped(match["trigger"])} for match in matches]


def _fenced_lines(text: str) -> list[str]:
    """The lines inside a fence, if the template leaves each of them unchanged."""
    lines = text.split("\n")[1:-1]
    return lines if all(line and collapse_whitespace(line) == line for line in lines) else []


def _reference(entry: str) -> str:
    """The path or text that the template writes as this entry."""
    ticks = len(entry) - len(entry.lstrip("`"))
    inner = entry[ticks:-ticks] if ticks else entry
    return next((code for code in (inner, inner[1:-1]) if reference(code) == entry), entry)


# The keys that a section was probably generated from, by the template's block. The caller checks them.
_READERS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "domain": lambda text: {"domain_in": _entries(text)},
    "handoffs": lambda text: {"handoff": _handoffs(text)},
    "allowed": lambda text: {"allowed": _entries(text)},
    "output": lambda text: {"output_extra_fields": _fenced_lines(text)},
    "forbidden": lambda text: {"forbidden_domain": _entries(text)},
    "references": lambda text: {"references": {"extra": list(map(_reference, _entries(text)))}},
}

_CLOSINGS = {"HTML comment": "-->", "processing instruction": "?>", "HTML declaration": ">", "CDATA section": "]]>"}
_OPENING = lazy_re.compile(r" *(?:(?P<fence>`{3,}|~{3,})|<(?P<tag>\w+))")


def closed(text: str) -> tuple[str, Unclosed | None]:
    """Close the fence or HTML block that a text leaves open. Return the text, and what was open."""
    unclosed = outline(text).unclosed
    if unclosed is None:
        return text, None
    opening = _OPENING.match(text.split("\n")[unclosed.line - 1])
    closing = opening and (opening["fence"] or f"</{opening['tag']}>")
    fixed = f"{text}\n{_CLOSINGS.get(unclosed.what) or closing or ''}"
    return (fixed, unclosed) if outline(fixed).unclosed is None else (text, None)
