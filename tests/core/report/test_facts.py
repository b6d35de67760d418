"""A film in words, and the fields of its DICOM header."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from core.errors import ConfigError
from core.report.facts import DICOM_FIELDS, check_fields, dicom_fields, film_text, percent
from tests.core.images.dicom_files import dataset, dicom, written
from tests.core.prediction.made_results import STRANGE, film_result, neighbours, opinion
from tests.core.report.made_reports import checks, context


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0.0 %"),
        (1e-9, "< 0.1 %"),
        (0.0312, "3.1 %"),
        (0.9994, "99.9 %"),
        (0.99999, "> 99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_a_share_is_never_rounded_to_certainty(share: float, words: str) -> None:
    assert percent(share) == words


def test_a_film_is_told_in_a_few_lines() -> None:
    stamp = checks(is_trustworthy=False, reasons=(STRANGE,), doubts=(STRANGE,))
    text = film_text(
        film_result(
            opinion=opinion(neighbours=neighbours()),
            checks=stamp,
            true_class="Viral_Pneumonia",
            header={"PatientID": "P-17"},
        ),
        context(),
    )
    assert text.startswith("films/a.png\n  Caution\n  - ")
    assert "\n  COVID-19  75.0 %\n" in text
    for words in (
        "calibrated",
        "Caution",
        str(STRANGE),
        "Nearest training films: COVID-19, Normal, Viral pneumonia, COVID-19, Normal",
        "True class: Viral pneumonia",
        "PatientID: P-17",
        "best.safetensors (abababababab)",
    ):
        assert words in text
    assert text.endswith("\nResearch and teaching only, never diagnosis.\n")


def test_of_many_classes_the_first_are_told() -> None:
    names = tuple(f"class {number}" for number in range(40))
    many = context(
        classes=names, display_names={name: {"en": name, "zh_CN": name} for name in names}
    )
    text = film_text(film_result(opinion=opinion(*[1 / 40] * 40)), many)
    assert "and 30 more classes" in text


FILM = np.zeros((40, 40), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


def test_only_what_was_asked_for_is_read(path: Path) -> None:
    path.write_bytes(dicom(FILM, StudyDate="20200102", InstitutionName="St. Elsewhere"))
    assert dicom_fields(path, ["StudyDate"]) == {"StudyDate": "20200102"}
    assert dicom_fields(path, ["PatientID", "PatientName", "PatientID"]) == {
        "PatientID": "P-17",
        "PatientName": "Doe^Jane",
    }
    assert dicom_fields(path, []) == {}


def test_every_field_that_can_be_asked_for_is_found(path: Path) -> None:
    values = {
        name: "1.2.3" if name.endswith("UID") else "R" if name == "Laterality" else "20200102"
        for name in DICOM_FIELDS
        if name not in ("StudyTime", "PatientAge", "PatientSex")
    }
    path.write_bytes(dicom(FILM, **values, StudyTime="1010", PatientAge="017Y", PatientSex="F"))
    found = dicom_fields(path, list(DICOM_FIELDS))
    assert list(found) == list(DICOM_FIELDS)
    assert all(found.values())


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_ways_of_writing_are_read(path: Path, syntax: str) -> None:
    is_implicit = syntax == ImplicitVRLittleEndian
    made = dataset(FILM)
    path.write_bytes(written(made, syntax, implicit_vr=is_implicit, little_endian=is_implicit))
    assert dicom_fields(path, ["PatientID"]) == {"PatientID": "P-17"}


def test_chinese_names_are_decoded(path: Path) -> None:
    path.write_bytes(dicom(FILM, SpecificCharacterSet="GB18030", PatientName="王^小东"))
    assert dicom_fields(path, ["PatientName"]) == {"PatientName": "王^小东"}


def test_a_field_inside_a_sequence_is_none_of_the_films(path: Path) -> None:
    other = Dataset()
    other.PatientID = "OTHER"
    made = dataset(FILM, OtherPatientIDsSequence=Sequence([other]))
    del made.PatientID
    path.write_bytes(written(made))
    assert dicom_fields(path, ["PatientID"]) == {"PatientID": ""}


def test_what_is_no_dicom_file_has_no_fields(path: Path) -> None:
    Image.fromarray(FILM).save(path, "PNG")
    assert dicom_fields(path, ["PatientID"]) == {"PatientID": ""}
    assert dicom_fields(path.with_name("missing"), ["PatientID"]) == {"PatientID": ""}


@pytest.mark.filterwarnings("ignore:The value length:UserWarning")  # when it is written
def test_a_value_is_one_line_of_bounded_length(path: Path) -> None:
    path.write_bytes(dicom(FILM, StudyDescription="a\r\nb", PatientID="x" * 900))
    found = dicom_fields(path, ["StudyDescription", "PatientID"])
    assert found["StudyDescription"] == "a\ufffd\ufffdb"
    assert len(found["PatientID"]) == 200


def test_broken_files_give_empty_fields(path: Path) -> None:
    whole = dicom(FILM, StudyDate="20200102")
    random = np.random.default_rng(5)
    for _ in range(80):
        broken = bytearray(whole[: random.integers(140, len(whole))])
        for place in random.integers(132, min(len(broken), 600), 8):
            broken[place % len(broken)] = random.integers(256)
        path.write_bytes(broken)
        found = dicom_fields(path, ["PatientID", "StudyDate"])
        assert list(found) == ["PatientID", "StudyDate"]


def test_other_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="PixelData is no DICOM field that can be exported"):
        check_fields(["PatientID", "PixelData"])
