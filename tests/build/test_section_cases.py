"""Sections in hostile and odd files: each case in `sections/NAME.txt` is a kit, some runs, and their complete results.

A case begins with a sentence. Then each line that starts with `=== ` begins a part:

- `=== PATH`: a file. In brackets, there can be `bom`, `crlf`, `no newline`, an encoding, and `times N`. In the text,
  `␍` stands for a CR, and `␀` for a NUL. Without a file in `instructions/`, the kit has one manifest, `house`.
- `=== link PATH -> PATH`, `=== hard link PATH -> PATH` and `=== folder PATH`
- `=== run ARGUMENTS`: a run of the command, with its status, its output and, after a line `---`, its errors

After a run come the files that it creates or changes, and `=== deleted PATH`. In a file with `appended`, the text
follows what was there before. A run must leave everything else untouched. Between two runs, `=== write PATH` and
`=== remove PATH` are what somebody else does. With UPDATE_CASES=1, the results are written instead of compared; the
difference is then for a person to judge.
"""

from __future__ import annotations

import os
import re
import shlex
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Run, Workbench

CASES = sorted((Path(__file__).parent / "sections").glob("*.txt"))
UPDATE = os.environ.get("UPDATE_CASES") == "1"
HOUSE = 'name = "house"\nrole = "Be kind."\n'

State = dict[str, tuple[bytes | str, int]]


class Part(NamedTuple):
    """A part of a case: the words of its first line, in brackets after them its properties, and its text."""

    kind: str
    name: str
    other: str
    properties: tuple[str, ...]
    text: str

    @property
    def printed(self) -> str:
        """The part as it is in the file of its case."""
        kind = "" if self.kind == "file" else f"{self.kind} "
        other = f" -> {self.other}" if self.other else ""
        properties = f" ({', '.join(self.properties)})" if self.properties else ""
        return f"=== {kind}{self.name}{other}{properties}\n{self.text}"


HEAD = re.compile(
    r"=== (?:(?P<kind>run|link|hard link|folder|deleted|write|remove) )?(?P<name>.*?)"
    r"(?: -> (?P<other>\S+))?(?: \((?P<rest>[^()]*)\))?"
)


def _parts(case: str) -> Iterator[Part]:
    for text in re.split(r"^(?==== )", case, flags=re.MULTILINE)[1:]:
        head, _, rest = text.partition("\n")
        match = HEAD.fullmatch(head)
        assert match, head
        assert text.endswith("\n"), head
        properties = tuple((match["rest"] or "").split(", ")) if match["rest"] else ()
        yield Part(match["kind"] or "file", match["name"], match["other"] or "", properties, rest)


def _encoded(part: Part) -> bytes:
    """The bytes of a file."""
    text, properties = part.text.replace("␀", "\0"), [*part.properties]
    if "no newline" in properties:
        text = text.removesuffix("\n")
    if "crlf" in properties:
        text = text.replace("\n", "\r\n")
    times = [int(one.removeprefix("times ")) for one in properties if one.startswith("times ")]
    known = {"no newline", "crlf", "bom", *(f"times {number}" for number in times)}
    encoding = next((one for one in properties if one not in known), "utf-8")
    content = text.replace("␍", "\r").encode(encoding) * (times or [1])[0]
    return BOM_UTF8 * ("bom" in properties) + content


def _described(path: str, content: bytes, before: bytes) -> Part:
    """A file as a part of a case."""
    properties = []
    if len(before) > 1000 and content.startswith(before):
        properties, content = ["appended"], content.removeprefix(before)
    if content.startswith(BOM_UTF8):
        properties, content = [*properties, "bom"], content.removeprefix(BOM_UTF8)
    if content.count(b"\n") == content.count(b"\r\n") > 0:
        properties, content = [*properties, "crlf"], content.replace(b"\r\n", b"\n")
    if content and not content.endswith(b"\n"):
        properties, content = [*properties, "no newline"], content + b"\n"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        properties, text = [*properties, "latin-1"], content.decode("latin-1")
    text = text.replace("\r", "␍").replace("\0", "␀")
    return Part("file", path, "", tuple(properties), text)


