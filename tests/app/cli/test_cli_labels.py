"""Labels from a table by the commands: check, train, resume and evaluate read the same."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import openpyxl
import pytest

Command = Callable[..., Any]
TRAIN = ("--image-size", "32", "--epochs", "1", "--batch-size", "8")


@pytest.fixture(scope="module")
def flat(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The films in one folder of a zip, a CSV with their labels and patients beside them."""
    path = tmp_path_factory.mktemp("flat") / "flat.zip"
    lines = ["Image Index,Finding Labels,Patient ID,View"]
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(path, "w") as new:
        for number, name in enumerate(sorted(old.namelist())):
            label = PurePosixPath(name).parent.name
            new.writestr(f"images/{number:04d}.png", old.read(name))
            lines.append(f"{number:04d}.png,{label},{number // 2},PA")
        new.writestr("meta/labels.csv", "\n".join(lines))
    return path


def test_a_table_inside_the_zip_gives_classes_and_patients(command: Command, flat: Path) -> None:
    refused = command("check", flat)
    assert refused.code == 1
    assert "meta/labels.csv" in refused.err
    said = command("check", flat, "--labels", "labels.csv", "--json")
    assert said.code == 0
    assert said.json["classes"] == {"COVID": 12, "NORMAL": 12, "Viral_Pneumonia": 12}
    assert said.json["patients"]["pattern"] == "table"
    assert said.json["patients"]["n"] == 18
    assert said.json["labels"]["columns"]["label"] == "Finding Labels"
    assert said.json["labels"]["missing"] == said.json["labels"]["surplus"] == 0
    text = command("check", flat, "--labels", "labels.csv").out
    assert "Labels from labels.csv: image = Image Index, label = Finding Labels" in text
    assert "18 patients (table of labels)" in text


def test_columns_and_several_labels_are_chosen_by_options(
    command: Command, flat: Path, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    for row in (
        ("number", "kind", "other", "who"),
        *((float(n), "AB"[n % 2] + "|C" * (n == 5), "XY"[n // 18], n // 4) for n in range(36)),
        (99.0, "A", "X", 1),
    ):
        book.active.append(row)
    book.save(table := tmp_path / "table.xlsx")
    options = ("--labels", table, "--image-column", "number", "--patient-column", "who")
    refused = command("check", flat, *options, "--label-column", "kind")
    assert refused.code == 1
    assert "images/0005.png with B|C" in refused.err
    more = ("--label-column", "kind", "--several-labels", "exclude", "--json")
    said = command("check", flat, *options, *more).json
    assert said["classes"] == {"A": 18, "B": 17}
    assert said["patients"]["n"] == 9
    assert said["labels"]["missing"] == 1
    found = [one for one in said["findings"] if one["kind"] == "labels"]
    assert [one["files"] for one in found] == [["99"], ["images/0005.png"]]
    said = command("check", flat, *options, "--label-column", "OTHER", "--json").json
    assert said["classes"] == {"X": 18, "Y": 18}
    assert command("check", flat, "--label-column", "kind").code == 2


def test_a_run_keeps_its_table_for_resume_and_evaluate(
    command: Command, flat: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    said = command("train", flat, "--labels", "labels.csv", "--out", run, *TRAIN, "--json")
    assert said.code == 0
    described = json.loads((run / "run.json").read_text(encoding="utf-8"))["dataset"]
    assert described["labels"]["file"] == str(flat / "meta/labels.csv")
    assert described["labels"]["label"] == "Finding Labels"
    model = run / "best.safetensors"
    numbers = command("evaluate", model, flat, "--json").json
    assert numbers["accuracy"] == pytest.approx(said.json["test_accuracy"])
    given = command("evaluate", model, flat, "--labels", "labels.csv", "--json").json
    assert given == numbers
    resumed = command("train", "--resume", run, "--more-epochs", "1", "--json")
    assert resumed.code == 0
    assert resumed.json["epochs"] == 2
