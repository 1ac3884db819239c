"""Bodies of agent files: which of their sections are this tool's own, and which several of them share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from kei_assembler.markdown.structure import Unclosed, collapse_whitespace, escape_block_start, reference
from kei_assembler.markdown.structure import outline as read_outline
from kei_assembler.model.manifest import manifest_reader, manifest_shape
from kei_assembler.render.templates import default_body, default_titles

_HEADING = re.compile(r"(?P<hashes>#{1,6})[ \t](?P<title>.*\S.*)")

_MAY_BE_CODE = re.compile(r"```|~~~|<[!?a-z]", re.IGNORECASE)

outline = lru_cache(maxsize=8)(read_outline)
"""Several questions are asked about one text."""


class Section(NamedTuple):
    """A heading with its level, and all lines from it up to the next section."""

    level: int
    title: str
    text: str


def sections(text: str, deepest: int) -> list[Section]:
    """Return a text cut before each heading of up to this level that is no code; what comes first has level 0."""
    lines = text.split("\n")
    starts = {0: (0, "")}
    for number, (line, is_verbatim) in enumerate(zip(lines, outline(text).verbatim, strict=True)):
        heading = None if is_verbatim else _HEADING.fullmatch(line)
        if heading and len(heading["hashes"]) <= deepest:
            starts[number] = (len(heading["hashes"]), heading["title"].strip())
    return [Section(*starts[start], "\n".join(lines[start:end])) for start, end in pairwise([*starts, len(lines)])]


def fields_of(body: str, can_say: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Return the manifest's keys that a body stands for: `role`, and those of our own sections at its end.

    They are our own when they are what this tool would write for these keys, or for `allowed`, what the agent may do in
    words. `can_say` tells whether a manifest of the kit can say such things.
    """
    cut = sections(body, 1)
    for start in range(len(cut) - min(len(cut), len(_READERS)), len(cut)):
        data = _read(cut[start:])
        if data is not None and can_say(data):
            return {"role": _role(cut[:start]), **data}
    return {"role": _role(cut)}


def _role(cut: Iterable[Section]) -> str:
    text = "\n".join(section.text for section in cut).strip("\n")
    return re.sub(rf"\A# {default_titles()['role']}[ \t]*(?:\n+|\Z)", "", text) or text


def _read(cut: list[Section]) -> dict[str, Any] | None:
    """The keys that sections stand for; None where the package's template does not make just these sections of them."""
    blocks = {title: block for block, title in default_titles().items()}
    data: dict[str, Any] = {}
    for section in cut:
        if blocks.get(section.title) not in _READERS:
            return None
        data |= _READERS[blocks[section.title]](section.text.partition("\n")[2].strip())
    text = "\n".join(section.text for section in cut)
    return data if _are_lists(data) and written(data).split() == text.split() else None


def _are_lists(data: Mapping[str, Any]) -> bool:
    """Whether the lists are such as a manifest may have: no entry is empty, and none is there twice."""
    handoffs, references = data.get("handoff", ()), data.get("references", {})
    others = (data[key] for key in data if key not in ("handoff", "references"))
    lists = ([one["target"] for one in handoffs], *references.values(), *others)
    return all(len({*entries} - {""}) == len(entries) for entries in lists)


def written(data: Mapping[str, Any]) -> str:
    """Return our own sections after the role, as the package's template has them, for the keys of a manifest."""
    allowed = tuple(data["allowed"]) if "allowed" in data else None
    manifest, _ = _read_manifest({key: data[key] for key in data if key != "allowed"})
    return default_body(manifest, allowed)


_read_manifest = manifest_reader(manifest_shape({}))


def _entries(text: str) -> list[str]:
    """The entries of the list in a section, each of one line."""
    return [_unescaped(line[2:].strip()) for line in text.split("\n") if line.startswith("- ")]


def _unescaped(entry: str) -> str:
    """The text of which an entry is the form that opens no block."""
    bare = entry.replace("\\", "", 1)
    return bare if escape_block_start(bare) == entry else entry


_HANDOFF = re.compile(r"\*\*(?P<target>.+?)\*\*: (?P<trigger>.+)")


