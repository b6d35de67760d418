"""Folders of films are walked as they come; what is no film is said, once and in words."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.events import Progress
from core.prediction import film_search as folder_module
from core.prediction.film_search import MAX_TOLD, FoundFilm, RefusedFilm, find_films

DICOM_HEAD = bytes(128) + b"DICM" + bytes(20)
needs_posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has them")


@pytest.fixture
def film(tmp_path: Path) -> bytes:
    path = tmp_path / "one film.png"
    Image.new("L", (32, 32), 90).save(path)
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    folder = tmp_path / "ward"
    folder.mkdir()
    return folder


def search(*paths: Path, keep_repeated: bool = False) -> tuple[list[FoundFilm], list[RefusedFilm]]:
    store = paths[0].parent / "store"
    events = list(find_films(paths, store, keep_repeated=keep_repeated))
    films = [event for event in events if isinstance(event, FoundFilm)]
    return films, [event for event in events if isinstance(event, RefusedFilm)]


def put(folder: Path, *names: str, content: bytes = b"whatever") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_films_come_in_the_order_of_their_names_from_all_depths(ward: Path) -> None:
    put(ward, "b.png", "more/deep/a.JPG", "more/c.dcm", "no.tif", "z.bmp")
    films, refused = search(ward)
    assert [one.name for one in films] == [
        "ward/b.png",
        "ward/more/c.dcm",
        "ward/more/deep/a.JPG",
        "ward/no.tif",
        "ward/z.bmp",
    ]
    assert films[1].path == ward / "more" / "c.dcm"
    assert films[1].file == str(ward / "more" / "c.dcm")
    assert {one.source for one in films} == {ward}
    assert refused == []


def test_files_called_by_a_number_are_films_where_their_first_bytes_say_so(
    ward: Path, film: bytes
) -> None:
    put(ward, "IM0001", "1.2.840.113619.2", "IM0003.ima", content=DICOM_HEAD)
    put(ward, "scan", "called.txt", content=film)
    films, refused = search(ward)
    assert [one.name.partition("/")[2] for one in films] == [
        "1.2.840.113619.2",
        "IM0001",
        "IM0003.ima",
        "called.txt",
        "scan",
    ]
    assert refused == []


def test_what_systems_put_beside_films_is_passed_over_quietly(ward: Path) -> None:
    put(ward, "a.png", "Thumbs.db", "DICOMDIR", "__MACOSX/a.png", "._a.png", ".hidden/b.png")
    put(ward, "desktop.ini", ".DS_Store")
    films, refused = search(ward)
    assert [one.name for one in films] == ["ward/a.png"]
    assert refused == []


def test_other_files_are_refused_one_by_one(ward: Path, film: bytes) -> None:
    put(ward, "notes.txt", content=b"only words")
    put(ward, "inner.zip", content=b"PK\x03\x04" + bytes(40))
    put(ward, "model.safetensors", "a.png", "empty", content=b"")
    films, refused = search(ward)
    assert [one.name for one in films] == ["ward/a.png"]
    assert {one.name: str(one.refusal.reason) for one in refused} == {
        "ward/notes.txt": "Not a PNG, JPEG, BMP, TIFF or DICOM image.",
        "ward/inner.zip": "An archive inside; unpack it and add its images themselves.",
        "ward/empty": "It is empty.",
        "ward/model.safetensors": (
            "A model file, not a film. Open it as the model in order to read films with it."
        ),
    }
    assert refused[0].refusal.file == str(ward / "empty")


def test_a_text_beside_each_of_many_films_does_not_drown_them(ward: Path) -> None:
    for number in range(MAX_TOLD + 7):
        put(ward, f"{number}.png", f"{number}.txt")
    films, refused = search(ward)
    assert len(films) == MAX_TOLD + 7
    assert len(refused) == MAX_TOLD + 1
    assert str(refused[-1].refusal.reason) == (
        "7 more files in ward are no films either and were passed over."
    )


def test_a_folder_without_a_film_says_what_to_choose(ward: Path) -> None:
    (ward / "nothing" / "here").mkdir(parents=True)
    films, (refused,) = search(ward)
    assert films == []
    assert refused.refusal.file == str(ward)
    assert str(refused.refusal.reason) == (
        "The folder ward holds no film. Choose one that has PNG, JPEG, BMP, TIFF or DICOM files "
        "in it or below."
    )


def test_the_first_film_comes_before_other_folders_are_listed(
    ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ward, "a/1.png", "b/2.png", "c/3.png")
    listed: list[str] = []
    scandir = os.scandir

    def noted(path: Path) -> Any:
        listed.append(Path(path).name)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    events = find_films([ward], ward / "store")
    assert next(event for event in events if isinstance(event, FoundFilm)).name == "ward/a/1.png"
    assert listed == ["ward", "a"]
    events.close()


def test_a_folder_can_be_left_between_any_two_of_its_folders(ward: Path) -> None:
    (ward / "a" / "b" / "c").mkdir(parents=True)
    events = list(find_films([ward], ward / "store"))
    assert sum(isinstance(event, Progress) for event in events) >= 4


def test_a_file_is_found_once_however_often_it_is_named(ward: Path) -> None:
    put(ward, "a.png", "b.png")
    films, refused = search(ward / "b.png", ward, ward / "." / "b.png", ward)
    assert [one.path.name for one in films] == ["b.png", "a.png"]
    assert refused == []
    films, _ = search(ward / "b.png", ward / "b.png", keep_repeated=True)
    assert len(films) == 2


@needs_posix
def test_links_to_files_are_followed_and_found_once(ward: Path, tmp_path: Path) -> None:
    put(tmp_path, "elsewhere.png")
    (ward / "one.png").symlink_to(tmp_path / "elsewhere.png")
    (ward / "two.png").symlink_to(tmp_path / "elsewhere.png")
    films, _ = search(ward)
    assert [one.name for one in films] == ["ward/one.png"]


@needs_posix
def test_links_to_folders_are_refused_so_that_no_circle_is_walked(ward: Path) -> None:
    put(ward, "a.png")
    (ward / "round").symlink_to(ward)
    films, (refused,) = search(ward)
    assert [one.name for one in films] == ["ward/a.png"]
    assert str(refused.refusal.reason).startswith("A link to a folder")


@needs_posix
def test_a_folder_that_was_dropped_as_a_link_is_walked(ward: Path, tmp_path: Path) -> None:
    put(ward, "a.png")
    (tmp_path / "short").symlink_to(ward)
    films, refused = search(tmp_path / "short")
    assert [one.name for one in films] == ["short/a.png"]
    assert refused == []


@needs_posix
def test_pipes_sockets_and_devices_are_refused_and_never_opened(
    ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *arguments: opened.append(arguments))
    os.mkfifo(ward / "pipe.png")
    os.mkfifo(ward / "pipe")
    (ward / "zero.png").symlink_to("/dev/zero")
    monkeypatch.chdir(ward)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        films, refused = search(ward)
    assert (films, opened) == ([], [])
    assert [one.name for one in refused] == [
        "ward/pipe",
        "ward/pipe.png",
        "ward/socket",
        "ward/zero.png",
    ]
    assert {str(one.refusal.reason).partition(" ")[2] for one in refused} == {
        "is a device or a pipe, not an ordinary file, and is never opened. Choose the film's own "
        "file."
    }


def test_a_folder_that_may_not_be_read_is_refused_and_the_others_go_on(
    ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ward, "a/1.png", "locked/2.png", "z/3.png")
    scandir = os.scandir

    def strict(path: Path) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", strict)
    films, (refused,) = search(ward)
    assert [one.name for one in films] == ["ward/a/1.png", "ward/z/3.png"]
    assert refused.refusal.file == str(ward / "locked")
    assert str(refused.refusal.reason) == (
        "The folder locked cannot be read: Permission denied. Check its permissions."
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
def test_names_that_are_no_text_are_shown_as_far_as_they_can_be(ward: Path) -> None:
    strange = os.fsdecode(b"\xd0\xd8\xc6\xac.png")  # GBK
    put(ward, strange, "a\nb.png")
    films, _ = search(ward)
    assert sorted(one.name for one in films) == ["ward/a\ufffdb.png", "ward/胸片.png"]
    assert films[1].path == ward / strange


def test_the_system_s_own_folders_are_not_walked(
    ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ward, "a.png", "proc/1/image.png")
    drives = folder_module.Drives([(str(ward / "proc"), "proc")])
    found = list(folder_module.films_in_folder(ward, drives, set()))
    assert [one.name for one in found if isinstance(one, FoundFilm)] == ["ward/a.png"]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """Folders so deep that their names together are too long to be opened."""
    top = tmp_path / "deep"
    top.mkdir()
    before = os.getcwd()
    os.chdir(top)
    try:
        for _ in range(25):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        yield top
    finally:
        os.chdir(before)


@needs_posix
def test_folders_too_deep_to_be_opened_end_in_one_refusal(deep: Path) -> None:
    put(deep, "z.png")
    films, (refused,) = search(deep)
    assert [one.name for one in films] == ["deep/z.png"]
    assert "cannot be read: File name too long" in str(refused.refusal.reason)
    assert len(str(refused.refusal.reason)) < 300
