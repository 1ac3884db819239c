"""Reports on a run: one module for each output format. It returns the text for stdout and the text for stderr."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from kei_assembler.build.result import RunResult

FORMATS = {
    "text": "kei_assembler.report.text_report",
    "json": "kei_assembler.report.json_report",
    "github": "kei_assembler.report.github_report",
    "gitlab": "kei_assembler.report.gitlab_report",
    "junit": "kei_assembler.report.junit_report",
    "sarif": "kei_assembler.report.sarif_report",
}
"""The formats, with their modules. A module is imported when it is needed."""


def render(output_format: str, results: Sequence[RunResult]) -> tuple[str, str]:
    """Return the report on the runs of one or several kits in a format, for stdout and for stderr."""
    out, err = import_module(FORMATS[output_format]).render_all(results)
    return out, err
