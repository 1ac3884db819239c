"""Progress: shown on a terminal after a second, and cleared at the end of the run."""

from __future__ import annotations

import io
from itertools import count

import pytest

from kei_assembler.build import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream, ticks = Terminal(), count(step=0.5)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(progress, "monotonic", lambda: next(ticks))
    return stream


def test_a_long_run_shows_its_progress_and_clears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    assert list(progress.with_progress("abcd")) == list("abcd")
    first, *_, last, end = terminal.getvalue().split("\r")[1:]
    assert first == " 25% of the manifests are read"
    assert (last.strip(" "), end) == ("", "")


def test_an_aborted_run_clears_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    items = progress.with_progress("abcd")
    assert [next(items), next(items), next(items)] == ["a", "b", "c"]
    del items
    assert terminal.getvalue().endswith(" \r")


def test_a_short_run_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    assert list(progress.with_progress("abcd")) == list("abcd")
    assert stream.getvalue() == ""


def test_nothing_is_shown_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (io.StringIO(), None):
        monkeypatch.setattr("sys.stderr", stream)
        assert list(progress.with_progress("abcd")) == list("abcd")
        assert stream is None or stream.getvalue() == ""
