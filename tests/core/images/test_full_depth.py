"""A film at full depth looks as the network sees it, and knows its numbers and its size."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from core.errors import ImageReadError
from core.images.film import FullDepthFilm, Spacing, Window, film_of_pixels
from core.images.formats import FileAccessError
from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import dicom, packed_by_pillow
from tests.core.images.image_files import film, png, saved, shown_by, wide_png


def deep(n_bits: int = 12, dtype: type = np.uint16) -> NDArray[np.generic]:
    """A film (60, 80) that uses a part of its bits, with noise."""
    rows, columns = np.mgrid[0:60, 0:80]
    noise = np.random.default_rng(3).integers(0, 40, rows.shape)
    return ((rows * 20 + columns * 15 + noise) % 2**n_bits).astype(dtype)


def lut(first: int, entries: list[int], n_bits: int) -> Dataset:
    table = Dataset()
    table.LUTDescriptor = [len(entries), first, n_bits]
    table.LUTData = np.array(entries, "<u2").tobytes()
    return table


def rasters() -> dict[str, bytes]:
    wide = Image.fromarray(deep())
    real = Image.fromarray(deep().astype(np.float32) / 900 - 1)
    exif = Image.Exif()
    exif[0x0112] = 6
    colour = np.stack([film(), 255 - film(), film() // 2], axis=2)
    return {
        "8-bit PNG": saved(Image.fromarray(film())),
        "2-bit PNG": png(b"".join(b"\0" + bytes([27] * 5) for _ in range(20)), 20, 20, 2, 0),
        "1-bit PNG": saved(Image.fromarray(film()).convert("1")),
        "palette": saved(Image.fromarray(film()).convert("P")),
        "turned": saved(Image.fromarray(film()), exif=exif),
        "JPEG": saved(Image.fromarray(film()), "JPEG"),
        "colour": saved(Image.fromarray(colour)),
        "16-bit PNG": saved(wide),
        "turned 16-bit PNG": saved(wide, exif=exif),
        "hand-made 16-bit PNG": wide_png(deep()[..., None], 0),
        "16-bit TIFF": saved(wide, "TIFF"),
        "negative TIFF": saved(wide, "TIFF", tiffinfo={262: 0}),
        "floating point": saved(real, "TIFF"),
        "32 bits": saved(Image.fromarray(deep().astype(np.int32) * 1000 - 9), "TIFF"),
    }


def dicoms() -> dict[str, bytes]:
    wide, signed = deep(), deep(dtype=np.int16) - 900
    curve = [round(4095 * (place / 4095) ** 0.5) for place in range(4096)]
    window = {"WindowCenter": 1200, "WindowWidth": 900}
    return {
        "8 bits": dicom(film()),
        "8 bits, windowed": dicom(film(), WindowCenter=100, WindowWidth=77),
        "8 bits in 16": dicom(film().astype(np.uint16) * 257),
        "12 bits": dicom(wide, BitsStored=12, HighBit=11),
        "windowed": dicom(wide, **window),
        "exact": dicom(wide, VOILUTFunction="LINEAR_EXACT", **window),
        "sigmoid": dicom(wide, VOILUTFunction="SIGMOID", **window),
        "negative": dicom(wide, PhotometricInterpretation="MONOCHROME1", **window),
        "signed": dicom(signed),
        "rescaled": dicom(wide, RescaleSlope=0.5, RescaleIntercept=-300, WindowCenter=300,
                          WindowWidth=500),
        "falling": dicom(wide, RescaleSlope=-2, RescaleIntercept=10),
        "blank window": dicom(wide, WindowCenter=60000, WindowWidth=10),
        "VOI LUT": dicom(wide, VOILUTSequence=[lut(0, curve, 12)]),
        "modality LUT": dicom(wide, ModalityLUTSequence=[lut(0, curve, 12)], WindowCenter=2000,
                              WindowWidth=2500),
        "colour": dicom(np.stack([film(), 255 - film(), film() // 2], axis=2)),
        "JPEG 2000": packed_by_pillow(wide, "JPEG2000"),
    }  # fmt: skip


ALL = rasters() | {f"DICOM, {name}": data for name, data in dicoms().items()}


def test_the_first_picture_is_what_the_network_sees() -> None:
    for kind in ALL:
        seen = load_xray(ALL[kind])
        shown = shown_by(read_full(ALL[kind]))
        assert shown.shape == seen.shape
        assert np.abs(shown.astype(int) - seen).max() <= 1


def test_every_level_of_a_deep_film_is_there() -> None:
    found = read_full(saved(Image.fromarray(deep())))
    assert found.values.dtype == np.uint16
    assert found.n_levels == 2**16
    assert (found.values == deep()).all()


def test_a_film_of_256_levels_stays_small() -> None:
    for data in (ALL["8-bit PNG"], ALL["DICOM, 8 bits"]):
        found = read_full(data)
        assert found.values.dtype == np.uint8
        assert (found.values == film()).all()


def test_the_levels_of_floating_point_numbers_stand_for_them() -> None:
    numbers = deep().astype(np.float32) / 900 - 1
    found = read_full(saved(Image.fromarray(numbers), "TIFF"))
    assert found.values * found.slope + found.intercept == pytest.approx(numbers, abs=1e-3)
    assert not found.has_whole_numbers


def test_the_levels_of_a_dicom_film_stand_for_its_rescaled_numbers() -> None:
    for slope, intercept in ((1, 0), (1, -1024), (0.5, 3), (-2, 10), (0.1, 0.7)):
        for stored in (deep(), deep(dtype=np.int16) - 900):
            found = read_full(dicom(stored, RescaleSlope=slope, RescaleIntercept=intercept))
            numbers = stored.astype(float) * slope + intercept
            assert found.values * found.slope + found.intercept == pytest.approx(numbers)
            assert found.slope > 0


def test_a_modality_lut_gives_the_numbers() -> None:
    curve = [place**2 for place in range(256)]
    made = dicom(film(), ModalityLUTSequence=[lut(0, curve, 16)])
    found = read_full(made)
    assert found.values * found.slope + found.intercept == pytest.approx(film().astype(float) ** 2)


def test_the_numbers_have_their_unit() -> None:
    assert read_full(dicom(deep(), RescaleSlope=1, RescaleType="HU")).unit == "HU"
    assert read_full(dicom(deep(), RescaleSlope=1, RescaleType="US")).unit == ""
    assert read_full(dicom(deep())).unit == ""


def test_a_window_is_read_as_dicom_counts() -> None:
    made = dicom(deep(), RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400)
    found = read_full(made)
    assert found.centre_and_width(found.default) == pytest.approx((40, 400))


def test_a_negative_is_turned_once_and_stays_so_under_other_windows() -> None:
    plain = read_full(dicom(deep()))
    made = read_full(dicom(deep(), PhotometricInterpretation="MONOCHROME1"))
    window = Window(300.0, 900.0)
    assert (shown_by(made, window) == 255 - shown_by(plain, window)).all()
    assert (made.table(window, is_inverted=True) == plain.table(window)).all()


def test_all_windows_of_the_file_are_offered_by_name() -> None:
    made = dicom(
        deep(),
        WindowCenter=[1200, 600],
        WindowWidth=[900, 400],
        WindowCenterWidthExplanation=["LUNG", "BONE"],
    )
    found = read_full(made)
    assert [name for name, _ in found.file_windows] == ["LUNG", "BONE"]
    second = found.file_windows[1][1]
    assert found.centre_and_width(second) == pytest.approx((600, 400))


def test_windows_without_names_are_offered_too() -> None:
    found = read_full(dicom(deep(), WindowCenter=[1200, 600], WindowWidth=[900, 0]))
    assert [name for name, _ in found.file_windows] == [""]


def test_absurd_windows_do_no_harm() -> None:
    for centre in (-1e300, 0, 1e300):
        for width in (1e-300, 1e300):
            found = read_full(dicom(deep(), WindowCenter=[300, centre], WindowWidth=[99, width]))
            for _, window in found.file_windows:
                assert np.isfinite([window.low, window.high]).all()
                shown_by(found, window)


def test_a_name_of_a_window_is_one_short_line() -> None:
    made = dicom(deep(), WindowCenter=9, WindowWidth=9, WindowCenterWidthExplanation="a\n" * 99)
    ((name, _),) = read_full(made).file_windows
    assert len(name) <= 40
    assert name.isprintable()


@pytest.mark.parametrize(
    ("elements", "spacing"),
    [
        ({}, None),
        ({"PixelSpacing": [0.2, 0.1]}, Spacing(0.1, 0.1, is_at_detector=False)),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, Spacing(0.1, 0.1, is_at_detector=True)),
        ({"NominalScannedPixelSpacing": [0.2, 0.1]}, Spacing(0.1, 0.1, is_at_detector=True)),
        (
            {"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]},
            Spacing(0.2, 0.2, is_at_detector=True),
        ),
        (
            {"PixelSpacing": [0.15, 0.15], "ImagerPixelSpacing": [0.2, 0.2]},
            Spacing(0.15, 0.15, is_at_detector=False),
        ),
        (
            {
                "PixelSpacing": [0.2, 0.2],
                "ImagerPixelSpacing": [0.2, 0.2],
                "PixelSpacingCalibrationType": "FIDUCIAL",
            },
            Spacing(0.2, 0.2, is_at_detector=False),
        ),
        (
            {
                "ImagerPixelSpacing": [0.2, 0.3],
                "EstimatedRadiographicMagnificationFactor": 1.25,
            },
            Spacing(0.16, 0.16, is_at_detector=False),
        ),
        ({"PixelSpacing": [0, 0.1]}, None),
        ({"PixelSpacing": [1e9, 0.1]}, None),
        ({"PixelSpacing": [0.1]}, None),
    ],
)
def test_the_distance_of_pixels_is_the_patients_or_said_to_be_the_detectors(
    elements: dict[str, object], spacing: Spacing | None
) -> None:
    found = read_full(dicom(deep(), **elements)).spacing
    if spacing is None or found is None:
        assert found is spacing
        return
    assert (found.across_mm, found.down_mm) == pytest.approx((spacing.across_mm, spacing.down_mm))
    assert found.is_at_detector == spacing.is_at_detector


def test_dots_an_inch_are_no_size_of_the_patient() -> None:
    for kind in ("PNG", "TIFF"):
        assert read_full(saved(Image.fromarray(film()), kind, dpi=(300, 300))).spacing is None


def test_a_path_and_its_bytes_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(ALL["16-bit PNG"])
    assert (read_full(path).values == read_full(ALL["16-bit PNG"]).values).all()


def test_what_is_refused_is_refused_in_the_same_words() -> None:
    for data in (
        b"",
        b"nothing of sense",
        saved(Image.new("L", (9, 9))),
        ALL["16-bit PNG"][:-20],
        ALL["DICOM, windowed"][:-20],
        saved(Image.new("L", (24, 20)), save_all=True, append_images=[Image.new("L", (24, 20))]),
        png(b"\0", 30_000, 30_000, 16, 0),
    ):
        with pytest.raises(ImageReadError) as first:
            load_xray(data)
        with pytest.raises(ImageReadError) as second:
            read_full(data)
        assert str(second.value) == str(first.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"a\.png cannot be opened"):
        read_full(tmp_path / "a.png")


def test_pixels_that_were_already_read_become_a_film() -> None:
    made = film_of_pixels(film())
    assert isinstance(made, FullDepthFilm)
    assert (shown_by(made) == film()).all()
    assert (made.width, made.height, made.is_coloured) == (50, 40, False)


def test_an_inverted_film_is_its_negative() -> None:
    made = film_of_pixels(film())
    assert (made.table(made.default, is_inverted=True) == np.arange(256)[::-1]).all()
