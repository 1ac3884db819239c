"""The word at an offset of TOML text, in valid text and in what people have while they type."""

from __future__ import annotations

from pathlib import Path

import pytest
import rtoml
from hypothesis import given
from hypothesis import strategies as st

from conftest import REPOSITORY
from kei_assembler.toml.cursor import Kind, word_at
from kei_assembler.toml.positions import mentions
from kei_assembler.toml.source import Source


@pytest.mark.parametrize(
    ("marked", "kind", "path", "text"),
    [
        ("na|", Kind.KEY, (), "na"),
        ("|", Kind.KEY, (), ""),
        ('name = "x"\n|', Kind.KEY, (), ""),
        ('name = "x|"', Kind.VALUE, ("name",), "x"),
        ("name = |", Kind.VALUE, ("name",), ""),
        ('blocks = ["a", "ho|"]', Kind.VALUE, ("blocks", 1), "ho"),
        ('blocks = ["a", |', Kind.VALUE, ("blocks", 1), ""),
        ('blocks = ["a", "ho|\ntools = ["x"]', Kind.VALUE, ("blocks", 1), "ho"),
        ('blocks = [\n  "a",  # , c\n  "b|",\n]', Kind.VALUE, ("blocks", 1), "b"),
        ('blocks = ["a",\ntools = ["R|', Kind.VALUE, ("tools", 0), "R"),
        ('blocks = ["a",\n[target.codex]\nmo|', Kind.KEY, ("target", "codex"), "mo"),
        ('role = "un\nna|', Kind.KEY, (), "na"),
        ("[tar|", Kind.HEADER, (), "tar"),
        ("[[ha|]]", Kind.HEADER, (), "ha"),
        ("[target.co|dex]", Kind.HEADER, ("target",), "codex"),
        ("[[handoff]]\n[[handoff]]\ntarget = '|", Kind.VALUE, ("handoff", 1, "target"), ""),
        ("[[a]]\n[a.b]\nc|", Kind.KEY, ("a", 0, "b"), "c"),
        ('handoff = [{ target = "b|" }]', Kind.VALUE, ("handoff", 0, "target"), "b"),
        ("handoff = [{ x = 1 }, { tar|", Kind.KEY, ("handoff", 1), "tar"),
        ("values = { A = 1, |", Kind.KEY, ("values",), ""),
        ("x.y = 3|", Kind.VALUE, ("x", "y"), "3"),
        ("x.y.z|", Kind.KEY, ("x", "y"), "z"),
        ('role = """\nhe "said" {{PRO|', Kind.VALUE, ("role",), '\nhe "said" {{PRO'),
        ('a = "\\"x|"', Kind.VALUE, ("a",), '\\"x'),
        ('"a b" = "😀|"', Kind.VALUE, ("a b",), "😀"),
    ],
)
def test_the_word_at_the_cursor(marked: str, kind: Kind, path: tuple[str | int, ...], text: str) -> None:
    before, _, after = marked.partition("|")
    word = word_at(before + after, len(before))
    assert word is not None
    assert (word.kind, word.path, word.text) == (kind, path, text)
    assert (before + after)[word.start : word.end] == text


@pytest.mark.parametrize("marked", ["# na|", 'name = "x" |', 'name |= "x"', 'a = |"x"', "a = 1 # |"])
def test_no_word(marked: str) -> None:
    before, _, after = marked.partition("|")
    word = word_at(before + after, len(before))
    assert word is None or not word.text


_KITS = sorted(REPOSITORY.glob("agents/*.toml"))
_VALID = sorted(path for path in REPOSITORY.glob("tests/cases/**/*.toml") if b"'''" in path.read_bytes())[:40]


@pytest.mark.parametrize("path", [*_KITS, *_VALID, REPOSITORY / "pyproject.toml"], ids=lambda path: path.stem)
def test_each_key_and_entry_is_found_where_it_is(path: Path) -> None:
    _assert_same_paths(path.read_text(encoding="utf-8"))


def _assert_same_paths(text: str) -> None:
    starts = Source("x", text).starts
    for mention in mentions(text):
        offset = starts[mention.span.line - 1] + mention.span.column - 1
        offset += 3 if text.startswith(('"""', "'''"), offset) else text[offset] in "\"'"
        word = word_at(text, offset)
        if text[offset] not in "[{":
            assert word is not None
            is_item_of_tables = mention.is_header and isinstance(mention.path[-1], int)
            assert word.own_path == (mention.path[:-1] if is_item_of_tables else mention.path)


_NAMES = st.sampled_from(("a", "b-c", "D_1"))
_VALUES = st.recursive(
    st.one_of(st.text("a# =[]{}.,\n😀", max_size=9), st.booleans(), st.integers(0, 99)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_random_documents(data: dict[str, object]) -> None:
    _assert_same_paths(rtoml.dumps(data))


@given(st.text("ab=.,[]{}\"'#\\\n {", max_size=40), st.integers(0, 40))
def test_any_text_has_an_answer(text: str, offset: int) -> None:
    word = word_at(text, min(offset, len(text)))
    assert word is None or text[word.start : word.end] == word.text
