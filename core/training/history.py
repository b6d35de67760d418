"""What a run had recorded, as the events that reported it, for curves that go on from there."""

import math
from dataclasses import dataclass
from pathlib import Path

from core.events import EpochDone
from core.training.batch_record import BatchRecord
from core.training.run_events import Epoch, read_events
from core.training.run_folder import METRICS_FILE


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The batches and epochs of a run until now, each once."""

    batches: BatchRecord  # their speed and time left were not kept: 0
    epochs: tuple[EpochDone, ...]
    epoch_steps: tuple[int, ...]  # batches of the run at the end of each epoch


def read_history(folder: Path) -> History:
    """Read the run in `folder`; a run that has recorded nothing yet has an empty history.

    Raises:
        RunFolderError: Its metrics.jsonl cannot be read.
    """
    path = folder / METRICS_FILE
    if not path.exists():
        return History(BatchRecord(), (), ())
    events = read_events(path)
    batches = BatchRecord()
    for recorded in events.batches:
        if all(map(math.isfinite, recorded[:3])):
            batches.append_values((*recorded, 0.0, 0.0))
    return History(
        batches,
        tuple(_epoch_done(epoch) for epoch in events.epochs),
        tuple(epoch.n_batches for epoch in events.epochs),
    )


def _epoch_done(recorded: Epoch) -> EpochDone:
    return EpochDone(
        epoch=recorded.epoch,
        train_loss=recorded.train_loss,
        train_accuracy=recorded.train_accuracy,
        validation_loss=_or_none(recorded.validation_loss),
        validation_accuracy=_or_none(recorded.validation_accuracy),
        is_best=recorded.is_best,
        seconds=recorded.seconds,
    )


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
