"""Share work with a second process, so that both cores of a machine are busy."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NamedTuple, NoReturn, TypeVar

from kei_assembler import memo

Item = TypeVar("Item")
Result = TypeVar("Result")

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Child(NamedTuple):
    process: int
    answer: BinaryIO


def shared(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    min_items: int,
    progress: Callable[[Sequence[Item]], Iterable[Item]] = iter,
) -> list[Result]:
    """Return `work(item)` for each item, in the order of the items.

    If there are at least `min_items` and a second core, a fork of this process does the second half. If that fails in
    any way, this process does all the work alone. So the results of `work` have to be picklable, and it has to be safe
    to do the same item twice. `progress` passes on the items that this process works on.

    Raises: whatever `work` raises.
    """
    if len(items) < min_items or not _can_fork():
        return [work(item) for item in progress(items)]
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    child = None
    try:
        with _signals_blocked():  # until this process knows the child, so that it can end both
            child = _start(work, second)
        results = [work(item) for item in progress(first)]
        others = _receive(child) if child else None
    finally:
        if child:
            _end(child)
    return results + ([work(item) for item in second] if others is None else others)


def _can_fork() -> bool:
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
    parent = os.getpid()
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
        os.close(receiver)  # so that writing fails once the parent is gone
        _be_child(work, items, parent, sender)
    os.close(sender)
    return _Child(process, os.fdopen(receiver, "rb"))


def _be_child(work: Callable[[Item], Any], items: Iterable[Item], parent: int, sender: int) -> NoReturn:
    """Do the work, send the results, and end, whatever happens: everything else is up to the parent."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes: the parent then ends this one
        signal.signal(signal.SIGTERM, _leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _END_SIGNALS)
        results = []
        for item in items:
            if os.getppid() != parent:  # it was killed
                break
            results.append(work(item))
        else:
            _send(results, sender)
    finally:
        os._exit(0)  # without cleaning up what belongs to the parent


def _leave(number: int, _frame: object) -> NoReturn:
    """Turn the first signal into an exception, so that temporary files are removed; ignore any further one."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit


def _send(results: list[Any], sender: int) -> None:
    import pickle

    with os.fdopen(sender, "wb") as stream:
        pickle.dump((results, memo.noted(), memo.written()), stream)


def _receive(child: _Child) -> list[Any] | None:
    """Return the child's results, or None if it was lost."""
    import pickle

    try:
        results, notes, written = pickle.load(child.answer)
    except Exception:  # half an answer can raise anything
        return None
    memo.add(notes)
    memo.add_written(written)
    return list(results)


def _end(child: _Child) -> None:
    """End the child, which removes what it has half written."""
    gc.unfreeze()
    child.answer.close()
    with suppress(OSError):
        os.kill(child.process, signal.SIGTERM)
        os.waitpid(child.process, 0)
