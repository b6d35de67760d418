"""Numbers that come one by one and are read as an array, without copying them each time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FIRST_ROOM = 1024


class GrowingArray:
    """A float array with room to spare at its end."""

    def __init__(self) -> None:
        self._room = np.empty(_FIRST_ROOM)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def values(self) -> NDArray[np.float64]:
        """What was appended, shape (n,); a view that later numbers do not change."""
        return self._room[: self._n]

    def append(self, value: float) -> None:
        """Add one number."""
        if self._n == len(self._room):
            self._grow(self._n + 1)
        self._room[self._n] = value
        self._n += 1

    def extend(self, values: Sequence[float] | NDArray[np.float64]) -> None:
        """Add many numbers."""
        n = self._n + len(values)
        if n > len(self._room):
            self._grow(n)
        self._room[self._n : n] = values
        self._n = n

    def clear(self) -> None:
        """Forget all; arrays handed out before stay as they are."""
        self._room, self._n = np.empty(_FIRST_ROOM), 0

    def _grow(self, n: int) -> None:
        room = np.empty(max(n, 2 * len(self._room)))
        room[: self._n] = self.values
        self._room = room
