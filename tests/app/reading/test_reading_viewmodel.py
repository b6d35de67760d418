import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.reading.panel import ReadingPanel
from app.reading.viewmodel import ReadingViewModel
from app.tasks import Failure, TaskRunner
from app.widgets.viewer.picture import to_image
from core.data.dataset import LoadedDataset
from core.events import Progress
from core.images.reading import load_xray
from core.models.model_file import open_model, read_card, save_model
from core.phantom import draw_film
from core.prediction import classifier as classifier_module
from core.prediction import reading as core_reading
from core.prediction.classifier import Classifier
from core.prediction.novelty import Neighbour
from core.prediction.reading import FilmResult
from core.workspace import Workspace
from tests.app.hands import FILMS_PER_CLASS, WAIT_MS, label_texts, wait_until
from tests.core.images.dicom_files import dicom


@pytest.fixture
def model(runner: TaskRunner, workspace: Workspace) -> Iterator[ReadingViewModel]:
    model = ReadingViewModel(runner, workspace)
    yield model
    model.end()


@pytest.fixture
def opened(model: ReadingViewModel, model_file: Path) -> ReadingViewModel:
    model.open_model(model_file)
    wait_until(lambda: not model.is_busy)
    return model


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds the reading of films after the first of them until it is set."""
    gate, read_films = threading.Event(), core_reading.read_films

    def held(classifier: Classifier, found: Iterator[Any]) -> Iterator[object]:
        for event in read_films(classifier, found, batch_size=1):
            yield event
            assert isinstance(event, Progress) or gate.wait(60)

    monkeypatch.setattr(core_reading, "read_films", held)
    return gate


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds the opening of a model until it is set."""
    gate, open_classifier = threading.Event(), Classifier.open

    def held(path: Path, *arguments: Any) -> Classifier:
        assert gate.wait(60)
        return open_classifier(path, *arguments)

    monkeypatch.setattr(Classifier, "open", held)
    return gate


def read(model: ReadingViewModel, paths: Sequence[Path]) -> None:
    model.read(paths)
    wait_until(lambda: not model.is_busy)


def films_of(model: ReadingViewModel) -> list[FilmResult]:
    return list(model.films.values())


def test_an_opened_model_explains_itself(opened: ReadingViewModel, model_file: Path) -> None:
    assert opened.model == model_file
    assert opened.card == read_card(model_file)


def test_films_are_read_in_the_order_in_which_they_came(
    opened: ReadingViewModel, film_files: list[Path]
) -> None:
    read(opened, film_files)
    assert [film.path for film in films_of(opened)] == film_files
    assert [film.true_class for film in films_of(opened)] == [None] * 3


def test_a_film_comes_with_its_picture_and_what_the_model_says(
    opened: ReadingViewModel, film_files: list[Path], model_file: Path
) -> None:
    read(opened, film_files[:1])
    [film] = films_of(opened)
    classifier = Classifier.open(model_file)
    expected = classifier.opinions([classifier.prepare(load_xray(film_files[0]))])[0].probabilities
    np.testing.assert_allclose(film.opinion.probabilities, expected, atol=1e-5)
    assert film.predicted == expected.argmax()
    np.testing.assert_array_equal(film.thumbnail, load_xray(film_files[0]))  # it is small


