"""The File menu's entry for opening model files by double click, and what a double click opens."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from app.application import Application
from app.double_click import DoubleClick
from app.file_association import FileAssociationError
from app.widgets.window_parts import MenuBar
from core.errors import Message
from tests.app.hands import WAIT_MS, label_texts, wait_until
from tests.app.whole_program import end


class Desktop:
    """What the system knows; the gate holds what it is asked to do."""

    def __init__(self) -> None:
        self.is_on = False
        self.refusal: Message | None = None
        self.gate = threading.Event()
        self.gate.set()

    def is_registered(self) -> bool:
        return self.is_on

    def register(self) -> Message:
        return self._become(True)

    def unregister(self) -> Message:
        return self._become(False)

    def _become(self, is_on: bool) -> Message:
        assert self.gate.wait(WAIT_MS / 1000)
        if self.refusal is not None:
            raise FileAssociationError(self.refusal)
        self.is_on = is_on
        return Message("Done <b>so</b>.")


class TestEntry:
    @pytest.fixture
    def desktop(self) -> Desktop:
        return Desktop()

    @pytest.fixture
    def window(self, qtbot: QtBot) -> QWidget:
        window = QWidget()
        qtbot.addWidget(window)
        return window

    @pytest.fixture
    def menus(self, window: QWidget) -> MenuBar:
        menus = MenuBar(["dark", "light"])
        menus.setParent(window)
        return menus

    @pytest.fixture
    def double_click(
        self, menus: MenuBar, desktop: Desktop, window: QWidget
    ) -> Iterator[DoubleClick]:
        double_click = DoubleClick(menus, desktop, window)
        yield double_click
        desktop.gate.set()
        end([double_click.runner])
        for box in window.findChildren(QMessageBox):
            box.close()

    @pytest.fixture
    def entry(self, menus: MenuBar, double_click: DoubleClick) -> QAction:
        return entry_of(menus)

    def test_it_shows_what_the_system_says_whenever_the_menu_is_opened(
        self, menus: MenuBar, desktop: Desktop, entry: QAction
    ) -> None:
        assert not entry.isChecked()
        desktop.is_on = True  # by another copy of the program, for instance
        file_menu = menus.actions()[0].menu()
        file_menu.aboutToShow.emit()
        assert entry.isChecked()

    def test_ticking_it_registers_and_says_so(
        self, desktop: Desktop, entry: QAction, window: QWidget
    ) -> None:
        entry.trigger()
        wait_until(lambda: entry.isEnabled())
        assert desktop.is_on
        assert entry.isChecked()
        assert [box.text() for box in window.findChildren(QMessageBox)] == ["Done <b>so</b>."]

    def test_unticking_it_takes_it_back(
        self, menus: MenuBar, desktop: Desktop, entry: QAction
    ) -> None:
        desktop.is_on = True
        menus.file_menu_opened.emit()
        entry.trigger()
        wait_until(lambda: entry.isEnabled())
        assert not desktop.is_on
        assert not entry.isChecked()

    def test_a_refusal_is_told_and_the_tick_is_gone(
        self, qtbot: QtBot, desktop: Desktop, double_click: DoubleClick, entry: QAction
    ) -> None:
        desktop.refusal = Message("Not here.")
        with qtbot.waitSignal(double_click.failed, timeout=WAIT_MS) as failed:
            entry.trigger()
        assert str(failed.args[0].message) == "Not here."
        wait_until(lambda: entry.isEnabled())
        assert not entry.isChecked()

    def test_while_the_system_is_being_told_it_cannot_be_chosen_again(
        self, menus: MenuBar, desktop: Desktop, entry: QAction
    ) -> None:
        desktop.gate.clear()
        entry.trigger()
        menus.file_menu_opened.emit()
        assert not entry.isEnabled()
        assert entry.isChecked()
        desktop.gate.set()
        wait_until(lambda: entry.isEnabled())


def entry_of(menus: QWidget) -> QAction:
    actions = menus.actions()[0].menu().actions()
    (entry,) = (one for one in actions if one.text() == "Open model files by double click")
    return entry


class TestStart:
    """A double click starts the program with the paths of the files."""

    def test_a_model_is_opened_and_reads_the_films_beside_it(
        self, application: Application, model_file: Path, film_files: list[Path], tmp_path: Path
    ) -> None:
        model = tmp_path / "模型 1" / "best of all.SafeTensors"
        model.parent.mkdir()
        model.write_bytes(model_file.read_bytes())
        application.start([film_files[0], model, *film_files[1:]], demo=False)
        wait_until(lambda: len(application.reading.films) == 3)
        assert application.window.reading_page.isVisible()
        assert application.evaluation.model == model
        assert "模型 1/best of all.SafeTensors" in label_texts(application.window)

    def test_files_of_other_programs_are_refused_in_words(
        self, application: Application, tmp_path: Path
    ) -> None:
        foreign, empty, gone = (tmp_path / f"{name}.safetensors" for name in ("a&b 片", "b", "c"))
        save_file({"text_model.embeddings": np.zeros((4, 4), np.float32)}, foreign)
        empty.touch()
        for file in (foreign, empty, gone):
            application.start([file], demo=False)
            wait_until(lambda: bool(application.window.findChildren(QMessageBox)))
            (box,) = application.window.findChildren(QMessageBox)
            assert file.name in box.text()
            assert "Traceback" not in box.text()
            box.close()
            wait_until(lambda: not application.window.findChildren(QMessageBox))
            wait_until(lambda: not application.reading.is_busy)
            assert "No model yet" in label_texts(application.window)
        assert entry_of(application.window.menuBar()).isEnabled()
