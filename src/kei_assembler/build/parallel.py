"""Share work with a second process, to use a second core."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, BinaryIO, NoReturn, TypeVar

from kei_assembler.diagnostics import ExcessError
from kei_assembler.files import accesses, add_accesses, drop_accesses
from kei_assembler.records import NamedTuple

Item = TypeVar("Item")
Result = TypeVar("Result")

MIN_ITEMS = 8
"""With at least this many items, each of some milliseconds, a second process saves time."""

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Child(NamedTuple):
    process: int
    answers: BinaryIO


def shared(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    progress: Callable[[Sequence[Item]], Iterable[Item]] = iter,
    receive: Callable[[Result], object] = lambda _: None,
    minimum: int = 0,
) -> list[Result]:
    """Return `work(item)` for each item, in the order of the items.

    If there are many items, at least `minimum` if that is given, and a second core, a fork of this process does the
    second half. If the fork fails in any way, this process does the rest. `work` must return a value that pickle
    supports, and must not write files. `progress` wraps the items that this process works on. `receive` is called with
    each result of the other process.

    An exception of `work` or `receive` reaches the caller.
    """
    if len(items) < (minimum or MIN_ITEMS) or not can_fork():
        return [work(item) for item in progress(items)]
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    results: list[Result] = []
    others: list[Any] = []
    child = None
    try:
        with _signals_blocked():  # a signal before `child` is set would leave the fork running
            child = _start(work, second)
        answers = _answers(child, len(second), receive) if child else iter(())
        for item in progress(first):
            results.append(work(item))
            # Read one answer per item: otherwise the pipe fills up and blocks the child.
            others += islice(answers, 1)
        others += answers
    finally:
        if child:
            _end(child)
    if len(others) <= len(second):  # the child failed before its last answer, its accesses
        if others:
            drop_accesses()
        return results + others + [work(item) for item in second[len(others) :]]
    add_accesses(others.pop())
    return results + others


def can_fork() -> bool:
    """Return whether a fork is useful and safe: there is a second core, and no other thread (it would be lost)."""
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
    """Fork, and return the child, or None if the system refuses another process or pipe."""
    pipe: list[int] = []
    gc.freeze()  # the garbage collector would write to, and so copy, the pages that both processes share
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
        os.close(receiver)  # otherwise writing would not fail after the parent has ended
        _be_child(work, items, sender)
    os.close(sender)
    return _Child(process, os.fdopen(receiver, "rb"))


def _be_child(work: Callable[[Item], Any], items: Sequence[Item], sender: int) -> NoReturn:
    """Send the result of each item and, last, the recorded accesses. Then end the process.

    If the kit turns out to be too large, send that error instead, so that the parent does not have to find out again.
    """
    import pickle

    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes, and the parent ends this one
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _END_SIGNALS)
        with os.fdopen(sender, "wb") as stream:
            try:
                for item in items:
                    pickle.dump(work(item), stream)
                    stream.flush()
                pickle.dump(accesses(), stream)
            except ExcessError as error:
                pickle.dump(error, stream)
    finally:
        os._exit(0)  # skip the exit handlers and buffers, which belong to the parent


def _answers(child: _Child, count: int, receive: Callable[[Any], object]) -> Iterator[Any]:
    """Yield the answers of the child until it ends. The first `count` are results, to be received.

    Raises:
        ExcessError: the child sent it.
    """
    import pickle

    for index in range(count + 1):
        try:
            answer = pickle.load(child.answers)
        except Exception:  # pickle can raise any exception for a partial answer
            return
        if isinstance(answer, ExcessError):
            raise answer
        if index < count:
            receive(answer)
        yield answer


def _end(child: _Child) -> None:
    gc.unfreeze()
    child.answers.close()
    with suppress(OSError):
        os.kill(child.process, signal.SIGTERM)
        os.waitpid(child.process, 0)