def test_the_films_in_a_folder_are_read(
    opened: ReadingViewModel, film_files: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "ward"
    (folder / "monday").mkdir(parents=True)
    for name, film in zip(("b.png", "monday/a.PNG"), film_files, strict=False):
        (folder / name).write_bytes(film.read_bytes())
    (folder / "notes.txt").write_text("not a film")
    with Image.open(film_files[0]) as film:
        film.save(folder / "c.tiff")
    read(opened, [folder])
    assert [film.name for film in films_of(opened)] == [
        "ward/b.png",
        "ward/c.tiff",
        "ward/monday/a.PNG",
    ]
    [refused] = opened.refused
    assert refused.name == "ward/notes.txt"


def test_a_broken_file_is_refused_and_the_others_are_read(
    opened: ReadingViewModel, film_files: list[Path], broken_film: Path
) -> None:
    read(opened, [film_files[0], broken_film, film_files[1]])
    assert [film.path for film in films_of(opened)] == film_files[:2]
    [refusal] = opened.refused
    assert (refusal.name, refusal.refusal.kind) == ("broken.png", "truncated")


def test_films_that_are_dropped_meanwhile_wait_their_turn(
    opened: ReadingViewModel, film_files: list[Path], gate: threading.Event
) -> None:
    opened.read(film_files[:1])
    opened.read(film_files[1:])
    assert opened.n_waiting == 2
    gate.set()
    wait_until(lambda: not opened.is_busy)
    assert [film.path for film in films_of(opened)] == film_files


def test_films_that_are_dropped_before_there_is_a_model_wait_for_it(
    model: ReadingViewModel, film_files: list[Path], model_file: Path
) -> None:
    model.read(film_files)
    assert (model.is_busy, model.n_waiting) == (False, 3)
    model.open_model(model_file)
    wait_until(lambda: not model.is_busy)
    assert [film.path for film in films_of(model)] == film_files
    assert model.n_waiting == 0


def test_a_file_that_is_no_model_is_refused_and_the_old_one_stays(
    qtbot: QtBot, opened: ReadingViewModel, model_file: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no model")
    with qtbot.waitSignal(opened.failed, timeout=WAIT_MS) as failed:
        opened.open_model(bad)
    wait_until(lambda: not opened.is_busy)
    assert isinstance(failed.args[0], Failure)
    assert "bad.safetensors" in str(failed.args[0].message)
    assert opened.model == model_file


def test_another_model_reads_the_films_of_the_old_one_again(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path], model_file: Path
) -> None:
    read(opened, film_files)
    before = films_of(opened)
    with qtbot.waitSignal(opened.cleared, timeout=WAIT_MS):
        opened.open_model(model_file)
    wait_until(lambda: len(opened.films) == len(film_files) and not opened.is_busy)
    assert [film.path for film in films_of(opened)] == film_files
    assert films_of(opened)[0] is not before[0]


def test_the_films_that_training_kept_are_read_with_their_true_classes(
    model: ReadingViewModel, model_file: Path, loaded: LoadedDataset
) -> None:
    model.open_model(model_file, kept_from=loaded)
    wait_until(lambda: not model.is_busy)
    assert sorted(str(film.true_class) for film in films_of(model)) == list(loaded.dataset.classes)
    kept = set(read_card(model_file).split["kept"])
    records = {record.path: record for record in loaded.dataset.records}
    for film in films_of(model):
        record = records[film.path]
        assert record.digest in kept
        assert loaded.dataset.classes[record.label] == film.true_class


def test_films_that_waited_are_read_after_the_kept_ones(
    model: ReadingViewModel, model_file: Path, loaded: LoadedDataset, film_files: list[Path]
) -> None:
    model.read(film_files[:1])
    model.open_model(model_file, kept_from=loaded)
    wait_until(lambda: not model.is_busy)
    truths = [film.true_class is not None for film in films_of(model)]
    assert truths == [True] * 4  # the last one is known from the dataset
    assert [film.part == "kept" for film in films_of(model)] == [True, True, True, False]


@pytest.fixture
def keeping_nothing(model_file: Path, tmp_path: Path) -> Path:
    """The same network in a file that says that no film was kept."""
    card, arrays, _ = open_model(model_file)
    path = tmp_path / "keeping_nothing.safetensors"
    save_model(path, card.changed(split={**card.split, "kept": ()}), arrays)
    return path


def test_the_last_of_several_models_reads_the_films_that_it_kept(
    model: ReadingViewModel,
    model_file: Path,
    keeping_nothing: Path,
    loaded: LoadedDataset,
    opening: threading.Event,
) -> None:
    model.open_model(keeping_nothing)
    model.open_model(model_file, kept_from=loaded)
    opening.set()
    wait_until(lambda: not model.is_busy)
    assert model.model == model_file
    assert len(model.films) == 3


def test_a_model_does_not_read_the_films_that_another_one_kept(
    model: ReadingViewModel,
    model_file: Path,
    keeping_nothing: Path,
    loaded: LoadedDataset,
    opening: threading.Event,
) -> None:
    model.open_model(model_file, kept_from=loaded)
    model.open_model(keeping_nothing, kept_from=loaded)
    opening.set()
    wait_until(lambda: not model.is_busy)
    assert model.model == keeping_nothing
    assert model.films == {}


def test_clearing_puts_all_films_away(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path], broken_film: Path
) -> None:
    read(opened, [*film_files, broken_film])
    with qtbot.waitSignal(opened.cleared):
        opened.clear()
    assert (opened.films, opened.refused) == ({}, [])


