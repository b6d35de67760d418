"""Hostile zips: what can be used of them is used, the rest is named, nothing is left behind."""

import errno
import os
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import archive as archive_module
from core.data import zip_file
from tests.core.data.zip_box import (
    JPEG,
    PNG,
    Box,
    encoded,
    joined,
    names,
    patched,
    reasons,
    unix_entry,
    zipped,
)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def bzip2() -> bytes:
    return zipped(("bad.png", PNG), method=zipfile.ZIP_BZIP2)


def lzma() -> bytes:
    return zipped(("bad.png", PNG), method=zipfile.ZIP_LZMA)


def cut_deflate() -> bytes:
    """The directory says that half the packed bytes are all."""
    content = zipped(("bad.png", bytes(PNG) * 3), method=zipfile.ZIP_DEFLATED)
    return patched(content, 0, 20, "<I", len(PNG) // 2)


def mac_link() -> bytes:
    info = unix_entry("bad", stat.S_IFLNK | 0o755)
    info.create_system = 19
    return zipped((info, b"/etc/passwd"))


def offset_beyond_all_disks() -> bytes:
    info = zipfile.ZipInfo("bad.png")
    info.extra = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    return patched(zipped((info, PNG)), 0, 42, "<I", 2**32 - 1)


LEFT_OUT: dict[str, tuple[str, Callable[[], bytes]]] = {
    "parent path": ("leads out of the archive", lambda: zipped(("../bad.png", PNG))),
    "hidden parent path": ("leads out of", lambda: zipped(("a/../../bad.png", PNG))),
    "backslash parent path": ("leads out of", lambda: zipped(("..\\..\\bad.png", PNG))),
    "absolute path": ("absolute path", lambda: zipped(("/tmp/bad.png", PNG))),
    "drive letter": ("absolute path", lambda: zipped(("C:\\films\\bad.png", PNG))),
    "network path": ("absolute path", lambda: zipped(("\\\\host\\bad.png", PNG))),
    "link": ("link", lambda: zipped((unix_entry("bad", stat.S_IFLNK | 0o777), b"/etc/passwd"))),
    "pipe": ("ordinary", lambda: zipped((unix_entry("bad", stat.S_IFIFO | 0o666), PNG))),
    "device": ("ordinary", lambda: zipped((unix_entry("bad", stat.S_IFBLK | 0o666), PNG))),
    "locked": ("password", lambda: patched(zipped(("bad.png", PNG)), 0, 8, "<H", 1)),
    "strongly locked": ("password", lambda: patched(zipped(("bad.png", PNG)), 0, 8, "<H", 64)),
    "bzip2": ("unusual method", bzip2),
    "lzma": ("unusual method", lzma),
    "unknown method": (
        "unusual method",
        lambda: patched(zipped(("bad.png", PNG)), 0, 10, "<H", 97),
    ),
    "patch data": ("Damaged", lambda: patched(zipped(("bad.png", PNG)), 0, 8, "<H", 32)),
    "wrong CRC": ("Damaged", lambda: patched(zipped(("bad.png", PNG)), 0, 16, "<I", 1)),
    "no local header": ("Damaged", lambda: zipped(("bad.png", PNG)).replace(b"PK\3\4", b"PK\0\0")),
    "other local name": ("Damaged", lambda: zipped(("bad.png", PNG)).replace(b"bad", b"bed", 1)),
    "broken deflate": (
        "Damaged",
        lambda: patched(zipped(("bad.png", PNG)), 0, 10, "<H", zipfile.ZIP_DEFLATED),
    ),
    "longer than stored": (
        "Damaged",
        lambda: patched(zipped(("bad.png", PNG)), 0, 24, "<I", len(PNG) + 9),
    ),
    "shorter than it is": (
        "Damaged",
        lambda: patched(zipped(("bad.png", PNG)), 0, 24, "<I", len(PNG) - 9),
    ),
    "offset beyond all disks": ("Damaged", offset_beyond_all_disks),
    "empty": ("empty", lambda: zipped(("bad.png", b""))),
    "text": ("A text file", lambda: zipped(("bad.csv", b"file,label"))),
    "spreadsheet": (
        "An office document",
        lambda: zipped(("bad.xlsx", zipped(("xl/workbook.xml", b"<a/>")))),
    ),
    "gif": ("Not a PNG", lambda: zipped(("bad.png", b"GIF89a" + bytes(99)))),
    "film that is a script": ("A text file", lambda: zipped(("bad.png", b"%!PS-Adobe-3.0 EPSF"))),
    "rar inside": ("archive inside", lambda: zipped(("bad.rar", b"Rar!\x1a\7\0"))),
    "cut gzip inside": ("end is missing", lambda: zipped(("bad.nii.gz", b"\x1f\x8b\x08"))),
    "broken zip inside": ("cut short or damaged", lambda: zipped(("bad.zip", b"PK\3\4" + PNG))),
    "deflate that ends early": ("Damaged", cut_deflate),
    "socket": ("ordinary", lambda: zipped((unix_entry("bad", stat.S_IFSOCK | 0o666), PNG))),
    "Mac link": ("link", mac_link),
    "hidden file": ("Hidden", lambda: zipped((".git/bad.png", PNG))),
    "endless name": ("longer than", lambda: zipped(("n" * 3000 + ".png", PNG))),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_one_bad_entry_is_left_out_with_a_reason_and_the_rest_is_used(box: Box, case: str) -> None:
    expected, make = LEFT_OUT[case]
    content = joined(make(), zipped(("good/a.png", JPEG)))
    unpacked = box.extract(content)
    assert names(unpacked) == ["good/a.png"]
    assert unpacked.files[0].path.read_bytes() == JPEG
    assert [expected in str(refusal.reason) for refusal in unpacked.left_out] == [True]
    assert sorted(path.name for path in unpacked.folder.iterdir()) == ["000001.jpg", "index.json"]
    assert sorted(path.name for path in box.root.iterdir()) == ["films.zip", "store"]


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("wrong CRC", "unreadable"),
        ("empty", "unreadable"),
        ("text", "not_an_image"),
        ("broken zip inside", "unreadable"),
        ("spreadsheet", "not_an_image"),
        ("link", "other"),
        ("locked", "other"),
        ("hidden file", "other"),
    ],
)
def test_a_refusal_says_in_a_word_why_also_when_it_was_unpacked_before(
    box: Box, case: str, kind: str
) -> None:
    content = joined(LEFT_OUT[case][1](), zipped(("good/a.png", JPEG)))
    first, again = box.extract(content), box.extract(content)
    assert [refusal.kind for refusal in first.left_out] == [kind]
    assert again == first


