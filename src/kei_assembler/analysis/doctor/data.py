"""The doctor's report as JSON. `docs/doctor.md` documents it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kei_assembler.analysis.doctor.installed import Installed
from kei_assembler.analysis.doctor.reading import KitReading
from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.markdown.hidden_text import as_json


def as_data(installed: Sequence[Installed], kits: Sequence[tuple[str, KitReading | AssembleError]]) -> str:
    """Return the installed clients, and the kits by their paths. A kit that can't be read has an error instead."""
    return as_json({"clients": [*map(_client, installed)], "kits": [_kit(path, found) for path, found in kits]})


def _client(one: Installed) -> dict[str, Any]:
    verified = one.verified
    return {
        "target": one.target,
        "program": one.program,
        "state": one.state,
        "path": one.path,
        "version": one.version,
        "problem": one.problem,
        "verified": {
            "program": verified.program,
            "version": verified.version,
            "date": verified.date,
            "how": verified.how,
        },
    }


def _kit(path: str, found: KitReading | AssembleError) -> dict[str, Any]:
    if isinstance(found, AssembleError):
        return {"kit": path, "failure": {"message": found.message, "help": found.hint}}
    return {
        "kit": path,
        "targets": found.targets,
        "outputs": found.outputs,
        "reads": [each._asdict() for each in found.readings],
        "several": [each._asdict() for each in found.several],
        "unread": [each._asdict() for each in found.unread],
        "findings": [*map(_finding, (*found.errors, *found.findings))],
    }


def _finding(one: Diagnostic) -> dict[str, Any]:
    return {
        "code": one.code,
        "severity": one.severity.word,
        "message": one.message,
        "help": one.help,
        "location": {"file": one.location.file, **one.location.span._asdict()},
    }
