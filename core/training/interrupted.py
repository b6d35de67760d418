"""The run that was cut short: what the program offers to go on with when it starts."""

import contextlib
import datetime
import json
import re
from dataclasses import dataclass
from pathlib import Path

from core.errors import RunFolderError
from core.training.run_files import has_living_owner, usable_checkpoint
from core.training.run_folder import RUN_FILE

HEAD_BYTES = 2048  # holds the status; the names of all films come later and may be megabytes
_STATUS = re.compile(rb'"status":\s*"(\w+)"')
_STARTED = re.compile(rb'"started":\s*("[^"\\]{1,40}")')
_OPEN = (b"running", b"paused")


@dataclass(frozen=True, slots=True)
class InterruptedRun:
    """A run that waits to be resumed."""

    path: Path
    started: datetime.datetime | None  # in local time; None: it does not say


def newest_interrupted(runs: Path) -> InterruptedRun | None:
    """The newest run in `runs` that was paused or whose process died, if one can go on.

    Cheap: of each run at most the beginnings of its files are read. What cannot be read is
    passed over; the Runs page tells about it.
    """
    written: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for folder in runs.iterdir():
            with contextlib.suppress(OSError):
                written.append(((folder / RUN_FILE).stat().st_mtime, folder))
    for _, folder in sorted(written, reverse=True):
        with contextlib.suppress(OSError, RunFolderError):
            run = _interrupted(folder)
            if run is not None:
                return run
    return None


def _interrupted(folder: Path) -> InterruptedRun | None:
    with (folder / RUN_FILE).open("rb") as file:
        head = file.read(HEAD_BYTES)
    status = _STATUS.search(head)
    if status is None or status[1] not in _OPEN or has_living_owner(folder):
        return None
    can_resume, _ = usable_checkpoint(folder)
    if not can_resume:
        return None
    started = _STARTED.search(head)
    return InterruptedRun(folder, _local_time(started[1]) if started else None)


def _local_time(text: bytes) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(json.loads(text)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
