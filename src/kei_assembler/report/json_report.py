"""The report as one JSON object in ASCII."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kei_assembler.build.changes import DRIFT
from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Fix, Location
from kei_assembler.markdown.hidden_text import as_json, shown


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return an object with the keys `diagnostics`, `changes` and `loosened`.

    It has the key `failure` if the run failed, and `fixed` if it corrected sources or, with `--diff`, would do so.

    Paths are relative to the kit. If the run was about several kits, they are relative to the working directory, all
    entries have the key `kit`, and the key `kits` holds the status of each kit, and its failure.
    """
    is_several = any(result.request.heading for result in results)
    report: dict[str, Any] = {
        "diagnostics": [entry for result in results for entry in _with_kit(result, _diagnostics(result))],
        "changes": list(_all_changes(results)),
        "loosened": [entry for result in results for entry in _with_kit(result, _waivers(result))],
    }
    if fixed := [entry for result in results for entry in _with_kit(result, _fixed(result))]:
        report["fixed"] = fixed
    if is_several:
        report["kits"] = [
            {"kit": result.request.heading, "status": result.status, **_failure(result)} for result in results
        ]
    else:
        report |= {key: value for result in results for key, value in _failure(result).items()}
    return as_json(report), ""


def _with_kit(result: RunResult, entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    kit = {"kit": result.request.heading} if result.request.heading else {}
    return (kit | entry for entry in entries)


def _failure(result: RunResult) -> dict[str, Any]:
    if result.failure is None:
        return {}
    message = "\n".join(map(shown, (result.failure.message, *result.failure.details)))
    return {"failure": {"message": message, "help": shown(result.failure.hint)}}


def _diagnostics(result: RunResult) -> Iterator[dict[str, Any]]:
    for diagnostic in result.findings:
        yield {
            **_location(result, diagnostic.location),
            "code": diagnostic.code,
            "severity": diagnostic.severity.word,
            "message": shown(diagnostic.message),
            "help": shown(diagnostic.help),
            "related": [
                {**_location(result, location), "message": shown(message)} for location, message in diagnostic.related
            ],
            **({"fix": _fix(result, diagnostic.fix)} if diagnostic.fix.edits else {}),
        }


def _fix(result: RunResult, fix: Fix) -> dict[str, Any]:
    edits = [{"file": result.request.path(edit.file), **edit.span._asdict(), "text": edit.text} for edit in fix.edits]
    return {"safe": fix.is_safe, "edits": edits}


def _fixed(result: RunResult) -> Iterator[dict[str, Any]]:
    for file in result.fixed:
        entry: dict[str, Any] = {"path": result.request.path(file.path), "codes": list(file.codes)}
        if result.request.diff:
            from kei_assembler.build.diff import diff

            entry["diff"] = diff(file.as_change, result.request.diff_prefix)
        yield entry


def _location(result: RunResult, location: Location) -> dict[str, Any]:
    return {"file": result.request.path(location.file), **location.span._asdict()}


def _waivers(result: RunResult) -> Iterator[dict[str, Any]]:
    return (waiver._asdict() for waiver in result.waivers)


def _all_changes(results: Iterable[RunResult]) -> Iterator[dict[str, Any]]:
    size = 0
    for result in results:
        changes = _changes(result, size)
        size += sum(len(change.get("diff", "")) for change in changes)
        yield from _with_kit(result, changes)


def _changes(result: RunResult, size: int) -> list[dict[str, Any]]:
    """The changes of a kit, with their diffs if the report has room for them after so many characters of others."""
    path = result.request.path
    changes = [
        {
            "path": path(change.path),
            "kind": change.status,
            "manifest": change.manifest and path(change.manifest),
            "target": change.target,
            **({"section": change.section} if change.section else {}),
        }
        for change in result.changes
    ]
    if result.request.diff:
        from kei_assembler.build.diff import diffs

        differing = (change for change in result.changes if change.status in DRIFT)
        texts = diffs(differing, result.request.diff_prefix, size)
        for fields, change in zip(changes, result.changes, strict=True):
            fields["diff"] = next(texts) if change.status in DRIFT else ""
    return changes
