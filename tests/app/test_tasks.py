"""A gate holds the worker, signals end the wait, nothing sleeps."""

import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.tasks import EventSource, Failure, Outcome, TaskQueue, TaskRunner
from core.errors import DatasetError, Message
from tests.app.hands import WAIT_MS, wait_until


@pytest.fixture
def heard(runner: TaskRunner) -> list[tuple[str, object]]:
    """The runner's signals in the order in which they came, with their values."""
    signals: list[tuple[str, object]] = []
    runner.started.connect(lambda: signals.append(("started", None)))
    for name in ("reported", "failed", "finished"):
        getattr(runner, name).connect(lambda value, name=name: signals.append((name, value)))
    return signals


def run(qtbot: QtBot, runner: TaskRunner, source: Callable[[], Iterator[object]]) -> Outcome:
    with qtbot.waitSignal(runner.finished, timeout=WAIT_MS) as finished:
        runner.start(source)
    return finished.args[0]


def test_signals_come_in_the_order_of_the_work(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    run(qtbot, runner, lambda: iter(["a", "b"]))
    assert heard == [
        ("started", None),
        ("reported", "a"),
        ("reported", "b"),
        ("finished", Outcome.FINISHED),
    ]


def test_signals_come_on_the_gui_thread_and_the_work_is_done_on_another(
    qtbot: QtBot, runner: TaskRunner
) -> None:
    worked, told = [], []

    def source() -> Iterator[int]:
        worked.append(threading.current_thread())
        yield 1

    for signal in (runner.reported, runner.finished):
        signal.connect(lambda _: told.append(threading.current_thread()))
    run(qtbot, runner, source)
    assert set(told) == {threading.main_thread()}
    assert worked[0] is not threading.main_thread()


def test_the_runner_is_idle_when_it_says_that_it_finished(qtbot: QtBot, runner: TaskRunner) -> None:
    states = []
    runner.finished.connect(lambda _: states.append(runner.is_running))
    runner.started.connect(lambda: states.append(runner.is_running))
    run(qtbot, runner, lambda: iter([1]))
    assert states == [True, False]


def test_stopping_runs_the_finally_of_the_source_in_the_worker_thread(
    qtbot: QtBot, runner: TaskRunner
) -> None:
    gate, released, steps = threading.Event(), [], []

    def source() -> Iterator[int]:
        try:
            for step in range(10**6):
                assert gate.wait(30)
                steps.append(step)
                yield step
        finally:
            released.append(threading.current_thread())

    with qtbot.waitSignal(runner.finished, timeout=WAIT_MS) as finished:
        runner.start(source)
        runner.stop()
        gate.set()
    assert finished.args == [Outcome.CANCELLED]
    assert steps == [0]  # it stopped at its first event
    assert len(released) == 1
    assert released[0] is not threading.main_thread()


def test_an_error_is_reported_before_the_end(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    def source(*events: int) -> Iterator[int]:
        yield from events
        raise RuntimeError("out of memory")

    for events in ((), (1,)):
        heard.clear()
        assert run(qtbot, runner, lambda events=events: source(*events)) is Outcome.FAILED
        told = ["started", *["reported"] * len(events), "failed", "finished"]
        assert [name for name, _ in heard] == told


def test_an_error_in_a_finally_of_a_stopped_task_is_reported(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    gate = threading.Event()

    def source() -> Iterator[int]:
        try:
            assert gate.wait(30)
            yield 1
        finally:
            raise OSError("the disk is full")

    with qtbot.waitSignal(runner.finished, timeout=WAIT_MS) as finished:
        runner.start(source)
        runner.stop()
        gate.set()
    assert finished.args == [Outcome.FAILED]
    failure = heard[-2][1]
    assert isinstance(failure, Failure)
    assert "the disk is full" in str(failure.message)


def test_an_error_is_told_in_words_and_logged_with_its_traceback(
    qtbot: QtBot,
    runner: TaskRunner,
    heard: list[tuple[str, object]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    message = Message("{file} is encrypted. Unpack it first.", file="films.zip")

    def source(error: Exception) -> Iterator[int]:
        raise error

    run(qtbot, runner, lambda: source(DatasetError(message)))
    assert heard[1][1] == Failure(message)
    heard.clear()
    run(qtbot, runner, lambda: source(ZeroDivisionError("nobody thought of it")))
    said = str(heard[1][1].message)
    assert "not prepared" in said
    assert "ZeroDivisionError: nobody thought of it" in said
    assert "in source" in caplog.text


def test_a_runner_can_start_again_from_its_own_end(qtbot: QtBot, runner: TaskRunner) -> None:
    seen: list[object] = []
    left = [lambda: iter([2]), lambda: iter([3])]
    runner.reported.connect(seen.append)
    runner.finished.connect(lambda _: runner.start(left.pop(0)) if left else None)
    runner.start(lambda: iter([1]))
    qtbot.waitUntil(lambda: seen == [1, 2, 3] and not runner.is_running, timeout=WAIT_MS)


def test_a_busy_runner_takes_no_second_task(qtbot: QtBot, runner: TaskRunner) -> None:
    gate = threading.Event()

    def source() -> Iterator[int]:
        assert gate.wait(30)
        yield 1

    runner.start(source)
    with pytest.raises(RuntimeError, match="already running"):
        runner.start(lambda: iter([2]))
    with qtbot.waitSignal(runner.finished, timeout=WAIT_MS):
        gate.set()


def test_a_stop_of_the_task_before_does_not_stop_the_next(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    run(qtbot, runner, lambda: iter([1]))
    runner.stop()  # too late, and before the next
    assert run(qtbot, runner, lambda: iter([2, 3])) is Outcome.FINISHED
    assert [value for name, value in heard if name == "reported"] == [1, 2, 3]


def test_a_runner_starts_and_stops_two_hundred_times(qtbot: QtBot, runner: TaskRunner) -> None:
    released = []

    def source() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            released.append(True)

    for _ in range(200):
        with qtbot.waitSignal(runner.finished, timeout=WAIT_MS) as finished:
            runner.start(source)
            runner.stop()
        assert finished.args == [Outcome.CANCELLED]
    assert len(released) == 200


class Told:
    """Record of a queue's signals, in order; requests are numbers or words."""

    def __init__(self, runner: TaskRunner) -> None:
        self.queue, self.runner = TaskQueue(runner), runner
        self.gate = threading.Event()
        self.events: list[tuple[object, object]] = []  # request, event or Outcome
        self.queue.reported.connect(lambda event, request: self.events.append((request, event)))
        self.queue.failed.connect(lambda failure, request: self.events.append((request, "failed")))
        self.queue.finished.connect(lambda end, request: self.events.append((request, end)))

    def source(self, *events: object) -> EventSource:
        """A task that waits for the gate before each event."""

        def held() -> Iterator[object]:
            for event in events:
                assert self.gate.wait(30)
                yield event

        return held

    def settle(self) -> list[tuple[object, object]]:
        """Open the gate and wait until nothing is done any more."""
        self.gate.set()
        wait_until(lambda: not self.queue.is_busy and not self.runner.is_running)
        return self.events


@pytest.fixture
def told(runner: TaskRunner) -> Iterator[Told]:
    told = Told(runner)
    yield told
    told.gate.set()


class TestQueue:
    def test_requests_are_served_one_after_the_other(self, told: Told) -> None:
        started: list[object] = []
        told.queue.started.connect(started.append)
        for request in (1, 2, 3):
            told.queue.put(request, told.source("seen"))
        assert told.queue.current == 1
        assert told.queue.is_busy
        expected = [(n, said) for n in (1, 2, 3) for said in ("seen", Outcome.FINISHED)]
        assert told.settle() == expected
        assert told.queue.current is None
        assert started == [1, 2, 3]

    def test_a_replaced_request_is_not_heard_of_again(self, told: Told) -> None:
        for request in (1, 2):
            told.queue.put(request, told.source("seen"))
        told.queue.replace(3, told.source("seen"))
        assert told.queue.current is None  # the runner has not let go of the first yet
        assert told.queue.is_busy
        assert told.settle() == [(3, "seen"), (3, Outcome.FINISHED)]

    def test_a_dropped_queue_is_idle_at_once_and_tells_nothing(self, told: Told) -> None:
        def failing() -> Iterator[object]:
            assert told.gate.wait(30)
            raise RuntimeError("too late to matter")
            yield

        told.queue.put(1, failing)
        told.queue.drop()
        assert not told.queue.is_busy
        assert told.settle() == []

    def test_what_waits_can_be_dropped_alone(self, told: Told) -> None:
        for request in (1, 2, 3):
            told.queue.put(request, told.source())
        told.queue.drop_waiting()
        told.queue.put(4, told.source())
        assert told.settle() == [(1, Outcome.FINISHED), (4, Outcome.FINISHED)]

    def test_a_stopped_task_tells_of_its_end_and_the_next_follows(self, told: Told) -> None:
        told.queue.put(1, told.source("first", "second"))
        told.queue.put(2, told.source("seen"))
        told.queue.stop()
        assert told.settle() == [
            (1, "first"),
            (1, Outcome.CANCELLED),
            (2, "seen"),
            (2, Outcome.FINISHED),
        ]

    def test_after_a_failure_the_next_follows(self, told: Told) -> None:
        def failing() -> Iterator[object]:
            raise RuntimeError("out of memory")

        told.queue.put(1, failing)
        told.queue.put(2, told.source())
        assert told.settle() == [(1, "failed"), (1, Outcome.FAILED), (2, Outcome.FINISHED)]

    def test_a_request_put_at_an_end_starts_after_all_have_heard_of_that(self, told: Told) -> None:
        heard: list[object] = []

        def put_another(_: Outcome, request: object) -> None:
            if request == 1:
                told.queue.put(2, told.source("seen"))
                heard.append(told.queue.current)

        told.queue.finished.connect(put_another)
        told.queue.put(1, told.source("seen"))
        assert [request for request, end in told.settle() if end == "seen"] == [1, 2]
        assert heard == [None]

    def test_a_closed_queue_ends_and_takes_nothing_more(self, told: Told) -> None:
        told.queue.put(1, told.source("first", "second"))
        told.queue.put(2, told.source("seen"))
        told.queue.close()
        told.queue.put(3, told.source("seen"))
        assert told.settle() == [(1, "first"), (1, Outcome.CANCELLED)]
