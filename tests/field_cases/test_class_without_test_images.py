"""Line 15 of issue 12: a class that is not validated or tested is named, and nothing hides it."""

import pytest

from core.config import TrainingConfig
from core.data.patients import group_by_patient
from core.data.splits import classes_without_films, split, unscored_classes
from core.models.dataset_findings import DatasetFindings
from tests.core.data.named_films import STRATIFIED, counts, divide, patients, singles


def test_of_two_images_one_is_tested_and_none_is_kept() -> None:
    data = singles(A=30, B=2)
    splits = divide(data)
    assert counts(data, splits.test)["B"] == counts(data, splits.train)["B"] == 1
    assert "B" not in counts(data, splits.kept)
    ((name, message),) = unscored_classes(data, splits)
    assert name == "B"
    assert "No image of B is in the validation part" in str(message)


@pytest.mark.parametrize("size", [4, 5])
def test_in_folds_too_the_only_test_image_is_tested(size: int) -> None:
    data = singles(A=40, B=size)
    splits = divide(data, TrainingConfig(split="kfold", n_folds=5, fold=1))
    assert ("B" in counts(data, splits.test)) == (
        "B" not in classes_without_films(data, splits, "test")
    )
    assert counts(data, splits.kept).get("B", 0) == 0


def test_the_image_that_is_kept_is_no_test_image() -> None:
    data = singles(A=30, B=3)
    splits = divide(data, TrainingConfig(split="reference"))
    assert "B" in counts(data, splits.kept)
    without = classes_without_films(data, splits, "test")
    assert ("B" in without) == ("B" not in counts(data, splits.test))


def test_a_class_of_one_patient_is_neither_validated_nor_tested() -> None:
    data = patients(A=[1] * 30, B=[6])
    grouping = group_by_patient(data.records, pattern="before_underscore")
    ((name, message),) = unscored_classes(data, split(data, grouping, STRATIFIED))
    assert name == "B"
    assert "in the validation or test part" in str(message)


def test_the_model_says_which_classes_were_not_tested() -> None:
    findings = DatasetFindings(counts={"A": 30, "B": 30}, untested=("B",))
    assert any("No X-ray of these classes was tested" in str(one) for one in findings.warnings())
