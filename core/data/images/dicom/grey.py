"""What the stored levels of a grey DICOM film are shown as (PS3.3, C.11; PS3.4, N.2).

All of it happens on a table of the levels that 8 or 16 bits can store, so that a film of any
size costs no more than the look-up: stored bits, modality LUT, window or VOI LUT, inversion.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.data.images.bands import row_bands
from core.data.images.dicom.file_window import FileWindow, file_window, number
from core.data.images.dicom.picture import Picture
from core.data.images.window import (
    Bands,
    level_counts,
    percentile_table,
    percentile_window,
    shown,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def shown_grey(stored: NDArray[np.generic], picture: Picture, is_packed: bool) -> NDArray[np.uint8]:
    """Show a film as the file says it is to be seen.

    The file's first window or VOI LUT is used; without one, or where it leaves nothing to be
    seen, a film of 8 bits is left as it is and of more bits the central 99 % are shown, as for
    every other format.

    Args:
        stored: Shape (H, W), 8 or 16 bits.
        picture: What the header says.
        is_packed: Whether a decoder moved the stored bits to the lowest place.

    Returns:
        Grey levels, shape (H, W), 0 = black.
    """
    bands, n_levels = stored_levels(stored)
    grading = graded(level_counts(bands, n_levels), picture, is_packed)
    table = grading.table
    if picture.photometric == "MONOCHROME1":
        table = 255 - table
    return shown(bands, table, (stored.shape[0], stored.shape[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Grading:
    """What the stored levels stand for and are shown as, before a negative is inverted."""

    values: NDArray[np.float64]  # after the modality LUT, or the VOI LUT; shape (n_levels,)
    table: NDArray[np.uint8]  # shape (n_levels,)
    window: FileWindow  # whose picture the table is
    is_lut: bool = False  # whether the values are those of the file's VOI LUT


def stored_levels(stored: NDArray[np.generic]) -> tuple[Bands, int]:
    """The patterns of bits as unsigned numbers, and how many there can be."""
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")

    def bands() -> Iterator[tuple[slice, NDArray[np.generic]]]:
        for rows in row_bands(stored.shape[1], stored.shape[0]):
            yield rows, stored[rows].astype(unsigned)

    return bands, 2 ** (8 * stored.dtype.itemsize)


def graded(counts: NDArray[np.integer], picture: Picture, is_packed: bool) -> Grading:
    """Find out what the levels are shown as.

    Args:
        counts: How many pixels have each level, shape (n_levels,).
        picture: What the header says.
        is_packed: Whether a decoder moved the stored bits to the lowest place.
    """
    header = picture.header
    values = _modality_values(_level_values(len(counts), picture, is_packed), header)
    used = counts > 0
    found: Grading | None = None
    if lut := _lut(header, "VOILUTSequence", values):
        grey, most = lut
        table = (grey * (255 / most)).clip(0, 255).round().astype(np.uint8)
        found = Grading(grey, table, _between(0, most), is_lut=True)
    elif window := file_window(header):
        found = Grading(values, window.table(values), window)
    if found is not None and (np.ptp(found.table[used]) or not np.ptp(values[used])):
        return found
    if step := _eight_bit_step(values[used], picture.bits_stored):
        table = (values / step).clip(0, 255).astype(np.uint8)
        return Grading(values, table, _between(0, 255 * step))
    table = percentile_table(counts, values)
    return Grading(values, table, _between(*percentile_window(counts, values)))


def _between(low: float, high: float) -> FileWindow:
    return FileWindow((low + high) / 2, high - low)


def _level_values(n_levels: int, picture: Picture, is_packed: bool) -> NDArray[np.int64]:
    """The number that each pattern of bits stands for, shape (n_levels,)."""
    n_bits = min(picture.bits_stored, n_levels.bit_length() - 1)
    high_bit = n_bits - 1 if is_packed else int(picture.header.get("HighBit", n_bits - 1))
    if not n_bits - 1 <= high_bit < n_levels.bit_length() - 1:
        raise ValueError("a high bit that is not there")
    # Overlays may lie in the unused bits (PS3.5, 8.1.1, retired).
    levels = (np.arange(n_levels) >> (high_bit + 1 - n_bits)) % 2**n_bits
    if picture.is_signed:  # two's complement
        levels = levels - ((levels >> (n_bits - 1)) << n_bits)
    return levels


def _modality_values(values: NDArray[np.int64], header: "Dataset") -> NDArray[np.float64]:
    """Apply the modality LUT, or else slope and intercept (PS3.3, C.11.1)."""
    if lut := _lut(header, "ModalityLUTSequence", values):
        return lut[0]
    slope = number(header, "RescaleSlope")
    intercept = number(header, "RescaleIntercept")
    slope = 1.0 if slope is None or slope == 0 else slope
    modality = values.astype(np.float64) * slope + (0.0 if intercept is None else intercept)
    if not np.isfinite(modality).all():
        raise ValueError("a rescaled value is not a finite number")
    return modality


def _eight_bit_step(used: NDArray[np.float64], bits_stored: int) -> int | None:
    """What separates two grey levels of an 8-bit film stored in more bits; None for other films.

    Stretching such a film by its percentiles changed it by 20 grey levels on average; no film of
    more bits uses only multiples of 257, or only the lowest or the highest eight of its bits.
    """
    for step in (1, 257, 2 ** max(0, bits_stored - 8)):
        if used.min() >= 0 and used.max() <= 255 * step and not (used % step).any():
            return step
    return None


def _lut(
    header: "Dataset", keyword: str, values: NDArray[Any]
) -> tuple[NDArray[np.float64], float] | None:
    """Look values up in a sequence's first table (PS3.3, C.11.1.1 and C.11.2.1.1).

    Returns:
        The entries for the values, and the greatest possible entry; None without a table.
    """
    sequence = header.get(keyword)
    if not sequence:
        return None
    n_entries, first, n_bits = (int(number) for number in sequence[0].LUTDescriptor)
    content = sequence[0].LUTData
    n_entries = n_entries or 2**16  # which sixteen bits cannot say
    if isinstance(content, bytes):
        is_wide = len(content) >= 2 * n_entries
        table = np.frombuffer(content, "<u2" if is_wide else "u1")
    else:
        table = np.atleast_1d(np.asarray(content)).astype(np.int64) % 2**16
    table = table[:n_entries].astype(np.float64)
    if not len(table) or not 0 < n_bits <= 16:
        raise ValueError("a broken lookup table")
    places = np.clip(values - first, 0, len(table) - 1).astype(np.int64)
    return table[places], float(max(2**n_bits - 1, table.max()))
