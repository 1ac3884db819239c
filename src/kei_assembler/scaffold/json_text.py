"""Add members and items to JSON text.

Everything else stays as it is, byte for byte: order, spaces, line ends, and how values are written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.kit.client_json import plain_json

_SPACE = lazy_re.compile(r"[ \t\r\n]*+")
_INDENT = lazy_re.compile(r"\n([ \t]+)")
_DECODER = json.JSONDecoder(parse_int=float)  # an integer can have too many digits for Python
_BOM = "\ufeff"


def read_object(text: str) -> dict[str, Any]:
    """Return the object that a text consists of, by RFC 8259.

    Raises:
        ValueError: the text is something else, or it has a key twice. The message is the end of a sentence about it.
    """
    text = text.removeprefix(_BOM)
    try:
        data = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant, parse_int=float)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(_fault(text, error)) from error
    if not isinstance(data, dict):
        raise ValueError("is not a JSON object")
    return data


def _fault(text: str, error: json.JSONDecodeError) -> str:
    """What is wrong with a text that is not valid JSON."""
    try:
        json.loads(plain_json(text))
    except (ValueError, RecursionError):
        return f"is not valid JSON in line {error.lineno}"
    return "has comments, or a comma after the last item"


def _without_repetition(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in members:
        if key in found:
            raise ValueError(f"has the key `{key}` twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"is not valid JSON: it has the value {name}")


def merged(text: str, wanted: dict[str, Any]) -> str:
    """Return the text of an object with the members of `wanted` that it lacks.

    Objects are merged, and lists get the items that they lack. Other values stay as they are.

    Raises:
        ValueError: see `read_object`, or a value is not an object or a list where `wanted` has one.
    """
    bom = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(bom)
    read_object(text)
    insertions = sorted(_Merge(text).insertions(_after_space(text, 0), wanted, ""), reverse=True)
    for start, end, added in insertions:
        text = f"{text[:start]}{added}{text[end:]}"
    return bom + text


class _Merge:
    """What a text needs to have other members: spans, and the text to replace each of them with."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        found = _INDENT.search(text)
        self._unit = found[1] if found else "  "

    def insertions(self, start: int, wanted: Any, key: str) -> list[tuple[int, int, str]]:
        """Return the insertions into the object or list that starts at an offset. Its key is for messages."""
        is_object = isinstance(wanted, dict)
        if self._text[start] != ("{" if is_object else "["):
            raise ValueError(f"has a value of `{key}` that is not {'an object' if is_object else 'a list'}")
        present, end = self._entries(start)
        if not is_object:
            values = [_DECODER.raw_decode(self._text, each[0])[0] for each in present.values()]
            return self._added(start, end, present, [("", item) for item in wanted if item not in values])
        inner = [
            each
            for name, value in wanted.items()
            if name in present and isinstance(value, dict | list)
            for each in self.insertions(present[name][0], value, name)
        ]
        missing = [(f"{_dumped(name)}: ", value) for name, value in wanted.items() if name not in present]
        return inner + self._added(start, end, present, missing)

    def _entries(self, start: int) -> tuple[dict[str | int, tuple[int, int]], int]:
        """Return the spans of the values in an object or a list, and the offset of its end."""
        text, found = self._text, dict[str | int, tuple[int, int]]()
        at = _after_space(text, start + 1)
        while text[at] not in "}]":
            key: str | int = len(found)
            if text[start] == "{":
                key, at = _DECODER.raw_decode(text, at)
                at = _after_space(text, _after_space(text, at) + 1)
            end = _DECODER.raw_decode(text, at)[1]
            found[key] = at, end
            at = _after_space(text, end)
            at = _after_space(text, at + 1) if text[at] == "," else at
        return found, at

    def _added(
        self, start: int, end: int, present: dict[str | int, tuple[int, int]], entries: Sequence[tuple[str, Any]]
    ) -> list[tuple[int, int, str]]:
        """Return the insertion of entries after the last one of an object or a list, each with its key as text."""
        if not entries:
            return []
        if not present:
            before = self._indent(start)
            gap = f"{self._newline}{before}{self._unit}"
            texts = [f"{key}{self._value(value, before + self._unit)}" for key, value in entries]
            return [(start + 1, end, f"{gap}{f',{gap}'.join(texts)}{self._newline}{before}")]
        last = max(span[1] for span in present.values())
        lead = self._text[start + 1 : _after_space(self._text, start + 1)]
        if "\n" not in lead:
            return [(last, last, "".join(f", {key}{_dumped(value)}" for key, value in entries))]
        indent = lead.rpartition("\n")[2]
        texts = [f",{self._newline}{indent}{key}{self._value(value, indent)}" for key, value in entries]
        return [(last, last, "".join(texts))]

    def _indent(self, offset: int) -> str:
        """The indentation of the line of an offset."""
        line = self._text[self._text.rfind("\n", 0, offset) + 1 : offset]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _value(self, value: Any, indent: str) -> str:
        """A value as JSON of several lines, all but the first of which are indented."""
        return json.dumps(value, indent=self._unit, ensure_ascii=False).replace("\n", f"{self._newline}{indent}")


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
