"""Diffs that other programs accept, and output streams that are closed early or full."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Workbench
from forkserver import ForkServer
from kei_assembler.cli import console
from terminals import on_terminal

ASSEMBLE = [sys.executable, "-m", "kei_assembler"]
AGENT = 'name = "{0}"\ndescription = "Does {0}."\nrole = "You do {0}."\n'


@pytest.fixture
def stale(bench: Workbench) -> Workbench:
    """A kit in a subfolder, with every kind of drift that has something to show."""
    shutil.rmtree(bench.folder / ".git")
    subprocess.run(["git", "init", "--quiet"], cwd=bench.folder, check=True)
    names = ("changed", "edited", "foreign", "missing", "gone")
    bench.write({f"kit/agents/a b/{name}.toml": AGENT.format(name) for name in names})
    assert bench.run("--all", cwd="kit").status == 0
    bench.write(
        {
            "kit/agents/a b/changed.toml": AGENT.format("changed") + 'model = "opus"\n',
            "kit/agents/a b/edited.md": bench.read("kit/agents/a b/edited.md") + "\nNo newline at the end: é \x0c",
            "kit/agents/a b/foreign.md": b"not UTF-8: \xff\r\nand a CR\n",
        }
    )
    (bench.folder / "kit/agents/a b/missing.md").unlink()
    (bench.folder / "kit/agents/a b/gone.toml").unlink()
    return bench


def _diff(forkserver: ForkServer, bench: Workbench, *args: str) -> subprocess.CompletedProcess[bytes]:
    before = bench.files()
    run = forkserver.run(bench.folder / "kit", ["--all", "--diff", *args])
    assert bench.files() == before
    return run


@pytest.mark.parametrize("command", [["git", "apply"], ["patch", "--strip=1", "--quiet"]], ids=["git apply", "patch"])
def test_applying_the_diff_makes_the_check_pass(forkserver: ForkServer, stale: Workbench, command: list[str]) -> None:
    run = _diff(forkserver, stale)
    assert run.returncode == 0
    assert run.stdout.count(b"\n+++ ") == 5
    subprocess.run(command, cwd=stale.folder / "kit", input=run.stdout, check=True)
    assert stale.run("--all", "--check", cwd="kit").status == 0


def test_diff_and_check_together_fail_and_show(forkserver: ForkServer, stale: Workbench) -> None:
    run = _diff(forkserver, stale, "--check")
    assert run.returncode == 1
    assert run.stdout == _diff(forkserver, stale).stdout
    assert b"would update agents/a b/changed.md [O610]\n" in run.stderr


def test_json_holds_the_diffs(forkserver: ForkServer, stale: Workbench) -> None:
    loaded = json.loads(_diff(forkserver, stale, "--output-format", "json").stdout)
    diffs = "".join(change["diff"] for change in loaded["changes"])
    exact = _diff(forkserver, stale).stdout
    assert diffs.encode() == exact.replace(b"\xff", b"<U+DCFF>")  # JSON is text, so it cannot hold other bytes
    assert diffs.encode() != exact


def test_a_clean_kit_has_no_diff(forkserver: ForkServer, stale: Workbench) -> None:
    stale.run("--all", "--force", "--prune", cwd="kit")
    assert _diff(forkserver, stale).stdout == b""


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ([f"l{n * n % 150}" for n in range(15_000)], [f"l{n % 150}" for n in range(15_000)]),
        ([f"l{n}" for n in range(8_000) for _ in range(2)], [f"l{n}" for n in range(8_000)]),
        (["x", *(f"l{n}" for n in range(3_000)), "y"], [f"l{n}" for n in range(3_000)]),
    ],
    ids=["often the same lines", "each line twice", "one more line at both ends"],
)
def test_a_diff_of_many_lines_can_be_applied(
    present: list[str], wanted: list[str], bench: Workbench, forkserver: ForkServer
) -> None:
    role = "\n".join(wanted)
    bench.write({"agents/a.toml": f"name = 'a'\ndescription = 'A.'\nrole = '''\n{role}'''\n"})
    bench.write({"agents/a.md": "\n".join(present)})
    run = forkserver.run(bench.folder, ["--all", "--diff"])
    subprocess.run(["patch", "--strip=1", "--quiet"], cwd=bench.folder, input=run.stdout, check=True)
    assert bench.run("--all", "--check").status == 0


def test_a_binary_file_is_named_but_not_printed(forkserver: ForkServer, stale: Workbench) -> None:
    stale.write({"kit/agents/a b/foreign.md": b"\0\x1b[31m"})
    assert b"Binary file a/agents/a b/foreign.md differs\n" in _diff(forkserver, stale).stdout


@pytest.fixture
def arrows(bench: Workbench) -> Workbench:
    bench.write({"agents/a.toml": AGENT.format("a") + 'model = "opus → haiku"\n'})
    assert bench.run("--all").status == 0
    return bench


DIFF = ("--all", "--diff")
CODE_PAGE = {"PYTHONIOENCODING": "cp1252"}


def test_a_printed_file_has_the_same_bytes_with_every_code_page(arrows: Workbench) -> None:
    command = [*ASSEMBLE, "--stdout", "agents/a.toml"]
    run = subprocess.run(command, cwd=arrows.folder, env=os.environ | CODE_PAGE, capture_output=True, check=True)
    assert run.stdout == (arrows.folder / "agents" / "a.md").read_bytes()


def test_programs_get_utf8_and_lf(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {name: io.BytesIO() for name in ("stdout", "stderr")}
    for name, raw in written.items():
        monkeypatch.setattr(sys, name, io.TextIOWrapper(raw, "cp1252", newline="\r\n"))
    console.set_up()
    console.write("a → b\n\udcff\n", "a → b\n\udcff\n")
    assert [raw.getvalue() for raw in written.values()] == ["a → b\n".encode() + b"\xff\n"] * 2


def test_characters_that_a_terminal_cannot_encode_are_escaped(arrows: Workbench) -> None:
    (arrows.folder / "agents" / "a.md").unlink()
    assert "+model: opus \\u2192 haiku" in on_terminal(arrows.folder, *DIFF, environment={"NO_COLOR": "1", **CODE_PAGE})


def test_a_terminal_gets_colours_but_no_control_characters(stale: Workbench) -> None:
    stale.write({"kit/agents/a b/foreign.md": "\x1b[2J hidden\u202e\n"})
    printed = on_terminal(stale.folder / "kit", *DIFF)
    assert "\x1b[32m+model: opus\x1b[0m" in printed
    assert "-<U+001B>[2J hidden<U+202E>" in printed
    assert "\x1b[2J" not in printed


def test_no_color_is_honoured(stale: Workbench) -> None:
    assert "\x1b[" not in on_terminal(stale.folder / "kit", *DIFF, environment={"NO_COLOR": "1"})


def test_a_reader_that_closes_early_is_not_an_error(bench: Workbench) -> None:
    bench.write({f"agents/a{number}.toml": AGENT.format(f"a{number}") for number in range(300)})
    command = f"{sys.executable} -m kei_assembler --all --diff | head -n 1; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], cwd=bench.folder, capture_output=True, text=True, check=True)
    assert run.stdout == "--- /dev/null\n0\n"
    assert "Traceback" not in run.stderr
    assert run.stderr.endswith("300 agents, 300 files: 300 to create; 1 note\nto apply this, run: assemble --all\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_full_device_is_an_error_without_a_traceback(bench: Workbench, stream: str) -> None:
    bench.write({"agents/a.toml": AGENT.format("a")})
    other = {"stdout": "stderr", "stderr": "stdout"}[stream]
    with Path("/dev/full").open("wb") as full:
        both = {stream: full, other: subprocess.PIPE}
        run = subprocess.run([*ASSEMBLE, "--all", "--check"], cwd=bench.folder, check=False, **both)  # type: ignore[call-overload]
    assert run.returncode == 2
    assert b"Traceback" not in (run.stdout or b"") + (run.stderr or b"")
