"""What is dropped on the window goes to the page that it is for."""

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QUrl
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QMenu,
    QMessageBox,
    QProgressBar,
    QWidget,
)

from app.application import Application
from app.data import viewmodel as data_module
from app.settings import AppSettings
from app.tasks import TaskRunner
from app.widgets.page import DATA, EVALUATE, READ, TRAIN
from app.widgets.viewer.picture import to_image
from core.phantom import draw_film
from core.workspace import Workspace
from tests.app.hands import (
    FILMS_PER_CLASS,
    carrying,
    drag_over,
    drop,
    field,
    label_texts,
    let_go,
    press,
    wait_until,
)
from tests.app.pretended import ONE, THREE, TWO, Audits, Openings
from tests.app.whole_program import end, english_settings, running_application

pytestmark = pytest.mark.usefixtures("explanations")
PAGES = (DATA, TRAIN, EVALUATE, READ)


INVITATION = "Drop a zip or folder of chest X-rays here"


@pytest.fixture(scope="module")
def shared(
    qapp: QApplication,
    started_runners: WeakSet[TaskRunner],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Application, AppSettings]]:
    folder = tmp_path_factory.mktemp("drops")
    settings = english_settings(folder)
    with running_application(settings, Workspace(folder / "home"), started_runners) as program:
        program.start([], demo=False)
        yield program, settings


@pytest.fixture
def empty(
    shared: tuple[Application, AppSettings], started_runners: WeakSet[TaskRunner]
) -> Iterator[Application]:
    """A program that the tests share: no dataset and no model was ever opened in it."""
    program, settings = shared
    program.window.show_page(DATA)
    settings.last_folder = ""
    yield program
    end(started_runners)  # an import that was given up is not busy and yet takes a while to end
    program.reading.clear()
    for box in program.window.findChildren(QMessageBox):
        box.close()
        box.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not program.data.datasets
    assert program.reading.card is None
    assert settings.recent_datasets == []


def page(program: Application) -> QWidget:
    """The page that is in front."""
    window = program.window
    pages = (window.data_page, window.training_page, window.evaluation_page, window.reading_page)
    return next(one for one in pages if one.isVisible())


def names(program: Application) -> list[str]:
    """Of the films that were read."""
    return [film.name for film in program.reading.films.values()]


def shown_failure(program: Application) -> str:
    boxes = [box for box in program.window.findChildren(QMessageBox) if box.isVisible()]
    return boxes[0].text() if boxes else ""


