import math

import numpy as np
import pyqtgraph as pg
import pytest
from pytestqt.qtbot import QtBot

from app.training.plots import CurvePlot
from app.widgets.plot import PlotColours
from tests.app.hands import wait_until

COLOURS = PlotColours("#101010", "#eeeeee", "#333333", "#3355ff", "#ff7722")


@pytest.fixture
def plot(qtbot: QtBot) -> CurvePlot:
    plot = CurvePlot()
    plot.show_colours(COLOURS)
    plot.resize(500, 300)
    qtbot.addWidget(plot)
    plot.show()  # what nobody sees is not drawn
    plot.redraw()
    return plot


@pytest.fixture
def drawn(plot: CurvePlot, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many points there were each time that points were drawn."""
    counts: list[int] = []
    set_data = pg.ScatterPlotItem.setData

    def noted(points: pg.ScatterPlotItem, *arguments: object, **values: object) -> None:
        set_data(points, *arguments, **values)
        if points is _item(plot, pg.ScatterPlotItem):  # the diamonds are points too
            counts.append(len(points.data))

    # Of the class: the plot is gone before this is undone.
    monkeypatch.setattr(pg.ScatterPlotItem, "setData", noted)
    return counts


def _item(plot: CurvePlot, kind: type) -> pg.GraphicsObject:
    items = plot.findChild(pg.PlotWidget).getPlotItem().items
    return next(item for item in items if isinstance(item, kind))


def _marks(plot: CurvePlot) -> list[tuple[float, float]]:
    x, y = _item(plot, pg.PlotDataItem).getOriginalDataset()
    return [] if x is None else list(zip(x, y, strict=True))


def test_points_wait_for_the_timer_and_are_then_drawn_at_once(
    plot: CurvePlot, drawn: list[int]
) -> None:
    for step in range(1000):
        plot.add(1 / (1 + step))
    assert drawn == []
    wait_until(lambda: bool(drawn))
    assert drawn == [1000]


def test_nothing_is_drawn_anew_when_nothing_came(plot: CurvePlot, drawn: list[int]) -> None:
    plot.add(1.0)
    plot.redraw()
    plot.redraw()
    assert drawn == [1]


def test_a_hundred_thousand_points_are_drawn(plot: CurvePlot, drawn: list[int]) -> None:
    for step in range(100_000):
        plot.add(2 + math.sin(step / 5000))
    plot.show_length(100_000)
    plot.redraw()
    assert plot.n_points == 100_000
    x, _ = _item(plot, pg.PlotCurveItem).getData()
    assert x[-1] == 100_000
    assert len(x) < 5_000  # more points take too long and look the same
    assert 2_000 <= drawn[-1] <= 4_000
    assert not plot.grab().isNull()


def test_zooming_in_shows_the_points_that_were_left_out(plot: CurvePlot, drawn: list[int]) -> None:
    plot.extend(np.ones(100_000))
    plot.show_length(100_000)
    plot.redraw()
    box = plot.findChild(pg.PlotWidget).getPlotItem().getViewBox()
    box.sigRangeChangedManually.emit([True, True])
    box.setXRange(50_000, 50_100, padding=0)
    plot.redraw()
    assert drawn[-1] == pytest.approx(101, abs=3)


def test_a_zoom_stays_while_points_come_until_the_whole_curve_is_wanted(plot: CurvePlot) -> None:
    box = plot.findChild(pg.PlotWidget).getPlotItem().getViewBox()
    plot.extend(np.ones(500))
    plot.show_length(500)
    plot.redraw()
    box.sigRangeChangedManually.emit([True, True])
    box.setXRange(100, 200, padding=0)
    plot.add(1.0)
    plot.redraw()
    assert box.viewRange()[0] == [100, 200]
    assert not plot.is_whole
    plot.show_whole()
    plot.redraw()
    assert box.viewRange()[0][1] > 500


def test_many_points_at_once_are_smoothed_like_one_after_the_other(
    qtbot: QtBot, plot: CurvePlot
) -> None:
    values = np.random.default_rng(1).normal(1.0, 0.3, 300)
    other = CurvePlot()
    qtbot.addWidget(other)
    for value in values:
        other.add(value)
    plot.extend(values[:200])
    for value in values[200:]:
        plot.add(value)
    for one in (plot, other):
        one.redraw()
    lines = [_item(one, pg.PlotCurveItem).getData()[1] for one in (plot, other)]
    np.testing.assert_allclose(*lines, rtol=1e-4)


def _shaded(plot: CurvePlot) -> tuple[float, float] | None:
    span = _item(plot, pg.LinearRegionItem)
    return span.getRegion() if span.isVisible() else None


def test_the_epoch_under_way_is_shaded(plot: CurvePlot) -> None:
    plot.extend(np.ones(4))
    plot.redraw()
    assert _shaded(plot) == (0, 4)
    plot.end_epoch(None)
    plot.add(1.0)
    plot.redraw()
    assert _shaded(plot) == (4, 5)


def test_a_chosen_epoch_is_shaded_instead(plot: CurvePlot) -> None:
    plot.extend(np.ones(6))
    for end in (2, 4, 6):
        plot.end_epoch(1.0, end)
    plot.show_epoch(2)
    assert _shaded(plot) == (2, 4)
    plot.show_epoch(None)
    assert _shaded(plot) == (4, 6)


@pytest.mark.parametrize(("x", "epochs"), [(0.5, [1]), (2.0, [1]), (2.1, [2]), (9.0, []), (-1, [])])
def test_a_click_chooses_the_epoch_under_it(plot: CurvePlot, x: float, epochs: list[int]) -> None:
    plot.extend(np.ones(4))
    for end in (2, 4):
        plot.end_epoch(1.0, end)
    chosen: list[int] = []
    plot.epoch_chosen.connect(chosen.append)
    plot.clicked_at.emit(x)
    assert chosen == epochs


def test_the_line_smooths_the_points(plot: CurvePlot) -> None:
    noise = np.random.default_rng(0).normal(1.0, 0.3, 500)
    for value in noise:
        plot.add(value)
    plot.redraw()
    _, smooth = _item(plot, pg.PlotCurveItem).getData()
    assert smooth[100:].std() < 0.4 * noise[100:].std()
    assert smooth[-1] == pytest.approx(1.0, abs=0.2)


def test_the_line_does_not_cling_to_the_first_point(plot: CurvePlot) -> None:
    for value in (4.0, 2.0, 3.0):
        plot.add(value)
    plot.redraw()
    _, smooth = _item(plot, pg.PlotCurveItem).getData()
    assert list(smooth) == pytest.approx([4.0, 3.0, 3.0], abs=0.1)


def test_validation_stands_at_the_end_of_its_epoch(plot: CurvePlot) -> None:
    for value in (1.0, 0.8, 0.5):
        plot.add(value)
    plot.end_epoch(0.7)
    plot.add(0.4)
    plot.end_epoch(0.6)
    plot.redraw()
    assert _marks(plot) == [(3, 0.7), (4, 0.6)]


def test_a_cleared_plot_is_empty_and_begins_anew(plot: CurvePlot, drawn: list[int]) -> None:
    plot.add(1.0)
    plot.end_epoch(1.0)
    plot.redraw()
    plot.clear()
    plot.redraw()
    assert (plot.n_points, drawn[-1]) == (0, 0)
    assert _marks(plot) == []
    plot.add(5.0)
    plot.redraw()
    x, y = _item(plot, pg.PlotCurveItem).getData()
    assert (list(x), list(y)) == ([1], [5])


def test_one_wild_batch_does_not_set_the_scale(plot: CurvePlot) -> None:
    for step in range(1000):
        plot.add(1e6 if step == 500 else 1.0)
    plot.redraw()
    _, (low, high) = plot.findChild(pg.PlotWidget).viewRange()
    assert low <= 0
    assert high < 10


def test_a_fixed_range_stays(qtbot: QtBot) -> None:
    plot = CurvePlot(y_range=(0.0, 100.0))
    qtbot.addWidget(plot)
    for _ in range(50):
        plot.add(3.0)
    plot.redraw()
    _, (low, high) = plot.findChild(pg.PlotWidget).viewRange()
    assert (low, high) == (pytest.approx(0, abs=15), pytest.approx(100, abs=15))


def test_a_loss_that_is_no_number_is_no_accident(plot: CurvePlot) -> None:
    for value in (1.0, math.nan, math.inf, 0.5):
        plot.add(value)
    plot.redraw()
    assert not plot.grab().isNull()
    _, (low, high) = plot.findChild(pg.PlotWidget).viewRange()
    assert math.isfinite(low)
    assert math.isfinite(high)


def test_the_colours_of_the_theme_are_drawn(plot: CurvePlot) -> None:
    for step in range(40):
        plot.add(1.0 + step % 7)
    plot.redraw()
    picture = plot.grab().toImage()
    colours = {
        picture.pixelColor(x, y).name()
        for x in range(0, picture.width())
        for y in range(0, picture.height(), 2)
    }
    assert COLOURS.background in colours
    assert COLOURS.training in colours
