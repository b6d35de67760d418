"""Folders that are built under a temporary name, and what killed processes left of them."""

import os
import shutil
import tempfile
from pathlib import Path

import psutil


def part_folder(store: Path, name: str) -> Path:
    """Make `.NAME.PROCESS.RANDOM.part` in `store`, to be renamed to `name` once it is whole."""
    store.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=store, prefix=f".{name}.{os.getpid()}.", suffix=".part"))


def remove_abandoned(store: Path) -> None:
    """Delete what killed processes left half-built; living ones keep theirs."""
    for part in store.glob(".*.*.*.part"):
        if _is_abandoned(part):
            shutil.rmtree(part, ignore_errors=True)


def _is_abandoned(part: Path) -> bool:
    """Whether the process that made `part` is gone; its number may be in use again."""
    owner = part.name.split(".")[2]
    if not owner.isdecimal():
        return False  # no folder of ours
    try:
        return psutil.Process(int(owner)).create_time() > part.stat().st_mtime
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, OSError):
        return False
