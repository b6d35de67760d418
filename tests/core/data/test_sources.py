"""Several zips and folders are opened one after the other."""

import hashlib
import os
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from core.data import sources as folder_module
from core.data import unpacked as hash_cache
from core.data.records import scan
from core.data.sources import list_folder, open_source, open_sources
from core.data.unpacked import Unpacked
from core.errors import ArchiveError
from core.events import Progress
from tests.core.data.zip_box import JPEG, PNG, names, reasons, zipped

Opened = tuple[tuple[Unpacked, Path], ...]


def opened(paths: list[Path], store: Path) -> Opened:
    *steps, last = open_sources(paths, store)
    assert steps
    assert all(isinstance(step, Progress) for step in steps)
    assert not isinstance(last, Progress)
    return last


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "films.zip"
    path.write_bytes(zipped(("N/1.png", PNG), ("N/2.png", PNG)))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "films"
    (path / "C").mkdir(parents=True)
    for name in ("C/1.png", "C/2.png"):
        (path / name).write_bytes(PNG)
    return path


def test_a_zip_and_a_folder_become_one_dataset(archive: Path, folder: Path, tmp_path: Path) -> None:
    parts = opened([archive, folder], tmp_path / "store")
    assert [source for _, source in parts] == [archive, folder]
    dataset = scan(parts)
    assert dataset.counts == {"C": 2, "N": 2}
    assert dataset.records[0].path == folder / "C" / "1.png"
    assert dataset.name == "films.zip, films"


def test_a_source_named_twice_is_opened_once(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "store" / ".." / "films.zip"
    assert [source for _, source in opened([archive, again], tmp_path / "store")] == [archive]


def test_one_bad_source_is_named(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(ArchiveError, match=r"bad\.zip is not a zip file"):
        opened([archive, tmp_path / "bad.zip"], tmp_path / "store")


@pytest.mark.parametrize("name", ["gone.zip", "n" * 5000, "a\0b"])
def test_a_path_that_leads_nowhere_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="is not there"):
        opened([archive, tmp_path / name], tmp_path / "store")


def test_no_path_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="Nothing was chosen"):
        opened([], tmp_path / "store")


def test_cancelling_the_second_source_leaves_the_first(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as made:
        for number in range(9):
            made.writestr(f"C/{number}.png", PNG)
    work = open_sources([archive, other], tmp_path / "store")
    assert isinstance(work, Generator)
    for step in work:
        if isinstance(step, Progress) and step.total == 9 and step.done == 4:
            break
    work.close()
    assert len(list((tmp_path / "store").iterdir())) == 1


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
        "notes.txt": "A text",
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
    with pytest.raises(
        ArchiveError,
        match=r"such as a.txt: A text file, not an X-ray\.",
    ):
        list(list_folder(tmp_path / "films"))


@pytest.mark.parametrize("name", ["gone.zip", "n" * 5000, "a\0b"])
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="is not there"):
        list(open_source(tmp_path / name, tmp_path / "store"))


def test_a_single_image_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with pytest.raises(ArchiveError, match=r"a.png is not a zip file. Pack the class folders"):
        list(open_source(tmp_path / "a.png", tmp_path / "store"))


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two films that were written a minute ago."""
    folder = tmp_path / "films"
    for name, content in (("A/1.png", PNG), ("B/2.jpg", JPEG)):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        os.utime(path, ns=(0, path.stat().st_mtime_ns - 60 * 10**9))
    return folder


def read_files(
    folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], Unpacked]:
    """Return the files that were read and the result."""
    read: list[str] = []
    true_reader = folder_module._read_pieces

    def noted(path: Path) -> Iterator[bytes]:
        read.append(path.name)
        return true_reader(path)

    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "_read_pieces", noted)
        *_, found = list_folder(folder, store)
    assert isinstance(found, Unpacked)
    return read, found


def test_unchanged_films_are_not_read_again(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, first = read_files(films, tmp_path / "store", monkeypatch)
    assert read == ["1.png", "2.jpg"]
    assert read_files(films, tmp_path / "store", monkeypatch) == ([], first)


def test_a_changed_film_and_a_new_one_are_read(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_files(films, tmp_path / "store", monkeypatch)
    (films / "A" / "1.png").write_bytes(JPEG)
    (films / "A" / "3.png").write_bytes(PNG)
    read, found = read_files(films, tmp_path / "store", monkeypatch)
    assert read == ["1.png", "3.png"]
    assert found.files[0].digest == hashlib.sha256(JPEG).hexdigest()


@pytest.mark.skipif(os.name != "posix", reason="only an inode tells when it was changed")
def test_a_film_changed_under_its_old_time_is_read(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_files(films, tmp_path / "store", monkeypatch)
    film = films / "A" / "1.png"
    before = film.stat()
    while film.stat().st_ctime_ns == before.st_ctime_ns:  # within one tick of the clock
        film.write_bytes(PNG[:-1] + b"!")
        os.utime(film, ns=(before.st_atime_ns, before.st_mtime_ns))
    read, _ = read_files(films, tmp_path / "store", monkeypatch)
    assert read == ["1.png"]


def test_films_just_written_are_not_trusted_unread(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (films / "A" / "1.png").write_bytes(PNG)
    for _ in range(2):
        read, _ = read_files(films, tmp_path / "store", monkeypatch)
    assert read == ["1.png"]


def test_a_film_that_went_is_forgotten(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_files(films, tmp_path / "store", monkeypatch)
    (films / "A" / "1.png").unlink()
    read_files(films, tmp_path / "store", monkeypatch)
    known = hash_cache.read(hash_cache.folder_hash_cache(tmp_path / "store", films))
    assert list(known) == [os.path.join("B", "2.jpg")]


def test_what_was_read_before_cancelling_is_remembered(films: Path, tmp_path: Path) -> None:
    work = list_folder(films, tmp_path / "store")
    next(step for step in work if isinstance(step, Progress) and step.done == 1)
    work.close()  # type: ignore[attr-defined]
    assert len(hash_cache.read(hash_cache.folder_hash_cache(tmp_path / "store", films))) == 1


@pytest.mark.parametrize(
    "text", ["", "null", '{"version": 1, "files": {"A/1.png": [[1, 2], "x"]}}']
)
def test_a_damaged_memory_of_films_never_matters(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    _, first = read_files(films, tmp_path / "store", monkeypatch)
    hash_cache.folder_hash_cache(tmp_path / "store", films).write_text(text)
    assert read_files(films, tmp_path / "store", monkeypatch)[1] == first


def test_a_store_that_cannot_be_written_only_costs_time(films: Path, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    *_, found = list_folder(films, tmp_path / "store")
    assert isinstance(found, Unpacked)
    assert len(found.files) == 2


def test_a_folders_refusals_say_in_a_word_why(films: Path) -> None:
    (films / "notes.txt").write_text("text")
    (films / "empty.png").write_bytes(b"")
    (films / ".hidden.png").write_bytes(PNG)
    *_, found = list_folder(films)
    assert isinstance(found, Unpacked)
    assert {refusal.file: refusal.kind for refusal in found.left_out} == {
        ".hidden.png": "other",
        "empty.png": "unreadable",
        "notes.txt": "not_an_image",
    }
