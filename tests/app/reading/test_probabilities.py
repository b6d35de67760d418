import math

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QListView
from pytestqt.qtbot import QtBot

from app.reading.probabilities import MAX_ROWS, ProbabilityBars
from app.widgets.labels import Chip
from tests.app.hands import label_texts
from tests.app.reading.foreign_words import HOSTILE_NAMES, speak_tilde

NAMES = ["Normal", "Viral pneumonia", "COVID-19"]
NUMBERS = [0.06, 0.52, 0.42]


@pytest.fixture
def bars(qtbot: QtBot, colours: dict[str, str]) -> ProbabilityBars:
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.show_colours(colours)
    bars.resize(280, 300)
    bars.show_answer(NAMES, NUMBERS, [1, 2], is_calibrated=True)
    bars.show()
    return bars


def rows(bars: ProbabilityBars) -> list[str]:
    """Return the words that assistive software reads, from the top."""
    model = bars.findChild(QListView).model()
    return [
        model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)
        for row in range(model.rowCount())
    ]


def chip(bars: ProbabilityBars) -> str:
    return bars.findChild(Chip).words


def click(bars: ProbabilityBars, row: int) -> None:
    view = bars.findChild(QListView)
    place = view.visualRect(view.model().index(row, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


class TestWhatItSays:
    def test_rows_go_from_the_most_probable_down_and_say_what_is_possible(
        self, bars: ProbabilityBars
    ) -> None:
        assert rows(bars) == [
            "Viral pneumonia 52.0%, possible",
            "COVID-19 42.0%, possible",
            "Normal 6.0%, ruled out",
        ]
        assert "Not sure: 2 classes remain possible." in label_texts(bars)

    def test_a_sure_answer_marks_nothing_as_possible(self, bars: ProbabilityBars) -> None:
        bars.show_answer(NAMES, [0.02, 0.97, 0.01], [1], is_calibrated=True)
        assert rows(bars)[0] == "Viral pneumonia 97.0%"
        assert "One class remains possible." in label_texts(bars)

    @pytest.mark.parametrize("candidates", [[], [1, 2, 0]])
    def test_where_nothing_is_ruled_out_it_says_so(
        self, bars: ProbabilityBars, candidates: list[int]
    ) -> None:
        bars.show_answer(NAMES, NUMBERS, candidates, is_calibrated=True)
        assert "Not sure: no class can be ruled out." in label_texts(bars)
        assert not any("ruled out" in row for row in rows(bars))

    def test_uncalibrated_numbers_rule_nothing_out(self, bars: ProbabilityBars) -> None:
        bars.show_answer(NAMES, NUMBERS, [1], is_calibrated=False)
        assert rows(bars) == ["Viral pneumonia 52.0%", "COVID-19 42.0%", "Normal 6.0%"]
        assert "A ranking, not odds." in label_texts(bars)

    def test_a_word_with_a_reason_tells_calibrated_from_not(self, bars: ProbabilityBars) -> None:
        assert chip(bars) == "calibrated"
        assert "about 80% were right" in bars.findChild(Chip).toolTip()
        bars.show_answer(NAMES, NUMBERS, [1], is_calibrated=False)
        assert chip(bars) == "uncalibrated"
        assert "too sure" in bars.findChild(Chip).toolTip()

    def test_what_is_no_number_comes_last(self, bars: ProbabilityBars) -> None:
        bars.show_answer(NAMES, [math.nan, 0.4, 0.6], [2], is_calibrated=True)
        assert rows(bars)[-1].startswith("Normal –")
        bars.grab()

    def test_without_a_film_there_is_nothing(self, bars: ProbabilityBars) -> None:
        bars.show_answer([], [], [], is_calibrated=False)
        assert rows(bars) == []
        assert bars.chosen_class is None
        assert not bars.findChild(Chip).isVisible()
        bars.grab()

    def test_it_speaks_another_language(self, bars: ProbabilityBars) -> None:
        bars.choose_class(2)
        speak_tilde(bars)
        assert "~Probabilities" in label_texts(bars)
        assert chip(bars) == "~calibrated"
        assert "~possible" in rows(bars)[0]
        assert bars.chosen_class == 2


class TestChoosing:
    def test_at_first_the_map_is_of_the_most_probable_class(self, bars: ProbabilityBars) -> None:
        assert bars.chosen_class == 1

    def test_a_click_chooses_a_class(self, qtbot: QtBot, bars: ProbabilityBars) -> None:
        with qtbot.waitSignal(bars.class_chosen) as chosen:
            click(bars, 2)
        assert chosen.args == [0]
        assert bars.chosen_class == 0

    def test_so_do_the_keys(self, qtbot: QtBot, bars: ProbabilityBars) -> None:
        with qtbot.waitSignal(bars.class_chosen) as chosen:
            QTest.keyClick(bars.findChild(QListView), Qt.Key.Key_Down)
        assert chosen.args == [2]

    def test_the_first_letters_of_a_name_find_it(self, qtbot: QtBot, bars: ProbabilityBars) -> None:
        with qtbot.waitSignal(bars.class_chosen) as chosen:
            QTest.keyClicks(bars.findChild(QListView), "norm")
        assert chosen.args == [0]

    def test_the_tabulator_reaches_it(self, bars: ProbabilityBars) -> None:
        assert bars.findChild(QListView).focusPolicy() & Qt.FocusPolicy.TabFocus

    def test_choosing_for_the_user_is_not_told(self, qtbot: QtBot, bars: ProbabilityBars) -> None:
        with qtbot.assertNotEmitted(bars.class_chosen):
            bars.choose_class(0)
            bars.show_answer(NAMES, NUMBERS, [1], is_calibrated=True, chosen=2)
        assert bars.chosen_class == 2

    def test_a_class_that_is_not_there_changes_nothing(self, bars: ProbabilityBars) -> None:
        bars.choose_class(99)
        assert bars.chosen_class == 1


class TestRoom:
    def test_a_thousand_classes_take_the_room_of_a_few(self, bars: ProbabilityBars) -> None:
        few = [1 / MAX_ROWS] * MAX_ROWS
        bars.show_answer([str(n) for n in range(MAX_ROWS)], few, [0], is_calibrated=True)
        height = bars.sizeHint().height()
        bars.show_answer([str(n) for n in range(1000)], [0.001] * 1000, [7], is_calibrated=True)
        assert len(rows(bars)) == 1000
        assert bars.sizeHint().height() == height
        bars.grab()

    def test_the_class_that_is_chosen_is_scrolled_to(self, bars: ProbabilityBars) -> None:
        numbers = [(1000 - n) / 500500 for n in range(1000)]
        bars.show_answer([str(n) for n in range(1000)], numbers, [0], is_calibrated=True)
        bars.choose_class(700)
        view = bars.findChild(QListView)
        assert view.viewport().rect().contains(view.visualRect(view.currentIndex()))

    @pytest.mark.parametrize("width", [1, 40, 280])
    def test_hostile_names_are_text_and_ask_for_no_room(
        self, bars: ProbabilityBars, width: int
    ) -> None:
        n = len(HOSTILE_NAMES)
        least = bars.minimumSizeHint().width()
        bars.show_answer(HOSTILE_NAMES, [1 / n] * n, range(n), is_calibrated=True)
        assert bars.minimumSizeHint().width() == least
        bars.setMinimumWidth(1)
        bars.resize(width, 300)
        bars.grab()
        view = bars.findChild(QListView)
        place = view.visualRect(view.model().index(0, 0))
        tips = [view.model().index(row, 0).data(Qt.ItemDataRole.ToolTipRole) for row in range(n)]
        assert place.topLeft() == QPoint(0, 0)
        assert not any("<b>" in tip for tip in tips)
        assert all(
            label.textFormat() == Qt.TextFormat.PlainText for label in bars.findChildren(QLabel)
        )

    def test_it_draws_before_it_knows_a_theme(self, qtbot: QtBot) -> None:
        bare = ProbabilityBars()
        qtbot.addWidget(bare)
        bare.show_answer(NAMES, NUMBERS, [1], is_calibrated=True)
        bare.grab()
