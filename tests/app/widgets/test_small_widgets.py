import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QProgressBar, QToolButton
from pytestqt.qtbot import QtBot

from app.quiz.question import ScoreBars
from app.widgets.cards import ProgressCard
from app.widgets.labels import Figure
from app.widgets.tables import PlainTable
from app.widgets.window_parts import Rail
from core.errors import Message
from core.events import Progress
from core.runtime.threads import TimeLeft
from tests.app.hands import label_texts, press

ACCENT, MUTED, TRACK = "#00ff00", "#0000ff", "#ff0000"


class TestScoreBars:
    @pytest.fixture
    def bars(self, qtbot: QtBot) -> ScoreBars:
        bars = ScoreBars()
        bars.show_colours(ACCENT, MUTED, TRACK)
        qtbot.addWidget(bars)
        bars.resize(200, 200)
        return bars

    def drawn_px(self, bars: ScoreBars, colour: str) -> int:
        """How wide the widest run of a colour is."""
        picture, wanted = bars.grab().toImage(), QColor(colour).rgb()
        return max(
            sum(picture.pixel(x, y) == wanted for x in range(picture.width()))
            for y in range(picture.height())
        )

    def test_a_bar_is_as_long_as_its_probability(self, bars: ScoreBars) -> None:
        bars.show_scores(["a", "b"], [0.25, 0.75])
        assert self.drawn_px(bars, ACCENT) == pytest.approx(150, abs=6)
        assert self.drawn_px(bars, MUTED) == pytest.approx(50, abs=6)

    def test_the_most_probable_class_comes_first(self, bars: ScoreBars) -> None:
        bars.show_scores(["a", "b", "c"], [0.2, 0.7, 0.1])
        assert bars.accessibleName() == "b 70.0%, a 20.0%, c 10.0%"

    def test_there_is_a_row_a_class(self, bars: ScoreBars) -> None:
        heights = []
        for n in (1, 2, 4):
            bars.show_scores([str(index) for index in range(n)], [1 / n] * n)
            heights.append(bars.sizeHint().height())
        assert heights[1] == 2 * heights[0]
        assert heights[2] == 4 * heights[0]

    def test_a_probability_of_one_class_fills_the_bar(self, bars: ScoreBars) -> None:
        bars.show_scores(["a", "b"], [1.0, 0.0])
        assert self.drawn_px(bars, ACCENT) >= 190


class TestPlainTable:
    @pytest.fixture
    def table(self, qtbot: QtBot) -> PlainTable:
        table = PlainTable(stretched=0)
        table.show_header(["Class", "Films"])
        qtbot.addWidget(table)
        return table

    def test_new_rows_take_the_place_of_the_old(self, table: PlainTable) -> None:
        table.show_rows([("a", "1"), ("b", "2")])
        table.show_rows([("c", "3")])
        assert table.rowCount() == 1
        assert [table.item(0, column).text() for column in range(2)] == ["c", "3"]

    def test_numbers_and_their_title_stand_at_the_right(self, table: PlainTable) -> None:
        table.show_rows([("a", "1")], numbers=(1,))
        assert table.item(0, 1).textAlignment() & Qt.AlignmentFlag.AlignRight
        assert not table.item(0, 0).textAlignment() & Qt.AlignmentFlag.AlignRight
        assert table.horizontalHeaderItem(1).textAlignment() & Qt.AlignmentFlag.AlignRight

    def test_nothing_can_be_typed_into_it(self, table: PlainTable) -> None:
        table.show_rows([("a", "1")])
        table.show()
        QTest.mouseDClick(
            table.viewport(),
            Qt.MouseButton.LeftButton,
            pos=table.visualItemRect(table.item(0, 0)).center(),
        )
        QTest.keyClicks(table, "other")
        assert table.item(0, 0).text() == "a"

    def test_a_short_table_is_no_taller_than_its_rows(self, table: PlainTable) -> None:
        heights = []
        for n in (1, 3):
            table.show_rows([("a", "1")] * n)
            table.fit_height()
            heights.append(table.maximumHeight())
        assert heights[1] - heights[0] == 2 * table.rowHeight(0)


class TestFigure:
    def test_it_shows_its_number_and_what_it_is(self, qtbot: QtBot) -> None:
        figure = Figure()
        qtbot.addWidget(figure)
        figure.show()
        figure.show_value("96.2%", "accuracy")
        assert label_texts(figure) == ["96.2%", "accuracy"]
        assert figure.accessibleName() == "accuracy: 96.2%"


