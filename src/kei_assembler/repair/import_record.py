"""What was imported: the text of each agent file as it was when its manifest was made or last updated.

The record is a file of the kit, to be committed. A later import compares a file with it, so that it can tell what
changed in that file from what people changed in the manifest. It has a line for each line of an agent file, and
manifests, clients and keys in alphabetical order, so that git merges it line by line.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from kei_assembler.diagnostics import AssembleError, Span
from kei_assembler.kit import LoadedKit
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.upstream import record_broken
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import START, Source, read_text
from kei_assembler.value_types import is_texts

RECORD = ".assemble/imported.json"
MAX_RECORD_BYTES = 128 * 1024 * 1024

_VERSION = 1
_HELP = "restore it from git; or delete it, and the next import writes a new one"


class Imported(NamedTuple):
    """An agent file as it was imported for a client: its manifest, its path, and its text with LF line ends.

    `file` is relative to the kit. For a file outside the kit's root, it is only the end of the path, and `is_outside`
    is true.
    """

    manifest: str
    target: str
    file: str
    text: str
    is_outside: bool = False


def read_record(kit: LoadedKit) -> list[Imported]:
    """Return what was imported into a kit, sorted by manifest and client. Without a record, it is empty.

    Raises:
        AssembleError: the record cannot be read. If its content is wrong, the error has the diagnostic.
    """
    content = record_content(kit)
    return [] if content is None else parsed(kit, content)


def record_content(kit: LoadedKit) -> bytes | None:
    """Return the bytes of the record, or None if there is none.

    Raises:
        AssembleError: it cannot be read.
    """
    try:
        return kit.tree.read(kit.path(RECORD), MAX_RECORD_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AssembleError(f"{RECORD} cannot be read: {error.strerror}") from error


def parsed(kit: LoadedKit, content: bytes) -> list[Imported]:
    """Return the entries of a record.

    Raises:
        AssembleError: the content is wrong. The error has the diagnostic.
    """
    source = Source(RECORD, content.decode(errors="replace"))
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise _broken(source, "this is not valid JSON", Span(line, column, line, column)) from error
    if not isinstance(data, dict) or data.get("version") != _VERSION or not isinstance(data.get("agents"), dict):
        raise _broken(source, f"this is not a record of version {_VERSION}", START)
    return [
        _entry(kit, source, manifest, target, value)
        for manifest, clients in sorted(data["agents"].items())
        for target, value in sorted(_clients(source, manifest, clients).items())
    ]


def _clients(source: Source, manifest: str, clients: Any) -> dict[str, Any]:
    if not isinstance(clients, dict) or not clients.keys() <= {*TARGETS}:
        raise _broken_entry(source, manifest, "does not have a client for each file")
    return clients


def _entry(kit: LoadedKit, source: Source, manifest: str, target: str, value: Any) -> Imported:
    key = next((key for key in ("file", "outside") if isinstance(value, dict) and key in value), "")
    lines = value.get("text") if key else None
    if not (is_texts(lines) and isinstance(value[key], str)):
        raise _broken_entry(source, manifest, "has no `file`, or no `text` that is a list of lines")
    paths = [manifest, *([value[key]] if key == "file" else [])]
    if any(normalize(path) != path or not kit.holds(kit.path(path)) for path in paths):
        raise _broken_entry(source, manifest, "has a path outside the root")
    return Imported(manifest, target, value[key], "\n".join(lines), key == "outside")


def _broken_entry(source: Source, manifest: str, what: str) -> AssembleError:
    start = f"{json.dumps(manifest, ensure_ascii=False)}:"
    number = next((at for at, line in enumerate(source.lines, 1) if line.lstrip(" ").startswith(start)), 1)
    return _broken(source, f"the entry of `{manifest}` {what}", Span(number, 1, number, 1))


def _broken(source: Source, message: str, where: Span) -> AssembleError:
    found = run_rule(record_broken, source, Violation(where, message, _HELP))
    return AssembleError("nothing was imported", diagnostics=tuple(found))


def text_of_record(entries: Iterable[Imported]) -> bytes:
    """Return the content of a record with these entries."""
    agents: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for each in entries:
        key = "outside" if each.is_outside else "file"
        agents[each.manifest][each.target] = {key: each.file, "text": each.text.split("\n")}
    data = {"agents": agents, "version": _VERSION}
    return _as_json(data)


def _as_json(data: Any) -> bytes:
    # a name in bytes that are not UTF-8 gets the escapes of JSON
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n".encode(errors="backslashreplace")


def with_new_paths(content: bytes, moved: Mapping[str, str]) -> bytes:
    """Return the content of a record in which some manifests have other paths. A broken one stays as it is."""
    try:
        data = json.loads(content)
        if data["agents"].keys().isdisjoint(moved):
            return content
        data["agents"] = {moved.get(manifest, manifest): value for manifest, value in data["agents"].items()}
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return content
    return _as_json(data)


def imported_text(raw: bytes) -> str:
    """Return the text of an agent file as a record has it."""
    return read_text("", raw).text
