"""Where a run stands between two batches: all that the next batch needs but the learner."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far training has come, and what the epoch has added up so far."""

    epoch: int = 1  # 1-based: the one that goes on; all before it are done
    batch: int = 0  # done in this epoch
    images: int = 0  # done in this epoch
    batch_size: int  # of the next batch; halved where the memory was too small
    loss_sum: float = 0.0  # over the images of this epoch, nats
    n_correct: int = 0
    seconds: float = 0.0  # spent on this epoch before the run was interrupted

    @property
    def epochs_done(self) -> int:
        """Epochs that were trained and validated."""
        return self.epoch - 1

    def next_epoch(self) -> Self:
        """The beginning of the epoch after this one."""
        return type(self)(epoch=self.epoch + 1, batch_size=self.batch_size)

    def __post_init__(self) -> None:
        counts = (self.epoch, self.batch, self.images, self.batch_size, self.n_correct)
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("a count is no whole number")
        if self.epoch < 1 or self.batch_size < 1:
            raise ValueError("epoch and batch size begin at 1")
        _check_numbers(self.loss_sum, self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The epoch that did best on the validation part, and how."""

    epoch: int  # 1-based
    accuracy: float | None  # fraction in [0, 1]; None: there is no validation part
    loss: float | None  # nats per image

    def is_beaten_by(self, other: "Best") -> bool:
        """Higher validation accuracy, then lower loss; with no validation part, the latest."""
        if None in (self.accuracy, self.loss, other.accuracy, other.loss):
            return True
        assert self.accuracy is not None  # for mypy
        assert self.loss is not None
        assert other.accuracy is not None
        assert other.loss is not None
        return (other.accuracy, -other.loss) > (self.accuracy, -self.loss)

    def __post_init__(self) -> None:
        if type(self.epoch) is not int or self.epoch < 1:
            raise ValueError("the best epoch is no epoch")
        _check_numbers(*(n for n in (self.accuracy, self.loss) if n is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Time and images of the whole run, over all its sittings."""

    images: int = 0  # trained on
    training_seconds: float = 0.0  # without validation, saving and standstill
    validation_seconds: float = 0.0  # of the latest epoch; 0: not known yet
    seconds: float = 0.0  # in all

    def __post_init__(self) -> None:
        if type(self.images) is not int or self.images < 0:
            raise ValueError("the images are no whole number")
        _check_numbers(self.training_seconds, self.validation_seconds, self.seconds)


def to_json(position: Position, best: Best | None, spent: Spent) -> dict[str, Any]:
    """All three as plain JSON types; numbers come back to the bit."""
    return {
        "position": dataclasses.asdict(position),
        "best": dataclasses.asdict(best) if best is not None else None,
        "spent": dataclasses.asdict(spent),
    }


def from_json(values: dict[str, Any]) -> tuple[Position, Best | None, Spent]:
    """Read what `to_json` wrote.

    Raises:
        ValueError: It is something else.
    """
    try:
        best = values["best"]
        return (
            Position(**values["position"]),
            Best(**best) if best is not None else None,
            Spent(**values["spent"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("it does not say where training stood") from error


def _check_numbers(*numbers: float) -> None:
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError("a figure is no number")
        if not math.isfinite(number):
            raise ValueError("a figure is not finite")
