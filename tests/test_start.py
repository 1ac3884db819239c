"""What a process loads before it is done: the greater part of what a short run costs."""

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
REPLAY_ROOMS = frozenset(
    "files files.recorder files.atomic files.run_cache files.signatures paths streams start".split()
)
UNASKED_ROOMS = frozenset(
    "commands.explain commands.import_ commands.init commands.new commands.schema commands.targets "
    "commands.watch files.git_index importing plan.difference plan.renewing plan.staging render render.budget "
    "render.sandbox rules.catalog scaffold scaffold.new_manifest schema source.handwriting source.places "
    "watching".split()
)
ROOMS_OF_BUILD = frozenset({"render.budget", "render", "render.sandbox"})
STANDARD = frozenset(
    "asyncio concurrent csv ctypes dataclasses difflib email html http inspect logging multiprocessing optparse pdb "
    "pickle pprint random socket ssl statistics string subprocess tempfile tomllib unittest urllib.request "
    "xml zipfile".split()
)
"""Of the standard library, what is large or brings much with it."""


class Start(NamedTuple):
    """A run, the packages and rooms that it may load, and the rooms that it may not."""

    args: tuple[str, ...]
    packages: frozenset[str] = frozenset()
    rooms: frozenset[str] | None = None
    never: frozenset[str] = frozenset()


AGENT = "agents/critic.toml"
REPLAY = Start(("--all",), rooms=REPLAY_ROOMS)
STARTS = {
    "version": Start(("--version",), frozenset({"click", "rtoml"}), never=UNASKED_ROOMS),
    "help": Start(("--help",), frozenset({"click", "rtoml"}), never=UNASKED_ROOMS),
    "one manifest": Start(
        (AGENT,), frozenset({"click", "rtoml", "jinja2", "markupsafe"}), never=UNASKED_ROOMS - ROOMS_OF_BUILD
    ),
}
RUN = """
import atexit, sys
atexit.register(lambda: print("loaded:", *sys.modules))
from kei_assembler.start import main
main()
"""


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    (tmp_path / "kit" / "agents").mkdir(parents=True)
    (tmp_path / "kit" / AGENT).write_text('name = "critic"\ndescription = "Reviews code."\nrole = "You review."\n')
    return tmp_path / "kit"


def _loaded(code: str, *args: str, kit: Path = REPOSITORY) -> frozenset[str]:
    """The modules that a process with this code has at its end; its cache folder is beside the kit."""
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
    """What an interpreter has from the start in this environment, and what these packages load by themselves."""
    imports = "".join(f"import {package}\n" for package in sorted(packages))
    return _loaded(f"{imports}import sys\nprint('loaded:', *sys.modules)")


def _check(start: Start, loaded: frozenset[str]) -> None:
    own = {name.removeprefix("kei_assembler.") for name in loaded if name.startswith("kei_assembler.")}
    added = loaded - _brought_by(start.packages)
    packages = {name.partition(".")[0] for name in loaded - _brought_by(frozenset())} - {"kei_assembler"}
    assert packages - sys.stdlib_module_names - start.packages == set(), ADVICE
    assert added & STANDARD == set(), ADVICE
    assert own & start.never == set(), ADVICE
    assert start.rooms is None or own <= start.rooms, ADVICE


@pytest.mark.parametrize("name", STARTS)
def test_a_run_loads_only_what_it_needs(name: str, kit: Path) -> None:
    _check(STARTS[name], _loaded(RUN, *STARTS[name].args, kit=kit))


def test_a_run_that_is_remembered_loads_next_to_nothing(kit: Path) -> None:
    for pause in (0, 0.3, 3):  # what changed just before a run is not trusted; how long, depends on the file system
        time.sleep(pause)
        _loaded(RUN, "--all", kit=kit)
        if list((kit.parent / "cache").rglob("*.json")):
            break
    _check(REPLAY, _loaded(RUN, "--all", kit=kit))


def test_the_rooms_that_are_named_here_exist() -> None:
    rooms = {room: REPOSITORY / "src/kei_assembler" / room.replace(".", "/") for room in REPLAY_ROOMS | UNASKED_ROOMS}
    assert {room for room, path in rooms.items() if not (path.is_dir() or path.with_suffix(".py").is_file())} == set()
