"""What the tests share: a kit in a temporary folder, and whole runs of the command on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from compiled import compile_once
from kei_assembler import cli
from nursery import Nursery

REPOSITORY = Path(__file__).resolve().parent.parent

settings.register_profile("quick", max_examples=30, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile("quick")

compile_once()


def examples(count: int, suppress: Collection[HealthCheck] = ()) -> settings:
    """As many examples as a test deserves: in percent of what the profile gives to each.

    With `--hypothesis-profile=thorough`, as `make slow` runs them all again, they are ten times as many.
    """
    return settings(max_examples=count * settings().max_examples // 100, suppress_health_check=suppress)


@pytest.fixture(autouse=True, scope="session")
def _environment_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes what the runs of whoever started it left in the user's cache folder.

    And no process that a test starts has to compile the modules that the one before has compiled already.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


_NUMBERS = count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one test. With pytest's own comes a link to each, which takes longer than some of the tests."""
    folder = tmp_path_factory.getbasetemp() / f"{request.function.__name__[:30]}{next(_NUMBERS)}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with closing(Nursery()) as nursery:
        yield nursery


class Run(NamedTuple):
    """The outcome of one run of the command."""

    status: int
    stdout: str
    stderr: str


class Workbench:
    """A folder to put files in and to run the command from."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def below(self, folder: str) -> Workbench:
        """One that writes to this folder and runs from it."""
        return Workbench(self.folder / folder, self._capsys, self._monkeypatch)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode()

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Every file's content and modification time, to tell whether a run touched anything."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def run(self, *args: str, cwd: str = ".") -> Run:
        self._monkeypatch.chdir(self.folder / cwd)
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            cli.main(list(args))
        out, err = self._capsys.readouterr()
        return Run(int(exit_.value.code or 0), out, err)


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Workbench:
    (tmp_path / ".git").mkdir()
    return Workbench(tmp_path, capsys, monkeypatch)
