"""Pause, resume, continue, estimate: what the Train page's view-model does beside training."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.tasks import Outcome, TaskRunner
from app.training.viewmodel import TrainingViewModel
from core.config import TrainingConfig
from core.data.dataset import LoadedDataset
from core.errors import Message, TrainingError
from core.events import BatchDone, EpochDone, Progress, Resumed, TrainingDone, TrainingStarted
from core.runtime.devices import Device
from core.training import estimate as estimate_module
from core.training.estimate import Estimate
from core.training.history import History
from core.workspace import Workspace
from tests.app.hands import WAIT_MS, wait_until
from tests.made_runs import read_run

ESTIMATE = Estimate(60.0, 2 << 30, Device("cpu", "a processor", 8 << 30))


@pytest.fixture
def model(
    runner: TaskRunner, workspace: Workspace, tiny_config: TrainingConfig, loaded: LoadedDataset
) -> TrainingViewModel:
    """A model that may start."""
    model = TrainingViewModel(runner, workspace)
    model.device_name = "cpu"
    model.set_config(tiny_config)
    model.set_dataset(loaded)
    return model


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds a new run after each batch until it is set."""
    from core.training import session

    gate, run_training = threading.Event(), session.run_training

    def held(*arguments: Any) -> Generator[object, None, None]:
        with closing(run_training(*arguments)) as events:
            for event in events:
                yield event
                if isinstance(event, BatchDone):
                    assert gate.wait(60)

    monkeypatch.setattr(session, "run_training", held)
    return gate


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Estimates wait for it, and then are all the same."""
    gate = threading.Event()

    def measured(*_: object) -> Iterator[object]:
        yield Progress(Message("Measuring two batches"), 0, 3)
        assert gate.wait(60)
        yield ESTIMATE

    monkeypatch.setattr(estimate_module, "estimate", measured)
    return gate


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """Runs and resumed runs begin and then wait to be stopped; their arguments."""
    from core.training import session

    begun: list[tuple[Any, ...]] = []
    stopped, stop = threading.Event(), TaskRunner.stop

    def stopping(runner: TaskRunner) -> None:
        stop(runner)
        stopped.set()

    def run(*arguments: Any, **_: object) -> Iterator[object]:
        begun.append(arguments)
        stopped.clear()
        yield TrainingStarted("resnet18", "cpu", "float32", 2, 2, 32, 8, 8, 11_000_000)
        assert stopped.wait(60)
        yield Progress(Message("Validating"), 0, 1)

    monkeypatch.setattr(TaskRunner, "stop", stopping)
    monkeypatch.setattr(session, "run_training", run)
    monkeypatch.setattr(session, "resume_training", run)
    yield begun
    stopped.set()


def stop_first_batch(qtbot: QtBot, model: TrainingViewModel, gate: threading.Event) -> None:
    with qtbot.waitSignal(model.batch_done, timeout=WAIT_MS):
        model.start()
    model.pause()
    assert model.is_pausing
    with qtbot.waitSignal(model.stopped, timeout=WAIT_MS):
        gate.set()


def places(model: TrainingViewModel) -> list[tuple[int, int]]:
    """The epoch and the number of each batch."""
    n = model.history.n_batches
    return [(int(epoch), int(batch)) for epoch, batch in model.history._batches[:2, :n].T]


class TestRealRun:
    """One run that is paused, resumed by another window, and continued."""

    def test_a_run_goes_on_where_it_was_paused_and_beyond_its_end(
        self,
        qtbot: QtBot,
        model: TrainingViewModel,
        gate: threading.Event,
        workspace: Workspace,
        tiny_config: TrainingConfig,
    ) -> None:
        stop_first_batch(qtbot, model, gate)
        folder = model.run_folder
        assert folder is not None
        assert read_run(folder)[0]["status"] == "paused"
        assert (model.is_paused, model.can_resume, model.can_continue) == (True, True, False)
        n_before = model.history.n_batches

        other_runner = TaskRunner()
        other = TrainingViewModel(other_runner, workspace)
        found = other.interrupted_run()
        assert found is not None
        assert found.path == folder
        histories: list[History] = []
        other.history_read.connect(histories.append)
        with qtbot.waitSignal(other.trained, timeout=WAIT_MS):
            other.resume(found.path)
        assert histories[0].n_batches == n_before
        assert other.config == tiny_config
        assert other.history.latest is not None
        n = other.history.latest.batches
        assert places(other) == [(1, batch) for batch in range(1, n + 1)]
        assert other.interrupted_run() is None

        assert (other.can_resume, other.can_continue) == (False, True)
        with qtbot.waitSignal(other.trained, timeout=WAIT_MS):
            other.continue_for(1)
        assert places(other) == [(epoch, batch) for epoch in (1, 2) for batch in range(1, n + 1)]
        assert [epoch.epoch for epoch in other.history.epochs] == [1, 2]
        assert other.result is not None


class TestPause:
    def test_the_window_closing_pauses_a_run(
        self, qtbot: QtBot, model: TrainingViewModel, endless: list[object]
    ) -> None:
        with qtbot.waitSignal(model.started, timeout=WAIT_MS):
            model.start()
        with qtbot.waitSignal(model.stopped, timeout=WAIT_MS):
            model.end()
        assert model.is_paused
        assert model.outcome is Outcome.CANCELLED

    def test_a_run_is_paused_unless_it_was_stopped_for_good_before(
        self, qtbot: QtBot, model: TrainingViewModel, endless: list[object]
    ) -> None:
        pause, stop = model.pause, model.stop_keep_best
        for acts, is_paused in (((stop,), False), ((stop, pause), False), ((pause, stop), True)):
            with qtbot.waitSignal(model.started, timeout=WAIT_MS):
                model.start()
            with qtbot.waitSignal(model.stopped, timeout=WAIT_MS):
                for act in acts:
                    act()
            assert model.is_paused == is_paused
            assert not model.can_resume  # without a checkpoint it cannot go on


class TestResume:
    def test_with_no_run_there_is_nothing_to_resume(self, model: TrainingViewModel) -> None:
        model.resume()
        model.continue_for(3)
        assert not model.is_training

    def test_a_folder_that_is_no_run_is_told(
        self, qtbot: QtBot, model: TrainingViewModel, tmp_path: Path
    ) -> None:
        with qtbot.waitSignals([model.failed, model.stopped], timeout=WAIT_MS):
            model.resume(tmp_path)
        assert model.outcome is Outcome.FAILED

    def test_what_is_trained_once_more_leaves_the_curves(
        self,
        qtbot: QtBot,
        model: TrainingViewModel,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        tiny_config: TrainingConfig,
    ) -> None:
        from core.training import session

        one, two = (BatchDone(1, batch, 2, 0.5, 0.5, 1e-3, 9.0, 1.0) for batch in (1, 2))
        histories = [History(), History()]
        for history, events in zip(histories, ((one, two), (one,)), strict=True):
            for event in events:
                history.append(event)
        monkeypatch.setattr(History, "read", lambda _: histories.pop(0))
        monkeypatch.setattr(
            "app.training.viewmodel.read_description",
            lambda _: type("Description", (), {"config": tiny_config}),
        )
        done = TrainingDone(tmp_path / "best.safetensors", 1, 1, 1.0, 50.0, None, None, None)

        def resumed(*_: object, **__: object) -> Iterator[object]:
            yield Resumed(1, 1, True, threads=(4, 2))
            yield two
            yield EpochDone(1, 0.5, 0.5, None, None, True, 1.0)
            yield done

        monkeypatch.setattr(session, "resume_training", resumed)
        noted: list[Message] = []
        model.noted.connect(noted.append)
        with qtbot.waitSignal(model.trained, timeout=WAIT_MS):
            model.resume(tmp_path)
        assert places(model) == [(1, 1), (1, 2)]
        assert "the checkpoint before the newest one" in str(noted[0])
        assert "began on 4 threads and goes on with 2" in str(noted[1])

    def test_a_failed_run_can_go_on_from_its_checkpoint(
        self,
        qtbot: QtBot,
        model: TrainingViewModel,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from core.training import session

        def failing(*_: object) -> Iterator[object]:
            yield TrainingStarted("resnet18", "cpu", "float32", 2, 2, 32, 8, 8, 11_000_000)
            raise TrainingError(Message("The disk went away."))

        monkeypatch.setattr(session, "run_training", failing)
        monkeypatch.setattr("app.training.viewmodel.usable_checkpoint", lambda _: (True, None))
        with qtbot.waitSignals([model.failed, model.stopped], timeout=WAIT_MS):
            model.start()
        assert model.can_resume
        assert not model.is_paused


class TestEstimate:
    def test_it_is_told_and_kept(
        self, qtbot: QtBot, model: TrainingViewModel, measuring: threading.Event
    ) -> None:
        measuring.set()
        with qtbot.waitSignal(model.estimated, timeout=WAIT_MS) as told:
            model.estimate()
            assert model.is_estimating
            assert not model.is_training
        wait_until(lambda: not model.is_estimating)
        assert told.args == [ESTIMATE]
        assert model.latest_estimate == ESTIMATE

    def test_other_settings_make_it_worthless(
        self, qtbot: QtBot, model: TrainingViewModel, measuring: threading.Event
    ) -> None:
        measuring.set()
        with qtbot.waitSignal(model.estimated, timeout=WAIT_MS):
            model.estimate()
        wait_until(lambda: not model.is_estimating)
        model.change(batch_size=3)
        assert model.latest_estimate is None

    def test_a_start_meanwhile_gives_it_up(
        self,
        qtbot: QtBot,
        model: TrainingViewModel,
        measuring: threading.Event,
        endless: list[object],
    ) -> None:
        with qtbot.waitSignal(model.progressed, timeout=WAIT_MS):
            model.estimate()
        with qtbot.waitSignal(model.started, timeout=WAIT_MS):
            model.start()
            measuring.set()
        assert model.is_training
        model.end()
        wait_until(lambda: not model.is_training)

    def test_the_window_closing_gives_it_up(
        self, qtbot: QtBot, model: TrainingViewModel, measuring: threading.Event
    ) -> None:
        with qtbot.waitSignal(model.progressed, timeout=WAIT_MS):
            model.estimate()
        with qtbot.assertNotEmitted(model.stopped):
            model.end()
            measuring.set()
            wait_until(lambda: not model.is_estimating)

    def test_without_a_dataset_there_is_nothing_to_measure(
        self, runner: TaskRunner, workspace: Workspace
    ) -> None:
        model = TrainingViewModel(runner, workspace)
        model.estimate()
        assert not model.is_estimating


def test_initial_weights_go_into_the_run(
    qtbot: QtBot, model: TrainingViewModel, endless: list[tuple[Any, ...]]
) -> None:
    weights: Any = object()
    model.initial_weights = weights
    with qtbot.waitSignal(model.started, timeout=WAIT_MS):
        model.start()
    model.end()
    wait_until(lambda: not model.is_training)
    assert endless[0][-1] is weights
