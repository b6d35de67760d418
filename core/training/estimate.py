"""Estimate the time and memory of a run: a few real batches are trained and timed."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.config import TrainingConfig
from core.data.batches import BatchSource
from core.data.cache import ImageCache
from core.data.dataset import LoadedDataset
from core.data.splits import Splits, split
from core.errors import Message
from core.events import Progress
from core.runtime.devices import Device, choose_device, list_devices
from core.runtime.memory import MemoryMeter, memory_for
from core.runtime.threads import BUILDING, physical_core_count, release_freed_memory
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.training.learner import Learner

N_BATCHES = 2  # that are timed; the one before them warms up
MIN_SECONDS = 1.0  # a fast card is timed over more batches
MAX_BATCHES = 20
_STAGE = Message("Measuring two batches")


@dataclass(frozen=True, slots=True)
class Estimate:
    """The time and memory that a run will take, by measured batches."""

    seconds: float  # of the whole run: training, validation after each epoch, the test
    memory_bytes: int  # at the peak: of the program on the CPU, else of the card
    device: Device


def estimate(
    config: TrainingConfig, loaded: LoadedDataset, device_name: str, workspace: Workspace
) -> Iterator[Progress | Estimate]:
    """Measure two batches of the run that `config` describes; nothing is kept.

    Args:
        config: The run's settings.
        loaded: Films that were read once, at any size.
        device_name: "auto", "cpu" or "gpu:N".
        workspace: Where the decoded films of this size are kept: they are needed later anyway.

    Yields:
        Progress, each a cancel point, and at last the estimate.

    Raises:
        PneumoScopeError: The run could not start either; a batch does not fit into the device's
            memory, for instance.
    """
    device = choose_device(device_name, list_devices())
    splits = split(loaded.dataset, loaded.grouping, config)
    cache: ImageCache | None = None
    for step in loaded.at_size(config.preprocessing.image_size, workspace):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of at_size
    try:
        yield from _measure(config, loaded, splits, cache, device)
    finally:
        release_freed_memory()


def _measure(
    config: TrainingConfig,
    loaded: LoadedDataset,
    splits: Splits,
    cache: ImageCache,
    device: Device,
) -> Generator[Progress | Estimate, None, None]:
    # Here, because they load Paddle, and the window reads `Estimate`.
    from core.evaluation.evaluate import paddle_network, score
    from core.training.learner import Learner

    def source(indices: Sequence[int]) -> BatchSource:
        records = tuple(loaded.dataset.records[index] for index in indices)
        return BatchSource(cache, records, config.batch_size)

    train = source(splits.train)
    yield Progress(_STAGE, 0, N_BATCHES + 1)
    with MemoryMeter(device) as memory:
        with BUILDING, memory_for(config.batch_size):
            learner = Learner(config, len(loaded.dataset.classes), device)
        training_s = yield from _time_training(config, learner, train)
        few = replace(train, records=train.records[: N_BATCHES * config.batch_size])
        scoring_s = _Stopwatch()
        network = paddle_network(learner.network, config.preprocessing)
        for _ in score(network, few, Message("Validating")):
            scoring_s.lap(min(config.batch_size, len(few.records)))
        peak_bytes = memory.peak_bytes
    epoch_s = len(splits.train) * training_s + len(splits.validation) * scoring_s.mean
    yield Estimate(
        seconds=config.n_epochs * epoch_s + len(splits.test) * scoring_s.mean,
        memory_bytes=peak_bytes,
        device=device,
    )


def _time_training(
    config: TrainingConfig, learner: "Learner", train: BatchSource
) -> Generator[Progress, None, float]:
    """Train a few batches; returns the seconds for one image, its augmentation included."""
    watch = _Stopwatch()
    with closing(
        train.training_batches(
            config.augmentation,
            config.seed,
            1,
            physical_core_count(),
            is_balanced=config.class_balance == "sampling",
        )
    ) as batches:
        for done, batch in enumerate(batches, start=1):
            # A rate of nearly nothing: only the time counts.
            learner.step(batch, 1e-8)
            watch.lap(len(batch.labels))
            if done > N_BATCHES and (watch.seconds > MIN_SECONDS or done > MAX_BATCHES):
                break
            yield Progress(_STAGE, min(done, N_BATCHES), N_BATCHES + 1)
    return watch.mean


class _Stopwatch:
    """Seconds an image, the first lap left out where there are others: it warms up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._laps: list[tuple[float, int]] = []
        self._started = clock()

    def lap(self, n_images: int) -> None:
        now = self._clock()
        self._laps.append((now - self._started, n_images))
        self._started = now

    @property
    def seconds(self) -> float:
        return sum(seconds for seconds, _ in self._counted)

    @property
    def mean(self) -> float:
        n_images = sum(n for _, n in self._counted)
        return self.seconds / n_images if n_images else 0.0

    @property
    def _counted(self) -> list[tuple[float, int]]:
        return self._laps[1:] or self._laps
