"""Line 13 of issue 12: spellings of one class are found, merged and understood by `evaluate`."""

import dataclasses

import pytest

from core.audit.report import class_findings
from core.config import TrainingConfig
from core.data.edits import Edits
from core.data.folder_names import spelling
from core.data.patients import group_by_patient
from core.data.splits import split
from core.errors import DatasetError
from core.evaluation.evaluate import matched_classes
from tests.core.data.named_films import singles


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NORMAL", "Normal"),
        ("COVID", "COVID "),
        ("COVID-19", "COVID19"),
        ("COVID", "COVID-19"),  # shown by one name
        ("Viral Pneumonia", "viral_pneumonia"),
        ("Non-COVID", "non covid"),
        ("ＴＢ", "TB"),
        ("ＮＯＲＭＡＬ", "normal"),
        ("肺 炎", "肺炎"),
    ],
)
def test_spellings_of_one_class_are_an_error_that_merges_them(one: str, other: str) -> None:
    data = singles(**{one: 4, other: 8, "Effusion": 5})
    (finding,) = class_findings(data)
    assert (finding.kind, finding.severity, finding.fix) == ("class_spelling", "error", "merge")
    assert finding.classes == (other, one)  # the larger one stays
    assert {name.split("/")[0] for name in finding.files} == {one}
    assert one in str(finding.message)
    merged = Edits().merge(finding.classes[1:], finding.classes[0]).apply(data)
    assert merged.counts == {other: 12, "Effusion": 5}
    assert not list(class_findings(merged))


@pytest.mark.parametrize(
    ("one", "other"), [("TB+", "TB-"), ("TB", "TB-"), ("Grade 1", "Grade 2"), ("+", "-")]
)
def test_other_classes_are_no_spellings(one: str, other: str) -> None:
    assert spelling(one) != spelling(other)
    assert not list(class_findings(singles(**{one: 4, other: 8})))


def test_a_given_split_says_that_a_spelling_is_in_the_way() -> None:
    data = singles(NORMAL=4, Normal=2)
    given = [
        dataclasses.replace(record, given="test" if record.label else "train")
        for record in data.records
    ]
    data = dataclasses.replace(data, records=tuple(given))
    with pytest.raises(DatasetError, match="Normal is another spelling of NORMAL"):
        split(data, group_by_patient(data.records), TrainingConfig(split="given"))


def test_a_class_that_joins_another_brings_what_joined_it() -> None:
    edits = Edits().merge(["covid"], "COVID").merge(["COVID"], "COVID-19")
    assert edits.merged == {"covid": "COVID-19", "COVID": "COVID-19"}


def test_a_model_knows_every_spelling_of_its_classes() -> None:
    known = ("COVID", "NORMAL", "TB+", "TB-")
    found = ("Covid", "COVID-19", "Normal", "normal ", "tb+", "TB -")
    assert matched_classes(known, found, {}) == {
        "Covid": "COVID",
        "COVID-19": "COVID",
        "Normal": "NORMAL",
        "normal ": "NORMAL",
        "tb+": "TB+",
        "TB -": "TB-",
    }
