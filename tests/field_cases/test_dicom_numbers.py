"""Malformed DS and IS: read where the meaning is certain, else refused in words."""

import struct

import numpy as np
import pytest

from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import dataset, written
from tests.core.images.image_files import refusal

FILM = (np.mgrid[0:60, 0:80].sum(axis=0) * 20).astype(np.uint16)
TAGS = {"WindowCenter": (0x28, 0x1050), "WindowWidth": (0x28, 0x1051),
        "RescaleIntercept": (0x28, 0x1052), "RescaleSlope": (0x28, 0x1053)}  # fmt: skip


def film_with(**texts: str) -> bytes:
    """A film whose numbers are written just so; pydicom would not write them."""
    made = dataset(FILM)
    pixels = made.pop("PixelData")
    head = written(made)
    body = b""
    values = {"WindowCenter": "600", "WindowWidth": "900", "RescaleIntercept": "-200",
              "RescaleSlope": "0.5"} | texts  # fmt: skip
    for keyword, text in values.items():
        content = text.encode("latin-1")
        content += b" " * (len(content) % 2)
        body += struct.pack("<HH2sH", *TAGS[keyword], b"DS", len(content)) + content
    tail = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, len(pixels.value)) + pixels.value
    return head + body + tail


@pytest.mark.parametrize(
    "texts",
    [
        {"RescaleSlope": "0,5"},
        {"RescaleSlope": ",5"},
        {"RescaleSlope": " 0.50 "},
        {"RescaleSlope": "5e-1"},
        {"RescaleSlope": "+0,5E0"},
        {"RescaleIntercept": "-200,0"},
        {"WindowCenter": "600,0\\1", "WindowWidth": "900,00\\x"},
        {"WindowCenter": "\t600\0"},
    ],
)
def test_a_number_whose_meaning_is_certain_is_read(texts: dict[str, str]) -> None:
    assert np.array_equal(load_xray(film_with(**texts)), load_xray(film_with()))


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("RescaleSlope", "0.5.1"),
        ("RescaleSlope", "1.234,5"),
        ("RescaleSlope", "0"),
        ("RescaleSlope", "NaN"),
        ("RescaleIntercept", "--200"),
        ("WindowCenter", "60 0"),
        ("WindowWidth", "9x0"),
        ("WindowWidth", "1e999"),
    ],
)
def test_a_number_that_is_none_is_refused_by_its_name(keyword: str, text: str) -> None:
    said = refusal(film_with(**{keyword: text}))
    assert f"its element {keyword} says" in said
    assert "damaged" not in said


def test_an_empty_slope_is_an_absent_one() -> None:
    assert np.array_equal(
        load_xray(film_with(RescaleSlope="", RescaleIntercept="")),
        load_xray(film_with(RescaleSlope="1", RescaleIntercept="0")),
    )


def test_a_spacing_with_a_comma_gives_the_scale() -> None:
    data = written(dataset(FILM, PixelSpacing=[0.14, 0.14]))
    broken = data.replace(b"0.14\\0.14", b"0,14\\0,14")
    assert read_full(broken).spacing == read_full(data).spacing is not None
