"""Reports on a run: one renderer for each output format."""

from __future__ import annotations

from collections.abc import Callable

from kei_assembler.plan.result import RunResult
from kei_assembler.report import as_github, as_json, as_sarif, as_text
from kei_assembler.report.streams import Streams

FORMATS: dict[str, Callable[[RunResult], Streams]] = {
    "text": as_text.render,
    "json": as_json.render,
    "github": as_github.render,
    "sarif": as_sarif.render,
}
