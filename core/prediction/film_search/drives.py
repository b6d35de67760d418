"""Which folders lie on other computers, and whether these still answer.

Asking a network drive whose server is gone for a file waits for minutes, and nothing can cut that
short. So the question is put in a thread of its own, which is left behind where no answer comes.
"""

import os
import sys
import threading
from collections.abc import Generator, Iterable
from pathlib import Path
from time import monotonic
from typing import Final

import psutil

from core.errors import Message
from core.events import Progress
from core.prediction.film_search.found import called

PATIENCE_S = 6.0
_ASK_AGAIN_S = 0.2  # a point where the user can cancel
_WAITING: Final = Message("Waiting for the network drive")
_NETWORK: Final = frozenset(
    {"9p", "afs", "autofs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.gvfsd-fuse",
     "fuse.rclone", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
     "webdav", "afpfs"}
)  # fmt: skip
# What the system tells of itself in the form of files: no films, and some wait for ever.
_SYSTEM: Final = frozenset(
    {"bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
     "fusectl", "mqueue", "proc", "pstore", "securityfs", "sysfs", "tracefs"}
)  # fmt: skip


class Drives:
    """The mounts of this computer, as they are when a search begins.

    Args:
        mounts: Folder and file system of each.
    """

    def __init__(self, mounts: Iterable[tuple[str, str]]) -> None:
        known = list(mounts)
        self._network = [folder for folder, system in known if system in _NETWORK]
        self.of_system = frozenset(folder for folder, system in known if system in _SYSTEM)
        self._dead: set[str] = set()

    @classmethod
    def of_computer(cls) -> "Drives":
        """Read the list of mounts, which asks no drive."""
        if sys.platform == "win32":
            return cls(())  # there, a list would ask the drives; their paths tell, see `_drive_of`
        try:
            return cls((part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True))
        except (OSError, RuntimeError):  # no /proc in a bare chroot
            return cls(())

    def answers(self, path: Path) -> Generator[Progress, None, bool]:
        """Whether `path` can be asked for without waiting for ever."""
        drive = self._drive_of(path)
        if not (drive or self._network):
            return True  # where there is a drive, a link may lead there from anywhere
        if drive in self._dead:
            return False
        has_answered = threading.Event()

        def ask() -> None:
            touch(path)
            has_answered.set()

        threading.Thread(target=ask, name="network drive", daemon=True).start()
        deadline = monotonic() + PATIENCE_S
        while not has_answered.wait(_ASK_AGAIN_S):
            if monotonic() >= deadline:
                if drive:
                    self._dead.add(drive)
                return False
            yield Progress(_WAITING, 0, 1)
        return True

    def _drive_of(self, path: Path) -> str:
        """The network drive on which `path` lies by its name; "" where it lies on none."""
        full = os.path.abspath(path)
        if sys.platform == "win32":
            return path.drive if path.drive.startswith("\\\\") else ""
        around = [one for one in self._network if full == one or full.startswith(one + "/")]
        return max(around, key=len, default="")


def touch(path: Path) -> None:
    """Ask for a file or folder, whatever the answer."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return  # said no at once, which is an answer


def no_answer(path: Path) -> Message:
    """What to tell the user."""
    return Message(
        "{file} lies on a network drive that does not answer. Check the connection, or copy the "
        "films to this computer.",
        file=called(path),
    )
