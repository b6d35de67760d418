"""Make rare classes count as much as common ones: by weight or by drawing them more often."""

import numpy as np
from numpy.typing import NDArray


def class_weights(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Weights in inverse proportion to the classes' sizes, their mean over the films being 1.

    Args:
        labels: Of the training films, shape (N,).
        n_classes: Every class needs a film.

    Returns:
        Shape (n_classes,).
    """
    counts = np.bincount(labels, minlength=n_classes)
    return (len(labels) / (n_classes * counts)).astype(np.float32)


def balanced_order(labels: NDArray[np.int64], random: np.random.Generator) -> list[tuple[int, int]]:
    """As many draws as there are films, each class having the same share of them.

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