@pytest.mark.parametrize("case", LEFT_OUT)
def test_an_archive_of_only_bad_entries_says_why(box: Box, case: str) -> None:
    expected, make = LEFT_OUT[case]
    message = box.refusal(make())
    assert "films.zip holds no image that can be used" in message
    assert expected in message
    assert box.left_behind() == []


def test_of_two_files_with_one_name_the_first_is_used(box: Box) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped(("a/a.png", PNG), ("a/a.png", JPEG), ("a\\a.png", JPEG))
    unpacked = box.extract(content)
    assert [file.path.read_bytes() for file in unpacked.files] == [PNG]
    assert [str(refusal.reason) for refusal in unpacked.left_out] == [
        "Another file of the same name comes before it."
    ] * 2


def test_a_giant_entry_is_left_out_before_it_is_opened(box: Box) -> None:
    content = zipped(("a/a.png", encoded(side=2000)), ("a/b.png", PNG))
    unpacked = box.extract(patched(content, 1, 24, "<I", 600 * 2**20))
    assert reasons(unpacked) == {"a/b.png": "It is 600 MiB large; an image may have 160 MiB."}


def test_a_flood_that_is_no_image_costs_one_piece(box: Box) -> None:
    zeros = zipped(("a/zeros.bin", bytes(64 * 2**20)), method=zipfile.ZIP_DEFLATED)
    unpacked = box.extract(joined(zeros, zipped(("a/a.png", PNG))))
    assert reasons(unpacked) == {
        "a/zeros.bin": "Not a PNG, JPEG, BMP, TIFF, WebP, JPEG 2000 or DICOM image."
    }


# Archives refused as a whole


def two() -> bytes:
    return zipped(("a/a.png", PNG), ("a/b.png", PNG))


def quoting_the_next_header() -> bytes:
    """An entry whose content is another entry, which the directory lists as well (Fifield 2019)."""
    inner = zipped(("b.png", PNG))
    content = zipped(("a.zip", inner))
    directory = content.index(b"PK\x01\x02", content.index(b"PK\x05\x06"))
    entry = bytearray(inner[inner.index(b"PK\x01\x02") : inner.index(b"PK\x05\x06")])
    struct.pack_into("<I", entry, 42, 30 + len("a.zip"))
    end = bytearray(content[-22:])
    own = content[directory:-22]
    struct.pack_into("<HHI", end, 8, 2, 2, len(own) + len(entry))
    return content[:directory] + own + bytes(entry) + bytes(end)


def ending(field: int, layout: str, value: int) -> bytes:
    """Two films and an end record with one field changed (APPNOTE 4.3.16)."""
    content = bytearray(two())
    struct.pack_into(layout, content, content.rindex(b"PK\5\6") + field, value)
    return bytes(content)


