"""Run a core event stream on a QThread; the only module that knows threads."""

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QObject, QThread, Signal, Slot

from core.errors import Message, PneumoScopeError

log = logging.getLogger(__name__)
EventSource = Callable[[], Iterator[object]]


class Outcome(Enum):
    """How a task ended."""

    FINISHED = auto()
    CANCELLED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as text; the exception itself would keep the run's tensors alive."""

    message: Message
    details: str  # the traceback, for the log

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """What to tell the user about `error`: our own sentence, or that it was not foreseen."""
        details = "".join(traceback.format_exception(error))
        if isinstance(error, PneumoScopeError):
            return cls(error.message, details)
        return cls(
            Message(
                "Something happened that the program was not prepared for ({kind}: {text}). "
                "What was saved before is still there; the details are in the log file.",
                kind=type(error).__name__,
                text=str(error),
            ),
            details,
        )


class TaskWorker(QObject):
    """Iterates one event source in the thread it was moved to."""

    reported = Signal(object)  # a frozen dataclass from core
    failed = Signal(object)  # Failure
    done = Signal(object)  # Outcome; always the last signal

    def __init__(self, source: EventSource) -> None:
        super().__init__()  # no parent: a child object cannot change thread
        self._source = source
        self._stop = threading.Event()

    def request_stop(self) -> None:
        """Thread-safe; call it directly, a queued slot would wait for run() to end."""
        self._stop.set()

    @Slot()
    def run(self) -> None:
        """Relay every event until the source ends, fails or is stopped."""
        outcome = Outcome.FINISHED
        try:
            events = self._source()
            try:
                for event in events:
                    self.reported.emit(event)
                    if self._stop.is_set():
                        outcome = Outcome.CANCELLED
                        break
            finally:
                close = getattr(events, "close", None)
                if close is not None:
                    close()  # runs the source's finally here, in this thread
        except Exception as error:
            log.exception("background task failed")
            outcome = Outcome.FAILED
            self.failed.emit(Failure.of(error))
        finally:
            self.done.emit(outcome)


class TaskRunner(QObject):
    """Owns at most one worker thread; every signal it emits is on the GUI thread."""

    started = Signal()
    reported = Signal(object)
    failed = Signal(object)  # Failure
    finished = Signal(object)  # Outcome; the thread has ended

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: QThread | None = None
        self._worker: TaskWorker | None = None
        self._outcome = Outcome.FINISHED

    @property
    def is_running(self) -> bool:
        """Whether a worker thread is alive."""
        return self._thread is not None

    def start(self, source: EventSource) -> None:
        """Iterate `source()` in a new thread.

        Raises:
            RuntimeError: A task is already running.
        """
        if self.is_running:
            raise RuntimeError("a task is already running")
        self._thread, self._worker = QThread(), TaskWorker(source)
        self._worker.moveToThread(self._thread)
        self._thread.started.connect(self._worker.run)
        self._worker.reported.connect(self.reported)  # hops to the GUI thread here
        self._worker.failed.connect(self.failed)
        self._worker.done.connect(self._on_worker_done)
        self._thread.finished.connect(self._on_thread_finished)
        self._thread.start()
        self.started.emit()

    def stop(self) -> None:
        """Ask the task to end at its next event."""
        if self._worker is not None:
            self._worker.request_stop()

    @Slot(object)
    def _on_worker_done(self, outcome: Outcome) -> None:
        self._outcome = outcome
        if self._thread is not None:
            self._thread.quit()

    @Slot()
    def _on_thread_finished(self) -> None:
        if self._thread is not None:
            self._thread.wait()  # `finished` fires just before the thread really ends
        self._thread = self._worker = None  # only now may Python free both
        self.finished.emit(self._outcome)
