from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from app.data import viewmodel as data_module
from app.data.films import FilmsView
from app.data.viewmodel import DataViewModel
from app.i18n import set_language
from app.tasks import TaskRunner
from app.widgets.film_wall import LARGE_PX, FilmWall
from app.widgets.film_zoom import FilmZoom
from app.widgets.viewer import FilmPane
from core.audit.report import Report
from core.data.records import Record
from core.errors import Message
from core.workspace import Workspace
from tests.app import made_dataset
from tests.app.hands import button, field, label_texts, press, wait_until
from tests.app.made_dataset import COPIES, FINDINGS, bring, make_dataset, name_of

N_FILMS = 12


@pytest.fixture
def model(
    qapp: QApplication,
    runner: TaskRunner,
    auditing: TaskRunner,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> DataViewModel:
    """Its audit finds the same again after every edit."""
    monkeypatch.setattr(data_module, "audit", lambda _loaded: iter([Report(FINDINGS, None)]))
    return DataViewModel(runner, auditing, workspace)


@pytest.fixture
def auditing(qapp: QApplication) -> Iterator[TaskRunner]:
    runner = TaskRunner()
    yield runner
    wait_until(lambda: not runner.is_running)


@pytest.fixture
def view(qtbot: QtBot, model: DataViewModel) -> FilmsView:
    """The view with a dataset of twelve films and its report."""
    bring(model, make_dataset(), *FINDINGS)
    view = FilmsView(model)
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    return view


@pytest.fixture
def wall(view: FilmsView) -> FilmWall:
    return view.findChild(FilmWall)


def shown(wall: FilmWall) -> list[str]:
    """The names on the wall."""
    films = wall.model()
    return [films.index(row, 0).data() for row in range(films.rowCount())]


def told(wall: FilmWall, row: int) -> str:
    """The words for assistive software on a film."""
    return wall.model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)


def choose(view: FilmsView, box: str, text: str) -> None:
    box = field(view, QComboBox, box)
    assert box.findText(text) >= 0, [box.itemText(index) for index in range(box.count())]
    box.setCurrentIndex(box.findText(text))


def action(menu: QMenu, text: str) -> QAction:
    return next(one for one in menu.actions() if one.text() == text)


