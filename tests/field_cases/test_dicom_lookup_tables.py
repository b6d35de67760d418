"""LUTs: their real range, signed and unsigned first values, order of bytes; palettes too."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import dataset, dicom, written

ROWS, COLUMNS = np.mgrid[0:64, 0:64]
RAMP = (ROWS * 64 + COLUMNS).astype(np.uint16)  # 0 to 4095, each once
GREY = (RAMP / 4095 * 255).round()


def lut(
    entries: np.ndarray, first: int = 0, bits: int = 12, vr: str = "OW", order: str = "<"
) -> Dataset:
    item = Dataset()
    is_signed = first < 0
    item.add_new("LUTDescriptor", "SS" if is_signed else "US", [len(entries) % 2**16, first, bits])
    item.add_new("ModalityLUTType", "LO", "US")
    words = entries.astype(f"{order}u2")
    item.add_new("LUTData", vr, words.tobytes() if vr == "OW" else [int(word) for word in entries])
    return item


def difference(data: bytes, expected: np.ndarray = GREY) -> float:
    full = read_full(data)
    assert np.abs(full.table(full.default)[full.values] - expected).max() <= 2
    return float(np.abs(load_xray(data) - expected).max())


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("vr", ["OW", "US"])
def test_a_table_is_scaled_by_its_range_where_the_descriptor_names_the_words(
    bits: int, vr: str
) -> None:
    made = dicom(RAMP, VOILUTSequence=[lut(np.arange(4096), bits=bits, vr=vr)])
    assert difference(made) <= 1


def test_a_table_of_sixteen_bits_keeps_its_range() -> None:
    table = lut(np.arange(4096) * 10, bits=16)  # the brightest is 40950 of 65535
    assert load_xray(dicom(RAMP, VOILUTSequence=[table])).max() == round(40950 / 65535 * 255)


@pytest.mark.parametrize("vr", ["OW", "US"])
def test_a_big_endian_table_is_read_in_the_order_of_the_file(vr: str) -> None:
    made = dataset(RAMP.astype(">u2"), VOILUTSequence=[lut(np.arange(4096), vr=vr, order=">")])
    data = written(made, ExplicitVRBigEndian, implicit_vr=False, little_endian=False)
    assert difference(data) <= 1


def test_a_first_value_below_zero_is_read_in_every_coding() -> None:
    signed = RAMP.astype(np.int16) - 2048
    made = dataset(signed, VOILUTSequence=[lut(np.arange(4096), first=-2048)])
    assert difference(written(made)) <= 1
    assert (
        difference(written(made, ImplicitVRLittleEndian, implicit_vr=True, little_endian=True)) <= 1
    )


def test_a_first_value_written_without_its_sign_meets_rescaled_values() -> None:
    table = lut(np.arange(4096), first=65536 - 1024)
    made = dicom(RAMP, RescaleSlope=1, RescaleIntercept=-1024, VOILUTSequence=[table])
    assert difference(made) <= 1


def test_a_first_value_above_32767_stays_one_where_the_pixels_are_there() -> None:
    high = (RAMP.astype(np.uint32) + 60_000).astype(np.uint16)
    assert difference(dicom(high, VOILUTSequence=[lut(np.arange(4096), first=60_000)])) <= 1


def test_entries_of_eight_bits_may_lie_two_in_a_word() -> None:
    table = lut(np.arange(256), bits=8)
    table["LUTData"].value = bytes(range(256))
    film = (RAMP >> 4).astype(np.uint8)
    for data in (
        dicom(film, VOILUTSequence=[table]),
        dicom(film, ModalityLUTSequence=[table], WindowCenter=128, WindowWidth=256),
    ):
        assert np.abs(load_xray(data).astype(int) - film).max() <= 1


def palette(order: str, bits: int, factor: int) -> Dataset:
    film = (RAMP >> 4).astype(np.uint8)
    made = dataset(film, PhotometricInterpretation="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        made.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, bits])
        words = (np.arange(256)[::-1] * factor).astype(f"{order}u2")
        made.add_new(f"{colour}PaletteColorLookupTableData", "OW", words.tobytes())
    return made


@pytest.mark.parametrize("factor", [1, 256, 257])
def test_a_palette_is_read_in_the_order_of_the_file_and_by_its_range(factor: int) -> None:
    expected = 255 - (RAMP >> 4)
    little = written(palette("<", 16, factor))
    assert np.abs(load_xray(little) - expected.astype(int)).max() <= 1
    big = palette(">", 16, factor)
    data = written(big, ExplicitVRBigEndian, implicit_vr=False, little_endian=False)
    assert np.abs(load_xray(data) - expected.astype(int)).max() <= 1
