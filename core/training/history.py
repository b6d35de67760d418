"""What a run had recorded, as the events that reported it, for curves that go on from there."""

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from core.errors import Message, RunFolderError
from core.events import BatchDone, EpochDone
from core.training.run_folder import METRICS_FILE

N_COLUMNS = 8  # the fields of BatchDone, in their order
_LOSS, _ACCURACY = 3, 4


class BatchRecord(Sequence[BatchDone]):
    """A list of `BatchDone` that holds no objects.

    With 100,000 of them in memory Python's garbage collector stopped the window for a fifth of
    a second every few seconds.
    """

    def __init__(self, batches: Iterable[BatchDone] = ()) -> None:
        self._columns = tuple(array("d") for _ in range(N_COLUMNS))
        for batch in batches:
            self.append(batch)

    def append(self, batch: BatchDone) -> None:
        """Add a batch at the end."""
        self.append_values(astuple(batch))

    def append_values(self, values: Sequence[float]) -> None:
        """Add a batch by its N_COLUMNS values."""
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, index: int) -> BatchDone: ...

    @overload
    def __getitem__(self, index: slice) -> list[BatchDone]: ...

    def __getitem__(self, index: int | slice) -> BatchDone | list[BatchDone]:
        if isinstance(index, slice):
            return [self[one] for one in range(len(self))[index]]
        epoch, batch, batches, *values = (column[index] for column in self._columns)
        return BatchDone(int(epoch), int(batch), int(batches), *values)

    @property
    def losses(self) -> NDArray[np.float64]:
        """A copy, shape (n,), nats per image."""
        return np.array(self._columns[_LOSS])

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """A copy, shape (n,), fractions."""
        return np.array(self._columns[_ACCURACY])


MAX_BYTES = 1 << 29  # 2.4 million batches
BLOCK_BYTES = 1 << 18  # some 1,200 lines, parsed in 3 ms
MAX_LINE_BYTES = 1 << 20  # more without an end of line is no event
MAX_EPOCH = 1_000_000
_BEGIN = b'{"event"'  # of every line that training writes

_MAX_INTEGER = 2**53  # beyond it floats have gaps

