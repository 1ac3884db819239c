"""Shared fixtures: a temporary folder with a kit, and runs of the command in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from forkserver import ForkServer
from kei_assembler import __version__
from kei_assembler.build import kit_plan
from kei_assembler.build.changes import Change
from kei_assembler.cli import app
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.files import distribution
from kei_assembler.kit import LoadedKit

if TYPE_CHECKING:
    from editors import Editor

REPOSITORY = Path(__file__).resolve().parent.parent

settings.register_profile("quick", max_examples=30, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile("quick")


def examples(count: int, suppress: Collection[HealthCheck] = ()) -> settings:
    """Return settings with this percentage of the profile's number of examples.

    `make slow` runs all tests with generated examples again, with `--hypothesis-profile=thorough`: ten times as many.
    """
    return settings(max_examples=count * settings().max_examples // 100, suppress_health_check=suppress)


@pytest.fixture(autouse=True, scope="session")
def _isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a temporary cache folder, and let child processes save compiled modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in ("PYTHONDONTWRITEBYTECODE", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        yield


_NUMBERS = count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for one test. It replaces pytest's fixture, whose symlink takes longer than some tests."""
    folder = tmp_path_factory.getbasetemp() / f"{request.function.__name__[:30]}{next(_NUMBERS)}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session")
def forkserver() -> Iterator[ForkServer]:
    with closing(ForkServer()) as forkserver:
        yield forkserver


def leave_temporary_file(folder: Path, content: str = "half") -> Path:
    """Leave a temporary file in a folder as a killed run does, and return its path."""
    path = folder / "new"
    path.write_text(content)
    return path.rename(folder / f".assemble-0123456789abcdef-{path.stat().st_ino}.tmp")


class Run(NamedTuple):
    """The exit status and the output of one run of the command."""

    status: int
    stdout: str
    stderr: str


class Workbench:
    """A folder to write files to and to run the command in."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def below(self, folder: str) -> Workbench:
        """Return a workbench for a folder inside this one."""
        return Workbench(self.folder / folder, self._capsys, self._monkeypatch)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode()

    def edit(self, name: str, *pairs: tuple[str, str]) -> None:
        """Replace texts of a file, which must have them, with others."""
        text = self.read(name)
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        self.write({name: text})

    def line_of(self, name: str, text: str) -> int:
        """Return the number, from 1, of the first line of a file with this text."""
        return self.read(name).split("\n").index(text) + 1

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Return every file's content and modification time, so that a test can see whether a run changed anything."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def run(self, *args: str, cwd: str = ".") -> Run:
        self._monkeypatch.chdir(self.folder / cwd)
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            app.main(list(args))
        out, err = self._capsys.readouterr()
        return Run(int(exit_.value.code or 0), out, err)


INSTALLED_FROM = "https://example.org/kei-assembler"
INSTALLED_COMMIT = "2d8c6f0a4b1e9d7c3f5a8b0e6d4c2a1f9e7b5d38"


def _installed_from_git() -> distribution.Distribution:
    direct_url = {"url": INSTALLED_FROM, "vcs_info": {"vcs": "git", "commit_id": INSTALLED_COMMIT}}
    return distribution.Distribution(__version__, "pip", json.dumps(direct_url), "/site", "/site/kei_assembler")


def _without_default_outputs(found: Callable[..., Iterable[Diagnostic]]) -> Callable[..., Iterable[Diagnostic]]:
    def of_custom_outputs(kit: LoadedKit, changes: Iterable[Change]) -> Iterable[Diagnostic]:
        return found(kit, [change for change in changes if kit.settings.of(change.target).get("output")])

    return of_custom_outputs


@pytest.fixture
def with_note_about_default_outputs() -> None:
    """Let the workbench's runs report that no client loads the default output of the default target."""


@pytest.fixture
def bench(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Workbench:
    """Return a workbench for an empty work tree.

    Its kits may leave out where the files go, so the note about that has tests of its own. The command behaves as if
    pip had installed it from a git repository.
    """
    monkeypatch.setattr(distribution, "installed", _installed_from_git)
    (tmp_path / ".git").mkdir()
    if "with_note_about_default_outputs" not in request.fixturenames:
        monkeypatch.setattr(kit_plan, "not_loaded", _without_default_outputs(kit_plan.not_loaded))
    return Workbench(tmp_path, capsys, monkeypatch)


@pytest.fixture
def ide(bench: Workbench) -> Iterator[Editor]:
    """Return an editor that has a small kit open: the workbench."""
    from editors import KIT, Editor  # pygls, which only these tests need

    bench.write(KIT)
    with Editor.started(bench.folder) as editor:
        yield editor
