"""Hostile and odd zips and folders: what is usable is used, the rest is named, nothing leaks."""

import errno
import hashlib
import io
import json
import os
import random
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import archive as archive_module
from core.data import zip_entries
from core.data.archive import Unpacked, extract, list_folder, open_source
from core.errors import ArchiveError
from core.events import Progress


def encoded(seed: int = 0, kind: str = "PNG", side: int = 24) -> bytes:
    grey = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    target = io.BytesIO()
    Image.fromarray(grey).save(target, kind)
    return target.getvalue()


PNG = encoded(1)
JPEG = encoded(2, "JPEG")


def zipped(
    *entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED
) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return target.getvalue()


def patched(content: bytes, entry: int, offset: int, layout: str, value: int) -> bytes:
    """Change one field of the central directory's entry (APPNOTE 4.3.12)."""
    place = -1
    for _ in range(entry + 1):
        place = content.index(b"PK\x01\x02", place + 1)
    changed = bytearray(content)
    struct.pack_into(layout, changed, place + offset, value)
    return bytes(changed)


def unix_entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


class Box:
    """A store and an archive beside it, and nothing else that may change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "store"
        self.archive = root / "films.zip"

    def extract(self, content: bytes) -> Unpacked:
        self.archive.write_bytes(content)
        last = list(extract(self.archive, self.store))[-1]
        assert isinstance(last, Unpacked)
        return last

    def refusal(self, content: bytes) -> str:
        with pytest.raises(ArchiveError) as caught:
            self.extract(content)
        return str(caught.value)

    def left_behind(self) -> list[str]:
        return [path.name for path in self.store.iterdir()] if self.store.exists() else []


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def names(unpacked: Unpacked) -> list[str]:
    return [file.name for file in unpacked.files]


def reasons(unpacked: Unpacked) -> dict[str, str]:
    return {refusal.file: str(refusal.reason) for refusal in unpacked.left_out}


# What is usable


def test_images_come_out_whole_under_generated_names_sorted_by_their_own(box: Box) -> None:
    unpacked = box.extract(zipped(("x/COVID/b.jpg", JPEG), ("x/COVID/a.png", PNG)))
    assert names(unpacked) == ["x/COVID/a.png", "x/COVID/b.jpg"]
    assert [file.path.read_bytes() for file in unpacked.files] == [PNG, JPEG]
    assert [file.path.name for file in unpacked.files] == ["000002.png", "000001.jpg"]
    assert unpacked.files[0].digest == hashlib.sha256(PNG).hexdigest()
    assert unpacked.left_out == ()


def test_the_target_is_named_by_the_archives_hash(box: Box) -> None:
    content = zipped(("a/a.png", PNG))
    unpacked = box.extract(content)
    assert unpacked.folder == box.store / hashlib.sha256(content).hexdigest()[:32]
    assert box.left_behind() == [unpacked.folder.name]


def test_content_decides_what_is_an_image_and_not_the_extension(box: Box) -> None:
    unpacked = box.extract(zipped(("a/film", PNG), ("a/film.png", JPEG), ("a/text.png", b"hello")))
    assert names(unpacked) == ["a/film", "a/film.png"]
    assert [file.path.suffix for file in unpacked.files] == [".png", ".jpg"]
    assert reasons(unpacked) == {"a/text.png": "Not a PNG or JPEG image."}


def test_deflated_entries_and_a_comment_and_bytes_in_front_are_read(box: Box) -> None:
    content = zipped(("a/a.png", PNG), ("a/b.png", JPEG), method=zipfile.ZIP_DEFLATED)
    assert len(box.extract(b"MZ self-extracting" + content).files) == 2
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as made:
        made.comment = b"films of ward 3"
    assert len(box.extract(target.getvalue()).files) == 2


def test_junk_and_folders_are_passed_over_in_silence(box: Box) -> None:
    junk = ["__MACOSX/a/._a.png", "a/.DS_Store", "a/Thumbs.db", "a/desktop.ini", "a/._b.png"]
    unpacked = box.extract(zipped(("a/", b""), ("a/a.png", PNG), *((name, PNG) for name in junk)))
    assert names(unpacked) == ["a/a.png"]
    assert unpacked.left_out == ()


def test_backslashes_dots_and_double_slashes_are_separators(box: Box) -> None:
    unpacked = box.extract(
        zipped(("x\\NORMAL\\a.png", PNG), ("./x/NORMAL//b.png", PNG), ("x\\NORMAL\\", b""))
    )
    assert names(unpacked) == ["x/NORMAL/a.png", "x/NORMAL/b.png"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_chinese_names_without_the_utf8_flag_are_understood(box: Box, encoding: str) -> None:
    name = "肺炎/许诚.png"  # with bytes that are a backslash or a slash in GBK's second place
    placeholder = "z" * len(name.encode(encoding))
    content = zipped((placeholder, PNG)).replace(placeholder.encode(), name.encode(encoding))
    assert names(box.extract(content)) == [name]


def test_names_with_the_utf8_flag_are_composed(box: Box) -> None:
    assert names(box.extract(zipped(("e\N{COMBINING ACUTE ACCENT}té/a.png", PNG)))) == ["été/a.png"]


def test_control_characters_in_names_cannot_reach_the_screen(box: Box) -> None:
    unpacked = box.extract(zipped(("a/\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}gnp.png", PNG)))
    assert names(unpacked) == ["a/\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}gnp.png"]


def test_the_second_time_nothing_is_unpacked_again(box: Box) -> None:
    content = zipped(("a/a.png", PNG), ("a/b.txt", b"text"))
    first = box.extract(content)
    before = first.files[0].path.stat().st_mtime_ns
    events = list(extract(box.archive, box.store))
    assert events[-1] == first
    assert first.files[0].path.stat().st_mtime_ns == before
    assert {str(event.stage) for event in events[:-1] if isinstance(event, Progress)} == {
        "Checking the archive"
    }


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "000001.png").unlink(),
        lambda folder: (folder / "000001.png").write_bytes(b"short"),
        lambda folder: (folder / "index.json").write_text("{"),
        lambda folder: (folder / "index.json").write_text("[1]"),
        lambda folder: (folder / "index.json").write_text('{"version": 0}'),
        lambda folder: (folder / "index.json").unlink(),
    ],
)
def test_an_incomplete_folder_is_unpacked_again(box: Box, harm: Callable[[Path], None]) -> None:
    content = zipped(("a/a.png", PNG), ("b/a.jpg", JPEG))
    first = box.extract(content)
    harm(first.folder)
    assert box.extract(content) == first
    assert first.files[0].path.read_bytes() == PNG
    assert box.left_behind() == [first.folder.name]


# Single entries that are left out


def bzip2() -> bytes:
    return zipped(("bad.png", PNG), method=zipfile.ZIP_BZIP2)


def lzma() -> bytes:
    return zipped(("bad.png", PNG), method=zipfile.ZIP_LZMA)


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
    "empty": ("empty", lambda: zipped(("bad.png", b""))),
    "text": ("Not a PNG or JPEG", lambda: zipped(("bad.csv", b"a,b"))),
    "zip inside": ("archive inside", lambda: zipped(("bad.zip", zipped(("a.png", PNG))))),
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


@pytest.mark.parametrize("case", LEFT_OUT)
def test_an_archive_of_only_bad_entries_says_why(box: Box, case: str) -> None:
    expected, make = LEFT_OUT[case]
    message = box.refusal(make())
    assert "films.zip holds no PNG or JPEG image that can be used" in message
    assert expected in message
    assert box.left_behind() == []


def joined(first: bytes, second: bytes) -> bytes:
    """One zip with the entries of two, whatever is wrong with them."""
    parts = []
    for content in (first, second):
        size, start = struct.unpack_from("<II", content, content.rindex(b"PK\5\6") + 12)
        parts.append((content[:start], content[start : start + size]))
    (data, directory), (more_data, more_directory) = parts
    moved = bytearray(more_directory)
    struct.pack_into("<I", moved, 42, struct.unpack_from("<I", moved, 42)[0] + len(data))
    everything = directory + bytes(moved)
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, len(everything), len(data) + len(more_data), 0
    )
    return data + more_data + everything + end


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
    assert reasons(unpacked) == {"a/b.png": "It is 600 MiB large; an image may have 512 MiB."}


def test_a_flood_that_is_no_image_costs_one_piece(box: Box) -> None:
    zeros = zipped(("a/zeros.bin", bytes(64 * 2**20)), method=zipfile.ZIP_DEFLATED)
    unpacked = box.extract(joined(zeros, zipped(("a/a.png", PNG))))
    assert reasons(unpacked) == {"a/zeros.bin": "Not a PNG or JPEG image."}


# Archives refused as a whole


def test_what_is_no_zip_is_refused(box: Box) -> None:
    assert "films.zip is not a zip file" in box.refusal(b"Rar!\x1a\x07\x00 and more")
    assert "films.zip is not a zip file" in box.refusal(b"")
    assert "films.zip is not a zip file" in box.refusal(PNG)


def test_an_empty_zip_is_refused(box: Box) -> None:
    assert "films.zip is empty" in box.refusal(zipped())


def test_a_zip_of_junk_alone_is_refused(box: Box) -> None:
    assert "films.zip is empty" in box.refusal(zipped(("__MACOSX/._a.png", PNG)))


@pytest.mark.parametrize("part", [0.3, 0.7, 0.98])
def test_a_cut_zip_is_called_cut_short(box: Box, part: float) -> None:
    content = zipped(("a/a.png", PNG), ("a/b.png", JPEG))
    assert "is cut short or damaged" in box.refusal(content[: int(len(content) * part)])


def test_a_name_that_is_not_the_utf8_it_claims_is_refused(box: Box) -> None:
    content = zipped(("é/a.png", PNG)).replace("é".encode(), b"\xff\xff")
    assert "is cut short or damaged" in box.refusal(content)


def test_a_zip_that_asks_for_a_newer_program_is_refused(box: Box) -> None:
    assert "cut short or damaged" in box.refusal(patched(zipped(("a.png", PNG)), 0, 6, "<H", 99))


def test_entries_that_share_their_bytes_are_refused(box: Box) -> None:
    content = zipped(("a/a.png", PNG), ("a/b.png", PNG))
    assert "its entries overlap" in box.refusal(patched(content, 1, 42, "<I", 0))
    assert box.left_behind() == []


def test_an_entry_that_reaches_into_the_next_is_refused(box: Box) -> None:
    content = zipped(("a/a.png", PNG), ("a/b.png", PNG))
    assert "its entries overlap" in box.refusal(patched(content, 0, 20, "<I", len(PNG) + 1))


def test_an_entry_that_quotes_the_next_header_is_refused(box: Box) -> None:
    inner = zipped(("b.png", PNG))
    content = zipped(("a.zip", inner))
    directory = content.index(b"PK\x01\x02", content.index(b"PK\x05\x06"))
    entry = bytearray(inner[inner.index(b"PK\x01\x02") : inner.index(b"PK\x05\x06")])
    struct.pack_into("<I", entry, 42, 30 + len("a.zip"))
    end = bytearray(content[-22:])
    own = content[directory:-22]
    struct.pack_into("<HHI", end, 8, 2, 2, len(own) + len(entry))
    content = content[:directory] + own + bytes(entry) + bytes(end)
    assert "its entries overlap" in box.refusal(content)


def test_an_entry_inside_the_directory_is_refused(box: Box) -> None:
    content = zipped(("a/a.png", PNG), ("a/b.png", PNG))
    inside = content.index(b"PK\x01\x02") + 4
    assert "its entries overlap" in box.refusal(patched(content, 1, 42, "<I", inside))


def test_a_bomb_is_refused_before_it_is_opened(box: Box) -> None:
    content = patched(zipped(("a.png", PNG)), 0, 24, "<I", 300 * 2**20)
    message = box.refusal(content)
    assert f"would unpack to {300 * 2**20 // len(PNG)} times its size" in message
    assert box.left_behind() == []


def test_a_giant_list_of_files_is_not_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_entries, "MAX_DIRECTORY_BYTES", 8 * 2**20)
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
    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(archive_module.atomic_file, "write_text", full)
    assert "The disk became full while films.zip" in box.refusal(zipped(("a.png", PNG)))
    assert box.left_behind() == []


def test_a_store_that_cannot_be_made_is_named(box: Box) -> None:
    box.store.write_text("a file where the folder should be")
    assert "(store)" in box.refusal(zipped(("a.png", PNG)))


# Cancelling, and others at work


def test_cancelling_removes_what_was_written(box: Box) -> None:
    box.archive.write_bytes(zipped(*((f"a/{n}.png", PNG) for n in range(9))))
    work = extract(box.archive, box.store)
    for event in work:
        if isinstance(event, Progress) and str(event.stage) == "Unpacking" and event.done == 4:
            break
    assert any(name.endswith(".part") for name in box.left_behind())
    work.close()  # type: ignore[attr-defined]
    assert box.left_behind() == []


def test_a_large_file_can_be_cancelled_inside(box: Box) -> None:
    box.archive.write_bytes(zipped(("a/a.png", PNG + bytes(20 * 2**20))))
    work = extract(box.archive, box.store)
    stages = [event.done for event in work if isinstance(event, Progress) and event.total == 1]
    assert stages == [0, 0, 1]


def test_progress_counts_up_to_the_number_of_files(box: Box) -> None:
    box.archive.write_bytes(zipped(*((f"a/{n}.png", PNG) for n in range(200))))
    events = [event for event in extract(box.archive, box.store) if isinstance(event, Progress)]
    done = [event.done for event in events if str(event.stage) == "Unpacking"]
    assert done == list(range(5, 201, 5))
    assert events[-1].total == 200


def test_another_process_that_was_quicker_does_no_harm(box: Box) -> None:
    box.archive.write_bytes(zipped(("a/a.png", PNG), ("a/b.png", JPEG)))
    slow = extract(box.archive, box.store)
    next(event for event in slow if isinstance(event, Progress) and str(event.stage) == "Unpacking")
    quick = list(extract(box.archive, box.store))[-1]
    assert list(slow)[-1] == quick
    assert isinstance(quick, Unpacked)
    assert [file.path.read_bytes() for file in quick.files] == [PNG, JPEG]
    assert box.left_behind() == [quick.folder.name]


def test_two_processes_unpack_the_same_archive_at_once(box: Box) -> None:
    box.archive.write_bytes(zipped(*((f"a/{n}.png", encoded(n, side=64)) for n in range(100))))
    code = (
        "import sys; from pathlib import Path; from core.data.archive import extract; "
        "print(len(list(extract(Path(sys.argv[1]), Path(sys.argv[2])))[-1].files))"
    )
    command = [sys.executable, "-c", code, str(box.archive), str(box.store)]
    root = Path(archive_module.__file__).parents[2]
    running = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [process.communicate()[0].strip() for process in running] == ["100", "100"]
    assert len(box.left_behind()) == 1


def test_leftovers_of_dead_processes_are_removed_and_of_living_ones_kept(box: Box) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getppid()):
        (box.store / f".abc.{pid}.x.part").mkdir(parents=True)
        (box.store / f".abc.{pid}.x.part" / "000001.png").write_bytes(PNG)
    unpacked = box.extract(zipped(("a/a.png", PNG)))
    assert sorted(box.left_behind()) == [f".abc.{os.getppid()}.x.part", unpacked.folder.name]


# Folders, and whatever else is dropped


def test_a_folder_is_read_in_place(tmp_path: Path) -> None:
    (tmp_path / "films" / "NORMAL").mkdir(parents=True)
    (tmp_path / "films" / "NORMAL" / "a.png").write_bytes(PNG)
    (tmp_path / "films" / "notes.txt").write_text("text")
    (tmp_path / "films" / "Thumbs.db").write_text("junk")
    (tmp_path / "films" / ".git").mkdir()
    (tmp_path / "films" / ".git" / "x.png").write_bytes(PNG)
    unpacked = list(open_source(tmp_path / "films", tmp_path / "store"))[-1]
    assert isinstance(unpacked, Unpacked)
    assert names(unpacked) == ["NORMAL/a.png"]
    assert unpacked.files[0].path == tmp_path / "films" / "NORMAL" / "a.png"
    assert unpacked.files[0].digest == hashlib.sha256(PNG).hexdigest()
    assert {name: reason[:6] for name, reason in reasons(unpacked).items()} == {
        ".git": "Hidden",
        "notes.txt": "Not a ",
    }
    assert not (tmp_path / "store").exists()


@pytest.mark.skipif(os.name != "posix", reason="links and pipes need POSIX")
def test_links_and_pipes_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(PNG)
    films = tmp_path / "films"
    films.mkdir()
    (films / "a.png").write_bytes(PNG)
    (films / "file.png").symlink_to(outside / "secret.png")
    (films / "folder").symlink_to(outside)
    (films / "round").symlink_to(films)
    os.mkfifo(films / "pipe.png")
    unpacked = list(list_folder(films))[-1]
    assert isinstance(unpacked, Unpacked)
    assert names(unpacked) == ["a.png"]
    link = "A link; put the file itself there."
    assert reasons(unpacked) == {
        "file.png": link,
        "folder": link,
        "pipe.png": "Not an ordinary file.",
        "round": link,
    }


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    with pytest.raises(ArchiveError, match="films is empty"):
        list(list_folder(tmp_path / "films"))
    (tmp_path / "films" / "a.txt").write_text("text")
    with pytest.raises(ArchiveError, match=r"such as a.txt: Not a PNG or JPEG image\."):
        list(list_folder(tmp_path / "films"))


@pytest.mark.parametrize("name", ["gone.zip", "n" * 5000, "a\0b"])
def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="is not there"):
        list(open_source(tmp_path / name, tmp_path / "store"))


def test_a_single_image_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with pytest.raises(ArchiveError, match=r"a.png is not a zip file. Pack the class folders"):
        list(open_source(tmp_path / "a.png", tmp_path / "store"))


# Fuzzing


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


def test_mutated_zips_raise_nothing_foreign_and_leave_nothing_behind(box: Box) -> None:
    random_ = random.Random(20)
    base = joined(
        zipped(("影像/NORMAL/a.png", PNG), method=zipfile.ZIP_DEFLATED),
        zipped((unix_entry("../x/b.jpg", stat.S_IFREG | 0o644), JPEG)),
    )
    outcomes, messages = set(), set()
    for _ in range(300):
        try:
            unpacked = box.extract(mutated(base, random_))
        except ArchiveError as error:
            outcomes.add("refused")
            messages.add(str(error))
            assert box.left_behind() == []
        else:
            outcomes.add("used")
            assert box.left_behind() == [unpacked.folder.name]
            listed = {file.path.name for file in unpacked.files} | {"index.json"}
            assert {path.name for path in unpacked.folder.iterdir()} == listed
            assert {file.path.read_bytes() for file in unpacked.files} <= {PNG, JPEG}
            assert json.loads((unpacked.folder / "index.json").read_text(encoding="utf-8"))
            archive_module.shutil.rmtree(unpacked.folder)
        assert sorted(path.name for path in box.root.iterdir()) in (
            ["films.zip"],
            ["films.zip", "store"],
        )
    assert outcomes == {"refused", "used"}
    assert all("films.zip" in message and "{" not in message for message in messages)
