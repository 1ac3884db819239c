"""Reports on a run: one renderer for each output format."""

from __future__ import annotations

from collections.abc import Callable

from kei_assembler.build.result import RunResult
from kei_assembler.report import github_report, json_report, sarif_report, text_report
from kei_assembler.report.streams import Streams

FORMATS: dict[str, Callable[[RunResult], Streams]] = {
    "text": text_report.render,
    "json": json_report.render,
    "github": github_report.render,
    "sarif": sarif_report.render,
}
