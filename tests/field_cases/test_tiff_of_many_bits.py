"""TIFF: separate planes, numbers of every kind, NaN and Inf, tiles, copies beside the picture."""

import io
import itertools
import struct

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageReadError
from core.images import tiff
from core.images.reading import load_xray, read_film, read_full

ROWS, COLUMNS = np.mgrid[0:40, 0:50]
LEVELS = ROWS * 4 + COLUMNS  # 0 to 205
KINDS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")


def numbers(kind: str) -> NDArray[np.generic]:
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        return (LEVELS * 1.37 - 20).astype(dtype)
    factor = {1: 1, 2: 250, 4: 10**7, 8: 2**50}[dtype.itemsize]
    offset = 0 if dtype.kind == "u" else 100
    return ((LEVELS - offset) * factor).astype(dtype)


def written(values: NDArray[np.generic], **options: object) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, values, **options)
    return target.getvalue()


def decoded(data: bytes) -> NDArray[np.generic] | None:
    """Values as stored; None where Pillow is left to decode them."""
    _, page = tiff.find_picture(data, "film.tif")
    layout = tiff.deep_layout(page, "film.tif")
    return None if layout is None else tiff.deep_values(layout)


def refusal(data: bytes) -> str:
    with pytest.raises(ImageReadError) as caught:
        load_xray(data)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_is_decoded_as_tifffile_wrote_it(kind: str) -> None:
    grey = numbers(kind)
    three = np.stack([grey, grey[::-1], grey[:, ::-1]])
    layouts: tuple[tuple[NDArray[np.generic], dict[str, object]], ...] = (
        (grey, {"photometric": "minisblack"}),
        (np.moveaxis(three, 0, 2), {"photometric": "rgb", "planarconfig": "contig"}),
        (three, {"photometric": "rgb", "planarconfig": "separate"}),
    )
    for (values, layout), order, tile, packing in itertools.product(
        layouts, "<>", (None, (16, 32)), (None, "zlib", "difference")
    ):
        if packing == "difference" and kind in ("f2", "f4", "f8", "i1", "u8", "i8"):
            continue  # which tifffile cannot write alone
        data = written(
            values,
            byteorder=order,
            tile=tile,
            rowsperstrip=None if tile else 7,
            compression={"difference": "zlib"}.get(str(packing), packing),
            predictor=packing == "difference" or None,
            **layout,
        )
        read = decoded(data)
        if read is None:
            assert kind == "u1"
        else:
            expected = np.moveaxis(values, 0, 2) if "separate" in layout.values() else values
            assert np.array_equal(read, expected)


def test_what_libtiff_packs_is_unpacked_to_the_bit() -> None:
    packings = (("tiff_lzw", 1), ("tiff_lzw", 2), ("packbits", 1), ("tiff_adobe_deflate", 3))
    for compression, predictor in packings:
        levels = Image.fromarray(numbers("f4" if predictor == 3 else "u2"))
        target = io.BytesIO()
        levels.save(target, "TIFF", compression=compression, tiffinfo={317: predictor})
        assert np.array_equal(decoded(target.getvalue()), np.asarray(levels))


@pytest.mark.parametrize("kind", KINDS)
def test_a_grey_film_looks_the_same_in_numbers_of_every_kind(kind: str) -> None:
    expected = load_xray(written(LEVELS.astype(np.float32)))
    for order in "<>":
        read = load_xray(written(numbers(kind), byteorder=order, compression="zlib"))
        # 8 bits stay as they are; signed bytes are windowed like other signed numbers.
        assert np.corrcoef(read.ravel(), expected.ravel())[0, 1] > 0.999


def test_separate_planes_above_8_bits_are_read_as_those_together() -> None:
    three = np.stack([numbers("u2"), numbers("u2")[::-1], numbers("u2")[:, ::-1]])
    apart = written(three, photometric="rgb", planarconfig="separate")
    together = written(np.moveaxis(three, 0, 2), photometric="rgb", planarconfig="contig")
    assert load_xray(apart).shape == (40, 50, 3)
    assert np.array_equal(load_xray(apart), load_xray(together))
    assert np.array_equal(load_xray(apart), (np.moveaxis(three, 0, 2) >> 8).astype(np.uint8))


