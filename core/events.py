"""Events of long work: frozen values, the same for window, command line and metrics.jsonl."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import Message


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage of work with a known end (unpacking, reading, decoding)."""

    stage: Message
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TrainingStarted:
    """The network is built and the first batch is about to run."""

    architecture: str
    device: str
    precision: str  # "float32" or "mixed"
    epochs: int
    batches_per_epoch: int
    n_train: int  # images
    n_validation: int
    n_test: int
    n_parameters: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run goes on from its checkpoint; what it had recorded beyond that did not happen."""

    epoch: int  # 1-based: the epoch that goes on
    batch: int  # how many of its batches are done
    is_from_previous: bool = False  # the newest checkpoint was of no use, the one before it is
    # Threads that the run began with and has now, where they differ: sums are rounded otherwise.
    threads: tuple[int, int] | None = None

    @property
    def warning(self) -> Message | None:
        """The sentence for the user where the run cannot end bit for bit as it would have."""
        if self.threads is None:
            return None
        began, now = self.threads
        return Message(
            "The run began on {began} threads and goes on with {now}. Its weights will differ a "
            "little from those of an uninterrupted run; set OMP_NUM_THREADS={began} to get the "
            "same, bit for bit.",
            began=began,
            now=now,
        )


@dataclass(frozen=True, slots=True)
class BatchHalved:
    """The device's memory did not hold a batch; training goes on with smaller ones."""

    epoch: int  # 1-based
    batch: int  # 1-based: the one that did not fit
    batch_size: int  # from now on, images

    @property
    def message(self) -> Message:
        """The event in the user's words."""
        return Message(
            "The memory did not hold batch {batch} of epoch {epoch}, so batches hold {n} films "
            "from now on. The learning rate stays as it was. To keep larger batches, choose a "
            "smaller image size or close other programs.",
            batch=self.batch,
            epoch=self.epoch,
            n=self.batch_size,
        )


@dataclass(frozen=True, slots=True)
class SavingFailed:
    """A file of the run could not be written; training goes on and it is tried again."""

    message: Message


@dataclass(frozen=True, slots=True)
class FilmsRepaired:
    """Stored copies of films were damaged and were read from the films again."""

    message: Message


@dataclass(frozen=True, slots=True)
class BatchDone:
    """One optimiser step."""

    epoch: int  # 1-based
    batch: int  # 1-based within the epoch
    batches: int  # of this epoch
    loss: float  # mean cross-entropy of the batch, nats per image
    accuracy: float  # fraction in [0, 1]
    learning_rate: float  # that the step used
    images_per_second: float  # over the last batches, augmentation included
    seconds_left: float  # to the end of training, validation included


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One pass over the training images and one over the validation images."""

    epoch: int  # 1-based
    train_loss: float  # mean over images as they were augmented, nats per image
    train_accuracy: float
    validation_loss: float | None  # None: this split has no validation part
    validation_accuracy: float | None
    is_best: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainingDone:
    """Training ended; the files are on disk."""

    model: Path  # the best model file
    epochs: int  # finished
    best_epoch: int
    seconds: float
    images_per_second: float  # training images over the time spent training
    validation_accuracy: float | None  # of the best epoch
    test_accuracy: float | None  # None: this split has no test part
    test_loss: float | None
    weights_sha256: str = ""  # of the last weights' bytes, as in their model file


TrainingEvent = (
    Progress
    | TrainingStarted
    | Resumed
    | BatchDone
    | BatchHalved
    | EpochDone
    | FilmsRepaired
    | SavingFailed
    | TrainingDone
)


def to_json(event: Any) -> dict[str, Any]:
    """Return a training event as a line of metrics.jsonl; paths and sentences become text."""
    values = {
        name: str(value) if isinstance(value, Path | Message) else value
        for name, value in asdict(event).items()
    }
    return {"event": type(event).__name__, **values}
