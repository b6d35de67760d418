"""Labels from a table find their images, and whatever does not fit is reported."""

import hashlib
from pathlib import Path

import pytest

from core.data.labels import (
    NO_LABEL,
    NOT_NAMED,
    NOT_UNIQUE,
    ONLY_ONE,
    SEVERAL,
    LabelChoice,
    NameIndex,
    SeveralLabels,
    SeveralLabelsError,
    age_in_years,
    open_labels,
    split_labels,
)
from core.data.patients import group_by_patient
from core.data.records import Dataset, scan
from core.data.unpacked import SourceFile, Unpacked
from core.errors import DatasetError, Message

FLAT = tuple(f"{number:08d}_000.png" for number in range(1, 9))


def holding(*names: str) -> Unpacked:
    files = [
        SourceFile(name, Path("store") / name, hashlib.sha256(name.encode()).hexdigest())
        for name in sorted(names)
    ]
    return Unpacked(Path("store"), tuple(files), ())


def table_file(folder: Path, *lines: str) -> str:
    path = folder / "labels.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def labelled(choice: LabelChoice, *names: str) -> Dataset:
    return scan([(holding(*names), Path("films.zip"))], choice)


def labels_of(dataset: Dataset) -> dict[str, str]:
    return {record.name: dataset.classes[record.label] for record in dataset.records}


def left_out(dataset: Dataset) -> dict[str, Message]:
    return {refusal.file: refusal.reason for refusal in dataset.left_out}


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("1.png", "1.png"),
        ("IMG.PNG", "images/img.png"),
        ("img", "img.png"),
        ("img.jpg", "img.png"),
        ("a/b/img.png", "img.png"),
        ("a\\b\\img.png", "b/img.png"),
        ("./img.png", "img.png"),
        ("1.0", "1.png"),
        ("1", "00000001.png"),
        ("00000001", "1.png"),
        ("1.2.840.113.5", "1.2.840.113.5.dcm"),
        ("1.2.840.113.5", "1.2.840.113.5"),
        ("肺炎", "肺炎.png"),
        ("e\N{COMBINING ACUTE ACCENT}.png", "\N{LATIN SMALL LETTER E WITH ACUTE}.png"),
    ],
)
def test_an_image_is_found_however_its_name_is_written(written: str, file: str) -> None:
    assert NameIndex([file, "other.png", "x/other2.png"]).find(written) == [file]


def test_the_nearest_spelling_decides_between_images_of_one_name() -> None:
    index = NameIndex(["a/1.png", "b/1.png", "b/001.png", "c/2.png"])
    assert index.find("b/1.png") == ["b/1.png"]
    assert index.find("x/a/1.png") == ["a/1.png"]
    assert index.find("001") == ["b/001.png"]
    assert index.find("1.png") == ["a/1.png", "b/1.png"]
    assert index.find("3.png") == index.find("") == []


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("Pneumonia", ["Pneumonia"]),
        ("Cardiomegaly|Effusion", ["Cardiomegaly", "Effusion"]),
        ("A; B", ["A", "B"]),
        ("['pneumonia', 'infiltrates']", ["pneumonia", "infiltrates"]),
        ("[pneumonia, infiltrates]", ["pneumonia", "infiltrates"]),
        ("A, B", ["A", "B"]),
        ("A,C", ["A,C"]),
        ("Pneumonia/Viral/COVID-19", ["Pneumonia-Viral-COVID-19"]),
        ("1.0", ["1"]),
        ("nan", []),
        ("  ", []),
    ],
)
def test_a_cell_falls_into_its_labels(cell: str, labels: list[str]) -> None:
    assert split_labels(cell, frozenset({"A", "B"})) == labels


@pytest.mark.parametrize(
    ("text", "years"),
    [("58", 58), ("058Y", 58), ("6M", 0.5), ("58 years", 58), ("58岁", 58), ("12,5", 12.5),
     ("", None), ("414", None), ("old", None)],
)  # fmt: skip
def test_ages_are_read_in_years(text: str, years: float | None) -> None:
    assert age_in_years(text) == years


