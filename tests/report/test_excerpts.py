"""Excerpts: each diagnostic shows its source line with the right part underlined."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from conftest import REPOSITORY, Workbench

HEAD = 'name = "a"\ndescription = "A."\n'


def _report(bench: Workbench, manifest: str | bytes) -> str:
    bench.write({"agents/a.toml": manifest})
    run = bench.run("agents/a.toml")
    assert run.status == 1
    return run.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('blocks = ["nope"]', ['    3 | blocks = ["nope"]', "      |            ^^^^"]),
        ("blocks = ['nope']", ["    3 | blocks = ['nope']", "      |            ^^^^"]),
        ('\tblocks\t=\t["nope"]', ['    3 |     blocks    =    ["nope"]', "      |                      ^^^^"]),
        ('blocks = ["日本", "x"] # 日', ['    3 | blocks = ["日本", "x"] # 日', "      |            ^^^^"]),
        ('blocks = ["e\u0301e\u0301"]', ['    3 | blocks = ["e\u0301e\u0301"]', "      |            ^^"]),
        ('"blocks" = [42]', ['    3 | "blocks" = [42]', "      |             ^^"]),
    ],
)
def test_underline_matches_the_line(line: str, expected: list[str], bench: Workbench) -> None:
    lines = _report(bench, f"{HEAD}{line}\n").splitlines()
    assert lines[1] == expected[0]
    assert lines[2].startswith(expected[1])
    assert not lines[2].removeprefix(expected[1]).startswith("^")


def test_long_line_is_cut_around_the_error(bench: Workbench) -> None:
    bench.write({f"_blocks/b{number}.md": "x" for number in range(60)})
    before, after = (", ".join(f'"b{number}"' for number in part) for part in (range(30), range(30, 60)))
    _, excerpt, underline, *_ = _report(bench, f'{HEAD}blocks = [{before}, "nope", {after}]\n').splitlines()
    assert len(excerpt) < 120
    assert excerpt.count("…") == 2
    start = underline.index("^")
    assert excerpt[start : start + 4] == "nope"


def test_multiline_value_is_underlined_on_its_first_line(bench: Workbench) -> None:
    report = _report(bench, f'{HEAD}blocks = ["""\nnope\n  """]\n')
    assert '    3 | blocks = ["""\n      |           ^^^' in report


def test_crlf_and_bom_do_not_move_a_location(bench: Workbench) -> None:
    plain = _report(bench, f'{HEAD}blocks = ["nope"]\n')
    windows = f'\ufeff{HEAD}blocks = ["nope"]\n'.replace("\n", "\r\n").encode()
    assert _report(bench, windows) == plain


@pytest.mark.parametrize(
    ("content", "position", "message"),
    [
        (b'name = "a"\ndescription = "\xff"\n', "2:16", "[S002] byte 0xff is not UTF-8"),
        (b'name = "a"\ndescription = "x\0"\n', "2:17", "[S002] the file contains a NUL byte"),
        ('name = "a"'.encode("utf-16"), "1:1", "[S002] the file is UTF-16, not UTF-8"),
        ('name = "a"'.encode("utf-16-le"), "1:2", "[S002] the file contains a NUL byte"),
        (b"", "1:1", "[K112] the manifest is empty"),
        (b"# only a comment\n", "1:1", "[K112] the manifest is empty"),
        (b'name = "a"\nrole = """\nx\n', "2:8", "[S007] the string that begins here is not closed"),
        (b'name = "a"\nname = "b"\n', "2:1", "[S005] `name` is defined twice"),
        (b'name = "a"\n[references]\n[references]\n', "3:2", "[S005] `references` is defined twice"),
        (b"x" * (1024 * 1024 + 1), "1:1", "[S004] the file is larger than 1,048,576 bytes"),
        (b"a = " + b"[" * 10_000, "1:85", "[S006] the value is nested more than 64 levels deep"),
    ],
)
def test_invalid_toml_is_located_and_explained(content: bytes, position: str, message: str, bench: Workbench) -> None:
    report = _report(bench, content)
    assert report.startswith(f"agents/a.toml:{position}: error{message}")
    assert report.endswith("1 error; nothing was written\n")


def test_duplicate_key_points_to_the_first_one(bench: Workbench) -> None:
    assert "agents/a.toml:1:1: note: defined here first\n" in _report(bench, 'name = "a"\n\nname = "b"\n')


def test_syntax_error_does_not_hide_diagnostics_in_other_files(bench: Workbench) -> None:
    bench.write({"agents/a.toml": "name = \n", "agents/b.toml": 'name = "c"\n', "agents/c.toml/x": ""})
    report = bench.run("--all").stderr
    for head in ("agents/a.toml:1:8: error[S003]", "agents/b.toml:1:1: error[K107]", "agents/c.toml:1:1: error[S001]"):
        assert f"{head} " in report


def test_broken_and_escaping_symlinks_are_reported(bench: Workbench) -> None:
    kit = bench.folder / "kit"
    bench.write({"outside.toml": HEAD, "kit/_blocks/x.md": "x", "kit/agents/in.toml": HEAD.replace('"a"', '"in"')})
    (kit / "agents" / "loop.toml").symlink_to("loop.toml")
    (kit / "agents" / "out.toml").symlink_to(bench.folder / "outside.toml")
    (kit / "agents" / "gone.toml").symlink_to("nowhere.toml")
    lines = bench.run("--all", cwd="kit").stderr.splitlines()
    assert [line for line in lines if "error[S001]" in line] == [
        "agents/gone.toml:1:1: error[S001] the file cannot be read: No such file or directory",
        "agents/loop.toml:1:1: error[S001] the file cannot be read: Too many levels of symbolic links",
        "agents/out.toml:1:1: error[S001] the file cannot be read: its real path is outside the kit's root",
    ]


def test_fifo_among_the_manifests_does_not_block_the_run(bench: Workbench) -> None:
    (bench.folder / "agents").mkdir()
    os.mkfifo(bench.folder / "agents" / "pipe.toml")
    assert (
        "agents/pipe.toml:1:1: error[S001] the file cannot be read: it is not a regular file"
        in bench.run("--all").stderr
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_unreadable_file_is_reported(bench: Workbench) -> None:
    bench.write({"agents/a.toml": HEAD})
    (bench.folder / "agents" / "a.toml").chmod(0)
    assert "error[S001] the file cannot be read: Permission denied" in bench.run("--all").stderr


HEAVY = ("tree_sitter", "tree_sitter_toml", "difflib", "kei_assembler.toml.positions", "kei_assembler.rules.catalog")


@pytest.mark.parametrize("args", [["--all", "--check"], ["agents/kei-critic.toml"]])
def test_valid_kit_does_not_import_heavy_modules(args: list[str]) -> None:
    program = f"""
import sys
from kei_assembler.cli import app
try:
    app.main({args!r})
except SystemExit as exit:
    assert not exit.code, exit.code
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert run.stderr.splitlines()[-1] == "[]"
