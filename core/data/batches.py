"""Batches for training and evaluation, prepared by threads while the network computes.

Paddle's own DataLoader is not used: with no workers an exception in it blocks the thread
for ever, with workers it does not start outside the main thread.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.config import AugmentationConfig
from core.data.augmentation import augment, generator_for, generator_for_order
from core.data.cache import ImageCache
from core.data.records import Record
from core.runtime.threads import map_ahead


def class_weights(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Return weights in inverse proportion to the classes' sizes, their mean over films being 1.

    Args:
        labels: Of the training films, shape (N,).
        n_classes: Every class needs a film.

    Returns:
        Shape (n_classes,).
    """
    counts = np.bincount(labels, minlength=n_classes)
    return (len(labels) / (n_classes * counts)).astype(np.float32)


def balanced_order(labels: NDArray[np.int64], random: np.random.Generator) -> list[tuple[int, int]]:
    """Draw as many times as there are films, of each class equally often.

    A class that is drawn more often than it has films is gone through again and again, so
    that its films come equally often but for one time.

    Args:
        labels: Of the training films, shape (N,).
        random: Of this epoch.

    Returns:
        Film and how often it was drawn before in this epoch, in the order to train in.
    """
    present = np.unique(labels)
    share = -(-len(labels) // len(present))
    draws: list[tuple[int, int]] = []
    for label in present:
        films = np.flatnonzero(labels == label)
        n_rounds = -(-share // len(films))
        of_class = [
            (int(film), turn) for turn in range(n_rounds) for film in random.permutation(films)
        ]
        draws += of_class[:share]
    order = random.permutation(len(draws))[: len(labels)]
    return [draws[place] for place in order]


N_READY = 2  # batches that lie ready, besides those the threads work on


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images and their classes."""

    images: NDArray[np.uint8]  # (N, S, S), or (N, S, S, 3) where one of them is coloured
    labels: NDArray[np.int64]  # (N,)


@dataclass(frozen=True, slots=True)
class BatchSource:
    """Films in a cache, in this order, from which batches are made."""

    cache: ImageCache
    records: tuple[Record, ...]
    batch_size: int

    @property
    def n_batches(self) -> int:
        """Batches of one pass; the last may be smaller."""
        return -(-len(self.records) // self.batch_size)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The classes of the films, (N,)."""
        return np.array([record.label for record in self.records], np.int64)

    def training_batches(
        self,
        augmentation: AugmentationConfig,
        seed: int,
        epoch: int,
        n_threads: int,
        *,
        is_balanced: bool = False,
        start: int = 0,
    ) -> Generator[Batch, None, None]:
        """Make one shuffled, augmented pass; the same for a seed and epoch whatever the threads.

        Close it: that leaves no thread behind. An exception in a thread is raised here.

        Args:
            augmentation: How each image is changed.
            seed: Of the run.
            epoch: 1-based.
            n_threads: That prepare batches.
            is_balanced: Every class is drawn equally often, the films of rare ones repeatedly.
            start: Images of this pass that were trained on already and are left out.
        """
        random = generator_for_order(seed, epoch)
        if is_balanced:
            order = balanced_order(self.labels, random)
        else:
            order = [(int(index), 0) for index in random.permutation(len(self.records))]

        def load(draw: tuple[int, int]) -> NDArray[np.uint8]:
            index, turn = draw
            return augment(
                self._image(index), augmentation, generator_for(seed, epoch, index, turn)
            )

        return self._batches(order[start:], load, n_threads)

    def plain_batches(self, n_threads: int) -> Generator[Batch, None, None]:
        """Make one pass in order, films as they are; close it as `training_batches`."""
        order = [(index, 0) for index in range(len(self.records))]
        return self._batches(order, lambda draw: self._image(draw[0]), n_threads)

    def _batches(
        self,
        order: Sequence[tuple[int, int]],
        load: Callable[[tuple[int, int]], NDArray[np.uint8]],
        n_threads: int,
    ) -> Generator[Batch, None, None]:
        all_labels = self.labels

        def gather(draws: Sequence[tuple[int, int]]) -> Batch:
            labels = all_labels[[index for index, _ in draws]]
            return Batch(stack([load(draw) for draw in draws]), labels)

        starts = range(0, len(order), self.batch_size)
        chunks = (order[start : start + self.batch_size] for start in starts)
        return map_ahead(gather, chunks, n_threads, n_threads + N_READY)

    def _image(self, index: int) -> NDArray[np.uint8]:
        return self.cache.image(self.records[index].digest)


def stack(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Stack to (N, S, S), or (N, S, S, 3) where at least one of the images is coloured."""
    if all(image.ndim == 2 for image in images):
        return np.stack(images)
    return np.stack(
        [image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2) for image in images]
    )
