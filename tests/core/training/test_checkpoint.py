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
from tests.core.training.checkpoints import checkpoint, same


def loaded(folder: Path) -> Checkpoint:
    found = load_checkpoint(folder)
    assert found is not None
    return found.checkpoint


def test_all_of_it_comes_back_to_the_bit() -> None:
    for number in (1, 2):
        assert same(from_bytes(bytes(to_bytes(checkpoint(number)))), checkpoint(number))


@pytest.mark.parametrize("dtype", ["?", "u1", "i4", "i8", "f2", "f4", "f8"])
def test_every_type_of_array_comes_back(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    one = dataclasses.replace(checkpoint(), arrays={"a": array, "turned": array.T})
    assert same(from_bytes(bytes(to_bytes(one))), one)


def test_a_type_that_it_does_not_hold_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="names has the type"):
        to_bytes(dataclasses.replace(checkpoint(), arrays={"names": np.array(["a"])}))


def test_the_file_is_one_that_safetensors_reads() -> None:
    arrays = safetensors.numpy.load(bytes(to_bytes(checkpoint())))
    expected = checkpoint().arrays
    assert arrays.keys() == expected.keys()
    assert all(np.array_equal(arrays[name], array) for name, array in expected.items())


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


def test_bytes_after_the_end_are_noticed() -> None:
    with pytest.raises(ValueError, match="bytes where"):
        from_bytes(bytes(to_bytes(checkpoint())) + b"x")


@pytest.mark.parametrize(
    "position",
    [
        {"epoch": 0},
        {"epoch": True},
        {"batch": -1},
        {"batch_size": 0},
        {"images": 1.5},
        {"loss_sum": float("nan")},
        {"seconds": "1"},
    ],
)
def test_a_position_that_cannot_be_is_refused(position: dict) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (which of the checks it is does not matter)
        TrainingProgress(**{"batch_size": 8, **position})


def test_the_newest_is_read_and_the_one_before_is_kept(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    for number in (1, 2, 3):
        save_checkpoint(tmp_path, checkpoint(number))
    assert same(loaded(tmp_path), checkpoint(3))
    assert same(from_bytes((tmp_path / PREVIOUS_FILE).read_bytes()), checkpoint(2))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"?")])
def test_the_one_before_stands_in_and_is_not_lost_by_the_next_saving(
    harm: Callable[[Path], object], tmp_path: Path
) -> None:
    for number in (1, 2):
        save_checkpoint(tmp_path, checkpoint(number))
    harm(tmp_path / NEWEST_FILE)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.is_previous
    assert same(found.checkpoint, checkpoint(1))
    make_newest(tmp_path)
    assert same(loaded(tmp_path), checkpoint(1))
    save_checkpoint(tmp_path, checkpoint(3))
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
    for written in (1, 2):
        save_checkpoint(tmp_path, checkpoint(written))

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "write_bytes", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        save_checkpoint(tmp_path, checkpoint(3))
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert not found.is_previous
    assert same(found.checkpoint, checkpoint(2))


def test_the_description_is_plain_json() -> None:
    content = bytes(to_bytes(checkpoint(2)))
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    description = json.loads(header["__metadata__"]["pneumoscope_checkpoint"])
    assert description["position"]["loss_sum"] == 0.1 + 0.2
    assert Best(**description["best"]) == checkpoint(2).best
    assert Spent(**description["spent"]) == checkpoint(2).spent


class Disk:
    """Takes checkpoints when it is let, and refuses the first few."""

    def __init__(self, n_refused: int = 0, error: type[Exception] = OSError) -> None:
        self.open, self.begun = threading.Event(), threading.Event()
        self.written: list[int] = []
        self.threads: set[str] = set()
        self._n_refused, self._error = n_refused, error

    def __call__(self, given: Checkpoint) -> None:
        self.begun.set()
        assert self.open.wait(10)
        self.threads.add(threading.current_thread().name)
        if self._n_refused:
            self._n_refused -= 1
            raise self._error("no room")
        self.written.append(given.position.epoch)


def test_training_does_not_wait_for_the_disk() -> None:
    disk = Disk()
    writer = CheckpointWriter(disk)
    writer.submit(checkpoint(1))  # returns although the disk stands still
    disk.open.set()
    writer.finish()
    assert disk.written == [1]
    assert disk.threads != {threading.current_thread().name}


def test_of_those_that_wait_only_the_newest_is_written() -> None:
    disk = Disk()
    writer = CheckpointWriter(disk)
    for number in (1, 2, 3, 4):
        writer.submit(checkpoint(number))
    assert disk.begun.wait(10)
    disk.open.set()
    writer.finish()
    assert disk.written == [1, 4]


def test_one_that_was_refused_is_tried_again_at_the_end() -> None:
    disk = Disk(n_refused=1)
    disk.open.set()
    writer = CheckpointWriter(disk)
    writer.submit(checkpoint(1))
    writer.finish()
    assert disk.written == [1]
    assert writer.error is None


@pytest.mark.parametrize("error", [OSError, MemoryError])
def test_what_is_refused_to_the_end_is_an_error(error: type[Exception]) -> None:
    disk = Disk(n_refused=9, error=error)
    disk.open.set()
    writer = CheckpointWriter(disk)
    writer.submit(checkpoint(1))
    with pytest.raises(error, match="no room"):
        writer.finish()


def test_a_refusal_is_known_until_the_next_success() -> None:
    disk = Disk(n_refused=1)
    disk.open.set()
    writer = CheckpointWriter(disk)
    writer.submit(checkpoint(1))
    while writer.error is None:
        writer.advance()
    writer.submit(checkpoint(2))
    while writer.error is not None:
        writer.advance()
    writer.finish()
    assert disk.written == [2]


def test_a_mistake_of_ours_is_not_hidden() -> None:
    disk = Disk(n_refused=9, error=ZeroDivisionError)
    disk.open.set()
    writer = CheckpointWriter(disk)
    writer.submit(checkpoint(1))
    with pytest.raises(ZeroDivisionError):
        writer.finish()


def test_with_nothing_to_write_the_end_is_quiet() -> None:
    disk = Disk()
    writer = CheckpointWriter(disk)
    writer.finish()
    writer.abandon()
    assert disk.written == []
