"""Image files made for the tests: small, odd, and of every format."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageReadError
from core.images.film import FullDepthFilm, Window
from core.images.reading import load_xray

HEIGHT, WIDTH = 40, 50


def film() -> NDArray[np.uint8]:
    """Grey levels (40, 50): a gradient, no two corners alike."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (rows * 4 + columns).astype(np.uint8)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def png(rows: bytes, width: int, height: int, depth: int, colour_type: int) -> bytes:
    """A PNG written by hand; `rows` hold a filter byte each (PNG specification, 5 and 11)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def wide_png(samples: NDArray[np.integer], colour_type: int) -> bytes:
    """A 16-bit PNG of samples (H, W, channels)."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png(rows, samples.shape[1], samples.shape[0], 16, colour_type)


def shown_by(read: FullDepthFilm, window: Window | None = None) -> NDArray[np.uint8]:
    """The whole film under a window, its own one if none is given; shape (H, W[, 3])."""
    return read.table(window or read.default)[read.values]


def refused(source: Path | bytes) -> ImageReadError:
    with pytest.raises(ImageReadError) as caught:
        load_xray(source)
    return caught.value


def refusal(source: Path | bytes) -> str:
    return str(refused(source))
