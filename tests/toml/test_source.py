"""How source files are read, and how invalid ones are reported."""

from __future__ import annotations

import pytest

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.rules.sources import check_source
from kei_assembler.toml.source import MAX_BYTES, read_text, read_toml


def _only(found: list[Diagnostic]) -> Diagnostic:
    assert len(found) == 1
    return found[0]


def _problem_in(raw: bytes) -> tuple[str, int, int, str]:
    problem = _only(check_source(read_toml("a.toml", raw)))
    return problem.code, problem.location.span.line, problem.location.span.column, problem.message


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbfa = '\xc3\xa9'\r\nb = 2\r\n", b"a = '\xc3\xa9'\nb = 2\n"])
def test_bom_and_crlf_are_ignored(raw: bytes) -> None:
    source = read_toml("a.toml", raw)
    assert (source.text, source.data, source.error) == ("a = 'é'\nb = 2\n", {"a": "é", "b": 2}, None)
    assert read_text("a.md", raw).text == source.text


@pytest.mark.parametrize(
    ("raw", "line", "column", "message"),
    [
        (b"\xe9", 1, 1, "byte 0xe9 is not UTF-8"),
        (b"a = 1\nb = '\xfc'\n", 2, 6, "byte 0xfc is not UTF-8"),
        ("é = '漢😀".encode() + b"\xff'", 1, 8, "byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbfa\r\n\r\n\xc3(", 3, 1, "byte 0xc3 is not UTF-8"),
        ("a = 1\né\ud800".encode(errors="surrogatepass"), 2, 2, "byte 0xed is not UTF-8"),
        (b"a = '\xc3", 1, 6, "byte 0xc3 is not UTF-8"),
        (b"a = 1\nb\0 = 2", 2, 2, "the file contains a NUL byte"),
        (b"\0\xff", 1, 1, "the file contains a NUL byte"),
        (b"\xff\0", 1, 1, "byte 0xff is not UTF-8"),
        ("a = 1\n".encode("utf-16"), 1, 1, "the file is UTF-16, not UTF-8"),
        (b"\xfe\xff" + "a = 1\n".encode("utf-16-be"), 1, 1, "the file is UTF-16, not UTF-8"),
        ("a = 1\n".encode("utf-16-le"), 1, 2, "the file contains a NUL byte"),
        ("a = 1\n".encode("utf-16-be"), 1, 1, "the file contains a NUL byte"),
    ],
)
def test_invalid_utf8_is_located(raw: bytes, line: int, column: int, message: str) -> None:
    assert _problem_in(raw) == ("S002", line, column, message)
    assert _only(check_source(read_text("a.md", raw))).code == "S002"


def test_size_limit_counts_bytes() -> None:
    assert read_text("a.md", b"x" * MAX_BYTES).error is None
    assert _problem_in(b"#" + b"x" * MAX_BYTES)[0] == "S004"
    assert _problem_in("é".encode() * (MAX_BYTES // 2) + b"x")[0] == "S004"


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("a = \n", 1, 5, "S003"),
        ("a = 1\nb = 'x\n", 2, 5, "S007"),
        ("a = 1 b = 2", 1, 7, "S003"),
        ("x = [1,\n\n2\ny = 1", 1, 5, "S009"),
        ("a = 1\né = 1", 2, 1, "S003"),
        ("a = '漢😀' x", 1, 10, "S003"),
        ('a = "\\ud800"', 1, 5, "S008"),
        ("a = 1\na.b = 2", 2, 1, "S005"),
        ("[a\n", 1, 1, "S009"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_invalid_toml_is_located(text: str, line: int, column: int, expected: str, end: str) -> None:
    code, *location, message = _problem_in(b"\xef\xbb\xbf" + text.replace("\n", end).encode())
    assert (code, *location) == (expected, line, column)
    assert message


@pytest.mark.parametrize("levels", [67, 80, 81, 100, 10_000])
@pytest.mark.parametrize("form", ["a = {}1{}", "{}.a = 1", "[{}.a]", "a = {{{} = 1}}"])
def test_deep_nesting_is_located(levels: int, form: str) -> None:
    is_array = form.count("{}") == 2
    filling = ("[" * levels, "]" * levels) if is_array else (".".join(["a"] * levels),)
    code, line, _, _ = _problem_in(f"b = 1\n{form.format(*filling)}\n".encode())
    assert (code, line) == ("S006", 2)


def test_sixty_four_levels_are_allowed() -> None:
    assert read_toml("a.toml", ("a = " + "[" * 64 + "]" * 64).encode()).error is None


@pytest.mark.parametrize(
    ("text", "name", "first", "again"),
    [
        ("a = 1\na = 2\n", "a", (1, 1), (2, 1)),
        ('"é" = 1\n  "\\u00e9" = 2\n', "é", (1, 1), (2, 3)),
        ("[a]\nx = 1\n[b]\n[a]\n", "a", (1, 2), (4, 2)),
        ("[a]\n[[a]]\n", "a", (1, 2), (2, 3)),
        ("a = 1\n[a]\n", "a", (1, 1), (2, 2)),
        ("a.b = 1\na.c = 1\na.b = 2\n", "b", (1, 3), (3, 3)),
        ("t = '漢😀'\na = {b = 1, b = 2}\n", "b", (2, 6), (2, 13)),
        ("[[h]]\nx = 1\n[[h]]\nx = 1\nx = 2\n", "x", (4, 1), (5, 1)),
        ("a = [{b = 1}, {b = 1, b = 2}]\n", "b", (1, 16), (1, 23)),
        ("[a.b]\n[a]\n[a]\n", "a", (2, 2), (3, 2)),
        ("[a.b]\n[a]\nx = 1\n[a.c]\n[a]\n", "a", (2, 2), (5, 2)),
    ],
)
def test_duplicate_key_is_reported_with_both_locations(
    text: str, name: str, first: tuple[int, int], again: tuple[int, int]
) -> None:
    problem = _only(check_source(read_toml("a.toml", text.encode())))
    assert (problem.code, problem.message) == ("S005", f"`{name}` is defined twice")
    assert problem.location.span[:2] == again
    assert [related.location.span[:2] for related in problem.related] == [first]


def test_missing_path_is_located_at_its_nearest_parent() -> None:
    source = read_toml("a.toml", b"a = 1\n\n[b]\nc = ['x']\n")
    assert source.locate(("b", "c", 7, "d")) == source.locate(("b", "c"))
    assert source.locate(("b", "x"))[:2] == (3, 2)
    assert source.locate(("x",)) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("text", "has_escapes"),
    [
        (r'a = "{\"{\\}\t\n"', False),
        ("a = '{\\x'", True),  # it may have
        (r'a = "\u007b{"', True),
        (r'a = "\U0000007b{"', True),
        (r'a = "\x7b{"', True),
        (r'a = "\e{"', True),
        ('a = """{\\\n  {"""', True),
        ('a = """\\\n{\n{"""', False),
        ('a = """Some text, \\\n{ and more."""', False),
        ('a = """{\\ \t\n\n{"""', True),
        ('a = """{\n{"""', False),
    ],
)
def test_escapes_that_hide_what_a_string_contains(text: str, has_escapes: bool) -> None:
    source = read_toml("a.toml", text.encode())
    assert source.has_escapes is has_escapes
    assert has_escapes or ("{{" in source.data["a"]) == ("{{" in text)
