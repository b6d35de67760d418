import threading
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QTableWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.data import viewmodel as data_module
from app.data.findings import MAX_ROWS, FindingList, FindingsView
from app.data.viewmodel import DataViewModel
from app.tasks import TaskRunner
from app.widgets.film_wall import FilmWall
from app.wording import kind_badge, kind_name, severity_name
from core.audit.findings import KINDS, SEVERITIES
from core.audit.report import Report
from core.workspace import Workspace
from tests.app.hands import label_texts, press, table_rows, wait_until
from tests.app.made_dataset import (
    BLANK,
    BLANK_TOO,
    COPIES,
    FINDINGS,
    GIVEAWAY,
    LEAKAGE,
    bring,
    finding,
    make_dataset,
    name_of,
)


@pytest.fixture
def gate() -> threading.Event:
    """Holds the audit until it is set."""
    return threading.Event()


@pytest.fixture
def auditing(qapp: QApplication, gate: threading.Event) -> Iterator[TaskRunner]:
    runner = TaskRunner()
    yield runner
    gate.set()
    wait_until(lambda: not runner.is_running)


@pytest.fixture
def model(
    runner: TaskRunner,
    auditing: TaskRunner,
    workspace: Workspace,
    gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> DataViewModel:
    """Its audit of an edited dataset finds the leakage alone."""

    def audit(_loaded: object) -> Iterator[Report]:
        assert gate.wait(60)
        yield Report((LEAKAGE,), None)

    monkeypatch.setattr(data_module, "audit", audit)
    return DataViewModel(runner, auditing, workspace)


@pytest.fixture
def empty(qtbot: QtBot, model: DataViewModel) -> FindingsView:
    view = FindingsView(model)
    qtbot.addWidget(view)
    view.apply_theme("light")
    view.resize(900, 600)
    view.show()
    return view


@pytest.fixture
def view(empty: FindingsView, model: DataViewModel) -> FindingsView:
    """The view with a dataset and its report."""
    bring(model, make_dataset(), *FINDINGS)
    return empty


def lines(view: FindingsView) -> list[str]:
    kinds = view.findChild(FindingList)
    return [kinds.item(row).text() for row in range(kinds.count())]


def choose(view: FindingsView, title: str) -> None:
    kinds = view.findChild(FindingList)
    kinds.setCurrentRow([text.split("\n")[0] for text in lines(view)].index(title))


def table(view: FindingsView, name: str) -> QTableWidget:
    return next(one for one in view.findChildren(QTableWidget) if one.accessibleName() == name)


def wall(view: FindingsView) -> list[str]:
    films = view.findChild(FilmWall).model()
    return [films.index(row, 0).data() for row in range(films.rowCount())]


def buttons(view: FindingsView) -> set[str]:
    return {one.text() for one in view.findChildren(QAbstractButton) if one.isVisible()} - {""}


class TestStates:
    def test_it_says_how_far_the_audit_is(self, empty: FindingsView, model: DataViewModel) -> None:
        assert label_texts(empty) == ["Open a dataset to see what is wrong with it."]
        bring(model, make_dataset())
        assert label_texts(empty)[0].startswith("Nothing suspicious was found in these 12 films.")
        model.edit(lambda edits: edits.leave_out([name_of(0, 0)]))
        assert label_texts(empty) == ["Looking through the films …"]
        model.close(0)
        assert label_texts(empty) == ["Open a dataset to see what is wrong with it."]


class TestKinds:
    def test_they_are_listed_with_severity_and_films(self, view: FindingsView) -> None:
        assert lines(view) == [
            "Blank\nError, 2 films",
            "Exact copies\nWarning, 2 films",
            "Cut short\nWarning, 1 file",
            "Leakage into the test\nNote, 2 films",
        ]

    def test_each_severity_has_a_sign_of_its_own_shape(self, view: FindingsView) -> None:
        kinds = view.findChild(FindingList)
        colour = theme.colours("light")["text"]
        kinds.show_colours(dict.fromkeys(SEVERITIES, colour), "#ffffff")
        pictures = [kinds.item(row).icon().pixmap(20).toImage() for row in (0, 1, 3)]
        assert pictures[0] != pictures[1] != pictures[2] != pictures[0]

    def test_the_chosen_kind_stays_when_the_report_is_made_anew(
        self, view: FindingsView, model: DataViewModel, gate: threading.Event
    ) -> None:
        choose(view, "Leakage into the test")
        model.edit(lambda edits: edits.leave_out([name_of(0, 1)]))
        gate.set()
        wait_until(lambda: model.report is not None)
        assert view.findChild(FindingList).key == "leakage"

    def test_every_kind_and_severity_has_a_name(self) -> None:
        assert len({str(kind_name(kind)) for kind in KINDS}) == len(KINDS)
        assert len({str(kind_badge(kind)) for kind in KINDS}) == len(KINDS)
        assert len({str(severity_name(severity)) for severity in SEVERITIES}) == len(SEVERITIES)


class TestFindings:
    def test_a_kind_shows_all_its_sentences_and_films_until_one_is_chosen(
        self, view: FindingsView
    ) -> None:
        rows = table_rows(table(view, "Findings"))
        assert rows == [[f"blank {name_of(0, 0)}", "1"], [f"blank {name_of(0, 1)}", "1"]]
        assert wall(view) == [name_of(0, 0), name_of(0, 1)]
        table(view, "Findings").selectRow(1)
        assert wall(view) == [name_of(0, 1)]

    def test_numbers_stand_in_a_column_of_their_own(
        self, empty: FindingsView, model: DataViewModel
    ) -> None:
        same = finding("near_duplicate", "warning", name_of(0, 0), name_of(0, 1), value=0.98765)
        bring(model, make_dataset(), same)
        found = table(empty, "Findings")
        assert found.horizontalHeaderItem(2).text() == "Correlation"
        assert table_rows(found)[0][1:] == ["2", "0.988"]

    def test_files_without_a_picture_are_listed_with_the_reason(self, view: FindingsView) -> None:
        choose(view, "Cut short")
        reasons = next(
            one
            for one in view.findChildren(QTableWidget)
            if one.isVisible() and one is not table(view, "Findings")
        )
        assert table_rows(reasons) == [["films/NORMAL/broken.png", "It is cut short."]]
        assert not view.findChild(FilmWall).isVisible()

    def test_what_gives_the_classes_away_is_shown_in_numbers(
        self, empty: FindingsView, model: DataViewModel
    ) -> None:
        bring(model, make_dataset(), GIVEAWAY)
        classes = table(empty, "How well each class is told without the lungs")
        assert classes.isVisible()
        assert table_rows(classes) == [
            ["COVID-19", "0.912", "0.850 to 0.970"],
            ["Normal", "0.700", "0.600 to 0.800"],
        ]
        assert table_rows(table(empty, "By which property")) == [
            ["ratio of width to height", "0.900"],
            ["file format", "0.550"],
        ]

    def test_thousands_of_findings_are_cut_but_all_their_films_are_shown(
        self, empty: FindingsView, model: DataViewModel
    ) -> None:
        n = MAX_ROWS + 5
        copies = [
            finding("exact_duplicate", "warning", name_of(0, number), fix="keep_one")
            for number in range(n)
        ]
        bring(model, make_dataset(n), *copies)
        rows = table_rows(table(empty, "Findings"))
        assert len(rows) == MAX_ROWS + 1
        assert rows[-1][0] == "and 5 more"
        assert len(wall(empty)) == n

    def test_the_sentences_are_shown_as_they_are(
        self, empty: FindingsView, model: DataViewModel
    ) -> None:
        bring(model, make_dataset(), finding("blank", "error", "<b>bold</b>"))
        assert table_rows(table(empty, "Findings"))[0][0] == "blank <b>bold</b>"


class TestMending:
    def test_only_what_helps_is_offered(self, view: FindingsView) -> None:
        everywhere = "Show among all films"
        assert buttons(view) == {"Leave these 2 films out", everywhere}
        choose(view, "Exact copies")
        assert buttons(view) == {"Keep one of each (1 film less)", everywhere}
        choose(view, "Cut short")
        assert buttons(view) == set()
        choose(view, "Leakage into the test")
        assert buttons(view) == {"Patients …", everywhere}

    def test_all_films_of_the_kind_are_left_out_and_can_be_taken_back_here(
        self, view: FindingsView, model: DataViewModel, gate: threading.Event
    ) -> None:
        press(view, "Leave these 2 films out")
        assert model.dataset is not None
        assert model.dataset.edits.left_out == {*BLANK.files, *BLANK_TOO.files}
        gate.set()
        wait_until(lambda: model.report is not None)
        assert lines(view) == ["Leakage into the test\nNote, 2 films"]
        press(view, "Undo")
        assert not model.dataset.edits.left_out

    def test_the_films_of_the_chosen_finding_are_left_out(
        self, view: FindingsView, model: DataViewModel
    ) -> None:
        table(view, "Findings").selectRow(1)
        press(view, "Leave this film out")
        assert model.dataset is not None
        assert model.dataset.edits.left_out == {*BLANK_TOO.files}

    def test_one_of_each_copy_is_kept(self, view: FindingsView, model: DataViewModel) -> None:
        choose(view, "Exact copies")
        press(view, "Keep one of each (1 film less)")
        assert model.dataset is not None
        assert model.dataset.edits.left_out == {COPIES.files[1]}

    def test_spellings_of_a_class_are_merged_with_one_click(
        self, view: FindingsView, model: DataViewModel
    ) -> None:
        spelling = finding("class_spelling", "error", fix="merge", classes=("COVID", "NORMAL"))
        bring(model, make_dataset(), spelling)
        press(view, "Merge into COVID")
        assert model.dataset is not None
        assert model.dataset.dataset.counts == {"COVID": 8, "Viral_Pneumonia": 4}

    def test_patients_and_films_are_asked_for(self, qtbot: QtBot, view: FindingsView) -> None:
        with qtbot.waitSignal(view.film_opened) as opened:
            view.findChild(FilmWall).film_opened.emit(1)
        assert opened.args == [name_of(0, 1)]
        choose(view, "Leakage into the test")
        with qtbot.waitSignal(view.patients_wanted):
            press(view, "Patients …")
        choose(view, "Exact copies")
        with qtbot.waitSignal(view.films_wanted) as wanted:
            press(view, "Show among all films")
        assert wanted.args == [list(COPIES.files)]
