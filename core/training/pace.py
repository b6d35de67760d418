"""How fast training goes and how long it will still take."""

import time
from collections import deque
from collections.abc import Callable

WINDOW = 20  # batches whose mean speed is shown


class Pace:
    """Measures batches and epochs as they pass.

    Args:
        epochs: Of the whole run.
        batches: Of one epoch.
        clock: Seconds, never going back.
    """

    def __init__(
        self, epochs: int, batches: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._epochs, self._batches, self._clock = epochs, batches, clock
        self._recent: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._batch_started = clock()
        self._validation_seconds = 0.0
        self.images = 0
        self.training_seconds = 0.0

    def start_batches(self) -> None:
        """Begin to count: what came before (validation, saving) is not training time."""
        self._batch_started = self._clock()

    def batch_done(self, n_images: int) -> None:
        """One batch was trained on."""
        now = self._clock()
        seconds = now - self._batch_started
        self._batch_started = now
        self._recent.append((seconds, n_images))
        self.images += n_images
        self.training_seconds += seconds

    def epoch_done(self) -> None:
        """Validation and saving ended; their time is expected of each later epoch too."""
        now = self._clock()
        self._validation_seconds = now - self._batch_started
        self._batch_started = now

    @property
    def images_per_second(self) -> float:
        """Over the last batches."""
        seconds = sum(spent for spent, _ in self._recent)
        return sum(n for _, n in self._recent) / seconds if seconds > 0 else 0.0

    @property
    def mean_images_per_second(self) -> float:
        """Over the whole run, without validation."""
        return self.images / self.training_seconds if self.training_seconds > 0 else 0.0

    def seconds_left(self, epoch: int, batch: int) -> float:
        """Until the end of training, after batch `batch` of epoch `epoch` (both 1-based)."""
        if not self._recent:
            return 0.0
        mean = sum(spent for spent, _ in self._recent) / len(self._recent)
        n_left = (self._epochs - epoch) * self._batches + self._batches - batch
        return n_left * mean + (self._epochs - epoch + 1) * self._validation_seconds
