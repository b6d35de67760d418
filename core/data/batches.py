"""Batches for training and evaluation, prepared by threads while the network computes.

Paddle's own DataLoader is not used: with no workers an exception in it blocks the thread
for ever, with workers it does not start outside the main thread.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.data.augmentation import augment, generator_for
from core.data.cache import ImageCache
from core.data.records import Record

AHEAD = 3  # batches prepared before they are asked for


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images and their classes."""

    images: NDArray[np.uint8]  # (N, S, S), or (N, S, S, 3) where one of them is coloured
    labels: NDArray[np.int64]  # (N,)


@dataclass(frozen=True, slots=True)
class BatchSource:
    """Where batches come from: films in a cache, in this order."""

    cache: ImageCache
    records: tuple[Record, ...]
    batch_size: int

    @property
    def n_batches(self) -> int:
        """Batches of one pass; the last may be smaller."""
        return -(-len(self.records) // self.batch_size)

    def training_batches(
        self, augmentation: AugmentationConfig, seed: int, epoch: int, n_threads: int
    ) -> Iterator[Batch]:
        """One shuffled, augmented pass; the same for a seed and epoch whatever the threads."""
        order = np.random.Generator(np.random.PCG64((seed, epoch))).permutation(len(self.records))

        def load(indices: Sequence[int]) -> Batch:
            return self._gather(
                indices,
                [
                    augment(self._image(index), augmentation, generator_for(seed, epoch, index))
                    for index in indices
                ],
            )

        return self._batches([int(index) for index in order], load, n_threads)

    def plain_batches(self, n_threads: int) -> Iterator[Batch]:
        """One pass in order, films as they are."""
        return self._batches(
            range(len(self.records)),
            lambda indices: self._gather(indices, [self._image(index) for index in indices]),
            n_threads,
        )

    def _batches(
        self, order: Sequence[int], load: Callable[[Sequence[int]], Batch], n_threads: int
    ) -> Iterator[Batch]:
        """Hand out batches in order; an exception in a thread is raised here."""
        chunks = iter(
            [
                order[start : start + self.batch_size]
                for start in range(0, len(order), self.batch_size)
            ]
        )
        pool = ThreadPoolExecutor(n_threads, thread_name_prefix="batches")
        try:
            ready: deque[Future[Batch]] = deque()
            for chunk in chunks:
                ready.append(pool.submit(load, chunk))
                if len(ready) > AHEAD:
                    yield ready.popleft().result()
            while ready:
                yield ready.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _image(self, index: int) -> NDArray[np.uint8]:
        return self.cache.image(self.records[index].digest)

    def _gather(self, indices: Sequence[int], images: Sequence[NDArray[np.uint8]]) -> Batch:
        labels = np.array([self.records[index].label for index in indices], np.int64)
        return Batch(stack(images), labels)


def stack(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """(N, S, S), or (N, S, S, 3) where at least one of the images is coloured."""
    if all(image.ndim == 2 for image in images):
        return np.stack(images)
    return np.stack(
        [image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in images]
    )
