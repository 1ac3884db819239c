"""What a run found and did, and how it is told: one renderer for each output format."""

from __future__ import annotations

from collections.abc import Callable

from kei_assembler.report.as_github import render as as_github
from kei_assembler.report.as_json import render as as_json
from kei_assembler.report.as_sarif import render as as_sarif
from kei_assembler.report.as_text import render as as_text
from kei_assembler.report.outcome import Outcome, Streams

FORMATS: dict[str, Callable[[Outcome], Streams]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}

__all__ = ["FORMATS", "Outcome", "Streams"]
