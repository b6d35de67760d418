"""Line 12 of issue 12: folders of a split are known in any usual spelling."""

import pytest

from core.data.folder_names import parts_of
from core.data.layout import Place, arrange

TRAIN = """train Train TRAIN training train_set training_set Train-Set TrainSet trainset train_data
    training_data TrainingData traindata train_images train-images xray_train chest_xray_train
    训练 训练集 训练数据 訓練集 Entrenamiento"""
VALIDATION = """val Val valid validation val_set validation_set ValidationSet val_data valset dev
    dev_set 验证 验证集 驗證集 Validierung"""
TEST = """test Test testing test_set testing_set TestSet testset test_data testdata test_images
    hold_out Held-Out 测试 测试集 測試集"""


@pytest.mark.parametrize("train", [*TRAIN.split(), "Train Set", "train 1"])
def test_training_parts(train: str) -> None:
    assert parts_of([train, "test"]) == {train: "train", "test": "test"}


@pytest.mark.parametrize("validation", [*VALIDATION.split(), "Validation Set"])
def test_validation_parts(validation: str) -> None:
    found = parts_of(["train", validation, "test"])
    assert found == {"train": "train", validation: "validation", "test": "test"}


@pytest.mark.parametrize("test", [*TEST.split(), "Test Set", "External Test Set", "TEST_1"])
def test_test_parts(test: str) -> None:
    assert parts_of(["train", test]) == {"train": "train", test: "test"}


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (("train", "eval"), ("train", "validation")),
        (("train", "val", "eval"), ("train", "validation", "test")),
        (("train", "dev", "eval"), ("train", "validation", "test")),
        (("train", "eval", "test"), ("train", "validation", "test")),
        (("dev", "test"), ("train", "test")),
    ],
)
def test_what_dev_and_eval_are_depends_on_the_others(
    names: tuple[str, ...], meant: tuple[str, ...]
) -> None:
    assert parts_of(names) == dict(zip(names, meant, strict=True))


@pytest.mark.parametrize(
    "name", ["NORMAL", "Data", "set", "Testudo", "trained", "latest", "COVID test", "contest", ""]
)
def test_other_folders_are_no_parts(name: str) -> None:
    assert parts_of([name]) == {}


@pytest.mark.parametrize("parts", [("Train Set", "Test Set"), ("训练集", "测试集")])
def test_twelve_diseases_in_given_parts_are_twelve_classes(parts: tuple[str, str]) -> None:
    names = [f"d/{part}/Disease {n}/{i}.png" for part in parts for n in range(12) for i in range(3)]
    (places,), _ = arrange([names])
    found = [place for place in places if isinstance(place, Place)]
    assert len({place.class_name for place in found}) == 12
    assert {place.given for place in found} == {"train", "test"}