NIH = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],",
    "00000001_000.png,Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143,",
    "00000002_000.png,Cardiomegaly|Effusion,0,1,58,M,PA,2682,2749,0.143,0.143,",
    "00000003_000.png,No Finding,0,2,81,F,AP,2682,2749,0.143,0.143,",
    "00000004_000.png,No Finding,0,3,74,F,AP,2682,2749,0.143,0.143,",
    "00000005_000.png,Cardiomegaly,0,4,75,M,PA,2682,2749,0.143,0.143,",
    "00000006_000.png,Hernia,0,5,75,M,PA,2682,2749,0.143,0.143,",
    "00000007_000.png,,0,5,75,M,PA,2682,2749,0.143,0.143,",
    "00000099_000.png,Hernia,0,5,75,M,PA,2682,2749,0.143,0.143,",
)


def test_the_table_of_nih_needs_no_word_but_for_several_labels(tmp_path: Path) -> None:
    choice = LabelChoice(file=table_file(tmp_path, *NIH))
    with pytest.raises(SeveralLabelsError, match=r"several labels in labels\.csv: 1, such as"):
        labelled(choice, *FLAT)
    dataset = labelled(choice.changed(several="exclude"), *FLAT)
    assert labels_of(dataset) == {
        "00000001_000.png": "Cardiomegaly",
        "00000003_000.png": "No Finding",
        "00000004_000.png": "No Finding",
        "00000005_000.png": "Cardiomegaly",
    }
    assert left_out(dataset) == {
        "00000002_000.png": SEVERAL,
        "00000006_000.png": ONLY_ONE,
        "00000007_000.png": NO_LABEL,
        "00000008_000.png": NOT_NAMED,
    }
    report = dataset.labels
    assert report is not None
    assert (report.n_rows, report.n_missing, report.missing) == (8, 1, ("00000099_000.png",))
    assert report.choice == LabelChoice(
        file=choice.file,
        image="Image Index",
        label="Finding Labels",
        patient="Patient ID",
        view="View Position",
        age="Patient Age",
        sex="Patient Gender",
        several="exclude",
    )
    first = dataset.records[0]
    assert (first.patient, first.view, first.age, first.sex) == ("1", "PA", 58, "M")
    taken = labelled(choice.changed(several="first"), *FLAT)
    assert labels_of(taken)["00000002_000.png"] == "Cardiomegaly"
    grouping = group_by_patient(taken.records)
    assert grouping.pattern == "table"
    assert grouping.patients[0] == grouping.patients[1] == "1"  # of two images
    assert grouping.n_patients == 4


def test_several_rows_for_an_image_count_once_or_as_several_labels(tmp_path: Path) -> None:
    rsna = ["patientId,class", "u1,Lung Opacity", "u1,Lung Opacity", "u2,Normal", "u3,Normal",
            "u4,Lung Opacity", "u5,Normal", "u5,Lung Opacity"]  # fmt: skip
    names = [f"stage_2_train_images/u{number}.dcm" for number in range(1, 6)]
    choice = LabelChoice(file=table_file(tmp_path, *rsna), several="exclude")
    dataset = labelled(choice, *names)
    assert dataset.counts == {"Lung Opacity": 2, "Normal": 2}
    assert left_out(dataset) == {names[4]: SEVERAL}
    assert dataset.labels is not None
    assert (dataset.labels.choice.image, dataset.labels.choice.label) == ("patientId", "class")


@pytest.mark.parametrize("several", ["first", "exclude"])
def test_boxes_of_many_readers_are_one_image(tmp_path: Path, several: SeveralLabels) -> None:
    vindr = ["image_id,class_name,class_id,rad_id,x_min", "a,No finding,14,R11,", "b,Mass,8,R9,12",
             "b,Nodule,9,R8,3", "c,Mass,8,R10,4", "c,Mass,8,R9,4", "d,No finding,14,R11,",
             "e,Mass,8,R1,3"]  # fmt: skip
    choice = LabelChoice(file=table_file(tmp_path, *vindr), several=several)
    dataset = labelled(choice, *(f"train/{name}.dicom" for name in "abcde"))
    assert dataset.counts == {"Mass": 2 + (several == "first"), "No finding": 2}


