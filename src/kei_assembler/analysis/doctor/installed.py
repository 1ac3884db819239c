"""The clients that are installed on this machine, and their versions compared with the verified ones."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kei_assembler import lazy_re
from kei_assembler.files.programs import Answer, Programs
from kei_assembler.records import NamedTuple
from kei_assembler.targets import TARGETS
from kei_assembler.targets.facts import Executable, Verified

SAME, NEWER, OLDER = "verified", "newer", "older"
"""How an installed version compares with the verified one."""

UNKNOWN, NOT_RUN, MISSING = "unknown", "not run", "not installed"
"""Why there is no comparison: the versions cannot be compared, the program was not run, or it is not installed."""

# Semantic Versioning 2.0.0, with two to five numbers; what follows a `+` does not matter
_NUMBERS, _SUFFIX = r"[0-9]{1,18}(?:\.[0-9]{1,18}){1,4}(?![0-9])", "-[0-9A-Za-z][0-9A-Za-z.-]{0,60}"
_VERSION = lazy_re.compile(rf"(?<![\w.])v?({_NUMBERS})({_SUFFIX})?", re.ASCII)
_STYLE = lazy_re.compile("\x1b\\[[0-9;]*m")


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
    def command(self) -> tuple[str, ...]:
        """The command that prints the version."""
        return self.path, *(self.verified.executable.arguments if self.verified.executable else ())

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
    verified = ((row.name, one) for row in TARGETS.values() for one in row.verified)
    found = [_found(target, one, one.executable, programs) for target, one in verified if one.executable]
    asked = [each for each in found if each.state == NOT_RUN and not each.problem and runs_them]
    answers = dict(zip(asked, programs.ask([each.command for each in asked]), strict=True))
    return [_answered(each, answers[each]) if each in answers else each for each in found]


def _found(target: str, verified: Verified, executable: Executable, programs: Programs) -> Installed:
    """Return what is known of a program before it is run."""
    found, one = programs.find(executable.names), Installed(target, executable.program or verified.program, verified)
    if found is None:
        return one
    problem = "lies in this project, so it is not run" if found.is_in_project else ""
    return one._replace(state=NOT_RUN, path=found.path, problem=problem)


def _answered(one: Installed, answer: Answer) -> Installed:
    """Return what is known of a program after it was run."""
    version = "" if answer.problem else version_in(answer.output)
    if not version:
        return one._replace(state=UNKNOWN, problem=answer.problem or "printed no version")
    state = compared(version, one.verified.version) if one.is_comparable else UNKNOWN
    return one._replace(version=version, state=state)


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
