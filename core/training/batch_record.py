"""All batches of a run, as numbers in columns."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import overload

import numpy as np
from numpy.typing import NDArray

from core.events import BatchDone

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
