"""Folders around films tell classes, given parts and patients, as the popular datasets lay them."""

from collections import Counter

import pytest

from core.data.records import MASK, OUTSIDE, Place, arrange, part_called
from core.errors import Message


def films(folder: str, n: int = 10) -> list[str]:
    return [f"{folder}/{number}.png" for number in range(n)]


def counts(names: list[str]) -> dict[str, int]:
    places = arrange(names)
    return dict(Counter(place.class_name for place in places if isinstance(place, Place)))


def given(names: list[str]) -> dict[tuple[str, str | None], int]:
    places = arrange(names)
    return dict(
        Counter((place.class_name, place.given) for place in places if isinstance(place, Place))
    )


def sentences(names: list[str]) -> dict[str, Message]:
    places = arrange(names)
    return {
        name: place for name, place in zip(names, places, strict=True) if isinstance(place, Message)
    }


def test_kermany_chest_xray_is_given_in_parts() -> None:
    names = [
        name
        for part, n in (("train", 9), ("test", 4), ("val", 2))
        for label in ("NORMAL", "PNEUMONIA")
        for name in films(f"chest_xray/{part}/{label}", n)
    ]
    assert given(names) == {
        (label, part): n
        for label in ("NORMAL", "PNEUMONIA")
        for part, n in (("train", 9), ("test", 4), ("validation", 2))
    }


def test_kermany_with_its_second_copy_inside_is_still_two_classes() -> None:
    names = [
        name
        for wrapper in ("chest_xray", "chest_xray/chest_xray")
        for part in ("train", "test", "val")
        for label in ("NORMAL", "PNEUMONIA")
        for name in films(f"{wrapper}/{part}/{label}")
    ]
    assert counts(names) == {"NORMAL": 60, "PNEUMONIA": 60}
    assert {part for _, part in given(names)} == {"train", "test", "validation"}


def test_the_covid_19_radiography_dataset_without_its_masks() -> None:
    labels = ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia")
    names = [
        name
        for label in labels
        for kind in ("images", "masks")
        for name in films(f"COVID-19_Radiography_Dataset/{label}/{kind}")
    ]
    assert counts(names) == dict.fromkeys(labels, 10)
    assert set(sentences(names).values()) == {MASK}
    assert len(sentences(names)) == 40
    assert {place.patient_folder for place in arrange(names) if isinstance(place, Place)} == {""}


def test_covid_qu_ex_with_parts_classes_and_two_kinds_of_masks() -> None:
    names = [
        name
        for part in ("Train", "Val", "Test")
        for label in ("COVID-19", "Non-COVID", "Normal")
        for kind in ("images", "lung masks", "infection masks")
        for name in films(f"Infection Data/Infection Data/{part}/{label}/{kind}")
    ]
    assert counts(names) == {"COVID-19": 30, "Non-COVID": 30, "Normal": 30}
    assert len(sentences(names)) == 180


def test_nih_like_wrappers_around_the_class_folders() -> None:
    names = [
        name
        for number in range(1, 13)
        for label in ("Effusion", "No Finding")
        for name in films(f"images_{number:03d}/{label}")
    ]
    assert counts(names) == {"Effusion": 120, "No Finding": 120}


def test_nih_as_it_comes_has_no_class_folders() -> None:
    names = [name for number in range(1, 13) for name in films(f"images_{number:03d}/images")]
    assert set(sentences(names).values()) == {OUTSIDE}
    assert len(sentences(names)) == 120


def test_two_wrappers_in_one_zip() -> None:
    names = films("a/NORMAL") + films("b/COVID") + films("b/NORMAL")
    assert counts(names) == {"NORMAL": 20, "COVID": 10}


def test_two_small_wrappers_with_three_classes_each_stay_wrappers() -> None:
    names = [
        name for ward in "ab" for label in ("C", "N", "V") for name in films(f"{ward}/{label}", 1)
    ]
    assert counts(names) == {"C": 2, "N": 2, "V": 2}


@pytest.mark.parametrize("wrapper", ["", "data/", "a/b/c/", "data/data/"])
@pytest.mark.parametrize("leaf", ["", "/images", "/IMG", "/jpeg", "/dicom", "/png/images"])
def test_class_folders_below_wrappers_and_above_plain_folders(wrapper: str, leaf: str) -> None:
    names = films(f"{wrapper}NORMAL{leaf}") + films(f"{wrapper}COVID{leaf}")
    assert counts(names) == {"NORMAL": 10, "COVID": 10}


@pytest.mark.parametrize("n_films", [1, 4, 8])
@pytest.mark.parametrize("patient", ["patient{}", "Case_{}", "病人{}"])
def test_folders_called_patients_are_no_classes(patient: str, n_films: int) -> None:
    names = films("NORMAL/" + patient.format(1), n_films) + films(
        "COVID/" + patient.format(9), n_films
    )
    assert counts(names) == {"NORMAL": n_films, "COVID": n_films}


def test_many_folders_of_few_films_are_patients() -> None:
    names = [
        name
        for label in ("NORMAL", "COVID")
        for number in range(30)
        for name in films(f"{label}/{label[0]}{number * 7919}", 1 + number % 3)
    ]
    assert counts(names) == {"NORMAL": 60, "COVID": 60}
    assert arrange(names)[0] == Place("NORMAL", None, "N0")


