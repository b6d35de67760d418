"""WebP and JPEG 2000 files, bare codestreams among them."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import ImageReadError
from core.images.formats import SUFFIXES, is_named_as, is_named_as_image
from core.images.reading import load_xray, read_film, read_full

ROWS, COLUMNS = np.mgrid[0:40, 0:50]
LEVELS = (ROWS * 4 + COLUMNS).astype(np.uint8)
FILM = Image.fromarray(LEVELS)
WIDE = Image.fromarray(LEVELS.astype(np.uint16) * 16)
COLOUR = Image.fromarray(np.stack([LEVELS, 255 - LEVELS, LEVELS // 2], axis=2))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def refused(data: bytes) -> ImageReadError:
    with pytest.raises(ImageReadError) as caught:
        load_xray(data)
    return caught.value


def test_lossless_films_are_read_to_the_bit() -> None:
    for image, expected in ((FILM, LEVELS), (COLOUR, np.asarray(COLOUR))):
        for bare in (False, True):
            assert np.array_equal(load_xray(saved(image, "JPEG2000", no_jp2=bare)), expected)
        assert np.array_equal(load_xray(saved(image, "WEBP", lossless=True)), expected)


def test_a_lossy_webp_of_a_grey_film_is_grey() -> None:
    read = load_xray(saved(FILM, "WEBP", quality=90))
    assert read.shape == LEVELS.shape
    assert np.abs(read.astype(int) - LEVELS).mean() < 6


def test_sixteen_bits_of_a_jpeg_2000_are_read_as_those_of_a_png() -> None:
    packed, plain = saved(WIDE, "JPEG2000"), saved(WIDE, "PNG")
    assert np.array_equal(load_xray(packed), load_xray(plain))
    assert np.array_equal(read_full(packed).values, read_full(plain).values)
    assert read_film(packed).header.bits == 16


def test_transparent_parts_are_black_and_webps_are_turned_upright() -> None:
    alpha = np.full(LEVELS.shape, 255, np.uint8)
    alpha[:10] = 0
    shown = FILM.convert("RGBA")
    shown.putalpha(Image.fromarray(alpha))
    for data in (saved(shown, "WEBP", lossless=True), saved(shown, "JPEG2000")):
        assert (load_xray(data)[:10] == 0).all()
        assert np.array_equal(load_xray(data)[10:], LEVELS[10:])
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(FILM, "WEBP", lossless=True, exif=exif)
    assert np.array_equal(load_xray(turned), np.rot90(LEVELS, -1))


def test_a_moving_webp_is_refused_by_number() -> None:
    moving = saved(COLOUR, "WEBP", save_all=True, append_images=[COLOUR.rotate(90)])
    assert "holds 2 pictures" in str(refused(moving))


def test_cut_files_are_said_to_be_cut_short() -> None:
    for data in (
        saved(FILM, "WEBP"),
        saved(FILM, "JPEG2000"),
        saved(FILM, "JPEG2000", no_jp2=True),
    ):
        for part in (0.5, 0.9, 0.99):
            assert refused(data[: int(len(data) * part)]).kind == "truncated"


def test_a_jpeg_2000_made_to_take_memory_is_refused() -> None:
    data = saved(FILM, "JPEG2000", no_jp2=True)
    place = data.index(b"\xff\x51")
    one_pixel_tiles = data[: place + 22] + struct.pack(">II", 1, 1) + data[place + 30 :]
    assert refused(one_pixel_tiles).kind == "unreadable"
    giant = data[: place + 6] + struct.pack(">II", 30_000, 30_000) + data[place + 14 :]
    assert "is too large" in str(refused(giant))
    tiny_blocks = saved(FILM, "JPEG2000", codeblock_size=(4, 4))
    assert refused(tiny_blocks).kind == "unreadable"


def test_their_names_are_those_of_images() -> None:
    for name, format in (("a.webp", "WEBP"), ("a.JP2", "JPEG2000"), ("a.j2k", "JPEG2000")):
        assert is_named_as_image(name)
        assert is_named_as(name, format)
    assert Path(f"1{SUFFIXES['JPEG2000']}").suffix == ".jp2"
