"""All that a run needs to go on after a power cut as if there had been none.

A checkpoint is a safetensors file: the learner's arrays in the order of their names, and in the
metadata where training stood and a sha256 over all of it. There are two of them, the newest and
the one before, so that whatever happens while one is written, the other is whole.
Imports no Paddle; pickle is never read.
"""

import contextlib
import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import atomic_file
from core.errors import Message, RunFolderError
from core.training.position import Best, Position, Spent, from_json, to_json

log = logging.getLogger(__name__)

NEWEST_FILE, PREVIOUS_FILE = "last.checkpoint", "last-1.checkpoint"
DAMAGED_FILE = "damaged.checkpoint"
FORMAT_VERSION = 1
MAX_FILE_BYTES = 1 << 32  # ResNet-152 with Adam's moments and averages takes 1 GB
MAX_HEADER_BYTES = 1 << 23
_METADATA, _DESCRIPTION, _DIGEST = "__metadata__", "pneumoscope_checkpoint", "sha256"
_DTYPES = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A run between two batches."""

    arrays: Mapping[str, NDArray[Any]]  # core.training.learner.Learner.state
    position: Position
    best: Best | None  # None: no epoch is done yet
    spent: Spent


@dataclass(frozen=True, slots=True, eq=False)
class FoundCheckpoint:
    """A checkpoint that was read from a run folder."""

    checkpoint: Checkpoint
    is_previous: bool  # the newest one is missing or damaged


def to_bytes(checkpoint: Checkpoint) -> memoryview:
    """The file that `from_bytes` reads; the same checkpoint gives the same bytes.

    Raises:
        ValueError: An array has a type that a checkpoint does not hold.
    """
    entries: dict[str, Any] = {}
    flat: list[NDArray[np.uint8]] = []
    start = 0
    for name in sorted(checkpoint.arrays):
        array = checkpoint.arrays[name]
        little = array.dtype.newbyteorder("<")
        if little not in _NAMES:
            raise ValueError(f"{name} has the type {array.dtype}")
        entries[name] = _entry(_NAMES[little], array.shape, start)
        flat.append(np.ascontiguousarray(array, little).reshape(-1).view(np.uint8))
        start += array.nbytes
    description = json.dumps(
        {
            "format_version": FORMAT_VERSION,
            **to_json(checkpoint.position, checkpoint.best, checkpoint.spent),
        },
        allow_nan=False,
    )
    digest = _digest(description, entries, [array.data for array in flat])
    header = json.dumps({_METADATA: {_DESCRIPTION: description, _DIGEST: digest}, **entries})
    header += " " * (-len(header) % 8)  # ASCII; safetensors wants the tensors aligned
    begin = 8 + len(header)
    content = np.empty(begin + start, np.uint8)
    content[:begin] = np.frombuffer(len(header).to_bytes(8, "little") + header.encode(), np.uint8)
    # Copied by numpy, which lets other threads run meanwhile; `bytes.join` does not.
    np.concatenate(flat, out=content[begin:])
    return content.data


def from_bytes(content: bytes) -> Checkpoint:
    """Read what `to_bytes` made and check all of it.

    Returns:
        The checkpoint, its arrays being views of `content`.

    Raises:
        ValueError: It is damaged or something else; the text says what in a few words.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or length > min(MAX_HEADER_BYTES, len(content) - 8):
        raise ValueError("its beginning is damaged or its end is missing")
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"))
        metadata = header.pop(_METADATA)
        description, digest = metadata[_DESCRIPTION], metadata[_DIGEST]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("its description cannot be read") from error
    body = memoryview(content)[8 + length :]
    if not isinstance(description, str) or digest != _digest(description, header, [body]):
        raise ValueError("its checksum is wrong")
    arrays, start = {}, 0
    for name, entry in header.items():
        arrays[name] = _array(name, entry, body, start)
        start += arrays[name].nbytes
    if start != len(body):
        raise ValueError("its size is wrong")
    values = json.loads(description)
    if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
        raise ValueError("it was made by another version of PneumoScope")
    position, best, spent = from_json(values)
    return Checkpoint(arrays, position, best, spent)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the newest checkpoint of a run; the one that was the newest is kept as well.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    content = to_bytes(checkpoint)
    newest, previous = folder / NEWEST_FILE, folder / PREVIOUS_FILE
    # Renamed first: the disk holds two of them, never three.
    has_moved = newest.exists()
    if has_moved:
        os.replace(newest, previous)
    try:
        # Whatever can be written to a file will do, and a copy would take 100 MB and more.
        atomic_file.write_bytes(newest, content)
    except BaseException:
        if has_moved:
            with contextlib.suppress(OSError):
                os.replace(previous, newest)
        raise


def load_checkpoint(folder: Path) -> FoundCheckpoint | None:
    """The newest checkpoint of a run that is whole, None if it has none yet.

    Raises:
        RunFolderError: There are some, but none that can be read.
    """
    reasons = []
    for name in (NEWEST_FILE, PREVIOUS_FILE):
        try:
            checkpoint = from_bytes(_read(folder / name))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, MemoryError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            log.warning("%s: %s", folder / name, reason)
            reasons.append(reason)
        else:
            return FoundCheckpoint(checkpoint, name == PREVIOUS_FILE)
    if reasons:
        raise RunFolderError(
            Message(
                "The run {folder} cannot go on: its checkpoint is of no use ({reason}). Its best "
                "model, where it has one, is not affected. Train again with the same settings.",
                folder=str(folder),
                reason=reasons[0],
            )
        )
    return None


def make_newest(folder: Path) -> None:
    """Let the previous checkpoint be the newest, where that one is missing or damaged.

    The next saving would otherwise put the damaged one in the place of the whole one.

    Raises:
        OSError: The folder cannot be written.
    """
    newest, previous = folder / NEWEST_FILE, folder / PREVIOUS_FILE
    if newest.exists():
        os.replace(newest, folder / DAMAGED_FILE)
    os.replace(previous, newest)
    atomic_file.sync_folder(folder)


def drop_previous(folder: Path) -> None:
    """Delete the checkpoint before the newest, which a run that has ended does not need.

    Raises:
        OSError: The folder cannot be written.
    """
    (folder / PREVIOUS_FILE).unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
            raise ValueError("it is larger than any checkpoint")
        return file.read()


def _entry(dtype: str, shape: tuple[int, ...], start: int) -> dict[str, Any]:
    end = start + math.prod(shape) * _DTYPES[dtype].itemsize
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def _digest(description: str, entries: Mapping[str, Any], body: Iterable[memoryview]) -> str:
    """Over the description, what the arrays are called and look like, and their bytes."""
    digest = hashlib.sha256(json.dumps([description, entries], sort_keys=True).encode())
    for part in body:
        digest.update(part)
    return digest.hexdigest()


def _array(name: str, entry: Any, body: memoryview, start: int) -> NDArray[Any]:
    """One array, if its entry is just what `to_bytes` would have written."""
    try:
        dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
        is_shape = all(type(length) is int and length >= 0 for length in shape)
        if not is_shape or entry != _entry(entry["dtype"], shape, start):
            raise ValueError("another entry was expected")
        return np.frombuffer(body, dtype, math.prod(shape), start).reshape(shape)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"its array {name} is not as it must be") from error
