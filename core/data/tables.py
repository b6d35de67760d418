"""Tables of text from CSV and XLSX files, in any usual encoding and with any usual separator."""

import csv
import datetime
import io
import os
import re
import warnings
import zipfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import DatasetError, Message

TABLE_SUFFIXES: Final = (".csv", ".tsv", ".xlsx", ".xlsm")
MAX_TABLE_BYTES: Final = 64 * 2**20
MAX_UNPACKED_BYTES: Final = 256 * 2**20  # of all parts of an XLSX file
MAX_TAGS: Final = 8_000_000  # of them; an element takes some 70 bytes of memory
MAX_PARTS: Final = 10_000
MAX_ROWS: Final = 500_000
MAX_COLUMNS: Final = 200
MAX_CELLS: Final = 20_000_000  # of a workbook, empty ones before others included
MAX_TABLES: Final = 50  # that are offered
_MAX_LISTED: Final = 200_000  # entries of a folder or zip that are looked at for tables
_N_SNIFFED: Final = 50  # rows
_PIECE_BYTES: Final = 2**20
_EXCEL_ROWS: Final = 2**20  # a sheet has no more
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EXCEL_TEXT: Final = re.compile(r'="(.*)"', re.DOTALL)  # ="001" keeps Excel from making it 1
# Where more of the bytes above 127 are pairs of GB 2312, the text is Chinese.
_LEAST_PAIRED: Final = 0.8
_PAIRS: Final = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text without blanks around them; blank rows are left out."""

    name: str
    header: tuple[str, ...]  # each name once, none empty
    rows: tuple[tuple[str, ...], ...]  # each as long as the header
    first_row: tuple[str, ...] = ()  # that the header was made of

    def column(self, name: str) -> int:
        """Return the index of a column by its name, in any case, or by its number from 1.

        Raises:
            DatasetError: There is none.
        """
        wanted = name.strip()
        if wanted in self.header:
            return self.header.index(wanted)
        folded = [title.casefold() for title in self.header]
        if wanted.casefold() in folded:
            return folded.index(wanted.casefold())
        if wanted.isascii() and wanted.isdecimal() and 1 <= int(wanted[:6]) <= len(self.header):
            return int(wanted[:6]) - 1
        raise DatasetError(
            Message(
                "{file} has no column {name}. Its columns are {columns}.",
                file=self.name,
                name=wanted,
                columns=", ".join(self.header),
            )
        )

    def without_header(self) -> "Table":
        """Return the same table whose first row holds values like the others."""
        header = tuple(_numbered(number) for number in range(1, len(self.header) + 1))
        return Table(self.name, header, (self.first_row, *self.rows), self.first_row)


def is_table(path: Path) -> bool:
    """Tell by its name that a file holds a table that can be read."""
    return path.name.casefold().endswith(TABLE_SUFFIXES)


def find_tables(sources: Sequence[Path]) -> tuple[Path, ...]:
    """Return the tables inside folders and zips, those further up first.

    A table inside a zip has a path that leads through the zip: `films.zip/labels.csv`.
    """
    found: list[Path] = []
    for source in sources:
        names = _names_in_folder(source) if os.path.isdir(source) else _names_in_zip(source)
        found += sorted(
            (source / name for name in names if is_table(Path(name)) and _is_plain(name)),
            key=lambda path: (len(path.parts), path),
        )
    return tuple(found[:MAX_TABLES])


def _is_plain(name: str) -> bool:
    """Tell that a name leads neither up nor to what a system puts beside files."""
    return not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _names_in_folder(folder: Path) -> Iterator[str]:
    n_seen = 0
    for here, _, names in os.walk(folder):
        for name in names:
            n_seen += 1
            if n_seen > _MAX_LISTED:
                return
            yield os.path.relpath(os.path.join(here, name), folder).replace(os.sep, "/")


def _names_in_zip(path: Path) -> Iterable[str]:
    try:
        with zipfile.ZipFile(path) as zipped:
            return zipped.namelist()[:_MAX_LISTED]
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return []


def read_table(path: Path) -> Table:
    """Read a CSV or XLSX file; its path may lead through a zip.

    Raises:
        DatasetError: It is not there, no table, or larger than any that is needed.
    """
    content = _content(path)
    if content.startswith(_OLE):
        raise DatasetError(
            Message(
                "{file} is of an Excel older than 2007, or locked with a password. Save it as "
                ".xlsx without a password, or as CSV.",
                file=path.name,
            )
        )
    is_zip = content.startswith(b"PK\x03\x04")
    rows = _xlsx_rows(path.name, content) if is_zip else _csv_rows(path.name, content)
    with closing(rows):
        return _table(path.name, rows, may_be_wider=is_zip)


def _content(path: Path) -> bytes:
    try:
        if not os.path.exists(path):
            return _content_in_zip(path)
        with path.open("rb") as file:
            content = file.read(MAX_TABLE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        raise DatasetError(
            Message(
                "The table {file} cannot be read: {why}. Check that it is there and that you may "
                "read it.",
                file=path.name,
                why=(error.strerror if isinstance(error, OSError) else None) or str(error),
            )
        ) from error
    return _of_fair_size(path.name, content)


def _content_in_zip(path: Path) -> bytes:
    """Read an entry of a zip.

    Raises:
        OSError: There is no such zip or entry.
    """
    archive = next((parent for parent in path.parents if os.path.isfile(parent)), None)
    if archive is None:
        raise FileNotFoundError(2, os.strerror(2))
    try:
        name = path.relative_to(archive).as_posix()
        with zipfile.ZipFile(archive) as zipped, zipped.open(name) as file:
            content = file.read(MAX_TABLE_BYTES + 1)
    except KeyError as error:
        raise FileNotFoundError(2, os.strerror(2)) from error
    except OSError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds for damaged archives
        raise OSError(0, "the zip is damaged") from error
    return _of_fair_size(path.name, content)


def _of_fair_size(name: str, content: bytes) -> bytes:
    if len(content) > MAX_TABLE_BYTES:
        raise _too_large(name)
    return content


def _too_large(name: str) -> DatasetError:
    return DatasetError(
        Message(
            "The table {file} is too large: it may have {rows} rows, {columns} columns and {size} "
            "MiB. Keep only the rows and columns that are needed.",
            file=name,
            rows=f"{MAX_ROWS:,}",
            columns=MAX_COLUMNS,
            size=MAX_TABLE_BYTES >> 20,
        )
    )


def _table(name: str, rows: Iterable[Sequence[str]], *, may_be_wider: bool) -> Table:
    """Take the first row that is not blank as the header and bring the others to its length.

    Raises:
        DatasetError: There are no rows, too many, or one is wider than the first and must not be.
    """
    first: tuple[str, ...] = ()
    found: list[tuple[str, ...]] = []
    cleaned: dict[str, str] = {}  # most cells repeat
    for number, row in enumerate(rows, start=1):
        if len(found) >= MAX_ROWS or len(row) > MAX_COLUMNS:
            raise _too_large(name)
        for text in row:
            if text not in cleaned:
                cleaned[text] = _cleaned(text)
        cells = tuple([cleaned[text] for text in row])
        while cells and not cells[-1]:
            cells = cells[:-1]
        if not cells:
            continue
        if not first:
            first = cells
            n_cells = max(len(row), len(cells))
            continue
        if len(cells) > n_cells and not may_be_wider:
            raise DatasetError(
                Message(
                    "Row {row} of {file} has {n} cells, and the first row has {m}. A text that "
                    "holds the separator needs quotes around it.",
                    row=number,
                    file=name,
                    n=len(cells),
                    m=n_cells,
                )
            )
        found.append(cells)
    width = max(map(len, (first, *found)), default=0)
    if not found or not width:
        raise DatasetError(
            Message(
                "{file} holds no table. It needs a row of column names and a row for each image.",
                file=name,
            )
        )
    padded = tuple(row + ("",) * (width - len(row)) for row in found)
    first += ("",) * (width - len(first))
    return Table(name, _titles(first), padded, first)


def _cleaned(text: str) -> str:
    text = text.replace("\0", "").replace("\ufeff", "").strip()
    if not text.startswith("="):
        return text
    match = _EXCEL_TEXT.fullmatch(text)
    return match.group(1).strip() if match else text


def _titles(first: Sequence[str]) -> tuple[str, ...]:
    titles: list[str] = []
    for number, text in enumerate(first, start=1):
        title = name = " ".join(text.split()) or _numbered(number)
        n_same = 1
        while title in titles:
            n_same += 1
            title = f"{name} ({n_same})"
        titles.append(title)
    return tuple(titles)


def _numbered(number: int) -> str:
    return f"Column {number}"


# CSV.


def _csv_rows(name: str, content: bytes) -> Generator[list[str], None, None]:
    text = _decoded(content)
    if any(character < "\t" or "\r" < character < " " for character in text[:4096]):
        raise DatasetError(
            Message(
                "{file} is no table. Save it as CSV or as .xlsx and choose it again.", file=name
            )
        )
    lines = io.StringIO(text.replace("\0", ""), newline="")
    separator = _separator(text)
    if text[:4].casefold() == "sep=":  # Excel's own way to name it
        lines.readline()
    try:
        yield from csv.reader(lines, delimiter=separator, skipinitialspace=True)
    except csv.Error as error:  # a field of more than 128 KiB
        raise DatasetError(
            Message(
                "{file} cannot be read as CSV: {reason}. Look for a quotation mark that is not "
                "closed.",
                file=name,
                reason=error,
            )
        ) from error


def _decoded(content: bytes) -> str:
    """Decode text in UTF-8, UTF-16, GBK or cp1252, told by its bytes."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    head = content[:2048]
    n_even, n_odd = head[::2].count(0), head[1::2].count(0)
    # Separators, line ends and ASCII names have a zero each, in text without a mark as well.
    if max(n_even, n_odd) > 0.1 * len(head):
        if n_odd > 3 * n_even:
            return content.decode("utf-16-le", "replace")
        if n_even > 3 * n_odd:
            return content.decode("utf-16-be", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        n_high = len(content) - len(content.translate(None, bytes(range(128, 256))))
        n_paired = 2 * sum(1 for _ in _PAIRS.finditer(content))
    if n_paired >= _LEAST_PAIRED * n_high:
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError:
            pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _separator(text: str) -> str:
    """Find the separator by which the first row falls into most cells; `|` joins labels."""
    lines = [line for line in text[: 2**18].splitlines() if line.strip()][:_N_SNIFFED]
    if not lines:
        return ","
    if lines[0][:4].casefold() == "sep=" and len(lines[0].rstrip()) == 5:
        return lines[0][4]

    def merit(separator: str) -> tuple[int, int]:
        try:
            rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
        except csv.Error:
            return 0, 0
        n_cells = len(rows[0])
        return n_cells, sum(len(row) == n_cells for row in rows)

    best = max((",", ";", "\t"), key=merit)
    return "|" if merit(best)[0] == 1 and merit("|")[0] > 1 else best


# XLSX.


def _xlsx_rows(name: str, content: bytes) -> Generator[list[str], None, None]:
    from openpyxl import load_workbook

    refusal = DatasetError(
        Message(
            "{file} is no Excel file that can be read. Open it in Excel or LibreOffice, save it as "
            ".xlsx or CSV, and choose it again.",
            file=name,
        )
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of styles and extensions it ignores
            _check_parts(name, content)
            # Formulas give the values that Excel saved with them.
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True,
                                 keep_links=False)  # fmt: skip
            with closing(book):
                n_cells = 0
                for sheet in book.worksheets:
                    n_rows = 0
                    # No more rows than a sheet can have: one may claim any number.
                    for row in sheet.iter_rows(min_row=1, max_row=_EXCEL_ROWS, values_only=True):
                        width = len(row)
                        n_cells += width  # a single cell may claim to be far to the right
                        if n_cells > MAX_CELLS:
                            raise _too_large(name)
                        while width and row[width - 1] is None:
                            width -= 1
                        n_rows += bool(width)
                        yield [_text(value) for value in row[:width]]
                    if n_rows:
                        return
    except (DatasetError, GeneratorExit):
        raise
    except Exception as error:  # openpyxl raised more kinds for damaged files than it documents
        raise refusal from error


def _check_parts(name: str, content: bytes) -> None:
    """Refuse a file that unpacks to more than a table needs; zipfile never unpacks more than told.

    Raises:
        DatasetError: It does.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        parts = zipped.infolist()
        total = sum(part.file_size for part in parts)
        if len(parts) > MAX_PARTS or total > MAX_UNPACKED_BYTES:
            raise _too_large(name)
        n_tags = 0
        for part in parts:
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("an XLSX file is stored or deflated")
            with zipped.open(part) as file:
                while piece := file.read(_PIECE_BYTES):
                    n_tags += piece.count(b"<")
                    if n_tags > MAX_TAGS:
                        raise _too_large(name)


def _text(value: object) -> str:
    """Return a cell's text: 1.0 is 1, as Excel shows it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)
