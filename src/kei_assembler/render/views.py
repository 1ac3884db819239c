"""The values that templates see of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

from kei_assembler.markdown.structure import (
    escape_block_start,
    escape_block_starts,
    fence_around,
    reference,
    trimmed,
)
from kei_assembler.model.manifest import Handoff, Manifest
from kei_assembler.value_types import are_texts
from kei_assembler.whitespace import collapse_whitespace_all

VARIABLES = ("agent", "allowed", "blocks", "extra", "report_fence", "target")
"""The names of a template's variables."""


def variables(manifest: Manifest, blocks: tuple[str, ...]) -> dict[str, Any]:
    """Return the variables that are the same for all targets: all except `allowed` and `target`."""
    return {
        "agent": AgentView(manifest),
        "blocks": blocks,
        "extra": SimpleNamespace(**{key: _metadata(value) for key, value in manifest.extra.items()}),
        "report_fence": fence_around("\n".join(manifest.output_extra_fields)),
    }


class AgentView:
    """The manifest's fields as templates see them: escaped, immutable, and never absent.

    A field is converted when a template first looks it up.
    """

    _fields = tuple(field for field in Manifest._fields if field != "values")

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def __getattr__(self, name: str) -> Any:
        """Return a field that has not been looked up before."""
        value = _VIEWS.get(name, _escaped)(getattr(self._manifest, name))
        setattr(self, name, value)
        return value


def manifest_of(view: AgentView) -> Manifest:
    """Return the manifest that a view shows."""
    return view._manifest


def _handoffs(handoffs: tuple[Handoff, ...]) -> tuple[Handoff, ...]:
    # Escaping all texts of a field at once is faster than one by one.
    targets, triggers = zip(*handoffs, strict=True) if handoffs else ((), ())
    return tuple(map(Handoff, escape_block_starts(targets), escape_block_starts(triggers)))


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escape_block_start(value)
    if isinstance(value, list | tuple):
        return escape_block_starts(value) if are_texts(value) else tuple(map(_escaped, value))
    if isinstance(value, Mapping):
        return MappingProxyType({key: _escaped(item) for key, item in value.items()})
    return value


def _metadata(value: Any) -> Any:
    """The value of an extra key. In its tables, the keys are free text too, which a template can print."""
    if isinstance(value, Mapping):
        return MappingProxyType({escape_block_start(key): _metadata(item) for key, item in value.items()})
    if isinstance(value, list | tuple) and not are_texts(value):
        return tuple(map(_metadata, value))
    return _escaped(value)


_VIEWS: dict[str, Callable[[Any], Any]] = {
    "name": str,
    "role": trimmed,
    "blocks": tuple,
    "output_extra_fields": collapse_whitespace_all,
    "handoff": _handoffs,
    "references": lambda references: references._replace(extra=tuple(map(reference, references.extra))),
    "tools": lambda tools: _escaped(tools or ()),
    "targets": lambda targets: _escaped(targets or ()),
}
"""The conversions of fields. `_escaped` converts all others."""
