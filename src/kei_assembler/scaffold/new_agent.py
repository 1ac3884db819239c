"""A new agent: its name, the text of its manifest, and the file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity
from kei_assembler.kit import Kit, discovery, stem
from kei_assembler.manifest import NAME
from kei_assembler.plan import Kind, disk
from kei_assembler.plan.renewing import MANIFEST_SCHEMA, renewal
from kei_assembler.scaffold.sketch import check, sketch
from kei_assembler.source.shapes import fits


def refuse_name(kit: Kit, name: str) -> None:
    """Raise AssembleError where no agent can have this name, or the kit has one of it."""
    if not fits(NAME, name):
        from kei_assembler.importing.names import slug

        wished = slug(stem(name.replace(os.sep, "/")))
        hint = f"did you mean `{wished}`?" if wished else ""
        raise AssembleError(f"`{name}` is no agent's name: it must be {NAME.expects}", hint)
    for file in kit.manifests:
        if stem(file) == name:
            raise AssembleError(f"there is an agent `{name}` already, in {file}", "choose another name, or edit that")


def manifest_of(kit: Kit, name: str, given: Mapping[str, Any]) -> tuple[str, list[Diagnostic]]:
    """Return the text of a new agent's manifest, with these values of its keys, and the warnings about it.

    Raises AssembleError when the rules find an error in it.
    """
    text = sketch(kit, name, given, _has_schema(kit))
    return text, _refuse_errors(check(kit, name, text))


def _refuse_errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    found = list(found)
    if errors := [each for each in found if each.severity is Severity.ERROR]:
        message = "; ".join(dict.fromkeys(error.message for error in errors))
        raise AssembleError(f"{message}; nothing was written", next((error.help for error in errors if error.help), ""))
    return [each for each in found if each.severity is Severity.WARNING]


def _has_schema(kit: Kit) -> bool:
    return os.path.isfile(kit.path(MANIFEST_SCHEMA))


def write(kit: Kit, name: str, text: str) -> Iterator[tuple[str, str]]:
    """Write a new agent's manifest, and the schema that knows the agent where there is one.

    Yields for each file a word for what became of it, once that is so, and its path.
    Raises AssembleError when the manifest cannot be written, or is there already.
    """
    file = kit.manifest_file(name)
    path = kit.path(file)
    if not kit.holds(path):
        raise AssembleError(f"{file} lies outside the kit's root", "see the setting `root`")
    if not disk.create(path, text.encode()):
        raise AssembleError(f"{file} is there already; nothing was written")
    yield "created", path
    if _has_schema(kit) and disk.replace(kit.path(MANIFEST_SCHEMA), lambda old: _renewed(kit, old)):
        yield "updated", kit.path(MANIFEST_SCHEMA)


def _renewed(kit: Kit, old: bytes) -> bytes:
    """The schema with the new agent in it."""
    changes = renewal(discovery.load(kit.folder), MANIFEST_SCHEMA, old)
    return next((change.after for change in changes if change.kind is Kind.UPDATE and change.after), old)
