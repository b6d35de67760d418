"""One set-up at a time."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.bootstrap.terminal import Terminal
from app.i18n import tr


@contextmanager
def only_one(
    path: Path, terminal: Terminal, pause: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Hold the lock `path`; wait, and say so, while another process holds it.

    The system's own file lock, not a file with a process number: it ends with its holder
    however that dies, so it never goes stale. The empty file stays behind.

    Raises:
        OSError: The file cannot be written.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _taken(handle):
            terminal.tell(tr("Another start of PneumoScope is setting up; waiting for it."))
            while not _taken(handle):
                pause(0.5)
        os.set_inheritable(handle, True)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _taken(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
