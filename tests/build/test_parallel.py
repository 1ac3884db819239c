"""Two processes that share a large kit produce the same bytes as one, even if one of them dies."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from forkserver import ForkServer

CI = ("CI", "GITHUB_ACTIONS", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD")
COUNT = 8
BLOCK = "# RULE\n\nBe kind.\n"
DRIVER = """
import os, signal, sys
from kei_assembler.build import kit_plan, parallel, planner
from kei_assembler.cli import app
ONE = os.getpid()
parallel.can_fork = lambda: {is_shared}
planner.BATCH, parallel.MIN_ITEMS = 1, 4
share, told_of = parallel.shared, []
def shared(*args):
    results = share(*args)
    if told_of == ["start"] and not {may_be_alone}:
        sys.exit("the other process was of no use")
    return results
kit_plan.shared = shared
def at(owner, name, hook):
    found = getattr(owner, name)
    def hooked(*args, **options):
        hook(*args)
        return found(*args, **options)
    setattr(owner, name, hooked)
at(os, "fork", lambda: told_of.append("start"))
at(parallel, "add_accesses", lambda *_: told_of.append("add"))
def die():
    os.kill(os.getpid(), signal.SIGKILL)
{more}
app.main()
"""


class Done(NamedTuple):
    """The exit status and the output of a process, and the files on disk after it."""

    status: int
    out: str
    err: str
    files: dict[str, bytes]


def _agent(number: int, **more: str) -> str:
    keys = {"name": f'"a{number}"', "description": f'"Agent {number}."', "blocks": '["rule"]'} | more
    return "".join(f"{key} = {value}\n" for key, value in keys.items())


def _make(kit: Path, count: int = COUNT) -> None:
    (kit / ".git").mkdir(parents=True)
    (kit / "agents").mkdir()
    (kit / "_blocks").mkdir()
    (kit / "_blocks/rule.md").write_text(BLOCK)
    for number in range(count):
        (kit / f"agents/a{number}.toml").write_text(_agent(number))


def _files(kit: Path) -> dict[str, bytes]:
    return {str(path.relative_to(kit)): path.read_bytes() for path in sorted(kit.rglob("*")) if path.is_file()}


def _code(is_shared: bool = True, may_be_alone: bool = False, more: str = "") -> str:
    return DRIVER.format(is_shared=is_shared, may_be_alone=may_be_alone, more=more)


def _command(args: tuple[str, ...], is_shared: bool = True, more: str = "") -> list[str]:
    return [sys.executable, "-c", _code(is_shared, more=more), *args]


class Build:
    """Creates a kit, builds it, changes it, and runs the command on it."""

    def __init__(self, template: Path, folder: Path, forkserver: ForkServer) -> None:
        self._template, self._kit = template, folder / "kit"
        self._forkserver = forkserver

    def __call__(self, *changes: Callable[[Path], object]) -> Path:
        shutil.rmtree(self._kit, ignore_errors=True)
        shutil.copytree(self._template, self._kit)
        _all_of(*changes)(self._kit)
        return self._kit

    def run(self, kit: Path, *args: str, is_shared: bool = True, may_be_alone: bool = False, more: str = "") -> Done:
        done = self._forkserver.run(kit, args, _code(is_shared, may_be_alone, more))
        out, err = (text.decode().replace(str(kit), "KIT") for text in (done.stdout, done.stderr))
        return Done(done.returncode, out, err, _files(kit))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, forkserver: ForkServer) -> Path:
    kit = tmp_path_factory.mktemp("template") / "kit"
    _make(kit)
    assert forkserver.run(kit, ["--all"], _code(is_shared=False)).returncode == 0
    return kit


@pytest.fixture
def build(template: Path, tmp_path: Path, forkserver: ForkServer) -> Build:
    return Build(template, tmp_path, forkserver)


def _put(path: str, text: str) -> Callable[[Path], object]:
    def put(kit: Path) -> None:
        (kit / path).parent.mkdir(parents=True, exist_ok=True)
        (kit / path).write_text(text)

    return put


def _all_of(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(kit: Path) -> None:
        for one in changes:
            one(kit)

    return change


def _add(path: str, text: str) -> Callable[[Path], object]:
    return lambda kit: (kit / path).write_text((kit / path).read_text() + text)


def _remove(*paths: str) -> Callable[[Path], object]:
    return lambda kit: [os.unlink(kit / path) for path in paths]  # type: ignore[func-returns-value]


EDITED = _all_of(_add("agents/a1.md", "mine\n"), _add("agents/a6.md", "mine  \n"))
NEW_BLOCK = _put("_blocks/rule.md", "# RULE\n\nBe wise.\n")
THREE_TARGETS = 'targets = ["claude-code", "gemini", "codex"]\n'
STATES: dict[str, Callable[[Path], object]] = {
    "in order": lambda _: None,
    "nothing built": _remove(*(f"agents/a{number}.md" for number in range(COUNT))),
    "outdated": NEW_BLOCK,
    "edited": EDITED,
    "edited and outdated": _all_of(EDITED, NEW_BLOCK),
    "foreign in the second half": _put("agents/a7.md", "---\nname: a7\ndescription: Mine.\n---\n"),
    "generated from another": lambda kit: shutil.copy(kit / "agents/a1.md", kit / "agents/a6.md"),
    "orphans": _remove("agents/a2.toml", "agents/a7.toml"),
    "unmanaged": _put("agents/z.md", "---\nname: z\ndescription: Z.\n---\n"),
    "an error in the first half": _put("agents/a0.toml", _agent(0, tols='"x"')),
    "an error in the second half": _all_of(_put("agents/a7.toml", "name = "), NEW_BLOCK),
    "errors in both": _all_of(_put("agents/a7.toml", _agent(9)), _put("agents/a1.toml", _agent(8))),
    "an unknown block in both": _all_of(*(_put(f"agents/a{n}.toml", _agent(n, blocks='["rul"]')) for n in (0, 7))),
    "a block that only the second half uses": _all_of(
        _put("_blocks/more.md", "Mo\u200bre: {{ x }}\n"), _put("agents/a7.toml", _agent(7, blocks='["rule", "more"]'))
    ),
    "an unused block": _put("_blocks/more.md", "More.\n"),
    "handoffs to what others get": _all_of(
        *(_put(f"agents/a{n}.toml", _agent(n, handoff=f'[{{target="a{n ^ 4}", trigger="t"}}]')) for n in (0, 1, 4, 5)),
        *(
            _put(f"agents/a{n}.toml", _agent(n, targets='["gemini"]', handoff='[{target="a0", trigger="t"}]'))
            for n in (2, 7)
        ),
        _put("agents/a3.toml", _agent(3, handoff='[{target="a2", trigger="t"}, {target="a7", trigger="t"}]')),
        _put("agents/a6.toml", _agent(6, handoff='[{target="a2", trigger="t"}]')),
    ),
    "twice across the halves": _put("agents/x/a1.toml", _agent(1)),
    "twice at one path": _all_of(
        _put("agents/a.toml", _agent(0, name='"a"', targets='["gemini"]')),
        _put(
            "assemble.toml", '[target.claude-code]\noutput = "o/{name}.md"\n[target.gemini]\noutput = "o/{name}7.md"\n'
        ),
    ),
    "several targets": _all_of(
        _put("assemble.toml", THREE_TARGETS), _put("agents/a6.toml", _agent(6, targets='["codex"]'))
    ),
    "a template that fails": _put("templates/agent.md.j2", "{{ agent.nam }}\n"),
    "a template that fails in the second half": _put(
        "templates/agent.md.j2", "{% if agent.name == 'a7' %}{{ agent.nam }}{% endif %}\n"
    ),
    "a template that leaves out what is allowed": _all_of(
        _put("assemble.toml", THREE_TARGETS),
        _put("templates/agent.md.j2", "# Mine\n"),
        _put("agents/a2.toml", _agent(2, tools='["Read"]')),
        _put("agents/a6.toml", _agent(6, tools='["Read"]')),
    ),
    "templates with an unknown block": _all_of(
        _put("assemble.toml", THREE_TARGETS),
        *(_put(f"agents/a{n}.toml", _agent(n, targets='["gemini"]')) for n in range(4)),
        *(
            _put(
                f"templates/{folder}agent.md.j2",
                f"{{% extends '{parent}agent.md.j2' %}}{{% block x %}}{{% endblock %}}",
            )
            for folder, parent in (("", "default/"), ("gemini/", "default/"), ("claude-code/", ""))
        ),
    ),
    "hidden text by a template in the second half": _put(
        "templates/agent.md.j2", "{% if agent.name == 'a7' %}{{ '\\u200b' }}{% endif %}\n"
    ),
    "a folder for an output": _all_of(_remove("agents/a6.md"), lambda kit: (kit / "agents/a6.md").mkdir()),
    "an output over a source": _put("assemble.toml", '[target.claude-code]\noutput = "_blocks/{name}.md"\n'),
    "a link out of the kit": _all_of(
        _remove("agents/a6.md"),
        lambda kit: (kit / "agents/a6.md").symlink_to(kit.parent.parent / "x"),
    ),
}
ARGS = [
    ("--all", "--check", "--diff", "--output-format=json"),
    ("--all", "--force", "--prune", "--output-format=json"),
    ("--all", "--check", "--target=gemini", "--target=claude-code"),
]


def _compare(build: Build, state: str, args: tuple[str, ...]) -> None:
    both = [build.run(build(STATES[state]), *args, is_shared=is_shared) for is_shared in (True, False)]
    assert both[0] == both[1]
    assert "Traceback" not in both[0].err


@pytest.mark.parametrize("state", STATES)
def test_two_processes_build_the_same_as_one(build: Build, state: str) -> None:
    _compare(build, state, ("--all",))


@pytest.mark.slow
@pytest.mark.parametrize("args", ARGS, ids=" ".join)
@pytest.mark.parametrize("state", STATES)
def test_two_processes_report_the_same_as_one(build: Build, state: str, args: tuple[str, ...]) -> None:
    _compare(build, state, args)


@pytest.mark.parametrize("args", [("--all", "--check", "--diff"), ("--all", "--force", "--prune")], ids=" ".join)
def test_two_processes_report_edits_as_one_does(build: Build, args: tuple[str, ...]) -> None:
    _compare(build, "edited and outdated", args)


@pytest.mark.parametrize("state", ["an error in the first half", "an error in the second half"])
def test_with_an_error_in_either_half_nothing_is_written(build: Build, state: str) -> None:
    kit = build(NEW_BLOCK, EDITED, STATES[state])
    before = _files(kit)
    done = build.run(kit, "--all", "--force", "--prune")
    assert (done.status, done.files) == (1, before)


def _outputs(kit: Path) -> list[bytes]:
    outputs = [path.read_bytes() for path in (kit / "agents").glob("a*.md")]
    assert len(outputs) == COUNT
    return outputs


def _assert_a_rerun_completes(build: Build, kit: Path) -> None:
    assert build.run(kit, "--all").status == 0
    assert all(content.endswith(b"wise.\n") for content in _outputs(kit))
    assert list((kit / "agents").glob(".*")) == []


THERE = "os.getpid() != ONE"
LOSSES = {
    "at once": f"at(os, 'close', lambda _: {THERE} and die())",
    "while it works": f"at(planner.Planner, 'load', lambda _, file: {THERE} and 'a6' in file and die())",
    "after its work": f"at(parallel, 'accesses', lambda: {THERE} and die())",
    "with half an answer": f"""
