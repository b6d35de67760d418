"""Enhanced objects of one frame: window, rescale, spacing, photometric in functional groups."""

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from core.images.reading import load_xray, read_full
from tests.core.images.dicom_files import dataset, dicom, written

FILM = (np.mgrid[0:60, 0:80].sum(axis=0) * 20).astype(np.uint16)
PLAIN = {
    "WindowCenter": 500,
    "WindowWidth": 900,
    "RescaleSlope": 1,
    "RescaleIntercept": -1000,
    "PixelSpacing": [0.143, 0.143],
}


def item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def groups(**values: Any) -> Dataset:
    """One item of functional groups; each element in its macro."""
    macros = {
        "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
        "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
        "PixelMeasuresSequence": ("PixelSpacing",),
        "FrameDisplayShutterSequence": ("ShutterShape", "CenterOfCircularShutter",
                                        "RadiusOfCircularShutter"),
        "FramePixelDataPropertiesSequence": ("PhotometricInterpretation",),
    }  # fmt: skip
    made = Dataset()
    for macro, keywords in macros.items():
        inside = {keyword: values[keyword] for keyword in keywords if keyword in values}
        if inside:
            setattr(made, macro, [item(**inside)])
    return made


@pytest.mark.parametrize("place", ["Shared", "PerFrame"])
def test_the_groups_of_the_one_frame_count(place: str) -> None:
    made = dataset(FILM, NumberOfFrames=1)
    made.WindowCenter, made.WindowWidth = 1, 2  # older ones, which the groups replace
    setattr(made, f"{place}FunctionalGroupsSequence", [groups(**PLAIN)])
    expected = dicom(FILM, **PLAIN)
    assert np.array_equal(load_xray(written(made)), load_xray(expected))
    assert read_full(written(made)).spacing == read_full(expected).spacing


def test_the_frames_own_group_comes_before_the_shared_one() -> None:
    made = dataset(FILM)
    made.SharedFunctionalGroupsSequence = [groups(**{**PLAIN, "WindowCenter": 90})]
    made.PerFrameFunctionalGroupsSequence = [groups(WindowCenter=500, WindowWidth=900)]
    assert np.array_equal(load_xray(written(made)), load_xray(dicom(FILM, **PLAIN)))


def test_photometric_function_and_shutter_are_read_there_too() -> None:
    elements: dict[str, Any] = {
        **PLAIN,
        "VOILUTFunction": "SIGMOID",
        "PhotometricInterpretation": "MONOCHROME1",
        "ShutterShape": "CIRCULAR",
        "CenterOfCircularShutter": [30, 40],
        "RadiusOfCircularShutter": 20,
    }
    made = dataset(FILM)
    made.SharedFunctionalGroupsSequence = [groups(**elements)]
    assert np.array_equal(load_xray(written(made)), load_xray(dicom(FILM, **elements)))


def test_broken_groups_are_no_escape() -> None:
    made = dataset(FILM, SharedFunctionalGroupsSequence=[])
    made.PerFrameFunctionalGroupsSequence = [Dataset()]
    assert np.array_equal(load_xray(written(made)), load_xray(dicom(FILM)))
