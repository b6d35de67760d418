"""Zips become numbered files and a list of what they were called; nothing else is believed."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import archive as archive_module
from core.data import unpacked as hash_cache
from core.data.archive import extract
from core.data.unpacked import Unpacked
from core.events import Progress
from tests.core.data.zip_box import (
    BMP,
    DICOM,
    JPEG,
    PNG,
    TIFF,
    Box,
    encoded,
    names,
    reasons,
    zipped,
)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


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
    assert reasons(unpacked) == {"a/text.png": "A text file, not an X-ray."}


def test_every_format_gets_the_suffix_of_its_content(box: Box) -> None:
    films = {"bmp": BMP, "dicom": DICOM, "jpeg": JPEG, "png": PNG, "tiff": TIFF}
    unpacked = box.extract(zipped(*((f"a/{name}", film) for name, film in films.items())))
    assert [file.path.suffix for file in unpacked.files] == [".bmp", ".dcm", ".jpg", ".png", ".tif"]


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


# Cancelling, and others at work


def aged(path: Path, seconds: int = 60) -> None:
    """As if the file had been written a while ago: younger ones are not trusted unread."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - seconds * 10**9))


def stages(box: Box) -> list[str]:
    return [
        str(step.stage) for step in extract(box.archive, box.store) if isinstance(step, Progress)
    ]


def test_an_unchanged_archive_is_not_even_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.archive.write_bytes(zipped(("a/a.png", PNG)))
    aged(box.archive)
    first = list(extract(box.archive, box.store))[-1]

    def unwanted(*_: object) -> None:
        raise AssertionError("the archive was opened")

    monkeypatch.setattr(archive_module, "open_zip", unwanted)
    assert list(extract(box.archive, box.store))[-1] == first


def test_a_changed_archive_is_read_again(box: Box) -> None:
    box.archive.write_bytes(zipped(("a/a.png", PNG)))
    aged(box.archive)
    list(extract(box.archive, box.store))
    box.archive.write_bytes(zipped(("a/b.png", PNG)))
    aged(box.archive, 30)
    last = list(extract(box.archive, box.store))[-1]
    assert isinstance(last, Unpacked)
    assert names(last) == ["a/b.png"]


@pytest.mark.skipif(os.name != "posix", reason="only an inode tells when it was changed")
def test_an_archive_changed_under_its_old_time_is_read_again(box: Box) -> None:
    box.archive.write_bytes(zipped(("a/a.png", PNG)))
    aged(box.archive)
    list(extract(box.archive, box.store))
    before = box.archive.stat()
    while box.archive.stat().st_ctime_ns == before.st_ctime_ns:  # within one tick of the clock
        box.archive.write_bytes(zipped(("a/b.png", PNG)))
        os.utime(box.archive, ns=(before.st_atime_ns, before.st_mtime_ns))
    last = list(extract(box.archive, box.store))[-1]
    assert isinstance(last, Unpacked)
    assert names(last) == ["a/b.png"]


def test_an_archive_just_written_is_not_trusted_unread(box: Box) -> None:
    box.extract(zipped(("a/a.png", PNG)))
    assert not hash_cache.archive_hash_cache(box.store).exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"version": 1, "files": 3}',
        '{"version": 1, "files": {"PATH": 3}}',
        '{"version": 1, "files": {"PATH": [STAMP, "../../elsewhere"]}}',
        '{"version": 1, "files": {"PATH": [STAMP, 7]}}',
        '{"version": 1, "files": {"PATH": [STAMP, "00000000000000000000000000000000"]}}',
    ],
)
def test_a_damaged_memory_of_archives_never_matters(box: Box, text: str) -> None:
    box.archive.write_bytes(zipped(("a/a.png", PNG)))
    aged(box.archive)
    first = list(extract(box.archive, box.store))[-1]
    stamp = json.dumps(hash_cache.archive_stamp(box.archive.stat()))
    text = text.replace("PATH", str(box.archive)).replace("STAMP", stamp)
    hash_cache.archive_hash_cache(box.store).write_text(text)
    assert list(extract(box.archive, box.store))[-1] == first
    assert stages(box) == ["Checking the archive"]


def test_an_unpacked_folder_that_lost_a_film_is_unpacked_again(box: Box) -> None:
    box.archive.write_bytes(zipped(("a/a.png", PNG)))
    aged(box.archive)
    first = list(extract(box.archive, box.store))[-1]
    assert isinstance(first, Unpacked)
    first.files[0].path.unlink()
    assert "Unpacking" in stages(box)
    assert first.files[0].path.read_bytes() == PNG


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
    steps = [event for event in work if isinstance(event, Progress)]
    assert [step.done for step in steps if str(step.stage) == "Unpacking"] == [0, 0, 1]


def test_checking_counts_the_files_that_were_checked(box: Box) -> None:
    box.archive.write_bytes(zipped(*((f"a/{n}.png", PNG + bytes(2**20)) for n in range(20))))
    work = extract(box.archive, box.store)
    steps = [step for step in work if isinstance(step, Progress)]
    checks = [step for step in steps if str(step.stage) == "Checking the archive"]
    assert [(step.done, step.total) for step in checks] == [(0, 20), (8, 20), (16, 20)]


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
        (box.store / f".abc.{pid}.0123abc_.part").mkdir(parents=True)
        (box.store / f".abc.{pid}.0123abc_.part" / "000001.png").write_bytes(PNG)
    unpacked = box.extract(zipped(("a/a.png", PNG)))
    assert sorted(box.left_behind()) == [f".abc.{os.getppid()}.0123abc_.part", unpacked.folder.name]
