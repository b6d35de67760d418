"""Run a core event stream on a QThread; the only module that knows threads."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QObject, QThread, Signal, Slot

from core.errors import Message, PneumoScopeError

log = logging.getLogger(__name__)
EventSource = Callable[[], Iterator[object]]


class Outcome(Enum):
    """Outcome of a task."""

    FINISHED = auto()
    CANCELLED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a sentence; the exception itself would keep the run's tensors alive."""

    message: Message

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe `error` to the user: in our own sentence, or as one that was not foreseen."""
        if isinstance(error, PneumoScopeError):
            return cls(error.message)
        return cls(
            Message(
                "Something happened that the program was not prepared for ({kind}: {text}). "
                "What was saved before is still there; the details are in the log file.",
                kind=type(error).__name__,
                text=str(error),
            )
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
        """True if a worker thread is alive."""
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


@dataclass(slots=True, eq=False)
class _Task:
    request: object
    source: EventSource
    is_dropped: bool = False


class TaskQueue(QObject):
    """Does one request after the other on a runner.

    Each signal carries the request that it is about. A request that was dropped or replaced is
    never heard of again, though the task that serves it may need a while to end; every other
    one ends with `finished`. The next task starts only after everybody has heard of the last.

    Args:
        runner: Does the work; this queue's own.
        parent: Owns the queue.
    """

    started = Signal(object)  # request
    reported = Signal(object, object)  # event, request
    failed = Signal(object, object)  # Failure, request
    finished = Signal(object, object)  # Outcome, request

    def __init__(self, runner: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._current: _Task | None = None
        self._waiting: deque[_Task] = deque()
        self._is_telling = self._is_closed = False
        runner.reported.connect(self._on_runner_reported)
        runner.failed.connect(self._on_runner_failed)
        runner.finished.connect(self._on_runner_finished)

    @property
    def current(self) -> object | None:
        """The request that is served; None where there is none or it was dropped."""
        task = self._current
        return task.request if task is not None and not task.is_dropped else None

    @property
    def is_busy(self) -> bool:
        """True if a request is served or waits."""
        return bool(self._waiting) or self.current is not None

    def put(self, request: object, source: EventSource) -> None:
        """Serve `request` by iterating `source()`, after those that wait."""
        if not self._is_closed:
            self._waiting.append(_Task(request, source))
            self._start_next()

    def replace(self, request: object, source: EventSource) -> None:
        """Drop everything else, and serve `request` as soon as the runner is free."""
        self.drop()
        self.put(request, source)

    def drop_waiting(self) -> None:
        """Forget the requests that wait."""
        self._waiting.clear()

    def drop(self) -> None:
        """Forget all requests, the one that is served too."""
        self.drop_waiting()
        if self._current is not None:
            self._current.is_dropped = True
            self._runner.stop()

    def stop(self) -> None:
        """End the task that is served at its next event; what waits follows."""
        if self._current is not None:
            self._runner.stop()

    def close(self) -> None:
        """Stop, forget what waits, and take no request any more."""
        self._is_closed = True
        self.drop_waiting()
        self.stop()

    def _start_next(self) -> None:
        if self._waiting and self._current is None and not self._is_telling:
            self._current = self._waiting.popleft()
            self._runner.start(self._current.source)
            self.started.emit(self._current.request)

    @Slot(object)
    def _on_runner_reported(self, event: object) -> None:
        if self._current is not None and not self._current.is_dropped:
            self.reported.emit(event, self._current.request)

    @Slot(object)
    def _on_runner_failed(self, failure: Failure) -> None:
        if self._current is not None and not self._current.is_dropped:
            self.failed.emit(failure, self._current.request)

    @Slot(object)
    def _on_runner_finished(self, outcome: Outcome) -> None:
        task, self._current = self._current, None
        if task is not None and not task.is_dropped:
            self._is_telling = True
            try:
                self.finished.emit(outcome, task.request)
            finally:
                self._is_telling = False
        self._start_next()
