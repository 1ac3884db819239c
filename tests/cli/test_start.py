"""The modules that a run loads. Loading them takes most of the time of a short run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import REPOSITORY

ADVICE = (
    "this run loads more than it needs. Import it where it is used, inside the function, or behind `TYPE_CHECKING` "
    "when only annotations name it; if the run does need it now, see what it costs with `python benchmarks/run.py`, "
    "and add it here"
)
CACHED_MODULES = frozenset(
    {"__main__", "paths", "files", "cli", "cli.console", "lazy_re", "records"}
    | {f"files.{name}" for name in ("atomic", "folder", "recorder", "run_cache", "signatures")}
)
OTHER_MODULES = frozenset(
    "cli.explain cli.import_ cli.init cli.new cli.schema cli.targets cli.watch files.git_index importing "
    "build.diff build.schema_files build.staged_files render.renderer render.jinja_templates render.limits "
    "render.sandbox rules.catalog scaffold scaffold.new_manifest kit.json_schema toml.writer toml.positions watch "
    "markdown.lenient_yaml repair toml.rewriting cli.recursive files.overlay kit.client_json kit.owners "
    "model.value_patterns report.headings rules.client_settings".split()
)
BUILD_MODULES = frozenset({"build.schema_files", "render.renderer"})
STANDARD = frozenset(
    "asyncio concurrent csv ctypes dataclasses difflib email heapq html http inspect logging multiprocessing "
    "optparse pdb pickle pprint random shlex socket ssl statistics string subprocess tempfile tomllib typing "
    "unittest urllib.request xml zipfile".split()
)
"""Modules of the standard library that are large or import many others."""


class Start(NamedTuple):
    """A run, the packages and modules that it may load, and the modules that it must not."""

    args: tuple[str, ...]
    packages: frozenset[str] = frozenset()
    modules: frozenset[str] | None = None
    never: frozenset[str] = frozenset()


AGENT = "agents/critic.toml"
REPLAY = Start(("--all",), modules=CACHED_MODULES)
STARTS = {
    "version": Start(("--version",), modules=CACHED_MODULES),
    "help": Start(("--help",), frozenset({"click", "rtoml"}), never=OTHER_MODULES),
    "one manifest": Start((AGENT,), frozenset({"click", "rtoml"}), never=OTHER_MODULES - BUILD_MODULES),
}
RUN = """
import atexit, sys
atexit.register(lambda: print("loaded:", *sys.modules))
from kei_assembler.__main__ import main
main()
"""


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    (tmp_path / "kit" / "agents").mkdir(parents=True)
    (tmp_path / "kit" / AGENT).write_text('name = "critic"\ndescription = "Reviews code."\nrole = "You review."\n')
    return tmp_path / "kit"


def _loaded(code: str, *args: str, kit: Path = REPOSITORY) -> frozenset[str]:
    """The modules that are loaded at the end of a process with this code. Its cache folder is beside the kit."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    run = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=kit,
        env=environment | {"XDG_CACHE_HOME": str(kit.parent / "cache")},
        check=True,
        capture_output=True,
        text=True,
    )
    return frozenset(run.stdout.rpartition("loaded:")[2].split())


@cache
def _brought_by(packages: Iterable[str]) -> frozenset[str]:
    """The modules that the interpreter loads at its start in this environment, and those that these packages import."""
    imports = "".join(f"import {package}\n" for package in sorted(packages))
    return _loaded(f"{imports}import sys\nprint('loaded:', *sys.modules)")


def _check(start: Start, loaded: frozenset[str]) -> None:
    own = {name.removeprefix("kei_assembler.") for name in loaded if name.startswith("kei_assembler.")}
    added = loaded - _brought_by(start.packages)
    packages = {name.partition(".")[0] for name in loaded - _brought_by(frozenset())} - {"kei_assembler"}
    assert packages - sys.stdlib_module_names - start.packages == set(), ADVICE
    assert added & STANDARD == set(), ADVICE
    assert own & start.never == set(), ADVICE
    assert start.modules is None or own <= start.modules, ADVICE


@pytest.mark.parametrize("name", STARTS)
def test_a_run_loads_only_what_it_needs(name: str, kit: Path) -> None:
    _check(STARTS[name], _loaded(RUN, *STARTS[name].args, kit=kit))


def test_a_finding_about_a_simple_key_loads_no_parser(kit: Path) -> None:
    with (kit / AGENT).open("a") as manifest:
        manifest.write('model = "opus"\ntargets = ["codex"]\n')
    loaded = _loaded(RUN, AGENT, kit=kit)
    assert "kei_assembler.toml.lone_statement" in loaded  # the model is left out, which is a finding
    _check(STARTS["one manifest"], loaded)


def test_a_cached_run_loads_almost_nothing(kit: Path) -> None:
    for pause in (0, 0.3, 3):  # what changed just before a run is not trusted; how long, depends on the file system
        time.sleep(pause)
        _loaded(RUN, "--all", kit=kit)
        if list((kit.parent / "cache").rglob("*.json")):
            break
    _check(REPLAY, _loaded(RUN, "--all", kit=kit))


def test_the_listed_modules_exist() -> None:
    modules = {
        module: REPOSITORY / "src/kei_assembler" / module.replace(".", "/") for module in CACHED_MODULES | OTHER_MODULES
    }
    assert {
        module for module, path in modules.items() if not (path.is_dir() or path.with_suffix(".py").is_file())
    } == set()