import pickle
dump = pickle.dump
def half(value, file):
    if {THERE}:
        file.write(pickle.dumps(value)[:50])
        file.flush()
        die()
    dump(value, file)
pickle.dump = half
""",
    "with nonsense": f"import pickle; at(pickle, 'dump', lambda _, file: {THERE} and file.write(b'x'))",
    "by an error": f"at(planner.Planner, 'load', lambda _, file: {THERE} and 'a6' in file and 1 / 0)",
    "before it was": "def fork(): raise BlockingIOError(11, 'Resource temporarily unavailable')\nos.fork = fork",
    "for want of files": "def pipe(): raise OSError(24, 'Too many open files')\nos.pipe = pipe",
}


@pytest.mark.parametrize("args", [("--all",), ("--all", "--force", "--prune", "--output-format=json")], ids=" ".join)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_child_does_not_change_the_result(build: Build, loss: str, args: tuple[str, ...]) -> None:
    changes = (EDITED, NEW_BLOCK, _remove("agents/a5.md"))
    alone = build.run(build(*changes), *args, is_shared=False)
    assert build.run(build(*changes), *args, may_be_alone=True, more=LOSSES[loss]) == alone


def test_an_exit_in_the_child_ends_the_parent(build: Build) -> None:
    stop = "def stop(_, file): 'a6' in file and sys.exit('stopped')\nat(planner.Planner, 'load', stop)"
    both = [
        build.run(build(NEW_BLOCK), "--all", is_shared=is_shared, may_be_alone=True, more=stop)
        for is_shared in (True, False)
    ]
    assert both[0] == both[1]
    assert (both[0].status, both[0].err) == (1, "stopped\n")


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
MOMENTS = {
    "working here": "at(planner.Planner, 'load', lambda _, file: os.getpid() == ONE and told())",
    "working there": "at(planner.Planner, 'load', lambda _, file: os.getpid() != ONE and told())",
    "done there": "at(parallel, 'accesses', lambda: os.getpid() != ONE and told())",
    "writing": "at(os, 'replace', lambda *_: told())",
}
TOLD = """
import time
def told():
    print("now", flush=True)
    for _ in range({} * 50):  # a signal just before one long sleep would not interrupt it
        time.sleep(0.02)
