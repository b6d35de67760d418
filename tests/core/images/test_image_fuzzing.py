"""Damaged images raise nothing but refusals, and warn of nothing."""

import numpy as np
import pytest
from PIL import Image

from tests.core.images.image_files import saved
from tests.core.images.mutation import outcomes


def small() -> np.ndarray:
    rows, columns = np.mgrid[0:20, 0:24]
    return (rows * 7 + columns * 5).astype(np.uint8)


def bases() -> list[bytes]:
    grey, wide = Image.fromarray(small()), Image.fromarray(small().astype(np.uint16) * 16)
    colour = Image.fromarray(np.stack([small(), 255 - small(), small() // 2], axis=2))
    exif = Image.Exif()
    exif[0x0112] = 6
    palette = grey.convert("P")
    return [
        saved(grey, exif=exif),
        saved(wide),
        saved(palette, transparency=3),
        saved(colour.convert("RGBA")),
        saved(grey, save_all=True, append_images=[Image.new("L", (24, 20))]),
        saved(colour, "JPEG", exif=exif),
        saved(grey, "JPEG", progressive=True),
        saved(colour.convert("CMYK"), "JPEG"),
        saved(grey, "MPO", save_all=True, append_images=[Image.new("L", (20, 20))]),
        saved(grey, "BMP"),
        saved(colour, "BMP"),
        saved(palette.convert("1"), "BMP"),
        saved(grey, "TIFF"),
        saved(wide, "TIFF", compression="tiff_lzw"),
        saved(colour, "TIFF", compression="jpeg"),
        saved(colour.convert("RGBA"), "TIFF", compression="tiff_adobe_deflate"),
        saved(Image.fromarray(small().astype(np.float32)), "TIFF", exif=exif),
        saved(Image.fromarray(small().astype(np.int32) - 9), "TIFF", compression="packbits"),
        saved(palette.convert("1"), "TIFF", compression="group4"),
        saved(grey, "TIFF", save_all=True, append_images=[Image.new("L", (24, 20))]),
        saved(wide, "TIFF", big_tiff=True),
    ]


def test_mutated_images_raise_nothing_foreign() -> None:
    assert set(outcomes(bases(), 3_000, seed=7)) >= {"read", "unreadable", "truncated"}


@pytest.mark.nightly
def test_many_mutated_images_raise_nothing_foreign() -> None:
    assert set(outcomes(bases(), 30_000, seed=8)) >= {"read", "unreadable", "truncated"}
