"""The few words of protobuf's wire format that model files are written in.

A message is a list of pieces, so that hundreds of megabytes of weights are joined only once.
Source: https://protobuf.dev/programming-guides/encoding
"""

import struct
from collections.abc import Sequence
from typing import Final

Pieces = list[bytes | memoryview]

_VARINT: Final = 0
_BYTES: Final = 2
_FIXED32: Final = 5


def varint(value: int) -> bytes:
    """A whole number from 0 on: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> Pieces:
    """A whole number from 0 on in a field."""
    return [_key(field, _VARINT) + varint(value)]


def real(field: int, value: float) -> Pieces:
    """A number of 32 bits in a field."""
    return [_key(field, _FIXED32) + struct.pack("<f", value)]


def text(field: int, value: str) -> Pieces:
    """A text in a field."""
    return content(field, [value.encode()])


def content(field: int, pieces: Sequence[bytes | memoryview]) -> Pieces:
    """Bytes, or another message, in a field."""
    n_bytes = sum(len(piece) for piece in pieces)
    return [_key(field, _BYTES) + varint(n_bytes), *pieces]


def _key(field: int, kind: int) -> bytes:
    return varint(field << 3 | kind)