def test_clearing_while_films_are_read_leaves_nothing_behind(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path], gate: threading.Event
) -> None:
    with qtbot.waitSignal(opened.film_read, timeout=WAIT_MS):
        opened.read(film_files)
    opened.read(film_files)
    with qtbot.assertNotEmitted(opened.film_read):
        opened.clear()
        gate.set()
        wait_until(lambda: not opened.is_busy)
    assert (opened.films, opened.n_waiting) == ({}, 0)


def test_after_clearing_films_are_read_again(
    opened: ReadingViewModel, film_files: list[Path], gate: threading.Event
) -> None:
    opened.read(film_files)
    opened.clear()
    opened.read(film_files[2:])
    gate.set()
    wait_until(lambda: not opened.is_busy)
    assert [film.path for film in films_of(opened)] == film_files[2:]


def test_clearing_while_a_model_is_opened_still_opens_it(
    model: ReadingViewModel, model_file: Path, opening: threading.Event
) -> None:
    model.open_model(model_file)
    model.clear()
    opening.set()
    wait_until(lambda: not model.is_busy)
    assert model.model == model_file


def test_giving_up_keeps_what_was_read(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path], gate: threading.Event
) -> None:
    with qtbot.waitSignal(opened.film_read, timeout=WAIT_MS):
        opened.read(film_files)
    opened.cancel()
    gate.set()
    wait_until(lambda: not opened.is_busy)
    assert [film.path for film in films_of(opened)] == film_files[: len(opened.films)]
    assert 1 <= len(opened.films) < len(film_files)


def test_films_are_decoded_and_classified_off_the_gui_thread(
    opened: ReadingViewModel, film_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()

    def noting(function: Any) -> Any:
        def noted(*arguments: Any, **values: Any) -> Any:
            threads.add(threading.current_thread())
            return function(*arguments, **values)

        return noted

    for module, name in ((core_reading, "read_image"), (classifier_module, "stack")):
        monkeypatch.setattr(module, name, noting(getattr(module, name)))
    read(opened, film_files)
    assert len(threads) >= 2
    assert threading.main_thread() not in threads


def test_a_film_that_is_dropped_again_is_in_the_list_once(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path]
) -> None:
    read(opened, film_files)
    with qtbot.waitSignal(opened.film_repeated, timeout=WAIT_MS) as repeated:
        read(opened, film_files[1:2])
    assert repeated.args[0].path == film_files[1]
    assert (len(opened.films), opened.n_repeated) == (3, 1)


def test_a_film_whose_file_changed_is_read_as_another(
    opened: ReadingViewModel, film_files: list[Path], tmp_path: Path
) -> None:
    film = tmp_path / "film.png"
    film.write_bytes(film_files[0].read_bytes())
    read(opened, [film])
    film.write_bytes(film_files[1].read_bytes())
    read(opened, [film])
    assert len({one.digest for one in films_of(opened)}) == 2
    assert opened.n_repeated == 0


def test_a_copy_under_another_name_says_of_what(
    opened: ReadingViewModel, film_files: list[Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(film_files[0].read_bytes())
    read(opened, [film_files[0], copy])
    assert [film.duplicate_of for film in films_of(opened)] == [None, film_files[0].name]


def test_another_frame_of_a_file_is_read_as_a_film_of_its_own(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path], tmp_path: Path
) -> None:
    first = load_xray(film_files[0])
    path = tmp_path / "film.dcm"
    path.write_bytes(dicom(first, NumberOfFrames=2, PixelData=first.tobytes() * 2))
    read(opened, [path])
    panel = ReadingPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.show_classes(films_of(opened)[0].classes)
    panel.show_film(films_of(opened)[0], 0)
    assert "Frame 1 of 2" in label_texts(panel)
    panel.frames.frame_wanted.connect(lambda frame: opened.read_frame(1, frame))
    next(one for one in panel.findChildren(QPushButton) if one.text() == "Read frame").click()
    wait_until(lambda: not opened.is_busy)
    assert [(film.name, film.frame) for film in films_of(opened)] == [
        ("film.dcm", 1),
        ("film.dcm [2]", 2),
    ]
    assert [film.duplicate_of for film in films_of(opened)] == [None, None]


def test_a_film_that_was_put_away_is_new_when_it_comes_again(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path], broken_film: Path
) -> None:
    read(opened, [*film_files, broken_film])
    first, [refused] = films_of(opened)[0], opened.refused
    with qtbot.waitSignal(opened.films_removed) as removed:
        opened.remove([first.key])
    assert removed.args == [{first.key}]
    opened.remove([refused.key])
    assert opened.refused == []
    read(opened, film_files[:1])
    assert [film.path for film in films_of(opened)] == [*film_files[1:], film_files[0]]
    assert films_of(opened)[-1].duplicate_of is None
    assert opened.n_repeated == 0


