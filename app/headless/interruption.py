"""Ending politely: whoever asks the program to end gets saved work and exit code 130."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# SIGTERM: shutdown, `kill`, a job scheduler; SIGHUP: the terminal was closed; SIGBREAK: Windows.
_REQUESTS = ("SIGTERM", "SIGHUP", "SIGBREAK")


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn requests to end into KeyboardInterrupt, as Ctrl+C is one already.

    A signal that somebody ignores or handles (`nohup`) is left as it is.
    """
    changed = []
    if threading.current_thread() is threading.main_thread():
        for name in _REQUESTS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
