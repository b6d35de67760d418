from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QLineEdit, QTableWidget
from pytestqt.qtbot import QtBot

from app.data.split import SplitBars, SplitView
from app.data.split_viewmodel import SplitViewModel
from app.tasks import TaskRunner
from app.training.viewmodel import TrainingViewModel
from app.widgets.setting_fields import NumberBox
from core.data.dataset import LoadedDataset
from core.data.edits import Edits
from core.workspace import Workspace
from tests.app.hands import field, press, wait_until


class DatasetInFront(QObject):
    """The part of the Data page that the Split tab needs."""

    loaded, changed = Signal(object), Signal()

    def __init__(self, dataset: LoadedDataset) -> None:
        super().__init__()
        self.dataset = dataset

    def edit(self, change: Callable[[Edits], Edits]) -> None:
        self.dataset = self.dataset.edited(change(self.dataset.edits))
        self.loaded.emit(self.dataset)


@pytest.fixture
def model(loaded: LoadedDataset, runner: TaskRunner, workspace: Workspace) -> SplitViewModel:
    data = DatasetInFront(loaded)
    return SplitViewModel(data, TrainingViewModel(runner, workspace))  # type: ignore[arg-type]


@pytest.fixture
def view(qtbot: QtBot, model: SplitViewModel) -> Iterator[SplitView]:
    view = SplitView(model)
    qtbot.addWidget(view)
    view.resize(900, 700)
    with qtbot.waitExposed(view):
        view.show()
    yield view
    view.close()


def words(view: SplitView) -> str:
    return "\n".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def choose(choice: QComboBox, data: str) -> None:
    """Click at an entry of the list."""
    choice.setCurrentIndex(choice.findData(data))
    choice.activated.emit(choice.currentIndex())


def cells(view: SplitView, row: int) -> list[str]:
    table = view.findChild(QTableWidget)
    found = [table.item(row, column) for column in range(table.columnCount())]
    return [item.text() for item in found if item is not None]


def test_the_table_has_films_and_patients_of_every_part(
    view: SplitView, model: SplitViewModel
) -> None:
    table = view.findChild(QTableWidget)
    assert table.rowCount() == len(model.rows) + 1
    everything = cells(view, len(model.rows) - 1)
    assert everything[0] == "All classes"
    assert everything[-1] == f"{model.rows[-1].n_films} ({model.rows[-1].n_patients})"
    assert cells(view, len(model.rows))[-1] == "100%"


def test_what_is_proved_is_said(view: SplitView, model: SplitViewModel) -> None:
    assert "is in two parts (checked)" in words(view)
    choose(field(view, QComboBox, "How patients are told"), "single_images")
    assert model.chosen_pattern == "single_images"
    assert "Which films are of the same patient is not known" in words(view)
    model.set_pattern("{patient}???")  # fits no film
    assert "Which films are of the same patient is not known" in words(view)


def test_the_reference_warns_of_patients_it_lets_cross(
    view: SplitView, model: SplitViewModel
) -> None:
    model.set_pattern("{patient}*")  # the first character: few patients, and all cross
    choose(field(view, QComboBox, "Split"), "reference")
    assert model.config.split == "reference"
    assert f"in two parts: {model.n_crossing}. The test is easier" in words(view)


@pytest.mark.parametrize(
    ("scheme", "fields"),
    [
        ("stratified", {"Validation share", "Test share", "Seed"}),
        ("reference", set()),
        ("kfold", {"Number of folds", "Fold that is the test", "Seed"}),
    ],
)
def test_only_what_a_split_depends_on_is_asked(
    view: SplitView, scheme: str, fields: set[str]
) -> None:
    choose(field(view, QComboBox, "Split"), scheme)
    shown = {one.accessibleName() for one in view.findChildren(NumberBox) if one.isVisible()}
    assert shown == fields


def test_shares_are_percentages(view: SplitView, model: SplitViewModel) -> None:
    field(view, NumberBox, "Test share").setValue(25)
    assert model.config.test_share == 0.25
    assert field(view, QComboBox, "Split").currentText() == "65/10/25 by patient"


def test_there_is_no_fold_after_the_last(view: SplitView, model: SplitViewModel) -> None:
    model.change(split="kfold", n_folds=7, fold=7)
    field(view, NumberBox, "Number of folds").setValue(4)
    assert field(view, NumberBox, "Fold that is the test").maximum() == 4
    assert model.config.fold == 4


def test_an_own_pattern_shows_what_it_finds_while_it_is_written(
    view: SplitView, model: SplitViewModel
) -> None:
    choose(field(view, QComboBox, "How patients are told"), "own")
    own = field(view, QLineEdit, "Own pattern")
    assert own.isVisible()
    own.clear()
    QTest.keyClicks(own, "{patient}")
    file, patient = model.example or ("", "")
    assert f"{file} → {patient}" in words(view)
    assert model.chosen_pattern == ""
    QTest.keyClick(own, Qt.Key.Key_Return)
    assert model.chosen_pattern == "{patient}"


def test_what_is_no_pattern_is_said_beside_it(view: SplitView, model: SplitViewModel) -> None:
    choose(field(view, QComboBox, "How patients are told"), "own")
    own = field(view, QLineEdit, "Own pattern")
    own.clear()
    QTest.keyClicks(own, "nothing")
    QTest.keyClick(own, Qt.Key.Key_Return)
    assert "does not say where the patient stands" in words(view)
    assert model.chosen_pattern == ""


def test_a_split_that_is_impossible_says_why_in_place_of_the_table(
    view: SplitView, model: SplitViewModel
) -> None:
    model.change(split="given")
    assert "is not divided already" in words(view)
    assert not view.findChild(QTableWidget).isVisible()
    assert not view.findChild(SplitBars).isVisible()


def test_the_table_is_saved_where_the_user_says(
    view: SplitView, model: SplitViewModel, tmp_path: Path
) -> None:
    press(view, "Save the table …")
    dialog = view.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "split.csv"))
    dialog.close()
    wait_until(lambda: (tmp_path / "split.csv").exists())
    assert f"Saved in {tmp_path / 'split.csv'}" in words(view)


def test_the_bars_say_their_numbers_to_those_who_do_not_see_them(
    view: SplitView, model: SplitViewModel
) -> None:
    name = view.findChild(SplitBars).accessibleName()
    row = model.rows[0]
    assert row.class_name == "COVID"
    assert name.startswith(f"COVID-19: Training {row.films['train']}, Validation ")
