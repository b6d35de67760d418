"""Whether a heat map may be believed, by three checks and a test of significance."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.prediction.explanation.heat_map import heat_at
from core.prediction.lungs import LungField

Map = NDArray[np.floating[Any]]

# Measured by tests/benchmarks/explanation.py (percentiles 5, 50, 95).
#
# A ResNet-18 at 160 px that learned phantoms, whose classes differ in the lungs only: agreement
# -0.11, 0.52, 0.85; 12 % of the maps are stamped. One at 96 px that learned xray-medium: agreement
# -0.37, -0.02, 0.42; 67 % are stamped. Its last map has 3 x 3 places that each see the whole film,
# its classes come from different hospitals, and for NORMAL 69 % of the heat lie outside the lungs:
# the stamps are deserved. Chance was below 1e-9 in both, likeness below 0.6. The same network with
# random weights, with a random last layer or a shuffled one: 100 % of 90 maps are stamped.
_LEAST_AGREEMENT: Final = 0.0
# Maps of few and smooth places are alike by accident: 0.5 is common between random networks.
_MOST_LIKENESS: Final = 0.9
# What tells networks that learned nothing: their evidence is a draw from what chance gives.
_MOST_CHANCE: Final = 0.01
# And no more than if the heat were spread evenly, for on some films the lungs are most of it.
_LEAST_LUNG_SHARE: Final = 0.5
_LEAST_CELLS: Final = 4

# The maps cannot tell where in a patch of film the evidence lies, so heat counts as inside the
# lungs up to half a patch (a fourteenth of the film) beside them.
_MARGIN: Final = 1 / 14


@dataclass(frozen=True, slots=True)
class Honesty:
    """What the checks of one heat map found."""

    lung_share: float | None  # of the heat, 0..1; None: the lungs were not found
    agreement: float  # rank correlation of the two methods' maps, -1..1
    random_likeness: float  # with the map of random weights, 0..1
    chance: float  # of evidence as strong from a last layer whose weights are shuffled, 0..1
    is_trustworthy: bool
    reasons: tuple[Message, ...]  # why not; or what could not be checked
    doubts: tuple[Message, ...] = ()  # those that speak against the answer, not only the map


def examine(
    evidence: Map,
    second: Map,
    random: Map,
    *,
    chance: float,
    lungs: LungField | None,
) -> Honesty:
    """Judge a class activation map.

    Args:
        evidence: The map, signed, (h, w).
        second: The drops of the class's score under occlusion, (G, G).
        random: The map of the same class by a network with random weights, (h, w).
        chance: From `chance_of`.
        lungs: Of the film; unreliable ones are not asked.
    """
    n_rows, n_columns = second.shape
    agreement = rank_correlation(heat_at(evidence, (n_rows, n_columns)), second)
    likeness = abs(rank_correlation(evidence, random))
    share = even = None
    if lungs is not None and lungs.is_reliable:
        near = widened(lungs.mask)
        even = float(near.mean())
        share = (share_inside(evidence, near) + share_inside(second, near)) / 2
    doubts = [*_by_chance(chance), *_elsewhere(share, even)]
    reasons = [*doubts, *_coarse(evidence), *_disagreement(agreement), *_likeness(likeness)]
    is_trustworthy = not reasons
    if is_trustworthy and share is None:
        reasons.append(
            Message("The lungs were not found for certain, so the place of the heat is unchecked.")
        )
    return Honesty(
        share, agreement, likeness, chance, is_trustworthy, tuple(reasons), tuple(doubts)
    )


def rank_correlation(one: Map, other: Map) -> float:
    """Spearman's; 0 where one of the maps is level."""
    ranks = [_ranks(values) for values in (one.ravel(), other.ravel())]
    centred = [values - values.mean() for values in ranks]
    size = math.sqrt(float((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float(centred[0] @ centred[1]) / size if size > 0 else 0.0


def chance_of(weights: Map, features: Map, n_classes: int) -> float:
    """How often shuffled weights would find evidence as strong as the network's.

    A permutation test of the class's score: the correlation of weights and features times
    sqrt(F - 1) is about standard normal when the weights of the last layer have nothing to do
    with the features (Hoeffding, "A combinatorial central limit theorem", 1951). Bonferroni for
    the classes, as the one that is asked about is usually the strongest.

    Args:
        weights: Of the class, less the mean of all classes', (F,).
        features: Pooled, (F,).
        n_classes: Among which the class was chosen.
    """
    centred = weights - weights.mean(), features - features.mean()
    size = math.sqrt(float((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    if size == 0:
        return 1.0
    z = float(centred[0] @ centred[1]) / size * math.sqrt(len(features) - 1)
    return min(1.0, n_classes * math.erfc(z / math.sqrt(2)) / 2)


def widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask and what lies within half a patch of it, as squares see it."""
    reach = round(_MARGIN * len(mask))
    for _ in range(2):  # down, then across
        padded = np.pad(mask, ((reach + 1, reach), (0, 0))).cumsum(axis=0)
        mask = ((padded[2 * reach + 1 :] - padded[: -2 * reach - 1]) > 0).T
    return mask


def share_inside(evidence: Map, mask: NDArray[np.bool_]) -> float:
    """The part of the positive evidence that lies in the mask; 0 where there is none."""
    heat = np.maximum(heat_at(evidence, (len(mask), mask.shape[1])), 0)
    total = float(heat.sum())
    return float(heat[mask].sum()) / total if total > 0 else 0.0


def _ranks(values: Map) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (counts.cumsum() - (counts - 1) / 2)[place]
    return ranks


def _coarse(evidence: Map) -> list[Message]:
    if evidence.size >= _LEAST_CELLS:
        return []
    return [Message("The network's last map has too few places to say where anything is.")]


def _by_chance(chance: float) -> list[Message]:
    if chance <= _MOST_CHANCE:
        return []
    return [
        Message(
            "The evidence for this class is no stronger than shuffled weights would find by chance."
        )
    ]


def _disagreement(agreement: float) -> list[Message]:
    if agreement >= _LEAST_AGREEMENT:
        return []
    return [
        Message(
            "The two methods contradict each other: covering the hot places changes the answer "
            "no more than covering others."
        )
    ]


def _likeness(likeness: float) -> list[Message]:
    if likeness <= _MOST_LIKENESS:
        return []
    return [
        Message(
            "A network that learned nothing draws nearly the same map ({share} alike), so it "
            "shows the film, not what was learned.",
            share=f"{likeness:.0%}",
        )
    ]


def _elsewhere(share: float | None, even: float | None) -> list[Message]:
    if share is None or even is None or share >= min(_LEAST_LUNG_SHARE, even):
        return []
    return [
        Message(
            "Most of the heat lies outside the lungs: {share} lies inside, and {even} would if it "
            "were spread evenly over the film.",
            share=f"{share:.0%}",
            even=f"{even:.0%}",
        )
    ]
