"""The lung fields of one film, and whether to rely on them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from core.data.images import square
from core.prediction.lungs.fitting import fit
from core.prediction.lungs.relief import SIDE, Image, Relief, blur, connected_to, relief_of
from core.prediction.lungs.shape import MIDLINE, distances

MASK_SIDE: Final = 128

# Scores: real films 1.26 (median), 95 % above 0.7; films on their side at most 0.7, negatives 0.68
# (median), 94 % below 0.8; smooth noise 0.6, fine noise and text below 0.4. On half of the real
# films below 0.8 the outlines are wrong (one lung white, or not on the film).
_NOTHING: Final = 0.55  # scores below are no lungs at all
_RELIABLE: Final = 0.8
_LEAST_LUNG: Final = 0.03  # of the film
_MOST_UNLIKE: Final = 4.0  # times as large may one lung be as the other
# Of 151 real films with a good score the masks of five spilt over the shoulders: 0.43 and more.
# Two whose lungs the film cuts off reached 0.37, all others and all phantoms 0.
_MOST_IN_AIR: Final = 0.4
_WALL: Final = 2  # pixels
_APEX: Final = 0.3  # of the lungs' height

_ROUNDS: Final = 12
_NEAR: Final = 5  # pixels: half the side of the surroundings that a pixel is compared with
_BESIDE: Final = 0.45  # half-widths: outside the lungs, but near enough to compare with
_LEAST_STEP: Final = 4.0  # grey levels between lung and what is beside it
_TRUST_IN_FILM: Final = 0.8
_TRUST_IN_SHAPE: Final = 2.6
_FARTHEST: Final = 0.1  # half-widths that lungs may stray from the template


@dataclass(frozen=True, slots=True, eq=False)
class LungField:
    """Where the lungs are."""

    mask: NDArray[np.bool_]  # (128, 128), over the film stretched to a square
    is_reliable: bool
    score: float  # of the fit; 1.2 is usual


def find_lungs(film: NDArray[np.uint8]) -> LungField | None:
    """Find the lung fields of an upright frontal film by its grey levels and their usual shape.

    A template of two lungs is fitted; then the outlines move to where lung and surroundings
    meet, each pixel being compared with the means near it (Lankton and Tannenbaum, "Localizing
    Region-Based Active Contours", IEEE TIP 2008), while the template holds them back.

    Args:
        film: Shape (H, W) or (H, W, 3), any size.

    Returns:
        None where nothing looks like two lungs. Where the fit is poor it says so.
    """
    if film.ndim == 3:
        film = np.rint(film.mean(axis=2)).astype(np.uint8)
    relief = relief_of(square(film, 2 * SIDE))
    found = fit(relief)
    if found.score < _NOTHING:
        return None
    shape = distances(found.pose[None], SIDE)[0].astype(np.float64)
    level = _settle(relief, shape)
    mask = _enlarged(level) > 0
    is_reliable = (
        found.score >= _RELIABLE
        and _is_pair(mask, found.pose[MIDLINE])
        and _share_in_air(level > 0, relief) < _MOST_IN_AIR
    )
    return LungField(mask, is_reliable, found.score)


def _settle(relief: Relief, shape: Image) -> Image:
    """A plane that is positive in the lungs, (SIDE, SIDE)."""
    grey, allowed = relief.grey, (shape < _FARTHEST) & ~relief.is_outside
    lung = (shape < 0) & allowed
    level = -shape
    for _ in range(_ROUNDS):
        beside = (shape < _BESIDE) & ~lung & ~relief.is_outside
        n_lung, n_beside = blur(lung * 1.0, _NEAR), blur(beside * 1.0, _NEAR)
        dark = blur(lung * grey, _NEAR) / (n_lung + 1e-3)
        light = blur(beside * grey, _NEAR) / (n_beside + 1e-3)
        # 0.5 where a pixel is as dark as the lung near it, -0.5 where as light as its surroundings
        likeness = ((dark + light) / 2 - grey) / np.maximum(light - dark, _LEAST_STEP)
        likeness = np.where((n_lung > 0.02) & (n_beside > 0.02), likeness.clip(-0.6, 0.6), 0)
        level = blur(_TRUST_IN_FILM * likeness - _TRUST_IN_SHAPE * shape, 1)
        level = np.where(allowed, level, -1)
        settled = level > 0
        if np.mean(settled == lung) > 0.999:
            break
        lung = settled
    core = connected_to(shape < -0.1, level > 0)  # no islands
    return np.where(core | (level <= 0), level, -1)


def _enlarged(level: Image) -> Image:
    picture = Pictures.fromarray(level.clip(-1, 1).astype(np.float32))
    return np.asarray(picture.resize((MASK_SIDE, MASK_SIDE), Pictures.Resampling.BILINEAR))


def _is_pair(mask: NDArray[np.bool_], midline: float) -> bool:
    middle = round(midline * MASK_SIDE)
    sides = mask[:, :middle].sum(), mask[:, middle:].sum()
    smaller, larger = sorted(side / mask.size for side in sides)
    return bool(smaller > _LEAST_LUNG and larger < _MOST_UNLIKE * smaller)


def _share_in_air(lung: NDArray[np.bool_], relief: Relief) -> float:
    """The part of the apices' outlines with nothing between them and the air over the shoulders.

    The chest wall beside the lungs may be thinner than a pixel.
    """
    rows = np.nonzero(lung.any(axis=1))[0]
    outline = lung & (blur(lung * 1.0, 1, times=1) < 0.999)
    if rows.size:
        outline[int(rows[0] + _APEX * (rows[-1] - rows[0])) :] = False
    beside_air = blur(relief.is_outside * 1.0, _WALL, times=1) > 1e-6
    return float((outline & beside_air).sum() / max(1, outline.sum()))
