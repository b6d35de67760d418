"""Tables that a spreadsheet opens as they are: a BOM, and no cell that is a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from core import user_file

_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; a number stays one."""
    is_formula = cell.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(cell)
    return "'" + cell if is_formula else cell


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows of text, each cell made inert, as UTF-8 with a BOM.

    Raises:
        RunFolderError: The file cannot be written.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    for row in rows:
        table.writerow([inert(cell) for cell in row])
    # A file name need not be text; the table must be.
    user_file.write_bytes(path, text.getvalue().encode("utf-8-sig", "backslashreplace"))
