"""Two thousand mutated tables are read or refused in words; nothing escapes."""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from core.data.labels import LabelChoice, completed, label_images, with_right_header
from core.data.tables import read_table
from core.errors import DatasetError

NAMES = [f"images/{number:03d}.png" for number in range(1, 7)]
LABELS = ("A", "B|A", "['A', 'B']", "新冠", "A", "B")
ROWS = [
    ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Gender", "View"),
    *(
        (
            f"{n:03d}.png",
            ("A", "B|A", "['A', 'B']", "新冠", "A", "B")[n - 1],
            n // 2,
            40 + n,
            "F",
            "PA",
        )
        for n in range(1, 7)
    ),
]
N_MUTATIONS = 1000


def csv_content(variant: int) -> bytes:
    separator, encoding = (",;\t"[variant % 3], ("utf-8-sig", "gbk", "utf-16")[variant // 3 % 3])
    lines = [separator.join(f'"{cell}"' if n % 2 else str(cell) for n, cell in enumerate(row))
             for row in ROWS]  # fmt: skip
    return "\r\n".join(lines).encode(encoding)


def xlsx_parts() -> dict[str, bytes]:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active["G1"], book.active["G2"] = "formula", "=1/0"
    target = io.BytesIO()
    book.save(target)
    with zipfile.ZipFile(target) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


PARTS = xlsx_parts()
TOKENS = (b"<", b">", b'"', b"&", b"\0", b"r=", b"-1", b"99999999999", b"1e999", b"nan", b"<row>",
          b'<row r="9999999999">', b'<c r="ZZZZ9" t="s">', b"]]>", b"&x;", b"\xff", b't="d"',
          b't="b"', b"<!DOCTYPE a>", b"''", b"\n", b",,,,,,,", b"|", b"[", b"A" * 300)  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change, insert, repeat or cut a few places."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        place, length = chance.randrange(len(changed) + 1), chance.randint(1, 40)
        match chance.randrange(6):
            case 0:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                changed[place:place] = chance.choice(TOKENS)
            case 2:
                changed[place : place + length] = chance.choice(TOKENS)
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = changed[place : place + length] * chance.randint(1, 20)
            case 5 if chance.random() < 0.3:
                del changed[place:]
    return bytes(changed)


def mutated_csv(chance: random.Random) -> bytes:
    return mutated(csv_content(chance.randrange(9)), chance)


def mutated_xlsx(chance: random.Random) -> bytes:
    """Mutate one part inside a sound zip, or the zip around them."""
    parts = dict(PARTS)
    if chance.random() < 0.8:
        name = chance.choice(sorted(parts))
        parts[name] = mutated(parts[name], chance)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    whole = target.getvalue()
    return whole if parts != PARTS else mutated(whole, chance)


@pytest.mark.parametrize("make", [mutated_csv, mutated_xlsx])
def test_mutated_tables_are_read_or_refused(
    tmp_path: Path, make: Callable[[random.Random], bytes]
) -> None:
    path = tmp_path / "labels.table"
    choice = LabelChoice(file=str(path), several="first")
    n_read, refusals = 0, []
    for seed in range(N_MUTATIONS):
        path.write_bytes(make(random.Random(seed)))
        try:
            table = with_right_header(read_table(path), NAMES)
            label_images(table, completed(choice, table, NAMES), NAMES)
            n_read += 1
        except DatasetError as error:
            refusals.append(str(error))
    assert all(refusals)
    assert n_read > N_MUTATIONS / 10  # most mutations reach the code behind the first check
