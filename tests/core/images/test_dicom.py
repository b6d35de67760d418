"""DICOM films: the picture that the file asks for, or one plain sentence."""

import hashlib
import io
import logging
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from core.errors import ImageReadError
from core.images import gdcm_process, reading
from core.images.formats import format_of
from core.images.reading import load_xray, read_film, read_full
from tests.core.images.dicom_files import (
    LOSSLESS,
    SR,
    dataset,
    dicom,
    element,
    packed_by_gdcm,
    packed_by_pillow,
    written,
)
from tests.core.images.image_files import HEIGHT, WIDTH, film, refused, saved


def twelve_bits() -> NDArray[np.uint16]:
    """Values 0 to 3291, no multiple of 16 alone."""
    return film().astype(np.uint16) * 16 + film() % 11


def as_sixteen_bit_png(levels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return load_xray(saved(Image.fromarray(levels)))


# Values and windows


def test_an_eight_bit_film_in_more_bits_is_the_film() -> None:
    for factor, bits in ((1, 16), (257, 16), (256, 16), (16, 12)):
        wide = film().astype(np.uint16) * factor
        assert np.array_equal(load_xray(dicom(wide, BitsStored=bits, HighBit=bits - 1)), film())


def test_eight_bits_without_a_window_are_left_as_they_are() -> None:
    assert np.array_equal(load_xray(dicom(film() // 2)), film() // 2)


def test_twelve_bits_without_a_window_are_shown_as_in_a_png() -> None:
    read = load_xray(dicom(twelve_bits(), BitsStored=12, HighBit=11))
    assert np.array_equal(read, as_sixteen_bit_png(twelve_bits()))


def test_monochrome1_is_inverted_once() -> None:
    negative = dicom(255 - film(), PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(load_xray(negative), film())


def test_a_window_is_applied_as_pydicom_does() -> None:
    for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        made = dataset(
            twelve_bits(),
            BitsStored=12,
            HighBit=11,
            WindowCenter=1500,
            WindowWidth=900,
            VOILUTFunction=function,
        )
        expected = apply_voi_lut(twelve_bits(), made) * (255 / 4095)
        assert np.abs(load_xray(written(made)) - expected).max() <= 0.51


def test_the_first_of_several_windows_counts() -> None:
    one = dicom(twelve_bits(), WindowCenter=900, WindowWidth=700)
    several = dicom(twelve_bits(), WindowCenter=[900, 2000], WindowWidth=[700, 90])
    assert np.array_equal(load_xray(several), load_xray(one))


def test_a_window_that_shows_nothing_is_not_used() -> None:
    for centre, width in ((90_000, 10), (500, 0), (500, -3)):
        made = dicom(twelve_bits(), WindowCenter=centre, WindowWidth=width)
        assert np.array_equal(load_xray(made), as_sixteen_bit_png(twelve_bits()))


def test_the_window_holds_for_rescaled_values() -> None:
    made = dicom(
        twelve_bits(), RescaleSlope=2, RescaleIntercept=-100, WindowCenter=1700, WindowWidth=1800
    )
    plain = dicom(twelve_bits(), WindowCenter=900, WindowWidth=900)
    assert np.abs(load_xray(made).astype(int) - load_xray(plain)).max() <= 1


def test_a_falling_slope_makes_a_negative() -> None:
    made = dicom(film(), RescaleSlope=-1, RescaleIntercept=255)
    assert np.array_equal(load_xray(made), 255 - film())


def test_signed_values_keep_their_order() -> None:
    signed = twelve_bits().astype(np.int16) - 1500
    read = load_xray(dicom(signed, BitsStored=12, HighBit=11))
    assert np.array_equal(read, as_sixteen_bit_png(twelve_bits()))


def test_foreign_bits_above_the_stored_ones_are_not_seen() -> None:
    overlaid = twelve_bits() | (film().astype(np.uint16) % 2 << 15)
    read = load_xray(dicom(overlaid, BitsStored=12, HighBit=11))
    assert np.array_equal(read, as_sixteen_bit_png(twelve_bits()))


def lookup(first: int, table: list[int], bits: int) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(table), first, bits]
    item.LUTData = table
    item["LUTDescriptor"].VR = "US"
    item["LUTData"].VR = "US"
    item.ModalityLUTType = "US"
    return Sequence([item])


def test_a_voi_lut_is_looked_up() -> None:
    made = dicom(film(), VOILUTSequence=lookup(0, [255 - grey for grey in range(256)], 8))
    assert np.array_equal(load_xray(made), 255 - film())


def test_a_modality_lut_is_looked_up_before_the_window() -> None:
    table = [10 * grey for grey in range(256)]
    made = dicom(
        film(),
        ModalityLUTSequence=lookup(0, table, 16),
        WindowCenter=1275.5,
        WindowWidth=2551,
    )
    assert np.abs(load_xray(made).astype(int) - film()).max() <= 1


# Colours


def coloured() -> NDArray[np.uint8]:
    return np.stack([film(), 255 - film(), film() // 2], axis=2)


def test_rgb_keeps_its_colours() -> None:
    for planar in (0, 1):
        stored = coloured() if planar == 0 else coloured().transpose(2, 0, 1)
        made = dicom(coloured(), PlanarConfiguration=planar, PixelData=stored.tobytes())
        assert np.array_equal(load_xray(made), coloured())


def test_grey_in_rgb_is_grey() -> None:
    assert np.array_equal(load_xray(dicom(np.repeat(film()[..., None], 3, axis=2))), film())


def test_ybr_becomes_rgb() -> None:
    stored = np.asarray(Image.fromarray(coloured()).convert("YCbCr"))
    read = load_xray(dicom(stored, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(read.astype(int) - coloured()).max() <= 3


def test_losslessly_packed_ybr_becomes_rgb(tmp_path: Path) -> None:
    stored = np.asarray(Image.fromarray(coloured()).convert("YCbCr"))
    plain = dicom(stored, PhotometricInterpretation="YBR_FULL")
    read = load_xray(packed_by_gdcm(plain, LOSSLESS[0], tmp_path))
    assert np.array_equal(read, load_xray(plain))


def test_a_palette_gives_colours_and_not_indices() -> None:
    grey = bytes(255 - level for level in range(256))
    values = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        values[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        values[f"{colour}PaletteColorLookupTableData"] = grey
    assert np.array_equal(load_xray(dicom(film(), **values)), 255 - film())


# Ways of writing


def test_other_orders_of_bytes_are_read() -> None:
    for syntax, is_implicit, order in (
        (ImplicitVRLittleEndian, True, "<"),
        (ExplicitVRBigEndian, False, ">"),
    ):
        made = dataset(twelve_bits().astype(f"{order}u2"))
        data = written(made, syntax, implicit_vr=is_implicit, little_endian=order == "<")
        assert np.array_equal(load_xray(data), as_sixteen_bit_png(twelve_bits()))


def test_losslessly_packed_values_are_read_to_the_bit(tmp_path: Path) -> None:
    for syntax in LOSSLESS:
        plain = dicom(twelve_bits(), BitsStored=12, HighBit=11)
        read = load_xray(packed_by_gdcm(plain, syntax, tmp_path))
        assert np.array_equal(read, load_xray(plain))


def test_losslessly_packed_signed_values_are_read_to_the_bit(tmp_path: Path) -> None:
    for syntax in LOSSLESS:
        plain = dicom(twelve_bits().astype(np.int16) - 1500, BitsStored=12, HighBit=11)
        read = load_xray(packed_by_gdcm(plain, syntax, tmp_path))
        assert np.array_equal(read, load_xray(plain))


def test_losslessly_packed_colours_are_read_to_the_bit(tmp_path: Path) -> None:
    for syntax in LOSSLESS:
        assert np.array_equal(
            load_xray(packed_by_gdcm(dicom(coloured()), syntax, tmp_path)), coloured()
        )


def test_lossless_jpeg_2000_is_read_to_the_bit() -> None:
    for bits in (8, 16):
        levels = film() if bits == 8 else twelve_bits()
        assert np.array_equal(
            load_xray(packed_by_pillow(levels, "JPEG2000")), load_xray(dicom(levels))
        )


def test_jpeg_is_read() -> None:
    read = load_xray(packed_by_pillow(film(), "JPEG", quality=95))
    assert np.abs(read.astype(int) - film()).mean() < 2


def test_jpeg_in_colour_is_read() -> None:
    read = load_xray(packed_by_pillow(coloured(), "JPEG", quality=98, subsampling=0))
    assert np.abs(read.astype(int) - coloured()).mean() < 3


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "IM000001").write_bytes(dicom(film()))
    assert np.array_equal(load_xray(tmp_path / "IM000001"), film())


# What it says of the picture


def test_the_header_is_that_of_the_file() -> None:
    header = read_film(dicom(twelve_bits(), BitsStored=12, HighBit=11)).header
    assert (header.format, header.width, header.height) == ("DICOM", WIDTH, HEIGHT)
    assert (header.bits, header.channels, header.jpeg_quality) == (12, 1, None)


def test_a_patient_is_a_keyed_hash() -> None:
    expected = hashlib.blake2b(b"P-17", key=b"secret", digest_size=16).hexdigest()
    assert read_film(dicom(film()), b"secret").header.patient == expected


def test_without_a_key_the_patient_stays_unknown() -> None:
    assert read_film(dicom(film())).header.patient == ""


@pytest.mark.parametrize(
    "number", ["", "ANONYMOUS", "anonymous^", "0", "000", "PATIENT^TEST", "XXX"]
)
def test_without_an_id_there_is_no_patient(number: str) -> None:
    assert read_film(dicom(film(), PatientID=number), b"secret").header.patient == ""


def test_the_same_id_of_another_hospital_is_another_patient() -> None:
    one, other = (
        read_film(dicom(film(), IssuerOfPatientID=issuer), b"secret").header.patient
        for issuer in ("North", "South")
    )
    assert one != other


# Refusals


def bare(*elements: bytes, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    """A file of elements written by hand."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + element(0x00020010, b"UI", uid) + b"".join(elements)


def test_view_age_sex_and_maker_are_kept() -> None:
    tags = {"ViewPosition": "AP", "PatientSex": "F", "Manufacturer": "Maker of machines, Ltd"}
    header = read_film(dicom(film(), PatientAge="018M", **tags)).header
    assert (header.view, header.age, header.sex) == ("AP", 1.5, "F")
    assert header.maker == "MAKER OF MACHINE"
    odd = read_film(dicom(film(), PatientAge="old")).header
    assert (odd.view, odd.age, odd.sex, odd.maker) == ("", None, "", "")


def frames_of(n: int) -> list[np.ndarray]:
    return [np.roll(film(), 7 * place, axis=1) for place in range(n)]


def test_of_several_frames_the_first_is_read_or_the_one_that_was_asked_for() -> None:
    frames = frames_of(3)
    made = dicom(film(), NumberOfFrames=3, PixelData=b"".join(one.tobytes() for one in frames))
    for number, frame in enumerate(frames, start=1):
        found = read_film(made, frame=number)
        np.testing.assert_array_equal(found.pixels, frame)
        assert found.header.n_frames == 3
        np.testing.assert_array_equal(read_full(made, number).values, frame)
    np.testing.assert_array_equal(load_xray(made), frames[0])
    with pytest.raises(ImageReadError, match=r"no frame 4: its last one is 3"):
        read_film(made, frame=4)


@pytest.mark.parametrize("n_pieces", [1, 2])
def test_a_packed_frame_is_found_by_the_offset_table(n_pieces: int) -> None:
    frames, packed = frames_of(3), []
    for frame in frames:
        target = io.BytesIO()
        Image.fromarray(frame).save(target, "JPEG2000", no_jp2=True)
        packed.append(target.getvalue())
    made = dataset(film(), NumberOfFrames=3)
    made.PixelData = encapsulate(packed, fragments_per_frame=n_pieces)
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    content = written(made, JPEG2000Lossless)
    for number, frame in enumerate(frames, start=1):
        np.testing.assert_array_equal(load_xray(content, number), frame)


def test_each_frame_has_its_own_window() -> None:
    made = dataset(film(), NumberOfFrames=2, PixelData=film().tobytes() * 2)
    groups = []
    for centre in (64, 192):
        window = Dataset()
        window.WindowCenter, window.WindowWidth = centre, 64
        group = Dataset()
        group.FrameVOILUTSequence = Sequence([window])
        groups.append(group)
    made.PerFrameFunctionalGroupsSequence = Sequence(groups)
    content = written(made)
    assert load_xray(content, 1).mean() > load_xray(content, 2).mean() + 30


def test_a_film_of_another_format_has_one_frame() -> None:
    target = io.BytesIO()
    Image.fromarray(film()).save(target, "PNG")
    with pytest.raises(ImageReadError, match="no frame 2: its last one is 1"):
        load_xray(target.getvalue(), 2)


def test_a_deflated_file_is_refused_before_it_is_unpacked() -> None:
    bomb = zlib.compress(bytes(50_000_000), wbits=-15)
    error = refused(bare(bomb, syntax=DeflatedExplicitVRLittleEndian))
    assert "packed in a way that is not read here (transfer syntax 1.2.840.10008.1.2.1.99)" in (
        str(error)
    )
    assert error.kind == "unreadable"


def test_an_unknown_transfer_syntax_is_not_quoted_when_it_is_no_number() -> None:
    assert "(transfer syntax ?)" in str(refused(bare(syntax="<b>1.2")))


def test_a_cut_file_is_said_to_be_cut_short() -> None:
    for part in (0.2, 0.6, 0.9, 0.99):
        data = dicom(film())
        error = refused(data[: int(len(data) * part)])
        assert "is cut short" in str(error)
        assert error.kind == "truncated"


def test_a_cut_packed_file_is_said_to_be_cut_short(tmp_path: Path) -> None:
    for part in (0.9, 0.99):
        for syntax in LOSSLESS:
            data = packed_by_gdcm(dicom(twelve_bits()), syntax, tmp_path)
            assert refused(data[: int(len(data) * part)]).kind == "truncated"


def test_a_file_without_a_picture_is_not_an_image() -> None:
    for modality in ("SR", "PR", "<script>"):
        error = refused(dicom(None, SOPClassUID=SR, Modality=modality))
        assert "is a DICOM file without a picture" in str(error)
        assert "<" not in str(error)
        assert error.kind == "not_an_image"


def test_an_encapsulated_pdf_is_not_an_image() -> None:
    made = dicom(None, Modality="DOC", EncapsulatedDocument=b"%PDF-1.7\n")
    assert refused(made).kind == "not_an_image"


def test_a_list_of_files_is_not_an_image() -> None:
    record = Dataset()
    record.DirectoryRecordType = "PATIENT"
    made = dicom(None, DirectoryRecordSequence=Sequence([record]))
    assert refused(made).kind == "not_an_image"


def test_a_broken_file_without_preamble_is_refused_in_words() -> None:
    data = dicom(film())[132:]
    assert format_of(data) == "DICOM"
    assert "lacks its beginning (preamble)" in str(refused(data[:8] + bytes(400)))


def test_lies_about_the_size_are_refused() -> None:
    for rows, columns, kind, words in (
        (65_000, 65_000, "unreadable", "is too large"),
        (400, 500, "unreadable", "cannot be read"),
        (0, 50, "tiny", "too few for an X-ray"),
    ):
        error = refused(dicom(film(), Rows=rows, Columns=columns))
        assert words in str(error)
        assert error.kind == kind


def test_lies_about_the_size_of_a_packed_picture_are_refused(tmp_path: Path) -> None:
    for syntax in LOSSLESS:
        data = packed_by_gdcm(dicom(twelve_bits()), syntax, tmp_path)
        rows = struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, HEIGHT)
        assert data.count(rows) == 1
        refused(data.replace(rows, struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 4000)))


def test_a_bomb_of_run_lengths_fills_no_memory(tmp_path: Path) -> None:
    header = struct.pack("<16I", 1, 64, *[0] * 14)
    frame = header + b"\x81\0" * 500_000  # 64 million zeros
    packed = struct.pack("<HHIHHI", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE000, len(frame)) + frame
    made = dataset(film(), PixelData=packed + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
    made["PixelData"].is_undefined_length = True
    made["PixelData"].VR = "OB"
    assert load_xray(written(made, RLELossless)).shape == (HEIGHT, WIDTH)


def test_nested_sequences_are_refused() -> None:
    for depth in (100, 20_000):
        opening = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
        opening += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        assert "cannot be read" in str(refused(bare(opening * depth)))


def test_a_flood_of_elements_is_refused() -> None:
    assert "cannot be read" in str(refused(bare(element(0x00090010, b"LO", b"") * 250_000)))


def test_odd_numbers_of_bits_are_refused() -> None:
    for allocated in (1, 12, 32, 64):
        made = dicom(film(), BitsAllocated=allocated, BitsStored=allocated, HighBit=allocated - 1)
        assert refused(made).kind == "unreadable"


def test_more_bits_stored_than_allocated_are_refused() -> None:
    assert refused(dicom(film(), BitsStored=9)).kind == "unreadable"


def test_a_giant_lookup_table_is_refused() -> None:
    giant = dicom(film(), RedPaletteColorLookupTableData=bytes(2**21))
    assert refused(giant).kind == "unreadable"


def test_a_film_that_kills_the_helper_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    plain = dicom(twelve_bits())
    data = packed_by_gdcm(plain, LOSSLESS[0], tmp_path)
    load_xray(data)
    process = gdcm_process._helper._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(ImageReadError):
        load_xray(data)
    assert np.array_equal(load_xray(data), load_xray(plain))


# Discretion


def test_pydicom_is_not_loaded_with_the_program() -> None:
    code = "import sys, core.images.reading; sys.exit('pydicom' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(reading.__file__).parents[2])


def test_nothing_about_the_patient_is_said_or_warned(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    caplog.set_level(logging.DEBUG)
    odd = dicom(film(), PatientID="P-17", Rows=4000).replace(b"P-17", b"\xffX\\Y")
    error = refused(odd)
    assert "X\\" not in str(error) + str(error.__cause__) + caplog.text
    assert not recwarn.list
