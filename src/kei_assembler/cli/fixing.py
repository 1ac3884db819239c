"""A run that corrects the sources first: `--fix` and `--unsafe-fixes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kei_assembler.build.result import RunResult, failed
from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.files import Files
from kei_assembler.files.sparse_checkout import files_at
from kei_assembler.kit.discovery import read_kit
from kei_assembler.repair.fixes import Fixes

Run = Callable[[Mapping[str, Any], Files | None], RunResult]
"""Runs with options, on the files of a kit that are given, or on the disk. Raises AssembleError."""


def run_with_fixes(run: Run, folder: str, options: Mapping[str, Any]) -> RunResult:
    """Correct the sources of the kit in a folder, and run on the result. With `--diff`, write nothing.

    Raises:
        AssembleError: the run cannot continue, or a source cannot be read or written. Then no source was changed.
    """
    last = RunResult()

    def check(edited: Files) -> list[Diagnostic]:
        nonlocal last
        last = _checked(run, options, edited)
        return last.findings

    fixes = Fixes(read_kit(folder, files_at(folder)), options["unsafe_fixes"])
    fixes.apply(check)
    if options["diff"]:
        request = last.request._replace(check=options["check"], diff=True)
        waivers = last.waivers if options["check"] else ()
        return last._replace(request=request, drift=(), changes=(), waivers=waivers, repair=None, fixed=fixes.changes)
    fixes.write()
    try:
        result = run(options, None)
    except AssembleError as error:  # about what no fix corrects
        result = failed(error)
    return result._replace(fixed=fixes.changes)


def _checked(run: Run, options: Mapping[str, Any], files: Files) -> RunResult:
    """Check the kit in these files. Errors in its settings are findings, too."""
    only_check = {"check": True, "diff": False, "staged": False, "force": False, "prune": False}
    try:
        return run({**options, **only_check}, files)
    except AssembleError as error:
        if not error.diagnostics:
            raise
        return failed(error)
