import threading

import pytest

from core.training.checkpoint import Checkpoint, CheckpointWriter
from tests.core.training.checkpoints import checkpoint


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
