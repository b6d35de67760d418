"""The numbers of a run, while it reports them and as its metrics.jsonl keeps them."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Message, RunFolderError
from core.events import BatchDone, EpochDone, Resumed, TrainingDone, TrainingStarted
from core.training.run_folder import METRICS_FILE

MAX_BYTES = 1 << 29  # 2.4 million batches
BLOCK_BYTES = 1 << 18  # some 1,200 lines, parsed in 3 ms
MAX_LINE_BYTES = 1 << 20  # more without an end of line is no event
MAX_EPOCH: Final = 1_000_000
SMOOTHING: Final = 0.9  # weight of the past in the exponential moving average
_KERNEL = (1 - SMOOTHING) * SMOOTHING ** np.arange(100)  # what is older weighs under 3e-5
_BEGIN = b'{"event"'  # of every line that training writes
_MAX_INTEGER = 2**53  # beyond it floats have gaps
_N_FIELDS, _LOSS, _ACCURACY = 8, 3, 4  # of BatchDone: how many, and the places of two
# The first six fields; speed and time left are not read back, they were of another sitting.
_READ_FIELDS = ("epoch", "batch", "batches", "loss", "accuracy", "learning_rate")
_READ_TYPES = (int, int, int, float, float, float)

Values = NDArray[np.float64]


class History:
    """The batches and epochs of one run, each once, as columns that grow at their end.

    Batches are kept as numbers, not as objects: with 100,000 of those in memory Python's
    garbage collector stopped the window for a fifth of a second every few seconds.
    """

    def __init__(self) -> None:
        self._batches = np.empty((_N_FIELDS, 256))  # the fields of BatchDone in their order
        self._averages = np.empty((2, 256))  # of loss and accuracy
        self._n_averaged = 0
        self.n_batches = 0
        self.epochs: list[EpochDone] = []
        self.epoch_ends: list[int] = []  # batches of the run at the end of each epoch
        self.n_parameters: object = None  # as recorded
        self.test_accuracy: object = None  # as recorded; None: the run has not ended
        self.n_damaged = 0  # lines that could not be read

    @classmethod
    def read(cls, folder: Path) -> "History":
        """Read what the run in `folder` recorded; it may have been killed, or go on.

        Each damaged line is counted; a last line that a kill cut short is no damage, nor is
        it that nothing was recorded yet.

        Raises:
            RunFolderError: Its metrics.jsonl cannot be read or is larger than any run makes it.
        """
        history, path = cls(), folder / METRICS_FILE
        try:
            if not path.exists():
                return history
            if path.stat().st_size > MAX_BYTES:
                raise RunFolderError(
                    Message(
                        "The file {file} is larger than any run makes it. Put the right file back.",
                        file=path.name,
                    )
                )
            for lines in _blocks(path):
                history._take(lines)
        except OSError as error:
            raise RunFolderError(
                Message(
                    "The file {file} cannot be read ({reason}). Check that you may read it.",
                    file=path.name,
                    reason=error.strerror or str(error),
                )
            ) from error
        return history

    def append(self, event: object) -> None:
        """Go on with an event of training; those without numbers for curves change nothing."""
        match event:
            case BatchDone():
                self._extend([astuple(event)])
            case EpochDone():
                self.epochs.append(event)
                self.epoch_ends.append(self.n_batches)
            case Resumed(epoch, batch):
                self._go_back(epoch, batch)
            case TrainingStarted():
                self.n_parameters = event.n_parameters
            case TrainingDone():
                self.test_accuracy = event.test_accuracy

    @property
    def latest(self) -> BatchDone | None:
        """The latest batch; speed and time left are 0 where it was read from a file."""
        if not self.n_batches:
            return None
        epoch, batch, batches, *values = self._batches[:, self.n_batches - 1].tolist()
        return BatchDone(int(epoch), int(batch), int(batches), *values)

    @property
    def best(self) -> EpochDone | None:
        """The latest epoch whose weights were the best so far."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.is_best), None)

    @property
    def steps(self) -> Values:
        """The number of each batch in the run, 1-based, shape (B,)."""
        return np.arange(1.0, self.n_batches + 1)

    @property
    def loss(self) -> Values:
        """Of each batch, shape (B,), nats per image."""
        return self._batches[_LOSS, : self.n_batches]

    @property
    def accuracy(self) -> Values:
        """Of each batch, shape (B,), fractions."""
        return self._batches[_ACCURACY, : self.n_batches]

    @property
    def smooth_loss(self) -> Values:
        """The moving average of `loss`, shape (B,)."""
        return self._averaged()[0]

    @property
    def smooth_accuracy(self) -> Values:
        """The moving average of `accuracy`, shape (B,)."""
        return self._averaged()[1]

    def of_epochs(self, name: str) -> Values:
        """Return one field of every EpochDone, shape (E,); NaN where nothing was measured."""
        values = (getattr(epoch, name) for epoch in self.epochs)
        return np.array([math.nan if value is None else value for value in values], np.float64)

    def _averaged(self) -> NDArray[np.float64]:
        """Bring the moving averages up to date; shape (2, B)."""
        n, done = self.n_batches, self._n_averaged
        if self._averages.shape[1] < n:
            self._averages = _with_room(self._averages, self._batches.shape[1])
        if done < n:
            begin = max(0, done - len(_KERNEL))
            for place, values in enumerate((self.loss, self.accuracy)):
                self._averages[place, done:n] = smoothed(values[begin:])[done - begin :]
            self._n_averaged = n
        return self._averages[:, :n]

    def _extend(self, rows: Sequence[Sequence[float]]) -> None:
        """Add batches; fields that a row lacks at its end are 0."""
        n = self.n_batches + len(rows)
        if n > self._batches.shape[1]:
            self._batches = _with_room(self._batches, max(n, 2 * self._batches.shape[1]))
        columns = np.array(rows, np.float64).T
        self._batches[: len(columns), self.n_batches : n] = columns
        self._batches[len(columns) :, self.n_batches : n] = 0.0
        self.n_batches = n

    def _go_back(self, epoch: float, batch: float) -> None:
        """Forget what was recorded after `batch` of `epoch`, which goes on: it comes once more."""
        n = self.n_batches
        while n and tuple(self._batches[:2, n - 1]) > (epoch, batch):
            n -= 1
        self.n_batches, self._n_averaged = n, min(n, self._n_averaged)
        while self.epochs and self.epochs[-1].epoch >= epoch:
            self.epochs.pop()
            self.epoch_ends.pop()
        self.test_accuracy = None

    def _take(self, lines: list[bytes]) -> None:
        """Go on with lines of metrics.jsonl."""
        rows: list[Sequence[float]] = []
        for line in _parsed(lines):
            try:
                if isinstance(line, dict) and line.get("event") == "BatchDone":
                    rows.append(_batch(line))
                    continue
                self._extend_with(rows)
                self._take_other(line)
            except ValueError:
                self.n_damaged += 1
        self._extend_with(rows)

    def _extend_with(self, rows: list[Sequence[float]]) -> None:
        if rows:
            self._extend(rows)
            rows.clear()

    def _take_other(self, line: object) -> None:
        if not isinstance(line, dict):
            raise ValueError("not a JSON object")
        match line.get("event"):
            case "EpochDone":
                self.append(_epoch(line))
            case "Resumed":
                self._go_back(_number(line, "epoch"), _number(line, "batch"))
            case "TrainingStarted":
                self.n_parameters = line.get("n_parameters")
            case "TrainingDone":
                self.test_accuracy = line.get("test_accuracy")
            case str():  # of a newer program, or of no matter to curves
                pass
            case _:
                raise ValueError("no event")


