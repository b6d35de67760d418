"""The program as `main.py` builds it, on settings and a workspace of its own."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication, QMessageBox

from app.application import Application
from app.i18n import set_language
from app.settings import AppSettings
from app.tasks import TaskRunner
from core.workspace import Workspace
from tests.app.hands import wait_until


def english_settings(folder: Path) -> AppSettings:
    """Preferences in a file of their own, English whatever the system speaks."""
    settings = AppSettings(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat))
    settings.language = "en"
    return settings


def end(runners: Iterable[TaskRunner]) -> None:
    """Stop what runs and wait until it has ended, whatever it starts in ending."""

    def is_idle() -> bool:
        for runner in runners:
            runner.stop()
        return not any(runner.is_running for runner in runners)

    wait_until(is_idle)


@contextmanager
def running_application(
    settings: AppSettings, workspace: Workspace, runners: Iterable[TaskRunner]
) -> Iterator[Application]:
    """The whole program; at the end it is stopped and closed."""
    qt = QApplication.instance()
    assert isinstance(qt, QApplication)
    program = Application(qt, settings, workspace)
    try:
        yield program
    finally:
        end(runners)
        for box in program.window.findChildren(QMessageBox):
            box.close()
        program.window.close()
        set_language("en")
        # Python's collector would come late, and every style sheet is laid over all windows.
        program.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        # Here, on the window's own thread: a worker that came to collect it later crashed.
        del program
        gc.collect()
        qt.setStyleSheet("")
