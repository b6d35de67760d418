"""Lookup tables of DICOM: modality LUT, VOI LUT and palettes (PS3.3, C.11.1, C.11.2, C.7.9)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGE_BITS: Final = 16  # a descriptor that says so may mean the words and not their range
_COLOURS: Final = ("Red", "Green", "Blue")


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """The entries of a table, and the input that the first one stands for."""

    first: int
    entries: NDArray[np.int64]  # at least one
    n_bits: int  # as the descriptor has it

    @property
    def white(self) -> int:
        """The entry that is white.

        Many a table of 12 bits says 16, the size of the words it is stored in: where the highest
        bit is not used, its greatest entry counts.
        """
        greatest = int(self.entries.max())
        if self.n_bits == _STORAGE_BITS and greatest < 2 ** (_STORAGE_BITS - 1):
            return max(1, greatest)
        return max(2**self.n_bits - 1, greatest)

    def looked_up(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the entries for values; those beyond either end get its entry."""
        places = np.clip(values - self.first, 0, len(self.entries) - 1).round().astype(np.int64)
        return self.entries[places]


def lookup_tables(
    header: "Dataset", keyword: str, used: NDArray[Any]
) -> list[tuple[LookupTable, "Dataset"]]:
    """Return the tables of a sequence, each with its item.

    Not by pydicom's `apply_modality_lut` and `apply_voi`: version 3 fails on a modality LUT of 12
    bits and on one of 8 bits that is packed two entries a word.

    Args:
        header: With the sequence, or without.
        keyword: Of the sequence.
        used: The values that are looked up, at least one: they tell whether a first value of more
            than 32767 is meant as a negative number.

    Raises:
        ValueError: A table is broken.
    """
    return [
        (_table(item, "LUTDescriptor", "LUTData", used), item) for item in header.get(keyword) or []
    ]


def _table(item: "Dataset", descriptor: str, content: str, used: NDArray[Any]) -> LookupTable:
    said = _words(item.get_item(descriptor))
    if len(said) != 3:
        raise ValueError("a broken descriptor of a lookup table")
    n_entries, first, n_bits = (int(word) for word in said)
    n_entries = n_entries or 2**16  # which sixteen bits cannot say
    if not 0 < n_bits <= 16:
        raise ValueError("a lookup table of too many bits")
    entries = _entries(item.get_item(content), n_entries, n_bits)
    return LookupTable(_meant_first(first, len(entries), used), entries, n_bits)


def _words(element: Any) -> NDArray[np.int64]:
    """Return 16-bit words in the order of bytes of the file, as unsigned numbers."""
    if element is None or element.value is None:
        return np.empty(0, np.int64)
    value = element.value
    if isinstance(value, bytes):
        order = "<" if getattr(element, "is_little_endian", True) else ">"
        return np.frombuffer(value[: len(value) // 2 * 2], f"{order}u2").astype(np.int64)
    return np.atleast_1d(np.asarray(value)).astype(np.int64) % 2**16


def _entries(element: Any, n_entries: int, n_bits: int) -> NDArray[np.int64]:
    words = _words(element)
    if len(words) >= n_entries:
        return words[:n_entries]
    # Entries of 8 bits, two a word; only OB is written byte by byte in either order of bytes.
    if element is not None and element.VR == "OB" and isinstance(element.value, bytes):
        packed = np.frombuffer(element.value, np.uint8).astype(np.int64)
    else:
        packed = np.stack([words & 0xFF, words >> 8], axis=1).ravel()
    if n_entries <= len(packed) <= n_entries + 1:
        return packed[:n_entries]
    raise ValueError(f"a lookup table of too few entries ({n_bits} bits)")


def _meant_first(first: int, n_entries: int, used: NDArray[Any]) -> int:
    """Read the first value mapped as a signed or an unsigned number, whichever meets the values.

    The value representation does not tell: it follows the stored pixels, and rescaling may have
    made them negative.
    """
    if first < 2**15:
        return first
    low, high = float(used.min()), float(used.max())

    def overlap(start: int) -> float:
        return min(high, start + n_entries - 1) - max(low, start)

    signed = first - 2**16
    return signed if overlap(signed) > overlap(first) else first


def palette_colours(stored: NDArray[np.generic], header: "Dataset") -> NDArray[np.uint8]:
    """Replace the numbers of a palette by its colours.

    Args:
        stored: Shape (H, W).
        header: With the palette's elements.

    Returns:
        Shape (H, W, 3).

    Raises:
        Exception: The palette is broken.
    """
    if "SegmentedRedPaletteColorLookupTableData" in header:
        from pydicom.pixels import apply_color_lut

        wide: NDArray[np.integer[Any]] = apply_color_lut(stored, header)
        return (wide >> 8 if wide.dtype.itemsize == 2 else wide).astype(np.uint8)
    used = np.array([stored.min(), stored.max()])
    tables = [
        _table(
            header,
            f"{colour}PaletteColorLookupTableDescriptor",
            f"{colour}PaletteColorLookupTableData",
            used,
        )
        for colour in _COLOURS
    ]
    greatest = max(int(table.entries.max()) for table in tables)
    n_bits = max(8, greatest.bit_length())
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")
    patterns = np.arange(2 ** (8 * stored.dtype.itemsize)).astype(unsigned)
    numbers = patterns.view(stored.dtype.newbyteorder("=")).astype(np.int64)
    indices = stored.astype(unsigned)
    picture = np.empty((*stored.shape, 3), np.uint8)
    for channel, table in enumerate(tables):
        picture[..., channel] = (table.looked_up(numbers) >> (n_bits - 8)).astype(np.uint8)[indices]
    return picture
