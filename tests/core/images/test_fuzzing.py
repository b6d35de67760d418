"""Damaged files raise nothing but refusals, warn of nothing, and both readers agree on them.

The damage is done at random, the same each time.
"""

import io
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.errors import ImageReadError
from core.images.film import FullDepthFilm
from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import LOSSLESS, dicom, packed_by_gdcm, packed_by_pillow
from tests.core.images.image_files import saved, shown_by

ROWS, COLUMNS = np.mgrid[0:20, 0:24]
GREY = (ROWS * 7 + COLUMNS * 5).astype(np.uint8)
WIDE = GREY.astype(np.uint16) * 13
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=2)


def images() -> list[bytes]:
    grey, wide = Image.fromarray(GREY), Image.fromarray(GREY.astype(np.uint16) * 16)
    colour = Image.fromarray(COLOUR)
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
        saved(Image.fromarray(GREY.astype(np.float32)), "TIFF", exif=exif),
        saved(Image.fromarray(GREY.astype(np.int32) - 9), "TIFF", compression="packbits"),
        saved(palette.convert("1"), "TIFF", compression="group4"),
        saved(grey, "TIFF", save_all=True, append_images=[Image.new("L", (24, 20))]),
        saved(wide, "TIFF", big_tiff=True),
        saved(colour, "WEBP", exif=exif),
        saved(colour.convert("RGBA"), "WEBP", lossless=True),
        saved(wide, "JPEG2000"),
        saved(colour, "JPEG2000", no_jp2=True),
    ]


def tiffs() -> list[bytes]:
    """Tiny TIFFs of many bits, which this program decodes itself."""
    made = []
    for values, options in (
        (WIDE, {"tile": (16, 16), "byteorder": ">"}),
        (WIDE, {"compression": "zlib", "predictor": True, "rowsperstrip": 3}),
        (WIDE.astype(np.float64), {"rowsperstrip": 5}),
        (WIDE.astype(np.float16), {"photometric": "miniswhite", "bigtiff": True}),
        (WIDE.astype(np.int32), {"tile": (16, 16), "compression": "zlib"}),
        (np.stack([WIDE] * 3), {"photometric": "rgb", "planarconfig": "separate"}),
        (np.stack([WIDE] * 2, axis=2), {"extrasamples": ["unassalpha"]}),
    ):
        target = io.BytesIO()
        with tifffile.TiffWriter(
            target, byteorder=options.pop("byteorder", "<"), bigtiff=options.pop("bigtiff", False)
        ) as writer:
            writer.write(values, metadata=None, **{"photometric": "minisblack"} | options)
            if not made:
                writer.write(GREY[::2, ::2], subfiletype=1, metadata=None)
        made.append(target.getvalue())
    for compression, predictor in (("tiff_lzw", 2), ("tiff_adobe_deflate", 3), ("packbits", 1)):
        deep = Image.fromarray(WIDE.astype(np.float32) if predictor == 3 else WIDE)
        made.append(saved(deep, "TIFF", compression=compression, tiffinfo={317: predictor}))
    return made


def dicoms(folder: Path) -> list[bytes]:
    plain = [
        dicom(GREY, WindowCenter=100, WindowWidth=200),
        dicom(WIDE.astype(np.int16) - 500, BitsStored=12, HighBit=11, RescaleIntercept=-3),
        dicom(COLOUR),
    ]
    packed = [packed_by_gdcm(dicom(WIDE), syntax, folder) for syntax in LOSSLESS]
    pillow = [packed_by_pillow(GREY, "JPEG"), packed_by_pillow(WIDE, "JPEG2000")]
    return plain + packed + pillow


def films() -> list[bytes]:
    spacing = {"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.3, 0.3]}
    windows = {"WindowCenter": [900, 300], "WindowWidth": [700, 200]}
    return [
        saved(Image.fromarray(GREY)),
        saved(Image.fromarray(WIDE)),
        saved(Image.fromarray(WIDE), "TIFF", compression="tiff_lzw"),
        *tiffs(),
        dicom(
            WIDE, WindowCenterWidthExplanation=["A", "B"], RescaleType="HU", **spacing, **windows
        ),
        dicom(
            WIDE.astype(np.int16) - 500, BitsStored=12, HighBit=11, RescaleIntercept=-3, **spacing
        ),
        packed_by_pillow(GREY, "JPEG"),
    ]


def mutated(data: bytes, random_: random.Random) -> bytes:
    """Change, blank, cut out or repeat a few places."""
    changed = bytearray(data)
    for _ in range(random_.choice([1, 1, 3, 10])):
        # The header is where most decisions are taken.
        most = random_.choice([len(changed), min(len(changed), 200)])
        place = random_.randrange(most)
        match random_.randrange(5):
            case 0:
                changed[place] = random_.randrange(256)
            case 1:
                changed[place : place + 4] = random_.choice([b"\xff" * 4, bytes(4)])
            case 2:
                del changed[place : place + random_.randrange(1, 30)]
            case 3:
                changed[place:place] = changed[place : place + 20]
            case _:
                changed[place] ^= 1 << random_.randrange(8)
        if not changed:
            break
    if random_.random() < 0.1:
        del changed[random_.randrange(len(changed) + 1) :]
    return bytes(changed)


def outcome(read: Callable[[bytes], object], data: bytes) -> object:
    try:
        return read(data)
    except ImageReadError as error:
        return error


def outcomes(bases: Sequence[bytes], n_files: int, seed: int) -> Iterator[str]:
    """Read damaged copies; whatever is no refusal or no film fails the test."""
    random_ = random.Random(seed)
    for round_ in range(n_files):
        found = outcome(load_xray, mutated(bases[round_ % len(bases)], random_))
        if isinstance(found, ImageReadError):
            assert str(found).startswith("The image ")
            assert found.kind in ("unreadable", "truncated", "not_an_image", "tiny")
            yield found.kind
        else:
            assert found.dtype == np.uint8
            assert found.ndim == 2 or found.shape[2] == 3
            assert min(found.shape[:2]) >= 16
            yield "read"


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
            shown = shown_by(second)
            assert shown.shape == first.shape
            assert np.abs(shown.astype(int) - first).max() <= 1
            seen.add("read")
    return seen


def test_damaged_images_raise_nothing_foreign() -> None:
    assert set(outcomes(images(), 3_000, seed=7)) >= {"read", "unreadable", "truncated"}


def test_damaged_tiffs_of_many_bits_raise_nothing_foreign() -> None:
    assert set(outcomes(tiffs(), 1_000, seed=7)) >= {"read", "unreadable", "truncated"}


def test_damaged_dicom_files_raise_nothing_foreign(tmp_path: Path) -> None:
    assert set(outcomes(dicoms(tmp_path), 400, seed=7)) >= {"read", "unreadable", "truncated"}


def test_full_depth_reads_and_refuses_just_what_the_other_reader_does() -> None:
    assert compare(films(), 350, seed=11) == {"read", "refused"}


@pytest.mark.nightly
def test_many_damaged_files_do_no_harm_either(tmp_path: Path) -> None:
    kinds = {"read", "unreadable", "truncated"}
    assert set(outcomes(images(), 30_000, seed=8)) >= kinds
    assert set(outcomes(tiffs(), 30_000, seed=8)) >= kinds
    assert set(outcomes(dicoms(tmp_path), 10_000, seed=8)) >= kinds
    assert compare(films(), 20_000, seed=12) == {"read", "refused"}
