"""Ctrl+C once: training ends between two batches with everything saved. Twice: at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from app.headless.output import tell
from app.translation import tr

_REQUESTS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@contextmanager
def gentle_stop() -> Iterator[Callable[[], bool]]:
    """Note a request to end instead of raising KeyboardInterrupt; the second one raises it.

    Yields:
        Whether there was a request.
    """
    is_wanted = threading.Event()

    def on_request(number: int, frame: FrameType | None) -> None:
        if is_wanted.is_set():
            signal.default_int_handler(number, frame)
        is_wanted.set()
        tell(tr("Stopping after this batch. Press Ctrl+C again to end at once."))

    changed = []
    if threading.current_thread() is threading.main_thread():
        for name in _REQUESTS:
            number = getattr(signal, name, None)
            # Whoever ignores or handles a signal (`nohup`) goes on doing so.
            if number is not None and signal.getsignal(number) is signal.default_int_handler:
                signal.signal(number, on_request)
                changed.append(number)
    try:
        yield is_wanted.is_set
    finally:
        for number in changed:
            signal.signal(number, signal.default_int_handler)
