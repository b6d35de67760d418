from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.reading.export import DicomMenu, ExportMenu
from core.report.facts import DICOM_FIELDS
from tests.app.reading.foreign_words import speak_tilde


@pytest.fixture
def export(qtbot: QtBot) -> ExportMenu:
    export = ExportMenu()
    qtbot.addWidget(export)
    export.show_available(has_film=True, n_films=3, has_model=True)
    return export


def all_actions(menu: QMenu) -> list[QAction]:
    actions = []
    for action in menu.actions():
        inner = action.menu()
        actions += all_actions(inner) if isinstance(inner, QMenu) else [action]
    return [action for action in actions if action.text()]


def action(export: ExportMenu, beginning: str) -> QAction:
    found = [one for one in all_actions(export.menu()) if one.text().startswith(beginning)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("beginning", "signal"),
    [
        ("Picture", "picture_wanted"),
        ("Report of this", "report_wanted"),
        ("Copy to", "copy_wanted"),
        ("Copy the table", "table_copy_wanted"),
        ("Table", "csv_wanted"),
        ("All films (JSON)", "json_wanted"),
        ("Report of all", "reports_wanted"),
    ],
)
def test_each_entry_tells_what_is_wanted(
    qtbot: QtBot, export: ExportMenu, beginning: str, signal: str
) -> None:
    with qtbot.waitSignal(getattr(export, signal)) as told:
        action(export, beginning).trigger()
    assert told.args == []


@pytest.mark.parametrize(
    ("beginning", "name"), [("ONNX", "onnx"), ("Paddle", "paddle"), ("Weights", "pdparams")]
)
def test_a_model_goes_out_in_three_formats(
    qtbot: QtBot, export: ExportMenu, beginning: str, name: str
) -> None:
    with qtbot.waitSignal(export.model_wanted) as told:
        action(export, beginning).trigger()
    assert told.args == [name]


offscreen = pytest.mark.qt_log_ignore("plugin does not support")  # raising a menu, and such


class TestDicomFields:
    def ticked(self, export: ExportMenu, *words: str) -> None:
        for word in words:
            one = action(export, word)
            menu = export.findChild(DicomMenu)
            QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(one).center())

    @pytest.fixture
    def menu(self, qtbot: QtBot, export: ExportMenu) -> Iterator[DicomMenu]:
        menu = export.findChild(DicomMenu)
        menu.popup(QPoint(0, 0))
        yield menu
        menu.close()

    def test_none_goes_out_unless_asked_for(self, export: ExportMenu) -> None:
        assert export.findChild(DicomMenu).chosen == []

    @offscreen
    def test_ticking_one_tells_it_and_leaves_the_menu_open(
        self, qtbot: QtBot, export: ExportMenu, menu: DicomMenu
    ) -> None:
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            self.ticked(export, "Patient ID")
        assert chosen.args == [["PatientID"]]
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            self.ticked(export, "Modality")
        assert chosen.args == [["PatientID", "Modality"]]
        assert menu.isVisible()
        assert menu.title() == "DICOM fields in exports (2)"

    @offscreen
    def test_ticking_it_again_takes_it_back(
        self, qtbot: QtBot, export: ExportMenu, menu: DicomMenu
    ) -> None:
        self.ticked(export, "Age")
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            self.ticked(export, "Age")
        assert chosen.args == [[]]

    @offscreen
    def test_the_keys_tick_too(self, qtbot: QtBot, export: ExportMenu, menu: DicomMenu) -> None:
        menu.setActiveAction(action(export, "Hospital"))
        with qtbot.waitSignal(export.dicom_chosen) as chosen:
            QTest.keyClick(menu, Qt.Key.Key_Space)
        assert chosen.args == [["InstitutionName"]]
        assert menu.isVisible()

    def test_what_the_page_ticks_is_not_told(self, qtbot: QtBot, export: ExportMenu) -> None:
        with qtbot.assertNotEmitted(export.dicom_chosen):
            export.findChild(DicomMenu).choose(["PatientAge", "nonsense"])
        assert export.findChild(DicomMenu).chosen == ["PatientAge"]

    def test_they_are_those_that_can_be_exported(self, export: ExportMenu) -> None:
        menu = export.findChild(DicomMenu)
        menu.choose(list(DICOM_FIELDS))
        assert set(menu.chosen) == set(DICOM_FIELDS)
        assert len([one for one in menu.actions() if one.isCheckable()]) == len(DICOM_FIELDS)


def test_only_what_there_is_can_be_taken_away(export: ExportMenu) -> None:
    export.show_available(has_film=False, n_films=2, has_model=True)
    assert not action(export, "Picture").isEnabled()
    assert not action(export, "Copy to").isEnabled()
    assert action(export, "Table").isEnabled()
    export.show_available(has_film=False, n_films=0, has_model=True)
    assert not action(export, "Table").isEnabled()
    assert export.isEnabled()
    export.show_available(has_film=False, n_films=0, has_model=False)
    assert not export.isEnabled()


def test_the_keyboard_reaches_it(export: ExportMenu) -> None:
    assert export.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert export.accessibleName() == "Export"


def test_it_speaks_another_language(export: ExportMenu) -> None:
    speak_tilde(export)
    assert export.text() == "~Export"
    assert [one.text() for one in all_actions(export.menu()) if one.text()[0] != "~"] == []
