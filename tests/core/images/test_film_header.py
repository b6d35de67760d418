"""What a file says of its picture beside the pixels."""

import json

import numpy as np
import pytest
from PIL import Image

from core.images.film import FilmHeader
from core.images.formats import SUFFIXES, format_of, is_named_as
from core.images.reading import read_film
from tests.core.images.dicom_files import dicom
from tests.core.images.image_files import HEIGHT, WIDTH, film, saved


def header(image: Image.Image, kind: str = "PNG", **options: object) -> FilmHeader:
    return read_film(saved(image, kind, **options)).header


def grey() -> Image.Image:
    return Image.fromarray(film())


# Formats


def test_the_content_tells_the_format() -> None:
    for kind in ("PNG", "JPEG", "BMP", "TIFF"):
        data = saved(grey(), kind)
        assert format_of(data[:132]) == kind
        assert read_film(data).header.format == kind


def test_the_head_of_a_dicom_file_tells_it() -> None:
    assert format_of(dicom(film())[:132]) == "DICOM"
    assert format_of(dicom(film())[:131]) is None


def test_other_content_has_no_format() -> None:
    for head in (b"", b"BM", b"BM and more text, and more", b"GIF89a", b"\xff\xd8"):
        assert format_of(head) is None


def test_a_dicom_file_that_poses_as_a_tiff_is_dicom() -> None:
    assert format_of(b"II*\0" + bytes(124) + b"DICM") == "DICOM"


def test_names_that_agree_with_the_content() -> None:
    for name, format in (
        ("a.png", "PNG"),
        ("COVID/a.PNG", "PNG"),
        ("a.jpg", "JPEG"),
        ("a.jpeg", "JPEG"),
        ("a.dib", "BMP"),
        ("a.tiff", "TIFF"),
        ("a.dcm", "DICOM"),
        ("a.ima", "DICOM"),
        ("IM00001", "DICOM"),
        ("1.2.840.113", "DICOM"),
        ("1.2.840.113", "PNG"),
        ("v1.2\\film", "JPEG"),
        (".png", "JPEG"),
    ):
        assert is_named_as(name, format)


def test_names_that_lie_about_the_content() -> None:
    for name, format in (
        ("a.png", "JPEG"),
        ("a.jpg", "PNG"),
        ("a.txt", "PNG"),
        ("a.png", "DICOM"),
        ("a.dcm", "TIFF"),
    ):
        assert not is_named_as(name, format)


def test_our_own_suffixes_agree() -> None:
    assert all(is_named_as("film" + suffix, format) for format, suffix in SUFFIXES.items())


# Depth and channels


def test_depth_and_channels_are_those_stored() -> None:
    for mode, kind, bits, channels, has_alpha in (
        ("1", "PNG", 1, 1, False),
        ("L", "PNG", 8, 1, False),
        ("P", "PNG", 8, 3, False),
        ("LA", "PNG", 8, 2, True),
        ("RGB", "PNG", 8, 3, False),
        ("RGBA", "PNG", 8, 4, True),
        ("I;16", "PNG", 16, 1, False),
        ("L", "JPEG", 8, 1, False),
        ("RGB", "JPEG", 8, 3, False),
        ("CMYK", "JPEG", 8, 4, False),
        ("1", "BMP", 1, 1, False),
        ("L", "BMP", 8, 1, False),
        ("RGB", "BMP", 8, 3, False),
        ("1", "TIFF", 1, 1, False),
        ("L", "TIFF", 8, 1, False),
        ("RGBA", "TIFF", 8, 4, True),
        ("I;16", "TIFF", 16, 1, False),
        ("I", "TIFF", 32, 1, False),
        ("F", "TIFF", 32, 1, False),
    ):
        found = header(grey().convert(mode), kind)
        assert (found.bits, found.channels, found.has_alpha) == (bits, channels, has_alpha)


def test_the_size_is_that_of_the_upright_film() -> None:
    for kind in ("PNG", "JPEG", "TIFF"):
        exif = Image.Exif()
        exif[0x0112] = 6
        found = header(grey(), kind, exif=exif)
        assert (found.width, found.height, found.orientation) == (HEIGHT, WIDTH, 6)


def test_an_upright_film_has_orientation_one() -> None:
    assert header(grey()).orientation == 1


# JPEG quality


def test_the_quality_of_a_jpeg_is_found_exactly() -> None:
    for quality in (1, 10, 49, 50, 51, 75, 85, 90, 95, 99, 100):
        for mode in ("L", "RGB"):
            assert header(grey().convert(mode), "JPEG", quality=quality).jpeg_quality == quality


def test_other_tables_are_estimated() -> None:
    found = header(grey(), "JPEG", qtables=[[17] * 64])
    assert found.jpeg_quality is not None
    assert 80 < found.jpeg_quality < 90


def test_a_png_has_no_jpeg_quality() -> None:
    assert header(grey()).jpeg_quality is None


# JSON


def test_a_header_survives_json() -> None:
    found = read_film(dicom(film()), b"key").header
    assert FilmHeader.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_an_odd_header_is_refused() -> None:
    for change in (
        {"format": "GIF"},
        {"width": 0},
        {"width": 2.0},
        {"height": True},
        {"bits": 65},
        {"channels": 5},
        {"has_alpha": 1},
        {"jpeg_quality": 0},
        {"jpeg_quality": 90},  # of a PNG
        {"orientation": 9},
        {"patient": "Jane Doe"},
        {"patient": None},
        {"format": ["PNG"]},
        {"more": 1},
    ):
        with pytest.raises(ValueError, match="header"):
            FilmHeader.from_json(header(grey()).to_json() | change)


def test_what_is_no_header_is_refused() -> None:
    for value in (None, [], {}, "PNG", {"format": "PNG"}):
        with pytest.raises(ValueError, match="header"):
            FilmHeader.from_json(value)


def test_a_key_too_long_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        read_film(saved(grey()), bytes(65))


def test_pixels_and_header_agree() -> None:
    read = read_film(saved(grey()))
    assert read.pixels.shape == (read.header.height, read.header.width)
    assert read.pixels.dtype == np.uint8