# batches: of the epoch
_BATCH_NAMES = ("epoch", "batch", "batches", "loss", "accuracy", "learning_rate")
BATCH_NUMBERS = len(_BATCH_NAMES)
_BATCH_TYPES = (int, int, int, float, float, float)
Batch = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One EpochDone; NaN where the run had nothing to measure."""

    epoch: int  # 1-based
    n_batches: int  # recorded before its end, of the whole run
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    is_best: bool
    seconds: float


@dataclass(slots=True)
class RunEvents:
    """The story of a run, each batch and epoch once."""

    # The numbers of one batch after the other. Not tuples: Python's collector looks through
    # all of those again and again, and the window waits.
    numbers: "array[float]" = field(default_factory=lambda: array("d"))
    epochs: list[Epoch] = field(default_factory=list)
    started: dict[str, Any] = field(default_factory=dict)  # TrainingStarted; empty: none
    done: dict[str, Any] = field(default_factory=dict)  # TrainingDone; empty: none
    n_damaged: int = 0  # lines that cannot be read

    @property
    def n_batches(self) -> int:
        """Batches that are recorded so far."""
        return len(self.numbers) // BATCH_NUMBERS

    @property
    def batches(self) -> list[Batch]:
        """Every batch, in order."""
        numbers = iter(self.numbers)
        return list(zip(*[numbers] * BATCH_NUMBERS, strict=True))

    def take(self, event: object) -> None:
        """Go on with the next line.

        Raises:
            ValueError: It is not what training writes.
        """
        if not isinstance(event, dict):
            raise ValueError("not a JSON object")
        match event.get("event"):
            case "BatchDone":
                self.numbers.extend(_batch(event))
            case "EpochDone":
                self.epochs.append(_epoch(event, self.n_batches))
            case "Resumed":
                self._go_back(_number(event, "epoch"), _number(event, "batch"))
            case "TrainingStarted":
                self.started = event
            case "TrainingDone":
                self.done = event
            case str():  # of a newer program, or of no matter to curves
                pass
            case _:
                raise ValueError("no event")

    def _go_back(self, epoch: float, batch: float) -> None:
        """Forget what was recorded after `batch` of `epoch`, which goes on: it comes once more."""
        numbers = self.numbers
        while numbers and tuple(numbers[-BATCH_NUMBERS:][:2]) > (epoch, batch):
            del numbers[-BATCH_NUMBERS:]
        while self.epochs and self.epochs[-1].epoch >= epoch:
            self.epochs.pop()
        self.done = {}


def read_events(path: Path) -> RunEvents:
    """Read a metrics.jsonl; a last line that a kill cut short is no damage, nor is no file.

    Raises:
        RunFolderError: The file cannot be read or is larger than any run makes it.
    """
    events = RunEvents()
    try:
        if not path.exists():  # the run was killed before its first event
            return events
        if path.stat().st_size > MAX_BYTES:
            raise RunFolderError(
                Message(
                    "The file {file} is larger than any run makes it. Put the right file back.",
                    file=path.name,
                )
            )
        for lines in _blocks(path):
            _take_all(events, lines)
    except OSError as error:
        raise RunFolderError(
            Message(
                "The file {file} cannot be read ({reason}). Check that you may read it.",
                file=path.name,
                reason=error.strerror or str(error),
            )
        ) from error
    return events


def _blocks(path: Path) -> Iterator[list[bytes]]:
    """The lines of a file, some hundred at a time; an unfinished last one only if it is whole."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > MAX_LINE_BYTES:
                lines, rest = [*lines, rest], b""
            yield lines
    if rest.rstrip().endswith(b"}"):
        yield [rest]


def _take_all(events: RunEvents, lines: list[bytes]) -> None:
    try:
        together = json.loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        together = None
    if together is None or len(together) != len(lines):
        together = [_parsed(line) for line in lines if line.strip()]
    for event in together:
        try:
            events.take(event)
        except ValueError:
            events.n_damaged += 1


def _parsed(line: bytes) -> object:
    """One line on its own; None where it cannot be read."""
    # Behind a line that a kill cut short stands the next one, of the process that resumed.
    for begin in (0, line.rfind(_BEGIN)):
        if begin >= 0:
            try:
                return json.loads(line[begin:])
            except (ValueError, RecursionError):
                continue
    return None


def _batch(event: dict[str, Any]) -> Batch:
    values: Batch = tuple(map(event.get, _BATCH_NAMES))  # type: ignore[assignment]
    if tuple(map(type, values)) == _BATCH_TYPES and max(values[:3]) < _MAX_INTEGER:
        return values  # nearly always, and there are many
    numbers: Batch = tuple(_number(event, name) for name in _BATCH_NAMES)  # type: ignore[assignment]
    return numbers


def _epoch(event: dict[str, Any], n_batches: int) -> Epoch:
    epoch, is_best = event.get("epoch"), event.get("is_best")
    if type(epoch) is not int or not 1 <= epoch <= MAX_EPOCH or not isinstance(is_best, bool):
        raise ValueError("no epoch")
    return Epoch(
        epoch=epoch,
        n_batches=n_batches,
        train_loss=_number(event, "train_loss"),
        train_accuracy=_number(event, "train_accuracy"),
        validation_loss=_number(event, "validation_loss"),
        validation_accuracy=_number(event, "validation_accuracy"),
        is_best=is_best,
        seconds=_number(event, "seconds"),
    )


def _number(event: dict[str, Any], name: str) -> float:
    value = event.get(name, "")
    if value is None:
        return float("nan")
    if type(value) is float:
        return value
    if type(value) is not int or abs(value) > _MAX_INTEGER:
        raise ValueError(f"{name} is no number")
    return float(value)


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
