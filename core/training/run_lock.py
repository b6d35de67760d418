"""One process at a time owns a run folder.

The operating system holds the lock and lets go of it when its owner dies, however it dies; the
file says who the owner is, for those who only look.
"""

import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, Self

import psutil

from core.errors import Message, RunFolderError

LOCK_FILE = "run.lock"
MAX_BYTES = 10_000
CLOCK_STEP_S = 2.0  # by which a process's time of birth may differ between two readings
_FAR_BYTE = 1 << 20  # Windows locks bytes, and locked ones cannot be read


class RunLock:
    """The right to write into a run folder; use it in a `with` statement.

    Args:
        folder: Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / LOCK_FILE
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock, also from an owner who is dead.

        Raises:
            RunFolderError: Another process trains in this folder, or it cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while self._descriptor is None:
                self._descriptor = self._locked()
            name = _own_name()
            os.write(self._descriptor, name)  # at 0: it was just opened or locked there
            os.ftruncate(self._descriptor, len(name))
        except _TakenError as error:
            raise _taken(self._folder) from error
        except OSError as error:
            self._let_go()
            raise RunFolderError(
                Message(
                    "The run folder {folder} cannot be written ({reason}). Free some disk space "
                    "or choose another folder; what was saved before is still there.",
                    folder=str(self._folder),
                    reason=error.strerror or str(error),
                )
            ) from error
        return self

    def __exit__(self, *_error: object) -> None:
        # Removed while it is locked, so that nobody takes a file that is about to vanish.
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._let_go()
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            if sys.platform == "win32":
                self._path.unlink()

    def _locked(self) -> int | None:
        """A descriptor that holds the lock, None if the file was removed meanwhile."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor, self._folder)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_owned(folder: Path) -> bool:
    """Whether a process of this machine that is alive says that it trains in `folder`."""
    owner = _owner(folder)
    try:
        if owner.get("host", socket.gethostname()) != socket.gethostname():
            return False
        born = psutil.Process(int(owner["pid"])).create_time()
        return abs(born - float(owner["create_time"])) < CLOCK_STEP_S
    except (KeyError, TypeError, ValueError, OverflowError, psutil.Error):
        return False


class _TakenError(Exception):
    """Another process holds the lock."""


def _lock(descriptor: int, folder: Path) -> None:
    """Take the lock of the operating system, or what comes nearest to it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise _TakenError from error
    except OSError as error:  # some network drives know no locks: believe what the file says
        if is_owned(folder):
            raise _TakenError from error


def _own_name() -> bytes:
    owner = {
        "pid": os.getpid(),
        "create_time": psutil.Process().create_time(),
        "host": socket.gethostname(),
    }
    return json.dumps(owner).encode()


def _owner(folder: Path) -> dict[str, Any]:
    """Who says that he owns `folder`; empty: nobody, or nobody knows."""
    try:
        with (folder / LOCK_FILE).open("rb") as file:
            owner = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _taken(folder: Path) -> RunFolderError:
    return RunFolderError(
        Message(
            "The run {folder} is being trained already, by the process {pid}. Wait until it ends "
            "or stop it there.",
            folder=str(folder),
            pid=_owner(folder).get("pid", "?"),
        )
    )
