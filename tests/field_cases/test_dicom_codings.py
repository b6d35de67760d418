"""Codecs, bare data sets, untrue transfer syntaxes, and bits that disagree."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
)

from core.images.reading import load_xray
from tests.core.images.dicom_files import dataset, dicom, packed_by_gdcm, written
from tests.core.images.image_files import refusal

ROWS, COLUMNS = np.mgrid[0:64, 0:80]
FILM = (ROWS * 30 + COLUMNS * 25).astype(np.uint16)  # 0 to 3865
GREY = (FILM >> 4).astype(np.uint8)
TWELVE = {"BitsStored": 12, "HighBit": 11}
WINDOW = {"WindowCenter": 2047.5, "WindowWidth": 4095, "VOILUTFunction": "LINEAR_EXACT"}


def packed(frame: bytes, syntax: str, pixels: np.ndarray = FILM, **values: object) -> bytes:
    made = dataset(pixels, **values)
    made.PixelData = encapsulate([frame])
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    return written(made, syntax)


def saved(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, kind, **options)
    return target.getvalue()


def test_values_beyond_the_stored_bits_after_a_lossy_codec_are_clamped() -> None:
    hard = np.where((ROWS // 7 + COLUMNS // 9) % 2 == 0, 4095, 0).astype(np.uint16)
    frame = saved(hard, "JPEG2000", no_jp2=True, irreversible=True, quality_mode="rates",
                  quality_layers=[30])  # fmt: skip
    decoded = np.asarray(Image.open(io.BytesIO(frame)))
    assert decoded.max() > 4095  # it did overshoot
    read = load_xray(packed(frame, JPEG2000, **TWELVE, **WINDOW))
    expected = decoded.astype(np.float64).clip(0, 4095) / 4095 * 255
    assert np.abs(read - expected).max() <= 0.51


def test_jpeg_extended_of_12_bits_is_read(tmp_path: Path) -> None:
    made = packed_by_gdcm(dicom(FILM, **TWELVE, **WINDOW), JPEGExtended12Bit, tmp_path)
    expected = load_xray(dicom(FILM, **TWELVE, **WINDOW))
    assert np.abs(load_xray(made).astype(int) - expected).max() <= 3


@pytest.mark.parametrize("stored", [8, 12, 16])
def test_a_jpeg_of_8_bits_in_16_allocated_is_read(stored: int) -> None:
    frame = saved(GREY, "JPEG", quality=98)
    made = packed(frame, JPEGBaseline8Bit, BitsStored=stored, HighBit=stored - 1)
    assert np.abs(load_xray(made).astype(int) - GREY).max() <= 6


@pytest.mark.parametrize("beginning", ["meta", "group length", "class", "big endian", "explicit"])
def test_a_bare_file_is_read(beginning: str) -> None:
    plain = dicom(FILM, **TWELVE)
    data = plain[132:]
    if beginning in ("group length", "class"):
        made = dataset(FILM, **TWELVE)
        whole = written(made, ImplicitVRLittleEndian, implicit_vr=True, little_endian=True)
        data = whole[whole.index(b"\x08\0\x16\0") :]
        if beginning == "group length":
            data = b"\x08\0\0\0\x04\0\0\0\x60\0\0\0" + data
    elif beginning == "explicit":
        data = plain[plain.index(b"\x08\0\x16\0UI") :]
    elif beginning == "big endian":
        made = dataset(FILM.astype(">u2"), **TWELVE)
        whole = written(made, ExplicitVRBigEndian, implicit_vr=False, little_endian=False)
        data = whole[whole.index(b"\0\x08\0\x16UI") :]
    assert np.array_equal(load_xray(data), load_xray(plain))


@pytest.mark.parametrize(
    "said",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, JPEGBaseline8Bit, JPEG2000, JPEGLosslessSV1, ""],
)
def test_a_plain_file_that_names_another_transfer_syntax_is_read(said: str) -> None:
    plain = dicom(FILM, **TWELVE)
    old = str(ExplicitVRLittleEndian).encode()
    uid = said.encode() + b"\0" * (len(said) % 2)
    place = plain.index(b"\2\0\x10\0UI") + 6
    rest = plain[place + 2 + len(old) + len(old) % 2 :]
    made = plain[:place] + len(uid).to_bytes(2, "little") + uid + rest
    assert np.array_equal(load_xray(made), load_xray(plain))


def test_a_packed_file_that_names_another_codec_is_read(tmp_path: Path) -> None:
    plain = dicom(FILM, **TWELVE)
    made = packed_by_gdcm(plain, JPEGLosslessSV1, tmp_path)
    for other in (b"1.2.840.10008.1.2.4.51", b"1.2.840.10008.1.2.4.90"):
        assert made.count(b"1.2.840.10008.1.2.4.70") == 1
        assert np.array_equal(
            load_xray(made.replace(b"1.2.840.10008.1.2.4.70", other)), load_xray(plain)
        )


def test_high_bit_and_bits_stored_that_disagree_are_settled_by_the_pixels() -> None:
    expected = load_xray(dicom(FILM, **TWELVE, **WINDOW))
    for pixels, stored, high in (
        (FILM, 12, 15),  # says they lie higher up, and they do not
        (FILM << 4, 12, 15),
        (FILM, 16, 11),
        (FILM, 12, 13),
    ):
        made = dicom(pixels.astype(np.uint16), BitsStored=stored, HighBit=high, **WINDOW)
        assert np.array_equal(load_xray(made), expected), (stored, high)
    wide = (FILM * 16).astype(np.uint16)
    assert np.array_equal(load_xray(dicom(wide, HighBit=11)), load_xray(dicom(wide)))


def test_a_sound_file_that_is_not_read_is_not_called_damaged() -> None:
    for made in (
        dicom(FILM.astype(np.uint32)),
        dicom(np.stack([FILM] * 3, axis=2)),
        dicom(FILM, PhotometricInterpretation=""),
        dicom(FILM, PhotometricInterpretation="YBR_FULL"),
        packed(saved(GREY, "PNG"), JPEG2000),
        dicom(FILM).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.1\0"),
    ):
        said = refusal(made)
        assert "is not read here" in said
        assert not any(word in said for word in ("damaged", "cut short", "uncompressed"))
