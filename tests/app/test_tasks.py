"""A gate holds the worker, signals end the wait, nothing sleeps."""

import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.tasks import Failure, Outcome, TaskRunner
from core.errors import DatasetError, Message
from tests.app.hands import WAIT_MS


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
    def source() -> Iterator[int]:
        yield 1
        raise RuntimeError("out of memory")

    assert run(qtbot, runner, source) is Outcome.FAILED
    assert [name for name, _ in heard] == ["started", "reported", "failed", "finished"]


def test_an_error_before_the_first_event_is_reported_too(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    def source() -> Iterator[int]:
        raise RuntimeError("there is no such module")

    assert run(qtbot, runner, source) is Outcome.FAILED
    assert [name for name, _ in heard] == ["started", "failed", "finished"]


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


def test_our_own_error_is_told_in_its_own_words(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    message = Message("{file} is encrypted. Unpack it first.", file="films.zip")

    def source() -> Iterator[int]:
        raise DatasetError(message)

    run(qtbot, runner, source)
    failure = heard[1][1]
    assert isinstance(failure, Failure)
    assert failure.message == message


def test_an_unforeseen_error_is_named_and_its_traceback_kept(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    def source() -> Iterator[int]:
        raise ZeroDivisionError("nobody thought of it")

    run(qtbot, runner, source)
    failure = heard[1][1]
    assert isinstance(failure, Failure)
    assert "ZeroDivisionError: nobody thought of it" in str(failure.message)
    assert "not prepared" in str(failure.message)
    assert "in source" in failure.details


def test_an_error_is_logged_with_its_traceback(
    qtbot: QtBot, runner: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    def source() -> Iterator[int]:
        raise RuntimeError("out of memory")

    run(qtbot, runner, source)
    record = caplog.records[-1]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None


def test_a_finished_runner_can_start_again(
    qtbot: QtBot, runner: TaskRunner, heard: list[tuple[str, object]]
) -> None:
    run(qtbot, runner, lambda: iter([1]))
    run(qtbot, runner, lambda: iter([2]))
    assert [value for name, value in heard if name == "reported"] == [1, 2]


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


def test_a_source_without_events_ends_well(qtbot: QtBot, runner: TaskRunner) -> None:
    assert run(qtbot, runner, lambda: iter([])) is Outcome.FINISHED


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
