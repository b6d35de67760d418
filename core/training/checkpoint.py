"""Checkpoints: a run goes on after a power cut as if there had been none.

A checkpoint is a safetensors file: the learner's arrays in the order of their names, and in the
metadata where training stood and a sha256 over all of it. There are two of them, the newest and
the one before, so that whatever happens while one is written, the other is whole.
Imports no Paddle; pickle is never read.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from core import files, tensor_file
from core.errors import Message, RunFolderError

log = logging.getLogger(__name__)

NEWEST_FILE, PREVIOUS_FILE = "last.checkpoint", "last-1.checkpoint"
DAMAGED_FILE = "damaged.checkpoint"
FORMAT_VERSION = 1
MAX_FILE_BYTES = 1 << 32  # ResNet-152 with Adam's moments and averages takes 1 GB
_DESCRIPTION, _DIGEST = "pneumoscope_checkpoint", "sha256"

# Checked when they are made: counts are whole, no figure is NaN.
_CHECKED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class TrainingProgress:
    """Place in the training that goes on, and what the epoch has added up so far.

    Raises:
        ValueError: A number cannot be.
    """

    epoch: int = Field(default=1, ge=1)  # the one that goes on; all before it are done
    batch: int = Field(default=0, ge=0)  # done in this epoch
    images: int = Field(default=0, ge=0)  # done in this epoch
    # Of the next batch; halved where the memory was too small.
    batch_size: int = Field(ge=1)
    loss_sum: float = 0.0  # over the images of this epoch, nats
    n_correct: int = Field(default=0, ge=0)
    seconds: float = 0.0  # spent on this epoch before the run was interrupted

    @property
    def epochs_done(self) -> int:
        """Epochs that were trained and validated."""
        return self.epoch - 1

    def next_epoch(self) -> Self:
        """Return the beginning of the epoch after this one."""
        return type(self)(epoch=self.epoch + 1, batch_size=self.batch_size)


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Best:
    """The epoch that did best on the validation part, and how."""

    epoch: int = Field(ge=1)
    accuracy: float | None  # fraction in [0, 1]; None: there is no validation part
    loss: float | None  # nats per image

    def is_beaten_by(self, other: "Best") -> bool:
        """Higher validation accuracy, then lower loss; with no validation part, the latest."""
        if self.accuracy is None or other.accuracy is None:
            return True
        if self.loss is None or other.loss is None:
            return True
        return (other.accuracy, -other.loss) > (self.accuracy, -self.loss)


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=_CHECKED)
class Spent:
    """Time and images of the whole run, over all its sittings."""

    images: int = Field(default=0, ge=0)  # trained on
    training_seconds: float = 0.0  # without validation, saving and standstill
    validation_seconds: float = 0.0  # of the latest epoch; 0: not known yet
    seconds: float = 0.0  # in all


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A run between two batches."""

    arrays: Mapping[str, NDArray[Any]]  # core.training.learner.Learner.state
    progress: TrainingProgress
    best: Best | None  # None: no epoch is done yet
    spent: Spent
    settings: Mapping[str, Any] | None = None  # those it was trained with, JSON; None: not kept


@dataclass(frozen=True, slots=True, eq=False)
class FoundCheckpoint:
    """A checkpoint that was read from a run folder."""

    checkpoint: Checkpoint
    is_previous: bool  # the newest one is missing or damaged


def to_bytes(checkpoint: Checkpoint) -> memoryview:
    """Return the file that `from_bytes` reads; the same checkpoint gives the same bytes.

    Raises:
        ValueError: An array has a type that a checkpoint does not hold.
    """
    arrays = {name: checkpoint.arrays[name] for name in sorted(checkpoint.arrays)}
    little = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        for name, array in arrays.items()
    }
    best = checkpoint.best
    values = {
        "format_version": FORMAT_VERSION,
        "position": dataclasses.asdict(checkpoint.progress),
        "best": dataclasses.asdict(best) if best is not None else None,
        "spent": dataclasses.asdict(checkpoint.spent),
        "settings": checkpoint.settings,
    }
    description = json.dumps(values, allow_nan=False)  # numbers come back to the bit
    body = (array.reshape(-1).view(np.uint8).data for array in little.values())
    digest = _digest(description, tensor_file.entries_of(little), body)
    return tensor_file.to_bytes(little, {_DESCRIPTION: description, _DIGEST: digest})


