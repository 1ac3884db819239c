"""A run stays within its bounds, whatever the kit: what it keeps in memory, and how much it works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Workbench
from kei_assembler.build import cost
from kei_assembler.build.cost import Cost
from kei_assembler.diagnostics import ExcessError
from kei_assembler.loader import load_kit

MIB = 1024 * 1024
BASE = 64
"""More MiB than the program needs for a small kit."""

_PROGRAM = """
import json, os, resource, subprocess, sys
limit, one_core, *args = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
if one_core == "True":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
run = subprocess.run([sys.executable, "-m", "kei_assembler", *args], capture_output=True, text=True)
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(json.dumps([run.returncode, run.stdout, run.stderr, memory]))
"""


class Measured(NamedTuple):
    """A run: its exit status, its output, and the memory in MiB of the process that needed most."""

    status: int
    stdout: str
    stderr: str
    memory: int


def _measured(kit: Path, *args: str, limit: int = 0, one_core: bool = False) -> Measured:
    command = [sys.executable, "-c", _PROGRAM, str(limit * MIB), str(one_core), *args, "--kit", str(kit), "--no-cache"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return Measured(*json.loads(run.stdout))


def _make(kit: Path, agents: int, blocks: int, size: int = 1_000_000, targets: Iterable[str] = ("opencode",)) -> Path:
    """Make a kit in which each agent has all blocks of this size."""
    for folder in ("agents", "_blocks"):
        (kit / folder).mkdir()
    names = [f"b{number}" for number in range(blocks)]
    for name in names:
        (kit / "_blocks" / f"{name}.md").write_text(f"Be honest {name}.\n" * (size // (len(name) + 12)))
    for number in range(agents):
        text = f'name = "a{number}"\ndescription = "A."\nblocks = {names}\ntargets = {list(targets)}\n'
        (kit / "agents" / f"a{number}.toml").write_text(text)
    return kit


def _outputs(kit: Path) -> list[Path]:
    return [
        path for path in kit.rglob("*") if path.is_file() and path.suffix != ".toml" and "_blocks" not in path.parts
    ]


@pytest.mark.slow
@pytest.mark.parametrize("one_core", [True, False], ids=["one process", "two processes"])
@pytest.mark.parametrize("args", [(), ("--check",), ("--diff",), ("--output-format", "json")])
def test_many_large_outputs_end_the_run_early(args: tuple[str, ...], one_core: bool, tmp_path: Path) -> None:
    run = _measured(_make(tmp_path, 160, 4), "--all", *args, one_core=one_core)
    text = run.stdout + run.stderr
    assert (run.status, text.count("O623"), len(text) < 2_000) == (1, 1, True)
    assert run.memory < cost.MAX_KEPT_BYTES // MIB + BASE
    assert _outputs(tmp_path) == []


@pytest.mark.slow
def test_even_more_large_outputs_need_no_more_memory(tmp_path: Path) -> None:
    run = _measured(_make(tmp_path, 400, 4), "--all", limit=4096)
    assert (run.status, "O623" in run.stderr, "Traceback" in run.stderr) == (1, True, False)
    assert run.memory < cost.MAX_KEPT_BYTES // MIB + BASE


@pytest.mark.slow
@pytest.mark.parametrize("limit", [32, 48, 64, 96, 128, 192])
@pytest.mark.parametrize("output_format", ["text", "json"])
def test_too_little_memory_is_reported(output_format: str, limit: int, tmp_path: Path) -> None:
    run = _measured(_make(tmp_path, 50, 4), "--all", "--output-format", output_format, limit=limit)
    assert (run.status, "there is not enough memory" in run.stdout + run.stderr) == (2, True)
    assert "Traceback" not in run.stderr
    assert _outputs(tmp_path) == []


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MAX_KEPT_BYTES", 100)
    monkeypatch.setattr(cost, "MAX_HANDLED_BYTES", 1000)


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(("kept", "handled"), [(100, 0), (0, 1000), (100, 1000)])
def test_cost_may_reach_a_bound_but_not_exceed_it(kept: int, handled: int, bench: Workbench) -> None:
    total = Cost(load_kit(str(bench.folder)))
    total.add(kept, handled)
    with pytest.raises(ExcessError, match="the run is too large") as raised:
        total.add(kept > 0, handled > 0)
    assert raised.value.file == "agents"