def test_more_folders_than_classes_are_likely_are_patients_though_they_hold_many_films() -> None:
    names = [
        name
        for label in ("NORMAL", "COVID")
        for number in range(15)
        for name in films(f"{label}/{label[0]}{number * 7919}")
    ]
    assert counts(names) == {"NORMAL": 150, "COVID": 150}


def test_patients_and_studies_inside_the_classes() -> None:
    names = [
        f"data/{label}/studies/{label}-{patient}/study{study}/image/film.png"
        for label in ("NORMAL", "COVID")
        for patient in range(40)
        for study in range(1, 2 + patient % 2)
    ]
    assert counts(names) == {"NORMAL": 60, "COVID": 60}
    assert arrange(names)[0] == Place("NORMAL", None, "studies/NORMAL-0/study1")


def test_patients_inside_classes_inside_parts() -> None:
    names = [
        name
        for part in ("train", "test")
        for label in ("NORMAL", "COVID")
        for patient in range(10)
        for name in films(f"x/{part}/{label}/{part}{patient}", 2)
    ]
    assert given(names) == {
        (label, part): 20 for label in ("NORMAL", "COVID") for part in ("train", "test")
    }


def test_parts_inside_the_class_folders() -> None:
    names = [
        name
        for label in ("NORMAL", "COVID")
        for part in ("training", "validation")
        for name in films(f"{label}/{part}")
    ]
    assert given(names) == {
        (label, part): 10 for label in ("NORMAL", "COVID") for part in ("train", "validation")
    }


def test_a_folder_beside_the_parts_is_of_no_part() -> None:
    names = [
        name
        for part in ("train", "test", "more")
        for label in "NC"
        for name in films(f"{part}/{label}")
    ]
    assert given(names) == {(label, part): 10 for label in "NC" for part in ("train", "test", None)}


def test_a_class_called_test_beside_another_is_a_class() -> None:
    assert counts(films("test") + films("control")) == {"test": 10, "control": 10}


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("Train", "train"),
        ("TRAINING", "train"),
        ("训练", "train"),
        ("训练集", "train"),
        ("val", "validation"),
        ("Valid", "validation"),
        ("validation", "validation"),
        ("验证", "validation"),
        ("验证集", "validation"),
        ("test", "test"),
        ("Testing", "test"),
        ("测试", "test"),
        ("测试集", "test"),
        ("NORMAL", None),
    ],
)
def test_parts_are_known_in_both_languages(folder: str, part: str | None) -> None:
    assert part_called(folder) == part


def test_films_above_the_class_folders_lie_outside() -> None:
    names = [*films("x/NORMAL"), *films("x/COVID"), "cover.png", "x/overview.png"]
    assert sentences(names) == {"cover.png": OUTSIDE, "x/overview.png": OUTSIDE}


def test_films_deeper_than_the_class_folders_belong_to_them() -> None:
    names = [*films("x/NORMAL"), *films("x/COVID", 3), *films("x/COVID/second read", 5)]
    assert counts(names) == {"NORMAL": 10, "COVID": 8}


def test_a_class_of_films_and_a_class_of_patients() -> None:
    names = films("NORMAL") + [f"COVID/{patient}/1.png" for patient in "abcdefghijklmno"]
    assert counts(names) == {"NORMAL": 10, "COVID": 15}


def test_a_wrapper_called_like_one_of_its_classes_is_a_wrapper() -> None:
    assert counts(films("COVID/COVID") + films("COVID/NORMAL")) == {"COVID": 10, "NORMAL": 10}


def test_masks_alone_are_taken_for_films() -> None:
    assert counts(films("masks/NORMAL") + films("masks/COVID")) == {"NORMAL": 10, "COVID": 10}


def test_masks_in_a_tree_of_their_own_are_left_out() -> None:
    names = films("images/NORMAL") + films("images/COVID") + films("Lung_Masks/NORMAL")
    assert counts(names) == {"NORMAL": 10, "COVID": 10}
    assert len(sentences(names)) == 10


def test_chinese_class_names_and_names_with_spaces() -> None:
    assert counts(films("数据/正常 肺部") + films("数据/新冠")) == {"正常 肺部": 10, "新冠": 10}


def test_nothing_has_no_places() -> None:
    assert arrange([]) == []


def test_films_without_folders_lie_outside() -> None:
    assert set(sentences(["1.png", "2.png"]).values()) == {OUTSIDE}


def test_one_source_of_several_without_folders_is_a_class() -> None:
    assert arrange(["1.png"], "NORMAL", 2) == [Place("NORMAL")]


def test_films_beside_folders_of_films_are_in_a_class_of_the_same_level() -> None:
    names = [f"NORMAL/{n}.png" for n in range(30)]
    names += [f"COVID/h{n % 3}/{n}.png" for n in range(60)]
    places = arrange(names)
    assert {place.class_name for place in places if isinstance(place, Place)} == {"NORMAL", "COVID"}
    assert not any(isinstance(place, Message) for place in places)


def test_years_are_no_classes() -> None:
    names = [f"{name}/{year}/{n}.png" for name in "NP" for year in (2019, 2020) for n in range(9)]
    places = arrange(names)
    assert {place.class_name for place in places if isinstance(place, Place)} == {"N", "P"}
