"""Whether the classes can be told apart without looking at the lungs, and by what."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.audit.property_model import Property, out_of_fold_scores
from core.statistics import auroc, auroc_interval

# A class with fewer says too little: five folds need five patients.
LEAST_FILMS = 20
LEAST_GROUPS = 5
MOST_CLASSES = 20  # the largest; more would cost time and say nothing new

_N_FOLDS = 5
# One deal of few patients into folds says little: 3 x 20 films gave 0.57 to 0.82 by chance.
_N_DEALS = 5
_FILMS_FOR_ONE_DEAL = 600
_N_EXAMPLES = 6


@dataclass(frozen=True, slots=True)
class Separation:
    """How well one class is told from the rest by what is not lung."""

    label: int
    auroc: float  # out of fold, in [0, 1]
    low: float  # ends of the 95 % interval over patients
    high: float


@dataclass(frozen=True, slots=True)
class Confounder:
    """What a classifier makes of the films' properties alone."""

    classes: tuple[Separation, ...]  # by label; classes with too few films are left out
    worst: Separation  # the one with the highest AUROC
    properties: tuple[tuple[str, float], ...]  # each alone: AUROC of the worst class, best first
    examples: tuple[int, ...]  # films of that class that give themselves away, clearest first
    counter_examples: tuple[int, ...]  # films of the rest, likewise


def find_confounder(
    properties: tuple[Property, ...],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    n_classes: int,
    seed: int = 0,
) -> Confounder | None:
    """Let a small classifier guess the class from properties that have nothing to do with lungs.

    Cross-validated in five folds, small sets several times over; a patient's films are never
    on both sides.

    Args:
        properties: Of all N films, at least one.
        labels: Shape (N,), from 0 to n_classes - 1.
        groups: The patient of each film, shape (N,).
        n_classes: How many classes there are, empty ones included.
        seed: The same seed gives the same numbers.

    Returns:
        None where fewer than two classes have 20 films of 5 patients.
    """
    kept_labels = _large_enough(labels, groups, n_classes)
    if len(kept_labels) < 2 or not properties:
        return None
    films = np.flatnonzero(np.isin(labels, kept_labels))
    kept = tuple(Property(p.name, p.values[films], p.is_category) for p in properties)
    targets = np.searchsorted(kept_labels, labels[films])
    patients = groups[films]
    n_deals = _N_DEALS if len(films) < _FILMS_FOR_ONE_DEAL else 1
    deals = [_folds(targets, patients, len(kept_labels), seed + deal) for deal in range(n_deals)]

    scores = _mean_scores(kept, targets, deals, len(kept_labels))  # (n, C)
    separations = []
    for target, label in enumerate(kept_labels.tolist()):
        is_class = targets == target
        area = auroc(scores[:, target], is_class)
        low, high = auroc_interval(scores[:, target], is_class, patients, seed)
        separations.append(Separation(label, area, low, high))
    worst = max(separations, key=lambda separation: separation.auroc)

    is_worst = labels[films] == worst.label
    alone = []
    for each in kept:
        of_one = _mean_scores((each,), is_worst.astype(np.int64), deals, 2)
        alone.append((each.name, auroc(of_one[:, 1], is_worst)))
    alone.sort(key=lambda named: -named[1])

    of_worst = scores[:, int(np.searchsorted(kept_labels, worst.label))]
    return Confounder(
        classes=tuple(separations),
        worst=worst,
        properties=tuple(alone),
        examples=_clearest(films, patients, of_worst, is_worst),
        counter_examples=_clearest(films, patients, -of_worst, ~is_worst),
    )


def _mean_scores(
    properties: tuple[Property, ...],
    targets: NDArray[np.int64],
    deals: list[NDArray[np.int64]],
    n_classes: int,
) -> NDArray[np.float64]:
    """Out-of-fold scores, shape (n, n_classes), averaged over several deals into folds."""
    scores = [out_of_fold_scores(properties, targets, folds, n_classes) for folds in deals]
    return np.mean(scores, axis=0)


def _large_enough(
    labels: NDArray[np.int64], groups: NDArray[np.int64], n_classes: int
) -> NDArray[np.int64]:
    """The labels with enough films and patients, ascending; the largest classes only."""
    n_films = np.bincount(labels, minlength=n_classes)
    pairs = np.unique(np.stack([labels, groups], axis=1), axis=0)
    n_groups = np.bincount(pairs[:, 0], minlength=n_classes)
    enough = np.flatnonzero((n_films >= LEAST_FILMS) & (n_groups >= LEAST_GROUPS))
    by_size = enough[np.argsort(-n_films[enough], kind="stable")]
    return np.sort(by_size[:MOST_CLASSES])


def _folds(
    targets: NDArray[np.int64], patients: NDArray[np.int64], n_classes: int, seed: int
) -> NDArray[np.int64]:
    """Deal the patients out like cards, sorted by class and number of films.

    Returns:
        The fold of each film, shape (N,).
    """
    names, patient_of = np.unique(patients, return_inverse=True)
    counts = np.bincount(patient_of * n_classes + targets, minlength=len(names) * n_classes)
    of_patient = counts.reshape(len(names), n_classes)  # films by class
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = np.lexsort((shuffled, of_patient.sum(axis=1), of_patient.argmax(axis=1)))
    fold_of = np.empty(len(names), np.int64)
    fold_of[order] = np.arange(len(names)) % _N_FOLDS
    return fold_of[patient_of]


def _clearest(
    films: NDArray[np.int64],
    patients: NDArray[np.int64],
    scores: NDArray[np.float64],
    is_wanted: NDArray[np.bool_],
) -> tuple[int, ...]:
    """The films with the highest scores, one of each patient."""
    wanted = np.flatnonzero(is_wanted)
    ordered = wanted[np.argsort(-scores[wanted], kind="stable")]
    _, first = np.unique(patients[ordered], return_index=True)
    chosen = ordered[np.sort(first)[:_N_EXAMPLES]]
    return tuple(films[chosen].tolist())
