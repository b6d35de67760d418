"""What is dropped on the window goes to the page that it is for."""

import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtWidgets import QComboBox, QMenu, QMessageBox, QProgressBar, QWidget

from app.application import Application
from app.data import viewmodel as data_module
from app.settings import AppSettings
from app.widgets.page import DATA, EVALUATE, READ, TRAIN
from app.widgets.viewer.picture import to_image
from core.data.dataset import LoadedDataset
from core.phantom import draw_film
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

pytestmark = pytest.mark.usefixtures("explanations")
PAGES = (DATA, TRAIN, EVALUATE, READ)


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
    application: Application, films_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the Read page it is a list of films, everywhere else a dataset."""
    opened: list[tuple[str, list[Path]]] = []
    monkeypatch.setattr(application.data, "open", lambda paths: opened.append(("data", paths)))
    monkeypatch.setattr(application.reading, "read", lambda paths: opened.append(("read", paths)))
    window = application.window
    for index in PAGES:
        window.show_page(index)
        shown, kind = page(application), "read" if index == READ else "data"
        for target in [window, shown, *shown.findChildren(QWidget)]:
            if target.isVisible() and target.isEnabled() and target.window() is window:
                data = carrying(films_zip)
                assert drag_over(target, data), f"{target} does not want it"
                let_go(target, data)
                assert opened.pop() == (kind, [films_zip]), f"{target} swallowed it"
                window.show_page(index)


def test_a_folder_of_films_is_opened_as_a_dataset(
    application: Application, films_zip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "of the year 2020"
    with zipfile.ZipFile(films_zip) as archive:
        archive.extractall(folder)
    drop(application.window, folder)
    wait_until(lambda: application.data.dataset is not None and not application.data.is_busy)
    assert application.data.dataset is not None
    assert set(application.data.dataset.dataset.counts.values()) == {FILMS_PER_CLASS}
    assert page(application) is application.window.data_page
    chooser = field(application.window.data_page, QComboBox, "Open datasets")
    assert chooser.currentText() == folder.name


def test_a_model_is_opened_for_reading_and_evaluating(
    application: Application, model_file: Path
) -> None:
    drop(application.window, model_file)
    wait_until(lambda: application.reading.card is not None and not application.reading.is_busy)
    assert application.evaluation.model == model_file
    assert page(application) is application.window.reading_page
    assert "Drop X-rays here" in label_texts(application.window)


def test_a_model_on_the_evaluate_page_leaves_that_page_in_front(
    application: Application, model_file: Path
) -> None:
    application.window.show_page(EVALUATE)
    drop(application.window, model_file)
    wait_until(lambda: application.reading.card is not None)
    assert page(application) is application.window.evaluation_page
    assert "No dataset yet" in label_texts(application.window)


def test_a_model_with_its_dataset_open_reads_the_films_it_kept(
    application: Application, model_file: Path, loaded: LoadedDataset
) -> None:
    application.data._on_opening_reported(loaded, loaded.dataset.sources)  # as if dropped
    drop(application.window, model_file)
    wait_until(lambda: len(application.reading.films) == 3)
    assert all(film.true_class is not None for film in application.reading.films.values())


def test_films_before_any_model_wait_and_the_page_says_what_is_missing(
    application: Application, film_files: list[Path], model_file: Path
) -> None:
    drop(application.window, *film_files)
    assert page(application) is application.window.reading_page
    assert "No model yet" in label_texts(application.window)
    assert application.reading.n_waiting == 3
    drop(application.window, model_file)
    wait_until(lambda: len(application.reading.films) == 3)


def test_films_and_a_model_may_be_dropped_together(
    application: Application, film_files: list[Path], model_file: Path
) -> None:
    drop(application.window, *film_files, model_file)
    wait_until(lambda: len(application.reading.films) == 3)


def test_a_refused_zip_is_told_in_plain_words(
    application: Application, settings: AppSettings, tmp_path: Path
) -> None:
    bad = tmp_path / "bad <b>zip<b>.zip"
    bad.write_bytes(b"no archive at all")
    drop(application.window, bad)
    wait_until(lambda: bool(shown_failure(application)))
    assert "bad <b>zip<b>.zip" in shown_failure(application)
    wait_until(lambda: not application.data.is_busy)
    assert "Drop a zip or folder of chest X-rays here" in label_texts(application.window)
    assert settings.recent_datasets == []


def test_a_refused_model_is_told_and_the_page_is_as_before(
    application: Application, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no model at all")
    drop(application.window, bad)
    wait_until(lambda: bool(shown_failure(application)))
    assert "bad.safetensors" in shown_failure(application)
    wait_until(lambda: not application.reading.is_busy)
    assert "No model yet" in label_texts(application.window)


def test_a_link_is_answered_in_words_on_every_page(application: Application) -> None:
    for index in PAGES:
        application.window.show_page(index)
        drop(application.window, QUrl(f"https://page-{index}.example.org/films.zip"))
        said = [box.text() for box in application.window.findChildren(QMessageBox)]
        assert any(f"This is a link to page-{index}.example.org." in text for text in said)
        assert application.window.page == index


def test_files_beside_a_link_are_read_and_the_link_is_refused(
    application: Application, film_files: list[Path]
) -> None:
    drop(application.window, film_files[0], QUrl("https://example.org/film.png"))
    assert application.reading.n_waiting == 1
    assert "example.org" in shown_failure(application)


def test_a_picture_that_is_no_file_is_read(application: Application, model_file: Path) -> None:
    data = QMimeData()
    data.setImageData(to_image(draw_film("NORMAL", 3, 64)))
    assert drag_over(application.window, data)
    let_go(application.window, data)
    assert page(application) is application.window.reading_page
    drop(application.window, model_file)
    wait_until(lambda: len(application.reading.films) == 1)
    [film] = application.reading.films.values()
    assert film.name == "Pasted picture 1.png"


def test_the_folder_of_what_was_dropped_is_remembered(
    application: Application, settings: AppSettings, broken_film: Path
) -> None:
    drop(application.window, broken_film)
    assert settings.last_folder == str(broken_film.parent)


def test_giving_up_an_import_shows_the_invitation_again(
    application: Application, films_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, load_dataset = threading.Event(), data_module.load_dataset

    def held(*arguments: Any) -> Iterator[object]:
        for event in load_dataset(*arguments):
            assert gate.wait(60)
            yield event

    monkeypatch.setattr(data_module, "load_dataset", held)
    page = application.window.data_page
    drop(application.window, films_zip)
    press(page, "Cancel")
    gate.set()
    wait_until(lambda: not application.data.is_busy)
    assert "Drop a zip or folder of chest X-rays here" in label_texts(page)
    assert not any(bar.isVisible() for bar in page.findChildren(QProgressBar))


def test_a_folder_on_the_read_page_is_a_list_of_films(
    application: Application, model_file: Path, film_files: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "ward"
    folder.mkdir()
    (folder / "one.png").write_bytes(film_files[0].read_bytes())
    drop(application.window, model_file)
    wait_until(lambda: application.reading.card is not None and not application.reading.is_busy)
    drop(application.window, folder)
    wait_until(lambda: names(application) == ["ward/one.png"])
    assert not application.data.is_busy
    assert application.data.dataset is None


def test_films_beside_a_zip_are_not_forgotten(
    application: Application, model_file: Path, films_zip: Path, film_files: list[Path]
) -> None:
    drop(application.window, model_file)
    wait_until(lambda: application.reading.card is not None and not application.reading.is_busy)
    application.window.show_page(DATA)
    drop(application.window, films_zip, film_files[0])
    wait_until(lambda: application.data.dataset is not None and not application.data.is_busy)
    wait_until(lambda: names(application) == [film_files[0].name])


def test_two_zips_become_one_dataset(
    application: Application, films_zip: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(films_zip.read_bytes())
    drop(application.window, films_zip, other)
    wait_until(lambda: application.data.dataset is not None and not application.data.is_busy)
    assert application.data.dataset is not None
    assert application.data.dataset.dataset.sources == (films_zip, other)
    assert list(application.data.dataset.dataset.counts.values()) == [40, 40, 40]


class TestRecent:
    """What was opened once can be opened again, also in the next program."""

    @pytest.fixture
    def opened(self, application: Application, openings: Openings, audits: Audits) -> Application:
        """Three datasets were opened, the first of them from two zips."""
        audits.gate.set()
        for sources in ([ONE, TWO], [TWO], [THREE]):
            application.data.open(sources)
            wait_until(lambda: not application.data.is_busy)
        return application

    def menu(self, program: Application) -> QMenu:
        """Open again."""
        file_menu = program.window.menuBar().actions()[0].menu()
        (found,) = (one.menu() for one in file_menu.actions() if one.text() == "Open again")
        return found

    def test_the_menu_opens_them_again(self, opened: Application) -> None:
        opened.window.show_page(READ)
        self.menu(opened).actions()[2].trigger()
        wait_until(lambda: not opened.data.is_busy)
        assert opened.data.current is not None
        assert opened.data.current.sources == (ONE, TWO)
        assert page(opened) is opened.window.data_page
        names = [action.text() for action in self.menu(opened).actions()]
        assert names == ["one.zip, two.zip", "three.zip", "two.zip"]  # now it is the newest

    def test_the_empty_page_offers_them_too(self, opened: Application) -> None:
        for _ in range(3):
            opened.data.close(0)
        press(opened.window.data_page, "Open one.zip, two.zip again")
        wait_until(lambda: not opened.data.is_busy)
        assert opened.data.current is not None
        assert opened.data.current.sources == (ONE, TWO)