class TestWhatIsShown:
    def test_all_films_stand_on_the_wall_and_say_what_they_are(
        self, model: DataViewModel, wall: FilmWall
    ) -> None:
        assert shown(wall) == [name_of(label, number) for label in range(3) for number in range(4)]
        assert told(wall, 0) == f"{name_of(0, 0)}, COVID-19, Blank"
        model.edit(lambda edits: edits.leave_out([name_of(2, 3)]))
        model.edit(lambda edits: edits.relabel([name_of(0, 3)], "NORMAL"))
        assert len(shown(wall)) == N_FILMS
        assert told(wall, 11).endswith("left out")
        assert told(wall, 3) == f"{name_of(0, 3)}, Normal (was COVID-19)"

    def test_the_status_line_counts(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        model.edit(lambda edits: edits.leave_out([name_of(2, 3), name_of(2, 2)]))
        model.edit(lambda edits: edits.relabel([name_of(0, 3)], "NORMAL"))
        wall.select([0, 1, 2])
        assert "12 films, 3 selected, 2 left out, 1 re-labelled" in label_texts(view)

    def test_what_was_found_stays_while_an_edit_is_looked_through(
        self, model: DataViewModel, wall: FilmWall
    ) -> None:
        model.edit(lambda edits: edits.leave_out([name_of(2, 3)]))
        assert model.report is None
        assert told(wall, 0).endswith("Blank")

    def test_without_a_dataset_the_wall_is_empty(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        model.close(0)
        assert shown(wall) == []

    def test_another_dataset_takes_the_place_of_the_first(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        choose(view, "Films of this class", "COVID-19 (4)")
        bring(model, make_dataset(2))
        assert len(shown(wall)) == 6

    def test_words_follow_the_language(self, view: FilmsView, wall: FilmWall) -> None:
        set_language("zh_CN")
        try:
            QCoreApplication.sendEvent(view, QEvent(QEvent.Type.LanguageChange))
            assert "新冠肺炎" in told(wall, 0)
        finally:
            set_language("en")


class TestFilters:
    def test_by_class_as_edited(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        model.edit(lambda edits: edits.relabel([name_of(0, 3)], "NORMAL"))
        choose(view, "Films of this class", "Normal (5)")
        assert name_of(0, 3) in shown(wall)
        assert len(shown(wall)) == 5

    def test_what_was_left_out(self, view: FilmsView, model: DataViewModel, wall: FilmWall) -> None:
        model.edit(lambda edits: edits.leave_out([name_of(2, 3)]))
        choose(view, "Films of this class", "Left out (1)")
        assert shown(wall) == [name_of(2, 3)]

    def test_by_finding(self, view: FilmsView, wall: FilmWall) -> None:
        choose(view, "Films with this finding", "Exact copies (2)")
        assert shown(wall) == list(COPIES.files)

    def test_by_file_name_whatever_its_case(self, view: FilmsView, wall: FilmWall) -> None:
        QTest.keyClicks(field(view, QLineEdit, "Search file names"), "normal/1002")
        assert shown(wall) == [name_of(1, 2)]

    def test_films_asked_for_by_others_until_all_are_wanted(
        self, view: FilmsView, wall: FilmWall
    ) -> None:
        view.show_only([name_of(1, 1), "a name from elsewhere"])
        assert shown(wall) == [name_of(1, 1)]
        press(view, "Show all films")
        assert len(shown(wall)) == N_FILMS

    def test_a_finding_whose_films_are_fixed_stays_chosen(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        choose(view, "Films with this finding", "Blank (2)")
        model.audited.emit(Report((COPIES,), None))
        assert shown(wall) == []
        assert field(view, QComboBox, "Films with this finding").currentText() == "Blank (0)"

    def test_the_pictures_have_the_size_that_is_chosen(
        self, view: FilmsView, wall: FilmWall
    ) -> None:
        before = wall.gridSize().height()
        choose(view, "Size of the pictures", "Large")
        assert wall.gridSize().height() > before
        assert wall.gridSize().width() >= LARGE_PX

    def test_ctrl_f_goes_to_the_search_field(self, view: FilmsView, wall: FilmWall) -> None:
        wall.setFocus()
        QTest.keyClick(wall, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        assert field(view, QLineEdit, "Search file names").hasFocus()


class TestEdits:
    def test_delete_leaves_the_chosen_films_out(self, model: DataViewModel, wall: FilmWall) -> None:
        wall.select([0, 5])
        wall.setFocus()
        QTest.keyClick(wall, Qt.Key.Key_Delete)
        assert model.dataset is not None
        assert model.dataset.edits.left_out == {name_of(0, 0), name_of(1, 1)}

    def test_delete_in_the_search_field_deletes_letters_only(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        wall.select([0])
        search = field(view, QLineEdit, "Search file names")
        search.setText("00")
        search.setFocus()
        search.setCursorPosition(0)
        QTest.keyClick(search, Qt.Key.Key_Delete)
        assert search.text() == "0"
        assert model.dataset is not None
        assert not model.dataset.edits.left_out

    def test_films_are_taken_back(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        model.edit(lambda edits: edits.leave_out([name_of(0, 0), name_of(0, 1)]))
        wall.select([0])
        press(view, "Take back")
        assert model.dataset is not None
        assert model.dataset.edits.left_out == {name_of(0, 1)}

    def test_undo_and_redo_by_keys(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        wall.select([0])
        press(view, "Leave out")
        wall.setFocus()
        QTest.keyClick(wall, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert model.dataset is not None
        assert not model.dataset.edits.left_out
        both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        QTest.keyClick(wall, Qt.Key.Key_Z, both)
        assert model.dataset.edits.left_out == {name_of(0, 0)}

    def test_the_chosen_films_get_another_class(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        wall.select([0, 1])
        menu = QMenu(view)
        view._actions.add_to(menu)
        classes = action(menu, "Set class").menu()
        action(classes, "Viral pneumonia").trigger()
        assert model.dataset is not None
        assert model.dataset.edits.classes == dict.fromkeys(
            (name_of(0, 0), name_of(0, 1)), "Viral_Pneumonia"
        )

    def test_nothing_can_be_done_with_no_film(self, view: FilmsView, wall: FilmWall) -> None:
        wall.select([])
        for text in ("Undo", "Redo", "Leave out", "Take back", "Set class"):
            assert not button(view, text).isEnabled()

    def test_the_choice_stays_after_an_edit(
        self, view: FilmsView, model: DataViewModel, wall: FilmWall
    ) -> None:
        wall.select([3, 7])
        press(view, "Leave out")
        assert wall.selected() == [3, 7]

    @pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # offscreen
    def test_the_menu_offers_what_the_buttons_do(self, view: FilmsView, wall: FilmWall) -> None:
        wall.select([0])
        wall.menu_wanted.emit(view.mapToGlobal(QPoint(50, 50)))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        texts = [one.text() for one in menu.actions() if not one.isSeparator()]
        assert texts == ["Show large", "Leave out", "Take back", "Set class", "Undo", "Redo"]
        menu.close()


class TestOneFilm:
    @pytest.fixture
    def zoom(self, view: FilmsView) -> Iterator[FilmZoom]:
        zoom = view.findChild(FilmZoom)
        yield zoom
        zoom.close()

    @pytest.fixture
    def wanted(self, view: FilmsView) -> list[Record]:
        wanted: list[Record] = []
        view.film_wanted.connect(wanted.append)
        return wanted

    def test_its_small_picture_is_shown_while_the_film_is_read(
        self, view: FilmsView, wall: FilmWall, zoom: FilmZoom, wanted: list[Record]
    ) -> None:
        wall.film_opened.emit(5)
        assert zoom.isVisible()
        assert any("Normal · 200 × 100 · PNG" in text for text in label_texts(zoom))
        assert [record.name for record in wanted] == [name_of(1, 1)]
        view.show_film(name_of(0, 0), np.zeros((10, 10), np.uint8))  # too late
        assert zoom.windowTitle() == name_of(1, 1)
        view.show_film(name_of(1, 1), None, Message("The drive is gone."))
        assert not button(zoom, "Fit").isEnabled()
        assert zoom.findChild(FilmPane).accessibleDescription() == "The drive is gone."

    def test_the_arrow_keys_go_through_the_films_on_the_wall(
        self, view: FilmsView, wall: FilmWall, zoom: FilmZoom, wanted: list[Record]
    ) -> None:
        view.show_only([name_of(0, 1), name_of(1, 1), name_of(2, 1)])
        wall.film_opened.emit(1)
        zoom.next_wanted.emit()
        zoom.next_wanted.emit()  # there is none
        zoom.previous_wanted.emit()
        zoom.previous_wanted.emit()
        names = [record.name for record in wanted]
        assert names == [name_of(label, 1) for label in (1, 2, 1, 0)]
        assert wall.selected() == [0]

    def test_a_film_that_was_filtered_away_still_has_neighbours(
        self, view: FilmsView, wall: FilmWall, zoom: FilmZoom
    ) -> None:
        wall.film_opened.emit(5)
        view.show_only([name_of(0, 1), name_of(2, 1)])
        zoom.next_wanted.emit()
        assert zoom.windowTitle() == name_of(2, 1)

    def test_it_is_opened_by_its_name(self, view: FilmsView, zoom: FilmZoom) -> None:
        view.open_film(name_of(2, 0))
        assert zoom.windowTitle() == name_of(2, 0)

    def test_it_closes_when_another_dataset_comes(
        self, model: DataViewModel, wall: FilmWall, zoom: FilmZoom
    ) -> None:
        wall.film_opened.emit(5)
        bring(model, make_dataset(2))
        assert not zoom.isVisible()


def test_class_names_are_shown_as_they_are(
    qtbot: QtBot, model: DataViewModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_dataset, "CLASSES", ("<b>A</b> & B", "C\tD", "E"))
    bring(model, make_dataset())
    view = FilmsView(model)
    qtbot.addWidget(view)
    menu = QMenu(view)
    view._actions.add_to(menu)
    texts = [one.text() for one in action(menu, "Set class").menu().actions()]
    assert texts == ["<b>A</b> && B", "C D", "E"]
    box = field(view, QComboBox, "Films of this class")
    assert box.itemText(1) == "<b>A</b> & B (4)"
