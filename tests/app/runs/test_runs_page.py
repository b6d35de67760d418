import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QItemSelectionModel, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QTableView,
    QTableWidget,
)
from pytestqt.qtbot import QtBot

from app.i18n import set_language
from app.runs.comparison import OverlayPlot
from app.runs.page import RunsPage
from app.runs.viewmodel import RunsViewModel
from app.settings import THEMES
from app.tasks import TaskRunner
from core.config import TrainingConfig
from core.training.run_description import RUN_FILE
from core.workspace import Workspace
from tests.app.hands import button, field, press, wait_until
from tests.made_runs import make_run, story

BOLD = "<b>bold</b>"


class Desk:
    """The page with what its tests look at and press."""

    def __init__(self, page: RunsPage, model: RunsViewModel) -> None:
        self.page, self.model = page, model
        self.table = next(
            one for one in page.findChildren(QTableView) if one.accessibleName() == "Runs"
        )

    def column(self, number: int) -> list[str]:
        model = self.table.model()
        return [model.index(row, number).data() for row in range(model.rowCount())]

    @property
    def names(self) -> list[str]:
        return self.column(1)

    def choose(self, *names: str) -> None:
        flags = QItemSelectionModel.SelectionFlag
        self.table.clearSelection()
        for name in names:
            index = self.table.model().index(self.names.index(name), 1)
            self.table.selectionModel().setCurrentIndex(index, flags.Select | flags.Rows)
        self.wait()

    def wait(self) -> None:
        """Until all is read and drawn."""
        wait_until(lambda: not self.model.is_busy)
        plot, names = self.page.findChild(OverlayPlot), [one.name for one in self.model.overlaid]
        wait_until(lambda: list(plot.names) == names)

    def says(self, text: str) -> bool:
        return any(text in one.text() for one in self.page.findChildren(QLabel) if one.isVisible())


@pytest.fixture
def trashed() -> list[str]:
    return []


@pytest.fixture
def model(runner: TaskRunner, workspace: Workspace, trashed: list[str]) -> Iterator[RunsViewModel]:
    def trash(path: Path) -> bool:
        trashed.append(path.name)
        path.rename(path.with_name(f".{path.name}"))
        return True

    model = RunsViewModel(runner, workspace, trash=trash)
    yield model
    model.end()


def show(qtbot: QtBot, model: RunsViewModel) -> Desk:
    page = RunsPage(model)
    qtbot.addWidget(page)
    page.resize(960, 600)
    page.apply_theme("dark")
    with qtbot.waitExposed(page):
        page.show()
    desk = Desk(page, model)
    desk.wait()
    return desk


@pytest.fixture
def desk(qtbot: QtBot, model: RunsViewModel, workspace: Workspace) -> Desk:
    folder = workspace.runs
    make_run(folder / "first", TrainingConfig(epochs=2), started="2026-01-01T00:00:00+00:00")
    make_run(
        folder / "second",
        TrainingConfig(epochs=3, learning_rate=0.01),
        story(1),
        started="2026-02-01T00:00:00+00:00",
        status="stopped",
        name=BOLD,
    )
    (make_run(folder / "broken") / RUN_FILE).write_text("{")
    return show(qtbot, model)


def test_without_runs_the_page_says_where_they_come_from(
    qtbot: QtBot, model: RunsViewModel
) -> None:
    assert show(qtbot, model).says("No runs yet")


def test_runs_are_listed_with_their_figures(desk: Desk) -> None:
    assert desk.names == [BOLD, "first", "broken"]
    assert desk.column(2) == ["Stopped", "Finished", "Damaged"]
    assert desk.column(5) == ["75.0%", "75.0%", ""]
    assert desk.column(6) == ["80.0%", "80.0%", ""]
    assert desk.column(7) == ["1 / 3", "2 / 2", ""]


def test_a_damaged_run_says_why(desk: Desk) -> None:
    assert "run.json is damaged" in desk.column(3)[2]


def test_a_click_on_a_title_sorts(desk: Desk) -> None:
    header = desk.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(1) + 10, 10)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    once = desk.names
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert sorted((once, desk.names)) == [[BOLD, "broken", "first"], ["first", "broken", BOLD]]


def test_the_filter_hides_runs(desk: Desk) -> None:
    QTest.keyClicks(field(desk.page, QLineEdit, "Filter the runs"), "stopped")
    assert desk.names == [BOLD]
    assert desk.says("1 of 3")


