"""When a run is saved while it trains, and what to say where the disk refuses."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial

from core.errors import Message, RunFolderError
from core.events import SavingFailed
from core.training.checkpoint import Checkpoint, drop_previous, load_checkpoint, save_checkpoint
from core.training.checkpoint_writer import CheckpointWriter
from core.training.run_folder import RunFolder
from core.training.run_models import RunModels

SAVE_EVERY_S = 60.0
FIRST_SAVE_S = 15.0  # sooner: a run that is interrupted again and again must come forward


class Saving:
    """Writes checkpoints while training goes on; each trouble is told once.

    Args:
        run: Where they are written.
        models: Whose best weights may wait for room on the disk, too.
        clock: Seconds, never going back.
    """

    def __init__(
        self, run: RunFolder, models: RunModels, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run, self._models, self._clock = run, models, clock
        self._writer = CheckpointWriter(partial(_save, run, models))
        self._saved_at = clock() - max(0.0, SAVE_EVERY_S - FIRST_SAVE_S)
        self._told: set[str] = set()  # templates of what is wrong and was said already

    @property
    def is_due(self) -> bool:
        """Whether the latest checkpoint is a minute old, or the first one is wanted."""
        return self._clock() - self._saved_at >= SAVE_EVERY_S

    def submit(self, take_checkpoint: Callable[[], Checkpoint]) -> None:
        """Take a checkpoint; write it and a best model that waits in the background."""
        self._saved_at = self._clock()
        try:
            checkpoint = take_checkpoint()
        except MemoryError as error:  # the copy did not fit; the next one may
            self._writer.error = error
        else:
            self._writer.submit(checkpoint)

    def troubles(self) -> Iterator[SavingFailed]:
        """What cannot be written and was not told yet."""
        self._writer.advance()
        messages = [self._run.trouble]
        if self._writer.error is not None:
            messages.append(_not_saved(self._run, self._writer.error))
        if self._models.error is not None:
            messages.append(self._models.error.message)
        now = {message.template: message for message in messages if message is not None}
        new = [message for template, message in now.items() if template not in self._told]
        self._told = set(now)
        for message in new:
            self._run.log(str(message))
            yield SavingFailed(message)

    def make_room(self) -> None:
        """Once the last checkpoint is written, delete the one before: models need the room."""
        self._writer.wait()
        if self._writer.error is None:
            with contextlib.suppress(OSError):
                drop_previous(self._run.path)

    def finish(self) -> None:
        """Wait until the newest checkpoint is written.

        Raises:
            RunFolderError: The disk refuses.
        """
        try:
            self._writer.finish()
        except (OSError, MemoryError) as error:
            raise RunFolderError(_not_saved(self._run, error)) from error

    def abandon(self) -> None:
        """Leave no thread behind, and no best model unsaved; harmless after `finish`."""
        self._writer.abandon()
        self._models.save_waiting()

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that was written, if it can be read."""
        self.abandon()
        try:
            found = load_checkpoint(self._run.path)
        except RunFolderError:
            return None
        return found.checkpoint if found is not None else None


def _save(run: RunFolder, models: RunModels, checkpoint: Checkpoint) -> None:
    # First: a run that goes on from this checkpoint looks for the best model that it names.
    models.save_waiting()
    # What was recorded up to the checkpoint should not be lost before it.
    with contextlib.suppress(OSError):
        run.sync()
    save_checkpoint(run.path, checkpoint)


def _not_saved(run: RunFolder, error: OSError | MemoryError) -> Message:
    return Message(
        "The state of training could not be saved in {folder} ({reason}); the state that was "
        "saved before is still there. It is tried again every minute. Free some disk space, or "
        "check that the folder may be written to.",
        folder=str(run.path),
        reason=getattr(error, "strerror", None) or str(error) or "out of memory",
    )
