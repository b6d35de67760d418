"""The film plane: body coordinates of every pixel, and the few strokes everything is drawn with.

Body coordinates: x runs from the patient's right (-1, the left edge of the film) to the
patient's left (+1), y from the chin (-1) to the navel (+1); an upright, centred
patient at scale 1 fills the film. Densities are in units of one chest of soft tissue.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.floating[Any]]  # float32 wherever it has a film's size: twice as fast

# Half-widths of the square patches that spots are stamped with, in pixels.
PATCHES = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)
REACH = 2.3  # standard deviations of a spot that a patch holds
SMALLEST_SIGMA = 0.5  # pixels; thinner lines are drawn this wide and fainter


@dataclass(frozen=True, slots=True)
class Pose:
    """Stance of the patient before the film."""

    rotation: float  # radians, clockwise on the film
    scale_x: float
    scale_y: float
    shift_x: float  # half films
    shift_y: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Self:
        """Draw a pose as careful radiographers leave it."""
        scale = rng.uniform(0.84, 1.08)
        return cls(
            rotation=float(np.clip(rng.normal(0, 0.05), -0.12, 0.12)),
            scale_x=scale * rng.uniform(0.95, 1.05),
            scale_y=scale * rng.uniform(0.95, 1.05),
            shift_x=float(np.clip(rng.normal(0, 0.05), -0.12, 0.12)),
            shift_y=float(np.clip(rng.normal(0, 0.06), -0.14, 0.14)),
        )


@dataclass(frozen=True, slots=True)
class Canvas:
    """The pixels of one film in body coordinates."""

    size: int  # pixels, both sides
    pose: Pose
    film_x: Map  # (1, S), -1 to 1 from left to right
    film_y: Map  # (S, 1), -1 to 1 from top to bottom
    x: Map  # (S, S), body coordinates
    y: Map  # (S, S)
    pixel: float  # the side of a pixel in body coordinates

    @classmethod
    def stretch(cls, size: int, pose: Pose) -> Self:
        """Lay `size` x `size` pixels over a patient in `pose`."""
        line = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1).astype(np.float32)
        film_x, film_y = line[None, :], line[:, None]
        right, down = film_x - pose.shift_x, film_y - pose.shift_y
        cos, sin = math.cos(pose.rotation), math.sin(pose.rotation)
        return cls(
            size=size,
            pose=pose,
            film_x=film_x,
            film_y=film_y,
            x=(cos * right + sin * down) / pose.scale_x,
            y=(cos * down - sin * right) / pose.scale_y,
            pixel=2 / size / min(pose.scale_x, pose.scale_y),
        )

    def edge(self, distance: Map, width: float) -> Map:
        """Rise smoothly from 0 to 1 across a border, at least over a pixel and a half.

        Args:
            distance: Positive inside, in body coordinates.
            width: Of the rise, in body coordinates.
        """
        return smooth_step(distance, max(width, 1.5 * self.pixel))

    def stamp(self, x: Map, y: Map, sigma: Map, density: Map) -> Map:
        """Add up round Gaussian spots.

        Args:
            x: Centres in body coordinates, shape (N,); y likewise.
            y: See x.
            sigma: Standard deviations in body coordinates, shape (N,).
            density: At the centre of each spot, shape (N,).

        Returns:
            Shape (S, S).
        """
        cos, sin = math.cos(self.pose.rotation), math.sin(self.pose.rotation)
        x, y = x * self.pose.scale_x, y * self.pose.scale_y
        half = self.size / 2
        column = (cos * x - sin * y + self.pose.shift_x + 1) * half - 0.5
        row = (sin * x + cos * y + self.pose.shift_y + 1) * half - 0.5
        sigma = sigma / self.pixel
        wide = np.maximum(sigma, SMALLEST_SIGMA)
        spots = np.stack([column, row, wide, density * sigma / wide]).astype(np.float32)

        total = np.zeros((self.size, self.size), np.float32)
        need = np.where(wide > SMALLEST_SIGMA, np.minimum(REACH * wide, PATCHES[-1]), 1)
        low = 0.0
        for reach in PATCHES:
            chosen = (need > low) & (need <= reach)
            chosen &= np.maximum(column, row) < self.size + reach
            chosen &= np.minimum(column, row) > -reach
            low = reach
            if chosen.any():
                total += _patches(spots[:, chosen], reach, self.size)
        return total

    def points_along(self, length: float, radius: float) -> int:
        """Count the spots that a line of `length` needs to look unbroken."""
        return max(4, math.ceil(length / max(1.3 * radius, self.pixel)) + 1)


def smooth_step(distance: Map, width: float) -> Map:
    """Rise from 0 to 1 while `distance` goes from -width/2 to width/2, without a kink."""
    rise = distance * (1 / width)
    rise += 0.5
    np.maximum(rise, 0, out=rise)
    np.minimum(rise, 1, out=rise)
    bend = 3 - 2 * rise
    rise *= rise
    rise *= bend
    return rise


def spot_density(density: Map, gap: Map, sigma: Map) -> Map:
    """Return the density of each spot of a line that has `density` on its axis.

    Spots a gap apart add up to sqrt(2 pi) sigma / gap times one of them.
    """
    return density * gap / (math.sqrt(2 * math.pi) * sigma)


def dome(ratio: Map) -> Map:
    """Return the thickness of a ball at `ratio` of its radius: 1 to 0, 0 outside."""
    return np.sqrt(np.maximum(1 - ratio * ratio, 0))


def ellipse(
    x: Map, y: Map, centre: tuple[float, float], radii: tuple[float, float], tilt: float = 0.0
) -> Map:
    """Return distances from the centre in radii: 1 on the outline.

    Args:
        x: Body coordinates; y likewise.
        y: See x.
        centre: Body coordinates.
        radii: Along the tilted axis and across it.
        tilt: Radians, clockwise on the film.
    """
    cos, sin = math.cos(tilt), math.sin(tilt)
    right, down = x - (centre[0]), y - (centre[1])
    along = (cos * right + sin * down) * (1 / radii[0])
    across = (cos * down - sin * right) * (1 / radii[1])
    return np.sqrt(along * along + across * across)


def _patches(spots: Map, reach: int, size: int) -> Map:
    """Add up spots (column, row, sigma in pixels; density), shape (4, N), each on a square."""
    side = size + 4 * reach + 1  # room for patches that hang over the edge
    total = np.zeros(side * side)
    offsets = np.arange(-reach, reach + 1)
    steps = offsets.astype(np.float32)
    at_once = 500_000 // len(offsets) ** 2 + 1  # keeps the memory small
    for start in range(0, spots.shape[1], at_once):
        column, row, sigma, density = spots[:, start : start + at_once]
        left, top = np.rint(column), np.rint(row)
        spread = (0.5 / (sigma * sigma))[:, None]
        right = (left - column)[:, None] + steps
        down = (top - row)[:, None] + steps
        across = np.exp(-right * right * spread)
        along = np.exp(-down * down * spread) * density[:, None]
        values = along[:, :, None] * across[:, None, :]
        first = (top.astype(np.intp) + 2 * reach) * side + left.astype(np.intp) + 2 * reach
        where = first[:, None, None] + (offsets * side)[:, None] + offsets
        total += np.bincount(where.ravel(), values.ravel(), side * side)
    inner = slice(2 * reach, 2 * reach + size)
    return total.reshape(side, side)[inner, inner].astype(np.float32)
