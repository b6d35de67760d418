"""Saves checkpoints on a thread of its own, so that training does not wait for the disk."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from core.training.checkpoint import Checkpoint


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
