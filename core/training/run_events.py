"""What a run recorded in metrics.jsonl, without what it trained a second time after a resume.

Read in blocks, a block as one JSON array: 100,000 lines take a third of a second, and the
window, which shares the interpreter, waits for no more than one block.
"""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Message, RunFolderError

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
