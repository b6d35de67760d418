"""What files were found to hold, remembered so that unchanged ones need not be read again.

A memo only saves time: a damaged or foreign one counts as empty, one that cannot be written is
not missed. A file counts as unchanged while its stamp (size, time of change and the like) is.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from core import atomic_file

Stamp = tuple[int, ...]
Known = dict[str, tuple[Stamp, str]]  # name: stamp and digest, 32 or 64 hexadecimal digits

_VERSION = 1
_MAX_ARCHIVES = 200
_FOLDER_MEMOS = "folders"
# A file changed again within the clock tick of its file system (FAT: 2 s) keeps its stamp.
_SETTLED_NS = 3 * 10**9
_DIGEST = re.compile("(?:[0-9a-f]{32}){1,2}")


def archive_stamp(status: os.stat_result) -> Stamp:
    """What tells one archive from another version of it."""
    return (*film_stamp(status), status.st_ino)


def film_stamp(status: os.stat_result) -> Stamp:
    """What tells one film from another version of it; scandir knows no inode on Windows."""
    # Many a tool gives back the time of change; nobody can give back the inode's (on POSIX).
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def is_settled(status: os.stat_result) -> bool:
    """Whether a later change to the file would show in its stamp."""
    return status.st_mtime_ns < time.time_ns() - _SETTLED_NS


def archive_memo(store: Path) -> Path:
    """Where the hashes of archives are remembered, by absolute path."""
    return store / "archives.json"


def folder_memo(store: Path, folder: Path) -> Path:
    """Where the hashes of the films in `folder` are remembered, by name."""
    key = hashlib.sha256(os.fsencode(os.path.abspath(folder))).hexdigest()[:32]
    return store / _FOLDER_MEMOS / f"{key}.json"


def read(path: Path) -> Known:
    """What was remembered; nothing where that cannot be read or believed."""
    try:
        values = json.loads(path.read_bytes())
        if values["version"] != _VERSION:
            return {}
        known: Known = {}
        for name, (stamp, digest) in values["files"].items():
            if not _DIGEST.fullmatch(digest):
                return {}
            known[name] = (tuple(stamp), digest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return known


def write(path: Path, known: Mapping[str, tuple[Stamp, str]]) -> None:
    """Remember `known` in place of what was remembered."""
    # ASCII escapes, because names on Linux may hold bytes that are no text.
    text = json.dumps({"version": _VERSION, "files": known})
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_file.write_text(path, text)


def forget(store: Path) -> None:
    """Read every file again the next time; a stamp has lied."""
    archive_memo(store).unlink(missing_ok=True)
    shutil.rmtree(store / _FOLDER_MEMOS, ignore_errors=True)


def remember_archive(store: Path, archive: Path, stamp: Stamp, digest: str) -> None:
    """Add one archive; the oldest are forgotten."""
    path = archive_memo(store)
    known = read(path)
    key = os.path.abspath(archive)
    known.pop(key, None)
    known[key] = (stamp, digest)
    write(path, dict(list(known.items())[-_MAX_ARCHIVES:]))
