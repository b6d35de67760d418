import dataclasses
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hands import WAIT_MS, wait_until
from PIL import Image
from pytestqt.qtbot import QtBot
from whole_program import end

from app.tasks import Failure, TaskRunner
from app.viewmodels import reading as reading_module
from app.viewmodels.reading import ReadFilm, ReadingViewModel
from core.data.images import load_xray
from core.data.loading import LoadedDataset
from core.models.model_file import open_model, read_card, save_model
from core.prediction import classifier as classifier_module
from core.prediction.classifier import Classifier


@pytest.fixture
def model(runner: TaskRunner) -> Iterator[ReadingViewModel]:
    viewing = TaskRunner()
    yield ReadingViewModel(runner, viewing)
    end([viewing])


@pytest.fixture
def opened(model: ReadingViewModel, model_file: Path) -> ReadingViewModel:
    model.open_model(model_file)
    wait_until(lambda: not model.is_busy)
    return model


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds the reading of films after the first of them until it is set."""
    gate, read_films = threading.Event(), classifier_module.read_films

    def held(classifier: Classifier, paths: Sequence[Path]) -> Iterator[object]:
        for event in read_films(classifier, paths, batch_size=1):
            yield event
            assert gate.wait(60)

    monkeypatch.setattr(classifier_module, "read_films", held)
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


def test_an_opened_model_explains_itself(opened: ReadingViewModel, model_file: Path) -> None:
    assert opened.model == model_file
    assert opened.card == read_card(model_file)


def test_films_are_read_in_the_order_in_which_they_came(
    opened: ReadingViewModel, film_files: list[Path]
) -> None:
    read(opened, film_files)
    assert [film.path for film in opened.films] == film_files
    assert [film.true_class for film in opened.films] == [None] * 3


def test_a_film_comes_with_its_picture_and_what_the_model_says(
    opened: ReadingViewModel, film_files: list[Path], model_file: Path
) -> None:
    read(opened, film_files[:1])
    [film] = opened.films
    classifier = Classifier.open(model_file, "cpu")
    expected = classifier.probabilities([classifier.prepare(load_xray(film_files[0]))])[0]
    np.testing.assert_allclose(film.probabilities, expected, atol=1e-5)
    assert film.predicted == expected.argmax()
    np.testing.assert_array_equal(opened.view(film), load_xray(film_files[0]))


def test_a_picture_that_was_let_go_is_read_again(
    opened: ReadingViewModel, film_files: list[Path], monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(reading_module, "MAX_VIEWS", 1)
    read(opened, film_files[:2])
    first, second = opened.films
    assert opened.view(second) is not None
    with qtbot.waitSignal(opened.view_loaded, timeout=WAIT_MS) as loaded:
        assert opened.view(first) is None
    assert loaded.args == [film_files[0]]
    np.testing.assert_array_equal(opened.view(first), load_xray(film_files[0]))


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
    assert [film.name for film in opened.films] == [
        "ward/b.png",
        "ward/c.tiff",
        "ward/monday/a.PNG",
    ]
    assert not opened.refused


def test_a_broken_file_is_refused_and_the_others_are_read(
    opened: ReadingViewModel, film_files: list[Path], broken_film: Path
) -> None:
    read(opened, [film_files[0], broken_film, film_files[1]])
    assert [film.path for film in opened.films] == film_files[:2]
    [refusal] = opened.refused
    assert refusal.file == "broken.png"


def test_films_that_are_dropped_meanwhile_wait_their_turn(
    opened: ReadingViewModel, film_files: list[Path], gate: threading.Event
) -> None:
    opened.read(film_files[:1])
    opened.read(film_files[1:])
    assert opened.n_waiting == 2
    gate.set()
    wait_until(lambda: not opened.is_busy)
    assert [film.path for film in opened.films] == film_files


def test_films_that_are_dropped_before_there_is_a_model_wait_for_it(
    model: ReadingViewModel, film_files: list[Path], model_file: Path
) -> None:
    model.read(film_files)
    assert (model.is_busy, model.n_waiting) == (False, 3)
    model.open_model(model_file)
    wait_until(lambda: not model.is_busy)
    assert [film.path for film in model.films] == film_files
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
    before = opened.films
    with qtbot.waitSignal(opened.cleared, timeout=WAIT_MS):
        opened.open_model(model_file)
    wait_until(lambda: len(opened.films) == len(film_files) and not opened.is_busy)
    assert [film.path for film in opened.films] == film_files
    assert opened.films[0] is not before[0]


def test_the_films_that_training_kept_are_read_with_their_true_classes(
    model: ReadingViewModel, model_file: Path, loaded: LoadedDataset
) -> None:
    model.open_model(model_file, kept_from=loaded)
    wait_until(lambda: not model.is_busy)
    assert sorted(str(film.true_class) for film in model.films) == list(loaded.dataset.classes)
    kept = set(read_card(model_file).split["kept"])
    records = {record.path: record for record in loaded.dataset.records}
    for film in model.films:
        record = records[film.path]
        assert record.digest in kept
        assert loaded.dataset.classes[record.label] == film.true_class


def test_films_that_waited_are_read_after_the_kept_ones(
    model: ReadingViewModel, model_file: Path, loaded: LoadedDataset, film_files: list[Path]
) -> None:
    model.read(film_files[:1])
    model.open_model(model_file, kept_from=loaded)
    wait_until(lambda: not model.is_busy)
    truths = [film.true_class is not None for film in model.films]
    assert truths == [True, True, True, False]


@pytest.fixture
def keeping_nothing(model_file: Path, tmp_path: Path) -> Path:
    """The same network in a file that says that no film was kept."""
    card, arrays, _ = open_model(model_file)
    path = tmp_path / "keeping_nothing.safetensors"
    save_model(path, dataclasses.replace(card, split={**card.split, "kept": ()}), arrays)
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
    assert model.films == []


def test_clearing_puts_all_films_away(
    qtbot: QtBot, opened: ReadingViewModel, film_files: list[Path], broken_film: Path
) -> None:
    read(opened, [*film_files, broken_film])
    with qtbot.waitSignal(opened.cleared):
        opened.clear()
    assert (opened.films, opened.refused) == ([], [])


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
    assert (opened.films, opened.n_waiting) == ([], 0)


def test_after_clearing_films_are_read_again(
    opened: ReadingViewModel, film_files: list[Path], gate: threading.Event
) -> None:
    opened.read(film_files)
    opened.clear()
    opened.read(film_files[2:])
    gate.set()
    wait_until(lambda: not opened.is_busy)
    assert [film.path for film in opened.films] == film_files[2:]


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
    assert [film.path for film in opened.films] == film_files[: len(opened.films)]
    assert 1 <= len(opened.films) < len(film_files)


def test_films_are_decoded_and_classified_off_the_gui_thread(
    opened: ReadingViewModel, film_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()

    def noting(function: Any) -> Any:
        def noted(*arguments: Any) -> Any:
            threads.add(threading.current_thread())
            return function(*arguments)

        return noted

    for name in ("load_xray", "compute_logits"):
        monkeypatch.setattr(classifier_module, name, noting(getattr(classifier_module, name)))
    read(opened, film_files)
    assert len(threads) >= 2
    assert threading.main_thread() not in threads


def test_a_read_film_names_its_most_probable_class() -> None:
    film = ReadFilm(
        "a.png", Path("a.png"), np.zeros((2, 2), np.uint8), np.array([0.2, 0.7, 0.1]), None
    )
    assert film.predicted == 1
