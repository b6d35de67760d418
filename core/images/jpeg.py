"""The markers of a JPEG (ITU T.81, Annex B), read without decoding it."""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
# Start of frame, among them lossless (C3) and JPEG-LS (F7); C4, C8 and CC are other things.
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
# A progressive JPEG has ten scans; each costs a pass over the whole picture.
MAX_SCANS = 40

# ITU T.81, table K.1: the luminance quantisation that quality 50 stands for.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """Size and depth as the codestream itself has them."""

    bits: int
    height: int
    width: int
    channels: int
    marker: int = 0xC0  # the process, such as C0 baseline, C3 lossless, F7 JPEG-LS


def frame_of(data: bytes) -> JpegFrame | None:
    """Find the start of frame; None where there is none."""
    for marker, offset in _segments(data):
        if marker in _FRAMES and offset + 8 <= len(data):
            bits, height, width, channels = struct.unpack_from(">BHHB", data, offset + 2)
            return JpegFrame(bits, height, width, channels, marker)
    return None


def is_cut_jpeg(data: bytes) -> bool:
    """Return whether a header runs past the end, or no end follows the picture."""
    offset = 2
    for marker, offset in _segments(data):
        if marker == _START_OF_SCAN:
            return data.find(_END_OF_IMAGE, offset) < 0
    return offset >= len(data) or offset + _length_at(data, offset) > len(data)


# In a scan a byte FF is followed by 0, by a restart marker or by another FF, else by a marker.
_NEXT_MARKER = re.compile(rb"\xff+([^\0\xff\xd0-\xd7])")


def has_too_many_scans(data: bytes) -> bool:
    """Return whether decoding would cost more passes over the picture than an honest file does."""
    # Counted roughly first: following the markers of every film cost a fifth of its decoding.
    return data.count(b"\xff\xda") > MAX_SCANS and n_scans(data) > MAX_SCANS


def n_scans(data: bytes) -> int:
    """Count the scans of the picture: neither a thumbnail's nor those of what lies behind it."""
    n_found, offset = 0, 2
    while marker := _NEXT_MARKER.search(data, offset):
        if marker[1] == b"\xd9":  # end of image
            break
        n_found += marker[1] == b"\xda"
        if n_found > MAX_SCANS:
            break
        offset = marker.end() + _length_at(data, marker.end())
    return n_found


def quality_of(tables: Mapping[int, Sequence[int]]) -> int | None:
    """Estimate the quality setting, exactly where the encoder scales as libjpeg does.

    Args:
        tables: Quantisation tables of 64 steps by number; number 0 is luminance.

    Returns:
        1 to 100; None where there is no table.
    """
    if not tables:
        return None
    steps = sum(tables.get(0, next(iter(tables.values()))))
    return int(np.abs(_step_sums() - steps).argmin()) + 1


@cache
def _step_sums() -> NDArray[np.int64]:
    """Return the sum of the luminance steps at quality 1 to 100, shape (100,).

    The Independent JPEG Group's rule: 5000 / quality percent of the table below 50, and
    200 - 2 * quality percent above, each step within 1 to 255. Sums fall as quality rises.
    """
    quality = np.arange(1, 101)[:, None]  # (100, 1)
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    steps = (np.array(_LUMINANCE) * percent + 50) // 100  # (100, 64)
    return steps.clip(1, 255).sum(axis=1)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker up to the first scan and where its length stands; broken ones end it."""
    offset = 2
    while offset + 4 <= len(data) and data[offset] == 0xFF:
        marker = data[offset + 1]
        if marker == 0xFF:  # a fill byte
            offset += 1
            continue
        yield marker, offset + 2
        if marker == _START_OF_SCAN:
            return
        offset += 2 + _length_at(data, offset + 2)


def _length_at(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "big")
