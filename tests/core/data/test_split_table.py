import csv
from pathlib import Path

from core.config import TrainingConfig
from core.data.patients import group_by_patient
from core.data.splits import PARTS, save_split_table, split, split_rows
from tests.core.data.named_films import dataset, patients


def test_every_film_is_in_the_table_with_its_part() -> None:
    data = patients(A=[2] * 20, B=[1] * 30)
    grouping = group_by_patient(data.records)
    splits = split(data, grouping, TrainingConfig())
    rows = list(split_rows(data, grouping, splits))
    assert [row[0] for row in rows] == [record.name for record in data.records]
    for part in PARTS:
        assert {row[0] for row in rows if row[3] == part} == {
            data.records[index].name for index in splits.part(part)
        }


def test_patients_are_numbered_and_not_named() -> None:
    data = patients(A=[2] * 20, B=[1] * 30)
    in_file = {record.digest: f"secret{n // 2}" for n, record in enumerate(data.records)}
    grouping = group_by_patient(data.records, in_file)
    assert grouping.pattern == "dicom"
    rows = list(split_rows(data, grouping, split(data, grouping, TrainingConfig())))
    assert [row[2] for row in rows[:5]] == ["1", "1", "2", "2", "3"]
    assert "secret" not in str(rows)


def test_a_spreadsheet_finds_no_formula(tmp_path: Path) -> None:
    data = dataset({"=A": [f"{n}.png" for n in range(5)], "@B": [f"{n}.png" for n in range(5)]})
    grouping = group_by_patient(data.records)
    path = tmp_path / "split.csv"
    save_split_table(path, data, grouping, split(data, grouping, TrainingConfig()))
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["file", "class", "patient", "part"]
    assert rows[0][:3] == ["'=A/0.png", "'=A", "1"]
    assert len(rows) == 10
