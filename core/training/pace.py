"""How fast training goes and how long it will still take."""

import time
from collections import deque
from collections.abc import Callable

from core.training.position import Spent

WINDOW = 20  # batches whose mean speed is shown
# A batch that took this many times the usual, and this long, did not: the computer slept.
STANDSTILL_FACTOR = 20.0
STANDSTILL_S = 30.0
# A forward pass without augmentation takes about a third of a training step.
VALIDATION_SHARE = 1 / 3


class Pace:
    """Measures batches and epochs as they pass.

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
        """One batch was trained on."""
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
        """Validation and saving ended; their time is expected of each later epoch too."""
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
        """Over the last batches."""
        return 1 / self._seconds_per_image if self._seconds_per_image > 0 else 0.0

    @property
    def mean_images_per_second(self) -> float:
        """Over the whole run, without validation."""
        return self.images / self.training_seconds if self.training_seconds > 0 else 0.0

    @property
    def seconds(self) -> float:
        """Of the whole run, over all sittings, without what the computer slept."""
        return max(0.0, self._seconds_before + self._clock() - self._begun - self._standstill)

    @property
    def spent(self) -> Spent:
        """What a later sitting begins with."""
        return Spent(
            images=self.images,
            training_seconds=self.training_seconds,
            validation_seconds=self._validation_seconds,
            seconds=self.seconds,
        )

    def seconds_left(self, epoch: int, n_images: int) -> float:
        """Until the end of training, after `n_images` images of epoch `epoch` (1-based)."""
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
        """Of one epoch, in seconds; before the first one, guessed from the training steps."""
        guess = self._n_validation * self._seconds_per_image * VALIDATION_SHARE
        return self._validation_seconds or guess
