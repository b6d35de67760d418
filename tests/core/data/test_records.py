"""Class folders are found where the images are; what does not belong is named."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from core.data.folder_names import parts_of
from core.data.layout import MASK, OUTSIDE, Place, arrange
from core.data.records import Dataset, Record, display_names, scan
from core.data.unpacked import SourceFile, Unpacked
from core.errors import DatasetError, Message, Refusal, RefusalKind

SOURCE = Path("films.zip")


def holding(*names: str, left_out: tuple[Refusal, ...] = ()) -> Unpacked:
    files = [
        SourceFile(name, Path("store") / name, hashlib.sha256(name.encode()).hexdigest())
        for name in sorted(names)
    ]
    return Unpacked(Path("store"), tuple(files), left_out)


def scanned(*names: str) -> Dataset:
    return scan([(holding(*names), SOURCE)])


def refusal(*names: str) -> str:
    with pytest.raises(DatasetError) as caught:
        scanned(*names)
    return str(caught.value)


TWO = ("N/1.png", "N/2.png", "C/1.png", "C/2.png")


@pytest.mark.parametrize("wrapper", ["", "input_data/", "a/b/c/"])
def test_class_folders_are_found_below_any_wrapper(wrapper: str) -> None:
    dataset = scanned(*(wrapper + name for name in TWO))
    assert dataset.classes == ("C", "N")
    assert [(record.name, record.label) for record in dataset.records] == [
        (f"{wrapper}C/1.png", 0),
        (f"{wrapper}C/2.png", 0),
        (f"{wrapper}N/1.png", 1),
        (f"{wrapper}N/2.png", 1),
    ]
    assert dataset.left_out == ()
    assert dataset.sources == (SOURCE,)
    assert {record.source for record in dataset.records} == {"films.zip"}


def test_classes_are_sorted_as_the_reference_sorts_them() -> None:
    names = [
        f"{name}/{n}.png" for name in ("Viral_Pneumonia", "b", "NORMAL", "COVID") for n in "12"
    ]
    assert scanned(*names).classes == ("COVID", "NORMAL", "Viral_Pneumonia", "b")


def test_records_are_sorted_by_class_then_name_and_keep_path_and_digest() -> None:
    record = scanned(*TWO).records[0]
    assert record.path == Path("store/C/1.png")
    assert record.digest == hashlib.sha256(b"C/1.png").hexdigest()


def test_the_same_class_in_train_and_test_folders_is_one() -> None:
    dataset = scanned("train/N/1.png", "train/C/1.png", "test/N/1.png", "test/C/1.png")
    assert dataset.counts == {"C": 2, "N": 2}


def test_images_at_another_depth_are_left_out_with_a_reason() -> None:
    dataset = scanned(*(f"x/{name}" for name in TWO), "cover.png", "x/y/z/deep.png")
    assert {refusal.file: str(refusal.reason) for refusal in dataset.left_out} == {
        "cover.png": "It lies outside the class folders.",
        "x/y/z/deep.png": "It lies outside the class folders.",
    }
    assert len(dataset.records) == 4


def test_refusals_of_the_archive_are_carried_on_in_order() -> None:
    earlier = Refusal("m.txt", Message("Not an image."), "not_an_image")
    dataset = scan([(holding(*TWO, "z.png", "a.png", left_out=(earlier,)), SOURCE)])
    assert [(refusal.file, refusal.kind) for refusal in dataset.left_out] == [
        ("a.png", "other"),
        ("m.txt", "not_an_image"),
        ("z.png", "other"),
    ]


def test_identical_files_of_one_class_are_all_kept() -> None:
    files = tuple(SourceFile(name, Path(name), "same") for name in sorted(TWO))
    assert len(scan([(Unpacked(Path("store"), files, ()), SOURCE)]).records) == 4


def test_images_without_class_folders_are_refused_with_the_layout() -> None:
    message = refusal("1.png", "2.png", "3.png")
    assert "films.zip do not lie in class folders" in message
    assert "input_data/NORMAL/1.png" in message


def test_nothing_at_all_is_refused() -> None:
    assert "do not lie in class folders" in refusal()


def test_one_class_is_refused_by_name() -> None:
    message = refusal("x/NORMAL/1.png", "x/NORMAL/2.png")
    assert "only one class folder with images, NORMAL" in message


def test_a_class_of_one_image_is_refused_by_name() -> None:
    message = refusal(*TWO, "figures/logo.png")
    assert "at least 2 images" in message
    assert "films.zip hold fewer: figures." in message


def test_a_thousand_classes_are_taken_and_more_refused() -> None:
    names = [f"{number:04d}/{n}.png" for number in range(1001) for n in "12"]
    assert len(scanned(*names[:2000]).classes) == 1000
    message = refusal(*names)
    assert "1001 folders with images (0000, 0001, 0002, 0003, 0004, ...)" in message


def test_the_fingerprint_depends_on_content_and_class_alone() -> None:
    files = holding(*TWO).files
    base = scanned(*TWO).fingerprint
    renamed = tuple(
        SourceFile(file.name.replace(".png", "b.png"), file.path, file.digest) for file in files
    )
    assert scan([(Unpacked(Path("b"), renamed, ()), Path("other.zip"))]).fingerprint == base
    moved = tuple(
        SourceFile(file.name.replace("N/", "M/"), file.path, file.digest) for file in files
    )
    assert scan([(Unpacked(Path("b"), moved, ()), SOURCE)]).fingerprint != base
    changed = (*files[:-1], SourceFile(files[-1].name, files[-1].path, "0" * 64))
    assert scan([(Unpacked(Path("b"), changed, ()), SOURCE)]).fingerprint != base


def digest_of(dataset: Dataset, name: str) -> str:
    return next(record.digest for record in dataset.records if record.name == name)


DAMAGED: tuple[Message, RefusalKind] = (Message("Damaged."), "truncated")


def test_without_drops_the_unreadable_and_says_so() -> None:
    dataset = scanned(*TWO, "N/3.png", "z.png")
    rest = dataset.without({digest_of(dataset, "N/2.png"): DAMAGED})
    assert rest.counts == {"C": 2, "N": 2}
    assert rest.left_out == (Refusal("N/2.png", *DAMAGED), *dataset.left_out)
    assert rest.fingerprint != dataset.fingerprint


def test_without_nothing_is_the_same_dataset() -> None:
    dataset = scanned(*TWO)
    assert dataset.without({}) == dataset


def test_a_class_that_cannot_be_used_any_more_goes_and_the_labels_close_up() -> None:
    dataset = scanned(*TWO, "A/1.png", "A/2.png")
    rest = dataset.without({digest_of(dataset, "A/1.png"): DAMAGED})
    assert rest.classes == ("C", "N")
    assert [record.label for record in rest.records] == [0, 0, 1, 1]
    assert {refusal.file: str(refusal.reason) for refusal in rest.left_out} == {
        "A/1.png": "Damaged.",
        "A/2.png": "The only readable image of its class.",
    }


def test_fewer_than_two_readable_classes_are_refused() -> None:
    dataset = scanned(*TWO)
    with pytest.raises(DatasetError, match=r"2 of 4 are damaged .* such as N/1.png: Damaged\."):
        dataset.without({digest_of(dataset, f"N/{n}.png"): DAMAGED for n in "12"})


def test_without_keeps_what_else_is_known_of_a_film() -> None:
    dataset = scanned(*(f"train/{name}" for name in TWO), "train/N/p/3.png")
    last = dataset.without({digest_of(dataset, "train/N/1.png"): DAMAGED}).records[-1]
    assert (last.source, last.given, last.patient_folder) == ("films.zip", "train", "p")


# Several sources


def together(**sources: tuple[str, ...]) -> Dataset:
    """Each source is a folder, or a zip where its name ends in `_zip`."""
    return scan(
        [
            (holding(*names), Path("at") / source.replace("_zip", ".zip"))
            for source, names in sources.items()
        ]
    )


def class_of(dataset: Dataset) -> dict[str, str]:
    return {record.name: dataset.classes[record.label] for record in dataset.records}


def test_classes_of_the_same_name_merge_across_sources() -> None:
    dataset = together(a_zip=("x/N/1.png", "x/C/1.png"), b_zip=("N/1.png", "C/1.png"))
    assert dataset.counts == {"C": 2, "N": 2}
    assert [(record.name, record.source) for record in dataset.records] == [
        ("a.zip/x/C/1.png", "a.zip"),
        ("b.zip/C/1.png", "b.zip"),
        ("a.zip/x/N/1.png", "a.zip"),
        ("b.zip/N/1.png", "b.zip"),
    ]


def test_what_a_source_left_out_is_told_with_its_name() -> None:
    dataset = together(a_zip=(*TWO, "cover.png"), b_zip=TWO)
    assert [refusal.file for refusal in dataset.left_out] == ["a.zip/cover.png"]


def test_sources_of_one_class_each_are_enough() -> None:
    dataset = together(a_zip=("N/1.png", "N/2.png"), b_zip=("C/1.png", "C/2.png"))
    assert dataset.counts == {"C": 2, "N": 2}


def test_class_folders_chosen_one_by_one_are_the_classes() -> None:
    dataset = together(NORMAL=("1.png", "2.png"), COVID_zip=("1.png", "images/2.png"))
    assert dataset.counts == {"COVID": 2, "NORMAL": 2}


def test_class_folders_chosen_one_by_one_may_hold_patients() -> None:
    dataset = together(
        NORMAL=tuple(f"{number}/1.png" for number in range(10)),
        COVID=tuple(f"p{number}/1.png" for number in range(10)),
    )
    assert dataset.counts == {"COVID": 10, "NORMAL": 10}
    assert dataset.records[0].patient_folder == "p0"


def test_sources_called_train_and_test_are_a_given_split() -> None:
    dataset = together(train=TWO, test_zip=TWO)
    assert {(record.source, record.given) for record in dataset.records} == {
        ("train", "train"),
        ("test.zip", "test"),
    }


def test_one_source_of_several_called_test_is_no_split() -> None:
    assert {record.given for record in together(ward=TWO, test=TWO).records} == {None}


def test_sources_of_one_name_are_told_apart() -> None:
    parts = [(holding(*TWO), Path(folder) / "f.zip") for folder in "abc"]
    assert sorted({record.source for record in scan(parts).records}) == [
        "f.zip",
        "f.zip (2)",
        "f.zip (3)",
    ]


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (["a.zip"], "a.zip"),
        (["x/a.zip", "b"], "a.zip, b"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d"], "a, b, c …"),
        (["a\nb"], "a\N{REPLACEMENT CHARACTER}b"),
    ],
)
def test_a_dataset_is_called_by_its_first_sources(sources: list[str], name: str) -> None:
    assert Dataset(tuple(map(Path, sources)), (), (), ()).name == name


def test_a_folder_without_a_name_of_its_own_is_called_by_its_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Dataset((Path("."),), (), (), ()).name == tmp_path.name


def test_a_record_needs_no_more_than_name_path_digest_and_label() -> None:
    record = Record("N/1.png", Path("1.png"), "0", 0)
    assert (record.source, record.given, record.patient_folder) == ("", None, "")


# Names of classes


@pytest.mark.parametrize(
    ("folder", "english", "chinese"),
    [
        ("NORMAL", "Normal", "正常肺部"),
        ("Viral_Pneumonia", "Viral pneumonia", "病毒性肺炎"),
        ("viral pneumonia", "Viral pneumonia", "病毒性肺炎"),
        ("VIRAL-PNEUMONIA", "Viral pneumonia", "病毒性肺炎"),
        ("COVID", "COVID-19", "新冠肺炎"),
        ("covid-19", "COVID-19", "新冠肺炎"),
        ("Lung_Opacity", "Lung Opacity", "Lung Opacity"),
        ("肺结核", "肺结核", "肺结核"),
    ],
)
def test_known_folders_have_names_in_both_languages(
    folder: str, english: str, chinese: str
) -> None:
    assert display_names(folder) == {"en": english, "zh_CN": chinese}


def films(folder: str, n: int = 10) -> list[str]:
    return [f"{folder}/{number}.png" for number in range(n)]


def counts(names: list[str]) -> dict[str, int]:
    places = arrange([names])[0][0]
    return dict(Counter(place.class_name for place in places if isinstance(place, Place)))


def given(names: list[str]) -> dict[tuple[str, str | None], int]:
    places = arrange([names])[0][0]
    return dict(
        Counter((place.class_name, place.given) for place in places if isinstance(place, Place))
    )


def sentences(names: list[str]) -> dict[str, Message]:
    places = arrange([names])[0][0]
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
    assert {
        place.patient_folder for place in arrange([names])[0][0] if isinstance(place, Place)
    } == {""}


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
        name
        for ward in "ab"
        for label in ("Covid", "Normal", "Viral")
        for name in films(f"{ward}/{label}", 1)
    ]
    assert counts(names) == {"Covid": 2, "Normal": 2, "Viral": 2}


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
    assert arrange([names])[0][0][0] == Place("NORMAL", None, "N0")


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
    assert arrange([names])[0][0][0] == Place("NORMAL", None, "studies/NORMAL-0/study1")


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
    assert parts_of([folder]).get(folder) == part


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
    assert arrange([[]])[0] == [[]]


def test_films_without_folders_lie_outside() -> None:
    assert set(sentences(["1.png", "2.png"]).values()) == {OUTSIDE}


def test_one_source_of_several_without_folders_is_a_class() -> None:
    assert arrange([["1.png"], ["2.png"]], ["NORMAL", "TB"])[0] == [
        [Place("NORMAL")],
        [Place("TB")],
    ]


def test_films_beside_folders_of_films_are_in_a_class_of_the_same_level() -> None:
    names = [f"NORMAL/{n}.png" for n in range(30)]
    names += [f"COVID/h{n % 3}/{n}.png" for n in range(60)]
    places = arrange([names])[0][0]
    assert {place.class_name for place in places if isinstance(place, Place)} == {"NORMAL", "COVID"}
    assert not any(isinstance(place, Message) for place in places)


def test_years_are_no_classes() -> None:
    names = [f"{name}/{year}/{n}.png" for name in "NP" for year in (2019, 2020) for n in range(9)]
    places = arrange([names])[0][0]
    assert {place.class_name for place in places if isinstance(place, Place)} == {"N", "P"}
