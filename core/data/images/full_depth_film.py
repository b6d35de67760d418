"""A film with every grey level that its file holds, for a viewer that changes the window."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.images.header import FilmHeader

_LEAST_WIDTH = 1e-6  # levels


@dataclass(frozen=True, slots=True)
class Window:
    """Which levels of a film go from black to white; they need not be whole numbers."""

    low: float  # black, or nearly so
    high: float  # white, or nearly so
    is_sigmoid: bool = False  # an S-shaped curve; else straight, and clipped at both ends

    @property
    def centre(self) -> float:
        """The level in the middle of the grey."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """How many levels go from black to white, more than 0."""
        return max(self.high - self.low, _LEAST_WIDTH)

    def table(self, n_levels: int) -> NDArray[np.uint8]:
        """The grey of each level, shape (n_levels,)."""
        levels = np.arange(n_levels, dtype=np.float64)
        if self.is_sigmoid:  # PS3.3, C.11.2.1.3.1
            exponent = (-4 * (levels - self.centre) / self.width).clip(-700, 700)
            fraction = 1 / (1 + np.exp(exponent))
        else:
            fraction = (levels - self.low) / self.width
        return (fraction.clip(0, 1) * 255).round().astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far apart the pixels of a film are."""

    across_mm: float
    down_mm: float
    is_at_detector: bool  # the patient is a little smaller than it says; no calibration


@dataclass(frozen=True, slots=True, eq=False)
class FullDepthFilm:
    """A film's levels, upright, and what they mean.

    A level stands for the number level * slope + intercept; levels rise with these numbers.
    """

    values: NDArray[np.uint8] | NDArray[np.uint16]  # (H, W); (H, W, 3) uint8 RGB if coloured
    header: FilmHeader
    default: Window  # what `load_xray` shows, and so what the network sees
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""  # of the numbers, such as "HU"; foreign text
    is_negative: bool = False  # whether higher levels are darker
    file_windows: tuple[tuple[str, Window], ...] = ()  # name (foreign text, may be "") and window
    spacing: Spacing | None = None  # None where the file does not say

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.values.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.values.shape[0])

    @property
    def is_coloured(self) -> bool:
        """Whether it has red, green and blue."""
        return self.values.ndim == 3

    @property
    def n_levels(self) -> int:
        """How many levels its pixels could have: 256 or 65536."""
        return int(2 ** (8 * self.values.dtype.itemsize))

    @property
    def has_whole_numbers(self) -> bool:
        """Whether its numbers are whole ones."""
        return float(self.slope).is_integer() and float(self.intercept).is_integer()

    def table(self, window: Window, is_inverted: bool = False) -> NDArray[np.uint8]:
        """What each level is shown as.

        Args:
            window: Which levels go from black to white.
            is_inverted: Whether the user wants it the other way round.

        Returns:
            Shape (n_levels,).
        """
        table = window.table(self.n_levels)
        return 255 - table if is_inverted != self.is_negative else table

    def shown(self, window: Window | None = None) -> NDArray[np.uint8]:
        """The whole film under a window, its own one if none is given; shape (H, W[, 3])."""
        return self.table(window or self.default)[self.values]

    def number(self, level: float) -> float:
        """What a level stands for."""
        return level * self.slope + self.intercept

    def centre_and_width(self, window: Window) -> tuple[float, float]:
        """A window as the user reads it, in the film's numbers.

        Whole numbers are counted as DICOM counts them: 0 to 255 is width 256, centre 128
        (PS3.3, C.11.2.1.2).
        """
        centre, width = self.number(window.centre), window.width * self.slope
        if self.has_whole_numbers and not window.is_sigmoid:
            return centre + 0.5, width + 1
        return centre, width


def film_of_pixels(pixels: NDArray[np.uint8], header: FilmHeader | None = None) -> FullDepthFilm:
    """A picture that was already read as a film of 256 levels.

    Args:
        pixels: Shape (H, W), or (H, W, 3) RGB.
        header: What its file says, where that is known.
    """
    height, width = pixels.shape[:2]
    n_channels = 1 if pixels.ndim == 2 else 3
    if header is None:
        header = FilmHeader("PNG", width, height, 8, n_channels, False, None, 1)
    return FullDepthFilm(np.ascontiguousarray(pixels), header, Window(0.0, 255.0))
