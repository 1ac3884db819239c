"""Text around sections stays, whatever happens: many builds, killed builds, builds at the same time, and merges."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from conftest import Workbench
from forkserver import COMMAND, ForkServer
from kei_assembler.markdown.stamped_sections import layout, text_outside, written
from repositories import git

MANIFEST = 'name = "{0}"\nrole = "{1}"\n'
PLACE = "<!-- assemble: b -->"
TEXTS = {
    "LF": "# Rules\n\n```\n<!-- assemble: begin a -->\n```\n\n{}\nMine.\n",
    "CRLF and a BOM": "\ufeff# Rules\r\n\r\n{}\r\nMine.\r\n",
    "no final newline": "# Rules\n{}\nMine.",
    "mixed line ends": "One.\r\nTwo.\n{}\nThree.\rFour.\r",
}


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _sections(content: bytes) -> dict[str, str]:
    """The sections of a file, all of which must be whole, with their texts."""
    file = layout(content)
    assert not file.faults
    assert all(section.intact for section in file.sections.values())
    return {name: section.text.decode().strip("\n") for name, section in file.sections.items()}


def _outside(content: bytes) -> bytes:
    return text_outside(layout(content))


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_hundred_builds_change_nothing_around_sections(bench: Workbench, text: str) -> None:
    chance = random.Random(text)
    before, after = text.encode().split(b"{}")
    bench.write({"assemble.toml": "", "agents/x.toml": 'name = "x"\ndescription = "Does x."\n'})
    bench.write({"AGENTS.md": before + PLACE.encode() + after, "CLAUDE.md": after})
    present: dict[str, str] = {}
    for number in range(100):
        for name in chance.sample("abc", chance.randint(1, 3)):
            path = bench.folder / f"instructions/{name}.toml"
            if name in present and chance.random() < 0.3:
                path.unlink()
                del present[name]
            else:
                present[name] = chance.choice(["Be kind.", f"Round {number}.", "é", "```\nx\n```"])
                bench.write({f"instructions/{name}.toml": MANIFEST.format(name, present[name].replace("\n", "\\n"))})
        assert bench.run("--all", "--prune").status == 0
        content = (bench.folder / "AGENTS.md").read_bytes()
        assert _sections(content) == present
        has_place = PLACE.encode() in content
        handwritten = before + PLACE.encode() + after if has_place else before + after.removeprefix(_line_end(after))
        assert _outside(content) in (handwritten, handwritten + _line_end(after), handwritten + b"\r\n")
        assert _outside((bench.folder / "CLAUDE.md").read_bytes()).startswith(after)
        assert bench.run("--all", "--check").status == 0
    for name in present:
        (bench.folder / f"instructions/{name}.toml").unlink()
    assert bench.run("--all", "--prune").status == 0
    assert (bench.folder / "AGENTS.md").read_bytes() == handwritten
    assert (bench.folder / "CLAUDE.md").read_bytes() == after


def _line_end(text: bytes) -> bytes:
    return b"\r\n" if text.startswith(b"\r\n") else b"\n"


KILLED = """
import os
import signal
from kei_assembler.files.folder import Folder
left = [{calls}]
def dying(name):
    call = getattr(Folder, name)
    def counted(*args):
        left[0] -= 1
        if {is_before} and left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*args)
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(Folder, name, counted)
for name in ("create", "link", "replace", "exchange", "delete"):
    dying(name)
