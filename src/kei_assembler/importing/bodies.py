"""Bodies of agent files: which of their sections are this tool's own, and which several of them share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from kei_assembler.text.markdown import Unclosed, fence_around, fold, inert, inert_all, reference
from kei_assembler.text.markdown import outline as read_outline

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
    return _OWN_HEADING.sub("", text) or text


_OWN_HEADING = re.compile(r"\A# ROLE[ \t]*(?:\n+|\Z)")


def _read(cut: list[Section]) -> dict[str, Any] | None:
    data: dict[str, Any] = {}
    for section in cut:
        found = _READERS[section.title](section.text.partition("\n")[2].strip()) if section.title in _READERS else None
        if found is None:
            return None
        data |= found
    out = data.pop("out", [])
    is_whole = out == [one["target"] for one in data.get("handoff", ())]
    is_same = _squeezed(written(data)) == _squeezed("\n".join(section.text for section in cut))
    return data if is_whole and is_same else None


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def written(data: Mapping[str, Any]) -> str:
    """Return our own sections after the role, as the package's template has them, for the keys of a manifest."""
    inside, out = data.get("domain_in", ()), data.get("handoff", ())
    domain = [*(["**In:**", _bullets(inert_all(inside))] if inside else []), *([_out(out)] if out else [])]
    lines = "\n".join(data.get("output_extra_fields", ()))
    fence = fence_around(lines)
    parts = {
        "DOMAIN SCOPE": "\n\n".join(domain),
        "HANDOFFS": _bullets(f"**{one['target']}**: {inert(one['trigger'])}" for one in out),
        "TOOLS": _allowed(data.get("allowed")),
        "OUTPUT FORMAT": f"{fence}\n{lines}\n{fence}" if lines else "",
        "FORBIDDEN": _bullets(inert_all(data.get("forbidden_domain", ()))),
        "REFERENCES": _bullets(map(reference, data.get("references", {}).get("extra", ()))),
    }
    return "\n\n".join(f"# {title}\n\n{text}" for title, text in parts.items() if text)


def _bullets(entries: Iterable[str]) -> str:
    return "\n".join(f"- {entry}" for entry in entries)


def _out(handoffs: Iterable[Mapping[str, str]]) -> str:
    return "**Out (hand off):** " + ", ".join(f"`{one['target']}`" for one in handoffs)


_BUT = "Besides thinking and answering, you may do this, and nothing else:"
_NOTHING = "You may use no tools: answer from what you are given."


def _allowed(phrases: Sequence[str] | None) -> str:
    if phrases is None:
        return ""
    return f"{_BUT}\n\n{_bullets(phrases)}" if phrases else _NOTHING


def _entries(text: str) -> list[str] | None:
    """The entries of a list, each of one line and none twice; None where it is something else."""
    lines = [line for line in text.split("\n") if line.strip()]
    entries = [_unescaped(line[2:].strip()) for line in lines if line.startswith("- ")]
    return entries if all(entries) and len(set(entries)) == len(lines) else None


def _unescaped(entry: str) -> str:
    """The text of which an entry is the form that opens no block."""
    bare = entry.replace("\\", "", 1)
    return bare if inert(bare) == entry else entry


_HANDOFF = re.compile(r"\*\*(?P<target>.+?)\*\*: (?P<trigger>.+)")
_FENCED = re.compile(r"(?P<fence>`{3,})\n(?P<lines>.+)\n(?P=fence)", re.DOTALL)


def _read_domain(text: str) -> dict[str, Any] | None:
    before, _, after = text.partition("**Out (hand off):** ")
    inside = _entries(before.removeprefix("**In:**"))
    if inside is None:
        return None
    out = [name.strip("`") for name in after.split(", ") if name]
    return {"out": out} | ({"domain_in": inside} if inside else {})


def _read_handoffs(text: str) -> dict[str, Any] | None:
    matches = [_HANDOFF.fullmatch(entry) for entry in _entries(text) or ()]
    handoffs = [{"target": match["target"], "trigger": _unescaped(match["trigger"])} for match in matches if match]
    is_right = len({one["target"] for one in handoffs}) == len(matches)
    return {"handoff": handoffs} if handoffs and is_right else None


def _read_allowed(text: str) -> dict[str, Any] | None:
    if text == _NOTHING:
        return {"allowed": []}
    entries = _entries(text.removeprefix(_BUT)) if text.startswith(_BUT) else None
    return {"allowed": entries} if entries else None


def _read_output(text: str) -> dict[str, Any] | None:
    match = _FENCED.fullmatch(text)
    lines = match["lines"].split("\n") if match else []
    is_right = lines and len(set(lines)) == len(lines) and all(line and fold(line) == line for line in lines)
    return {"output_extra_fields": lines} if is_right else None


def _read_forbidden(text: str) -> dict[str, Any] | None:
    return {"forbidden_domain": entries} if (entries := _entries(text)) else None


def _read_references(text: str) -> dict[str, Any] | None:
    entries = [_referred(entry) for entry in _entries(text) or ()]
    return {"references": {"extra": entries}} if entries and len(set(entries)) == len(entries) else None


def _referred(entry: str) -> str:
    ticks = len(entry) - len(entry.lstrip("`"))
    inner = entry[ticks:-ticks] if ticks else entry
    codes = (code for code in (inner, inner[1:-1]) if reference(code) == entry)
    return next(codes, entry)


_READERS: Mapping[str, Callable[[str], dict[str, Any] | None]] = {
    "DOMAIN SCOPE": _read_domain,
    "HANDOFFS": _read_handoffs,
    "TOOLS": _read_allowed,
    "OUTPUT FORMAT": _read_output,
    "FORBIDDEN": _read_forbidden,
    "REFERENCES": _read_references,
}


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


class Split(NamedTuple):
    """A role without the sections that became blocks, those sections, and the first that is not where it was."""

    role: str
    shared: tuple[Section, ...]
    moved: Section | None


def share(roles: Mapping[str, str]) -> dict[str, Split]:
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


def _split(parts: list[Section], shared: set[str]) -> Split:
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
    return Split("\n".join(part.text for part in kept).strip("\n"), tuple(taken.values()), moved)