def test_three_equal_planes_of_floats_are_one_grey_film() -> None:
    grey = numbers("f4")
    for planes in ("separate", "contig"):
        three = np.stack([grey] * 3, axis=0 if planes == "separate" else 2)
        data = written(three, photometric="rgb", planarconfig=planes)
        assert np.array_equal(load_xray(data), load_xray(written(grey)))


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_what_is_no_finite_number_is_black_and_changes_nothing_else(
    kind: str, value: float, photometric: str
) -> None:
    values = numbers(kind)
    plain = load_xray(written(values[:, 10:], photometric=photometric))
    values[:, :10] = value
    data = written(values, photometric=photometric)
    read, full = load_xray(data), read_full(data)
    assert (read[:, :10] == 0).all()
    assert np.array_equal(read[:, 10:], plain)
    assert np.abs(full.table(full.default)[full.values].astype(int) - read).max() <= 1


def test_a_picture_without_any_number_is_refused() -> None:
    assert "cannot be read" in refusal(written(np.full((20, 20), np.nan, np.float32)))


def test_numbers_at_the_ends_of_their_range_are_read() -> None:
    for step in (1e-300, 1e-30, 1e300):
        read = load_xray(written(LEVELS * step))
        assert np.corrcoef(read.ravel(), LEVELS.ravel())[0, 1] > 0.99


def test_transparent_parts_of_a_deep_grey_film_are_black() -> None:
    alpha = np.full(LEVELS.shape, 65535, np.uint16)
    alpha[:10] = 0
    data = written(
        np.stack([numbers("u2"), alpha], axis=2),
        photometric="minisblack",
        extrasamples=["unassalpha"],
    )
    assert (load_xray(data)[:10] == 0).all()
    assert load_xray(data)[10:].std() > 20
    assert read_film(data).header.has_alpha


def test_deep_pictures_are_turned_upright() -> None:
    turned = written(numbers("f8"), extratags=[(274, "H", 1, 6, True)])
    assert np.array_equal(load_xray(turned), np.rot90(load_xray(written(numbers("f8"))), -1))


# Several pages of which one is the picture


def pages(*contents: tuple[NDArray[np.generic], dict[str, object]]) -> bytes:
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        for values, options in contents:
            writer.write(values, **options)
    return target.getvalue()


FILM = (LEVELS.astype(np.uint8), {"metadata": None})
SMALL = LEVELS[::2, ::2].astype(np.uint8)


def test_a_copy_or_mask_before_or_behind_the_picture_is_passed_over() -> None:
    mask = SMALL > 100
    for beside in (
        (SMALL, {"subfiletype": 1, "metadata": None}),
        (mask, {"subfiletype": 4, "photometric": 4, "metadata": None}),
    ):
        for order in ([FILM, beside], [beside, FILM], [beside, FILM, beside]):
            assert np.array_equal(load_xray(pages(*order)), FILM[0])


def test_a_preview_that_no_tag_calls_one_is_passed_over() -> None:
    beside = (SMALL, {"metadata": None})
    assert np.array_equal(load_xray(pages(FILM, beside)), FILM[0])
    assert np.array_equal(load_xray(pages(beside, FILM)), FILM[0])


def test_two_pictures_of_their_own_are_refused_by_number() -> None:
    for other in (FILM, (LEVELS[:, :30].astype(np.uint8), {"metadata": None})):
        assert "holds 2 pictures" in refusal(pages(FILM, other))


def test_where_every_page_is_marked_as_a_copy_the_largest_is_the_picture() -> None:
    marked = {"subfiletype": 1, "metadata": None}
    assert np.array_equal(load_xray(pages((SMALL, marked), (FILM[0], marked))), FILM[0])


def test_a_sound_picture_of_a_kind_that_is_not_read_is_not_called_damaged() -> None:
    colours = np.stack([numbers("f4"), numbers("f4") * 2, numbers("f4")], axis=2)
    data = bytearray(written(numbers("u2")))
    place = data.index(struct.pack("<HH", 259, 3))
    data[place + 8 : place + 10] = struct.pack("<H", 34887)  # LERC
    for odd in (
        written(colours, photometric="rgb"),
        written((numbers("f4") + 1j).astype(np.complex64)),
        written(
            np.stack([numbers("u2")] * 5, axis=2), photometric="minisblack", planarconfig="contig"
        ),
        bytes(data),
    ):
        sentence = refusal(odd)
        assert "damaged" not in sentence
        assert "cut short" not in sentence
        assert "not supported" in sentence
