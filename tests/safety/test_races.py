"""Somebody changes the kit while it is built: nothing outside is written, and nothing of others is overwritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from conftest import leave_temporary_file

ASSEMBLE = [sys.executable, "-m", "kei_assembler"]
AGENTS = 200


def _kit(folder: Path, agents: int = AGENTS) -> Path:
    kit = folder / "kit"
    (kit / "agents").mkdir(parents=True)
    (kit / "out").mkdir()
    (kit / "assemble.toml").write_text('[target.claude-code]\noutput = "out/{name}.md"\n')
    for number in range(agents):
        (kit / f"agents/a{number}.toml").write_text(f'name = "a{number}"\ndescription = "Agent {number}."\n')
    (folder / "outside").mkdir()
    return kit


def _run(program: str, kit: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *args]
    return subprocess.run(command, cwd=kit, capture_output=True, text=True, check=False, timeout=60)


AFTER_FIRST_FILE = """
import os
from kei_assembler.__main__ import command
link, done = os.link, []
def link_and_change(*args, **options):
    link(*args, **options)
    done.append(args)
    if len(done) == 1:
        {change}
os.link = link_and_change
command()
"""
SWAP = "os.rename('out', 'moved'); os.symlink('../outside', 'out')"


@pytest.mark.slow
@pytest.mark.parametrize("swap", [SWAP, SWAP.replace("../outside", ".git"), SWAP.replace("../outside", "out")])
def test_a_folder_swapped_for_a_link_redirects_nothing(tmp_path: Path, swap: str) -> None:
    kit = _kit(tmp_path)
    (kit / ".git").mkdir()
    run = _run(AFTER_FIRST_FILE.format(change=swap), kit, "--all")
    assert (run.returncode, run.stdout) == (2, "")
    assert "cannot be written: somebody has replaced one of its folders with a link" in run.stderr
    assert list((tmp_path / "outside").iterdir()) + list((kit / ".git").iterdir()) == []
    assert len(list((kit / "moved").iterdir())) == 1


@pytest.mark.slow
def test_a_folder_above_the_root_swapped_for_a_link_redirects_nothing(tmp_path: Path) -> None:
    kit = _kit(tmp_path / "above")
    (tmp_path / "other/kit/out").mkdir(parents=True)
    change = "os.rename('../../above', '../../moved'); os.symlink('other', '../../above')"
    run = _run(AFTER_FIRST_FILE.format(change=change), kit, "--all")
    assert (run.returncode, run.stdout) == (2, "")
    assert "cannot be written: somebody has replaced the root, or a folder above it" in run.stderr
    assert list((tmp_path / "other").rglob("*")) == [tmp_path / "other/kit", tmp_path / "other/kit/out"]
    assert len(list((tmp_path / "moved/kit/out").iterdir())) == 1


@contextmanager
def _swapping(folder: Path, other: str) -> Iterator[None]:
    """Swap a folder for a link and back, as fast as possible."""
    moved, ended = folder.with_name("moved"), threading.Event()

    def swap() -> None:
        while not ended.is_set():
            with suppress(OSError):
                folder.rename(moved)
                folder.symlink_to(other)
            with suppress(OSError):
                folder.unlink()
                moved.rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("args", [["--all"], ["--all", "--check", "--diff"], ["--all", "--prune", "--force"]], ids=str)
@pytest.mark.parametrize("swapped", ["out", "agents"])
def test_a_folder_swapped_all_the_time_redirects_nothing(tmp_path: Path, swapped: str, args: list[str]) -> None:
    kit = _kit(tmp_path, 100)
    secret = 'name = "a1"\ndescription = "s3cr3t"\n'
    (tmp_path / "outside/a1.toml").write_text(secret)
    (tmp_path / "outside/a1.md").write_text("s3cr3t")
    before = {path: path.read_bytes() for path in (tmp_path / "outside").iterdir()}
    with _swapping(kit / swapped, "../outside"):
        for _ in range(6):
            command = [*ASSEMBLE, *args]
            run = subprocess.run(command, cwd=kit, capture_output=True, text=True, check=False, timeout=60)
            assert "Traceback" not in run.stderr
            assert run.returncode in (0, 1, 2)
            assert "s3cr3t" not in run.stdout + run.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "outside").iterdir()} == before


@pytest.mark.slow
def test_a_file_that_appears_during_the_run_is_kept(tmp_path: Path) -> None:
    """Somebody creates the outputs in the order in which the run writes them, so that both often meet."""
    kept = 0
    for number in range(6):
        kit = _kit(tmp_path / str(number), AGENTS)
        names = sorted(path.stem for path in (kit / "agents").iterdir())
        process = subprocess.Popen([*ASSEMBLE, "--all", "--no-cache"], cwd=kit, stdout=subprocess.PIPE)
        mine = set()
        while process.poll() is None:
            written = {path.stem for path in (kit / "out").glob("a*.md")}
            if not written:
                continue
            for name in [name for name in names if name not in written][:3]:
                with suppress(FileExistsError), (kit / f"out/{name}.md").open("x") as file:
                    file.write("Mine.")
                    mine.add(name)
        process.communicate()
        assert {name for name in mine if (kit / f"out/{name}.md").read_text() == "Mine."} == mine
        kept += len(mine)
    assert kept


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="there are no namespaces without `unshare`")
def test_runs_in_two_process_namespaces_keep_each_others_files(tmp_path: Path) -> None:
    kit = _kit(tmp_path, 20)
    namespace = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system does not let its users create namespaces")
    program = AFTER_FIRST_FILE.format(change="print('now', flush=True); input()")
    first = subprocess.Popen(
        [*namespace, sys.executable, "-c", program, "--all"], cwd=kit, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout
    assert first.stdout.readline() == b"now\n"
    in_use = [path.name for path in (kit / "out").iterdir() if path.suffix == ".tmp"]
    assert len(in_use) == 1
    stale = leave_temporary_file(kit / "out")
    second = subprocess.run([*namespace, *ASSEMBLE, "--all"], cwd=kit, capture_output=True, check=False)
    assert second.returncode == 0
    assert [path.name for path in (kit / "out").iterdir() if path.suffix == ".tmp"] == in_use
    assert not stale.exists()
    first.communicate(b"\n")
    assert first.returncode == 0
    assert [path.name for path in (kit / "out").iterdir() if path.suffix == ".tmp"] == []
    assert len(os.listdir(kit / "out")) == 20
