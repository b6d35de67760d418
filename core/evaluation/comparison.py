"""Comparisons: two models on the same images, many pairs at once, and subgroups of patients."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.evaluation.figures import LEAST_PATIENTS, Answered, Figure, overall_figures
from core.evaluation.intervals import Ints, Share, clustered_share
from core.statistics import Z_95

EXACT: Final = Message("McNemar, exact")
CLUSTERED: Final = Message("McNemar, clustered by patient")


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two models on the same images."""

    only_first: int  # images that only the first answered correctly
    only_second: int
    p: float  # two-sided
    method: Message


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_], patients: Ints) -> PairedTest:
    """Test whether two models are right equally often.

    One image a patient: the exact test on the binomial distribution (McNemar, Psychometrika
    1947). Several: the differences of the patients over their root mean square (Obuchowski,
    Statistics in Medicine 1998).

    Args:
        first: Images that the first model answered correctly, (N,).
        second: Likewise.
        patients: Number of each image's patient, (N,).
    """
    from scipy.special import bdtr, chdtrc

    better, worse = int((first & ~second).sum()), int((second & ~first).sum())
    _, cluster = np.unique(patients, return_inverse=True)
    if len(cluster) == 0 or better + worse == 0:
        return PairedTest(better, worse, 1.0, EXACT)
    if cluster.max() + 1 == len(cluster):
        p = min(1.0, 2 * float(bdtr(min(better, worse), better + worse, 0.5)))
        return PairedTest(better, worse, p, EXACT)
    apart = np.bincount(cluster, first.astype(np.float64) - second)
    squares = float((apart**2).sum())
    p = float(chdtrc(1, apart.sum() ** 2 / squares)) if squares else 1.0
    return PairedTest(better, worse, p, CLUSTERED)


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for all pairs (Holm, Scandinavian Journal of Statistics 1979)."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    corrected, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = largest
    return corrected


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A model's right answers to the X-rays that all compared models answered."""

    name: str  # of its file, with the folder
    right: Share


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Two of the compared models."""

    first: int  # place among the models
    second: int
    test: PairedTest
    corrected: float  # p for all pairs


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Models on the same X-rays, the evaluated one first."""

    models: tuple[ComparedModel, ...]
    pairs: tuple[ComparedPair, ...]
    n_left_out: int  # X-rays of patients that one of the models was trained or chosen on


def compare(
    names: Sequence[str], right: Sequence[NDArray[np.bool_]], patients: Ints, n_left_out: int = 0
) -> ModelComparison:
    """Compare each two models.

    Args:
        names: Of at least two models.
        right: X-rays that each answered correctly, (N,), N at least 1.
        patients: Number of each X-ray's patient, (N,).
        n_left_out: See `ModelComparison`.
    """
    places = list(combinations(range(len(names)), 2))
    tests = [mcnemar(right[one], right[other], patients) for one, other in places]
    corrected = holm([test.p for test in tests])
    return ModelComparison(
        tuple(
            ComparedModel(name, clustered_share(hits, patients))
            for name, hits in zip(names, right, strict=True)
        ),
        tuple(
            ComparedPair(one, other, test, p)
            for (one, other), test, p in zip(places, tests, corrected, strict=True)
        ),
        n_left_out,
    )


@dataclass(frozen=True, slots=True)
class Subgroup:
    """Figures of the images that share a property."""

    name: str  # such as "sex"
    value: str  # such as "F"
    n: int
    n_patients: int
    figures: tuple[Figure, ...]

    @property
    def is_small(self) -> bool:
        """True where so few patients say little."""
        return self.n_patients < LEAST_PATIENTS


def subgroups(
    answered: Answered, properties: Mapping[str, Sequence[str | None]]
) -> tuple[Subgroup, ...]:
    """Return the figures of every value that a property has; images without one stay out.

    Args:
        answered: N answers.
        properties: Name -> value of each image, N of them.
    """
    found = []
    for name, values in properties.items():
        column = np.array(["" if value is None else value for value in values], dtype=object)
        kinds = sorted({value for value in values if value})
        if len(kinds) < 2:
            continue
        for kind in kinds:
            part = answered.only(column == kind)
            some = (next(overall_figures(part)),)  # accuracy; the others take much longer
            n_patients = len(np.unique(part.patients))
            found.append(Subgroup(name, kind, len(part.truth), n_patients, some))
    return tuple(found)


AGE_BANDS: Final = ((0, 18), (18, 40), (40, 60), (60, 75), (75, 150))


def age_band(years: float | None) -> str | None:
    """Return the band of an age, such as "40-59"."""
    if years is None or not math.isfinite(years):
        return None
    for low, high in AGE_BANDS:
        if low <= years < high:
            return f"{low}-{high - 1}"
    return None


@dataclass(frozen=True, slots=True)
class Plan:
    """Test X-rays of a class that would narrow the interval of its sensitivity."""

    label: int
    sensitivity: float
    n: int  # X-rays of the class now
    n_patients: int
    needed: int  # X-rays
    needed_patients: int  # with as many X-rays each as now


HALF_WIDTH: Final = 0.05


def plan(answered: Answered, label: int, half_width: float = HALF_WIDTH) -> Plan | None:
    """Return what it takes to know the sensitivity of a class so exactly; None: it has no X-ray.

    By the usual formula for a share, times the design effect that was found.

    Args:
        answered: Answers to test X-rays.
        label: The class.
        half_width: Of the interval (95 %).
    """
    members = answered.truth == label
    if not members.any():
        return None
    found = clustered_share((answered.predicted == label)[members], answered.patients[members])
    # A class without a mistake so far will have some.
    inner = min(max(found.value, 0.02), 0.98)
    needed = math.ceil(found.design_effect * Z_95**2 * inner * (1 - inner) / half_width**2)
    patients = math.ceil(needed * found.n_patients / found.n)
    return Plan(label, found.value, found.n, found.n_patients, needed, patients)
