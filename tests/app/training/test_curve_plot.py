import math
from collections.abc import Iterable

import numpy as np
import pyqtgraph as pg
import pytest
from pytestqt.qtbot import QtBot

from app.training.plots import CurvePlot
from app.widgets.plot import PlotColours
from core.training.history import History
from tests.app.hands import wait_until
from tests.app.training.made_histories import add_batches, end_epoch

COLOURS = PlotColours("#101010", "#eeeeee", "#333333", "#3355ff", "#ff7722")


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def plot(qtbot: QtBot, history: History) -> CurvePlot:
    plot = CurvePlot("loss")
    plot.show_history(history)
    plot.show_colours(COLOURS)
    plot.resize(500, 300)
    qtbot.addWidget(plot)
    plot.show()  # what nobody sees is not drawn
    plot.redraw()
    return plot


def add(plot: CurvePlot, losses: Iterable[float]) -> None:
    add_batches(plot._history, losses)
    plot.mark_stale()


@pytest.fixture
def drawn(plot: CurvePlot, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count of batches each time that they were drawn."""
    counts: list[int] = []
    draw = CurvePlot.draw

    def noted(one: CurvePlot) -> None:
        draw(one)
        counts.append(one._history.n_batches)

    monkeypatch.setattr(CurvePlot, "draw", noted)
    return counts


def _items(plot: CurvePlot, kind: type) -> list[pg.GraphicsObject]:
    items = plot.findChild(pg.PlotWidget).getPlotItem().items
    return [item for item in items if isinstance(item, kind)]


def _box(plot: CurvePlot) -> pg.ViewBox:
    return plot.findChild(pg.PlotWidget).getPlotItem().getViewBox()


def _shown(plot: CurvePlot, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (0), the line (1) or the diamonds (2) as they are drawn."""
    x, y = _items(plot, pg.PlotDataItem)[place].getData()
    return (np.empty(0), np.empty(0)) if x is None else (x, y)


def test_points_wait_for_the_timer_and_are_then_drawn_at_once_and_once(
    plot: CurvePlot, drawn: list[int]
) -> None:
    for step in range(1000):
        add(plot, [1 / (1 + step)])
    assert drawn == []
    wait_until(lambda: bool(drawn))
    plot.redraw()
    assert drawn == [1000]


@pytest.mark.slow
def test_of_a_hundred_thousand_points_those_that_can_be_told_apart_are_drawn_and_zooming_shows_all(
    plot: CurvePlot,
) -> None:
    losses = 2 + np.sin(np.arange(100_000) / 5000)
    losses[[1234, 8765]] = 9.0, 0.1
    add(plot, losses)
    plot.show_length(100_000)
    plot.redraw()
    x, y = _shown(plot, 0)
    assert x[-1] > 99_700
    assert 1_000 <= len(x) < 4_000  # more take too long and look the same
    assert (y.max(), y.min()) == (9.0, 0.1)  # no peak is lost
    assert len(_shown(plot, 1)[0]) < 4_000
    assert not plot.grab().isNull()
    _box(plot).sigRangeChangedManually.emit([True, True])
    _box(plot).setXRange(50_000, 50_100, padding=0)
    assert len(_shown(plot, 0)[0]) == pytest.approx(101, abs=3)


def test_a_zoom_stays_while_points_come_until_the_whole_curve_is_wanted(plot: CurvePlot) -> None:
    add(plot, np.ones(500))
    plot.show_length(500)
    plot.redraw()
    _box(plot).sigRangeChangedManually.emit([True, True])
    _box(plot).setXRange(100, 200, padding=0)
    add(plot, [1.0])
    plot.redraw()
    assert _box(plot).viewRange()[0] == [100, 200]
    assert not plot._is_followed
    plot.show_whole()
    plot.redraw()
    assert _box(plot).viewRange()[0][1] > 500


def _shaded(plot: CurvePlot) -> tuple[float, float] | None:
    (span,) = _items(plot, pg.LinearRegionItem)
    return span.getRegion() if span.isVisible() else None


def end(plot: CurvePlot, loss: float | None = None) -> None:
    end_epoch(plot._history, loss, 0.5, None)
    plot.mark_stale()


def test_the_epoch_under_way_is_shaded_or_the_chosen_one(plot: CurvePlot) -> None:
    add(plot, np.ones(4))
    plot.redraw()
    assert _shaded(plot) == (0, 4)
    end(plot)
    add(plot, [1.0])
    plot.redraw()
    assert _shaded(plot) == (4, 5)
    plot.show_epoch(1)
    assert _shaded(plot) == (0, 4)
    plot.show_epoch(None)
    assert _shaded(plot) == (4, 5)


def test_a_click_chooses_the_epoch_under_it(plot: CurvePlot) -> None:
    for _ in range(2):
        add(plot, np.ones(2))
        end(plot, 1.0)
    chosen: list[int] = []
    plot.epoch_chosen.connect(chosen.append)
    for x in (0.5, 2.0, 2.1, 9.0, -1):
        plot.clicked_at.emit(x)
    assert chosen == [1, 1, 2]


def test_the_line_smooths_the_points_and_does_not_cling_to_the_first(plot: CurvePlot) -> None:
    noise = np.random.default_rng(0).normal(1.0, 0.3, 500)
    add(plot, [4.0, 2.0, 3.0, *noise])
    plot.redraw()
    _, smooth = _shown(plot, 1)
    assert smooth[:3].tolist() == pytest.approx([4.0, 3.0, 3.0], abs=0.1)
    assert smooth[100:].std() < 0.4 * noise[100:].std()
    assert smooth[-1] == pytest.approx(1.0, abs=0.2)


def test_validation_stands_at_the_end_of_its_epoch(plot: CurvePlot) -> None:
    add(plot, (1.0, 0.8, 0.5))
    end(plot, 0.7)
    add(plot, [0.4])
    end(plot, 0.6)
    plot.redraw()
    assert [one.tolist() for one in _shown(plot, 2)] == [[3, 4], [0.7, 0.6]]


def test_another_run_begins_anew(plot: CurvePlot) -> None:
    add(plot, [1.0])
    end(plot, 1.0)
    plot.redraw()
    plot.show_history(History())
    plot.redraw()
    assert [len(_shown(plot, place)[0]) for place in range(3)] == [0, 0, 0]
    add(plot, [5.0])
    plot.redraw()
    assert [one.tolist() for one in _shown(plot, 1)] == [[1], [5]]


def test_one_wild_batch_does_not_set_the_scale(plot: CurvePlot) -> None:
    add(plot, [1.0] * 500 + [1e6] + [1.0] * 500)
    plot.redraw()
    _, (low, high) = plot.findChild(pg.PlotWidget).viewRange()
    assert low <= 0
    assert high < 10


def test_the_axis_of_accuracy_stays(qtbot: QtBot) -> None:
    plot = CurvePlot("accuracy")
    qtbot.addWidget(plot)
    add_batches(plot._history, [1.0] * 50, 0.03)
    plot.mark_stale()
    plot.redraw()
    _, (low, high) = plot.findChild(pg.PlotWidget).viewRange()
    assert (low, high) == (pytest.approx(0, abs=15), pytest.approx(100, abs=15))


@pytest.mark.parametrize("losses", [(1.0, math.nan, math.inf, 0.5), (math.nan,)])
def test_a_loss_that_is_no_number_is_no_accident(
    plot: CurvePlot, losses: tuple[float, ...]
) -> None:
    add(plot, losses)
    plot.redraw()
    assert not plot.grab().isNull()
    _, (low, high) = plot.findChild(pg.PlotWidget).viewRange()
    assert math.isfinite(low)
    assert math.isfinite(high)
