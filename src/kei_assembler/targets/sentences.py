"""Sentences of the documentation that list clients. They come from the rows, so a new client is in all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target


def _clients(rows: Iterable[Target]) -> str:
    return listed((row.label.partition(" and ")[0] for row in rows), quote=str)


def _clients_where(holds: Callable[[Target], bool]) -> str:
    return _clients(filter(holds, TARGETS.values()))


def folder_readers() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return which clients look for agents in which folders: the labels of the clients by the folders."""
    readers: dict[str, list[str]] = {}
    for row in TARGETS.values():
        for folder in row.agent_folders:
            readers.setdefault(folder, []).append(row.label)
    folders: dict[tuple[str, ...], list[str]] = {}
    for folder, labels in readers.items():
        folders.setdefault(tuple(labels), []).append(folder)
    return {tuple(found): labels for labels, found in folders.items()}


def _readers_of_others() -> str:
    """Which clients read the folders of other targets."""
    readers: dict[str, list[Target]] = {}
    for row in TARGETS.values():
        for folder in (each.folder for each in row.foreign if each.target):
            readers.setdefault(folder, []).append(row)
    parts = (f"{_clients(rows)} read{'s' if len(rows) == 1 else ''} `{folder}`" for folder, rows in readers.items())
    return "; ".join(parts)


def _scopes() -> str:
    """Which clients can limit which tools by a scope."""
    clients: dict[tuple[str, ...], list[Target]] = {}
    for row in TARGETS.values():
        kept = (*row.tools.scoped, *(["Agent"] if row.tools.agents_key else []))
        if row.tools.names is not None and row.tools.output_format != "prose" and kept:
            clients.setdefault(kept, []).append(row)
    return "; ".join(f"{_clients(rows)} can limit {listed(kept)}" for kept, rows in clients.items())


SENTENCES = {
    "which clients read other clients' folders": _readers_of_others(),
    "which clients can limit which tools": _scopes(),
    "clients with tools in words": _clients_where(lambda row: row.tools.output_format == "prose"),
    "clients with every entry as it is": _clients_where(lambda row: row.tools.names is None),
}
"""What stands for `<KEY>` in the documentation of a rule."""
