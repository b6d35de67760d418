"""Which files each dialog offers, and that what is chosen is told; no dialog is waited for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.file_dialogs import FileDialogs
from app.settings import AppSettings
from core.images.formats import SUFFIXES
from tests.app.hands import wait_until


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def dialogs(
    window: QWidget, settings: AppSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FileDialogs]:
    settings.last_folder = str(tmp_path)
    yield FileDialogs(window, settings)
    for one in window.findChildren(QFileDialog):
        one.close()


def shown(window: QWidget) -> QFileDialog:
    (dialog,) = window.findChildren(QFileDialog)
    assert dialog.isVisible()
    return dialog


def test_several_zips_one_model_or_a_folder_may_be_chosen(
    window: QWidget, dialogs: FileDialogs
) -> None:
    Mode = QFileDialog.FileMode
    for choose, mode, filters in (
        (dialogs.choose_zips, Mode.ExistingFiles, ["Zip archives (*.zip *.tar *.tar.gz *.tgz)"]),
        (dialogs.choose_model, Mode.ExistingFile, ["Model files (*.safetensors)"]),
        (dialogs.choose_folder, Mode.Directory, ["All Files (*)"]),
    ):
        choose()
        assert shown(window).fileMode() == mode
        assert shown(window).nameFilters() == filters
        shown(window).close()
        wait_until(lambda: not window.findChildren(QFileDialog))


def test_films_may_have_any_ending_that_is_read_or_none(
    window: QWidget, dialogs: FileDialogs
) -> None:
    dialogs.choose_films()
    assert shown(window).fileMode() == QFileDialog.FileMode.ExistingFiles
    usual, everything = shown(window).nameFilters()
    assert everything == "All files (*)"
    for suffix in SUFFIXES.values():
        assert f"*{suffix}" in usual


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        ("zips", "sources_chosen"),
        ("folder", "sources_chosen"),
        ("film_folder", "chosen"),
        ("films", "chosen"),
        ("model", "chosen"),
    ],
)
def test_what_is_chosen_is_told(
    qtbot: QtBot, window: QWidget, dialogs: FileDialogs, tmp_path: Path, kind: str, signal: str
) -> None:
    names = [str(tmp_path / "one.zip"), str(tmp_path / "two.zip")]
    getattr(dialogs, f"choose_{kind}")()
    assert Path(shown(window).directory().absolutePath()) == tmp_path  # the last folder
    with qtbot.waitSignal(getattr(dialogs, signal)) as chosen:
        shown(window).filesSelected.emit(names)  # what its Open button does
    assert chosen.args == [[Path(name) for name in names]]


def test_a_dialog_that_is_closed_leaves_nothing(
    qtbot: QtBot, window: QWidget, dialogs: FileDialogs
) -> None:
    dialogs.choose_zips()
    with qtbot.assertNotEmitted(dialogs.sources_chosen):
        shown(window).reject()
        wait_until(lambda: not window.findChildren(QFileDialog))
