"""Tables are read in every usual encoding and with every separator, and never beyond limits."""

import datetime
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from core.data import tables
from core.data.tables import Table, find_tables, read_table
from core.errors import DatasetError

Cell = str | int | float | bool | datetime.datetime | None


def workbook(*rows: tuple[Cell, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def read(folder: Path, content: bytes, name: str = "labels.csv") -> Table:
    path = folder / name
    path.write_bytes(content)
    return read_table(path)


def refusal(folder: Path, content: bytes, name: str = "labels.csv") -> str:
    with pytest.raises(DatasetError) as caught:
        read(folder, content, name)
    return str(caught.value)


CHINESE = "文件名,标签\n1.png,新冠肺炎\n2.png,正常肺部\n"
SPANISH = "archivo;diagnóstico\n1.png;Neumonía\n2.png;Tórax normal, niño\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((CHINESE, encoding) for encoding in ("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16")),
        *((CHINESE, encoding) for encoding in ("utf-16-le", "utf-16-be")),
        *((SPANISH, encoding) for encoding in ("utf-8", "cp1252", "utf-16", "utf-16-le")),
    ],
)
def test_every_usual_encoding_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    table = read(tmp_path, text.encode(encoding))
    separator = "," if text is CHINESE else ";"
    lines = [tuple(line.split(separator)) for line in text.splitlines()]
    assert (table.header, *table.rows) == tuple(lines)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_separator_and_line_end_is_read(tmp_path: Path, separator: str, end: str) -> None:
    lines = ["file,label,age", "1.png,A,1", "2.png,B,", ",,", "", "3.png"]
    text = end.join(lines).replace(",", separator)
    table = read(tmp_path, text.encode())
    assert table.header == ("file", "label", "age")
    assert table.rows == (("1.png", "A", "1"), ("2.png", "B", ""), ("3.png", "", ""))


def test_a_bar_joins_labels_where_another_separator_is_there(tmp_path: Path) -> None:
    table = read(tmp_path, b"Image Index,Finding Labels\n1.png,A|B\n2.png,A|B|C\n")
    assert table.rows == (("1.png", "A|B"), ("2.png", "A|B|C"))


def test_quotes_excel_text_and_the_line_that_names_the_separator(tmp_path: Path) -> None:
    text = 'sep=;\n"file";"label"\n"a;1.png"; "say ""yes"""\n="002";"two\nlines"\n'
    table = read(tmp_path, text.encode())
    assert table.rows == (("a;1.png", 'say "yes"'), ("002", "two\nlines"))


def test_column_names_are_made_unique(tmp_path: Path) -> None:
    table = read(tmp_path, b"label,label,,file\nA,B,C,1.png\n")
    assert table.header == ("label", "label (2)", "Column 3", "file")
    assert [table.column(name) for name in ("LABEL", "label (2)", "4", " file ")] == [0, 1, 3, 3]


def test_an_unknown_column_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    table = read(tmp_path, b"file,label\n1.png,A\n")
    with pytest.raises(DatasetError, match=r"no column finding\. Its columns are file, label"):
        table.column("finding")


def test_cells_of_a_workbook_are_text_as_excel_shows_it(tmp_path: Path) -> None:
    content = workbook(
        ("FILE NAME", "Label", "Age", "Seen"),
        (1.0, "A", 12.5, True),
        (None, None),
        ("002.png", "=1+1", None, datetime.datetime(2020, 3, 1)),
    )
    table = read(tmp_path, content, "labels.xlsx")
    assert table.header == ("FILE NAME", "Label", "Age", "Seen")
    # Nobody has calculated the formula: it has no value yet.
    assert table.rows == (
        ("1", "A", "12.5", "TRUE"),
        ("002.png", "", "", "2020-03-01T00:00:00"),
    )


def test_the_content_tells_a_workbook_and_not_the_name(tmp_path: Path) -> None:
    assert read(tmp_path, workbook(("a", "b"), ("1", "2"))).rows == (("1", "2"),)
    assert read(tmp_path, b"a,b\n1,2\n", "labels.xlsx").rows == (("1", "2"),)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no table"),
        (b"\n\n,,\n", "holds no table"),
        (b"file,label\n", "holds no table"),
        (b"file,label\n1.png,A\n2.png,B,C\n", "Row 3 of labels.csv has 3 cells"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", "older than 2007"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\2", "is no table"),
        (b"PK\x03\x04 and nothing else", "no Excel file that can be read"),
        (b'a,b\n"' + b"x" * 200_000, "quotation mark that is not closed"),
        (b"," * 300 + b"x\n" + b"," * 300 + b"y\n", "too large"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refusal(tmp_path, content)


def test_a_table_that_is_gone_is_refused_in_words(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.csv", tmp_path / "a\0b.csv", tmp_path / "x.zip" / "gone.csv"):
        with pytest.raises(DatasetError, match="cannot be read"):
            read_table(path)


# Workbooks made to exhaust memory or time.


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = workbook(("file", "label"), ("1.png", "A"))
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = b"</sheetData></worksheet>"


def with_sheet(rows: bytes) -> bytes:
    return packed({**parts_of(PLAIN), SHEET: HEAD + rows + END})


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_UNPACKED_BYTES", 2**20)
    bomb = packed({**parts_of(PLAIN), "xl/media/bomb.bin": bytes(2**21)})
    assert len(bomb) < 20_000
    assert "too large" in refusal(tmp_path, bomb)


def test_a_workbook_of_tiny_elements_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_TAGS", 10_000)
    assert "too large" in refusal(tmp_path, with_sheet(b"<row>" + b"<c/>" * 10_000 + b"</row>"))


def test_rows_and_columns_that_claim_to_be_far_out_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 1000)
    far = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="999999999"><c><v>1</v></c></row>'
    assert "holds no table" in refusal(tmp_path, with_sheet(far))
    wide = b'<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row><row r="2"></row>'
    assert "table" in refusal(tmp_path, with_sheet(wide))
    many = b"<row><c><v>1</v></c></row>" * 1002
    assert "too large" in refusal(tmp_path, with_sheet(many))


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n + 1, b"&e%d;" % n * 20) for n in range(12))
    text = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaaaaaaaa">' + entities + b"]>"
    rows = b'<row><c t="inlineStr"><is><t>&e12;</t></is></c></row>'
    bomb = packed({**parts_of(PLAIN), SHEET: text + HEAD + rows + END})
    assert "no Excel file that can be read" in refusal(tmp_path, bomb)


# Where tables are found.


def test_tables_beside_the_images_are_found_in_folders_and_zips(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    (folder / "meta" / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in ("b.csv", "a.xlsx", "meta/deep/c.TSV", ".hidden/d.csv", "1.png", "readme.txt"):
        (folder / name).write_bytes(b"file,label\n1.png,A\n")
    zipped = tmp_path / "films.zip"
    with zipfile.ZipFile(zipped, "w") as made:
        made.writestr("data/labels.csv", "file,label\n1.png,A\n")
        made.writestr("__MACOSX/._labels.csv", "")
        made.writestr("../up.csv", "")
    found = find_tables([folder, zipped, tmp_path / "gone.zip"])
    assert found == (
        folder / "a.xlsx",
        folder / "b.csv",
        folder / "meta/deep/c.TSV",
        zipped / "data/labels.csv",
    )
    assert read_table(found[-1]).rows == (("1.png", "A"),)