def _handoffs(text: str) -> list[dict[str, str]]:
    matches = filter(None, map(_HANDOFF.fullmatch, _entries(text)))
    return [{"target": match["target"], "trigger": _unescaped(match["trigger"])} for match in matches]


def _fenced(text: str) -> list[str]:
    """The lines inside a fence, if each is as the template leaves it."""
    lines = text.split("\n")[1:-1]
    return lines if all(line and collapse_whitespace(line) == line for line in lines) else []


def _referred(entry: str) -> str:
    ticks = len(entry) - len(entry.lstrip("`"))
    inner = entry[ticks:-ticks] if ticks else entry
    codes = (code for code in (inner, inner[1:-1]) if reference(code) == entry)
    return next(codes, entry)


_READERS: Mapping[str | None, Callable[[str], dict[str, Any]]] = {
    "domain": lambda text: {"domain_in": _entries(text)},
    "handoffs": lambda text: {"handoff": _handoffs(text)},
    "allowed": lambda text: {"allowed": _entries(text)},
    "output": lambda text: {"output_extra_fields": _fenced(text)},
    "forbidden": lambda text: {"forbidden_domain": _entries(text)},
    "references": lambda text: {"references": {"extra": list(map(_referred, _entries(text)))}},
}
"""What the sections of the package's template say, by its blocks; `_read` has to look whether that is all they say."""


_CLOSINGS = {
    "HTML comment": "-->",
    "processing instruction": "?>",
    "HTML declaration": ">",
    "CDATA section": "]]>",
}
_OPENING = re.compile(r"\s*(?:(?P<fence>`{3,}|~{3,})|<(?P<tag>\w+))")


def closed(text: str) -> tuple[str, Unclosed | None]:
    """Return a text with what it leaves open closed at its end, and what that was."""
    unclosed = _left_open(text)
    if unclosed is None:
        return text, None
    opening = _OPENING.match(text.split("\n")[unclosed.line - 1])
    by_line = opening and (opening["fence"] or f"</{opening['tag']}>")
    mended = f"{text}\n{_CLOSINGS.get(unclosed.what) or by_line or ''}"
    return (mended, unclosed) if outline(mended).unclosed is None else (text, None)


def _left_open(text: str) -> Unclosed | None:
    return outline(text).unclosed if _MAY_BE_CODE.search(text) else None


class SplitRole(NamedTuple):
    """A role without the sections that became blocks, those sections, and the first that is not where it was."""

    role: str
    shared: tuple[Section, ...]
    moved: Section | None


def share(roles: Mapping[str, str]) -> dict[str, SplitRole]:
    """Return each role without the sections that stand word for word in another one too."""
    cut = {name: _candidates(role) for name, role in roles.items()}
    counts = Counter(text for parts in cut.values() for text in {_text(part) for part in parts if _may_be_block(part)})
    return {name: _split(parts, {text for text, count in counts.items() if count > 1}) for name, parts in cut.items()}


def _candidates(role: str) -> list[Section]:
    """The sections of a role that may stand elsewhere: those of the first level, or below a title those of the second.

    A section of the second level among several of the first would come below another of these.
    """
    first = sections(role, 1)
    if len(first) > 1:
        return first
    title, *others = sections(role, 2)
    return [title._replace(level=0) if others and title.level == 1 else title, *others]


def _text(section: Section) -> str:
    return section.text.strip("\n")


def _may_be_block(section: Section) -> bool:
    says_something = section.text.partition("\n")[2].strip()
    return section.level > 0 and bool(says_something) and _left_open(section.text) is None


def _split(parts: list[Section], shared: set[str]) -> SplitRole:
    taken: dict[str, Section] = {}
    kept: list[Section] = []
    moved = None
    for part in parts:
        text = _text(part)
        if text in shared and text not in taken and _may_be_block(part):
            taken[text] = part._replace(text=text)
        elif text:
            kept.append(part)
            moved = moved or next(reversed(taken.values()), None)
    return SplitRole("\n".join(part.text for part in kept).strip("\n"), tuple(taken.values()), moved)