def test_a_film_says_whether_the_model_learned_from_it(
    opened: ReadingViewModel, loaded: LoadedDataset, model_file: Path
) -> None:
    split = read_card(model_file).split
    paths = {record.digest: record.path for record in loaded.dataset.records}
    chosen = [split[part][0] for part in ("train", "validation", "test")]
    read(opened, [paths[digest] for digest in chosen])
    assert [film.part for film in films_of(opened)] == ["train", "validation", "test"]


def test_the_films_of_the_open_dataset_are_known_by_their_class(
    opened: ReadingViewModel, loaded: LoadedDataset, film_files: list[Path]
) -> None:
    opened.set_dataset(loaded)
    read(opened, film_files)
    assert [film.true_class for film in films_of(opened)] == list(loaded.dataset.classes)


def test_neighbours_get_the_pictures_of_the_open_dataset(
    opened: ReadingViewModel, loaded: LoadedDataset, film_files: list[Path]
) -> None:
    read(opened, film_files[:1])
    [film] = films_of(opened)
    known = loaded.dataset.records[3].digest
    neighbours = (Neighbour(0, known, 0.1, None), Neighbour(0, "0" * 64, 0.2, None))
    film = dataclasses.replace(
        film, opinion=dataclasses.replace(film.opinion, neighbours=neighbours)
    )
    assert [one.thumbnail is None for one in opened.with_pictures(film).opinion.neighbours] == [
        True,
        True,
    ]
    opened.set_dataset(loaded)
    with_picture, without = opened.with_pictures(film).opinion.neighbours
    np.testing.assert_array_equal(with_picture.thumbnail, loaded.cache.thumbnail(known))
    assert without.thumbnail is None


def test_pictures_without_a_file_are_read_too(opened: ReadingViewModel) -> None:
    film = draw_film("NORMAL", 3, 64)
    opened.read([], [to_image(film)])
    wait_until(lambda: not opened.is_busy)
    [read_film] = films_of(opened)
    assert read_film.name == "Pasted picture 1.png"
    np.testing.assert_array_equal(load_xray(read_film.path), film)


def test_a_zip_is_a_list_of_films(opened: ReadingViewModel, films_zip: Path) -> None:
    read(opened, [films_zip])
    assert len(opened.films) == 3 * FILMS_PER_CLASS
    assert all(film.name.startswith("films.zip/") for film in films_of(opened))


def test_another_model_does_not_wait_for_films_that_the_old_one_reads(
    opened: ReadingViewModel,
    film_files: list[Path],
    broken_film: Path,
    model_file: Path,
    gate: threading.Event,
    qtbot: QtBot,
) -> None:
    gate.set()
    read(opened, [broken_film])
    gate.clear()
    with qtbot.waitSignal(opened.film_read, timeout=WAIT_MS):
        opened.read(film_files)
    opened.open_model(model_file)
    gate.set()
    wait_until(lambda: len(opened.films) == len(film_files) and not opened.is_busy)
    assert [film.path for film in films_of(opened)] == film_files
    assert opened.n_repeated == 0
    assert [one.name for one in opened.refused] == ["broken.png"]


def test_of_two_copies_the_one_that_stays_is_remembered(
    opened: ReadingViewModel, film_files: list[Path], tmp_path: Path
) -> None:
    copies = [tmp_path / "one.png", tmp_path / "two.png"]
    for copy in copies:
        copy.write_bytes(film_files[0].read_bytes())
    read(opened, [film_files[0], copies[0]])
    opened.remove([films_of(opened)[0].key])
    read(opened, [copies[1]])
    assert films_of(opened)[-1].duplicate_of is not None
