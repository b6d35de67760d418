"""Requests to end: Ctrl+C, `kill`, shutdown, a job scheduler, a terminal that was closed.

Until app.bootstrap takes over, main.py itself ends the process.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130  # exit code: 128 and the number of SIGINT, whatever the request was
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # SIGBREAK: Windows
_NUMBERS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
_GRACE_S = 1.0  # a request that comes twice within it is one

Handler = Callable[[int, FrameType | None], None]


def _take_over(handler: Handler | signal.Handlers) -> dict[int, object]:
    """Let `handler` answer all requests but those that are ignored (`nohup`); return the old."""
    before: dict[int, object] = {}
    if threading.current_thread() is threading.main_thread():
        for number in _NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    return before


def end_at_once() -> None:
    """Let requests end the process on the spot: nothing has begun that could be lost."""
    _take_over(lambda _number, _frame: os._exit(INTERRUPTED))
    if hasattr(signal, "pthread_sigmask"):  # see `hold_back`
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _NUMBERS)


def end_window_at_once(number: int, _frame: FrameType | None = None) -> None:
    """End the process as who started a window expects, with 128 and the signal's number."""
    os._exit(128 + number)


def ignore() -> None:
    """Ignore requests from now on: the process ends anyway, and its exit code is settled."""
    _take_over(signal.SIG_IGN)


def hold_back() -> None:
    """Let requests wait until the program that goes on in this one's place can answer them."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _NUMBERS)


@contextmanager
def answering(handler: Handler) -> Iterator[None]:
    """Let `handler` answer requests inside the block."""
    before = _take_over(handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old if old is not None else signal.SIG_DFL)  # type: ignore[arg-type]


class Request:
    """Handler that answers once; later requests find the program tidying up.

    What is not tidied up is removed at the next start, and whatever was saved is whole.

    Args:
        answer: What to do.
        is_window: See `end_window_at_once`.
    """

    def __init__(self, answer: Callable[[], None], *, is_window: bool = False) -> None:
        self._answer, self._is_window = answer, is_window
        self._answered_at: float | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Answer a signal."""
        now = time.monotonic()
        if self._answered_at is None:
            self._answered_at = now
            self._answer()
        elif now - self._answered_at > _GRACE_S:
            os._exit(128 + number if self._is_window else INTERRUPTED)


def _interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Handler]:
    """Turn a request into KeyboardInterrupt; one more, a second later, ends the process.

    Yields:
        The handler, for one that asks first.
    """
    interrupt = Request(_interrupt)
    with answering(interrupt):
        yield interrupt
