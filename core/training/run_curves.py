"""The curves of a run as arrays, ready to be drawn."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.training.run_events import BATCH_NUMBERS, RunEvents, read_events
from core.training.run_folder import METRICS_FILE

SMOOTHING = 0.9  # weight of the past in the exponential moving average, as on the Train page
_KERNEL = (1 - SMOOTHING) * SMOOTHING ** np.arange(100)  # what is older weighs under 3e-5
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """What a run recorded: B batches and E epochs, each once; NaN where nothing was measured."""

    step: NDArray[np.int64]  # (B,), 1-based over the whole run
    loss: Values  # (B,), nats per film
    accuracy: Values  # (B,), fractions in [0, 1]
    smooth_loss: Values  # (B,), moving averages
    smooth_accuracy: Values  # (B,)
    learning_rate: Values  # (B,)
    epoch: NDArray[np.int64]  # (E,), 1-based
    epoch_step: NDArray[np.int64]  # (E,), the last step of each epoch
    train_loss: Values  # (E,)
    train_accuracy: Values  # (E,)
    validation_loss: Values  # (E,)
    validation_accuracy: Values  # (E,)


def read_curves(path: Path) -> Curves:
    """Read the curves of the run in the folder `path`.

    Raises:
        RunFolderError: Its metrics.jsonl cannot be read.
    """
    return curves_of(read_events(path / METRICS_FILE))


def curves_of(events: RunEvents) -> Curves:
    """The events that have values, as arrays."""
    batches = np.frombuffer(events.numbers, dtype=np.float64).reshape(-1, BATCH_NUMBERS)
    epochs = events.epochs
    loss, accuracy = batches[:, 3].copy(), batches[:, 4].copy()  # a view would keep all columns
    return Curves(
        step=np.arange(1, len(batches) + 1),
        loss=loss,
        accuracy=accuracy,
        smooth_loss=smoothed(loss),
        smooth_accuracy=smoothed(accuracy),
        learning_rate=batches[:, 5].copy(),
        epoch=np.array([one.epoch for one in epochs], dtype=np.int64),
        epoch_step=np.array([one.n_batches for one in epochs], dtype=np.int64),
        train_loss=np.array([one.train_loss for one in epochs], dtype=np.float64),
        train_accuracy=np.array([one.train_accuracy for one in epochs], dtype=np.float64),
        validation_loss=np.array([one.validation_loss for one in epochs], dtype=np.float64),
        validation_accuracy=np.array([one.validation_accuracy for one in epochs], dtype=np.float64),
    )


def smoothed(values: Values) -> Values:
    """The exponential moving average of values, those that are no numbers left out.

    Args:
        values: Shape (B,).

    Returns:
        Shape (B,); NaN before the first number. The first values are means of few, as no
        start is assumed.
    """
    if len(values) == 0:
        return values
    is_number = np.isfinite(values)
    kernel = _KERNEL[: len(values)]
    sums = np.convolve(np.where(is_number, values, 0.0), kernel)[: len(values)]
    weights = np.convolve(is_number.astype(np.float64), kernel)[: len(values)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weights > 1e-9, sums / weights, np.nan)
