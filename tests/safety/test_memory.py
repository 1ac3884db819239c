"""A run stays within its bounds, whatever the kit: what it keeps in memory, and how much it works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from unittest.mock import Mock

import pytest

from conftest import Workbench
from kei_assembler import __main__, kit
from kei_assembler.build import cost, diff, findings, parallel
from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.cost import Cost
from kei_assembler.build.diff import diffs
from kei_assembler.build.findings import limited
from kei_assembler.diagnostics import OUT_OF_MEMORY, Diagnostic, ExcessError, Location, Severity, Span
from kei_assembler.files import run_cache
from kei_assembler.importing import run
from kei_assembler.kit import blocks as kit_blocks
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


def _measured(folder: Path, *args: str, limit: int = 0, one_core: bool = False) -> Measured:
    options = (*args, "--kit", str(folder))
    command = [sys.executable, "-c", _PROGRAM, str(limit * MIB), str(one_core), *options]
    without_cache = os.environ | {"CI": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=without_cache)
    return Measured(*json.loads(done.stdout))


def _make(
    folder: Path, agents: int, blocks: int, size: int = 1_000_000, targets: Iterable[str] = ("opencode",)
) -> Path:
    """Make a kit in which each agent has all blocks of this size."""
    for name in ("agents", "_blocks"):
        (folder / name).mkdir()
    names = [f"b{number}" for number in range(blocks)]
    for name in names:
        (folder / "_blocks" / f"{name}.md").write_text(f"Be honest {name}.\n" * (size // (len(name) + 12)))
    for number in range(agents):
        text = f'name = "a{number}"\ndescription = "A."\nblocks = {names}\ntargets = {list(targets)}\n'
        (folder / "agents" / f"a{number}.toml").write_text(text)
    return folder


def _outputs(folder: Path) -> list[Path]:
    return [
        path for path in folder.rglob("*") if path.is_file() and path.suffix != ".toml" and "_blocks" not in path.parts
    ]


@pytest.mark.slow
@pytest.mark.parametrize("one_core", [True, False], ids=["one process", "two processes"])
@pytest.mark.parametrize("args", [(), ("--check",), ("--diff",), ("--output-format", "json")])
def test_many_large_outputs_end_the_run_early(args: tuple[str, ...], one_core: bool, tmp_path: Path) -> None:
    done = _measured(_make(tmp_path, 160, 4), "--all", *args, one_core=one_core)
    text = done.stdout + done.stderr
    assert (done.status, text.count("O623"), len(text) < 2_000) == (1, 1, True)
    assert done.memory < cost.MAX_KEPT_BYTES // MIB + BASE
    assert _outputs(tmp_path) == []


@pytest.mark.slow
def test_even_more_large_outputs_need_no_more_memory(tmp_path: Path) -> None:
    done = _measured(_make(tmp_path, 400, 4), "--all", limit=4096)
    assert (done.status, "O623" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert done.memory < cost.MAX_KEPT_BYTES // MIB + BASE


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        SystemError("error return without exception set"),
        ImportError("/lib/x.so: failed to map segment from shared object"),
        ImportError("/lib/x.so: cannot allocate memory in static TLS block"),
    ],
)
def test_too_little_memory_to_start_is_reported(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_cache, "recall", Mock(side_effect=error))
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    expected = f"error: {OUT_OF_MEMORY.message}\n  help: {OUT_OF_MEMORY.hint}\n"
    assert (ended.value.code, capsys.readouterr()) == (2, ("", expected))


def test_other_failed_imports_are_not_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_cache, "recall", Mock(side_effect=ImportError("No module named 'rtoml'")))
    with pytest.raises(ImportError):
        __main__.main()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [48, 64, 96, 128, 192])  # with less, a compiled library can end the process
@pytest.mark.parametrize("output_format", ["text", "json"])
def test_too_little_memory_is_reported(output_format: str, limit: int, tmp_path: Path) -> None:
    done = _measured(_make(tmp_path, 50, 4), "--all", "--output-format", output_format, limit=limit)
    assert (done.status, "there is not enough memory" in done.stdout + done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
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


@pytest.mark.parametrize(("size", "status"), [(30, 0), (31, 1)])
def test_blocks_may_reach_their_bound_but_not_exceed_it(
    size: int, status: int, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit_blocks, "MAX_CHARACTERS", 50)
    blocks = {"_blocks/b.md": "x" * 19 + "\n", "_blocks/c.md": "x" * (size - 1) + "\n"}
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["b", "c"]\n', **blocks})
    done = bench.run("--all")
    assert (done.status, "_blocks:1:1: error[O623] the blocks of the kit" in done.stderr) == (status, status == 1)


@pytest.mark.parametrize(("files", "status"), [(3, 0), (4, 2)])
def test_files_may_reach_their_bound_but_not_exceed_it(
    files: int, status: int, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "MAX_FILES", 3)
    names = [f"a{number}" for number in range(files)]
    bench.write({f"agents/{name}.toml": f'name = "{name}"\ndescription = "A."\nrole = "R."\n' for name in names})
    done = bench.run("--all")
    assert (done.status, "`agents` has more than 3 files" in done.stderr) == (status, status == 2)


STAMP = (
    "---\nname: b\n---\n\n<!-- Generated by assemble from gone.toml. "
    f"Edit that file, then run: assemble agents/gone.toml · sha256:{'0' * 12} -->\n"
)


@pytest.mark.parametrize("bound", ["MAX_KEPT_BYTES", "MAX_HANDLED_BYTES"])
@pytest.mark.parametrize(("size", "code"), [(3_000, "O611"), (4_000, "O623")])
def test_orphans_count(size: int, code: str, bound: str, bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    text = STAMP + "x" * (size - len(STAMP.encode()))
    bench.write({"agents/a.md": text, "agents/b.md": text, "assemble.toml": ""})
    monkeypatch.setattr(cost, bound, 2 * 3_000 + 2 * cost.ENTRY_BYTES * (bound == "MAX_KEPT_BYTES"))
    assert set(re.findall(r"error\[(\w+)\]", bench.run("--all").stderr)) == {code}


def test_unchanged_outputs_count_as_work(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'name = "a"\ndescription = "A."\nrole = "R."\n'
    bench.write({"agents/a.toml": text})
    assert bench.run("--all").status == 0
    size = len(text) + len(bench.read("agents/a.md").encode())
    monkeypatch.setattr(cost, "MAX_HANDLED_BYTES", size)
    assert bench.run("--all", "--check").status == 0
    monkeypatch.setattr(cost, "MAX_HANDLED_BYTES", size - 1)
    done = bench.run("--all", "--check", "--output-format", "json")
    assert (done.status, [one["code"] for one in json.loads(done.stdout)["diagnostics"]]) == (1, ["O623"])


def _finding(number: int, severity: Severity) -> Diagnostic:
    return Diagnostic(Location(f"{number:03}", Span(1, 1, 1, 1)), "X", severity, "")


def test_the_most_serious_findings_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MAX_FINDINGS", 4)
    found = [_finding(number, Severity.NOTE if number < 3 else Severity.ERROR) for number in range(6)]
    assert limited(found[2:], ()) == found[2:]
    left_out = limited(found, ())
    assert limited(found, ["O624"]) == [one for one in left_out if one.code == "X"]
    assert [one for one in left_out if one.code == "X"] == [found[0], *found[3:]]
    assert [(one.location.file, one.code, one.message) for one in left_out if one.code != "X"] == [
        ("001", "O624", "2 more findings are not reported")
    ]


def test_diffs_after_the_bound_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [Change(FileStatus.CREATE, f"{name}.md", "", "", None, b"text\n") for name in "abc"]
    whole = list(diffs(changes, "k/"))
    assert all(text.endswith("+text\n") for text in whole)
    monkeypatch.setattr(diff, "MAX_DIFFS", len(whole[0]) + 1)
    assert list(diffs(changes, "k/")) == [*whole[:2], "File a/k/c.md differs, and its diff is left out\n"]


def test_an_excess_in_the_other_process_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "can_fork", lambda: True)

    def work(number: int) -> int:
        if number == parallel.MIN_ITEMS - 1:
            raise ExcessError("file", "message", "hint")
        return number

    with pytest.raises(ExcessError) as raised:
        parallel.shared(work, range(parallel.MIN_ITEMS))
    assert (raised.value.file, raised.value.message, raised.value.hint) == ("file", "message", "hint")


def test_the_results_of_the_other_process_are_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "can_fork", lambda: True)
    received: list[int] = []
    items = range(parallel.MIN_ITEMS)
    assert parallel.shared(abs, items, receive=received.append) == list(items)
    assert received == list(items[len(items) // 2 :])


def _same_text(folder: Path, names: Iterable[str], text: str) -> None:
    """Write the same text to many files. The files are links to one, to save disk space."""
    first, *others = (folder / name for name in names)
    first.write_text(text)
    for other in others:
        other.hardlink_to(first)


@pytest.mark.slow
def test_an_agent_with_far_too_many_blocks(tmp_path: Path) -> None:
    names = [f"b{number}" for number in range(2_000)]
    _make(tmp_path, 0, 0)
    _same_text(tmp_path / "_blocks", (f"{name}.md" for name in names), ("x" * 79 + "\n") * 13_000)
    (tmp_path / "agents/a.toml").write_text(f'name = "a"\ndescription = "A."\nblocks = {names}\n')
    done = _measured(tmp_path, "--all")
    assert (done.status, done.stderr.count("error[")) == (1, 1)
    assert "_blocks:1:1: error[O623]" in done.stderr
    assert done.memory < kit_blocks.MAX_CHARACTERS // MIB + BASE


@pytest.mark.slow
def test_outputs_that_are_far_too_large(tmp_path: Path) -> None:
    done = _measured(_make(tmp_path, 40, 60), "--all")
    assert (done.status, done.stderr.count("O623"), done.stderr.count("error[")) == (1, 1, 1)
    assert done.memory < 400


@pytest.mark.slow
def test_findings_about_long_lines(tmp_path: Path) -> None:
    _make(tmp_path, 0, 0)
    long = "😀" + "y" * 1_000_000  # a character of four bytes makes all characters of a string take four bytes
    for number in range(100):
        text = f'name = "a{number}"\ndescription = "A."\nx{number} = "{long}"\n'
        (tmp_path / f"agents/a{number}.toml").write_text(text)
    done = _measured(tmp_path, "--all")
    assert (done.status, done.stderr.count("O623"), done.stderr.count("error[")) == (1, 1, 1)
    assert done.memory < 2 * cost.MAX_KEPT_BYTES // MIB


@pytest.mark.slow
@pytest.mark.parametrize("output_format", ["text", "json", "sarif", "github", "gitlab", "junit"])
def test_very_many_findings(output_format: str, tmp_path: Path) -> None:
    _make(tmp_path, 0, 0)
    for number in range(1_000):
        keys = "".join(f"x{key} = {number}\n" for key in range(100))
        (tmp_path / f"agents/a{number}.toml").write_text(f'name = "a{number}"\ndescription = "A."\n{keys}')
    done = _measured(tmp_path, "--all", "--output-format", output_format)
    assert (done.status, "90,000 more findings are not reported" in done.stdout + done.stderr) == (1, True)
    assert done.memory < 200


@pytest.mark.slow
@pytest.mark.parametrize("output_format", ["text", "json"])
def test_a_diff_of_many_large_files(output_format: str, tmp_path: Path) -> None:
    done = _measured(_make(tmp_path, 200, 1), "--all", "--diff", "--output-format", output_format)
    assert done.stdout.count("differs, and its diff is left out") == 200 - 32
    assert len(done.stdout) < 1.1 * diff.MAX_DIFFS
    assert done.memory < 450


@pytest.mark.slow
def test_many_large_orphans(tmp_path: Path) -> None:
    _make(tmp_path, 1, 1, 1_000, targets=["claude-code"])
    text = STAMP + "x\n" * 2_000_000
    _same_text(tmp_path / "agents", (f"o{number}.md" for number in range(400)), text)
    done = _measured(tmp_path, "--all", "--check")
    assert (done.status, done.stderr.count("error[O623]")) == (1, 1)
    assert done.memory < cost.MAX_KEPT_BYTES // MIB + 2 * BASE


@pytest.mark.slow
def test_ten_thousand_agents_are_not_too_many(tmp_path: Path) -> None:
    _make(tmp_path, 10_000, 1, 10_000, targets=["claude-code", "opencode"])
    ignored = ("--ignore", "L803", "--ignore", "O627")  # so many descriptions, and the default location
    done = _measured(tmp_path, "--all", *ignored)
    assert (done.status, done.stderr) == (0, "10,000 agents, 20,000 files: 20,000 created\n")
    assert done.memory < 400
    again = _measured(tmp_path, "--all", "--check", *ignored)
    summary = "10,000 agents, 20,000 files: 20,000 unchanged\nwaived: L803 is ignored\nwaived: O627 is ignored\n"
    assert (again.status, again.stderr) == (0, summary)
    assert again.memory < 120


@pytest.mark.parametrize(("bound", "status"), [(200, 0), (199, 2)])
def test_imported_files_may_reach_their_bound_but_not_exceed_it(
    bound: int, status: int, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MAX_IMPORTED_BYTES", bound)
    head = "---\nname: {}\ndescription: A.\n---\n"
    files = {f".claude/agents/{name}.md": head.format(name).ljust(99, "x") + "\n" for name in "ab"}
    bench.write(files)
    done = bench.run("import", ".claude")
    assert (done.status, "the files have more than 199 bytes in total" in done.stderr) == (status, status == 2)
    assert (bench.folder / "agents").exists() == (status == 0)


@pytest.mark.slow
def test_an_import_of_many_large_files(tmp_path: Path) -> None:
    folder = tmp_path / ".claude/agents"
    folder.mkdir(parents=True)
    for number in range(200):
        sections = "".join(f"# SECTION {part}\n\n{f'words{number} ' * 100}\n\n" for part in range(1_000))
        (folder / f"a{number}.md").write_text(f"---\nname: a{number}\ndescription: A.\n---\n{sections}")
    done = _measured(tmp_path, "import", "--share", str(tmp_path / ".claude"))
    assert (done.status, "import fewer files at a time" in done.stderr) == (2, True)
    assert done.memory < 600


@pytest.mark.slow
def test_many_templates_with_findings(tmp_path: Path) -> None:
    _make(tmp_path, 1, 1, 1_000)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/agent.md.j2").write_text("x")
    for number in range(300):
        (tmp_path / f"templates/t{number}.j2").write_text("\u200b" + "x" * 1_000_000)
    done = _measured(tmp_path, "--all", "--check")
    assert (done.status, done.stderr.count("O623"), done.stderr.count("error[")) == (1, 1, 1)
    assert done.memory < cost.MAX_KEPT_BYTES // MIB + BASE
