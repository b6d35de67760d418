"""The list in use: films come, are chosen, compared, searched and removed."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from app.reading import film_list_model as delegate_module
from app.reading.film_list import ReadingList, ReadingListView
from app.reading.film_list_model import ListedFilm
from core.errors import Message
from core.prediction.reading import FilmResult
from core.prediction.verdict import Level
from tests.app.hands import wait_until
from tests.app.reading import rows

COLOURS = {"good": "#00ff00", "danger": "#ff0000", "warning": "#ffff00", "field": "#101010"}
CLASSES = ("COVID-19", "Normal", "Viral pneumonia")
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NO_KEYS = Qt.KeyboardModifier.NoModifier


def film(key: int, name: str = "", label: int = 1, **values: Any) -> FilmResult:
    return rows.film(key, name or f"set/film {key}.png", label, 0.5 + key / 1000, **values)


REFUSED = rows.refused(99, "notes.txt", Message("It is a text."))


class Told:
    """Signals of the list."""

    def __init__(self, shown: ReadingList) -> None:
        self.chosen: list[int] = []
        self.several: list[list[int]] = []
        self.opened: list[int] = []
        self.unwanted: list[list[int]] = []
        self.arranged: list[bool] = []
        shown.film_chosen.connect(self.chosen.append)
        shown.rows_chosen.connect(self.several.append)
        shown.film_opened.connect(self.opened.append)
        shown.removal_wanted.connect(self.unwanted.append)
        shown.arranged.connect(lambda: self.arranged.append(True))


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[ReadingList]:
    shown = ReadingList()
    qtbot.addWidget(shown)
    shown.set_classes(CLASSES)
    shown.show_colours(COLOURS)
    shown.resize(300, 600)
    shown.show()
    qtbot.waitExposed(shown)
    shown.activateWindow()
    shown.setFocus()
    yield shown
    shown.close()


@pytest.fixture
def told(shown: ReadingList) -> Told:
    return Told(shown)


def view(shown: ReadingList) -> ReadingListView:
    return shown.findChildren(ReadingListView)[0]


def fill(shown: ReadingList, n_films: int = 10) -> None:
    shown.add_rows([film(key) for key in range(n_films)])
    assert len(shown.keys_in_order()) == n_films


def click(shown: ReadingList, row: int, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
    place = view(shown).visualRect(view(shown).model().index(row, 0)).center()
    QTest.mouseClick(view(shown).viewport(), Qt.MouseButton.LeftButton, keys, place)


def key(shown: ReadingList, which: Qt.Key, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
    QTest.keyClick(view(shown), which, keys)


def pick(shown: ReadingList, text: str) -> None:
    """Choose an entry of one of the two boxes."""
    for box in shown.findChildren(QComboBox):
        if (place := box.findText(text)) >= 0:
            box.setCurrentIndex(place)
            return
    raise AssertionError(f"no box offers {text!r}")


def search(shown: ReadingList, words: str) -> None:
    shown.findChildren(QLineEdit)[0].setText(words)


def count(shown: ReadingList) -> str:
    return shown.findChildren(QLabel)[0].text()


class TestArrival:
    def test_films_appear_together_a_moment_later(self, shown: ReadingList, told: Told) -> None:
        for number in range(50):
            shown.add_rows([film(number)])
        assert view(shown).model().rowCount() == 0
        wait_until(lambda: view(shown).model().rowCount() == 50)
        assert told.arranged == [True]
        assert count(shown) == "50 films"

    def test_the_first_film_is_looked_at(self, shown: ReadingList, told: Told) -> None:
        shown.add_rows([REFUSED, film(1), film(2)])
        shown.keys_in_order()
        shown.add_rows([film(3)])
        shown.keys_in_order()
        assert told.chosen == [1]

    def test_a_refusal_is_looked_at_where_there_is_nothing_else(
        self, shown: ReadingList, told: Told
    ) -> None:
        shown.add_rows([REFUSED])
        shown.keys_in_order()
        assert told.chosen == [99]

    def test_what_is_known_later_replaces_what_was_said(self, shown: ReadingList) -> None:
        shown.add_rows([film(1)])
        shown.update_row(film(1, "set/before it was shown.png"))
        assert shown.keys_in_order() == [1]
        index = view(shown).model().index(0, 0)
        assert index.data() == "set/before it was shown.png"
        shown.update_row(film(1, "set/after.png"))
        shown.add_rows([film(1, "set/again.png")])
        assert shown.keys_in_order() == [1]
        assert index.data() == "set/again.png"
        shown.update_row(film(7))  # was removed meanwhile
        assert shown.keys_in_order() == [1]

    def test_the_chosen_film_stays_where_it_is_seen_while_others_come(
        self, shown: ReadingList, told: Told
    ) -> None:
        fill(shown, 60)
        pick(shown, "Most probable")
        shown.choose(30)
        view(shown).verticalScrollBar().setValue(view(shown).verticalScrollBar().value() + 100)
        place = view(shown).visualRect(view(shown).currentIndex()).top()
        assert view(shown).verticalScrollBar().value() > 0
        shown.add_rows([film(number) for number in range(400, 420)])
        assert shown.keys_in_order()[0] == 419
        assert view(shown).visualRect(view(shown).currentIndex()).top() == place
        assert view(shown).selected() == [30]
        assert told.chosen == [0, 30]

    def test_at_the_top_one_sees_what_comes_there(self, shown: ReadingList) -> None:
        fill(shown, 60)
        pick(shown, "Most probable")
        assert view(shown).verticalScrollBar().value() == 0
        shown.add_rows([film(number) for number in range(400, 420)])
        shown.keys_in_order()
        assert view(shown).verticalScrollBar().value() == 0

    def test_ten_thousand_films_come_and_are_sorted(self, shown: ReadingList) -> None:
        fill(shown, 10_000)
        pick(shown, "Least probable")
        pick(shown, "Most probable")
        assert shown.keys_in_order()[0] == 9999
        assert count(shown) == "10,000 films"

    def test_cleared_it_is_as_new(self, shown: ReadingList, told: Told) -> None:
        fill(shown)
        search(shown, "film 3")
        shown.add_rows([film(50)])
        shown.clear()
        assert (shown.keys_in_order(), shown.chosen, count(shown)) == ([], None, "0 films")
        shown.add_rows([film(3), film(4)])
        assert shown.keys_in_order() == [3, 4]
        assert told.chosen == [0, 3]


class TestChoosing:
    def test_arrows_walk_and_tell_each_film(self, shown: ReadingList, told: Told) -> None:
        fill(shown)
        for which in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
            key(shown, which)
        assert told.chosen == [0, 1, 2, 1]
        assert shown.chosen == 1

    def test_enter_and_a_double_click_open(self, shown: ReadingList, told: Told) -> None:
        fill(shown)
        key(shown, Qt.Key.Key_Return)
        place = view(shown).visualRect(view(shown).model().index(2, 0)).center()
        click(shown, 2)
        QTest.mouseDClick(view(shown).viewport(), Qt.MouseButton.LeftButton, NO_KEYS, place)
        assert told.opened == [0, 2]

    def test_two_to_four_films_are_compared(self, shown: ReadingList, told: Told) -> None:
        fill(shown)
        click(shown, 4)
        for row in (1, 6, 2, 3):
            click(shown, row, CONTROL)
        assert told.several == [[1, 4], [1, 4, 6], [1, 2, 4, 6]]
        assert told.chosen == [0, 4]
        assert count(shown) == "5 films chosen; up to 4 can be compared."
        click(shown, 3)
        assert told.chosen == [0, 4, 3]
        assert count(shown) == "10 films"

    def test_after_comparing_the_same_film_alone_is_told_again(
        self, shown: ReadingList, told: Told
    ) -> None:
        fill(shown)
        key(shown, Qt.Key.Key_Down, SHIFT)
        assert told.several == [[0, 1]]
        click(shown, 0)
        assert told.chosen == [0, 0]

    def test_steps_go_through_the_films_as_they_are_shown(
        self, shown: ReadingList, told: Told
    ) -> None:
        fill(shown)
        pick(shown, "Most probable")
        assert shown.keys_in_order() == list(range(9, -1, -1))
        assert not shown.step(1)  # film 0 is the last now
        assert shown.step(-1)
        assert shown.step(-3)
        assert told.chosen == [0, 1, 4]
        assert view(shown).selected() == [4]

    def test_steps_lead_from_a_hidden_film_to_its_neighbours(
        self, shown: ReadingList, told: Told
    ) -> None:
        shown.add_rows([film(number, label=number % 3) for number in range(9)])
        shown.choose(4)
        pick(shown, "COVID-19")
        assert shown.keys_in_order() == [0, 3, 6]
        assert (shown.chosen, view(shown).selected()) == (4, [])
        assert shown.step(1)
        assert told.chosen == [0, 4, 6]

    def test_steps_in_an_empty_list_lead_nowhere(self, shown: ReadingList) -> None:
        assert not shown.step(1)

    def test_a_hidden_film_can_be_chosen(self, shown: ReadingList, told: Told) -> None:
        shown.add_rows([film(number, label=number % 3) for number in range(9)])
        pick(shown, "COVID-19")
        shown.choose(1)
        shown.choose(77)
        assert (told.chosen, shown.chosen, view(shown).selected()) == ([0, 1], 1, [])
        pick(shown, "All films")
        assert view(shown).selected() == [1]
        assert told.chosen == [0, 1]

    def test_letters_are_left_to_the_viewer(self, shown: ReadingList, told: Told) -> None:
        shown.add_rows([film(0, "a.png"), film(1, "i.png")])
        shown.keys_in_order()
        key(shown, Qt.Key.Key_I)
        assert told.chosen == [0]


class TestNarrowing:
    def test_the_count_tells_how_many_are_shown(self, shown: ReadingList) -> None:
        shown.add_rows([*[film(number, label=number % 3) for number in range(71)], REFUSED])
        pick(shown, "Normal")
        assert shown.keys_in_order() == list(range(1, 71, 3))
        assert count(shown) == "24 of 72 films"
        pick(shown, "Refused")
        assert shown.keys_in_order() == [99]

    def test_names_are_searched_as_one_types(self, shown: ReadingList, told: Told) -> None:
        fill(shown, 30)
        key(shown, Qt.Key.Key_F, CONTROL)
        field = shown.findChildren(QLineEdit)[0]
        assert field.hasFocus()
        QTest.keyClicks(field, "film 2")
        assert shown.keys_in_order() == [2, 12, *range(20, 30)]
        QTest.keyClick(field, Qt.Key.Key_Down)
        assert view(shown).hasFocus()
        key(shown, Qt.Key.Key_F, CONTROL)
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert count(shown) == "30 films"
        assert view(shown).hasFocus()
        assert told.chosen == [0]

    def test_films_that_are_compared_and_hidden_are_not_compared_any_more(
        self, shown: ReadingList, told: Told
    ) -> None:
        fill(shown)
        for row in (1, 2):
            click(shown, row, CONTROL)
        search(shown, "film 2")
        assert told.several == [[0, 1], [0, 1, 2]]
        assert told.chosen == [0, 2]

    def test_where_nothing_matches_it_says_so(self, shown: ReadingList) -> None:
        fill(shown)
        before = view(shown).grab().toImage()
        search(shown, "nothing is called this")
        assert count(shown) == "0 of 10 films"
        assert view(shown).grab().toImage() != before

    def test_another_model_s_classes_take_the_place_of_the_old(self, shown: ReadingList) -> None:
        fill(shown)
        pick(shown, "Viral pneumonia")
        assert shown.keys_in_order() == []
        shown.set_classes(("Ill", "Well"))
        assert len(shown.keys_in_order()) == 10
        pick(shown, "Well")
        assert len(shown.keys_in_order()) == 10

    def test_a_change_of_language_changes_no_choice(self, shown: ReadingList) -> None:
        fill(shown)
        pick(shown, "By name")
        pick(shown, "Normal")
        QApplication.sendEvent(shown, QEvent(QEvent.Type.LanguageChange))
        boxes = [box.currentText() for box in shown.findChildren(QComboBox)]
        assert boxes == ["Normal", "By name"]


class TestRemoval:
    def test_delete_asks_and_remove_does_it(self, shown: ReadingList, told: Told) -> None:
        fill(shown)
        shown.choose(3)
        key(shown, Qt.Key.Key_Delete)
        assert told.unwanted == [[3]]
        assert len(shown.keys_in_order()) == 10
        shown.remove([3])
        assert shown.keys_in_order() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        assert told.chosen == [0, 3, 4]
        shown.remove([9, 4, 5])
        assert told.chosen == [0, 3, 4, 6]

    def test_above_the_end_the_one_before_is_looked_at(
        self, shown: ReadingList, told: Told
    ) -> None:
        fill(shown, 3)
        shown.choose(2)
        shown.remove([2])
        assert told.chosen == [0, 2, 1]
        shown.remove([0, 1])
        assert (shown.chosen, shown.keys_in_order()) == (None, [])

    def test_others_may_go_without_a_word(self, shown: ReadingList, told: Told) -> None:
        fill(shown)
        shown.remove([5, 77])
        assert told.chosen == [0]
        assert view(shown).selected() == [0]

    def test_the_menu_removes_too(self, shown: ReadingList, told: Told) -> None:
        (remove,) = view(shown).actions()
        remove.trigger()
        assert told.unwanted == []
        fill(shown)
        remove.trigger()
        assert told.unwanted == [[0]]


class TestDrawing:
    def drawn(self, shown: ReadingList, row: ListedFilm) -> QImage:
        shown.clear()
        shown.add_rows([film(500), row])
        shown.keys_in_order()
        place = view(shown).visualRect(view(shown).model().index(1, 0))
        return view(shown).viewport().grab(place).toImage()

    def test_every_verdict_has_a_shape_of_its_own(self, shown: ReadingList) -> None:
        shown.show_colours({})  # all in grey
        levels: Sequence[Level] = ("no_warnings", "caution", "not_reliable", "cannot_be_checked")
        pictures = [self.drawn(shown, film(1, level=level)) for level in levels]
        for number, picture in enumerate(pictures):
            assert all(picture != other for other in pictures[number + 1 :])

    def test_right_and_wrong_are_a_tick_and_a_cross(self, shown: ReadingList) -> None:
        shown.show_colours({})
        unknown, right = self.drawn(shown, film(1)), self.drawn(shown, film(1, true_label=1))
        assert unknown != right
        shown.show_colours(COLOURS)
        picture = self.drawn(shown, film(1, true_label=0))
        colours = (picture.pixelColor(x, y) for x in range(80, 250) for y in range(40))
        assert any(colour.red() > 150 and colour.green() < 90 for colour in colours)

    def test_the_film_is_seen_in_its_own_proportion(self, shown: ReadingList) -> None:
        tall = np.full((96, 48), 200, np.uint8)
        picture = self.drawn(shown, film(1, thumbnail=tall))
        middle = picture.height() // 2
        columns = [x for x in range(80) if picture.pixelColor(x, middle) == QColor(200, 200, 200)]
        lines = [
            y for y in range(picture.height()) if picture.pixelColor(35, y) == QColor(200, 200, 200)
        ]
        assert len(lines) == pytest.approx(2 * len(columns), abs=3)

    @pytest.mark.parametrize(
        "odd",
        [
            film(1, thumbnail=np.zeros((0, 5), np.uint8)),
            film(1, thumbnail=np.zeros(5, np.uint8)),
            film(1, thumbnail=np.zeros((9, 9, 2), np.uint8)),
            film(1, thumbnail=np.zeros((1, 9000), np.uint8)),
            film(1, thumbnail=np.zeros((9, 9, 3), np.uint8)),
            film(1, thumbnail=np.zeros((9, 9), np.uint8)[::2, ::3]),
            film(1, "x" * 5000),
            film(1, "\u202eabc\n\n<b>.png"),
            film(1, thumbnail=None),
            rows.refused(1, "a.png", Message("word " * 500)),
            rows.refused(1, "a.png", Message("🫁" * 500)),
            rows.refused(1, "a.png", Message("{missing}")),
        ],
    )
    def test_whatever_a_row_holds_is_drawn(
        self, shown: ReadingList, odd: ListedFilm, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert not self.drawn(shown, odd).isNull()
        shown.resize(60, 300)
        assert not view(shown).viewport().grab().isNull()
        caplog.clear()

    def test_an_error_while_drawing_is_logged_and_no_more(
        self, shown: ReadingList, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_arguments: object) -> None:
            raise RuntimeError("no such shape")

        monkeypatch.setattr(delegate_module, "draw_verdict", fail)
        self.drawn(shown, film(1, level="caution"))
        assert "a row of the list cannot be drawn" in caplog.text

    def test_what_is_said_to_assistive_software_is_all_of_it(self, shown: ReadingList) -> None:
        shown.add_rows([film(0, "a.png", level="caution", true_label=1)])
        shown.keys_in_order()
        index = view(shown).model().index(0, 0)
        said = index.data(Qt.ItemDataRole.AccessibleTextRole)
        assert said == "a.png, Caution, Normal 50.0%, ✓ right, trained on"
