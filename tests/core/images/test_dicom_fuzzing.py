"""Damaged DICOM files raise nothing but refusals, and warn of nothing."""

from pathlib import Path

import numpy as np
import pytest

from tests.core.images.dicom_files import LOSSLESS, dicom, packed_by_gdcm, packed_by_pillow
from tests.core.images.mutation import outcomes


def bases(folder: Path) -> list[bytes]:
    rows, columns = np.mgrid[0:20, 0:24]
    grey = (rows * 7 + columns * 5).astype(np.uint8)
    wide = grey.astype(np.uint16) * 13
    colour = np.stack([grey, 255 - grey, grey // 2], axis=2)
    plain = [
        dicom(grey, WindowCenter=100, WindowWidth=200),
        dicom(wide.astype(np.int16) - 500, BitsStored=12, HighBit=11, RescaleIntercept=-3),
        dicom(colour),
    ]
    packed = [packed_by_gdcm(dicom(wide), syntax, folder) for syntax in LOSSLESS]
    pillow = [packed_by_pillow(grey, "JPEG"), packed_by_pillow(wide, "JPEG2000")]
    return plain + packed + pillow


def test_mutated_dicom_files_raise_nothing_foreign(tmp_path: Path) -> None:
    assert set(outcomes(bases(tmp_path), 400, seed=7)) >= {"read", "unreadable", "truncated"}


@pytest.mark.nightly
def test_many_mutated_dicom_files_raise_nothing_foreign(tmp_path: Path) -> None:
    assert set(outcomes(bases(tmp_path), 10_000, seed=8)) >= {"read", "unreadable", "truncated"}