@pytest.mark.parametrize("header", [("file,label",), ()])
def test_a_plain_table_is_read_with_and_without_a_header(
    tmp_path: Path, header: tuple[str, ...]
) -> None:
    rows = [f"{name},{'AB'[number % 2]}" for number, name in enumerate(FLAT)]
    dataset = labelled(LabelChoice(file=table_file(tmp_path, *header, *rows)), *FLAT)
    assert dataset.counts == {"A": 4, "B": 4}
    assert dataset.left_out == ()


def test_columns_can_be_chosen_by_name_and_number_and_given_up(tmp_path: Path) -> None:
    rows = [f"{name},{'AB'[n % 2]},{'CD'[n // 4]},P{n // 2}" for n, name in enumerate(FLAT)]
    file = table_file(tmp_path, "file,label,target,patient id", *rows)
    choice = LabelChoice(file=file, image="1", label="Target", patient="")
    dataset = labelled(choice, *FLAT)
    assert dataset.counts == {"C": 4, "D": 4}
    assert {record.patient for record in dataset.records} == {""}
    with pytest.raises(DatasetError, match="has no column sex"):
        labelled(LabelChoice(file=file, sex="sex"), *FLAT)


def test_without_a_label_column_the_folders_are_the_classes(tmp_path: Path) -> None:
    names = ("COVID/COVID-1.png", "COVID/COVID-2.png", "Normal/Normal-1.png", "Normal/Normal-2.png")
    metadata = ["FILE NAME,FORMAT,SIZE,URL", *(f"COVID-{n},PNG,256*256,u" for n in (1, 2, 3))]
    dataset = labelled(LabelChoice(file=table_file(tmp_path, *metadata)), *names)
    assert dataset.counts == {"COVID": 2, "Normal": 2}
    assert dataset.left_out == ()
    assert dataset.labels is not None
    assert dataset.labels.surplus == names[2:]
    patients = ["file,patient,sex", "COVID-1,7,female", "COVID-2,7,F", "Normal-1,8,男"]
    dataset = labelled(LabelChoice(file=table_file(tmp_path, *patients)), *names)
    assert [record.patient for record in dataset.records] == ["7", "7", "8", ""]
    assert [record.sex for record in dataset.records] == ["F", "F", "M", ""]


def test_images_of_one_name_are_left_out_where_the_table_does_not_tell_them_apart(
    tmp_path: Path,
) -> None:
    names = ("a/1.png", "b/1.png", *FLAT)
    rows = [f"{name},{'AB'[n % 2]}" for n, name in enumerate(FLAT)]
    choice = LabelChoice(file=table_file(tmp_path, "file,label", "1.png,A", *rows))
    dataset = labelled(choice, *names)
    assert left_out(dataset) == {"a/1.png": NOT_UNIQUE, "b/1.png": NOT_UNIQUE}
    # The other way round: two images in the table, and one of them is there.
    one_there = LabelChoice(
        file=table_file(tmp_path, "file,label", "a/x.png,A", "b/x.png,A", *rows)
    )
    assert left_out(labelled(one_there, "x.png", *FLAT)) == {"x.png": NOT_UNIQUE}


def test_masks_of_the_same_names_do_not_get_in_the_way(tmp_path: Path) -> None:
    rows = [f"{name},{'AB'[n % 2]}" for n, name in enumerate(FLAT)]
    both = [f"{folder}/{name}" for folder in ("images", "masks") for name in FLAT]
    dataset = labelled(LabelChoice(file=table_file(tmp_path, "file,label", *rows)), *both)
    assert dataset.counts == {"A": 4, "B": 4}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["file,label", "x.png,A", "y.png,B"], "No column of labels.csv holds the names"),
        (["file,label", *(f"{name},A" for name in FLAT)], "into 1 classes"),
        (["file,label", *(f"{name}," for name in FLAT)], "is empty for all of these images"),
    ],
)
def test_a_table_that_gives_no_classes_is_refused_in_words(
    tmp_path: Path, lines: list[str], reason: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        labelled(LabelChoice(file=table_file(tmp_path, *lines), label="label"), *FLAT)
    assert reason in str(caught.value)


def test_a_choice_that_was_completed_is_read_again_the_same(tmp_path: Path) -> None:
    choice = LabelChoice(file=table_file(tmp_path, *NIH), several="first")
    found = open_labels(choice, FLAT)
    kept = LabelChoice.from_json(found.report.choice.to_json())
    assert open_labels(kept, FLAT) == found
