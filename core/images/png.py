"""Chunks of PNG files."""

import struct
import zlib
from typing import Final

_SIGNATURE_BYTES: Final = 8
_FRAME_BYTES: Final = 12  # length, kind and checksum around a chunk's content
_LONGEST_EXTRA: Final = 2**20  # bytes; colour profiles and headers of cameras are shorter
_MOST_EXTRA: Final = 4 * 2**20  # all of them together
_MOST_CHUNKS: Final = 200_000
_IS_EXTRA: Final = 0x20  # in the first letter of a chunk's kind (PNG specification, 5.4)


def without_large_extras(data: bytes) -> bytes:
    """Leave out what is beside the picture and larger than any real file's: text, above all.

    Pillow keeps several copies of it: 100 MB of text took 570 MiB.

    Raises:
        SyntaxError: The checksum of what is left out is wrong.
        ValueError: There are more chunks than any real file has.
    """
    view = memoryview(data)
    kept: list[memoryview] = []
    begin = offset = _SIGNATURE_BYTES  # of what is kept, of the chunk at hand
    n_chunks = n_extra = 0
    while offset + _FRAME_BYTES <= len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        end = offset + _FRAME_BYTES + length
        n_chunks += 1
        if n_chunks > _MOST_CHUNKS:
            raise ValueError("too many chunks")
        if end > len(data):
            break  # it is cut, and read as it is
        if kind[0] & _IS_EXTRA and (length > _LONGEST_EXTRA or n_extra + length > _MOST_EXTRA):
            (checksum,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(view[offset + 4 : end - 4]) != checksum:
                raise SyntaxError("broken PNG file (bad header checksum)")
            kept.append(view[begin:offset])
            begin = end
        elif kind[0] & _IS_EXTRA:
            n_extra += length
        offset = end
    if not kept:
        return data
    return b"".join([view[:_SIGNATURE_BYTES], *kept, view[begin:]])
