import faulthandler
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import failures
from app.failures import UncaughtErrors, show_failure, start_logging
from app.tasks import Failure
from core.errors import DatasetError, Message
from tests.app.hands import WAIT_MS, press

FOREIGN = '<b>x</b><img src="file:///secret.png">'


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return window


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> UncaughtErrors:
    for hooked in (sys, threading):
        monkeypatch.setattr(hooked, "excepthook", hooked.excepthook)
    errors = UncaughtErrors()
    errors.install()
    return errors


def test_the_dialog_says_what_happened_and_goes_on_ok(window: QWidget) -> None:
    failure = Failure(Message("{file} is encrypted. Unpack it first.", file="films.zip"))
    box = show_failure(failure, window)
    assert box.text() == "films.zip is encrypted. Unpack it first."
    assert box.isVisible()  # and yet we are here: it does not hold up the program
    press(box, box.button(QMessageBox.StandardButton.Ok).text())
    assert not window.findChildren(QMessageBox)


def test_markup_in_a_file_name_is_shown_as_it_is(window: QWidget) -> None:
    box = show_failure(Failure(Message("{file} is damaged.", file=FOREIGN)), window)
    [label] = [label for label in box.findChildren(QLabel) if FOREIGN in label.text()]
    assert label.textFormat() == Qt.TextFormat.PlainText
    box.close()


def test_an_exception_that_nobody_caught_becomes_a_failure_and_is_logged_whole(
    qtbot: QtBot, errors: UncaughtErrors, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise DatasetError(Message("The disk is full."))
    except DatasetError as error:
        with qtbot.waitSignal(errors.caught, timeout=WAIT_MS) as caught:
            sys.excepthook(DatasetError, error, error.__traceback__)
    assert str(caught.args[0].message) == "The disk is full."
    assert "test_failures.py" in caplog.text
    assert "DatasetError" in caplog.text


def test_an_exception_in_a_thread_becomes_a_failure_on_the_gui_thread(
    qtbot: QtBot, errors: UncaughtErrors
) -> None:
    told = []

    class Receiver(QWidget):
        def take(self, failure: Failure) -> None:
            told.append((threading.current_thread(), str(failure.message)))

    receiver = Receiver()
    qtbot.addWidget(receiver)
    errors.caught.connect(receiver.take)
    thread = threading.Thread(target=lambda: [].pop())
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT_MS)
    assert told[0][0] is threading.main_thread()
    assert "IndexError" in told[0][1]


def test_ctrl_c_is_no_failure(
    qtbot: QtBot, errors: UncaughtErrors, capsys: pytest.CaptureFixture[str]
) -> None:
    with qtbot.assertNotEmitted(errors.caught):
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert "KeyboardInterrupt" in capsys.readouterr().err


@pytest.fixture
def _logging_is_put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(failures, "_fault_file", opened := [])
    monkeypatch.setattr(faulthandler, "enable", lambda file: None)  # pytest has its own
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    for file in opened:
        file.close()


@pytest.mark.usefixtures("_logging_is_put_back")
def test_what_is_logged_is_in_the_log_file(tmp_path: Path) -> None:
    start_logging(tmp_path)
    logging.getLogger("app.some_part").warning("胸片 %d is odd", 7)
    for handler in logging.getLogger().handlers:
        handler.flush()
    text = (tmp_path / "pneumoscope.log").read_text("utf-8")
    assert "WARNING app.some_part: 胸片 7 is odd" in text
