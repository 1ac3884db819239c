"""Every mistake in `mistakes/NAME.toml` gets the report in `NAME.txt`. UPDATE_CASES=1 writes the reports.

What no file can show well, such as a lone CR, is in a table here.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import rtoml
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from conftest import REPOSITORY, Workbench
from kei_assembler.report.text_report import diagnostics
from kei_assembler.rules.sources import check_source
from kei_assembler.toml.source import read_toml
from kei_assembler.toml.syntax import first_problem

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.toml"))
VALID = sorted(path for path in REPOSITORY.rglob("*.toml") if {"mistakes", ".venv"}.isdisjoint(path.parts))
PARTS = ['"', "'", '"""', "a", "=", "[", "]", "{", "}", ",", "\\", " ", "\n", "#", "1", ".", "é"]


def _report(raw: bytes) -> str:
    return diagnostics(check_source(read_toml("a.toml", raw)))


def test_there_are_mistakes() -> None:
    assert len(MISTAKES) >= 60


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_a_mistake_is_explained_where_it_began(path: Path) -> None:
    report = _report(path.read_bytes())
    if os.environ.get("UPDATE_CASES") == "1":
        path.with_suffix(".txt").write_text(report)
    assert report == path.with_suffix(".txt").read_text()
    assert _report(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")) == report


@pytest.mark.slow
@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
@pytest.mark.parametrize("file", ["assemble.toml", "pyproject.toml"])
def test_settings_get_the_same_report(path: Path, file: str, bench: Workbench) -> None:
    # the line about `assemble` makes the project's file one that may have settings
    text = path.read_text() if file == "assemble.toml" else path.read_text() + "# assemble\n"
    bench.write({file: text, "agents/x.toml": 'name = "x"\n'})
    head = path.with_suffix(".txt").read_text().split("\n")[0].removeprefix("a.toml")
    assert f"{file}{head}\n" in bench.run("--all").stderr


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ('name\xa0= "x"', "1:5: error[S003] U+00A0 NO-BREAK SPACE is not a space in TOML"),
        ("name =", "1:7: error[S003] the key has no value"),
        ("a = [{b =", "1:10: error[S003] the key has no value"),
        ('name =\xa0"x"', "1:7: error[S003] U+00A0 NO-BREAK SPACE is not a space in TOML"),
        ('a = ["x"\xa0]', "1:9: error[S003]"),
        ('\u200bname = "x"', "1:1: error[S003] U+200B ZERO WIDTH SPACE is not a space in TOML"),
        ('na\u200bme = "x"', "1:3: error[S003] U+200B ZERO WIDTH SPACE is not a space in TOML"),
        ('name = "x"\rdescription = "y"', "1:11: error[S003] U+000D CARRIAGE RETURN is not a space in TOML"),
        ('name = "a\x01b"', "1:10: error[S003] a string contains U+0001 START OF HEADING"),
        ('a = "' + "x" * 200 + "\\d", "1:5: error[S007] the string that begins here is not closed"),
        ("a = x" + "y" * 300, "1:5: error[S003] the value is not in quotes"),
        ('a = "\\\x1b[31m"', "1:7: error[S003] a string contains U+001B ESCAPE"),
    ],
)
def test_odd_characters_are_named(text: str, report: str) -> None:
    assert f"a.toml:{report}" in _report(text.encode())
    assert "\x1b" not in _report(text.encode())


@pytest.mark.parametrize("path", VALID, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_valid_file_has_no_problem(path: Path) -> None:
    source = read_toml("a.toml", path.read_bytes())
    assert source.error or first_problem(source.text) is None


@pytest.mark.parametrize(
    "text",
    [
        'a = {\n  b = 1, # one\n  c = "x",\n}\n',
        'a = "\\e\\x41"\n',
        "a = [\n  [1, 2],\n  [3],\n]\n[b]\n",
        "a = [\n  ['x'],\n  [true],\n]\n",
        'a = """\\\n   x"""\n',
        'a = """x""""\nb = """"x"""""\n',
        "a = '''x'''''\n",
        '"a b".c = 1\n[x . "y z"]\n',
        "a = 1979-05-27 07:32:00Z\nb = 07:32\nc = 1979-05-27T07:32:00.5+01:00\n",
        "a = +1_000\nb = 0xff\nc = -inf\nd = 6.02e-23\ne = nan\n",
        'a = [ # x\n  "]", # ]\n]\n',
        'a = "# x" # "\n',
        "[[a]]\n[[a.b]]\n[a.c] # x\n",
        "1 = 1\n- = 2\n",
    ],
)
def test_valid_syntax_has_no_problem(text: str) -> None:
    rtoml.loads(text)
    assert first_problem(text) is None


TEXTS = st.text(st.sampled_from("ab\"'\\#[]{}=,. \n\t“"), max_size=20)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5), st.booleans())
def test_generated_toml_has_no_problem(data: dict[str, object], multiline: bool) -> None:
    assert first_problem(tomli_w.dumps(data, multiline_strings=multiline)) is None


@given(st.lists(st.sampled_from(PARTS)))
def test_whatever_the_text_there_is_one_finding(parts: list[str]) -> None:
    source = read_toml("a.toml", "".join(parts).encode())
    assert len(check_source(source)) == (source.error is not None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        *(("", "a=["), ("", '"'), ("a = [1,\n", "1,\n"), ("a = {", "b=1,\n"), ("", "a\n"), ("", "a b "), ("", "[")),
        *(
            ("a = '", "x'\n"),
            ('a = "', "\\d"),
            ('"""', '"\\'),
            ("a = ", "[[1],\n"),
            ("a = {b=1\n", "c={\n"),
            ("", ". "),
        ),
    ],
)
def test_a_long_text_is_read_once(start: str, repeated: str) -> None:
    first_problem(start + repeated * 99_999)