def _prepare(bench: Workbench, part: Part) -> None:
    path = bench.folder / part.name
    if part.kind in ("file", "write"):
        bench.write({part.name: _encoded(part)})
    elif part.kind == "remove":
        path.unlink()
    elif part.kind == "folder":
        path.mkdir(parents=True)
    elif part.kind == "hard link":
        path.hardlink_to(bench.folder / part.other)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(part.other)


def _state(bench: Workbench) -> State:
    """Every file's content, or where a link leads, and its modification time."""
    paths = [path for path in sorted(bench.folder.rglob("*")) if path.is_symlink() or path.is_file()]
    return {
        path.relative_to(bench.folder).as_posix(): (
            os.readlink(path) if path.is_symlink() else path.read_bytes(),
            path.lstat().st_mtime_ns,
        )
        for path in paths
    }


def _content(state: State, path: str) -> bytes:
    content = state[path][0] if path in state else b""
    assert isinstance(content, bytes), f"{path} is a link"
    return content


def _report(args: str, run: Run) -> str:
    errors = f"---\n{run.stderr}" if run.stderr else ""
    return f"=== run {args}\n{run.status}\n{run.stdout}{errors}"


def _results(before: State, after: State) -> Iterator[str]:
    """What a run did to the files, as parts of a case."""
    for path in sorted(after.keys() | before.keys()):
        if path not in after:
            yield f"=== deleted {path}\n"
        elif after[path] != before.get(path):
            yield _described(path, _content(after, path), _content(before, path)).printed


def _played(bench: Workbench, case: str) -> Iterator[str]:
    """Do what a case says, and yield it with the results of its runs."""
    yield case[: case.index("=== ")]
    has_run, is_kit = False, False
    for part in _parts(case):
        if part.kind == "run":
            if not is_kit:
                bench.write({"instructions/house.toml": HOUSE})
            bench.write({} if "assemble.toml" in _state(bench) else {"assemble.toml": ""})
            before, has_run, is_kit = _state(bench), True, True
            yield _report(part.name, bench.run(*shlex.split(part.name)))
            yield from _results(before, _state(bench))
        elif not has_run or part.kind in ("write", "remove"):
            is_kit = is_kit or part.name.startswith("instructions/")
            _prepare(bench, part)
            yield part.printed


def _marked(case: Path) -> object:
    """A case as a parameter. Those about large files are slow."""
    return pytest.param(case, id=case.stem, marks=[pytest.mark.slow] if case.stem.startswith("large") else [])


@pytest.mark.parametrize("case", [*map(_marked, CASES)])
def test_case(case: Path, bench: Workbench) -> None:
    text = case.read_bytes().decode()
    played = "".join(_played(bench, text))
    if UPDATE:
        case.write_bytes(played.encode())
    assert played == text
    _check_consistency(bench, played)


def _check_consistency(bench: Workbench, case: str) -> None:
    """After a build that exits with 0, a check exits with 0 too, and nothing is left to do."""
    before = _state(bench)
    runs = [part for part in _parts(case) if part.kind == "run"]
    args = [arg for arg in shlex.split(runs[-1].name) if arg not in ("--force", "--prune")]
    status = bench.run(*args, "--check").status
    assert (status == 0) == (int(runs[-1].text.split("\n")[0]) == 0)
    assert bench.run(*shlex.split(runs[-1].name)).status == status
    assert _state(bench) == before


def test_there_are_cases() -> None:
    assert len(CASES) >= 60


def test_the_properties_of_files_are_exact() -> None:
    for content in (b"", b"x", b"x\r\ny\r\n", b"x\r\ny\n", BOM_UTF8, BOM_UTF8 + b"x\r\n", b"\xe9\n", b"a\0\rb"):
        part = _described("AGENTS.md", content, b"")
        assert [*_parts(part.printed)] == [part]
        assert _encoded(part) == content
