"""Of damaged files, full depth reads and refuses just what the other reader does."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from core.errors import ImageReadError
from core.images.film import FullDepthFilm
from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import dicom, packed_by_pillow
from tests.core.images.image_files import saved
from tests.core.images.mutation import mutated


def bases() -> list[bytes]:
    rows, columns = np.mgrid[0:20, 0:24]
    grey = (rows * 7 + columns * 5).astype(np.uint8)
    wide = grey.astype(np.uint16) * 13
    spacing = {"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.3, 0.3]}
    windows = {"WindowCenter": [900, 300], "WindowWidth": [700, 200]}
    return [
        saved(Image.fromarray(grey)),
        saved(Image.fromarray(wide)),
        saved(Image.fromarray(wide), "TIFF", compression="tiff_lzw"),
        saved(Image.fromarray(wide.astype(np.float32)), "TIFF"),
        dicom(
            wide, WindowCenterWidthExplanation=["A", "B"], RescaleType="HU", **spacing, **windows
        ),
        dicom(
            wide.astype(np.int16) - 500, BitsStored=12, HighBit=11, RescaleIntercept=-3, **spacing
        ),
        packed_by_pillow(grey, "JPEG"),
    ]


def compare(files: Sequence[bytes], n_files: int, seed: int) -> set[str]:
    random_, seen = random.Random(seed), set()
    for round_ in range(n_files):
        data = mutated(files[round_ % len(files)], random_)
        first, second = outcome(load_xray, data), outcome(read_full, data)
        if isinstance(first, ImageReadError):
            assert str(second) == str(first)
            seen.add("refused")
        else:
            assert isinstance(second, FullDepthFilm)
            shown = second.shown()
            assert shown.shape == first.shape
            assert np.abs(shown.astype(int) - first).max() <= 1
            seen.add("read")
    return seen


def outcome(read: object, data: bytes) -> object:
    try:
        return read(data)
    except ImageReadError as error:
        return error


def test_damaged_files_are_read_or_refused_alike() -> None:
    assert compare(bases(), 350, seed=11) == {"read", "refused"}


@pytest.mark.nightly
def test_many_damaged_files_are_read_or_refused_alike() -> None:
    assert compare(bases(), 20_000, seed=12) == {"read", "refused"}
