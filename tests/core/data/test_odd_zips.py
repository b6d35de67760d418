"""Odd zips that are good are used to the last film, and no bytes at all bring the program down."""

import io
import json
import os
import random
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from core.data.records import scan
from core.errors import ArchiveError
from tests.core.data.zip_box import BMP, DICOM, JPEG, PNG, TIFF, Box, joined, unix_entry, zipped


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def films(*folders: str, n: int = 3) -> Iterator[tuple[str, bytes]]:
    """PNG files, three in each folder."""
    return ((f"{folder}/{number}.png", PNG) for folder in folders for number in range(n))


def renamed(folder: str, encoding: str) -> bytes:
    """A class folder whose name is not marked as UTF-8."""
    raw = folder.encode(encoding)
    content = zipped(*films("z" * len(raw), "COVID"))
    return content.replace(b"z" * len(raw), raw)


def streamed() -> bytes:
    """As a program writes that cannot go back: lengths stand behind the content."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise io.UnsupportedOperation

    target = Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in films("NORMAL", "COVID"):
            made.writestr(name, content)
    return target.getvalue()


def zip64_entries() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in films("NORMAL", "COVID"):
            with made.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    return target.getvalue()


def zip64_throughout() -> bytes:
    """Every length, offset and count in its zip64 place, as in zips of more than 4 GiB."""
    with (
        patch.object(zipfile, "ZIP64_LIMIT", 10),
        patch.object(zipfile, "ZIP_FILECOUNT_LIMIT", 1),
    ):
        return zip64_entries()


def with_dates(stamp: tuple[int, int, int, int, int, int]) -> bytes:
    return zipped(
        *((zipfile.ZipInfo(name, stamp), film) for name, film in films("NORMAL", "COVID"))
    )


def stored_and_deflated() -> bytes:
    entries = [(zipfile.ZipInfo(name), film) for name, film in films("NORMAL", "COVID")]
    for info, _ in entries[::2]:
        info.compress_type = zipfile.ZIP_DEFLATED
    return zipped(*entries)


def with_extra_fields() -> bytes:
    entries = []
    for name, film in films("NORMAL", "COVID"):
        info = zipfile.ZipInfo(name)
        info.extra = struct.pack("<HHBI", 0x5455, 5, 1, 0) + struct.pack(
            "<HH4s", 0x7875, 4, b"uids"
        )
        info.comment = b"ward 3"
        entries.append((info, film))
    return zipped(*entries)


def with_folders_and_modes() -> bytes:
    return zipped(
        (unix_entry("x/", stat.S_IFDIR | 0o755), b""),
        (unix_entry("x/NORMAL/", stat.S_IFDIR | 0o000), b""),
        *((unix_entry(f"x/{name}", 0), film) for name, film in films("NORMAL")),
        *((unix_entry(f"x/{name}", stat.S_IFREG), film) for name, film in films("COVID")),
    )


def with_comment() -> bytes:
    target = io.BytesIO(zipped(*films("NORMAL", "COVID")))
    with zipfile.ZipFile(target, "a") as made:
        made.comment = "胸片".encode()
    return target.getvalue()


def replaced_in_place() -> bytes:
    """A film was written anew at the end; the old bytes still lie in the file, unlisted."""
    first = zipped(("NORMAL/old.png", JPEG))
    rest = zipped(*films("NORMAL", "COVID"))
    start = struct.unpack_from("<I", rest, len(rest) - 6)[0]
    moved = bytearray(rest[start:-22])
    gap = first[: first.index(b"PK\1\2")]
    place = 0
    while place < len(moved):
        offset = struct.unpack_from("<I", moved, place + 42)[0]
        struct.pack_into("<I", moved, place + 42, offset + len(gap))
        place += 46 + sum(struct.unpack_from("<3H", moved, place + 28))
    end = bytearray(rest[-22:])
    struct.pack_into("<I", end, 16, start + len(gap))
    return gap + rest[:start] + bytes(moved) + bytes(end)


def of_every_format() -> bytes:
    kinds = {"1.PNG": PNG, "2.Jpeg": JPEG, "3.bmp": BMP, "4.TIFF": TIFF, "5.dcm": DICOM, "6": DICOM}
    return zipped(*((f"{label}/{name}", film) for label in "NC" for name, film in kinds.items()))


def radiography() -> bytes:
    root = "COVID-19_Radiography_Dataset"
    sheet = zipped(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>"))
    labels = ("COVID", "Normal", "Lung_Opacity", "Viral Pneumonia")
    return zipped(
        *films(*(f"{root}/{label}/{kind}" for label in labels for kind in ("images", "masks"))),
        *((f"{root}/{label}.metadata.xlsx", sheet) for label in labels),
        (f"{root}/README.md.txt", b"cite us"),
    )


PLAIN = {"COVID": 3, "NORMAL": 3}
GOOD: dict[str, tuple[dict[str, int], Callable[[], bytes]]] = {
    "stored": (PLAIN, lambda: zipped(*films("NORMAL", "COVID"))),
    "deflated": (
        PLAIN,
        lambda: zipped(*films("NORMAL", "COVID"), method=zipfile.ZIP_DEFLATED),
    ),
    "stored and deflated": (PLAIN, stored_and_deflated),
    "below a wrapper": (PLAIN, lambda: zipped(*films("x/NORMAL", "x/COVID"))),
    "below many wrappers": (PLAIN, lambda: zipped(*films("a/b/c/d/NORMAL", "a/b/c/d/COVID"))),
    "behind a program": (PLAIN, lambda: b"MZ" + bytes(500) + zipped(*films("NORMAL", "COVID"))),
    "before other bytes": (PLAIN, lambda: zipped(*films("NORMAL", "COVID")) + bytes(500)),
    "with a comment": (PLAIN, with_comment),
    "streamed": (PLAIN, streamed),
    "zip64 entries": (PLAIN, zip64_entries),
    "zip64 throughout": (PLAIN, zip64_throughout),
    "of the oldest date": (PLAIN, lambda: with_dates((1980, 1, 1, 0, 0, 0))),
    "of no date": (PLAIN, lambda: with_dates((1980, 0, 0, 0, 0, 0))),
    "with extra fields": (PLAIN, with_extra_fields),
    "with folders and no modes": (PLAIN, with_folders_and_modes),
    "with unlisted bytes": (PLAIN, replaced_in_place),
    "from Windows": (
        PLAIN,
        lambda: zipped(
            *((name.replace("/", "\\"), film) for name, film in films("x/NORMAL", "x/COVID"))
        ),
    ),
    "from a Mac": (
        PLAIN,
        lambda: zipped(
            *films("NORMAL", "COVID"),
            *((f"__MACOSX/{name}", b"\0\5\x16\7") for name, _ in films("NORMAL")),
            ("NORMAL/.DS_Store", b"\0\0\0\1Bud1"),
        ),
    ),
    "dots and slashes": (PLAIN, lambda: zipped(*films("./x//NORMAL", "x/./COVID"))),
    "GBK": ({"COVID": 3, "正常肺部": 3}, lambda: renamed("正常肺部", "gbk")),
    "unmarked UTF-8": ({"COVID": 3, "正常肺部": 3}, lambda: renamed("正常肺部", "utf-8")),
    "marked UTF-8": ({"新冠肺炎": 3, "正常": 3}, lambda: zipped(*films("新冠肺炎", "正常"))),
    "spaces": (
        {"Lung Opacity ": 3, "Viral  Pneumonia": 3},
        lambda: zipped(*films("my data/Lung Opacity ", "my data/Viral  Pneumonia")),
    ),
    "smileys": ({"🙂": 3, "🤒": 3}, lambda: zipped(*films("🙂", "🤒"))),
    "decomposed": ({"évidé": 3, "n": 3}, lambda: zipped(*films("e\u0301vide\u0301", "n"))),
    "every format": ({"C": 6, "N": 6}, of_every_format),
    "wrong extensions": (
        {"C": 2, "N": 2},
        lambda: zipped(*((f"{label}/{n}.dcm", JPEG) for label in "CN" for n in "12")),
    ),
    "Kermany": (
        {"NORMAL": 9, "PNEUMONIA": 9},
        lambda: zipped(
            *films(
                *(
                    f"chest_xray/{part}/{label}"
                    for part in ("train", "test", "val")
                    for label in ("NORMAL", "PNEUMONIA")
                )
            )
        ),
    ),
    "COVID-19 Radiography": (
        {"COVID": 3, "Lung_Opacity": 3, "Normal": 3, "Viral Pneumonia": 3},
        radiography,
    ),
    "patients": (
        {"COVID": 12, "NORMAL": 12},
        lambda: zipped(*films(*(f"{label}/patient{n}" for label in PLAIN for n in range(4)))),
    ),
    "two wrappers": (PLAIN, lambda: zipped(*films("a/NORMAL", "b/COVID"))),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_zip_is_used_to_the_last_film(box: Box, case: str) -> None:
    expected, make = GOOD[case]
    dataset = scan([(box.extract(make()), box.archive)])
    assert dataset.counts == expected


def test_nothing_of_a_good_zip_is_complained_about_but_what_is_no_film(box: Box) -> None:
    refused = {
        case: {str(refusal.reason) for refusal in scanned.left_out}
        for case, (_, make) in GOOD.items()
        for scanned in [scan([(box.extract(make()), box.archive)])]
    }
    assert {case: reasons for case, reasons in refused.items() if reasons} == {
        "COVID-19 Radiography": {
            "A mask, not a film.",
            "A text file, not an X-ray.",
            "An office document (Word, Excel or the like), not an X-ray.",
        }
    }


# Fuzzing


def bases() -> list[bytes]:
    return [
        joined(
            zipped(("影像/NORMAL/a.png", PNG), method=zipfile.ZIP_DEFLATED),
            zipped((unix_entry("../x/b.jpg", stat.S_IFREG | 0o644), JPEG)),
        ),
        zip64_throughout(),
        streamed(),
    ]


def mutated(content: bytes, random_: random.Random) -> bytes:
    changed = bytearray(content)
    directory = content.index(b"PK\x01\x02")
    for _ in range(random_.choice([1, 1, 2, 5, 20])):
        low = directory if random_.random() < 0.6 else 0
        place = random_.randrange(low, len(changed)) if low < len(changed) else 0
        match random_.randrange(5):
            case 0:
                changed[place] = random_.randrange(256)
            case 1:
                changed[place] ^= 1 << random_.randrange(8)
            case 2:
                changed[place : place + 4] = random_.choice([b"\xff" * 4, b"\0" * 4, b"PK\1\2"])
            case 3:
                del changed[place : place + random_.randrange(1, 40)]
            case 4:
                changed[place:place] = changed[place : place + random_.randrange(1, 40)]
        if not changed:
            break
    return bytes(changed)


def unpack_mutated(box: Box, n_zips: int, seed: int) -> set[str]:
    """Unpack changed zips and look for traces; returns what became of them."""
    random_ = random.Random(seed)
    good = bases()
    outcomes, sentences = set(), set()
    for number in range(n_zips):
        try:
            unpacked = box.extract(mutated(good[number % len(good)], random_))
        except ArchiveError as error:
            outcomes.add("refused")
            sentences.add(str(error))
            assert box.left_behind() == []
        else:
            outcomes.add("used")
            assert box.left_behind() == [unpacked.folder.name]
            listed = {file.path.name for file in unpacked.files} | {"index.json"}
            assert set(os.listdir(unpacked.folder)) == listed
            assert {file.path.read_bytes() for file in unpacked.files} <= {PNG, JPEG}
            assert json.loads((unpacked.folder / "index.json").read_text(encoding="utf-8"))
            shutil.rmtree(unpacked.folder)
        assert set(os.listdir(box.root)) <= {"films.zip", "store"}
    assert all("films.zip" in sentence and "{" not in sentence for sentence in sentences)
    return outcomes


def test_mutated_zips_raise_nothing_foreign_and_leave_nothing_behind(box: Box) -> None:
    assert unpack_mutated(box, 1000, seed=20) == {"refused", "used"}


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100))
def test_a_hundred_thousand_mutated_zips_raise_nothing_foreign(box: Box, seed: int) -> None:
    assert unpack_mutated(box, 1000, 1000 + seed) == {"refused", "used"}
