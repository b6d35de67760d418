import dataclasses
import errno
import json
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from core import files
from core.errors import RunFolderError
from core.training.checkpoint import (
    DAMAGED_FILE,
    NEWEST_FILE,
    PREVIOUS_FILE,
    Best,
    Checkpoint,
    CheckpointWriter,
    Spent,
    TrainingProgress,
    from_bytes,
    load_checkpoint,
    make_newest,
    save_checkpoint,
    to_bytes,
)
from tests.core.training.conftest import checkpoint, newest_checkpoint


def same(one: Checkpoint, other: Checkpoint) -> bool:
    """Return True if two checkpoints are equal to the bit."""
    return (
        (one.progress, one.best, one.spent) == (other.progress, other.best, other.spent)
        and one.arrays.keys() == other.arrays.keys()
        and all(
            one.arrays[name].dtype == array.dtype
            and one.arrays[name].shape == array.shape
            and one.arrays[name].tobytes() == array.tobytes()
            for name, array in other.arrays.items()
        )
    )


def saved_in(folder: Path, *numbers: int) -> None:
    for number in numbers:
        save_checkpoint(folder, checkpoint(number))


def test_all_of_it_comes_back_to_the_bit() -> None:
    for number in (1, 2):
        assert same(from_bytes(bytes(to_bytes(checkpoint(number)))), checkpoint(number))
    for dtype in ("?", "u1", "i4", "i8", "f2", "f4", "f8"):
        array = np.arange(6).reshape(2, 3).astype(dtype)
        one = dataclasses.replace(checkpoint(), arrays={"a": array, "turned": array.T})
        assert same(from_bytes(bytes(to_bytes(one))), one), dtype
    with pytest.raises(ValueError, match="names has the type"):
        to_bytes(dataclasses.replace(checkpoint(), arrays={"names": np.array(["a"])}))


def test_the_file_is_one_that_safetensors_reads_with_plain_json() -> None:
    content, expected = bytes(to_bytes(checkpoint(2))), checkpoint(2)
    arrays = safetensors.numpy.load(content)
    assert arrays.keys() == expected.arrays.keys()
    assert all(np.array_equal(arrays[name], array) for name, array in expected.arrays.items())
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    description = json.loads(header["__metadata__"]["pneumoscope_checkpoint"])
    assert description["position"]["loss_sum"] == 0.1 + 0.2
    assert Best(**description["best"]) == expected.best
    assert Spent(**description["spent"]) == expected.spent


def test_every_changed_byte_and_every_cut_is_noticed() -> None:
    content = bytes(to_bytes(checkpoint(2)))
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        try:
            read = from_bytes(bytes(changed))
        except ValueError:
            continue
        assert same(read, checkpoint(2))  # spaces that fill up the header mean nothing
        assert content[place : place + 1] == b" " or chr(content[place]).isspace()
    for length in range(0, len(content), 7):
        with pytest.raises(
            ValueError, match=r"damaged|missing|cannot be read|checksum|needed|tensors"
        ):
            from_bytes(content[:length])
    with pytest.raises(ValueError, match="bytes where"):
        from_bytes(content + b"x")


def test_progress_that_cannot_be_is_refused() -> None:
    for wrong in (
        {"epoch": 0},
        {"epoch": True},
        {"batch": -1},
        {"batch_size": 0},
        {"images": 1.5},
        {"loss_sum": float("nan")},
        {"seconds": "1"},
    ):
        with pytest.raises(ValueError):  # noqa: PT011 (which of the checks it is does not matter)
            TrainingProgress(**{"batch_size": 8, **wrong})


def test_the_newest_is_read_and_the_one_before_is_kept(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    saved_in(tmp_path, 1, 2, 3)
    assert same(newest_checkpoint(tmp_path), checkpoint(3))
    assert same(from_bytes((tmp_path / PREVIOUS_FILE).read_bytes()), checkpoint(2))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"?")])
def test_the_one_before_stands_in_and_is_not_lost_by_the_next_saving(
    harm: Callable[[Path], object], tmp_path: Path
) -> None:
    saved_in(tmp_path, 1, 2)
    harm(tmp_path / NEWEST_FILE)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.is_previous
    assert same(found.checkpoint, checkpoint(1))
    make_newest(tmp_path)
    assert same(newest_checkpoint(tmp_path), checkpoint(1))
    saved_in(tmp_path, 3)
    assert same(from_bytes((tmp_path / PREVIOUS_FILE).read_bytes()), checkpoint(1))
    damaged = tmp_path / DAMAGED_FILE
    assert not damaged.exists() or damaged.read_bytes() == b"?"