class TestProgressCard:
    @pytest.fixture
    def card(self, qtbot: QtBot) -> ProgressCard:
        card = ProgressCard()
        qtbot.addWidget(card)
        card.show()
        return card

    def test_it_shows_what_is_done_and_how_far(self, card: ProgressCard) -> None:
        card.show_progress(Progress(Message("Reading films"), 1200, 3886))
        assert label_texts(card) == ["Reading films …", "1,200 / 3,886"]
        bar = card.findChild(QProgressBar)
        assert (bar.value(), bar.maximum()) == (1200, 3886)

    def test_where_nobody_knows_the_end_it_only_moves(self, card: ProgressCard) -> None:
        card.show_progress(Progress(Message("Loading"), 0, 0))
        bar = card.findChild(QProgressBar)
        assert (bar.minimum(), bar.maximum()) == (0, 0)
        assert label_texts(card) == ["Loading …", ""]

    def test_its_button_gives_up(self, qtbot: QtBot, card: ProgressCard) -> None:
        with qtbot.waitSignal(card.cancelled):
            press(card, "Cancel")


class TestTimeLeft:
    """What the card says of the time, with a clock that the test sets."""

    @pytest.fixture
    def clock(self) -> list[float]:
        return [0.0]

    @pytest.fixture
    def card(self, qtbot: QtBot, clock: list[float]) -> ProgressCard:
        """A card that saw the first of 1,000 films."""
        card = ProgressCard(TimeLeft(lambda: clock[0]))
        qtbot.addWidget(card)
        card.show()
        card.show_progress(Progress(Message("Reading films"), 0, 1000))
        return card

    def test_at_first_it_says_nothing_of_the_time(self, card: ProgressCard) -> None:
        assert label_texts(card) == ["Reading films …", "0 / 1,000"]

    def test_it_says_how_long_the_stage_will_take(
        self, card: ProgressCard, clock: list[float]
    ) -> None:
        clock[0] = 10
        card.show_progress(Progress(Message("Reading films"), 100, 1000))
        assert label_texts(card)[1] == "100 / 1,000   about 1:30 left"

    def test_hours_are_hours(self, card: ProgressCard, clock: list[float]) -> None:
        clock[0] = 10
        card.show_progress(Progress(Message("Reading films"), 1, 1000))
        assert label_texts(card)[1] == "1 / 1,000   about 2:46:30 left"

    def test_the_next_stage_says_nothing_at_first(
        self, card: ProgressCard, clock: list[float]
    ) -> None:
        clock[0] = 10
        card.show_progress(Progress(Message("Reading films"), 100, 1000))
        card.show_progress(Progress(Message("Comparing films"), 200, 1000))
        assert label_texts(card) == ["Comparing films …", "200 / 1,000"]


class TestRail:
    @pytest.fixture
    def rail(self, qtbot: QtBot) -> Rail:
        rail = Rail(3)
        rail.show_words(["Data", "Train", "Read"], "中文", "Light")
        qtbot.addWidget(rail)
        rail.show()
        qtbot.waitExposed(rail)
        rail.activateWindow()
        return rail

    def test_a_press_chooses_a_page(self, qtbot: QtBot, rail: Rail) -> None:
        with qtbot.waitSignal(rail.page_chosen) as chosen:
            press(rail, "Read")
        assert chosen.args == [2]

    def test_one_page_is_down_at_a_time(self, rail: Rail) -> None:
        rail.choose(0)
        press(rail, "Train")
        down = [button.text() for button in rail.findChildren(QToolButton) if button.isChecked()]
        assert down == ["Train"]

    def test_choosing_for_the_user_is_not_told(self, qtbot: QtBot, rail: Rail) -> None:
        with qtbot.assertNotEmitted(rail.page_chosen):
            rail.choose(1)

    def test_pages_are_chosen_from_the_keyboard_in_any_language(
        self, qtbot: QtBot, rail: Rail
    ) -> None:
        rail.show_words(["数据", "训练", "阅片"], "English", "浅色")
        with qtbot.waitSignal(rail.page_chosen) as chosen:
            QTest.keyClick(rail, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
        assert chosen.args == [1]

    def test_language_and_theme_are_told(self, qtbot: QtBot, rail: Rail) -> None:
        with qtbot.waitSignals([rail.language_pressed, rail.theme_pressed]):
            press(rail, "中文")
            press(rail, "Light")
