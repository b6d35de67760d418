"""Text files that grow by a line at a time, whatever the disk does."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Lines:
    """One file of lines. A line that the disk refuses waits and is written before the next.

    Args:
        path: Made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[str] = []
        self.error: OSError | None = None  # of the latest attempt; None: nothing waits

    def append(self, line: str) -> None:
        """Add a line; where the disk refuses, `error` says why."""
        self._waiting.append(line)
        with contextlib.suppress(OSError):
            self.write()

    def write(self) -> None:
        """Write every line that waits: all of them, or none.

        Raises:
            OSError: The disk refuses.
        """
        if not self._waiting:
            return
        content = "".join(f"{line}\n" for line in self._waiting).encode()
        try:
            with self.path.open("ab", buffering=0) as file:
                size = file.tell()
                try:
                    rest = memoryview(content)
                    while rest:
                        rest = rest[file.write(rest) :]
                except OSError:
                    file.truncate(size)  # a full disk takes the first half of a line
                    raise
        except OSError as error:
            self.error = error
            raise
        self._waiting.clear()
        self.error = None

    def sync(self) -> None:
        """Make what is written survive a power cut.

        Raises:
            OSError: The disk refuses.
        """
        if self.path.exists():
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())

    def cut_unfinished(self) -> None:
        """Take away a last line without an end, which a kill or power cut leaves behind.

        Raises:
            OSError: The file cannot be read or written.
        """
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)


def without_undone(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what was recorded beyond the checkpoint that a run then went on from."""
    kept: list[dict[str, Any]] = []
    for event in events:
        if event.get("event") == "Resumed":
            kept = [old for old in kept if not _is_undone(old, event)]
        kept.append(event)
    return kept


def _is_undone(old: dict[str, Any], resumed: dict[str, Any]) -> bool:
    """Whether `old` belongs after the place where the run goes on."""
    try:
        match old.get("event"):
            case "BatchDone" | "BatchHalved":
                place = (old["epoch"], old["batch"])
                return bool(place > (resumed["epoch"], resumed["batch"]))
            case "EpochDone":
                return bool(old["epoch"] >= resumed["epoch"])
            case "TrainingDone":
                return True
    except (KeyError, TypeError):  # no line of ours
        return False
    return False