def test_two_damaged_ones_are_refused_with_the_reason(tmp_path: Path) -> None:
    for name in (NEWEST_FILE, PREVIOUS_FILE):
        (tmp_path / name).write_bytes(b"{}" * 99)
    with pytest.raises(RunFolderError, match=r"is of no use \(its beginning is damaged"):
        load_checkpoint(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_twenty_mutated_checkpoints_are_refused_and_none_is_deleted(tmp_path: Path) -> None:
    chance = random.Random(0)
    whole = bytes(to_bytes(checkpoint()))
    header = int.from_bytes(whole[:8], "little")
    mutants = [whole[: chance.randrange(len(whole))] for _ in range(5)]
    mutants += [
        whole[:place] + chance.randbytes(9) + whole[place + 9 :]
        for place in [chance.randrange(8 + header, len(whole) - 9) for _ in range(7)]
    ]
    mutants += [b"", b"\x80\x04.", b"PK\x03\x04", b"\xff" * 500, b"\x00" * 500]
    mutants += [
        (4).to_bytes(8, "little") + b"[[]]",
        (2).to_bytes(8, "little") + b"{}",
        (20_000).to_bytes(8, "little") + b"[" * 20_000,
    ]
    assert len(mutants) == 20
    for mutant in mutants:
        (tmp_path / NEWEST_FILE).write_bytes(mutant)
        with pytest.raises(RunFolderError, match="is of no use"):
            load_checkpoint(tmp_path)
        assert (tmp_path / NEWEST_FILE).read_bytes() == mutant


def test_one_of_a_newer_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.checkpoint.FORMAT_VERSION", 2)
    content = bytes(to_bytes(checkpoint()))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="another version"):
        from_bytes(content)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_what_the_disk_refuses_leaves_what_was_there(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_in(tmp_path, 1, 2)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "write_bytes", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        save_checkpoint(tmp_path, checkpoint(3))
    assert same(newest_checkpoint(tmp_path), checkpoint(2))


class Disk:
    """Takes checkpoints once it is open, and refuses as many as it was told."""

    def __init__(self) -> None:
        self.open, self.begun = threading.Event(), threading.Event()
        self.written: list[int] = []
        self.threads: set[str] = set()
        self._n_refused, self._error = 0, Exception

    def refuse(self, n: int, error: type[Exception]) -> None:
        self._n_refused, self._error = n, error
        self.open.set()

    def __call__(self, given: Checkpoint) -> None:
        self.begun.set()
        assert self.open.wait(10)
        self.threads.add(threading.current_thread().name)
        if self._n_refused:
            self._n_refused -= 1
            raise self._error("no room")
        self.written.append(given.progress.epoch)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def writer(disk: Disk) -> CheckpointWriter:
    return CheckpointWriter(disk)


def test_training_does_not_wait_for_the_disk_and_only_the_newest_that_waits_is_written(
    disk: Disk, writer: CheckpointWriter
) -> None:
    for number in (1, 2, 3, 4):
        writer.submit(checkpoint(number))  # returns although the disk stands still
    assert disk.begun.wait(10)
    disk.open.set()
    writer.finish()
    assert disk.written == [1, 4]
    assert threading.current_thread().name not in disk.threads


def test_one_that_was_refused_is_tried_again_at_the_end(
    disk: Disk, writer: CheckpointWriter
) -> None:
    disk.refuse(1, OSError)
    writer.submit(checkpoint(1))
    writer.finish()
    assert disk.written == [1]
    assert writer.error is None


@pytest.mark.parametrize("error", [OSError, MemoryError, ZeroDivisionError])
def test_what_is_refused_to_the_end_is_an_error(
    error: type[Exception], disk: Disk, writer: CheckpointWriter
) -> None:
    disk.refuse(9, error)
    writer.submit(checkpoint(1))
    with pytest.raises(error, match="no room"):
        writer.finish()


def test_a_refusal_is_known_until_the_next_success(disk: Disk, writer: CheckpointWriter) -> None:
    disk.refuse(1, OSError)
    writer.submit(checkpoint(1))
    while writer.error is None:
        writer.advance()
    writer.submit(checkpoint(2))
    while writer.error is not None:
        writer.advance()
    writer.finish()
    assert disk.written == [2]


def test_with_nothing_to_write_the_end_is_quiet(disk: Disk, writer: CheckpointWriter) -> None:
    writer.finish()
    writer.abandon()
    assert disk.written == []
