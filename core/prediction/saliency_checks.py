"""Heat maps, and sanity checks that tell which of them may be believed."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import Message
from core.prediction.lungs import LungField


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """Evidence for one class, as it is shown."""

    values: NDArray[np.float32]  # (h, w), 0 = none or against the class, 1 = strongest; or all 0

    @classmethod
    def of(cls, evidence: NDArray[np.floating[Any]]) -> Self:
        """Keep what speaks for the class; the strongest becomes 1."""
        positive = np.maximum(evidence, 0).astype(np.float32)
        strongest = float(positive.max())
        if strongest > 0:
            positive /= strongest
        return cls(positive)


def heat_at(values: NDArray[np.floating[Any]], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Stretch a map over its film.

    A network sees films stretched to a square, so a map over its square is stretched back.

    Args:
        values: Shape (h, w).
        shape: Height and width of the film.

    Returns:
        Bilinear between the centres of the map's cells, level beyond the outermost.
    """
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.array(picture.resize(shape[::-1], Image.Resampling.BILINEAR))


N_COLOURS: Final = 256
# What the viewer starts with and a report prints with: the film stays readable underneath.
USUAL_OPACITY: Final = 0.45
# Strength of heat, and there lightness, chroma and hue (degrees).
_STRENGTH = (0.0, 0.25, 0.5, 0.75, 1.0)
_LIGHTNESS = (0.30, 0.46, 0.62, 0.78, 0.94)
_CHROMA = (0.13, 0.19, 0.20, 0.16, 0.11)
_HUE = (295.0, 335.0, 385.0, 430.0, 465.0)
_CLEAR_UNTIL, _FULL_FROM = 0.05, 0.8  # below the one nothing is drawn, above the other all of it
# Oklab to the cones' responses (cube roots), and these to linear sRGB: its author's matrices.
_TO_CONES = ((1.0, 1.0, 1.0), (0.3963377774, -0.1055613458, -0.0894841775),
             (0.2158037573, -0.0638541728, -1.2914855480))  # fmt: skip
_TO_LINEAR = ((4.0767416621, -1.2684380046, -0.0041960863),
              (-3.3077115913, 2.6097574011, -0.7034186147),
              (0.2309699292, -0.3413193965, 1.7076147010))  # fmt: skip


def heat_colours() -> NDArray[np.uint8]:
    """Return the colour of each strength of heat.

    Returns:
        Shape (256, 4): red, green, blue and opacity, not multiplied by it. Row 0 is no heat and
        wholly transparent; the opacity rises to 255.
    """
    return _table().copy()


def heat_on_film(
    film: NDArray[np.uint8], heat: NDArray[np.float32], opacity: float = USUAL_OPACITY
) -> NDArray[np.uint8]:
    """Lay a heat map over a film.

    Args:
        film: Shape (H, W) or (H, W, 3).
        heat: Shape (H, W), 0 = no heat, 1 = strongest.
        opacity: Of the strongest heat, 0 to 1.

    Returns:
        Shape (H, W, 3).
    """
    rows = np.rint(np.clip(heat, 0, 1) * (N_COLOURS - 1)).astype(np.uint8)  # (H, W)
    table = _table().astype(np.float32)
    share = table[:, 3:] * np.float32(opacity / 255)  # (256, 1)
    added, kept = table[:, :3] * share, 1 - share[:, 0]
    under = film if film.ndim == 3 else film[:, :, None]
    mixed = under * kept[rows][:, :, None] + added[rows]  # (H, W, 3)
    return np.rint(mixed).astype(np.uint8)


@cache
def _table() -> NDArray[np.uint8]:
    strength = np.linspace(0, 1, N_COLOURS)
    ramp = np.clip((strength - _CLEAR_UNTIL) / (_FULL_FROM - _CLEAR_UNTIL), 0, 1)
    table = np.empty((N_COLOURS, 4), np.uint8)
    table[:, :3] = np.rint(255 * _colours(strength))
    table[:, 3] = np.rint(255 * ramp * ramp * (3 - 2 * ramp))
    return table


