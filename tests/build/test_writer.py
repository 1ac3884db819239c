"""Writing under adverse conditions: at any moment each file is whole, old or new, and a rerun finishes the work."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Workbench
from forkserver import ForkServer
from kei_assembler import Kit
from kei_assembler.build.changes import FileStatus
from kei_assembler.files.folder import Folder

ASSEMBLE = [sys.executable, "-m", "kei_assembler"]


def _kit(folder: Path, agents: int, text: str) -> None:
    (folder / "_blocks").mkdir(parents=True)
    (folder / "agents").mkdir()
    (folder / "_blocks" / "rule.md").write_text(f"# RULE\n\n{text}\n")
    for number in range(agents):
        manifest = f'name = "a{number}"\ndescription = "Agent {number}."\nblocks = ["rule"]\n'
        (folder / "agents" / f"a{number}.toml").write_text(manifest)


def _assemble(folder: Path, *args: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*ASSEMBLE, "--all", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def _outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "agents").glob("[!.]*.md")}


def _leftovers(folder: Path) -> list[str]:
    return [path.name for path in (folder / "agents").iterdir() if path.name.startswith(".")]


class Versions:
    """A kit whose outputs have two known versions: the files are the old one, the sources make the new one."""

    def __init__(self, forkserver: ForkServer, folder: Path, agents: int, text: str = "old") -> None:
        self.folder = folder
        self._forkserver = forkserver
        _kit(folder, agents, text)
        self._assert_done()
        self.old = _outputs(folder)
        self.block = folder / "_blocks" / "rule.md"
        self.block.write_text("# RULE\n\nnew\n")

    def restore(self) -> None:
        for name, content in self.old.items():
            (self.folder / "agents" / name).write_bytes(content)

    def assert_each_file_is_whole(self) -> int:
        """Check that every output exists and is either old or new, and return how many are new."""
        now = _outputs(self.folder)
        assert now.keys() == self.old.keys()
        changed = [content for name, content in now.items() if content != self.old[name]]
        assert all(content.endswith(b"# RULE\n\nnew\n") and content.startswith(b"---\nname: a") for content in changed)
        return len(changed)

    def assert_a_rerun_completes(self) -> None:
        self._assert_done()
        assert self.assert_each_file_is_whole() == len(self.old)
        assert _leftovers(self.folder) == []
        self._assert_done("--check")

    def _assert_done(self, *args: str) -> None:
        assert self._forkserver.run(self.folder, ["--all", *args]).returncode == 0


STATUSES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: -9}
RESTING = """
import time
from kei_assembler.__main__ import command
from kei_assembler.files.folder import Folder
exchange, done = Folder.exchange, []
def exchange_or_rest(folder, name, other):
    if len(done) == 3:
        print("now", flush=True)
        for _ in range(1000):  # a single long sleep could start right after the signal and outlast it
            time.sleep(0.02)
    exchange(folder, name, other)
    done.append(name)
