"""Films of more than 256 grey levels: their levels are counted and stretched to black and white."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Pictures are worked on in bands of rows, so that no step holds a second copy of a large one.
_BAND_PIXELS = 2**20  # 1024 x 1024 is one band

# A 16-bit film uses an unknown part of its range; its darkest and brightest 0.5 % (frame,
# markers) are clipped. Measured on 12-bit films: 256 levels kept, r = 0.9999 to the film.
_WINDOW = (0.005, 0.995)
_N_LEVELS = 2**16
_FEWEST_LEVELS = 256  # that the window must span before a hot pixel has spoilt the scale
_MOST_ZOOMS = 3
_LEAST_STEP = float(np.finfo(np.float64).tiny)  # whose inverse is finite

# Rows of the film and their values, shape (n, W), from the top; may be asked for again.
Bands = Callable[[], Iterable[tuple[slice, NDArray[np.generic]]]]


def row_bands(width: int, height: int) -> Iterator[slice]:
    """Yield the rows of each band, from the top."""
    n_rows = max(1, _BAND_PIXELS // max(1, width))
    for top in range(0, height, n_rows):
        yield slice(top, min(top + n_rows, height))


def image_bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield rows, and the part of the image that they are."""
    for rows in row_bands(image.width, image.height):
        is_whole = rows.stop - rows.start == image.height
        yield rows, image if is_whole else image.crop((0, rows.start, image.width, rows.stop))


@dataclass(frozen=True, slots=True)
class Graded:
    """A film of many levels, with the numbers and greys of the levels."""

    levels: Bands  # unsigned integers
    table: NDArray[np.uint8]  # what each level is shown as, shape (65536,)
    low: float  # the level that is black
    high: float  # the level that is white
    slope: float  # between the numbers that neighbouring levels stand for
    intercept: float  # the number that level 0 stands for


def percentile_table(
    counts: NDArray[np.integer], values: NDArray[np.floating] | None = None
) -> NDArray[np.uint8]:
    """Stretch the central 99 % of a film's values over 0 to 255; see `percentile_window`.

    Returns:
        What each stored level is shown as, shape (L,).
    """
    values = np.arange(len(counts), dtype=np.float64) if values is None else values
    low, high = percentile_window(counts, values)
    table = (values - low) * (255 / (high - low))
    return table.clip(0, 255).round().astype(np.uint8)


def percentile_window(
    counts: NDArray[np.integer], values: NDArray[np.floating] | None = None
) -> tuple[float, float]:
    """Return the two values between which the central 99 % of a film lie.

    Args:
        counts: How many pixels have each stored level, shape (L,).
        values: What each stored level stands for, shape (L,); None where it is itself.

    Returns:
        The value that is black and the greater one that is white.
    """
    values = np.arange(len(counts), dtype=np.float64) if values is None else values
    order = np.argsort(values, kind="stable")
    first, last = _central(counts[order])
    low, high = values[order[first]], values[order[last]]
    if low == high:  # nearly all pixels are the same: keep the difference to the others
        used = values[counts > 0]
        low, high = used.min(), max(used.max(), used.min() + 1)
    return float(low), float(high)


def shown(bands: Bands, table: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Replace each stored level, an unsigned integer, by what it is shown as."""
    picture = np.empty(shape, np.uint8)
    for rows, levels in bands():
        picture[rows] = table[levels]
    return picture


def level_counts(bands: Bands, n_levels: int) -> NDArray[np.int64]:
    """Count the pixels that have each of the stored levels 0 to `n_levels` - 1."""
    counts = np.zeros(n_levels, np.int64)
    for _, levels in bands():
        counts += np.bincount(levels.ravel(), minlength=n_levels)
    return counts


def windowed(bands: Bands, shape: tuple[int, int], is_negative: bool) -> NDArray[np.uint8]:
    """Show a film of 16-bit, 32-bit or floating-point values.

    Args:
        bands: The values.
        shape: (H, W).
        is_negative: Whether larger values are darker.

    Raises:
        ValueError: No value is a finite number.
    """
    film = graded(bands, is_negative)
    return shown(film.levels, 255 - film.table if is_negative else film.table, shape)


def graded(bands: Bands, is_negative: bool = False) -> Graded:
    """Sort a film's values into 65536 levels.

    Values that are no finite numbers (NaN stands for a masked background) are black and take no
    part in the window.

    Args:
        bands: The values.
        is_negative: Whether the highest level is black.

    Raises:
        ValueError: No value is a finite number, or they lie too far apart.
    """
    low, high, is_whole = _range_of(bands)
    if is_whole and low >= 0 and high < _N_LEVELS:
        film, _ = _graded(bands, 0.0, 1.0, is_negative)
        return film
    widest: Graded | None = None
    for _ in range(_MOST_ZOOMS):
        step = max((high - low) / (_N_LEVELS - 1), _LEAST_STEP) if low < high else 1.0
        film, counts = _graded(bands, low, step, is_negative)
        widest = widest or film
        first, last = _central(counts)
        if last - first >= _FEWEST_LEVELS:
            return film
        # A few giant values took nearly all of the levels: spread them over the window alone.
        low, high = low + (first - 1) * step, low + (last + 1) * step
    assert widest is not None
    return widest


def _central(counts: NDArray[np.integer]) -> tuple[int, int]:
    """Return the two places between which the central 99 % lie."""
    first, last = np.searchsorted(counts.cumsum() / counts.sum(), _WINDOW)
    return int(first), int(last)


def _graded(
    bands: Bands, low: float, step: float, is_negative: bool
) -> tuple[Graded, NDArray[np.int64]]:
    black_level = _N_LEVELS - 1 if is_negative else 0
    levels = _scaled(bands, low, 1 / step, black_level)
    counts = level_counts(levels, _N_LEVELS)
    counts[black_level] -= sum(values.size - _finite(values).size for _, values in bands())
    black, white = percentile_window(counts)
    return Graded(levels, percentile_table(counts), black, white, step, low), counts


def _range_of(bands: Bands) -> tuple[float, float, bool]:
    """Return the least and greatest finite value, and whether all are whole by their type."""
    low, high, is_whole = np.inf, -np.inf, True
    for _, values in bands():
        is_whole = is_whole and values.dtype.kind in "iu"
        if (finite := _finite(values)).size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if not np.isfinite([low, high, high - low]).all():
        raise ValueError("no finite number, or numbers too far apart")
    return low, high, is_whole


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values that are finite numbers; all of them in their shape where they are."""
    if values.dtype.kind in "iu" or (is_finite := np.isfinite(values)).all():
        return values
    return values[is_finite]


def _scaled(bands: Bands, low: float, factor: float, black_level: int) -> Bands:
    """Scale values to whole levels 0 to 65535."""

    def levels() -> Iterable[tuple[slice, NDArray[np.uint16]]]:
        for rows, values in bands():
            if (low, factor) == (0.0, 1.0) and values.dtype.kind in "iu":
                yield rows, values.clip(0, _N_LEVELS - 1).astype(np.uint16)
            else:
                with np.errstate(over="ignore"):
                    scaled = (values.astype(np.float64) - low) * factor
                if values.dtype.kind == "f":
                    scaled[~np.isfinite(values)] = black_level
                yield rows, scaled.clip(0, _N_LEVELS - 1).round().astype(np.uint16)

    return levels
