import numpy as np
import pytest
from PySide6.QtWidgets import QLabel, QTabBar
from pytestqt.qtbot import QtBot

from app.training.plots import ACCURACY, ALL, GAP, LOG, LOSS, RATE, GapPlot, PlotDeck, RatePlot
from app.widgets.cards import FigureGrid, OfferBar
from app.widgets.plot import PlotColours
from core.training.history import History
from tests.app.training.made_histories import add_batches, end_epoch

COLOURS = PlotColours("#101010", "#eeeeee", "#333333", "#3355ff", "#ff7722")
SMALL, LARGE = (520, 400), (1200, 800)


@pytest.fixture
def deck(qtbot: QtBot) -> PlotDeck:
    deck = PlotDeck(QLabel("what happened"))
    deck.show_colours(COLOURS)
    qtbot.addWidget(deck)
    deck.resize(*SMALL)
    deck.show()
    return deck


def shown(deck: PlotDeck) -> list[int]:
    """The tabs whose content is visible."""
    parts = (deck.loss, deck.accuracy, deck.gap, deck.rate, deck._log)
    return [number for number, part in enumerate(parts, start=LOSS) if part.isVisible()]


class TestTabs:
    def test_much_room_shows_all_until_the_user_chooses(self, deck: PlotDeck) -> None:
        assert (deck.choice, shown(deck)) == (LOSS, [LOSS])
        deck.resize(*LARGE)
        assert (deck.choice, shown(deck)) == (ALL, [LOSS, ACCURACY, GAP, RATE, LOG])
        deck.resize(*SMALL)
        for choice in (ACCURACY, GAP, RATE, LOG, LOSS):
            deck.findChild(QTabBar).setCurrentIndex(choice)
            assert shown(deck) == [choice]
        deck.resize(*LARGE)
        assert shown(deck) == [LOSS]


def two_epochs() -> History:
    history = History()
    for training, validation in ((0.6, 0.62), (0.8, 0.7)):
        add_batches(history, np.ones(2))
        end_epoch(history, 0.5, training, validation)
    return history


class TestEpochs:
    def test_a_chosen_epoch_is_told_and_let_go_by_a_second_click(
        self, deck: PlotDeck, qtbot: QtBot
    ) -> None:
        deck.show_history(two_epochs())
        told: list[int] = []
        deck.epoch_chosen.connect(told.append)
        deck.accuracy.clicked_at.emit(1.0)
        assert deck.gap._span.getRegion() == (0.5, 1.5)
        deck.loss.clicked_at.emit(1.0)
        assert told == [1, 1]
        assert not deck.gap._span.isVisible()

    def test_an_epoch_without_validation_has_no_gap(self, deck: PlotDeck) -> None:
        history = History()
        end_epoch(history, None, 0.9, None)
        deck.show_history(history)
        assert len(deck.gap.series()[0].x) == 0

    def test_a_new_run_begins_with_empty_plots(self, deck: PlotDeck) -> None:
        deck.show_history(two_epochs())
        deck.show_history(History())
        parts = (deck.loss, deck.accuracy, deck.gap)
        assert [len(one.x) for part in parts for one in part.series()] == [0] * 9


class TestGapPlot:
    @pytest.fixture
    def gap(self, qtbot: QtBot) -> GapPlot:
        gap = GapPlot()
        gap.show_colours(COLOURS)
        gap.show_words("Epoch", "Gap", "gap", "training", "validation")
        qtbot.addWidget(gap)
        gap.show_history(two_epochs())
        gap.redraw()
        return gap

    def test_the_bars_are_training_minus_validation(self, gap: GapPlot) -> None:
        assert gap._bars.opts["height"].tolist() == pytest.approx([-2, 10])
        low, high = gap._box.viewRange()[1]
        assert low <= -2
        assert high >= 10
        assert [one.y.tolist() for one in gap.series()[1:]] == [[60, 80], [62, 70]]

    def test_a_click_at_a_bar_chooses_its_epoch(self, gap: GapPlot) -> None:
        chosen: list[int] = []
        gap.epoch_chosen.connect(chosen.append)
        for x in (1.3, 1.6, 2.6, 0.2):
            gap.clicked_at.emit(x)
        assert chosen == [1, 2]


class TestRatePlot:
    @pytest.fixture
    def rate(self, qtbot: QtBot) -> RatePlot:
        rate = RatePlot()
        rate.show_colours(COLOURS)
        qtbot.addWidget(rate)
        return rate

    def test_the_rates_are_drawn_over_epochs(self, rate: RatePlot) -> None:
        rate.show_rates(np.array([1.0, 2.0, 1.0, 0.5]), 2)
        assert rate.series()[0].x.tolist() == [0.5, 1.0, 1.5, 2.0]

    def test_the_mark_is_there_while_training_is_somewhere(self, rate: RatePlot) -> None:
        history = History()
        rate.show_history(history)
        rate.redraw()
        assert not rate._now.isVisible()
        add_batches(history, np.ones(50))
        rate.mark_stale()
        rate.redraw()
        assert rate._now.isVisible()
        assert rate._now.value() == 0.5


@pytest.mark.parametrize(("width", "rows"), [(900, 1), (560, 2), (260, 4)])
def test_figures_take_the_rows_that_the_width_asks_for(qtbot: QtBot, width: int, rows: int) -> None:
    grid = FigureGrid(7)
    qtbot.addWidget(grid)
    for figure in grid.figures:
        figure.show_value("1", "one")
    grid.show()
    grid.resize(width, 100)
    grid.layout().activate()
    assert len({figure.y() for figure in grid.figures}) == rows


class TestOfferBar:
    def test_taking_the_offer_tells_and_hides_it_putting_it_off_hides_it(
        self, qtbot: QtBot
    ) -> None:
        bar, taken = OfferBar(), []
        qtbot.addWidget(bar)
        bar.taken.connect(lambda: taken.append(True))
        for button, n_taken in ((bar._take, 1), (bar._later, 1)):
            bar.show()
            button.click()
            assert (len(taken), bar.isVisible()) == (n_taken, False)
