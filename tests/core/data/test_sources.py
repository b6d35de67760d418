"""Several zips and folders are opened one after the other."""

import zipfile
from collections.abc import Generator
from pathlib import Path

import pytest

from core.data.records import scan
from core.data.sources import open_sources
from core.data.unpacked import Unpacked
from core.errors import ArchiveError
from core.events import Progress
from tests.core.data.zip_box import PNG, zipped

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