def from_bytes(content: bytes) -> Checkpoint:
    """Read what `to_bytes` made and check all of it.

    Returns:
        The checkpoint, its arrays being views of `content`.

    Raises:
        ValueError: It is damaged or something else; the text says what in a few words.
    """
    header = tensor_file.read_header(io.BytesIO(content))
    entries = header.check_own_layout()
    body = memoryview(content)[header.n_bytes :]
    description = header.metadata.get(_DESCRIPTION)
    if not isinstance(description, str) or header.metadata.get(_DIGEST) != _digest(
        description, entries, [body]
    ):
        raise ValueError("its checksum is wrong")
    values = tensor_file.parse_object(description)
    if values.get("format_version") != FORMAT_VERSION:
        raise ValueError("it was made by another version of PneumoScope")
    try:
        best = values["best"]
        return Checkpoint(
            tensor_file.to_tensors(entries, body),
            TrainingProgress(**values["position"]),
            Best(**best) if best is not None else None,
            Spent(**values["spent"]),
            values.get("settings"),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("it does not say where training stood") from error


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
        files.write_bytes(newest, content)
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
            with (folder / name).open("rb") as file:
                if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                    raise ValueError("it is larger than any checkpoint")
                content = file.read()
            checkpoint = from_bytes(content)
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
    files.sync_folder(folder)


def drop_previous(folder: Path) -> None:
    """Delete the checkpoint before the newest, which a run that has ended does not need.

    Raises:
        OSError: The folder cannot be written.
    """
    (folder / PREVIOUS_FILE).unlink(missing_ok=True)


def _digest(description: str, entries: Mapping[str, Any], body: Iterable[memoryview]) -> str:
    """Over the description, what the arrays are called and look like, and their bytes."""
    digest = hashlib.sha256(json.dumps([description, entries], sort_keys=True).encode())
    for part in body:
        digest.update(part)
    return digest.hexdigest()


class CheckpointWriter:
    """Writes one checkpoint at a time; where they come faster, the newest is written.

    Call `finish` or `abandon` in the end: that leaves no thread behind.

    Args:
        save: Writes one; raises OSError where the disk refuses.
    """

    def __init__(self, save: Callable[[Checkpoint], None]) -> None:
        self._save = save
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._attempt: Future[None] | None = None
        self._newest: Checkpoint | None = None  # that is not written yet
        self._is_waiting = False  # `_newest` was not tried yet
        self.error: OSError | MemoryError | None = None  # of the latest attempt

    def submit(self, checkpoint: Checkpoint) -> None:
        """Have `checkpoint` written, in place of one that still waits.

        Args:
            checkpoint: Its arrays must not change any more.
        """
        self._newest, self._is_waiting = checkpoint, True
        self.advance()

    def advance(self) -> None:
        """Look whether an attempt has ended, and begin with the checkpoint that waits.

        An error that is not the disk's or the memory's is raised here.
        """
        if self._attempt is not None and self._attempt.done():
            self._settle()
        if self._attempt is None and self._is_waiting:
            self._begin()

    def wait(self) -> None:
        """Wait until the newest checkpoint was tried; `error` says whether it is written."""
        self._settle()
        if self._is_waiting:
            self._begin()
            self._settle()

    def finish(self) -> None:
        """Wait until the newest checkpoint is written; one that failed is tried once more.

        Raises:
            OSError: It cannot be written.
            MemoryError: Likewise.
        """
        try:
            self.wait()
            if self._newest is not None:
                self._begin()
                self._settle()
            if self.error is not None:
                raise self.error
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Wait for what is being written; drop what waits."""
        self._newest, self._is_waiting = None, False
        self._pool.shutdown(wait=True)

    def _begin(self) -> None:
        assert self._newest is not None
        self._is_waiting = False
        self._attempt = self._pool.submit(self._save, self._newest)

    def _settle(self) -> None:
        """Wait for the attempt that runs, if one does."""
        if self._attempt is None:
            return
        attempt, self._attempt = self._attempt, None
        try:
            attempt.result()
        except (OSError, MemoryError) as error:
            self.error = error
        else:
            self.error = None
            if not self._is_waiting:
                self._newest = None
