"""What is known about a text by its pieces is what the whole text says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.markdown.hidden_text import may_hide
from kei_assembler.markdown.structure import strip_trailing_whitespace
from kei_assembler.render import printed as module
from kei_assembler.render.printed import printed

PIECES = st.lists(st.text(st.sampled_from("ab \t\n\r\u200bé"), max_size=5), max_size=8)


@pytest.fixture(autouse=True)
def _short_pieces_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONG", 2)


@examples(300)
@given(PIECES)
def test_pieces_are_like_the_whole_text(pieces: list[str]) -> None:
    found, whole = printed(pieces), "".join(pieces)
    assert (found.text, found.raw, found.may_hide) == (whole, whole.encode(), may_hide(whole.encode()))
    assert found.may_trail or strip_trailing_whitespace(whole) == whole


@pytest.mark.parametrize(
    ("pieces", "may_trail"),
    [
        ([], False),
        (["- ", "text", "\n"], False),
        (["- ", "", "\n"], True),
        (["a ", "\ntext"], True),
        (["text ", "\n"], True),
        (["text", " ", "\n"], True),
        (["text", " "], True),
        ([" text\n", " b\n"], False),
        (["a\tb", "text\t\nmore"], True),
        (["a\r\n"], True),
    ],
)
def test_white_space_between_pieces_counts(pieces: list[str], may_trail: bool) -> None:
    assert printed(pieces).may_trail is may_trail


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        printed(["text", "\ud800"])