Folder.exchange = exchange_or_rest
command()
"""


def _written_until(number: signal.Signals, process: subprocess.Popen[bytes], versions: Versions) -> int:
    """End the process with a signal, and return how many files it had written."""
    process.send_signal(number)
    _, err = process.communicate()
    assert (process.returncode, b"Traceback" in err) == (STATUSES[number], False)
    assert number is signal.SIGKILL or _leftovers(versions.folder) == []
    return versions.assert_each_file_is_whole()


@pytest.mark.parametrize("number", STATUSES)
def test_a_signal_before_a_file_is_in_its_place(tmp_path: Path, forkserver: ForkServer, number: signal.Signals) -> None:
    versions = Versions(forkserver, tmp_path, 8)
    command = [sys.executable, "-c", RESTING, "--all"]
    process = subprocess.Popen(command, cwd=versions.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"now\n"
    assert _written_until(number, process, versions) == 3
    versions.assert_a_rerun_completes()


@pytest.mark.slow
@pytest.mark.parametrize("number", STATUSES)
def test_a_signal_in_the_middle_of_writing(tmp_path: Path, forkserver: ForkServer, number: signal.Signals) -> None:
    versions = Versions(forkserver, tmp_path, 400)
    command = [*ASSEMBLE, "--all"]
    process = subprocess.Popen(command, cwd=versions.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while versions.assert_each_file_is_whole() == 0:
        time.sleep(0.001)
    assert _written_until(number, process, versions) < 400
    versions.assert_a_rerun_completes()


@pytest.mark.slow
def test_a_hundred_kills_of_a_large_rebuild(tmp_path: Path, forkserver: ForkServer) -> None:
    versions = Versions(forkserver, tmp_path, 5000)
    span, chooser = _time_of_a_run(versions), random.Random(7)
    for _ in range(100):
        process = subprocess.Popen([*ASSEMBLE, "--all"], cwd=tmp_path, stdout=subprocess.DEVNULL)
        time.sleep(chooser.uniform(0.05, span))
        process.kill()
        process.wait()
        if versions.assert_each_file_is_whole() == len(versions.old):
            versions.restore()
    versions.assert_a_rerun_completes()


def _time_of_a_run(versions: Versions) -> float:
    start = time.monotonic()
    assert _assemble(versions.folder).returncode == 0
    span = time.monotonic() - start
    versions.restore()
    return span


@pytest.mark.slow
def test_two_runs_at_once(tmp_path: Path, forkserver: ForkServer) -> None:
    versions = Versions(forkserver, tmp_path, 300)
    processes = [
        subprocess.Popen([*ASSEMBLE, "--all"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in processes:
        _, err = process.communicate()
        assert (process.returncode, err.count(b"\n"), err.count(b"note[O627]")) == (0, 3, 1), err
    versions.assert_a_rerun_completes()


def test_a_limit_on_the_size_of_files(tmp_path: Path, forkserver: ForkServer) -> None:
    versions = Versions(forkserver, tmp_path, 3)
    versions.block.write_text("# RULE\n\n" + "x" * 50_000 + "\n")
    limit = (10_000, resource.RLIM_INFINITY)
    run = _assemble(tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert run.returncode == 2
    assert run.stderr.startswith("error: agents/a0.md cannot be written: File too large\n  help: free some space")
    assert _outputs(tmp_path) == versions.old


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk: Path, forkserver: ForkServer) -> None:
    versions = Versions(forkserver, small_disk, 40)
    versions.block.write_text("# RULE\n\n" + "new\n" * 12_000)
    run = _assemble(small_disk)
    assert run.returncode == 2
    assert "cannot be written: No space left on device" in run.stderr
    assert "Traceback" not in run.stderr
    assert _leftovers(small_disk) == []
    now = _outputs(small_disk)
    assert now.keys() == versions.old.keys()
    assert all(content == versions.old[name] or content.endswith(b"new\n") for name, content in now.items())
    versions.block.write_text("# RULE\n\nnew\n")
    versions.assert_a_rerun_completes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write to every folder")
def test_a_read_only_folder(tmp_path: Path, forkserver: ForkServer) -> None:
    versions = Versions(forkserver, tmp_path, 2)
    (tmp_path / "agents").chmod(0o555)
    run = _assemble(tmp_path)
    (tmp_path / "agents").chmod(0o755)
    assert (run.returncode, "cannot be written: Permission denied" in run.stderr) == (2, True)
    assert _outputs(tmp_path) == versions.old


def test_a_folder_that_cannot_be_created(bench: Workbench) -> None:
    bench.write(
        {
            "agents/a.toml": 'name = "a"\ndescription = "A."\n',
            "assemble.toml": '[target.claude-code]\noutput = "out/{name}.md"\n',
            "out": "a file where a folder should be",
        }
    )
    run = bench.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert "agents/a.toml:1:1: error[O606] the output `out/a.md` cannot be read: Not a directory" in run.stderr


def _meddle(monkeypatch: pytest.MonkeyPatch, meddle: Callable[[], object]) -> None:
    """Meddle with the outputs once the run has opened a temporary file: after its plan, before it renames the file."""
    open_file = os.open

    def opened(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = open_file(path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_CREAT and dir_fd is not None and Path(f"/proc/self/fd/{dir_fd}").resolve().name == "agents":
            meddle()
        return descriptor

    monkeypatch.setattr(os, "open", opened)


@pytest.mark.parametrize("now", [b"changed meanwhile\n", None])
def test_a_file_that_changed_since_the_plan_is_kept(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, now: bytes | None
) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    bench.run("--all")
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "B."\n'})
    output = bench.folder / "agents" / "a.md"
    _meddle(monkeypatch, lambda: output.unlink() if now is None else output.write_bytes(now))
    run = bench.run("--all")
    assert (run.status, run.stdout.splitlines()[0]) == (1, "edited agents/a.md")
    assert (output.read_bytes() if output.exists() else None) == now
    assert _leftovers(bench.folder) == []


def test_a_file_that_another_run_wrote_first_counts_as_written(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    bench.run("--all")
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "B."\n'})
    content = bench.run("--stdout", "agents/a.toml").stdout.encode()
    output = bench.folder / "agents" / "a.md"
    _meddle(monkeypatch, lambda: output.write_bytes(content))
    now = output.stat().st_ino
    run = bench.run("--all")
    assert (run.status, run.stdout.splitlines()[0]) == (0, "updated agents/a.md")
    assert (output.read_bytes(), output.stat().st_ino) == (content, now)
    assert _leftovers(bench.folder) == []


def test_a_file_that_an_editor_replaces_last_is_kept(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    bench.run("--all")
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "B."\n'})
    exchange = Folder.exchange
    done: list[str] = []

    def save_and_exchange(folder: Folder, name: str, other: str) -> None:
        if not done:
            bench.write({"agents/.a.md.swp": "Mine."})
            (bench.folder / "agents/.a.md.swp").rename(bench.folder / "agents/a.md")
        done.append(name)
        exchange(folder, name, other)

    monkeypatch.setattr(Folder, "exchange", save_and_exchange)
    run = bench.run("--all")
    assert (run.status, run.stdout.splitlines()[0]) == (1, "edited agents/a.md")
    assert (bench.read("agents/a.md"), len(done), _leftovers(bench.folder)) == ("Mine.", 2, [])


KILLED_AFTER_SWAP = """
import os
from kei_assembler.__main__ import command
from kei_assembler.files.folder import Folder
exchange = Folder.exchange
def exchange_and_die(folder, name, other):
    exchange(folder, name, other)
    os._exit(9)
