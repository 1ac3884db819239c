"""The fork server falls back to starting an interpreter where the system cannot fork."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from conftest import Workbench
from forkserver import ForkServer


@pytest.mark.parametrize("args", [["--version"], ["--all"], ["--unknown"]])
def test_run_without_fork_equals_a_fork(
    args: list[str], bench: Workbench, forkserver: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = forkserver.run(bench.folder, args)
    monkeypatch.delattr(os, "fork")
    with closing(ForkServer("import os")) as server:
        run = server.run(bench.folder, args)
    assert (run.returncode, run.stdout, run.stderr) == (expected.returncode, expected.stdout, expected.stderr)
