"""Acquisition fingerprint: numbers that tell machines and processing apart, not patients.

A film is brought to one size and through one JPEG, so that its file's format, size and compression
do not decide; what is left is sharpness, noise, grey levels, borders and shape. Measured on X-rays
that took no part in its making: AUROC 0.971 between those of the training hospitals and others.
"""

import io
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import Message

N_BANDS: Final = 16
_PERCENTILES: Final = (1, 5, 10, 25, 50, 75, 90, 95, 99)
_LONG_SIDE: Final = 512  # pixels, before the JPEG
_QUALITY: Final = 92
_SIDE: Final = 384  # pixels of the centre square that is measured
_BORDER: Final = 4  # pixels
_NEARLY_BLACK, _NEARLY_WHITE = 2, 253  # grey levels, inclusive
_LEAST_SPREAD: Final = 1e-6
# What stands where in a fingerprint.
BANDS = slice(0, N_BANDS)  # logarithm of the mean power, coarse to fine
LEVELS = slice(N_BANDS, N_BANDS + len(_PERCENTILES))
_REST = LEVELS.stop
SHARPNESS, SPREAD, ASPECT = _REST, _REST + 1, _REST + 2
BORDERS = slice(_REST + 3, _REST + 7)  # left, right, top, bottom
BLACK, WHITE, N_GREYS = _REST + 7, _REST + 8, _REST + 9
LENGTH: Final = _REST + 10

VERSION: Final = 1  # raise it when another number is measured


@cache  # not when the module is imported: the window starts with it
def _bands() -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return the places of a half spectrum band by band, their weights, and where bands begin."""
    down = np.fft.fftfreq(_SIDE) * _SIDE
    right = np.arange(_SIDE // 2 + 1)
    radius = np.hypot(down[:, None], right)
    band = np.digitize(radius, np.geomspace(2, 190, N_BANDS + 1)).ravel()
    # Each place but those of the first and last column stands for two.
    twice = np.full(radius.shape, 2.0)
    twice[:, [0, -1]] = 1.0
    weight = twice.ravel() / np.bincount(band, twice.ravel())[band]
    order = np.argsort(band, kind="stable")
    starts = np.searchsorted(band[order], np.arange(1, N_BANDS + 2))
    order = order[starts[0] : starts[-1]]
    return order, weight[order].astype(np.float32), starts[:-1] - starts[0]


@cache
def _window() -> NDArray[np.float32]:
    """Return a Hann window, (384, 384)."""
    return np.outer(np.hanning(_SIDE), np.hanning(_SIDE)).astype(np.float32)


def fingerprint(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Measure how a film was acquired and processed.

    Args:
        pixels: Shape (H, W) or (H, W, 3), any size; colour becomes luma.

    Returns:
        Shape (35,), all finite.
    """
    image = Image.fromarray(pixels).convert("L")
    width, height = image.size
    scale = _LONG_SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    n_greys = np.count_nonzero(image.histogram())
    buffer = io.BytesIO()
    # Whole blocks are averaged first, which takes a quarter of the time. Of 72 X-rays at 1024 px
    # the same ones lie beyond the limit of a model that learned them at 512 px.
    image.resize(size, Image.Resampling.LANCZOS, reducing_gap=1.0).save(
        buffer, "JPEG", quality=_QUALITY
    )
    image = Image.open(buffer)
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side)
    square = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, box=box))
    whole = np.asarray(image)
    counts = np.bincount(square.ravel(), minlength=256)
    shares = counts.cumsum() / square.size
    levels = np.arange(256)
    mean = float(counts @ levels) / square.size
    spread = (float(counts @ (levels - mean) ** 2) / square.size) ** 0.5
    edges = (
        whole[:, :_BORDER],
        whole[:, -_BORDER:],
        whole[:_BORDER],
        whole[-_BORDER:],
    )
    found = [
        *_powers(square, mean, spread),
        *(np.searchsorted(shares, np.array(_PERCENTILES) / 100) / 255),
        np.log(_median_laplacian(square) + 0.1),
        spread / 255,
        np.log(width / height),
        *(float(edge.mean()) / 255 for edge in edges),
        shares[_NEARLY_BLACK],
        1 - shares[_NEARLY_WHITE - 1],
        n_greys / 256,
    ]
    return np.array(found, np.float32)


def _powers(square: NDArray[np.uint8], mean: float, spread: float) -> NDArray[np.floating[Any]]:
    """Return the logarithms of the mean power in each band, (16,)."""
    from scipy.fft import rfft2  # half the time of numpy's, which knows float64 alone

    values = square - np.float32(mean)
    values *= _window()
    values *= np.float32(1 / (spread + _LEAST_SPREAD))
    order, weight, starts = _bands()
    spectrum = rfft2(values, overwrite_x=True).ravel()[order]
    power = (spectrum.real**2 + spectrum.imag**2) * weight
    return np.log(np.add.reduceat(power, starts) + 1e-9)


def _median_laplacian(square: NDArray[np.uint8]) -> int:
    levels = square.astype(np.int16)
    change = 4 * levels[1:-1, 1:-1]
    for beside in (levels[1:-1, :-2], levels[1:-1, 2:], levels[:-2, 1:-1], levels[2:, 1:-1]):
        change -= beside
    middle = (change.size - 1) // 2
    return int(np.partition(np.abs(change, out=change).ravel(), middle)[middle])


# Groups of numbers that move together, and the words where a film has more or less of them.
_TRAITS: Final[tuple[tuple[Any, Message, Message], ...]] = (
    ([*range(10, N_BANDS), SHARPNESS], Message("sharper"), Message("softer")),
    (ASPECT, Message("wider"), Message("taller")),
    (SPREAD, Message("more contrast"), Message("less contrast")),
    (LEVELS.start + len(_PERCENTILES) // 2, Message("brighter"), Message("darker")),
    (BORDERS, Message("brighter borders"), Message("darker borders")),
    (BLACK, Message("more pure black"), Message("less pure black")),
    (WHITE, Message("more pure white"), Message("less pure white")),
    (N_GREYS, Message("more grey levels"), Message("fewer grey levels")),
)
_NOTABLE: Final = 1.5  # standard deviations
_MOST_TRAITS: Final = 3


def differences(deviations: NDArray[np.floating[Any]]) -> tuple[Message, ...]:
    """Name the traits in which a film differs most from a source, the clearest first.

    Args:
        deviations: From the source's mean in its standard deviations, (35,).
    """
    means = [float(np.mean(deviations[place])) for place, _, _ in _TRAITS]
    order = sorted(range(len(_TRAITS)), key=lambda index: -abs(means[index]))
    return tuple(
        _TRAITS[index][1 if means[index] > 0 else 2]
        for index in order[:_MOST_TRAITS]
        if abs(means[index]) >= _NOTABLE
    )
