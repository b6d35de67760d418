"""Files, folders, zips and hopeless paths, each answered with films or one plain sentence."""

import errno
import os
import socket
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.events import Progress
from core.prediction import film_search
from core.prediction.film_search import MAX_TOLD, FoundFilm, RefusedFilm, SeenFilms, find_films

DICOM_HEAD = bytes(128) + b"DICM" + bytes(20)
needs_posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX has them")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    Image.new("L", (32, 32), 90).save(path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def search(
    store: Path, *paths: Path, keep_repeated: bool = False
) -> tuple[list[FoundFilm], list[RefusedFilm]]:
    events = list(find_films(paths, store, keep_repeated=keep_repeated))
    films = [event for event in events if isinstance(event, FoundFilm)]
    return films, [event for event in events if isinstance(event, RefusedFilm)]


def why(store: Path, path: Path) -> str:
    """The one sentence with which a path is refused."""
    films, (refused,) = search(store, path)
    assert films == []
    assert refused.refusal.file == str(path)
    return str(refused.refusal.reason)


def zip_of(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
    return path


class TestFiles:
    def test_one_film_keeps_the_name_it_was_given(self, store: Path, film: Path) -> None:
        odd = film.with_name("page")  # what is no image is left to the reader's words
        odd.write_bytes(bytes(range(256)))
        bare = film.with_name("IM0001")
        bare.write_bytes(film.read_bytes())
        films, refused = search(store, film, bare, odd)
        assert films == [FoundFilm.at(film), FoundFilm.at(bare), FoundFilm.at(odd)]
        assert refused == []

    def test_ten_thousand_names_are_not_opened(
        self, store: Path, film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[object] = []
        monkeypatch.setattr(os, "open", lambda *arguments: opened.append(arguments))
        events = list(find_films([film] * 10_000, store, keep_repeated=True))
        assert sum(isinstance(event, FoundFilm) for event in events) == 10_000
        assert [event.done for event in events if isinstance(event, Progress)] == list(
            range(0, 10_000, 100)
        )
        assert opened == []

    def test_a_model_among_films_is_told_from_them(self, store: Path, tmp_path: Path) -> None:
        model = tmp_path / "best.SafeTensors"
        model.write_bytes(b"weights")
        assert "is a model file, not a film. Open it as the model" in why(store, model)

    def test_other_archives_are_refused_with_a_remedy(self, store: Path, tmp_path: Path) -> None:
        packed = tmp_path / "films.rar"
        for head in (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"BZh91AY"):
            packed.write_bytes(head + bytes(40))
            assert why(store, packed) == (
                "films.rar is packed in a way that is not opened here. Unpack it and add the "
                "folder, or pack the films as a zip."
            )


class TestHopelessPaths:
    def test_a_file_that_is_not_there(self, store: Path, tmp_path: Path) -> None:
        assert why(store, tmp_path / "gone.png") == (
            "gone.png cannot be opened: No such file or directory. Check that it is still there "
            "and may be read."
        )

    @needs_posix
    def test_links_that_lead_nowhere(self, store: Path, tmp_path: Path) -> None:
        (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
        said = why(store, tmp_path / "link.png")
        assert said.startswith("link.png is a link to something that is not there")
        (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
        (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
        assert why(store, tmp_path / "a.png").startswith("a.png is a link that leads in a circle")

    @needs_posix
    def test_devices_and_pipes_that_never_end(self, store: Path, tmp_path: Path) -> None:
        assert why(store, Path("/dev/zero")).startswith("zero is a device or a pipe")
        os.mkfifo(tmp_path / "pipe")
        assert why(store, tmp_path / "pipe").startswith("pipe is a device or a pipe")

    @needs_posix
    def test_a_name_too_long_for_any_disk(self, store: Path, tmp_path: Path) -> None:
        said = why(store, tmp_path / ("x" * 3000 + ".png"))
        assert "has a longer name than this system can open" in said
        assert len(said) < 300

    def test_a_name_with_a_null_in_it(self, store: Path, tmp_path: Path) -> None:
        assert why(store, tmp_path / "a\0b.png") == "No file can be called a\ufffdb.png. " + (
            "Choose it again."
        )

    def test_a_file_that_may_not_be_opened(
        self, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "locked").write_bytes(b"secret")

        def strict(*_arguments: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", strict)
        assert why(store, tmp_path / "locked").startswith(
            "locked cannot be opened: Permission denied."
        )

    def test_a_hopeless_path_does_not_stop_the_others(self, store: Path, film: Path) -> None:
        films, refused = search(store, film.with_name("gone"), film, Path("/dev/null"))
        assert [one.path for one in films] == [film]
        assert len(refused) == 2


class TestZips:
    def test_its_films_are_found_under_the_names_in_it(
        self, store: Path, film: Path, tmp_path: Path
    ) -> None:
        content = film.read_bytes()
        archive = zip_of(tmp_path / "films.zip", {"B/2.png": content + b"2", "A/1": content})
        (one, two), refused = search(store, archive)
        assert (one.name, two.name) == ("films.zip/A/1", "films.zip/B/2.png")
        assert one.file == str(archive / "A" / "1")
        assert one.source == archive
        assert one.path.read_bytes() == content
        assert one.path.is_relative_to(store)
        assert refused == []

    def test_a_zip_is_known_by_its_content_too(self, store: Path, film: Path) -> None:
        archive = zip_of(film.with_name("films"), {"1.png": film.read_bytes()})
        (found,), _ = search(store, archive)
        assert found.name == "films/1.png"

    def test_what_was_left_out_comes_after_the_films(
        self, store: Path, film: Path, tmp_path: Path
    ) -> None:
        entries = {"a.zip": b"PK\x03\x04" + bytes(40), "b.png": film.read_bytes()}
        films, (refused,) = search(store, zip_of(tmp_path / "films.zip", entries))
        assert [one.name for one in films] == ["films.zip/b.png"]
        assert refused.name == "films.zip/a.zip"
        assert str(refused.refusal.reason).startswith("a.zip is cut short or damaged")

    def test_an_empty_zip_and_one_of_empty_folders(self, store: Path, tmp_path: Path) -> None:
        for entries in ({}, {"NORMAL/": b"", "__MACOSX/x.png": b"x"}):
            archive = zip_of(tmp_path / "films.zip", entries)
            assert why(store, archive) == "films.zip is an empty zip. Put films into it."

    def test_a_locked_zip(self, store: Path, film: Path, tmp_path: Path) -> None:
        archive = zip_of(tmp_path / "films.zip", {"a.png": film.read_bytes()})
        content = bytearray(archive.read_bytes())
        content[6] |= 1  # the flag in the entry's header
        content[content.rindex(b"PK\x01\x02") + 8] |= 1  # and in the list's
        archive.write_bytes(content)
        assert "Locked with a password; zip it again without one." in why(store, archive)

    def test_a_cut_zip(self, store: Path, film: Path, tmp_path: Path) -> None:
        archive = zip_of(tmp_path / "films.zip", {"a.png": film.read_bytes()})
        archive.write_bytes(archive.read_bytes()[:-30])
        assert why(store, archive).startswith("films.zip is cut short or damaged")

    def test_what_only_is_called_a_zip(self, store: Path, tmp_path: Path) -> None:
        (tmp_path / "films.zip").write_bytes(b"no archive at all")
        assert why(store, tmp_path / "films.zip") == (
            "films.zip is called a zip and is none. Get it again, or add the films themselves."
        )

    def test_leaving_while_it_is_unpacked_leaves_nothing(
        self, store: Path, film: Path, tmp_path: Path
    ) -> None:
        content = film.read_bytes()
        entries = {f"{number}.png": content + bytes([number]) for number in range(50)}
        archive = zip_of(tmp_path / "films.zip", entries)
        with closing(find_films([archive], store)) as events:
            for event in events:
                if isinstance(event, Progress) and str(event.stage) == "Unpacking":
                    break
        assert list(store.glob("*")) == []


class TestNetworkDrives:
    @pytest.fixture
    def gate(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[threading.Event]:
        """Everything in `tmp_path` lies on a server that answers once the gate is open."""
        gate = threading.Event()
        asked: list[threading.Thread] = []

        def touch(path: Path) -> None:
            asked.append(threading.current_thread())
            gate.wait(60)

        mounts = [("/proc", "proc"), (str(tmp_path), "nfs4")]
        monkeypatch.setattr(film_search.Drives, "of_computer", lambda: film_search.Drives(mounts))
        monkeypatch.setattr(film_search, "touch", touch)
        yield gate
        gate.set()
        for thread in asked:
            thread.join(60)

    def test_a_drive_that_does_not_answer_is_asked_once(
        self, gate: threading.Event, store: Path, film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(film_search, "PATIENCE_S", 0.0)
        monkeypatch.setattr(film_search, "_ASK_AGAIN_S", 0.0)
        films, refused = search(store, film, film.with_name("other.png"))
        assert films == []
        assert [one.name for one in threading.enumerate()].count("network drive") == 1
        assert [str(one.refusal.reason) for one in refused] == [
            f"{name} lies on a network drive that does not answer. Check the connection, or copy "
            "the films to this computer."
            for name in ("film.png", "other.png")
        ]

    def test_one_may_stop_while_it_is_waited_for(
        self, gate: threading.Event, store: Path, film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(film_search, "_ASK_AGAIN_S", 0.0)
        events = find_films([film], store)
        assert isinstance(next(events), Progress)
        waiting = next(events)
        assert isinstance(waiting, Progress)
        assert str(waiting.stage) == "Waiting for the network drive"
        events.close()

    def test_a_drive_that_answers_is_read(
        self, gate: threading.Event, store: Path, film: Path
    ) -> None:
        gate.set()
        (found,), _ = search(store, film)
        assert found.path == film


def test_films_that_were_seen_are_known_until_they_are_put_away() -> None:
    seen = SeenFilms()
    assert seen.register("aa", "one.png") is None
    assert seen.register("bb", "two.png") is None
    assert seen.register("aa", "copy of one.png") == "one.png"
    assert seen.register("aa", "one.png") == "one.png"
    seen.forget("aa")
    seen.forget("cc")
    assert seen.register("aa", "two.png") is None
    seen.clear()
    assert seen.register("aa", "three.png") is None


# Folders are walked as they come; what is no film is said, once and in words.


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    folder = tmp_path / "ward"
    folder.mkdir()
    return folder


def put(folder: Path, *names: str, content: bytes = b"whatever") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_films_come_in_the_order_of_their_names_from_all_depths(store: Path, ward: Path) -> None:
    put(ward, "b.png", "more/deep/a.JPG", "more/c.dcm", "no.tif", "z.bmp")
    films, refused = search(store, ward)
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
    store: Path, ward: Path, film: Path
) -> None:
    put(ward, "IM0001", "1.2.840.113619.2", "IM0003.ima", content=DICOM_HEAD)
    put(ward, "scan", "called.txt", content=film.read_bytes())
    films, refused = search(store, ward)
    assert [one.name.partition("/")[2] for one in films] == [
        "1.2.840.113619.2",
        "IM0001",
        "IM0003.ima",
        "called.txt",
        "scan",
    ]
    assert refused == []


def test_what_systems_put_beside_films_is_passed_over_quietly(store: Path, ward: Path) -> None:
    put(ward, "a.png", "Thumbs.db", "DICOMDIR", "__MACOSX/a.png", "._a.png", ".hidden/b.png")
    put(ward, "desktop.ini", ".DS_Store")
    films, refused = search(store, ward)
    assert [one.name for one in films] == ["ward/a.png"]
    assert refused == []


def test_other_files_are_refused_one_by_one(store: Path, ward: Path, film: Path) -> None:
    put(ward, "notes.txt", content=b"only words")
    put(ward, "inner.zip", content=b"PK\x03\x04" + bytes(40))
    put(ward, "model.safetensors", "a.png", "empty", content=b"")
    films, refused = search(store, ward)
    assert [one.name for one in films] == ["ward/a.png"]
    assert {one.name: str(one.refusal.reason) for one in refused} == {
        "ward/notes.txt": "A text file, not an X-ray.",
        "ward/inner.zip": "An archive inside; unpack it and add its images themselves.",
        "ward/empty": "It is empty.",
        "ward/model.safetensors": (
            "A model file, not a film. Open it as the model in order to read films with it."
        ),
    }
    assert refused[0].refusal.file == str(ward / "empty")


def test_a_text_beside_each_of_many_films_does_not_drown_them(store: Path, ward: Path) -> None:
    for number in range(MAX_TOLD + 7):
        put(ward, f"{number}.png", f"{number}.txt")
    films, refused = search(store, ward)
    assert len(films) == MAX_TOLD + 7
    assert len(refused) == MAX_TOLD + 1
    assert str(refused[-1].refusal.reason) == (
        "7 more files in ward are no films either and were passed over."
    )


def test_a_folder_without_a_film_says_what_to_choose(store: Path, ward: Path) -> None:
    (ward / "nothing" / "here").mkdir(parents=True)
    films, (refused,) = search(store, ward)
    assert films == []
    assert refused.refusal.file == str(ward)
    assert str(refused.refusal.reason) == (
        "The folder ward holds no film. Choose one that has PNG, JPEG, BMP, TIFF, WebP, JPEG 2000 "
        "or DICOM files in it or below."
    )


def test_the_first_film_comes_before_other_folders_are_listed(
    store: Path, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ward, "a/1.png", "b/2.png", "c/3.png")
    listed: list[str] = []
    scandir = os.scandir

    def noted(path: Path) -> Any:
        listed.append(Path(path).name)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    events = find_films([ward], store)
    assert next(event for event in events if isinstance(event, FoundFilm)).name == "ward/a/1.png"
    assert listed == ["ward", "a"]
    events.close()


def test_a_folder_can_be_left_between_any_two_of_its_folders(store: Path, ward: Path) -> None:
    (ward / "a" / "b" / "c").mkdir(parents=True)
    events = list(find_films([ward], store))
    assert sum(isinstance(event, Progress) for event in events) >= 4


def test_a_file_is_found_once_however_often_it_is_named(store: Path, ward: Path) -> None:
    put(ward, "a.png", "b.png")
    films, refused = search(store, ward / "b.png", ward, ward / "." / "b.png", ward)
    assert [one.path.name for one in films] == ["b.png", "a.png"]
    assert refused == []
    films, _ = search(store, ward / "b.png", ward / "b.png", keep_repeated=True)
    assert len(films) == 2


@needs_posix
def test_links_to_files_are_followed_and_found_once(
    store: Path, ward: Path, tmp_path: Path
) -> None:
    put(tmp_path, "elsewhere.png")
    (ward / "one.png").symlink_to(tmp_path / "elsewhere.png")
    (ward / "two.png").symlink_to(tmp_path / "elsewhere.png")
    films, _ = search(store, ward)
    assert [one.name for one in films] == ["ward/one.png"]


@needs_posix
def test_links_to_folders_are_refused_so_that_no_circle_is_walked(store: Path, ward: Path) -> None:
    put(ward, "a.png")
    (ward / "round").symlink_to(ward)
    films, (refused,) = search(store, ward)
    assert [one.name for one in films] == ["ward/a.png"]
    assert str(refused.refusal.reason).startswith("A link to a folder")


@needs_posix
def test_a_folder_that_was_dropped_as_a_link_is_walked(
    store: Path, ward: Path, tmp_path: Path
) -> None:
    put(ward, "a.png")
    (tmp_path / "short").symlink_to(ward)
    films, refused = search(store, tmp_path / "short")
    assert [one.name for one in films] == ["short/a.png"]
    assert refused == []


@needs_posix
def test_pipes_sockets_and_devices_are_refused_and_never_opened(
    store: Path, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *arguments: opened.append(arguments))
    os.mkfifo(ward / "pipe.png")
    os.mkfifo(ward / "pipe")
    (ward / "zero.png").symlink_to("/dev/zero")
    monkeypatch.chdir(ward)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        films, refused = search(store, ward)
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
    store: Path, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ward, "a/1.png", "locked/2.png", "z/3.png")
    scandir = os.scandir

    def strict(path: Path) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", strict)
    films, (refused,) = search(store, ward)
    assert [one.name for one in films] == ["ward/a/1.png", "ward/z/3.png"]
    assert refused.refusal.file == str(ward / "locked")
    assert str(refused.refusal.reason) == (
        "The folder locked cannot be read: Permission denied. Check its permissions."
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
def test_names_that_are_no_text_are_shown_as_far_as_they_can_be(store: Path, ward: Path) -> None:
    strange = os.fsdecode(b"\xd0\xd8\xc6\xac.png")  # GBK
    put(ward, strange, "a\nb.png")
    films, _ = search(store, ward)
    assert sorted(one.name for one in films) == ["ward/a\ufffdb.png", "ward/胸片.png"]
    assert films[1].path == ward / strange


def test_the_system_s_own_folders_are_not_walked(
    ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ward, "a.png", "proc/1/image.png")
    drives = film_search.Drives([(str(ward / "proc"), "proc")])
    found = list(film_search.films_in_folder(ward, drives, set()))
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
def test_folders_too_deep_to_be_opened_end_in_one_refusal(store: Path, deep: Path) -> None:
    put(deep, "z.png")
    films, (refused,) = search(store, deep)
    assert [one.name for one in films] == ["deep/z.png"]
    assert "cannot be read: File name too long" in str(refused.refusal.reason)
    assert len(str(refused.refusal.reason)) < 300
