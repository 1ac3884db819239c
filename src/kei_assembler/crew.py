"""A second process: a fork of this one that answers its requests, so that both cores of a machine are at work."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn


class PartnerLost(Exception):
    """The partner ended before it answered."""


def is_possible() -> bool:
    """Tell whether a fork is safe and of use here: there are two cores, and no thread would be left behind."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return hasattr(os, "fork") and cores > 1 and len(sys._current_frames()) == 1


class Partner:
    """A fork of this process; `answer` is what it does with each request, which like its results can be pickled.

    Whatever goes wrong over there shows here as PartnerLost, but for AssembleError and the like that `answer` returns.
    """

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        import gc

        requests, answers = os.pipe(), os.pipe()
        gc.freeze()  # so that collecting garbage does not copy the pages that both share
        self._process = os.fork()
        if self._process == 0:
            os.close(requests[1])
            os.close(answers[0])
            _serve(requests[0], answers[1], answer)
        os.close(requests[0])
        os.close(answers[1])
        self._requests, self._answers = os.fdopen(requests[1], "wb"), os.fdopen(answers[0], "rb")

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
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise PartnerLost from error

    def dismiss(self) -> None:
        """End the partner; what it is writing it ends before."""
        with suppress(OSError):
            self._requests.close()
        self._answers.close()
        with suppress(OSError):
            os.kill(self._process, signal.SIGTERM)
            os.waitpid(self._process, 0)


def _serve(requests: int, answers: int, answer: Callable[[Any], Any]) -> NoReturn:
    """Answer until there are no more requests, and leave without a trace: the rest of the process is the other's."""
    import pickle

    with suppress(BaseException), os.fdopen(requests, "rb") as incoming, os.fdopen(answers, "wb") as outgoing:
        while True:
            pickle.dump(answer(pickle.load(incoming)), outgoing)
            outgoing.flush()
    os._exit(0)
