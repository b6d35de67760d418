import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.runs.comparison import (
    DASHES,
    MAX_POINTS,
    OverlayColours,
    OverlayLine,
    OverlayPlot,
    thinned,
)
from tests.app.hands import has_colour

COLOURS = OverlayColours("#101010", "#eeeeee", "#333333", ("#3355ff", "#ff7722", "#22cc44"))


@pytest.fixture
def plot(qtbot: QtBot) -> OverlayPlot:
    plot = OverlayPlot()
    plot.show_colours(COLOURS)
    plot.resize(500, 300)
    qtbot.addWidget(plot)
    qtbot.addWidget(plot.legend)
    return plot


def line(name: str, n: int = 5, value: float = 1.0) -> OverlayLine:
    marks = np.array([float(n)])
    return OverlayLine(
        name, name, np.arange(1.0, n + 1), np.full(n, value), marks, np.array([value])
    )


def curves(plot: OverlayPlot) -> list[pg.PlotCurveItem]:
    items = plot.findChild(pg.PlotWidget).getPlotItem().items
    return [item for item in items if isinstance(item, pg.PlotCurveItem)]


def test_each_run_has_a_curve_and_its_name_as_it_is(plot: OverlayPlot) -> None:
    names = ("a", "<b>bold</b>")
    plot.show_lines([line(names[0]), line(names[1], 7)], None)
    assert plot.names == names
    assert [len(curve.getData()[0]) for curve in curves(plot)] == [5, 7]
    assert tuple(plot.legend.item(row).text() for row in range(plot.legend.count())) == names
    assert "&lt;b&gt;" in plot.legend.item(1).toolTip()
    assert has_colour(plot, COLOURS.lines[0], range(60, 500), range(0, 260))
    plot.show_lines([], None)
    assert (curves(plot), plot.legend.count()) == ([], 0)


def test_runs_differ_in_colour_and_in_dashes(plot: OverlayPlot) -> None:
    names = [str(number) for number in range(len(COLOURS.lines) * len(DASHES))]
    plot.show_lines([line(name) for name in names], None)
    looks = {(plot.pen(name).color().name(), tuple(plot.pen(name).dashPattern())) for name in names}
    assert len(looks) == len(names)
    pens = [plot.pen(name) for name in names[:3]]
    assert len({pen.color().name() for pen in pens}) == 3
    assert len({tuple(pen.dashPattern()) for pen in pens}) == 3


def test_a_run_keeps_its_colour_while_it_is_shown(plot: OverlayPlot) -> None:
    plot.show_lines([line("a"), line("b")], None)
    colour = plot.pen("b").color()
    plot.show_lines([line("b"), line("c")], None)
    assert plot.pen("b").color() == colour
    assert plot.pen("c").color() != colour


def test_a_long_run_is_drawn_with_few_points_until_one_zooms_in(
    plot: OverlayPlot, qtbot: QtBot
) -> None:
    plot.show_lines([line("a", 100_000)], None)
    assert 100 <= len(curves(plot)[0].getData()[0]) <= MAX_POINTS
    assert not plot.grab().isNull()
    widget = plot.findChild(pg.PlotWidget)
    with qtbot.waitExposed(plot):
        plot.show()
    widget.setXRange(500, 600, padding=0)
    x, _ = curves(plot)[0].getData()
    assert (x[0] <= 500, x[-1] >= 600) == (True, True)
    assert np.all(np.diff(x) == 1)
    QTest.mouseDClick(widget.viewport(), Qt.MouseButton.LeftButton, pos=widget.rect().center())
    assert widget.viewRange()[0][1] >= 100_000
    plot.close()


def test_thinned_points_are_means_of_what_is_a_number() -> None:
    x = np.arange(1.0, 2401)
    for values, mean in (([0.0, 2.0], 1.0), ([np.nan, 2.0, np.inf, 2.0], 2.0)):
        thin_x, thin_y = thinned(x, np.tile(values, 2400 // len(values)), 0, 2400)
        assert len(thin_x) <= MAX_POINTS
        assert (set(thin_y), thin_x[-1]) == ({mean}, 2400)


def test_neither_one_wild_batch_nor_what_is_no_number_sets_the_scale(plot: OverlayPlot) -> None:
    wild = line("a", 1000)
    wild.y[500] = 1e6
    for shown, top in ((wild, None), (line("a", 5, np.nan), None), (line("a", 5, 3.0), 100.0)):
        plot.show_lines([shown], top)
        _, (low, high) = plot.findChild(pg.PlotWidget).viewRange()
        assert low <= 0
        assert np.isfinite(low)
        assert high == pytest.approx(100, abs=10) if top else high < 10
        assert not plot.grab().isNull()
