import pytest
from foreign_words import speak_tilde
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.widgets.trust.export_menu import ExportMenu


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
        ("Copy", "copy_wanted"),
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


def test_only_what_there_is_can_be_taken_away(export: ExportMenu) -> None:
    export.show_available(has_film=False, n_films=2, has_model=True)
    assert not action(export, "Picture").isEnabled()
    assert not action(export, "Copy").isEnabled()
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
    assert all(one.text().startswith("~") for one in all_actions(export.menu()))
