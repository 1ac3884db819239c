"""A run on any kit ends within its memory limit and reports the problem.

The time limit is far above what a run takes: it ends a hang, and does not measure speed.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

AGENT = 'name = "{}"\ndescription = "A."\n'
MIB = 1024 * 1024
SECONDS, MEMORY = 120, 1024 * MIB
pytestmark = pytest.mark.slow


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _assemble(kit: Path, *args: str) -> tuple[int, str]:
    return _run(kit, "--all", *args)


def _run(kit: Path, *args: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "kei_assembler", *args, "--kit", str(kit)]
    run = subprocess.run(
        command, capture_output=True, timeout=SECONDS, preexec_fn=_limit_memory, check=False, cwd=kit, text=True
    )
    assert "Traceback" not in run.stderr
    assert len(run.stdout + run.stderr) < MIB
    return run.returncode, run.stdout + run.stderr


def _write(kit: Path, file: str, text: str | bytes) -> None:
    path = kit / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


MANIFESTS = {
    "half a million numbers": (AGENT.format("a") + f"tools = [{'1,' * 500_000}]\n", "K106"),
    "300,000 blank entries": (AGENT.format("a") + "blocks = [" + '"",' * 300_000 + "]\n", "K106"),
    "9,999 unknown blocks": (AGENT.format("a") + f"blocks = {[f'b{n}' for n in range(9_999)]}\n", "B201"),
    "9,999 unknown handoffs": (
        AGENT.format("a") + "".join(f'[[handoff]]\ntarget = "a{n}"\ntrigger = "x"\n' for n in range(9_999)),
        "H301",
    ),
    "50,000 unknown keys": (AGENT.format("a") + "".join(f"k{n} = 1\n" for n in range(50_000)), "K101"),
    "one key of 1 MB": (AGENT.format("a") + f"{'k' * 1_000_000} = 1\n", "K101"),
    "100,000 placeholders": (AGENT.format("a") + f"role = '{'{{A}} ' * 100_000}'\n", "T401"),
    "10,000 levels of arrays": (AGENT.format("a") + f"x = {'[' * 10_000}{']' * 10_000}\n", "S006"),
    "10,000 levels of tables": (AGENT.format("a") + f"x = {'{a=' * 10_000}1{'}' * 10_000}\n", "S006"),
    "10,000 levels of dotted keys": (AGENT.format("a") + f"{'a.' * 10_000}a = 1\n", "S006"),
    "10,000 levels in a header": (AGENT.format("a") + f"[{'a.' * 10_000}a]\n", "S006"),
    "300,000 open brackets": (AGENT.format("a") + f"x = {'[' * 300_000}\n", "S006"),
    "dotted keys, line after line": ("".join(f"a{n}{'.a' * 60} = 1\n" for n in range(8_000)), "K101"),
    "hidden characters all over": (AGENT.format("a") + f"role = '{('a' + chr(0x200B)) * 100_000}'\n", "T406"),
    "joined emoji without end": (AGENT.format("a") + "role = '" + "👩\u200d" * 100_000 + "'\n", "T406"),
    "selectors all over": (AGENT.format("a") + "role = '" + "漢\U000e0140" * 100_000 + "'\n", "T406"),
}


@pytest.mark.parametrize(("text", "code"), MANIFESTS.values(), ids=MANIFESTS.keys())
def test_extreme_manifest(text: str, code: str, tmp_path: Path) -> None:
    _write(tmp_path, "agents/a.toml", text)
    status, output = _assemble(tmp_path)
    assert (status, f"[{code}]" in output) == (1, True), output[:2000]


PATTERNS = {
    "runs of backticks": "`a ``b ",
    "quotes in quotes": "> ",
    "lists in lists": "- ",
    "numbers": "1. ",
    "stars": "* * * x",
    "tabs": "\t",
    "open tags": "<a b='",
    "tag with attributes": "<a b b b ",
    "brackets": "[",
    "comments": "<!-- ",
    "lines of markers": "<<<<<<< HEAD\n",
    "markers and dividers": "<<<<<<< HEAD\n=======\n",
    "blank items": "- a\n\n",
    "headings": "a\n=\n",
    "code and blanks": "    a\n\n",
    "blank lines": "\n",
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_extreme_block(pattern: str, tmp_path: Path) -> None:
    text = "{{A}} <<<<<<< \n\n" + pattern * ((MIB - 100) // len(pattern)) + " \nend\n"
    _write(tmp_path, "agents/a.toml", AGENT.format("a") + 'blocks = ["x"]\n')
    _write(tmp_path, "_blocks/x.md", text)
    status, output = _assemble(tmp_path)
    assert (status, "[T402]" in output or "[T404]" in output) == (1, True), output[:2000]


@pytest.mark.parametrize("pattern", [*PATTERNS.values(), "# FORBIDDEN\n\n- a\n"], ids=[*PATTERNS.keys(), "sections"])
def test_import_of_extreme_agent_file(pattern: str, tmp_path: Path) -> None:
    text = f"---\nname: a\ndescription: A.\n---\nstart\n{pattern * ((MIB - 100) // len(pattern))}\nend\n"
    _write(tmp_path, ".claude/agents/a.md", text)
    status, output = _run(tmp_path, "import", "--share", ".claude")
    assert (status in (0, 1), "created agents/a.toml" in output) == (True, True), output[:2000]


def test_manifest_of_100_mb(tmp_path: Path) -> None:
    _write(tmp_path, "agents/a.toml", "x" * 100_000_000)
    assert "[S004]" in _assemble(tmp_path)[1]


def test_block_of_one_line_of_50_mb(tmp_path: Path) -> None:
    _write(tmp_path, "agents/a.toml", AGENT.format("a") + 'blocks = ["x"]\n')
    _write(tmp_path, "_blocks/x.md", "x" * 50_000_000)
    assert "[S004]" in _assemble(tmp_path)[1]


@pytest.mark.parametrize("file", ["assemble.toml", "pyproject.toml", "templates/agent.md.j2"])
def test_other_sources_of_100_mb(file: str, tmp_path: Path) -> None:
    _write(tmp_path, "agents/a.toml", AGENT.format("a"))
    _write(tmp_path, file, "# assemble\n" * 10_000_000)
    status, output = _assemble(tmp_path)
    assert (status, "[S004]" in output) == (1 if file.startswith("templates") else 2, True)


@pytest.mark.parametrize("args", [(), ("--check",), ("--diff",), ("--force",), ("--check", "--output-format", "json")])
@pytest.mark.parametrize("line", ["x", "---\n"], ids=["one line", "lines"])
def test_unmanaged_file_of_200_mb(line: str, args: tuple[str, ...], tmp_path: Path) -> None:
    content = line * (200_000_000 // len(line))
    _write(tmp_path, "agents/a.toml", AGENT.format("a"))
    _write(tmp_path, "agents/a.md", content)
    _write(tmp_path, "agents/b.md", content)
    status, output = _assemble(tmp_path, *args)
    assert (status, "O606" in output) == (1, True)
    assert (tmp_path / "agents" / "a.md").stat().st_size == len(content)


@pytest.mark.parametrize("line", ["", "a|b", "{n}", "{even}"])
def test_diff_to_a_long_file(line: str, tmp_path: Path) -> None:
    _write(tmp_path, "agents/a.toml", AGENT.format("a"))
    lines = (line.format(n=number, even=number % 2 * number) for number in range(300_000))
    _write(tmp_path, "agents/a.md", "\n".join(lines)[:MIB])
    kit = [sys.executable, "-m", "kei_assembler", "--all", "--diff", "--kit", str(tmp_path)]
    run = subprocess.run(kit, capture_output=True, timeout=SECONDS, preexec_fn=_limit_memory, check=False)
    assert run.returncode == 0
    assert b"+name: a\n" in run.stdout


def _same_misspelt_block(kit: Path) -> None:
    for number in range(2_000):
        _write(kit, f"_blocks/rule-{number}.md", "X.\n")
    for number in range(5_000):
        _write(kit, f"agents/a{number}.toml", AGENT.format(f"a{number}") + 'blocks = ["rule-12345"]\n')


def _misspelt_handoffs(kit: Path) -> None:
    for number in range(3_000):
        handoff = f'[[handoff]]\ntarget = "agnt-{number}"\ntrigger = "x"\n'
        _write(kit, f"agents/agent-{number}.toml", AGENT.format(f"agent-{number}") + handoff)


def _same_names(kit: Path) -> None:
    for number in range(3_000):
        _write(kit, f"agents/d{number}/same.toml", AGENT.format("same"))


@pytest.mark.parametrize("fill", [_same_misspelt_block, _misspelt_handoffs, _same_names])
def test_thousands_of_errors(fill: Callable[[Path], None], tmp_path: Path) -> None:
    fill(tmp_path)
    command = [sys.executable, "-m", "kei_assembler", "--all", "--kit", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, timeout=SECONDS, preexec_fn=_limit_memory, check=False)
    assert run.returncode == 1
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("suffix", ["toml", "md", "txt"])
def test_hundred_thousand_files(suffix: str, tmp_path: Path) -> None:
    _write(tmp_path, "agents/a.toml", AGENT.format("a"))
    for number in range(100_000):
        (tmp_path / "agents" / f"f{number}.{suffix}").touch()
    command = [sys.executable, "-m", "kei_assembler", "--all", "--check", "--kit", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, timeout=SECONDS, preexec_fn=_limit_memory, check=False)
    assert run.returncode == 1
    assert b"Traceback" not in run.stderr


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(os.path.relpath(path))


REASONS = ("cannot be read", "is in the way", "is outside the kit's root", "leads outside the kit's folder")


@pytest.mark.parametrize("make", [_fifo, _device, _loop, _socket])
@pytest.mark.parametrize(
    "file", ["agents/b.toml", "agents/a.md", "_blocks/x.md", "templates/agent.md.j2", "assemble.toml", "pyproject.toml"]
)
def test_special_file(make: Callable[[Path], None], file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    _write(tmp_path, "agents/a.toml", AGENT.format("a") + ('blocks = ["x"]\n' if file.startswith("_") else ""))
    (tmp_path / file).parent.mkdir(exist_ok=True)
    make(tmp_path / file)
    status, output = _assemble(tmp_path)
    assert (status, any(reason in output for reason in REASONS)) == (
        2 if file in ("assemble.toml", "pyproject.toml") else 1,
        True,
    ), output
