"""A logistic regression on a few properties of films, fitted in numpy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_N_BINS = 8  # of as many films each
_MOST_CATEGORIES = 20
_LEAST_IN_BIN = 3  # films; fewer teach nothing
_PENALTY = 1.0  # L2, on the sum of the cross-entropies
_N_STEPS = 40  # ten times as many changed no AUROC of real films by more than 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Property:
    """Something about films that has nothing to do with lungs."""

    name: str  # a key, not a sentence
    values: NDArray[np.float64]  # (N,); NaN = unknown; the number of a category
    is_category: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Bins:
    """How the values of one property become columns of 0 and 1; fitted on training films."""

    places: NDArray[np.float64]  # categories, or limits between bins; ascending
    is_category: bool

    @classmethod
    def of(cls, values: NDArray[np.float64], is_category: bool) -> Self:
        known = values[~np.isnan(values)]
        if is_category:
            categories, counts = np.unique(known, return_counts=True)
            largest = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
            return cls(np.sort(categories[largest]), True)
        if not len(known):
            return cls(known, False)
        shares = np.arange(1, _N_BINS) / _N_BINS
        return cls(np.unique(np.quantile(known, shares, method="lower")), False)

    def columns(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (N, number of bins); all 0 where a category was not known."""
        left = np.searchsorted(self.places, values, "left")
        right = np.searchsorted(self.places, values, "right")
        # A bin between two limits and one for each limit itself: most films may have one size.
        code = np.where(np.isnan(values), 2 * len(self.places) + 1, left + right)
        if self.is_category:  # only the limits count, and unknown
            code = np.where((left == right) & ~np.isnan(values), -1, code)
        return (code[:, None] == np.arange(2 * len(self.places) + 2)).astype(np.float64)


def out_of_fold_scores(
    properties: Sequence[Property],
    targets: NDArray[np.int64],
    folds: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.float64]:
    """Score each film by a multinomial logistic regression fitted on the other folds.

    Args:
        properties: Of all N films.
        targets: Shape (N,), from 0 to n_classes - 1.
        folds: The fold of each film, shape (N,).
        n_classes: C, at least 2.

    Returns:
        Log odds of each class against the rest, shape (N, C), less their mean over the training
        films: the folds' shares of a class differ, and that must not order films.
    """
    scores = np.zeros((len(targets), n_classes))
    for fold in np.unique(folds):
        is_test = folds == fold
        training, testing = _columns(properties, ~is_test)
        weights = _fitted(training, targets[~is_test], n_classes)
        scores[is_test] = _log_odds(testing @ weights)
        scores[is_test] -= _log_odds(training @ weights).mean(axis=0)
    # What is equal but for rounding must not order films either.
    return scores.round(9)


def _columns(
    properties: Sequence[Property], is_training: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The training and the other films as rows of 0 and 1; the first column is all 1."""
    training = [np.ones((int(is_training.sum()), 1))]
    testing = [np.ones((int((~is_training).sum()), 1))]
    for each in properties:
        bins = _Bins.of(each.values[is_training], each.is_category)
        seen = bins.columns(each.values[is_training])
        is_used = seen.sum(axis=0) >= _LEAST_IN_BIN
        training.append(seen[:, is_used])
        testing.append(bins.columns(each.values[~is_training])[:, is_used])
    return np.concatenate(training, axis=1), np.concatenate(testing, axis=1)


def _fitted(
    rows: NDArray[np.float64], targets: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    """The weights, shape (D, C), that minimise cross-entropy plus penalty, nearly.

    Newton-like steps with an upper bound of the curvature that needs one inversion only
    (Boehning, Annals of the Institute of Statistical Mathematics 1992), with Nesterov's momentum.
    """
    truth = np.eye(n_classes)[targets]  # (N, C)
    n_columns = rows.shape[1]
    curvature = rows.T @ rows / 2 + _PENALTY * np.eye(n_columns)
    inverse = np.linalg.inv(curvature)
    weights = np.zeros((n_columns, n_classes))
    ahead = weights
    for step in range(_N_STEPS):
        slope = rows.T @ (_softmax(rows @ ahead) - truth) + _PENALTY * ahead  # (D, C)
        previous, weights = weights, ahead - inverse @ slope
        ahead = weights + step / (step + 3) * (weights - previous)
    return weights


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _log_odds(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log odds p to 1 - p of each class; shape (N, C) as the logits."""
    shares = np.clip(_softmax(logits), 1e-12, 1 - 1e-12)
    return np.log(shares) - np.log1p(-shares)
