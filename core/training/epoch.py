"""One epoch's batches, to be read aloud: forward, backward, step."""

import dataclasses
import math
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing

from core.config import TrainingConfig
from core.data.batches import Batch, BatchSource
from core.errors import Message, TrainingError
from core.events import BatchDone, BatchHalved
from core.runtime.devices import Device, device_at_work, release_device_memory
from core.runtime.memory import OutOfMemoryError, memory_for
from core.runtime.threads import physical_core_count
from core.training.checkpoint import Spent, TrainingProgress
from core.training.learner import Learner
from core.training.schedule import learning_rate

WINDOW = 20  # batches whose mean speed is shown
# A batch that took this many times the usual, and this long, did not: the computer slept.
STANDSTILL_FACTOR = 20.0
STANDSTILL_S = 30.0
# A forward pass without augmentation takes about a third of a training step.
VALIDATION_SHARE = 1 / 3
CHECK_WEIGHTS_EVERY = 20  # batches; a check reads every weight once


class Pace:
    """Stopwatch of batches and epochs; tells the speed and the time left.

    Args:
        epochs: Of the whole run.
        n_images: Of one epoch.
        n_validation: Images that each epoch is validated on.
        spent: Before this sitting.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        epochs: int,
        n_images: int,
        n_validation: int,
        spent: Spent | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        before = spent or Spent()
        self._epochs, self._n_images, self._n_validation = epochs, n_images, n_validation
        self._clock = clock
        self._recent: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._is_warm = False  # the first batch of a process takes several times as long
        self._begun = self._batch_started = clock()
        self._validation_seconds = before.validation_seconds
        self._seconds_before = before.seconds
        self._standstill = 0.0
        self.images = before.images
        self.training_seconds = before.training_seconds

    def start_batches(self) -> None:
        """Begin to count: what came before (validation, saving) is not training time."""
        self._batch_started = self._clock()

    def batch_done(self, n_images: int) -> None:
        """Count a batch that was trained on."""
        now = self._clock()
        seconds = now - self._batch_started
        self._batch_started = now
        usual = self._seconds_per_image * n_images
        if self._recent and seconds > max(STANDSTILL_S, STANDSTILL_FACTOR * usual):
            self._standstill += seconds - usual
            seconds = usual
        if not self._is_warm and self._recent:
            self._recent.clear()
            self._is_warm = True
        self._recent.append((seconds, n_images))
        self.images += n_images
        self.training_seconds += seconds

    def epoch_done(self) -> None:
        """Count validation and saving; their time is expected of each later epoch too."""
        now = self._clock()
        seconds = now - self._batch_started
        usual = self._validation_estimate
        if usual > 0 and seconds > max(STANDSTILL_S, STANDSTILL_FACTOR * usual):
            self._standstill += seconds - usual
            seconds = usual
        self._validation_seconds = seconds
        self._batch_started = now

    @property
    def images_per_second(self) -> float:
        """Mean speed over the last batches."""
        return 1 / self._seconds_per_image if self._seconds_per_image > 0 else 0.0

    @property
    def mean_images_per_second(self) -> float:
        """Mean speed over the whole run, without validation."""
        return self.images / self.training_seconds if self.training_seconds > 0 else 0.0

    @property
    def seconds(self) -> float:
        """Duration of the whole run, over all sittings, without the time the computer slept."""
        return max(0.0, self._seconds_before + self._clock() - self._begun - self._standstill)

    @property
    def spent(self) -> Spent:
        """The time spent so far, for a later sitting to begin with."""
        return Spent(
            images=self.images,
            training_seconds=self.training_seconds,
            validation_seconds=self._validation_seconds,
            seconds=self.seconds,
        )

    def seconds_left(self, epoch: int, n_images: int) -> float:
        """Estimate the time to the end, after `n_images` images of epoch `epoch` (1-based)."""
        n_epochs_after = max(0, self._epochs - epoch)
        n_left = n_epochs_after * self._n_images + self._n_images - n_images
        return (
            n_left * self._seconds_per_image + (n_epochs_after + 1) * self._validation_estimate
            if self._recent
            else 0.0
        )

    @property
    def _seconds_per_image(self) -> float:
        n_images = sum(n for _, n in self._recent)
        return sum(seconds for seconds, _ in self._recent) / n_images if n_images else 0.0

    @property
    def _validation_estimate(self) -> float:
        """Seconds of one validation; before the first one, guessed from the training steps."""
        guess = self._n_validation * self._seconds_per_image * VALIDATION_SHARE
        return self._validation_seconds or guess


class EpochRun:
    """One epoch after the other, from any batch on; knows the progress after each.

    Args:
        config: The run's settings.
        source: The training films; their number is that of an epoch.
        learner: In the state of `progress`.
        device: Of the learner.
        pace: Told of every batch.
        progress: Where to begin.
    """

    def __init__(
        self,
        config: TrainingConfig,
        source: BatchSource,
        learner: Learner,
        device: Device,
        pace: Pace,
        progress: TrainingProgress,
    ) -> None:
        self._config, self._source = config, source
        self._learner, self._device, self._pace = learner, device, pace
        self.progress = progress
        self._begun = time.monotonic() - progress.seconds

    @property
    def n_images(self) -> int:
        """Number of images of one epoch."""
        return len(self._source.records)

    @property
    def seconds(self) -> float:
        """Time spent on this epoch, earlier sittings included."""
        return time.monotonic() - self._begun

    @property
    def current(self) -> TrainingProgress:
        """Progress, the time that was spent on this epoch included."""
        return dataclasses.replace(self.progress, seconds=self.seconds)

    def begin_next(self) -> None:
        """Go to the beginning of the next epoch."""
        self.progress = self.progress.next_epoch()
        self._begun = time.monotonic()

    def batches(self) -> Generator[BatchDone | BatchHalved, None, None]:
        """Train on the rest of the epoch.

        Where the memory does not hold a batch, it and all later ones are halved.

        Raises:
            TrainingError: Loss or weights are no longer finite.
            DeviceError: The memory does not hold one film, or the device gave up.
        """
        while self.progress.images < self.n_images:
            is_too_large = False
            try:
                yield from self._batches()
            except OutOfMemoryError:
                if self.progress.batch_size == 1:
                    raise
                is_too_large = True
            if is_too_large:  # outside of the handler, which holds the failed step's tensors
                yield self._halve()

    def check_weights(self) -> None:
        """Refuse to go on with weights that are no numbers.

        Raises:
            TrainingError: A weight is not finite.
        """
        if not self._learner.has_finite_weights():
            raise diverged(self._config, self.progress.epoch, self.progress.batch)

    def _batches(self) -> Generator[BatchDone, None, None]:
        source = dataclasses.replace(self._source, batch_size=self.progress.batch_size)
        loading = source.training_batches(
            self._config.augmentation,
            self._config.seed,
            self.progress.epoch,
            physical_core_count(),
            is_balanced=self._config.class_balance == "sampling",
            start=self.progress.images,
        )
        with closing(loading) as batches:
            self._pace.start_batches()
            while (batch := self._next(batches)) is not None:
                yield self._train_on(batch)

    def _next(self, batches: Generator[Batch, None, None]) -> Batch | None:
        with memory_for(self.progress.batch_size):  # to put it together, too
            return next(batches, None)

    def _train_on(self, batch: Batch) -> BatchDone:
        begun, n = self.progress, len(batch.labels)
        # The schedule counts batches of the size that was asked for, whatever fits in memory.
        planned, size = -(-self.n_images // self._config.batch_size), self._config.batch_size
        rate = learning_rate(self._config, begun.epoch, begun.images // size + 1, planned)
        with device_at_work(self._device):
            result = self._learner.step(batch, rate)
        if not math.isfinite(result.loss):
            raise diverged(self._config, begun.epoch, begun.batch + 1)
        self.progress = dataclasses.replace(
            begun,
            batch=begun.batch + 1,
            images=begun.images + n,
            loss_sum=begun.loss_sum + result.loss * n,
            n_correct=begun.n_correct + result.n_correct,
        )
        n_left = self.n_images - self.progress.images
        if self.progress.batch % CHECK_WEIGHTS_EVERY == 0 or n_left == 0:
            self.check_weights()
        self._pace.batch_done(n)
        return BatchDone(
            epoch=begun.epoch,
            batch=self.progress.batch,
            batches=self.progress.batch + -(-n_left // begun.batch_size),
            loss=result.loss,
            accuracy=result.n_correct / n,
            learning_rate=rate,
            images_per_second=self._pace.images_per_second,
            seconds_left=self._pace.seconds_left(begun.epoch, self.progress.images),
        )

    def _halve(self) -> BatchHalved:
        release_device_memory()
        size = max(1, self.progress.batch_size // 2)
        self.progress = dataclasses.replace(self.progress, batch_size=size)
        return BatchHalved(self.progress.epoch, self.progress.batch + 1, size)


def diverged(config: TrainingConfig, epoch: int, batch: int) -> TrainingError:
    """Return the refusal to go on from numbers that are not finite."""
    return TrainingError(
        Message(
            "Training ran away in epoch {epoch}, batch {batch}: its numbers grew beyond all "
            "bounds. Start again with a lower learning rate, for instance {advised}.",
            epoch=epoch,
            batch=batch,
            advised=f"{config.learning_rate / 10:.2g}",
        )
    )
