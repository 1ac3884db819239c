"""The impact of a change as JSON."""

from __future__ import annotations

from typing import Any

from kei_assembler.analysis.impact.results import (
    Cause,
    Difference,
    Effect,
    Gain,
    Impact,
    Item,
    Output,
    Share,
    targets_by_name,
)
from kei_assembler.markdown.hidden_text import as_json


def as_data(impact: Impact) -> str:
    """Return the impact as JSON. `docs/impact.md` documents it, and `docs/impact.schema.json` is its JSON Schema."""
    return as_json(
        {
            "since": impact.since,
            "until": impact.until,
            "causes": [_cause(effect) for effect in impact.effects],
            "unused": [{**_source(change.cause), "status": change.status} for change in impact.unused],
            "incomparable": [named.label for named in impact.incomparable],
            "items": [_item(item) for item in impact.items],
        }
    )


def _source(cause: Cause) -> dict[str, str]:
    return {"file": cause.file, "kind": cause.kind, "key": cause.key}


def _cause(effect: Effect) -> dict[str, Any]:
    change = effect.change
    return {
        **_source(change.cause),
        "status": change.status,
        "lines": {"added": change.added, "removed": change.removed},
        "agents": effect.agents,
        "items": [{"name": named.name, "kind": named.kind} for named in effect.items],
        "targets": effect.targets,
        "outputs": [
            {"path": output.present_path, "section": output.section, **_numbers(effect.share(output))}
            for output in effect.outputs
        ],
        "tokens": effect.tokens,
    }


def _numbers(share: Share) -> dict[str, Any]:
    return {"lines": {"added": len(share.added), "removed": len(share.removed)}, "tokens": share.tokens}


def _item(item: Item) -> dict[str, Any]:
    return {
        "name": item.name,
        "kind": item.kind,
        "status": item.status,
        "targets": item.targets,
        "causes": [_source(cause) for cause in item.causes],
        "tokens": {"before": item.before, "after": item.after},
        "rights": _difference(item.rights),
        "tools": _difference(item.tools),
        "models": [model._asdict() for model in item.models],
        "handoffs": item.handoffs._asdict(),
        "outputs": [_output(output) for output in item.outputs],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {"added": _gains(difference.added), "removed": _gains(difference.removed)}


def _gains(gains: tuple[Gain, ...]) -> list[dict[str, Any]]:
    return [{"name": name, "targets": targets} for name, targets in targets_by_name(gains).items()]


def _output(output: Output) -> dict[str, Any]:
    return {
        "path": output.path or None,
        "old_path": output.old_path or None,
        "section": output.section,
        "target": output.target,
        "targets": output.targets,
        "status": output.status,
        "keys": output.keys,
    }
