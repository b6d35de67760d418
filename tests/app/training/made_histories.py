"""Histories of runs that never were."""

from collections.abc import Iterable

from core.events import BatchDone, EpochDone
from core.training.history import History


def add_batches(history: History, losses: Iterable[float], accuracy: float = 0.5) -> None:
    """Go on with batches of these losses."""
    for loss in losses:
        history.append(BatchDone(1, history.n_batches + 1, 100, loss, accuracy, 1e-3, 40.0, 9.0))


def end_epoch(
    history: History, loss: float | None, training: float, accuracy: float | None
) -> None:
    """Go on with the end of an epoch: its validation, and the training accuracy."""
    epoch = len(history.epochs) + 1
    history.append(EpochDone(epoch, 0.5, training, loss, accuracy, True, 1.0))
