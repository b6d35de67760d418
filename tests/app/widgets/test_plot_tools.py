"""Cross-hair and export, which all plots have."""

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QMenu, QToolButton
from pytestqt.qtbot import QtBot

from app.tasks import Failure
from app.training.plots import CurvePlot
from app.widgets.plot import PlotColours
from core.errors import RunFolderError
from core.events import BatchDone
from core.training.history import History
from tests.app.training.made_histories import end_epoch

COLOURS = PlotColours("#101010", "#eeeeee", "#333333", "#3355ff", "#ff7722")


@pytest.fixture
def plot(qtbot: QtBot) -> CurvePlot:
    """Three batches and one epoch, drawn."""
    plot = CurvePlot("accuracy")
    plot.show_colours(COLOURS)
    plot.show_words("Batches", "Accuracy (%)", "each", "smooth", "=validation")
    plot.resize(500, 300)
    qtbot.addWidget(plot)
    plot.show()
    history = History()
    for accuracy in (0.5, 0.6, 0.7):
        history.append(BatchDone(1, 1, 3, 1.0, accuracy, 1e-3, 9.0, 9.0))
    end_epoch(history, 0.5, 0.6, 0.5625)
    plot.show_history(history)
    plot.show_length(10)
    plot.redraw()
    return plot


class TestCrossHair:
    def place(self, plot: CurvePlot, x: float) -> QPointF:
        return plot._box.mapViewToScene(QPointF(x, 50.0))

    def test_it_tells_the_values_of_every_curve(self, plot: CurvePlot) -> None:
        plot._cross_hair.move_to(self.place(plot, 2.2))
        assert plot._cross_hair.text.splitlines() == [
            "Batches: 2",
            "• each: 60 %",
            "━ smooth: 55.26 %",
            "◆ =validation: 56.25 %",
        ]

    def test_beyond_the_last_point_it_tells_the_last_and_outside_the_axes_nothing(
        self, plot: CurvePlot
    ) -> None:
        plot._cross_hair.move_to(self.place(plot, 9.0))
        assert plot._cross_hair.text.startswith("Batches: 3\n• each: 70 %")
        plot._cross_hair.move_to(QPointF(1, 1))
        assert plot._cross_hair.text == ""

    def test_no_number_is_a_dash_and_an_empty_plot_tells_nothing(self, plot: CurvePlot) -> None:
        plot._history.append(BatchDone(1, 4, 4, 1.0, float("nan"), 1e-3, 9.0, 9.0))
        plot._cross_hair.move_to(self.place(plot, 4.0))
        assert "• each: – %" in plot._cross_hair.text
        plot.show_history(History())
        plot._cross_hair.move_to(self.place(plot, 2.2))
        assert plot._cross_hair.text == ""


class TestExport:
    def test_the_picture_is_twice_as_fine_as_the_screen(
        self, plot: CurvePlot, tmp_path: Path
    ) -> None:
        plot.export(tmp_path / "plot.png")
        picture = QImage(str(tmp_path / "plot.png"))
        assert picture.width() == 2 * plot._plot.width()
        colours = {
            picture.pixelColor(x, y).name()
            for x in range(0, picture.width(), 2)
            for y in range(0, picture.height(), 2)
        }
        assert {COLOURS.background, COLOURS.validation} <= colours

    def test_the_drawing_is_an_svg_with_lines_and_words(
        self, plot: CurvePlot, tmp_path: Path
    ) -> None:
        plot.export(tmp_path / "plot.svg")
        root = ElementTree.parse(tmp_path / "plot.svg").getroot()
        tags = [element.tag.rsplit("}")[-1] for element in root.iter()]
        assert root.tag.endswith("svg")
        assert "text" in tags
        assert {"polyline", "path"} & set(tags)

    def test_the_table_has_a_column_for_each_curve_and_no_formula(
        self, plot: CurvePlot, tmp_path: Path
    ) -> None:
        plot.export(tmp_path / "plot.csv")
        with (tmp_path / "plot.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == ["Batches", "each", "smooth", "'=validation"]
        assert rows[1] == ["1", "50.0", "50.0", ""]
        assert (rows[3][0], rows[3][1], rows[3][3]) == ("3", "70.0", "56.25")
        assert len(rows) == 4
        plot.show_history(History())
        plot.export(tmp_path / "plot.csv")
        assert len((tmp_path / "plot.csv").read_text("utf-8-sig").splitlines()) == 1

    def test_a_folder_that_is_not_there_is_told(self, plot: CurvePlot, tmp_path: Path) -> None:
        for kind in ("png", "svg"):
            with pytest.raises(RunFolderError, match="Choose another file"):
                plot.export(tmp_path / "nowhere" / f"plot.{kind}")

    def test_the_menu_asks_for_a_file_and_tells_of_a_failure(
        self, plot: CurvePlot, qtbot: QtBot, tmp_path: Path
    ) -> None:
        menu = plot.findChild(QMenu)
        action = next(one for one in menu.actions() if "CSV" in one.text())
        action.trigger()
        dialog = plot.findChild(QFileDialog)
        assert dialog.selectedFiles()[0].endswith(".csv")
        with qtbot.waitSignal(plot.export_failed) as failed:
            dialog.fileSelected.emit(str(tmp_path / "nowhere" / "plot.csv"))
        dialog.close()
        assert isinstance(failed.args[0], Failure)


def test_the_button_for_the_whole_curve_is_there_after_a_zoom(plot: CurvePlot) -> None:
    whole = next(one for one in plot.findChildren(QToolButton) if one.text() == "Whole curve")
    assert not whole.isVisible()
    plot._box.sigRangeChangedManually.emit([True, True])
    assert whole.isVisible()
    whole.click()
    assert not whole.isVisible()
    assert plot._is_followed
