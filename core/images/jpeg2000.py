"""The main header of a JPEG 2000 (ISO/IEC 15444-1, annex A), read without decoding it."""

import struct
from dataclasses import dataclass

_START = b"\xff\x4f\xff\x51"  # start of codestream, then at once the size
_END = b"\xff\xd9"
_SIZE = struct.Struct(">8xIIIIIIIIH")  # from the start; then 3 bytes for each component
_CODING_STYLE, _START_OF_TILE = 0x52, 0x90
# Each tile, code block and precinct costs the decoder memory, whatever lies in it.
_MOST_TILES = 1024
_LEAST_BLOCK = 4  # exponent: code blocks of 16 x 16
_LEAST_PRECINCT = 5  # exponent: precincts of 32 x 32, but at the coarsest level
_MOST_HEADER_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Jpeg2000Frame:
    """Size and depth as the codestream itself has them."""

    width: int
    height: int
    channels: int
    bits: int


def frame_of(data: bytes) -> Jpeg2000Frame:
    """Read the main header.

    Raises:
        ValueError: It is broken, or made to take more memory than its pixels do.
        struct.error: It is cut short.
    """
    start = data.find(_START)
    if start < 0:
        raise ValueError("no codestream")
    right, bottom, left, top, across, down, x, y, channels = _SIZE.unpack_from(data, start)
    width, height = right - left, bottom - top
    depths = data[start + _SIZE.size : start + _SIZE.size + 3 * channels : 3]
    if min(width, height, across, down) <= 0 or not 1 <= channels <= 4 or len(depths) != channels:
        raise ValueError("an impossible size")
    if -(-(right - x) // across) * -(-(bottom - y) // down) > _MOST_TILES:
        raise ValueError("too many tiles")
    _check_coding_style(data, start)
    bits = max((depth & 0x7F) + 1 for depth in depths)
    return Jpeg2000Frame(width, height, channels, bits)


def _check_coding_style(data: bytes, start: int) -> None:
    offset = start + 2
    while offset < start + _MOST_HEADER_BYTES:
        kind, marker, length = struct.unpack_from(">BBH", data, offset)
        if kind != 0xFF or marker == _START_OF_TILE:
            return
        if marker == _CODING_STYLE:
            style, n_levels, *block = struct.unpack_from(">B4xBBB", data, offset + 4)
            precincts = data[offset + 14 : offset + 2 + length] if style & 1 else b""
            fine = [size for size in precincts[1:] if min(size >> 4, size & 15) < _LEAST_PRECINCT]
            if min(block) + 2 < _LEAST_BLOCK or n_levels > 32 or fine:
                raise ValueError("needlessly small parts")
        offset += 2 + length


def is_cut_jpeg2000(data: bytes) -> bool:
    """Return whether no end of the codestream follows its start."""
    return data.find(_END, max(0, data.find(_START))) < 0