def _colours(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Red, green and blue (sRGB) in [0, 1], (N, 3)."""
    lightness, chroma, hue = (
        np.interp(strength, _STRENGTH, values) for values in (_LIGHTNESS, _CHROMA, _HUE)
    )
    angle = np.radians(hue)
    oklab = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)
    linear = np.clip((oklab @ np.array(_TO_CONES)) ** 3 @ np.array(_TO_LINEAR), 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.clip(curved, 0, 1)


Map = NDArray[np.floating[Any]]

# Measured by tests/benchmarks/map_detail.py --model, on 77 phantoms that a ResNet-18 at 96 px
# answered correctly (68 maps are hottest in the drawn opacity, 9 are not), and on the same network
# with random weights or a shuffled last layer (77 maps each). Chance stamps no hit and all
# maps of the ignorant ones. What is told, but does not separate: agreement below 0 in 18 of 68 and
# 4 of 9 and half of the others, likeness above 0.9 in none at all, heat mostly outside the lungs in
# 1 of 68, 0 of 9, 10 and 6 of 77.
_MOST_CHANCE: Final = 0.01

# The maps cannot tell where in a patch of film the evidence lies, so heat counts as inside the
# lungs up to that (a fourteenth of the film) beside them. Of 135 correct maps 2 fail so, with half
# of that 16; both catch 4 of 19 that were truly outside.
_MARGIN: Final = 1 / 14


@dataclass(frozen=True, slots=True)
class SaliencyChecks:
    """Findings of the checks of one heat map."""

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
) -> SaliencyChecks:
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
    share = None
    is_hottest_inside = True
    if lungs is not None and lungs.is_reliable:
        near = widened(lungs.mask)
        share = share_inside(second, near)
        is_hottest_inside = share == 0 or _is_hottest_inside(second, near)
    doubts = [*_by_chance(chance), *_hottest(is_hottest_inside)]
    reasons = [*doubts, *_level(second)]
    is_trustworthy = not reasons
    if is_trustworthy and share is None:
        reasons.append(
            Message("The lungs were not found for certain, so the place of the heat is unchecked.")
        )
    return SaliencyChecks(
        share, agreement, likeness, chance, is_trustworthy, tuple(reasons), tuple(doubts)
    )


def rank_correlation(one: Map, other: Map) -> float:
    """Return Spearman's correlation; 0 where one of the maps is level."""
    ranks = [_ranks(values) for values in (one.ravel(), other.ravel())]
    centred = [values - values.mean() for values in ranks]
    size = math.sqrt(float((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float(centred[0] @ centred[1]) / size if size > 0 else 0.0


def chance_of(weights: Map, features: Map, n_classes: int) -> float:
    """Return how often shuffled weights would find evidence as strong as the network's.

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
    """Widen the mask by half a patch to all sides, corners included."""
    from scipy.ndimage import maximum_filter

    side = 2 * round(_MARGIN * len(mask)) + 1
    wide: NDArray[np.bool_] = maximum_filter(mask, side, mode="constant")
    return wide


def share_inside(evidence: Map, mask: NDArray[np.bool_]) -> float:
    """Return the share of the positive evidence that lies in the mask; 0 where there is none."""
    heat = np.maximum(heat_at(evidence, (len(mask), mask.shape[1])), 0)
    total = float(heat.sum())
    return float(heat[mask].sum()) / total if total > 0 else 0.0


def _ranks(values: Map) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (counts.cumsum() - (counts - 1) / 2)[place]
    return ranks


def _is_hottest_inside(evidence: Map, mask: NDArray[np.bool_]) -> bool:
    heat = heat_at(evidence, (len(mask), mask.shape[1]))
    return bool(mask.flat[int(heat.argmax())])


def _hottest(is_inside: bool) -> list[Message]:
    if is_inside:
        return []
    return [Message("The hottest place of the heat map lies outside the lungs.")]


def _level(evidence: Map) -> list[Message]:
    if evidence.max() > 0:
        return []
    return [Message("No place speaks for this class: covering any of them did not weaken it.")]


def _by_chance(chance: float) -> list[Message]:
    if chance <= _MOST_CHANCE:
        return []
    return [
        Message(
            "The evidence for this class is no stronger than shuffled weights would find by chance."
        )
    ]
