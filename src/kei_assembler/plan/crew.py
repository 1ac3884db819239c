"""A second process: a fork of this one that answers its requests, so that both cores of a machine are at work."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

_ENDING = (signal.SIGINT, signal.SIGTERM)


class PartnerLost(Exception):
    """The partner ended before it answered."""


def is_possible() -> bool:
    """Tell whether a fork is safe and of use here: there are two cores, and no thread would be left behind."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return hasattr(os, "fork") and cores > 1 and len(sys._current_frames()) == 1


class Partner:
    """A fork of this process; `answer` is what it does with each request, which like its results can be pickled.

    Whatever goes wrong over there shows here as PartnerLost, but for AssembleError and the like that `answer` returns;
    so does a machine that allows no further process.
    """

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        import gc

        gc.freeze()  # so that collecting garbage does not copy the pages that both share
        pipes: list[int] = []
        try:
            pipes += os.pipe()
            pipes += os.pipe()
            self._process = _fork(lambda: _serve(pipes, answer))
        except OSError as error:
            gc.unfreeze()
            for pipe in pipes:
                os.close(pipe)
            raise PartnerLost from error
        incoming, requests, answers, outgoing = pipes
        os.close(incoming)
        os.close(outgoing)
        self._requests, self._answers = os.fdopen(requests, "wb"), os.fdopen(answers, "rb")

    def ask(self, request: Any) -> None:
        """Send a request, and do not wait for the answer."""
        import pickle

        try:
            pickle.dump(request, self._requests)
            self._requests.flush()
        except OSError as error:
            raise PartnerLost from error

    def answer(self) -> Any:
        """Wait for the answer to the request that was sent last."""
        import pickle

        try:
            return pickle.load(self._answers)
        except Exception as error:  # half an answer can be anything
            raise PartnerLost from error

    def dismiss(self) -> None:
        """End the partner; of what it is writing nothing is left."""
        import gc

        gc.unfreeze()
        with suppress(OSError):
            self._requests.close()
        self._answers.close()
        with suppress(OSError):
            os.kill(self._process, signal.SIGTERM)
            os.waitpid(self._process, 0)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that end the process wait: whoever has a partner by then can dismiss it first."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _fork(life: Callable[[], NoReturn]) -> int:
    """Return the process of a fork that lives this life, and never gets out of it, whatever signal comes when."""
    with undisturbed():
        process = os.fork()
        if process == 0:
            _live(life)
        return process


def _live(life: Callable[[], NoReturn]) -> NoReturn:
    """Ctrl-C is for the other process, which then ends this one."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        life()
    finally:
        os._exit(0)  # without a trace: the rest of the process is the other's


def _leave(number: int, _frame: object) -> NoReturn:
    """End by an exception, so that what is half done is cleaned up; but only once, so that it is."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit


def _serve(pipes: list[int], answer: Callable[[Any], Any]) -> NoReturn:
    """Answer until there are no more requests."""
    import pickle

    incoming, requests, answers, outgoing = pipes
    os.close(requests)
    os.close(answers)
    with os.fdopen(incoming, "rb") as asked, os.fdopen(outgoing, "wb") as told:
        while True:
            pickle.dump(answer(pickle.load(asked)), told)
            told.flush()
