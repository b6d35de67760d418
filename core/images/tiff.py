"""The directories of a TIFF (TIFF 6.0, section 2; BigTIFF), checked before Pillow follows them."""

import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.images.formats import cut_short, several_pictures

# None, CCITT, LZW, JPEG, Deflate (two numbers) and PackBits: what Pillow's libtiff reads
# everywhere. Of the others each is one more parser for hostile bytes.
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TYPE_BYTES |= {13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {3: "u2", 4: "u4", 16: "i8"}
_RAW_TYPES = (1, 2, 6, 7)  # kept as bytes, so that their number costs nothing
_MAX_VALUES = 2**18  # tiles of 16 x 16 in the largest picture
_MAX_DIRECTORIES = 1000
_MAX_ENTRIES = 1000  # in a directory; Pillow writes 10 to 30
_SUBFILE, _COMPRESSION, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 254, 259, 273, 279, 324, 325


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    start: int  # of its values in the file


def check_directories(data: bytes, name: object) -> None:
    """Refuse a TIFF of several pictures, one that is cut short, and giant lists.

    Raises:
        ImageReadError: It is one of these.
        ValueError: It is broken, or compressed in a rare way.
    """
    order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    try:
        (offset,) = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)
        n_pictures, seen = 1, {0, offset}
        first, offset = _directory(data, offset, order, is_big)
        while offset not in seen and len(seen) < _MAX_DIRECTORIES:
            seen.add(offset)
            entries, offset = _directory(data, offset, order, is_big)
            # A small copy for quick viewing (bit 0) is no picture of its own.
            n_pictures += not any(_numbers(data, entries.get(_SUBFILE), order) & 1)
        if n_pictures > 1:
            raise several_pictures(name, n_pictures)
        _check_first(data, first, order)
    except struct.error as error:
        raise cut_short(name) from error


def _check_first(data: bytes, entries: dict[int, _Entry], order: Literal["<", ">"]) -> None:
    """Raise struct.error where values or picture run past the end, ValueError where broken."""
    for entry in entries.values():
        if entry.kind not in _RAW_TYPES and entry.count > _MAX_VALUES:
            raise ValueError("a list of too many values")
        if entry.start + entry.count * _TYPE_BYTES.get(entry.kind, 0) > len(data):
            raise struct.error("values past the end")
    if not set(_numbers(data, entries.get(_COMPRESSION), order)) <= _COMPRESSIONS:
        raise ValueError("a rare compression")
    for starts, sizes in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        start = _numbers(data, entries.get(starts), order)
        size = _numbers(data, entries.get(sizes), order)
        n = min(len(start), len(size))
        if n and (start[:n] + size[:n]).max() > len(data):
            raise struct.error("a part of the picture past the end")


def _directory(
    data: bytes, offset: int, order: Literal["<", ">"], is_big: bool
) -> tuple[dict[int, _Entry], int]:
    """Return the entries by tag, and the offset of the next directory; 0 where there is none."""
    number = struct.Struct(order + ("Q" if is_big else "I"))  # an offset, or values that fit
    layout = struct.Struct(order + ("HHQ" if is_big else "HHI"))
    (n_entries,) = struct.unpack_from(order + ("Q" if is_big else "H"), data, offset)
    if n_entries > _MAX_ENTRIES:
        raise ValueError("a directory of too many entries")
    offset += 8 if is_big else 2
    entries: dict[int, _Entry] = {}
    for _ in range(n_entries):
        tag, kind, count = layout.unpack_from(data, offset)
        offset += layout.size
        (start,) = number.unpack_from(data, offset)
        n_bytes = count * _TYPE_BYTES.get(kind, 1)
        entries[tag] = _Entry(kind, count, offset if n_bytes <= number.size else start)
        offset += number.size
    (following,) = number.unpack_from(data, offset)
    return entries, following


def _numbers(data: bytes, entry: _Entry | None, order: Literal["<", ">"]) -> NDArray[np.int64]:
    """Return the values of an entry of whole numbers; none where there is no such entry."""
    if entry is None or entry.kind not in _WHOLE_NUMBERS:
        return np.zeros(0, np.int64)
    n_bytes = entry.count * _TYPE_BYTES[entry.kind]
    if entry.start + n_bytes > len(data):
        raise struct.error("values past the end")
    dtype = np.dtype(_WHOLE_NUMBERS[entry.kind]).newbyteorder(order)
    return np.frombuffer(data, dtype, entry.count, entry.start).astype(np.int64)
