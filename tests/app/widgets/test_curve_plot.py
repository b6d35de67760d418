import math

import numpy as np
import pyqtgraph as pg
import pytest
from hands import wait_until
from pytestqt.qtbot import QtBot

from app.widgets.curve_plot import CurvePlot, PlotColours

COLOURS = PlotColours("#101010", "#eeeeee", "#333333", "#3355ff", "#ff7722")


@pytest.fixture
def plot(qtbot: QtBot) -> CurvePlot:
    plot = CurvePlot()
    plot.show_colours(COLOURS)
    plot.resize(500, 300)
    qtbot.addWidget(plot)
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
    assert (len(x), x[-1]) == (100_000, 100_000)
    assert 5_000 <= drawn[-1] <= 10_000  # more points take too long and look the same
    assert not plot.grab().isNull()


def test_the_line_smooths_the_points(plot: CurvePlot) -> None:
    noise = np.random.default_rng(0).normal(1.0, 0.3, 500)
    for value in noise:
        plot.add(value)
    plot.redraw()
    _, smooth = _item(plot, pg.PlotCurveItem).getData()
    assert smooth[100:].std() < 0.4 * noise[100:].std()
    assert smooth[-1] == pytest.approx(1.0, abs=0.2)


def test_the_line_starts_as_the_mean_of_the_first_points(plot: CurvePlot) -> None:
    for value in (4.0, 2.0, 3.0):
        plot.add(value)
    plot.redraw()
    _, smooth = _item(plot, pg.PlotCurveItem).getData()
    assert list(smooth) == pytest.approx([4.0, 3.0, 3.0])


def test_validation_stands_at_the_end_of_its_epoch(plot: CurvePlot) -> None:
    for value in (1.0, 0.8, 0.5):
        plot.add(value)
    plot.add_validation(0.7)
    plot.add(0.4)
    plot.add_validation(0.6)
    plot.redraw()
    assert _marks(plot) == [(3, 0.7), (4, 0.6)]


def test_a_cleared_plot_is_empty_and_begins_anew(plot: CurvePlot, drawn: list[int]) -> None:
    plot.add(1.0)
    plot.add_validation(1.0)
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