def smoothed(values: Values) -> Values:
    """Return the exponential moving average of values, those that are no numbers left out.

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


def _with_room(table: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    larger = np.empty((len(table), n))
    larger[:, : table.shape[1]] = table
    return larger


def _blocks(path: Path) -> Iterator[list[bytes]]:
    """Yield the lines of a file, some hundred at a time; an unfinished last one if it is whole."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > MAX_LINE_BYTES:
                lines, rest = [*lines, rest], b""
            yield lines
    if rest.rstrip().endswith(b"}"):
        yield [rest]


def _parsed(lines: list[bytes]) -> list[object]:
    try:
        together: list[object] = json.loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        together = []
    if len(together) == len(lines):
        return together
    return [_parsed_alone(line) for line in lines if line.strip()]


def _parsed_alone(line: bytes) -> object:
    """Parse one line; None where it cannot be read."""
    # Behind a line that a kill cut short stands the next one, of the process that resumed.
    for begin in (0, line.rfind(_BEGIN)):
        if begin >= 0:
            try:
                return json.loads(line[begin:])
            except (ValueError, RecursionError):
                continue
    return None


def _batch(line: dict[str, Any]) -> Sequence[float]:
    values: tuple[Any, ...] = tuple(map(line.get, _READ_FIELDS))
    if tuple(map(type, values)) == _READ_TYPES and max(values[:3]) < _MAX_INTEGER:
        return values  # nearly always, and there are many
    numbers = tuple(_number(line, name) for name in _READ_FIELDS)
    if not all(map(math.isfinite, numbers[:3])):
        raise ValueError("no batch")
    return numbers


def _epoch(line: dict[str, Any]) -> EpochDone:
    epoch, is_best = line.get("epoch"), line.get("is_best")
    if type(epoch) is not int or not 1 <= epoch <= MAX_EPOCH or not isinstance(is_best, bool):
        raise ValueError("no epoch")
    validation_loss = _number(line, "validation_loss")
    validation_accuracy = _number(line, "validation_accuracy")
    return EpochDone(
        epoch=epoch,
        train_loss=_number(line, "train_loss"),
        train_accuracy=_number(line, "train_accuracy"),
        validation_loss=None if math.isnan(validation_loss) else validation_loss,
        validation_accuracy=None if math.isnan(validation_accuracy) else validation_accuracy,
        is_best=is_best,
        seconds=_number(line, "seconds"),
    )


def _number(line: dict[str, Any], name: str) -> float:
    value = line.get(name, "")
    if value is None:
        return math.nan
    if type(value) is float:
        return value
    if type(value) is not int or abs(value) > _MAX_INTEGER:
        raise ValueError(f"{name} is no number")
    return float(value)
