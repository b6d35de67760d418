import numpy as np
import pytest
from PySide6.QtWidgets import QLabel, QTabBar
from pytestqt.qtbot import QtBot

from app.training.plots import ACCURACY, ALL, GAP, LOG, LOSS, RATE, GapPlot, PlotDeck, RatePlot
from app.widgets.cards import FigureGrid, OfferBar
from app.widgets.plot import PlotColours

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
    def test_little_room_shows_one_plot(self, deck: PlotDeck) -> None:
        assert (deck.choice, shown(deck)) == (LOSS, [LOSS])

    def test_much_room_shows_all(self, deck: PlotDeck) -> None:
        deck.resize(*LARGE)
        assert (deck.choice, shown(deck)) == (ALL, [LOSS, ACCURACY, GAP, RATE, LOG])

    @pytest.mark.parametrize("choice", [LOSS, ACCURACY, GAP, RATE, LOG])
    def test_a_tab_shows_its_plot_alone(self, deck: PlotDeck, choice: int) -> None:
        deck.choose(choice)
        assert shown(deck) == [choice]

    def test_what_the_user_chose_stays_however_large_the_window(self, deck: PlotDeck) -> None:
        deck.findChild(QTabBar).setCurrentIndex(GAP)
        deck.resize(*LARGE)
        assert shown(deck) == [GAP]


class TestEpochs:
    def test_a_chosen_epoch_is_told_and_let_go_by_a_second_click(
        self, deck: PlotDeck, qtbot: QtBot
    ) -> None:
        deck.extend(np.ones(4), np.ones(4))
        for epoch in (1, 2):
            deck.end_epoch(epoch, 0.9, 0.5, 0.8, 2 * epoch)
        told: list[int] = []
        deck.epoch_chosen.connect(told.append)
        deck.accuracy.clicked_at.emit(1.0)
        assert deck.gap._span.getRegion() == (0.5, 1.5)
        deck.loss.clicked_at.emit(1.0)
        assert told == [1, 1]
        assert not deck.gap._span.isVisible()

    def test_an_epoch_without_validation_has_no_gap(self, deck: PlotDeck) -> None:
        deck.add_batch(0.7, 0.5, 1.0)
        deck.end_epoch(1, 0.9, None, None)
        assert deck.gap.n_bars == 0

    def test_a_new_run_begins_with_empty_plots(self, deck: PlotDeck) -> None:
        deck.add_batch(0.7, 0.5, 1.0)
        deck.end_epoch(1, 0.9, 0.5, 0.8)
        deck.clear()
        assert (deck.loss.n_points, deck.accuracy.n_points, deck.gap.n_bars) == (0, 0, 0)


class TestGapPlot:
    @pytest.fixture
    def gap(self, qtbot: QtBot) -> GapPlot:
        gap = GapPlot()
        gap.show_colours(COLOURS)
        gap.show_words("Epoch", "Gap", "gap", "training", "validation")
        qtbot.addWidget(gap)
        for epoch, (training, validation) in enumerate([(60, 62), (80, 70)], start=1):
            gap.add(epoch, training, validation)
        gap.redraw()
        return gap

    def test_the_bars_are_training_minus_validation(self, gap: GapPlot) -> None:
        assert gap._bars.opts["height"].tolist() == [-2, 10]

    def test_the_axis_holds_gaps_below_zero(self, gap: GapPlot) -> None:
        low, high = gap._box.viewRange()[1]
        assert low <= -2
        assert high >= 10

    def test_the_cross_hair_knows_both_accuracies(self, gap: GapPlot) -> None:
        assert [one.y.tolist() for one in gap.series()[1:]] == [[60, 80], [62, 70]]

    @pytest.mark.parametrize(("x", "told"), [(1.3, [1]), (1.6, [2]), (2.6, []), (0.2, [])])
    def test_a_click_at_a_bar_chooses_its_epoch(
        self, gap: GapPlot, x: float, told: list[int]
    ) -> None:
        chosen: list[int] = []
        gap.epoch_chosen.connect(chosen.append)
        gap.clicked_at.emit(x)
        assert chosen == told


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
        rate.show_position(1.5)
        assert rate._now.isVisible()
        assert rate._now.value() == 1.5
        rate.show_position(None)
        assert not rate._now.isVisible()


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
    def test_taking_the_offer_tells_and_hides_it(self, qtbot: QtBot) -> None:
        bar = OfferBar()
        qtbot.addWidget(bar)
        bar.show()
        with qtbot.waitSignal(bar.taken):
            bar._take.click()
        assert not bar.isVisible()

    def test_putting_it_off_only_hides_it(self, qtbot: QtBot) -> None:
        bar = OfferBar()
        qtbot.addWidget(bar)
        bar.show()
        with qtbot.assertNotEmitted(bar.taken):
            bar._later.click()
        assert not bar.isVisible()
