import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from core.data import cache as cache_module
from core.data import unpacked
from core.data.cache import ImageCache
from core.data.dataset import LoadedDataset, load_dataset
from core.data.edits import Edits, EditsFile
from core.errors import DatasetError
from core.events import Progress
from core.images.reading import content_of
from core.workspace import Workspace
from tests.core.conftest import draw


@pytest.fixture
def films_zip(films_folder: Path, tmp_path: Path) -> Path:
    """The films below `input_data/`, one of them cut in half."""
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(films_folder.rglob("*.png")):
            name = f"input_data/{file.relative_to(films_folder).as_posix()}"
            content = file.read_bytes()
            archive.writestr(name, content[: len(content) // 2] if "0000_1" in name else content)
        archive.writestr("input_data/readme.txt", "hello")
    return path


def load(source: Path, workspace: Workspace) -> LoadedDataset:
    *steps, loaded = load_dataset([source], workspace, 32)
    assert steps
    assert all(isinstance(step, Progress) for step in steps)
    assert isinstance(loaded, LoadedDataset)
    return loaded


def test_a_zip_becomes_a_dataset_whose_films_are_all_readable(
    films_zip: Path, workspace: Workspace
) -> None:
    loaded = load(films_zip, workspace)
    assert loaded.dataset.counts == {"COVID": 11, "NORMAL": 12, "Viral_Pneumonia": 12}
    assert loaded.grouping.pattern == "before_underscore"
    assert len(loaded.grouping.groups) == len(loaded.dataset.records) == 35
    for record in loaded.dataset.records:
        assert loaded.cache.image(record.digest).shape == (32, 32)


def test_what_is_left_out_is_told_under_the_archives_names(
    films_zip: Path, workspace: Workspace
) -> None:
    left_out = {item.file: str(item.reason) for item in load(films_zip, workspace).dataset.left_out}
    assert set(left_out) == {"input_data/COVID/0000_1.png", "input_data/readme.txt"}
    reason = left_out["input_data/COVID/0000_1.png"]
    assert reason.startswith("input_data/COVID/0000_1.png is cut short")


def test_a_folder_is_the_same_dataset_as_its_zip(
    films_folder: Path, tmp_path: Path, workspace: Workspace
) -> None:
    path = tmp_path / "whole.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in films_folder.rglob("*.png"):
            archive.write(file, file.relative_to(films_folder))
    zipped, plain = load(path, workspace), load(films_folder, workspace)
    assert zipped.dataset.fingerprint == plain.dataset.fingerprint
    assert len(list(workspace.caches.glob("*/"))) == 1


def test_the_size_it_was_loaded_at_is_not_decoded_again(
    films_zip: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(films_zip, workspace)
    decoded = []

    def note(path: Path) -> bytes:
        decoded.append(path)
        return content_of(path)

    monkeypatch.setattr(cache_module, "content_of", note)
    assert list(loaded.at_size(32, workspace)) == [loaded.cache]
    assert decoded == []
    *_, cache = loaded.at_size(48, workspace)
    assert isinstance(cache, ImageCache)
    assert cache.size == 48
    assert len(decoded) == 35


def test_a_dataset_without_readable_films_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    for name in ("A", "B"):
        (tmp_path / "films" / name).mkdir(parents=True)
        for n in range(2):
            (tmp_path / "films" / name / f"{n}.png").write_bytes(
                b"\x89PNG\r\n\x1a\n" + name.encode() * (n + 1)
            )
    with pytest.raises(DatasetError, match="Too few images of films can be read"):
        load(tmp_path / "films", workspace)


def test_cancelling_leaves_nothing_half_made(films_zip: Path, workspace: Workspace) -> None:
    steps = load_dataset([films_zip], workspace, 32)
    for step in steps:
        assert isinstance(step, Progress)
        if str(step.stage) == "Reading films":
            break
    steps.close()  # type: ignore[attr-defined]
    assert list(workspace.caches.glob("*/")) == []


def test_a_film_that_is_changed_after_loading_is_named_and_read_anew_next_time(
    films_zip: Path, workspace: Workspace
) -> None:
    loaded = load(films_zip, workspace)
    film = loaded.dataset.records[3]
    whole = film.path.read_bytes()
    film.path.write_bytes(whole[::-1])  # of the same size
    with pytest.raises(DatasetError, match=rf"{film.name} was changed .* Open it again"):
        list(loaded.at_size(48, workspace))
    *_, cache = loaded.at_size(32, workspace)
    assert cache is loaded.cache
    for folder in workspace.caches.glob("*/"):
        shutil.rmtree(folder)
    with pytest.raises(DatasetError, match="was changed"):
        load(films_zip, workspace)
    assert load(films_zip, workspace).dataset == loaded.dataset
    assert film.path.read_bytes() == whole


def test_a_time_stamp_that_lies_is_found_out_once(
    films_folder: Path, tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on Windows, whose files do not tell when their inode changed.
    monkeypatch.setattr(unpacked, "film_stamp", lambda status: (status.st_size, status.st_mtime_ns))
    folder, old_ns = tmp_path / "films", time.time_ns() - 10**11
    shutil.copytree(films_folder, folder)
    for path in folder.rglob("*.png"):
        os.utime(path, ns=(old_ns, old_ns))
    film = load(folder, workspace).dataset.records[0]
    other = folder / "NORMAL" / film.path.name.replace("0", "9", 1)
    other.write_bytes(b"a new file, so that the films are decoded again")
    film.path.write_bytes(film.path.read_bytes()[::-1])
    os.utime(film.path, ns=(old_ns, old_ns))
    for cache in workspace.caches.glob("*/"):
        shutil.rmtree(cache)
    with pytest.raises(DatasetError, match="was changed"):
        load(folder, workspace)
    left_out = [refusal.file for refusal in load(folder, workspace).dataset.left_out]
    assert film.name in left_out  # backwards it is no image


def test_what_the_user_changed_counts_unless_it_is_not_wanted(
    films_zip: Path, workspace: Workspace
) -> None:
    loaded = load(films_zip, workspace)
    names = [record.name for record in loaded.dataset.records[:2]]
    edits = Edits().leave_out(names).group_by("single_images")
    EditsFile(workspace.edits, loaded.as_found).save(edits)
    again = load(films_zip, workspace)
    assert len(again.dataset.records) == 33
    assert again.grouping.pattern == "single_images"
    assert again.as_found == loaded.as_found
    *_, plain = load_dataset([films_zip], workspace, 32, with_edits=False)
    assert plain.dataset == loaded.dataset


def test_saved_edits_that_leave_too_little_do_not_keep_a_dataset_shut(
    films_zip: Path, workspace: Workspace
) -> None:
    loaded = load(films_zip, workspace)
    names = [record.name for record in loaded.dataset.records]
    EditsFile(workspace.edits, loaded.as_found).save(Edits().leave_out(names))
    assert load(films_zip, workspace).edits == Edits()


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """`<class>/<view>/<number>.png`."""
    folder = tmp_path / "views"
    for label, name in enumerate(("Normal", "TB")):
        for view in ("AP", "PA"):
            (folder / name / view).mkdir(parents=True)
            for number in range(3):
                film = draw(label, number + 10 * len(view + name) + ord(view[0]))
                Image.fromarray(film).save(folder / name / view / f"{number}.png")
    return folder


def opened_at(folder: Path, workspace: Workspace, level: int | None = None) -> LoadedDataset:
    *_, loaded = load_dataset([folder], workspace, 32, class_level=level)
    assert isinstance(loaded, LoadedDataset)
    return loaded


def test_the_level_of_the_classes_can_be_given(divided: Path, workspace: Workspace) -> None:
    assert opened_at(divided, workspace).dataset.classes == ("Normal", "TB")
    loaded = opened_at(divided, workspace, 2)
    assert loaded.dataset.classes == ("AP", "PA")
    assert loaded.edits == Edits(class_level=2)


def test_a_level_that_was_chosen_is_kept_for_the_next_time(
    divided: Path, workspace: Workspace
) -> None:
    loaded = opened_at(divided, workspace)
    edits = loaded.edits.merge(["TB"], "Normal").leave_out(["TB/AP/1.png"]).at_level(2)
    EditsFile(workspace.edits, loaded.as_found).save(edits)
    again = opened_at(divided, workspace)
    assert again.dataset.counts == {"AP": 5, "PA": 6}
    assert again.edits == Edits(class_level=2).leave_out(["TB/AP/1.png"])
    EditsFile(workspace.edits, again.as_found).save(again.edits.at_level(None))
    assert opened_at(divided, workspace).dataset.counts == {"Normal": 6, "TB": 5}


def test_a_chosen_level_that_is_gone_is_found_out_anew(divided: Path, workspace: Workspace) -> None:
    loaded = opened_at(divided, workspace)
    EditsFile(workspace.edits, loaded.as_found).save(Edits(class_level=7))
    again = opened_at(divided, workspace)
    assert (again.dataset.classes, again.edits) == (("Normal", "TB"), Edits())
