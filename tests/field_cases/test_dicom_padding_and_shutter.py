"""Pixel padding and display shutters: black, and without a say in the contrast."""

import numpy as np
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import dataset, dicom, written

ROWS, COLUMNS = np.mgrid[0:60, 0:80]
FILM = (1000 + ROWS * 10 + COLUMNS * 15).astype(np.uint16)  # 1000 to 2775
IS_PADDED = COLUMNS >= 60


def padded(value: int, dtype: type = np.uint16) -> np.ndarray:
    return np.where(IS_PADDED, value, FILM).astype(dtype)


def inner(**values: object) -> np.ndarray:
    """The film alone, without padding."""
    return load_xray(dicom(FILM[:, :60], **values))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("value", "dtype"), [(65535, np.uint16), (0, np.uint16), (-32768, np.int16), (-2000, np.int16)]
)
def test_padding_is_black_and_takes_no_part_in_the_contrast(
    photometric: str, value: int, dtype: type
) -> None:
    pixels = padded(value, dtype)
    made = dataset(pixels, PhotometricInterpretation=photometric)
    made.add_new("PixelPaddingValue", "SS" if dtype is np.int16 else "US", value)
    for data in (
        written(made),
        written(made, ImplicitVRLittleEndian, implicit_vr=True, little_endian=True),
    ):
        read = load_xray(data)
        assert (read[IS_PADDED] == 0).all()
        assert np.array_equal(read[:, :60], inner(PhotometricInterpretation=photometric))
        full = read_full(data)
        assert full.padding is not None
        assert np.array_equal(full.padding, IS_PADDED)


def test_padding_of_a_range_is_padding_at_both_ends_and_between() -> None:
    pixels = np.where(IS_PADDED, 50 + ROWS % 3, FILM).astype(np.uint16)
    for ends in ((50, 52), (52, 50)):
        made = dataset(pixels)
        made.add_new("PixelPaddingValue", "US", ends[0])
        made.add_new("PixelPaddingRangeLimit", "US", ends[1])
        read = load_xray(written(made))
        assert (read[IS_PADDED] == 0).all()
        assert np.array_equal(read[:, :60], inner())


def test_padding_written_with_the_wrong_sign_is_padding() -> None:
    made = dataset(padded(-2000, np.int16))
    made.add_new("PixelPaddingValue", "US", 65536 - 2000)
    assert np.array_equal(load_xray(written(made))[:, :60], inner())


def test_a_film_of_one_level_and_padding_is_blank() -> None:
    made = dataset(np.where(IS_PADDED, 65535, 700).astype(np.uint16))
    made.add_new("PixelPaddingValue", "US", 65535)
    assert not load_xray(written(made)).any()


SHUTTERS = {
    "rectangular": (
        {
            "ShutterShape": "RECTANGULAR",
            "ShutterLeftVerticalEdge": 11,
            "ShutterRightVerticalEdge": 70,
            "ShutterUpperHorizontalEdge": 6,
            "ShutterLowerHorizontalEdge": 50,
        },
        (ROWS < 5) | (ROWS >= 50) | (COLUMNS < 10) | (COLUMNS >= 70),
    ),
    "circular": (
        {
            "ShutterShape": "CIRCULAR",
            "CenterOfCircularShutter": [31, 41],
            "RadiusOfCircularShutter": 25,
        },
        (ROWS - 30) ** 2 + (COLUMNS - 40) ** 2 > 25**2,
    ),
    "polygonal": (
        {
            "ShutterShape": "POLYGONAL",
            "VerticesOfThePolygonalShutter": [6, 11, 6, 70, 50, 70, 50, 11],
        },
        (ROWS < 5) | (ROWS >= 50) | (COLUMNS < 10) | (COLUMNS >= 70),
    ),
}


@pytest.mark.parametrize("shape", SHUTTERS)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_outside_a_shutter_is_black(shape: str, photometric: str) -> None:
    elements, outside = SHUTTERS[shape]
    bright = np.where(outside, 60_000, FILM).astype(np.uint16)  # the frame of a screen
    data = dicom(bright, PhotometricInterpretation=photometric, **elements)
    read = load_xray(data)
    assert (read[outside] == 0).all()
    assert len(np.unique(read[~outside])) > 100  # the frame did not take the contrast
    full = read_full(data)
    assert full.shutter is not None
    assert np.array_equal(full.shutter, outside)


def test_shutters_of_two_shapes_show_what_lies_within_both() -> None:
    elements = SHUTTERS["rectangular"][0] | SHUTTERS["circular"][0]
    elements["ShutterShape"] = ["RECTANGULAR", "CIRCULAR"]
    full = read_full(dicom(FILM, **elements))
    assert full.shutter is not None
    assert np.array_equal(full.shutter, SHUTTERS["rectangular"][1] | SHUTTERS["circular"][1])


def test_a_shutter_that_hides_all_or_is_broken_hides_nothing() -> None:
    plain = load_xray(dicom(FILM))
    for elements in (
        {
            "ShutterShape": "CIRCULAR",
            "CenterOfCircularShutter": [900, 900],
            "RadiusOfCircularShutter": 9,
        },
        {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 11},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 2, 3]},
        {"ShutterShape": "BITMAP"},
    ):
        assert np.array_equal(load_xray(dicom(FILM, **elements)), plain)