"""
FOLDERS = ("one", "two", "three")


def _many(role: str) -> dict[str, str]:
    """The manifests of a kit with a section in each of several folders."""
    return {"assemble.toml": ""} | {
        f"instructions/{name}.toml": MANIFEST.format(name, role) + f'folder = "{name}"\n' for name in FOLDERS
    }


def _contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name / "AGENTS.md").read_bytes() for name in FOLDERS}


@pytest.fixture
def killable(tmp_path: Path, forkserver: ForkServer) -> tuple[Path, dict[str, bytes], dict[str, bytes]]:
    """A kit with sections to update, and the files as they are and as they will be."""
    (tmp_path / ".git").mkdir()
    _write(tmp_path, {f"{name}/AGENTS.md": f"Mine in {name}.\r\n" for name in FOLDERS})
    contents = []
    for role in ("New.", "Old."):
        _write(tmp_path, _many(role))
        assert forkserver.run(tmp_path, ["--all"]).returncode == 0
        contents.append(_contents(tmp_path))
    _write(tmp_path, _many("New."))
    return tmp_path, contents[1], contents[0]


def _check_whole(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> None:
    for name, content in _contents(folder).items():
        assert content in (old[name], new[name])


def _restore(folder: Path, old: dict[str, bytes]) -> None:
    _write(folder, {f"{name}/AGENTS.md": content for name, content in old.items()})


@pytest.mark.slow
@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
def test_a_build_that_is_killed_at_each_step_leaves_whole_files(
    killable: tuple[Path, dict[str, bytes], dict[str, bytes]], forkserver: ForkServer, is_before: bool
) -> None:
    folder, old, new = killable
    kills = 0
    while True:
        code = KILLED.format(calls=kills, is_before=is_before) + COMMAND
        status = forkserver.run(folder, ["--all", "--no-cache"], code=code).returncode
        if status == 0:
            break
        kills += 1
        assert status == -signal.SIGKILL
        _check_whole(folder, old, new)
        assert forkserver.run(folder, ["--all"]).returncode == 0
        assert _contents(folder) == new
        assert not list(folder.rglob(".assemble-*"))
        _restore(folder, old)
    assert kills >= 3 * len(FOLDERS)


@pytest.mark.slow
def test_a_build_that_is_killed_at_any_moment_leaves_whole_files(
    killable: tuple[Path, dict[str, bytes], dict[str, bytes]],
) -> None:
    folder, old, new = killable
    chance, duration = random.Random(1), 0.5
    killed = 0
    for _ in range(40):
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "kei_assembler", "--all", "--no-cache"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(duration / 2, duration))
        process.kill()
        if process.wait() == 0:
            duration = min(duration, time.monotonic() - started)
            assert _contents(folder) == new
        killed += process.returncode != 0
        _check_whole(folder, old, new)
        _restore(folder, old)
    assert killed


@pytest.fixture
def two_servers() -> Iterator[tuple[ForkServer, ForkServer]]:
    with closing(ForkServer()) as one, closing(ForkServer()) as other:
        yield one, other


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "# Rules\n\nMine.\n", "# Rules\r\n<!-- assemble: b -->\r\nMine.\r\n"])
def test_two_builds_at_once_lose_nothing(tmp_path: Path, two_servers: tuple[ForkServer, ForkServer], text: str) -> None:
    (tmp_path / ".git").mkdir()
    _write(tmp_path, {"assemble.toml": ""})
    agents, statuses = tmp_path / "AGENTS.md", list[int]()
    for number in range(40):
        roles = dict.fromkeys("ab", f"Round {number}.")
        _write(tmp_path, {f"instructions/{name}.toml": MANIFEST.format(name, role) for name, role in roles.items()})
        if number % 3 == 0:
            agents.unlink(missing_ok=True)
            _write(tmp_path, {"AGENTS.md": text} if text else {})
        old = _sections(agents.read_bytes()) if agents.exists() else {}
        runs = _at_once(tmp_path, two_servers)
        content = agents.read_bytes()
        has_place = "b" not in _sections(content)
        assert _outside(content) == (text if has_place else text.replace(f"{PLACE}\r\n", "")).encode()
        for name, run in zip("ab", runs, strict=True):
            assert _sections(content).get(name) == (old.get(name) if run.returncode else roles[name])
        statuses += [run.returncode for run in runs]
        assert two_servers[0].run(tmp_path, ["--all"]).returncode == 0
        assert _sections(agents.read_bytes()) == roles
    assert set(statuses) <= {0, 1}


def _at_once(folder: Path, servers: tuple[ForkServer, ForkServer]) -> list[subprocess.CompletedProcess[bytes]]:
    """Build the manifests `a` and `b` at the same time."""
    with ThreadPoolExecutor(2) as pool:
        return [*pool.map(lambda server, name: server.run(folder, [f"instructions/{name}.toml"]), servers, "ab")]


def _git(bench: Workbench, *args: str) -> tuple[int, str]:
    """Run git, and return its status and output, since a merge can fail."""
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    run = subprocess.run(["git", *names, *args], cwd=bench.folder, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


@pytest.fixture(params=["lf", "crlf"])
def merging(bench: Workbench, request: pytest.FixtureRequest) -> Workbench:
    """A kit with two sections of three blocks each in a committed file, on the branch `main`."""
    shutil.rmtree(bench.folder / ".git")
    git(bench.folder, "init", "--quiet", "--initial-branch=main")
    blocks = {f"_blocks/{name}.md": f"# {name.upper()}\n\nDo {name}.\n" for name in ("one", "two", "three", "four")}
    bench.write(blocks | {"assemble.toml": "", ".gitattributes": f"*.md text eol={request.param}\n"})
    bench.write({"AGENTS.md": "# Rules\n\n<!-- assemble: b -->\n\nMine.\n"})
    for name, some in (("a", '["one", "two", "three"]'), ("b", '["one", "four"]')):
        bench.write({f"instructions/{name}.toml": MANIFEST.format(name, "Be kind.") + f"blocks = {some}\n"})
    _build_and_commit(bench)
    for file in ("AGENTS.md", *blocks):
        (bench.folder / file).unlink()
    git(bench.folder, "checkout", "--", ".")
    return bench


def _build_and_commit(bench: Workbench) -> None:
    assert bench.run("--all").status == 0
    git(bench.folder, "add", "--all")
    git(bench.folder, "commit", "--quiet", "--message=built")


def _edited(bench: Workbench, file: str, old: str, new: str) -> None:
    text = (bench.folder / file).read_bytes()
    assert text.count(old.encode()) == 1
    bench.write({file: text.replace(old.encode(), new.encode())})


def _diverge(bench: Workbench, ours: dict[str, tuple[str, str]], theirs: dict[str, tuple[str, str]]) -> None:
    """Edit files on `main` and on the branch `other`, and build and commit on both."""
    git(bench.folder, "checkout", "--quiet", "-b", "other")
    for branch, edits in (("other", theirs), ("main", ours)):
        git(bench.folder, "checkout", "--quiet", branch)
        for file, (old, new) in edits.items():
            _edited(bench, file, old, new)
        _build_and_commit(bench)


def test_a_merge_of_changes_to_different_sections_is_up_to_date(merging: Workbench) -> None:
    _diverge(
        merging,
        {"instructions/a.toml": ("Be kind.", "Be quick."), "AGENTS.md": ("Mine.", "Mine!")},
        {"_blocks/four.md": ("Do four.", "Do 4."), "AGENTS.md": ("# Rules", "# Our rules")},
    )
    assert _git(merging, "merge", "other")[0] == 0
    before = merging.files()
    assert merging.run("--all", "--check").status == 0
    assert merging.run("--all").stdout == ""
    assert merging.files() == before
    assert _outside((merging.folder / "AGENTS.md").read_bytes()).split() == b"# Our rules Mine!".split()


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_a_build_repairs_a_merge_of_different_blocks(merging: Workbench, style: str) -> None:
    _diverge(
        merging,
        {"_blocks/one.md": ("Do one.", "Do 1."), "AGENTS.md": ("# Rules", "# Our rules")},
        {"_blocks/three.md": ("Do three.", "Do 3."), "_blocks/four.md": ("Do four.", "Do 4.")},
    )
    status, output = _git(merging, "-c", f"merge.conflictStyle={style}", "merge", "other")
    assert (status, re.findall("CONFLICT.* in (.*)", output)) == (1, ["AGENTS.md"])
    assert (merging.folder / "AGENTS.md").read_bytes().count(b"<<<<<<< ") == 2
    run = merging.run("--all")
    assert (run.status, run.stdout) == (0, "updated AGENTS.md (section a)\nupdated AGENTS.md (section b)\n")
    content = (merging.folder / "AGENTS.md").read_bytes()
    assert b"<<<<<<<" not in content
    assert _outside(content).split() == b"# Our rules Mine.".split()
    assert all(text in content for text in (b"Do 1.", b"Do two.", b"Do 3.", b"Do 4."))
    assert content.count(b"\r\n") in (0, content.count(b"\n"))
    git(merging.folder, "add", "AGENTS.md")
    git(merging.folder, "commit", "--quiet", "--no-edit")
    assert merging.run("--all", "--check", "--staged").status == 0


def test_a_merge_of_different_edits_of_a_block_is_left_to_people(merging: Workbench) -> None:
    _diverge(
        merging,
        {"_blocks/two.md": ("Do two.", "Do 2.")},
        {"_blocks/two.md": ("Do two.", "Do II.")},
    )
    assert _git(merging, "merge", "other")[0] == 1
    before = merging.files()
    run = merging.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert "_blocks/two.md:3:1: error[T405] the file has an unfinished merge" in run.stderr
    assert merging.files() == before
    git(merging.folder, "checkout", "--ours", "_blocks/two.md")
    run = merging.run("--all")
    assert (run.status, "error[O604] the section `a` has an unfinished merge" in run.stderr) == (1, True)
    git(merging.folder, "checkout", "--ours", "AGENTS.md")
    assert merging.run("--all", "--check").status == 0


def test_a_conflict_with_handwritten_text_is_left_to_people(merging: Workbench) -> None:
    _diverge(
        merging,
        {"_blocks/two.md": ("Do two.", "Do 2."), "AGENTS.md": ("Mine.", "Mine!")},
        {"_blocks/three.md": ("Do three.", "Do 3.")},
    )
    assert _git(merging, "merge", "other")[0] == 1
    before = merging.files()
    run = merging.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert "error[O641] the section `a` is here for the second time, and the file has an unfinished merge" in run.stderr
    assert merging.files() == before


def test_a_merge_of_two_new_sections_keeps_both(merging: Workbench) -> None:
    git(merging.folder, "checkout", "--quiet", "-b", "other")
    for branch, name in (("other", "c"), ("main", "d")):
        git(merging.folder, "checkout", "--quiet", branch)
        merging.write({f"instructions/{name}.toml": MANIFEST.format(name, f"Be {name}.")})
        _build_and_commit(merging)
    assert _git(merging, "merge", "other")[0] == 1
    assert merging.run("--all").status == 0
    text = (merging.folder / "AGENTS.md").read_bytes()
    resolved = b"".join(
        line for line in text.splitlines(keepends=True) if line[:7] not in (b"<" * 7, b"=" * 7, b">" * 7)
    )
    merging.write({"AGENTS.md": resolved})
    assert merging.run("--all", "--check").status == 0
    assert _sections(resolved).keys() == {"a", "b", "c", "d"}


LINES = [
    *(
        "",
        "Mine.",
        "- item",
        "    code",
        "```",
        "~~~",
        "<!--",
        "-->",
        "<pre>",
        "</pre>",
        "\ufeff",
        "@AGENTS.md",
        "One.\rTwo.",
    ),
    *("<<<<<<< HEAD", "||||||| base", "=======", ">>>>>>> other"),
    *(f"<!-- assemble: {words} -->" for words in ("a", "b", "begin a", "end a", "begin b", "end b", "AGENTS.md")),
    *("<!-- assemble: begin a", " <!-- assemble: end a -->", "<!-- assemble: begin AGENTS.md -->"),
]


def _section_of(name: str, role: str) -> str:
    source = f"instructions/{name}.toml"
    return written(name, source, source, role).decode().removesuffix("\n")


@pytest.mark.slow
def test_any_mixture_of_lines_is_repaired_or_reported(bench: Workbench) -> None:
    chance = random.Random(5)
    bench.write({"assemble.toml": "", "sub/x.md": ""})
    bench.write({f"instructions/{name}.toml": MANIFEST.format(name, f"Be {name}.") for name in "ab"})
    whole = [_section_of(name, role) for name in "abc" for role in ("Be a.", "Be b.", "Be old.")]
    begins = [section.split("\n")[0] for section in whole]
    statuses = []
    for _ in range(150):
        for file in ("AGENTS.md", "CLAUDE.md"):
            some = chance.choices([*LINES, *whole, *whole, *begins], k=chance.randint(0, 7))
            text = chance.choice(["\n", "\r\n"]).join("\n".join(some).split("\n")) + chance.choice(["", "\n"])
            bench.write({file: text.replace("Be b.", chance.choice(["Be b.", "Edit."]))})
        statuses.append(
            _check_build(bench, chance.choice([("--all",), ("--all", "--prune"), ("instructions/a.toml",)]))
        )
    assert {0, 1} == set(statuses)


def _check_build(bench: Workbench, args: tuple[str, ...]) -> int:
    before = bench.files()
    run = bench.run(*args)
    after = bench.files()
    if "nothing was written" in run.stderr:
        assert after == before
    for file in ("AGENTS.md", "CLAUDE.md"):
        old, new = (files[file][0] if file in files else b"" for files in (before, after))
        assert _handwritten(new) == _handwritten(old), (old, new)
        assert new == old or not layout(new).faults
    check = bench.run("--check", *(arg for arg in args if arg != "--prune"))
    assert check.status == run.status, (before, run, check)
    assert bench.files() == after
    return run.status


def _handwritten(content: bytes) -> list[bytes]:
    """The lines around sections, without the places that sections can take, and without line ends that they add."""
    places = re.compile(rb"^<!-- assemble: (a|b|AGENTS\.md) -->\r?$", re.MULTILINE)
    return places.sub(b"", _outside(content).replace(BOM_UTF8, b"")).split()