"""


def _others_of(group: int) -> list[str]:
    """The ids of the running processes of a group, without zombies."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,pid="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return [process for owner, state, process in rows if owner == str(group) and not state.startswith("Z")]


def _begun(kit: Path, moment: str, rest: int) -> subprocess.Popen[str]:
    """Start a process in a new group, and wait until it sleeps at the moment."""
    process = subprocess.Popen(
        _command(("--all",), more=TOLD.format(rest) + MOMENTS[moment]),
        cwd=kit,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "now\n"
    return process


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_both_work_ends_both(build: Build, number: signal.Signals) -> None:
    _assert_both_end(build, "working there", number, to_all=False)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("to_all", [True, False])
def test_a_signal_ends_both(build: Build, moment: str, number: signal.Signals, to_all: bool) -> None:
    _assert_both_end(build, moment, number, to_all)


def _assert_both_end(build: Build, moment: str, number: signal.Signals, to_all: bool) -> None:
    kit = build(NEW_BLOCK)
    process, told = _begun(kit, moment, 20), time.monotonic()
    (os.killpg if to_all else os.kill)(process.pid, number)
    _, err = process.communicate()
    assert (process.returncode, err.strip()) == (SIGNALS[number], "")
    assert time.monotonic() - told < 10
    assert _others_of(process.pid) == []
    assert list((kit / "agents").glob(".*")) == []
    assert all(content.endswith((b"kind.\n", b"wise.\n")) for content in _outputs(kit))
    _assert_a_rerun_completes(build, kit)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_child_ends_if_the_parent_is_killed(build: Build, moment: str) -> None:
    kit = build(NEW_BLOCK)
    _kill(_begun(kit, moment, 1))
    _assert_a_rerun_completes(build, kit)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    _, err = process.communicate()  # until the last of both has gone
    assert err == ""


def test_the_child_does_not_block_if_the_parent_is_killed() -> None:
    """Its result is larger than the buffer of a pipe."""
    code = """
import os, sys, time
from kei_assembler.build import parallel
ONE = os.getpid()
def work(item):
    if os.getpid() == ONE:
        print("now", flush=True)
        time.sleep(20)
    return b"x" * 10_000_000
parallel.can_fork = lambda: True
parallel.shared(work, range(20))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout
    assert process.stdout.readline() == "now\n"
    process.kill()
    process.communicate(timeout=10)  # until both have closed the stream; the other process closes it last
    ended = time.monotonic()
    while _others_of(process.pid):
        assert time.monotonic() - ended < 10


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams(build: Build, closed: str) -> None:
    both = []
    for is_shared in (True, False):
        kit = build(NEW_BLOCK)
        command = ["sh", "-c", f'exec "$@" {closed}', "sh", *_command(("--all",), is_shared)]
        done = subprocess.run(command, cwd=kit, capture_output=True, text=True, check=False)
        both.append(Done(done.returncode, done.stdout, done.stderr, _files(kit)))
    assert both[0] == both[1]
    assert both[0].files["agents/a7.md"].endswith(b"wise.\n")


def test_a_kit_elsewhere(build: Build, tmp_path: Path) -> None:
    kit = build(NEW_BLOCK)
    (tmp_path / "x").mkdir()
    done = build.run(tmp_path / "x", "--all", "--kit", "../kit")
    assert (done.status, done.out.count("updated")) == (0, COUNT)
    _assert_a_rerun_completes(build, kit)


def test_a_closed_pipe(build: Build) -> None:
    kit = build(NEW_BLOCK)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(_command(("--all",)), cwd=kit, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert all(content.endswith(b"wise.\n") for content in _outputs(kit))


def test_the_accesses_of_the_child_are_recorded(build: Build, tmp_path: Path) -> None:
    kit, home = build(), tmp_path / "home"
    home.mkdir()
    time.sleep(0.15)
    environment = {name: value for name, value in os.environ.items() if name not in CI}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONSAFEPATH": "1"}
    command = _command(("--all", "--check"), more="from kei_assembler.__main__ import main\nmain()\n")

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=kit, env=environment, capture_output=True, text=True, check=False)

    first = run()
    (record,) = (home / "cache/kei-assembler").glob("*.json")
    assert all(f"agents/a{number}.{end}" in record.read_text() for number in range(COUNT) for end in ("toml", "md"))
    assert run().stdout == first.stdout
    (kit / "agents/a7.toml").write_text(_agent(7, description='"Agent 8."'))
    assert run().returncode == 1


@pytest.fixture
def many(tmp_path: Path) -> Path:
    _make(tmp_path, 300)
    return tmp_path


PLAIN = [sys.executable, "-m", "kei_assembler", "--all", "--no-cache"]


@pytest.mark.skipif(shutil.which("taskset") is None, reason="taskset is not installed")
def test_a_large_kit_is_built_the_same_on_one_core_and_on_all(many: Path) -> None:
    first = subprocess.run(PLAIN, cwd=many, capture_output=True, text=True, check=True)
    built = _files(many)
    for path in (many / "agents").glob("*.md"):
        path.unlink()
    again = subprocess.run(["taskset", "-c", "0", *PLAIN], cwd=many, capture_output=True, text=True, check=True)
    assert (first.stdout, first.stderr, built) == (again.stdout, again.stderr, _files(many))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may have as many processes as it likes")
def test_a_machine_that_allows_no_second_process(many: Path) -> None:
    def allow_one() -> None:
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

    done = subprocess.run(PLAIN, cwd=many, capture_output=True, preexec_fn=allow_one, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
