"""Whether the files beside run.json are whole, from their beginnings; loads no weights."""

import json
import os
from pathlib import Path
from typing import Any

from core.errors import Message, RunFolderError
from core.models.model_file import read_card
from core.training.checkpoint import MAX_HEADER_BYTES, NEWEST_FILE, PREVIOUS_FILE
from core.training.run_folder import BEST_FILE, LAST_FILE
from core.training.run_lock import LOCK_FILE, is_owned

CHECKPOINT_FILES = (NEWEST_FILE, PREVIOUS_FILE)


def has_living_owner(folder: Path) -> bool:
    """Whether a process of this computer is training the run.

    Raises:
        RunFolderError: The lock is there but says nothing that can be understood.
    """
    path = folder / LOCK_FILE
    try:
        # An empty one was made a moment ago, and its owner is about to write there.
        if path.exists() and path.stat().st_size > 0:
            owner = json.loads(path.read_bytes())
            _ = int(owner["pid"]), float(owner["create_time"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise RunFolderError(
            Message(
                "The file {file} is damaged. If no PneumoScope is training this run, delete that "
                "file.",
                file=LOCK_FILE,
            )
        ) from error
    return is_owned(folder)


def check_models(folder: Path) -> bool:
    """Whether the run has a best model.

    Raises:
        ModelFileError: It has a model file that is damaged.
    """
    for name in (BEST_FILE, LAST_FILE):
        if (folder / name).exists():
            read_card(folder / name)
    return (folder / BEST_FILE).exists()


def usable_checkpoint(folder: Path) -> tuple[bool, Message | None]:
    """Whether training can go on from a checkpoint, and what to say of a damaged one.

    Raises:
        RunFolderError: There are checkpoints, and none is whole.
    """
    found = [name for name in CHECKPOINT_FILES if (folder / name).exists()]
    whole = [name for name in found if _is_whole(folder / name)]
    if found and not whole:
        raise RunFolderError(
            Message(
                "The file {file} is damaged, so training cannot go on from it. Put a copy back, "
                "or train again with the same settings.",
                file=found[0],
            )
        )
    if whole and whole[0] != found[0]:
        return True, Message("The newest checkpoint is damaged; the one before it will be used.")
    return bool(whole), None


def n_bytes(folder: Path) -> int:
    """What the run takes on disk."""
    with os.scandir(folder) as entries:
        return sum(
            entry.stat(follow_symlinks=False).st_size
            for entry in entries
            if entry.is_file(follow_symlinks=False)
        )


def _is_whole(path: Path) -> bool:
    """Whether a safetensors file has the header and the length that it must have."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
                return False
            header = json.loads(file.read(length))
        return size == 8 + length + _end(header)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _end(header: dict[str, Any]) -> int:
    """Where the last tensor ends; each begins where another ended."""
    end = 0
    spans = (entry["data_offsets"] for name, entry in header.items() if name != "__metadata__")
    for start, stop in sorted(map(tuple, spans)):
        if start != end or stop < start:
            raise ValueError("a tensor is misplaced")
        end = stop
    return end