def listing(n_files: int, name: bytes = b"a") -> bytes:
    """A directory of many files that all lie at one place."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", *[20] * 2, *[0] * 7, len(name), *[0] * 6)
    directory = (entry + name) * n_files
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, len(directory), 0, 0)
    return directory + end


def zip64_without_its_record() -> bytes:
    content = two()
    end = content.rindex(b"PK\5\6")
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 2**40, 1)
    return content[:end] + locator + content[end:]


def torn_extra_field() -> bytes:
    """A zip64 field that is shorter than it says."""
    info = zipfile.ZipInfo("a.png")
    info.extra = struct.pack("<HHI", 1, 9, 0)
    return patched(zipped((info, PNG)), 0, 30, "<H", 8)


REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "rar": ("not a zip file", lambda: b"Rar!\x1a\x07\x00 and more"),
    "7z": ("not a zip file", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(99)),
    "nothing": ("not a zip file", lambda: b""),
    "film": ("not a zip file", lambda: PNG),
    "zeros": ("not a zip file", lambda: bytes(10_000)),
    "no files": ("films.zip is empty", zipped),
    "folders alone": ("films.zip is empty", lambda: zipped(("a/", b""), ("a/b/", b""))),
    "junk alone": ("films.zip is empty", lambda: zipped(("__MACOSX/._a.png", PNG))),
    "first third": ("cut short or damaged", lambda: two()[: len(two()) // 3]),
    "without directory": ("cut short or damaged", lambda: two()[: int(len(two()) * 0.9)]),
    "without its last bytes": ("cut short or damaged", lambda: two()[:-7]),
    "one part of several": ("cut short or damaged", lambda: two()[: two().rindex(b"PK\5\6")]),
    "false UTF-8": (
        "cut short or damaged",
        lambda: zipped(("é/a.png", PNG)).replace("é".encode(), b"\xff\xff"),
    ),
    "from the future": (
        "cut short or damaged",
        lambda: patched(zipped(("a.png", PNG)), 0, 6, "<H", 99),
    ),
    "directory out of place": ("its entries overlap", lambda: ending(16, "<I", 2**31)),
    "directory too long": ("cut short or damaged", lambda: ending(12, "<I", 2**31)),
    "directory too short": ("cut short or damaged", lambda: ending(12, "<I", 60)),
    "directory of nonsense": (
        "cut short or damaged",
        lambda: two().replace(b"PK\1\2", b"PK\1\3"),
    ),
    "torn extra field": (
        "cut short or damaged",
        torn_extra_field,
    ),
    "zip64 without its record": ("cut short or damaged", zip64_without_its_record),
    "shared bytes": ("its entries overlap", lambda: patched(two(), 1, 42, "<I", 0)),
    "reaching into the next": (
        "its entries overlap",
        lambda: patched(two(), 0, 20, "<I", len(PNG) + 1),
    ),
    "quoting the next": ("its entries overlap", quoting_the_next_header),
    "inside the directory": (
        "its entries overlap",
        lambda: patched(two(), 1, 42, "<I", two().index(b"PK\x01\x02") + 4),
    ),
    "bomb": (
        f"would unpack to {300 * 2**20 // len(PNG)} times its size",
        lambda: patched(zipped(("a.png", PNG)), 0, 24, "<I", 300 * 2**20),
    ),
    "many small bombs": ("its entries overlap", lambda: listing(10_000)),
    "more files than memory": ("lists more than 200000 files", lambda: listing(200_001)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_archive_that_cannot_be_trusted_is_refused_and_leaves_nothing(
    box: Box, case: str
) -> None:
    expected, make = REFUSED[case]
    message = box.refusal(make())
    assert "films.zip" in message
    assert expected in message
    assert box.left_behind() == []
    assert set(os.listdir(box.root)) <= {"films.zip", "store"}


def test_no_hostile_archive_takes_much_memory(box: Box) -> None:
    peaks = {}
    tracemalloc.start()
    try:
        for case, (_, make) in (LEFT_OUT | REFUSED).items():
            content = make()
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            box.refusal(content)
            peaks[case] = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert len(peaks) >= 40
    assert max(peaks.values()) < 200 * 2**20


def test_a_giant_list_of_files_is_not_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_file, "MAX_DIRECTORY_BYTES", 8 * 2**20)
    entries = [zipfile.ZipInfo(f"a/{number}.png") for number in range(150)]
    for entry in entries:
        entry.comment = b"c" * 60_000
    many = zipped(*((entry, PNG) for entry in entries))
    assert "its list of files cannot be read" in box.refusal(many)


def test_more_than_the_limit_is_refused(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_TOTAL_BYTES", len(PNG))
    assert "the limit is 0 GiB" in box.refusal(zipped(("a.png", PNG), ("b.png", PNG)))


def test_too_little_disk_is_noticed_before_writing(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = archive_module.shutil.disk_usage(box.root)._replace(free=2**20)
    monkeypatch.setattr(archive_module.shutil, "disk_usage", lambda _: usage)
    assert "1 MiB are free" in box.refusal(zipped(("a.png", PNG)))
    assert box.left_behind() == []


def test_a_disk_that_becomes_full_leaves_nothing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(archive_module, "write_sealed", full)
    assert "The disk became full while films.zip" in box.refusal(zipped(("a.png", PNG)))
    assert box.left_behind() == []


def test_a_store_that_cannot_be_made_is_named(box: Box) -> None:
    box.store.write_text("a file where the folder should be")
    assert "(store)" in box.refusal(zipped(("a.png", PNG)))
