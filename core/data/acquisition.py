"""Acquisition sources of a dataset: groups of films that one machine and its processing made."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MOST_SOURCES: Final = 6
LEAST_FILMS: Final = 20  # of a source
_N_AXES: Final = 8
_FILMS_FOR_EACH_AXIS: Final = 10
_FILMS_TO_FIT: Final = 3000  # more say nothing new
_LEAST_SPREAD: Final = 1e-3  # of a number that hardly varies
_FLOOR: Final = 1e-4  # of the variances along the axes, the widest of which is 1


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """The middle and the spread of each number of the fingerprints of a dataset."""

    mean: NDArray[np.float32]  # (F,)
    spread: NDArray[np.float32]  # (F,), positive

    @classmethod
    def of(cls, prints: NDArray[np.floating[Any]]) -> "Standard":
        """Measure fingerprints (N, F), N at least 1."""
        spread = np.maximum(prints.std(axis=0), _LEAST_SPREAD)
        return cls(prints.mean(axis=0).astype(np.float32), spread.astype(np.float32))

    def __call__(self, prints: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return fingerprints (N, F) with mean 0 and spread 1."""
        return (np.asarray(prints, np.float64) - self.mean) / self.spread


def find_sources(prints: NDArray[np.floating[Any]], seed: int = 0) -> NDArray[np.int64]:
    """Group films by their fingerprints.

    A mixture of normal distributions on the main axes; the number of sources has the least
    Bayesian information criterion (Fraley and Raftery, JASA 2002).

    Args:
        prints: Shape (N, F), from `core.images.fingerprint`.
        seed: The same seed gives the same sources.

    Returns:
        The source of each film, (N,), from 0 on, the largest first. One source where there are
        too few films to tell.
    """
    n = len(prints)
    most = min(MOST_SOURCES, n // LEAST_FILMS)
    if most < 2:
        return np.zeros(n, np.int64)
    from sklearn.decomposition import PCA  # scikit-learn would hold up the window's start
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import ThreadpoolController

    standard = Standard.of(prints)(prints)
    random = np.random.default_rng(seed)
    chosen = np.arange(n) if n <= _FILMS_TO_FIT else random.permutation(n)[:_FILMS_TO_FIT]
    n_axes = min(_N_AXES, standard.shape[1], len(chosen) // _FILMS_FOR_EACH_AXIS)
    # Threads cost ten times what they gain on so small matrices. Paddle's own are left alone.
    with ThreadpoolController().select(internal_api="openblas").limit(limits=1):
        axes = PCA(n_axes, random_state=seed).fit(standard[chosen])
        # All axes in one unit: whitened, those of noise alone would hide the sources.
        widest = max(float(np.sqrt(axes.explained_variance_[0])), _LEAST_SPREAD)
        places = np.clip(axes.transform(standard) / widest, -50, 50)
        most = min(most, len(np.unique(places[chosen], axis=0)))  # copies are no second source
        best: Any = None
        least = np.inf
        for k in range(1, most + 1):
            mixture = GaussianMixture(k, reg_covar=_FLOOR, random_state=seed)
            with np.errstate(all="ignore"):
                mixture.fit(places[chosen])
            criterion = mixture.bic(places[chosen])
            if criterion < least:
                best, least = mixture, criterion
        labels: NDArray[np.int64] = best.predict(places)
        shares = best.predict_proba(places)
    counts = np.bincount(labels, minlength=best.n_components)
    kept = np.flatnonzero(counts >= LEAST_FILMS)
    labels = kept[shares[:, kept].argmax(axis=1)]  # a small group goes to the nearest other
    order = np.argsort(-np.bincount(labels, minlength=best.n_components), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[labels]
