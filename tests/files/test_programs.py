"""Programs on PATH: which ones may be run, and what a program can do to the run that asks it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kei_assembler.files.programs import Answer, Program, Programs

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")

Script = Callable[[str, str], str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return a function that writes an executable shell script, and returns its path."""

    def write(name: str, code: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{code}\n")
        path.chmod(0o755)
        return str(path)

    return write


def _with_path(monkeypatch: pytest.MonkeyPatch, *folders: object) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))


def _asked(*commands: str, seconds: float = 10, projects: tuple[str, ...] = ()) -> list[Answer]:
    return Programs(projects).ask([command.split(" ") for command in commands], seconds)


def test_a_program_is_found_by_the_first_of_its_names(
    tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_path(monkeypatch, tmp_path / "a", tmp_path / "b")
    other, usual = script("a/other", ""), script("b/usual", "")
    script("b/other", "")
    programs = Programs(())
    assert programs.find(("usual", "other")) == Program(usual)
    assert programs.find(("other",)) == Program(other)
    assert programs.find(("neither",)) is None


def test_entries_of_path_that_depend_on_the_working_directory_are_skipped(
    tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("client", "")
    script("bin/client", "")
    monkeypatch.chdir(tmp_path)
    _with_path(monkeypatch, "", ".", "bin", "./bin", "..", f"../{tmp_path.name}", "~/bin")
    assert Programs(()).find(("client",)) is None
    monkeypatch.delenv("PATH")
    assert Programs(()).find(("client",)) is None


def test_what_is_not_an_executable_file_is_not_found(
    tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_path(monkeypatch, tmp_path / "missing", script("file", ""), tmp_path)
    os.chmod(script("plain", ""), 0o644)
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe", 0o755)
    assert [Programs(()).find((name,)) for name in ("plain", "folder", "broken", "pipe")] == [None] * 4


def test_a_program_in_a_project_is_not_trusted(tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "bin"
    inside = script("project/node_modules/.bin/client", "")
    outside = script("bin/other", "")
    elsewhere.joinpath("linked").symlink_to(inside)  # a link into the project
    project.joinpath("away").symlink_to(outside)  # and one out of it: who put it there?
    tmp_path.joinpath("alias").symlink_to(project)  # another name of the project
    folders = (project / "node_modules/.bin", tmp_path / "alias/node_modules/.bin", project, elsewhere)
    _with_path(monkeypatch, *folders)
    programs = Programs([str(project)])
    assert programs.find(("client",)) == Program(inside, is_in_project=True)
    assert programs.find(("linked",)) == Program(str(elsewhere / "linked"), is_in_project=True)
    assert programs.find(("away",)) == Program(str(project / "away"), is_in_project=True)
    trusted = script("bin/client", "")
    assert programs.find(("client",)) == Program(trusted)
    assert programs.find(("other",)) == Program(outside)


def test_the_answer_is_what_a_program_prints_to_stdout(script: Script) -> None:
    path = script("client", 'echo "arguments: $*"; echo "not this" >&2')
    assert _asked(f"{path} --version now") == [Answer("arguments: --version now\n")]


def test_no_shell_reads_the_arguments(script: Script, tmp_path: Path) -> None:
    path = script("a client; touch x", 'echo "$1"')
    (answer,) = Programs(()).ask([(path, "$(touch x); `touch y`")])
    assert answer == Answer("$(touch x); `touch y`\n")
    assert os.listdir(tmp_path) == ["a client; touch x"]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("echo 1.2.3; exit 3", "ended with status 3"),
        ("echo 1.2.3; kill -9 $$", "ended with signal 9"),
        ("while :; do echo 1.2.3; done", "printed too much"),
        ("/bin/dd if=/dev/zero bs=100000 count=1 2> /dev/null", "printed too much"),
        ("echo 1.2.3; exec /bin/sleep 60", "did not end in time"),
        ("/bin/sleep 60", "did not end in time"),
        ("exec 1>&-; /bin/sleep 60", "did not end in time"),
        ("trap '' INT TERM HUP; while :; do :; done", "did not end in time"),
    ],
)
def test_a_program_that_misbehaves_has_a_problem(code: str, problem: str, script: Script) -> None:
    start = time.monotonic()
    (answer,) = _asked(script("client", code), seconds=0.3)
    assert answer.problem == problem
    assert time.monotonic() - start < 5


def test_a_file_that_the_system_cannot_run_has_a_problem(tmp_path: Path, script: Script) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x7fELF but not really")
    binary.chmod(0o755)
    lost = script("lost", "").replace("/lost", "/gone")
    without = tmp_path / "without"
    without.write_text("#!/no/such/interpreter\n")
    without.chmod(0o755)
    problems = [answer.problem for answer in _asked(str(binary), lost, str(without))]
    assert problems == [
        "cannot be run: Exec format error",
        "cannot be run: No such file or directory",
        "cannot be run: No such file or directory",
    ]


def test_output_that_is_not_text_is_harmless(script: Script) -> None:
    (answer,) = _asked(script("client", r"printf '\377\000\033[2J 1.2.3'"))
    assert answer == Answer("\ufffd\0\x1b[2J 1.2.3")


def test_programs_run_at_the_same_time(script: Script) -> None:
    start = time.monotonic()
    answers = _asked(*(script(f"client{number}", f"/bin/sleep 0.3; echo {number}") for number in range(8)))
    assert [answer.output for answer in answers] == [f"{number}\n" for number in range(8)]
    assert time.monotonic() - start < 2


def test_one_program_that_hangs_costs_only_its_own_answer(script: Script) -> None:
    hanging, good = script("hanging", "/bin/sleep 60"), script("good", "echo 1.2.3")
    answers = _asked(hanging, good, hanging, seconds=0.5)
    assert [answer.output or answer.problem for answer in answers] == [
        "did not end in time",
        "1.2.3\n",
        "did not end in time",
    ]


def test_a_program_has_no_input_and_no_terminal(script: Script) -> None:
    code = "read -r line && echo input; [ -t 0 ] && echo stdin; (: < /dev/tty) 2> /dev/null && echo terminal; echo end"
    assert _asked(script("client", code)) == [Answer("end\n")]


def test_a_program_runs_outside_of_the_project(tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    project, alias = tmp_path / "project", tmp_path / "alias"
    script("project/bin/helper", "echo hostile")
    helper = script("bin/helper", "echo good")
    alias.symlink_to(project)
    monkeypatch.chdir(project)
    _with_path(monkeypatch, "bin", "", project / "bin", alias / "bin", Path(helper).parent)
    lost = {
        "PWD": project,
        "OLDPWD": alias,
        "PYTHONPATH": f"lib:{alias}/lib",
        "NODE_OPTIONS": f"--require={project}/x.js",
        "GIT_DIR": ".git",
    }
    for name, value in {**lost, "KEPT": f"{tmp_path}:x"}.items():
        monkeypatch.setenv(name, str(value))
    code = f'helper; pwd; echo "$PWD {" ".join(f"${{{name}}}" for name in [*lost][1:])} $KEPT"; echo "$PATH"'
    (answer,) = _asked(script("bin/client", code), projects=(str(project),))
    assert answer == Answer(f"good\n/\n/     {tmp_path}:x\n{Path(helper).parent}\n")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def _ends(pid: int) -> bool:
    end = time.monotonic() + 5
    while _is_running(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not _is_running(pid)


def test_what_a_hanging_program_has_started_is_killed_too(tmp_path: Path, script: Script) -> None:
    path = script("client", f"/bin/sleep 60 & echo $! > {tmp_path}/pid; wait")
    assert _asked(path, seconds=0.5)[0].problem == "did not end in time"
    assert _ends(int((tmp_path / "pid").read_text()))


def test_what_a_program_leaves_running_does_not_hold_up_the_answer(tmp_path: Path, script: Script) -> None:
    path = script("client", f"/bin/sleep 60 & echo $! > {tmp_path}/pid; echo 1.2.3")
    start = time.monotonic()
    assert _asked(path) == [Answer("1.2.3\n")]
    assert time.monotonic() - start < 5
    child = int((tmp_path / "pid").read_text())
    assert _is_running(child)  # an update in the background, for example, must not be cut off
    os.kill(child, signal.SIGKILL)
    assert _ends(child)


def test_an_interrupted_run_leaves_no_program_behind(tmp_path: Path, script: Script) -> None:
    path = script("client", f"echo $$ > {tmp_path}/pid; exec /bin/sleep 60")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            _asked(path)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert _ends(int((tmp_path / "pid").read_text()))


def test_many_programs_leave_no_file_open(script: Script) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the open files of a process are in /proc only on Linux")
    path, before = script("client", "echo 1.2.3"), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        _asked(path, path)
    assert len(os.listdir("/proc/self/fd")) == before
