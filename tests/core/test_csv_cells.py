import csv
from pathlib import Path

import pytest

from core.errors import RunFolderError
from core.files import inert, write_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_cell_that_could_be_a_formula_is_made_text(start: str) -> None:
    assert inert(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


def test_a_number_below_zero_stays_a_number() -> None:
    numbers = ["-1", "-0.25", "-1e-05"]
    assert [inert(cell) for cell in numbers] == numbers
    formulas = ["-1+1", "-A1", "-", "-1\n", "-1 2", "-\u0661"]
    assert [inert(cell) for cell in formulas] == ["'" + cell for cell in formulas]


def test_other_cells_stay_as_they_are() -> None:
    assert [inert(cell) for cell in ("a=b.png", "", "1-2")] == ["a=b.png", "", "1-2"]


def test_a_table_is_read_back_as_it_was(tmp_path: Path) -> None:
    rows = [["file", "class"], ['正常,"肺部".png', "two lines"]]
    write_csv(tmp_path / "table.csv", rows)
    with (tmp_path / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == rows


def test_a_table_begins_with_a_bom_and_has_no_formula(tmp_path: Path) -> None:
    write_csv(tmp_path / "table.csv", [["=1+1", "a"]])
    assert (tmp_path / "table.csv").read_bytes() == b"\xef\xbb\xbf'=1+1,a\r\n"


def test_a_name_that_is_no_text_is_written_as_text(tmp_path: Path) -> None:
    write_csv(tmp_path / "table.csv", [["bad\udcff.png"]])
    assert "bad\\xff.png" in (tmp_path / "table.csv").read_text("utf-8-sig")


@pytest.mark.parametrize("name", ["none/table.csv", "."])
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match=r"cannot be written .* another file"):
        write_csv(tmp_path / name, [["a"]])
