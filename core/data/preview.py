"""What training will make of one film, drawn by the code that trains."""

import numpy as np
from numpy.typing import NDArray

from core.config.augmentation import AugmentationConfig
from core.data.augmentation import augment, generator_for


def draws(
    image: NDArray[np.uint8],
    config: AugmentationConfig,
    seed: int,
    n: int = 12,
    *,
    index: int = 0,
    first_epoch: int = 1,
) -> list[NDArray[np.uint8]]:
    """Change a film as `n` epochs in a row of a run with `seed` do.

    Args:
        image: The film at training size, (S, S) or (S, S, 3).
        config: The run's changes.
        seed: The run's seed.
        n: How many epochs.
        index: The film's place among the films that the run trains on.
        first_epoch: The epoch of the first picture, from 1.

    Returns:
        One picture an epoch, each (S, S) or (S, S, 3).
    """
    epochs = range(first_epoch, first_epoch + n)
    return [augment(image, config, generator_for(seed, epoch, index)) for epoch in epochs]
