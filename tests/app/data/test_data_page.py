"""The Data page round its tabs: the invitation, the datasets that are open, the ways between."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QPushButton, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from app.data.augmentation_viewmodel import AugmentationViewModel
from app.data.findings import FindingList
from app.data.page import DataPage
from app.data.split_viewmodel import SplitViewModel
from app.data.viewmodel import DataViewModel
from app.tasks import TaskRunner
from app.training.viewmodel import TrainingViewModel
from core.data.dataset import LoadedDataset
from core.data.edits import Edits, EditsFile
from core.data.layout import ClassLevel, Layout
from core.errors import Message
from core.workspace import Workspace
from tests.app.hands import button, field, label_texts, press, wait_until
from tests.app.made_dataset import BLANK, CUT, FINDINGS, LEAKAGE, bring, make_dataset, name_of
from tests.app.pretended import ONE, TWO, Audits

INVITATION = "Drop a zip or folder of chest X-rays here"
FAILED = "The films could not be looked through; the log says why."


@pytest.fixture
def model(
    runner: TaskRunner, auditing: TaskRunner, workspace: Workspace, openings: object
) -> DataViewModel:
    return DataViewModel(runner, auditing, workspace)


@pytest.fixture
def page(qtbot: QtBot, model: DataViewModel, workspace: Workspace) -> DataPage:
    """The page with nothing open."""
    training = TrainingViewModel(TaskRunner(), workspace)
    page = DataPage(model, SplitViewModel(model, training), AugmentationViewModel())
    qtbot.addWidget(page)
    page.apply_theme("light")
    page.resize(1200, 700)
    page.show()
    return page


@pytest.fixture
def full(page: DataPage, model: DataViewModel) -> DataPage:
    """The page with a dataset and its report."""
    bring(model, make_dataset(), *FINDINGS)
    return page


def opened(model: DataViewModel, *sources: Path) -> None:
    model.open(sources)
    wait_until(lambda: not model.is_busy)


def titles(page: DataPage) -> list[str]:
    tabs = page.findChild(QTabWidget)
    return [tabs.tabText(index) for index in range(tabs.count())]


def tab(page: DataPage) -> QWidget:
    """The tab in front."""
    return page.findChild(QTabWidget).currentWidget()


def chooser(page: DataPage) -> QComboBox:
    return field(page, QComboBox, "Open datasets")


def offers(page: DataPage) -> list[str]:
    """The buttons that open what was opened before."""
    texts = [one.text() for one in page.findChildren(QPushButton) if one.isVisible()]
    return [text for text in texts if text.endswith(" again")]


class TestClassFolders:
    def test_their_level_is_shown_and_chosen_where_there_are_several(
        self, page: DataPage, model: DataViewModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(model, make_dataset())
        levels = field(page, QComboBox, "Class folders")
        assert not levels.isVisible()
        classes = ClassLevel(1, ("COVID", "NORMAL"), is_likely=True)
        views = ClassLevel(2, ("AP", "PA"), is_likely=True)
        layout = Layout((1,), Message("so"), is_certain=True, candidates=(classes, views))
        one = make_dataset()
        found = dataclasses.replace(one.as_found, layout=layout)
        bring(model, LoadedDataset.of(found, one.edits, one.cache, one.survey))
        assert levels.isVisible()
        assert [levels.itemText(index) for index in range(levels.count())] == [
            "Found out: level 1",
            "Level 1: COVID, NORMAL",
            "Level 2: AP, PA",
        ]
        opened: list[object] = []
        monkeypatch.setattr(model, "open", opened.append)
        levels.activated.emit(2)
        assert model.current is not None
        assert opened == [model.current.sources]
        saved = EditsFile(model._workspace.edits, model.current.loaded.as_found).load()
        assert saved == Edits(class_level=2)

    def test_the_code_page_of_names_is_shown_and_chosen_where_they_do_not_tell_it(
        self, page: DataPage, model: DataViewModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring(model, make_dataset())
        names = field(page, QComboBox, "Names in the zip")
        assert not names.isVisible()
        one = make_dataset()
        found = dataclasses.replace(one.as_found, code_pages=((Path("films.zip"), "cp850"),))
        bring(model, LoadedDataset.of(found, one.edits, one.cache, one.survey))
        assert names.isVisible()
        assert names.currentData() == "cp850"
        chosen: list[object] = []
        monkeypatch.setattr(
            "app.data.viewmodel.choose_code_page",
            lambda path, _store, code_page: chosen.append((path, code_page)),
        )
        names.activated.emit(names.findData("cp932"))
        wait_until(lambda: not model.is_busy)
        names.activated.emit(names.count() - 1)
        wait_until(lambda: not model.is_busy)
        assert chosen == [(Path("films.zip"), "cp932")]  # the one in front has none by now


class TestInvitation:
    def test_with_nothing_open_there_is_but_the_invitation(self, page: DataPage) -> None:
        assert INVITATION in label_texts(page)
        assert not page.findChild(QTabWidget).isVisible()
        assert not chooser(page).isVisible()

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("Choose a zip …", lambda page: page.zip_wanted),
            ("Choose a folder …", lambda page: page.folder_wanted),
        ],
    )
    def test_its_buttons_ask_for_files(
        self, qtbot: QtBot, page: DataPage, text: str, wanted: Callable[[DataPage], object]
    ) -> None:
        with qtbot.waitSignal(wanted(page)):
            press(page, text)

    def test_it_offers_the_newest_of_what_was_opened_before(
        self, qtbot: QtBot, page: DataPage
    ) -> None:
        page.show_recent([["/old"]])
        page.show_recent([["/a/S & T.zip"], ["/a/two.zip", "/b/three"], ["/four"], ["/five"]])
        both = "Open two.zip, three again"
        assert offers(page) == ["Open S && T.zip again", both, "Open four again"]
        assert "/a/two.zip<br>/b/three" in button(page, both).toolTip()
        with qtbot.waitSignal(page.recent_chosen) as chosen:
            press(page, both)
        assert chosen.args == [["/a/two.zip", "/b/three"]]

    def test_offers_are_made_only_where_nothing_is_open(
        self, page: DataPage, model: DataViewModel
    ) -> None:
        page.show_recent([["/one"]])
        bring(model, make_dataset(), *FINDINGS)
        assert offers(page) == []
        model.close(0)
        assert offers(page) == ["Open one again"]


class TestOpenDatasets:
    @pytest.fixture
    def two(self, page: DataPage, model: DataViewModel, audits: Audits) -> DataPage:
        """The page with two datasets, the second one in front."""
        audits.gate.set()
        opened(model, ONE)
        opened(model, TWO)
        return page

    def test_one_that_is_chosen_by_name_comes_to_the_front(
        self, two: DataPage, model: DataViewModel
    ) -> None:
        names = [chooser(two).itemText(index) for index in range(chooser(two).count())]
        assert (names, chooser(two).currentText()) == (["one.zip", "two.zip"], "two.zip")
        chooser(two).setFocus()
        QTest.keyClick(chooser(two), Qt.Key.Key_Up)
        assert model.current is model.datasets[0]
        assert chooser(two).currentText() == "one.zip"
        assert "one.zip" in chooser(two).toolTip()

    def test_with_the_last_one_closed_the_invitation_is_back(
        self, two: DataPage, model: DataViewModel
    ) -> None:
        model.show(0)
        press(two, "×")
        assert [one.sources for one in model.datasets] == [(TWO,)]
        assert chooser(two).currentText() == "two.zip"
        press(two, "×")
        assert INVITATION in label_texts(two)
        assert not chooser(two).isVisible()


class TestTabs:
    def test_the_findings_are_counted_once_they_are_known_and_one_press_away(
        self, full: DataPage, model: DataViewModel
    ) -> None:
        others = ["Films", "Split", "Augmentation"]
        assert titles(full) == ["Overview", f"Findings ({len(FINDINGS)})", *others]
        assert tab(full) is full.overview
        press(full.overview, "All findings …")
        assert tab(full) is full.findings
        model.edit(lambda edits: edits.leave_out([name_of(0, 0)]))
        assert titles(full)[1] == "Findings"

    def test_leakage_leads_to_the_patients_of_the_split(
        self, page: DataPage, model: DataViewModel
    ) -> None:
        bring(model, make_dataset(), LEAKAGE)
        press(page.overview, "All findings …")
        press(page.findings, "Patients …")
        assert tab(page) is page.split

    def test_the_films_of_a_finding_are_shown_among_all(
        self, page: DataPage, model: DataViewModel
    ) -> None:
        bring(model, make_dataset(), BLANK)
        press(page.overview, "All findings …")
        press(page.findings, "Show among all films")
        assert tab(page) is page.films
        assert "1 of 12 films" in " ".join(label_texts(page.films))

    def test_the_tab_stays_when_another_dataset_comes(
        self, full: DataPage, model: DataViewModel
    ) -> None:
        press(full.overview, "All findings …")
        bring(model, make_dataset(), CUT)
        assert tab(full) is full.findings
        kinds = full.findings.findChild(FindingList)
        assert [kinds.item(row).text() for row in range(kinds.count())] == [
            "Cut short\nWarning, 1 file"
        ]


class TestLookedThrough:
    def test_it_says_that_the_films_are_being_looked_through(
        self, page: DataPage, model: DataViewModel
    ) -> None:
        opened(model, ONE)
        assert "Looking through the films …" in label_texts(page.overview)
        assert "…" in label_texts(page.overview)  # in place of the number of findings

    def test_what_cannot_be_looked_through_is_told_where_it_was_awaited(
        self, page: DataPage, model: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        audits.error = ZeroDivisionError()
        audits.gate.set()
        opened(model, ONE)
        wait_until(lambda: not auditing.is_running)
        assert FAILED in label_texts(page.overview)
        page.findChild(QTabWidget).setCurrentWidget(page.findings)
        assert label_texts(page.findings) == [FAILED]

    def test_after_an_edit_it_is_tried_again(
        self, page: DataPage, model: DataViewModel, auditing: TaskRunner, audits: Audits
    ) -> None:
        audits.error = ZeroDivisionError()
        audits.gate.set()
        opened(model, ONE)
        wait_until(lambda: not auditing.is_running)
        audits.error = None
        audits.gate.clear()
        model.edit(lambda edits: edits.leave_out([name_of(0, 0)]))
        assert "Looking through the films …" in label_texts(page.overview)
        assert FAILED not in label_texts(page.overview)
        audits.gate.set()
        wait_until(lambda: not auditing.is_running)
        assert titles(page)[1] == "Findings (1)"
