"""Reports on a run: one renderer for each output format. It returns the text for stdout and the text for stderr."""

from __future__ import annotations

from collections.abc import Callable

from kei_assembler.build.result import RunResult
from kei_assembler.report import github_report, json_report, sarif_report, text_report

FORMATS: dict[str, Callable[[RunResult], tuple[str, str]]] = {
    "text": text_report.render,
    "json": json_report.render,
    "github": github_report.render,
    "sarif": sarif_report.render,
}