Folder.exchange = exchange_and_die
command()
"""


def test_a_run_killed_after_a_swap_leaves_nothing_for_long(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    bench.run("--all")
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "B."\n'})
    command = [sys.executable, "-c", KILLED_AFTER_SWAP, "--all"]
    assert subprocess.run(command, cwd=bench.folder, check=False).returncode == 9
    assert "B." in bench.read("agents/a.md")
    (left,) = _leftovers(bench.folder)
    assert "A." in bench.read(f"agents/{left}")
    assert bench.run("--all").status == 0
    assert _leftovers(bench.folder) == []


def test_a_file_is_replaced_where_files_cannot_be_swapped(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    monkeypatch.setattr(Folder, "exchange", fail)
    monkeypatch.setattr(Folder, "link", fail)
    assert bench.run("--all").stdout.startswith("created agents/a.md\n")
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "B."\n'})
    assert bench.run("--all").stdout.startswith("updated agents/a.md\n")
    assert "B." in bench.read("agents/a.md")
    assert _leftovers(bench.folder) == []


def test_a_failing_rename_leaves_nothing_behind(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    monkeypatch.setattr(os, "replace", fail)
    run = bench.run("--all")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("error: agents/a.md cannot be written: Input/output error\n")
    assert sorted(path.name for path in (bench.folder / "agents").iterdir()) == ["a.toml"]


def test_a_folder_that_appeared_since_the_plan_is_kept(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    _meddle(monkeypatch, (bench.folder / "agents" / "a.md").mkdir)
    run = bench.run("--all")
    assert (run.status, run.stdout.splitlines()[0]) == (1, "edited agents/a.md")
    assert _leftovers(bench.folder) == []


def test_an_edited_file_that_changes_again_is_not_reported_as_overwritten(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    bench.run("--all")
    bench.write({"agents/a.md": bench.read("agents/a.md") + "mine\n"})
    output = bench.folder / "agents" / "a.md"
    _meddle(monkeypatch, lambda: output.write_text("mine again\n"))
    run = bench.run("--all", "--force")
    assert (run.status, run.stdout.splitlines()[0]) == (1, "edited agents/a.md")
    assert output.read_text() == "mine again\n"


@pytest.fixture
def orphan(bench: Workbench) -> Path:
    """An output whose manifest was deleted, in a kit with another agent."""
    bench.write({f"agents/{name}.toml": f'name = "{name}"\ndescription = "Does {name}."\n' for name in "ab"})
    assert bench.run("--all").status == 0
    (bench.folder / "agents" / "a.toml").unlink()
    return bench.folder / "agents" / "a.md"


def test_an_orphan_that_another_run_deleted_first_counts_as_deleted(orphan: Path) -> None:
    kit = Kit.load(orphan.parent)
    (change,) = (change for change in kit.plan().changes if change.status is FileStatus.ORPHAN)
    orphan.unlink()
    assert [done.status for done in kit.apply([change], prune=True)] == [FileStatus.ORPHAN]


def test_an_orphan_that_changed_since_the_plan_is_not_deleted(orphan: Path) -> None:
    kit = Kit.load(orphan.parent)
    (change,) = (change for change in kit.plan().changes if change.status is FileStatus.ORPHAN)
    orphan.write_bytes(b"mine now\n")
    assert [done.status for done in kit.apply([change], prune=True)] == [FileStatus.EDITED]
    assert orphan.read_bytes() == b"mine now\n"
