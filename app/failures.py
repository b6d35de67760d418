"""Failures: one dialog, one log file, no traceback on the screen."""

import faulthandler
import gc
import logging
import logging.handlers
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from app.i18n import say, tr
from app.tasks import Failure

log = logging.getLogger(__name__)
INTERVAL_MS = 1000  # between two looks at the garbage
_GENERATIONS = 3
_LOG_BYTES = 1_000_000
_fault_file: list[IO[str]] = []  # faulthandler writes to its descriptor until the process ends


class GarbageCollector(QObject):
    """Collects when Python itself would have; begin it on the GUI thread."""

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._on_timer_timeout)

    def begin(self) -> None:
        """Take over from Python."""
        gc.disable()
        self._timer.start()

    def settle(self) -> None:
        """Leave alone from now on what is alive now: libraries, pages, lists of words.

        A full collection then takes a few milliseconds instead of some 200.
        """
        gc.collect()
        gc.freeze()

    @Slot()
    def _on_timer_timeout(self) -> None:
        counts, thresholds = gc.get_count(), gc.get_threshold()
        for generation in reversed(range(_GENERATIONS)):
            if counts[generation] > thresholds[generation]:
                gc.collect(generation)
                return


class UncaughtErrors(QObject):
    """Handler of exceptions nobody caught, in any thread: failures on the GUI thread."""

    caught = Signal(object)  # Failure

    def install(self) -> None:
        """Take over sys.excepthook and threading.excepthook."""
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("uncaught exception", exc_info=(kind, error, trace))
        self.caught.emit(Failure.of(error))


def show_failure(failure: Failure, parent: QWidget | None) -> QMessageBox:
    """Say what failed in one window that does not block the program; returns it, shown."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(tr("PneumoScope"))
    box.setTextFormat(Qt.TextFormat.PlainText)  # file names must not become markup
    box.setText(say(failure.message))
    box.setStandardButtons(QMessageBox.StandardButton.Ok)
    box.setWindowModality(Qt.WindowModality.WindowModal)
    box.open()
    return box


def start_logging(folder: Path) -> None:
    """Write the log file, and a stack dump should the process crash in native code."""
    handler = logging.handlers.RotatingFileHandler(
        folder / "pneumoscope.log", maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    crash = (folder / "crash.log").open("a", encoding="utf-8")
    _fault_file.append(crash)
    faulthandler.enable(crash)
