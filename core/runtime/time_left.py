"""How long a stage of work will still take, from how fast it went so far."""

import time
from collections.abc import Callable

SETTLING_S = 1.5  # before that the pace says little


class TimeLeft:
    """Watches one stage after the other.

    Args:
        clock: Seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage: object = None
        self._done = 0
        self._started, self._first = 0.0, 0

    def seconds(self, stage: object, done: int, total: int) -> float | None:
        """The time to the end of the stage; None while it cannot be told.

        Args:
            stage: Anything that differs between stages.
            done: Pieces done.
            total: Pieces in all; 0: unknown.
        """
        now = self._clock()
        if stage != self._stage or done < self._done:
            self._stage, self._started, self._first = stage, now, done
        self._done = done
        elapsed, n_done = now - self._started, done - self._first
        if elapsed < SETTLING_S or n_done <= 0 or total <= 0:
            return None
        return elapsed / n_done * max(0, total - done)
