"""Complete names, keys and values where the cursor is."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import takewhile

from lsprotocol import types

from kei_assembler import lazy_re
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK
from kei_assembler.lsp.descriptions import summary
from kei_assembler.lsp.places import CODE, ENTRY, MANIFEST, ROLE_FILE, TARGET, TOOL, Place
from kei_assembler.lsp.schemas import Schema, parts_at, schema_of
from kei_assembler.model.inheritance import BUNDLE, DROPPED
from kei_assembler.model.kinds import AGENT
from kei_assembler.repair.names import BLOCK, BUNDLE_KIND, VALUE, known_names
from kei_assembler.rules.catalog import RULES
from kei_assembler.targets import TARGETS
from kei_assembler.targets.groups import GROUPS
from kei_assembler.toml.cursor import Kind, Word
from kei_assembler.toml.positions import mentions
from kei_assembler.toml.writer import key_text

TRIGGERS = ('"', "'", "@", "#", "{", "[", ".", "/", "!")
"""The characters after which an editor asks for completions without being told to."""

_PLACEHOLDER = lazy_re.compile(r"(?<![$\\])\{\{([A-Z0-9_]*)\Z")
_ITEM_KINDS = types.CompletionItemKind


def complete(place: Place) -> list[types.CompletionItem]:
    """Return what can be at a place."""
    word = place.word
    if word is None or (word.kind is Kind.VALUE and word.quote):
        before = place.text.text[max(0, place.offset - 100) : place.offset]
        if opened := _PLACEHOLDER.search(before):
            return [*_placeholders(place, opened[1])]
    if word is None or "\n" in word.text:
        return []
    base = place.kit.settings_at if place.is_settings else ()
    if word.path[: len(base)] != base:
        return []
    parts = parts_at(schema_of(place, SECTION_MARK in word.text), word.path[len(base) :])
    return [*(_values(place, word, parts) if word.kind is Kind.VALUE else _keys(place, word, parts))]


def _item(label: str, edit: types.TextEdit, kind: types.CompletionItemKind, detail: str) -> types.CompletionItem:
    return types.CompletionItem(label, kind=kind, detail=detail or None, text_edit=edit, filter_text=label)


def _placeholders(place: Place, typed: str) -> Iterator[types.CompletionItem]:
    end = place.offset
    closing = "" if place.text.text.startswith("}}", end) else "}}"
    for name in _names_of(place.kit, VALUE):
        edit = types.TextEdit(place.text.range(end - len(typed), end), f"{name}{closing}")
        yield _item(name, edit, _ITEM_KINDS.Constant, summary(place.kit, VALUE, name))


def _keys(place: Place, word: Word, parts: Iterable[Schema]) -> Iterator[types.CompletionItem]:
    kit, is_header = place.kit, word.kind is Kind.HEADER
    properties = {key: inner for part in parts for key, inner in part.get("properties", {}).items()}
    known = dict.fromkeys(_names_of(kit, VALUE), Schema()) if place.slot == VALUE else {}
    present = {
        each.path
        for each in mentions(place.text.text)
        if each.defines and place.text.offsets(each.span)[0] != word.start - len(word.quote)
    }
    has_value = place.text.text[word.end :].partition("\n")[0].lstrip("\"' \t").startswith(("=", "."))
    for key, inner in {**known, **properties}.items():
        if (*word.path, key) in present or (is_header and not _is_table(inner)):
            continue
        text = key if word.quote else key_text(key)
        text += "" if is_header or has_value or word.quote or _is_table(inner) else " = "
        detail = inner.get("description", "") or summary(kit, VALUE, key)
        edit = types.TextEdit(place.text.range(word.start, word.end), text)
        yield _item(key, edit, _ITEM_KINDS.Property, detail)


def _is_table(part: Schema) -> bool:
    kinds = [part, *part.get("anyOf", ())]
    return any(each.get("type") == "object" or each.get("items", {}).get("type") == "object" for each in kinds)


def _values(place: Place, word: Word, parts: Iterable[Schema]) -> Iterator[types.CompletionItem]:
    kit, names = place.kit, _KINDS.get(place.slot, ())
    details = {label: summary(kit, kind, name) for kind in names for label, name in _labels(place, word, kind)}
    choices = {each for part in parts for each in part.get("enum", ()) if not str(each).startswith(DROPPED)}
    if any(part.get("type") == "boolean" and "enum" not in part for part in parts):
        choices |= {True, False}
    typed = place.text.text[word.start : place.offset]
    start = word.start + len(typed) - len(typed.removeprefix(DROPPED))
    rest = "".join(takewhile(lambda each: each not in "\"' \t,]})", place.text.text[place.offset : word.end]))
    for choice in (*details, *sorted(choices.difference(details), key=str)):
        is_text = isinstance(choice, str)
        if word.quote and not is_text:
            continue
        text = choice if word.quote and is_text else json.dumps(choice, ensure_ascii=False)
        text += word.quote if not word.is_closed else ""
        edit = types.TextEdit(place.text.range(start, place.offset + len(rest)), text)
        kind = _ITEM_KINDS.EnumMember if choice not in details else _ITEM_KINDS.Reference
        yield _item(choice if is_text else text, edit, kind, details.get(choice, ""))


_KINDS: Mapping[str, tuple[str, ...]] = {
    ENTRY: (BLOCK, BUNDLE_KIND),
    **{slot: (slot,) for slot in (AGENT.name, MANIFEST, TOOL, TARGET, CODE, ROLE_FILE)},
}
"""The kinds of names that can be in a slot."""


def _labels(place: Place, word: Word, kind: str) -> Iterator[tuple[str, str]]:
    """Yield what can be in a slot for the names of a kind, with these names."""
    if kind == ROLE_FILE:
        yield from ((file, "") for file in _files(place.kit, word.text[: place.offset - word.start]))
    elif kind == MANIFEST:
        of_kind = place.kit.manifest_files.kind_of(place.file) if not place.is_settings else AGENT
        yield from ((name, name) for name in place.kit.manifest_files.named(of_kind))
    elif kind == BUNDLE_KIND:
        yield from ((f"{BUNDLE}{name}", name) for name in _names_of(place.kit, kind))
    else:
        yield from ((name, name) for name in _names_of(place.kit, kind))
        if kind == BLOCK and SECTION_MARK in word.text:
            block = word.text.removeprefix(DROPPED).partition(SECTION_MARK)[0]
            yield from ((entry, entry) for entry in place.kit.blocks.section_entries(block))


def _names_of(kit: LoadedKit, kind: str) -> Iterable[str]:
    with suppress(AssembleError):
        return _NAMES[kind](kit)
    return ()


_NAMES: Mapping[str, Callable[[LoadedKit], Iterable[str]]] = {
    AGENT.name: lambda kit: sorted(kit.receivers),
    BLOCK: lambda kit: kit.block_names,
    BUNDLE_KIND: lambda kit: kit.settings.bundles,
    CODE: lambda _: RULES,
    TARGET: lambda _: (*TARGETS, *GROUPS),
    TOOL: lambda kit: sorted(kit.known_tools),
    VALUE: lambda kit: [label.removeprefix(f"{VALUE}:") for label in known_names(kit) if label.startswith(f"{VALUE}:")],
}


def _files(kit: LoadedKit, typed: str) -> Iterator[str]:
    """Yield the Markdown files and the folders of the kit in the folder that somebody has typed so far."""
    folder = posixpath.dirname(typed)
    path = kit.path(folder)
    if not kit.holds_folder(path):
        return
    with suppress(OSError):
        for entry in sorted(kit.files.list(path)):
            if not entry.name.startswith(".") and (entry.is_folder or entry.name.endswith(".md")):
                yield posixpath.join(folder, entry.name) + "/" * entry.is_folder
