"""The clients that are installed on this machine, and their versions compared with the verified ones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from kei_assembler.files.programs import Answer, Program, Programs
from kei_assembler.targets import TARGETS
from kei_assembler.targets.facts import Verified

SAME, NEWER, OLDER = "verified", "newer", "older"
"""How an installed version compares with the verified one."""

UNKNOWN, NOT_RUN, MISSING = "unknown", "not run", "not installed"
"""Why there is no comparison: the versions cannot be compared, the program was not run, or it is not installed."""

# Semantic Versioning 2.0.0, with two to five numbers; what follows a `+` does not matter
_VERSION = re.compile(
    r"(?<![\w.])v?([0-9]{1,18}(?:\.[0-9]{1,18}){1,4}(?![0-9]))(-[0-9A-Za-z][0-9A-Za-z.-]{0,60})?", re.ASCII
)
_STYLE = re.compile("\x1b\\[[0-9;]*m")


class Installed(NamedTuple):
    """A program of a target: where it is installed, its version, and how that compares with the verified one.

    `state` is one of the constants of this module. `path` is empty if the program is not installed, and `version` if it
    is not known. Then `problem` may say why, and completes the sentence "the program …".
    """

    target: str
    program: str
    verified: Verified
    state: str = MISSING
    path: str = ""
    version: str = ""
    problem: str = ""

    @property
    def command(self) -> str:
        """The command that prints the version, by the name of the program."""
        arguments = self.verified.executable.arguments if self.verified.executable else ()
        return " ".join((os.path.basename(self.path), *arguments))

    @property
    def is_comparable(self) -> bool:
        """Whether the program is the one that was verified."""
        return self.program == self.verified.program


def installed_clients(projects: Iterable[str], runs_them: bool = True) -> list[Installed]:
    """Return the programs of all targets, in the order of the targets, whether they are installed or not.

    Those on PATH are asked for their version, unless `runs_them` is False or they lie in one of these projects, which
    are resolved folders.
    """
    programs = Programs(projects)
    known = [(row.name, one, one.executable) for row in TARGETS.values() for one in row.verified if one.executable]
    found = [programs.find(executable.names) for *_, executable in known]
    commands = [
        (program.path, *executable.arguments)
        for (*_, executable), program in zip(known, found, strict=True)
        if program and runs_them and not program.is_in_project
    ]
    answers = dict(zip(commands, programs.ask(commands), strict=True))
    return [
        _described(
            Installed(target, executable.program or one.program, one),
            program,
            answers.get((program.path, *executable.arguments)) if program else None,
        )
        for (target, one, executable), program in zip(known, found, strict=True)
    ]


def _described(one: Installed, program: Program | None, answer: Answer | None) -> Installed:
    """Return what is known of a program that may have been found, and may have answered."""
    if program is None:
        return one
    one = one._replace(path=program.path)
    if answer is None:
        why = "lies in this project, so it is not run" if program.is_in_project else ""
        return one._replace(state=NOT_RUN, problem=why)
    version = "" if answer.problem else version_in(answer.output)
    if not version:
        return one._replace(state=UNKNOWN, problem=answer.problem or "printed no version")
    return one._replace(
        version=version, state=compared(version, one.verified.version) if one.is_comparable else UNKNOWN
    )


def version_in(output: str) -> str:
    """Return the first version in the output of a program, such as `2.1.332` in `2.1.332 (Claude Code)`, or ""."""
    match = _VERSION.search(_STYLE.sub("", output))
    return "".join(filter(None, match.groups())).rstrip(".-") if match else ""


def compared(version: str, verified: str) -> str:
    """Return whether a version is newer or older than another, the same, or `UNKNOWN` if that is not clear.

    The order is that of Semantic Versioning, but two different pre-releases of one version are not compared.
    """
    (numbers, suffix), (others, other_suffix) = _parts(version), _parts(verified)
    if not numbers or not others or (numbers == others and suffix and other_suffix and suffix != other_suffix):
        return UNKNOWN
    if (one := (numbers, not suffix)) == (other := (others, not other_suffix)):
        return SAME
    return NEWER if one > other else OLDER


def _parts(version: str) -> tuple[tuple[int, ...], str]:
    """The numbers of a version, without zeros at the end, and its suffix."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (), ""
    numbers = [int(number) for number in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return (*numbers, 0), match[2] or ""