def test_a_zip_may_be_dropped_on_anything_that_is_seen(
    empty: Application, films_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the Read page it is a list of films, everywhere else a dataset."""
    opened: list[tuple[str, list[Path]]] = []
    monkeypatch.setattr(empty.data, "open", lambda paths: opened.append(("data", paths)))
    monkeypatch.setattr(empty.reading, "read", lambda paths: opened.append(("read", paths)))
    window = empty.window
    for index in PAGES:
        window.show_page(index)
        shown, kind = page(empty), "read" if index == READ else "data"
        for target in [window, shown, *shown.findChildren(QWidget)]:
            if target.isVisible() and target.isEnabled() and target.window() is window:
                data = carrying(films_zip)
                assert drag_over(target, data), f"{target} does not want it"
                let_go(target, data)
                assert opened.pop() == (kind, [films_zip]), f"{target} swallowed it"
                window.show_page(index)


def test_a_refused_file_is_told_in_plain_words_and_the_page_is_as_before(
    empty: Application, tmp_path: Path
) -> None:
    for name, text in (
        ("bad <b>zip<b>.zip", INVITATION),
        ("bad.safetensors", "No model yet"),
    ):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        drop(empty.window, tmp_path / name)
        wait_until(lambda name=name: name in shown_failure(empty))
        wait_until(lambda: not empty.data.is_busy and not empty.reading.is_busy)
        assert text in label_texts(empty.window)
        for box in empty.window.findChildren(QMessageBox):
            box.close()


def test_a_link_is_answered_in_words_on_every_page(empty: Application) -> None:
    for index in PAGES:
        empty.window.show_page(index)
        drop(empty.window, QUrl(f"https://page-{index}.example.org/films.zip"))
        said = [box.text() for box in empty.window.findChildren(QMessageBox)]
        assert any(f"This is a link to page-{index}.example.org." in text for text in said)
        assert empty.window.page == index


def test_files_beside_a_link_are_read_and_the_link_is_refused(
    empty: Application, film_files: list[Path]
) -> None:
    drop(empty.window, film_files[0], QUrl("https://example.org/film.png"))
    assert empty.reading.n_waiting == 1
    assert "example.org" in shown_failure(empty)


def test_the_folder_of_what_was_dropped_is_remembered(
    empty: Application, shared: tuple[Application, AppSettings], broken_film: Path
) -> None:
    drop(empty.window, broken_film)
    assert shared[1].last_folder == str(broken_film.parent)


def test_giving_up_an_import_shows_the_invitation_again(
    empty: Application, films_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, load_dataset = threading.Event(), data_module.load_dataset

    def held(*arguments: Any) -> Iterator[object]:
        for event in load_dataset(*arguments):
            assert gate.wait(60)
            yield event

    monkeypatch.setattr(data_module, "load_dataset", held)
    page = empty.window.data_page
    drop(empty.window, films_zip)
    press(page, "Cancel")
    gate.set()
    wait_until(lambda: not empty.data.is_busy)
    assert INVITATION in label_texts(page)
    assert not any(bar.isVisible() for bar in page.findChildren(QProgressBar))


def test_films_before_any_model_wait_and_the_page_says_what_is_missing(
    application: Application, film_files: list[Path], model_file: Path
) -> None:
    window, reading = application.window, application.reading
    drop(window, *film_files)
    assert page(application) is window.reading_page
    assert "No model yet" in label_texts(window)
    assert reading.n_waiting == 3
    window.show_page(DATA)
    picture = QMimeData()  # no file
    picture.setImageData(to_image(draw_film("NORMAL", 3, 64)))
    assert drag_over(window, picture)
    let_go(window, picture)
    assert page(application) is window.reading_page
    drop(window, model_file)
    wait_until(lambda: len(reading.films) == 4 and not reading.is_busy)
    assert names(application)[3] == "Pasted picture 1.png"


def test_a_model_is_opened_for_reading_and_evaluating_and_films_beside_it_are_read(
    application: Application, film_files: list[Path], model_file: Path, tmp_path: Path
) -> None:
    window, reading = application.window, application.reading
    window.show_page(EVALUATE)
    drop(window, model_file)
    wait_until(lambda: reading.card is not None and not reading.is_busy)
    assert application.evaluation.model == model_file
    assert page(application) is window.evaluation_page  # a model is what it asks for
    assert "No dataset yet" in label_texts(window)
    other = tmp_path / f"other{model_file.suffix}"
    other.write_bytes(model_file.read_bytes())
    window.show_page(DATA)
    drop(window, other)
    wait_until(lambda: reading.model == other and not reading.is_busy)
    assert application.evaluation.model == other
    assert page(application) is window.reading_page
    assert "Drop X-rays here" in label_texts(window)
    drop(window, *film_files, model_file)
    wait_until(lambda: len(reading.films) == 3 and not reading.is_busy)
    assert reading.model == model_file


def test_zips_and_folders_are_datasets_and_on_the_read_page_lists_of_films(
    application: Application,
    model_file: Path,
    films_zip: Path,
    film_files: list[Path],
    tmp_path: Path,
) -> None:
    def is_idle() -> bool:
        return not (data.is_busy or reading.is_busy)

    window, data, reading = application.window, application.data, application.reading
    ward = tmp_path / "ward"
    ward.mkdir()
    (ward / "one.png").write_bytes(film_files[0].read_bytes())
    drop(window, model_file)
    wait_until(lambda: reading.card is not None and is_idle())
    drop(window, ward)
    wait_until(lambda: names(application) == ["ward/one.png"])
    assert not data.is_busy
    assert data.dataset is None

    window.show_page(DATA)  # films beside a zip are not forgotten
    drop(window, films_zip, film_files[1])
    wait_until(lambda: data.dataset is not None and len(reading.films) == 2 and is_idle())
    assert names(application) == ["ward/one.png", film_files[1].name]

    window.show_page(DATA)  # two zips become one dataset
    other = tmp_path / "other.zip"
    other.write_bytes(films_zip.read_bytes())
    drop(window, films_zip, other)
    wait_until(lambda: len(data.datasets) == 2 and is_idle())
    assert data.dataset is not None
    assert data.dataset.dataset.sources == (films_zip, other)
    assert list(data.dataset.dataset.counts.values()) == [2 * FILMS_PER_CLASS] * 3

    window.show_page(TRAIN)
    folder = tmp_path / "of the year 2020"
    with zipfile.ZipFile(films_zip) as archive:
        archive.extractall(folder)
    drop(window, folder)
    wait_until(lambda: len(data.datasets) == 3 and is_idle())
    assert set(data.dataset.dataset.counts.values()) == {FILMS_PER_CLASS}
    assert page(application) is window.data_page
    assert field(window.data_page, QComboBox, "Open datasets").currentText() == folder.name

    reading.clear()  # of the dataset in front, a model reads the films that training kept
    drop(window, model_file)
    wait_until(lambda: len(reading.films) == 3 and is_idle())
    assert all(film.true_class is not None for film in reading.films.values())


def test_what_was_opened_once_can_be_opened_again(
    application: Application, openings: Openings, audits: Audits
) -> None:
    def menu() -> QMenu:
        file_menu = window.menuBar().actions()[0].menu()
        (found,) = (one.menu() for one in file_menu.actions() if one.text() == "Open again")
        return found

    window, data = application.window, application.data
    audits.gate.set()
    for sources in ([ONE, TWO], [TWO], [THREE]):
        data.open(sources)
        wait_until(lambda: not data.is_busy)
    window.show_page(READ)
    menu().actions()[2].trigger()
    wait_until(lambda: not data.is_busy)
    assert data.current is not None
    assert data.current.sources == (ONE, TWO)
    assert page(application) is window.data_page
    assert [action.text() for action in menu().actions()] == [
        "one.zip, two.zip",  # now it is the newest
        "three.zip",
        "two.zip",
    ]

    while data.datasets:  # the empty page offers them too
        data.close(0)
    press(window.data_page, "Open one.zip, two.zip again")
    wait_until(lambda: not data.is_busy)
    assert data.current is not None
    assert data.current.sources == (ONE, TWO)