def test_the_choice_outlives_another_order(desk: Desk) -> None:
    desk.choose("first")
    desk.model.sort_by("name", is_descending=False)
    assert [run.name for run in desk.model.selected] == ["first"]
    assert [index.data() for index in desk.table.selectionModel().selectedRows(1)] == ["first"]


def test_two_runs_are_laid_over_each_other_and_compared(desk: Desk) -> None:
    desk.choose("first", BOLD)
    assert set(desk.page.findChild(OverlayPlot).names) == {"first", BOLD}
    table = field(desk.page, QTableWidget, "Settings in which the two runs differ")
    assert table.isVisible()
    rows = {table.item(row, 0).text() for row in range(table.rowCount())}
    assert rows == {"Epochs", "Learning rate"}
    tip = desk.table.model().index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;" in tip
    assert BOLD not in tip


def test_loss_and_accuracy_are_drawn_by_batch_and_epoch_in_every_theme(desk: Desk) -> None:
    desk.choose("first")
    for measure, axis, theme in itertools.product(range(2), range(2), THEMES):
        desk.page.apply_theme(theme)
        field(desk.page, QComboBox, "What the curves show").setCurrentIndex(measure)
        field(desk.page, QComboBox, "What runs from left to right").setCurrentIndex(axis)
        assert desk.page.findChild(OverlayPlot).names == ("first",)
        assert not desk.page.grab().isNull()


def test_only_what_is_possible_can_be_pressed(desk: Desk) -> None:
    desk.choose("first")
    enabled = {
        text: button(desk.page, text).isEnabled()
        for text in ("Open the model", "Resume", "Train again with these settings", "Rename")
    }
    assert enabled == {
        "Open the model": False,
        "Resume": False,
        "Train again with these settings": True,
        "Rename": True,
    }
    desk.choose("broken")
    assert not button(desk.page, "Rename").isEnabled()
    assert button(desk.page, "Delete …").isEnabled()


def test_the_settings_of_a_run_are_asked_for(desk: Desk, qtbot: QtBot) -> None:
    desk.choose("first")
    with qtbot.waitSignal(desk.model.config_wanted) as wanted:
        press(desk.page, "Train again with these settings")
    assert wanted.args == [TrainingConfig(epochs=2)]


def test_a_run_is_renamed_in_the_table(desk: Desk) -> None:
    desk.choose("first")
    press(desk.page, "Rename")
    editor = desk.table.findChild(QLineEdit)
    editor.setText("Baseline")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    wait_until(lambda: "Baseline" in desk.names)
    desk.wait()
    assert [run.name for run in desk.model.selected] == ["Baseline"]


def test_the_delete_key_asks_and_moves_a_run_to_the_trash(desk: Desk, trashed: list[str]) -> None:
    desk.choose("first")
    press(desk.page, "Delete …")
    box = desk.page.findChild(QMessageBox)
    assert "Move the run first to the trash?" in box.text()
    assert box.textFormat() == Qt.TextFormat.PlainText
    press(box, "Keep")
    assert trashed == []
    desk.choose("broken")
    QTest.keyClick(desk.table, Qt.Key.Key_Delete)
    boxes = [one for one in desk.page.findChildren(QMessageBox) if one.isVisible()]
    press(boxes[-1], "Move to the trash")
    wait_until(lambda: "broken" not in desk.names)
    desk.wait()
    assert trashed == ["broken"]


def test_the_listed_runs_are_saved_as_a_table(desk: Desk, tmp_path: Path) -> None:
    press(desk.page, "Export CSV …")
    dialog = desk.page.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "runs.csv"))
    dialog.reject()
    desk.wait()
    with (tmp_path / "runs.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == [BOLD, "first", "broken"]


def test_runs_of_another_folder_are_added(desk: Desk, tmp_path: Path) -> None:
    make_run(tmp_path / "stick" / "foreign")
    press(desk.page, "Add runs of another folder …")
    dialog = desk.page.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "stick"))
    dialog.reject()
    desk.wait()
    assert "foreign" in desk.names


def test_the_language_changes_every_title(desk: Desk) -> None:
    try:
        set_language("zh_CN")
        QCoreApplication.sendEvent(desk.page, QEvent(QEvent.Type.LanguageChange))
        assert desk.table.model().columnCount() == 10
        assert desk.names == [BOLD, "first", "broken"]
    finally:
        set_language("en")
        QApplication.processEvents()
