"""Share work with a second process, so that both cores of a machine are busy."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, BinaryIO, NamedTuple, NoReturn, TypeVar

from kei_assembler.files import accesses, add_accesses

Item = TypeVar("Item")
Result = TypeVar("Result")

MIN_ITEMS = 16
"""Fewer items, each of which takes some milliseconds, are not worth a second process."""

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Child(NamedTuple):
    process: int
    answers: BinaryIO


def shared(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    progress: Callable[[Sequence[Item]], Iterable[Item]] = iter,
) -> list[Result]:
    """Return `work(item)` for each item, in the order of the items.

    If there are many items and a second core, a fork of this process does the second half. If that fails in any way,
    this process does all the work alone. So `work` has to return something that can be pickled, and must not write
    files. `progress` passes on the items that this process works on.

    Raises: whatever `work` raises.
    """
    if len(items) < MIN_ITEMS or not can_fork():
        return [work(item) for item in progress(items)]
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    results: list[Result] = []
    others: list[Any] = []
    child = None
    try:
        with _signals_blocked():  # until this process knows the child, so that it can end both
            child = _start(work, second)
        answers = _answers(child) if child else iter(())
        for item in progress(first):
            results.append(work(item))
            others += islice(answers, 1)  # in step, so that results do not pile up in the child
        others += answers
    finally:
        if child:
            _end(child)
    if len(others) <= len(second):  # the child was lost: its last answer, what it has looked at, is missing
        return results + [work(item) for item in second]
    add_accesses(others.pop())
    return results + others


def can_fork() -> bool:
    """Tell whether a fork is safe and useful: there are two cores, and no other thread would get lost."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return hasattr(os, "fork") and cores > 1 and len(sys._current_frames()) == 1


@contextmanager
def _signals_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(work: Callable[[Item], Any], items: Sequence[Item]) -> _Child | None:
    """Fork, or return None if the machine allows no further process or pipe."""
    pipe: list[int] = []
    gc.freeze()  # so that collecting garbage does not copy the pages that both processes share
    try:
        pipe += os.pipe()
        process = os.fork()
    except OSError:
        gc.unfreeze()
        for end in pipe:
            os.close(end)
        return None
    receiver, sender = pipe
    if process == 0:
        os.close(receiver)  # so that sending fails, and ends this process, once the parent is gone
        _be_child(work, items, sender)
    os.close(sender)
    return _Child(process, os.fdopen(receiver, "rb"))


def _be_child(work: Callable[[Item], Any], items: Sequence[Item], sender: int) -> NoReturn:
    """Send the result of each item and, last, what was looked at; then end. Everything else is up to the parent."""
    import pickle

    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes: the parent then ends this one
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _END_SIGNALS)
        with os.fdopen(sender, "wb") as stream:
            for item in items:
                pickle.dump(work(item), stream)
                stream.flush()
            pickle.dump(accesses(), stream)
    finally:
        os._exit(0)  # without cleaning up what belongs to the parent


def _answers(child: _Child) -> Iterator[Any]:
    """Yield what the child sends, until it has ended."""
    import pickle

    with suppress(Exception):  # half an answer can raise anything
        while True:
            yield pickle.load(child.answers)


def _end(child: _Child) -> None:
    gc.unfreeze()
    child.answers.close()
    with suppress(OSError):
        os.kill(child.process, signal.SIGTERM)
        os.waitpid(child.process, 0)
