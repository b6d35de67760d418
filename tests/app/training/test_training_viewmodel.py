import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.tasks import Failure, Outcome, TaskRunner
from app.training.viewmodel import TrainingViewModel
from core.config import TrainingConfig, preset
from core.data.dataset import LoadedDataset
from core.errors import ConfigError, Message
from core.events import BatchDone, EpochDone, TrainingDone, TrainingStarted
from core.models.model_file import read_card
from core.workspace import Workspace
from tests.app.hands import WAIT_MS, wait_until
from tests.made_runs import read_run


@pytest.fixture
def model(
    runner: TaskRunner, workspace: Workspace, tiny_config: TrainingConfig
) -> TrainingViewModel:
    model = TrainingViewModel(runner, workspace)
    model.device_name = "cpu"
    model.set_config(tiny_config)
    return model


@pytest.fixture
def ready(model: TrainingViewModel, loaded: LoadedDataset) -> TrainingViewModel:
    """A model that may start."""
    model.set_dataset(loaded)
    return model


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """Makes training report these events and do nothing."""
    from core.training import session

    loss = {"epoch": 1, "train_loss": 0.7, "train_accuracy": 0.5}
    validation = {"validation_loss": None, "validation_accuracy": None}
    events = [
        TrainingStarted("resnet18", "cpu", "float32", 1, 2, 32, 0, 0, 11_000_000),
        BatchDone(1, 1, 2, 0.8, 0.4, 1e-3, 50.0, 1.0),
        BatchDone(1, 2, 2, 0.6, 0.6, 1e-3, 50.0, 0.0),
        EpochDone(**loss, **validation, is_best=True, seconds=1.0),
        TrainingDone(tmp_path / "best.safetensors", 1, 1, 1.0, 50.0, None, None, None),
    ]
    monkeypatch.setattr(session, "run_training", lambda *_: iter(events))
    return events


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds training after each batch until it is set."""
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


def train(qtbot: QtBot, model: TrainingViewModel) -> TrainingDone:
    with qtbot.waitSignal(model.trained, timeout=WAIT_MS) as trained:
        model.start()
    return trained.args[0]


def stop_after_first_batch(
    qtbot: QtBot, model: TrainingViewModel, gate: threading.Event
) -> Path | None:
    with qtbot.waitSignal(model.batch_done, timeout=WAIT_MS):
        model.start()
    model.stop_keep_best()
    with qtbot.waitSignal(model.stopped, timeout=WAIT_MS) as stopped:
        gate.set()
    return stopped.args[0]


class TestSettings:
    def test_a_change_is_told_once_and_leaves_the_other_settings(
        self, qtbot: QtBot, model: TrainingViewModel
    ) -> None:
        before, told = model.config, []
        model.changed.connect(lambda: told.append(model.config))
        for _ in range(2):
            model.change(epochs=5)
        assert told == [before.changed(epochs=5)]
        with qtbot.assertNotEmitted(model.changed), pytest.raises(ConfigError, match="Epochs"):
            model.change(epochs=0)
        assert model.config == told[0]

    def test_a_preset_sets_everything_but_the_seed(self, model: TrainingViewModel) -> None:
        model.change(seed=7, epochs=99)
        model.choose_preset("reference")
        assert model.config == preset("reference").changed(seed=7)
        assert not model.is_changed
        model.change(epochs=3)
        assert model.is_changed

    def test_devices_are_passed_on(self, qtbot: QtBot, model: TrainingViewModel) -> None:
        from core.runtime.devices import Device

        devices = (Device("cpu", "a processor", 1), Device("gpu:0", "a card", 2))
        with qtbot.waitSignal(model.devices_found) as found:
            model.set_devices(devices)
        assert found.args == [devices]


class TestStart:
    def test_without_a_dataset_nothing_starts_and_nothing_else_is_needed(
        self, model: TrainingViewModel, workspace: Workspace, loaded: LoadedDataset
    ) -> None:
        assert not model.can_start
        model.start()
        assert not model.is_training
        assert not list(workspace.runs.iterdir())
        model.set_dataset(loaded)
        assert model.can_start

    def test_a_second_start_while_training_does_nothing(
        self, qtbot: QtBot, ready: TrainingViewModel, short: list[object]
    ) -> None:
        with qtbot.waitSignal(ready.trained, timeout=WAIT_MS):
            ready.start()
            folder = ready.run_folder
            ready.start()
            assert not ready.can_start
        assert ready.run_folder == folder

    def test_a_failure_is_told_and_one_may_try_again(
        self, qtbot: QtBot, ready: TrainingViewModel
    ) -> None:
        ready.device_name = "gpu:99"
        with qtbot.waitSignal(ready.failed, timeout=WAIT_MS) as failed:
            ready.start()
        wait_until(lambda: not ready.is_training)
        failure = failed.args[0]
        assert isinstance(failure, Failure)
        assert "gpu:99" in str(failure.message)
        assert ready.can_start
        assert ready.result is None


class TestFinishedRun:
    def test_every_event_is_kept_and_told_and_it_is_idle_at_the_last(
        self, qtbot: QtBot, ready: TrainingViewModel, short: list[object]
    ) -> None:
        told: list[object] = []
        idle: list[bool] = []
        for signal in (ready.started, ready.batch_done, ready.epoch_done, ready.trained):
            signal.connect(told.append)
        ready.trained.connect(lambda _: idle.append(ready.can_start))
        train(qtbot, ready)
        assert told == short
        assert idle == [True]
        history = ready.history
        kept = [ready.start_event, history.latest, *history.epochs, ready.result]
        assert kept == [short[0], *short[-3:]]

    def test_the_run_is_in_a_folder_of_the_workspace(
        self, qtbot: QtBot, ready: TrainingViewModel, workspace: Workspace
    ) -> None:
        done = train(qtbot, ready)
        assert ready.run_folder is not None
        assert ready.run_folder.parent == workspace.runs
        assert done.model.parent == ready.run_folder
        description, _ = read_run(ready.run_folder)
        assert description["status"] == "finished"

    def test_the_next_start_begins_anew_in_another_folder(
        self, qtbot: QtBot, ready: TrainingViewModel, short: list[object]
    ) -> None:
        train(qtbot, ready)
        first = ready.run_folder
        assert first is not None
        first.mkdir()
        with qtbot.waitSignal(ready.trained, timeout=WAIT_MS):
            ready.start()
            empty = (
                ready.start_event,
                ready.result,
                ready.history.latest,
                len(ready.history.epochs),
            )
        assert empty == (None, None, None, 0)
        assert ready.run_folder != first


class TestStop:
    def test_the_weights_of_a_stopped_run_are_kept(
        self, qtbot: QtBot, ready: TrainingViewModel, gate: threading.Event
    ) -> None:
        model = stop_after_first_batch(qtbot, ready, gate)
        assert model is not None
        assert read_card(model).classes == ("COVID", "NORMAL", "Viral_Pneumonia")
        assert ready.run_folder is not None
        description, events = read_run(ready.run_folder)
        assert description["status"] == "stopped"
        names = [event["event"] for event in events]
        # The second batch may have been under way when the stop came.
        assert names in (["TrainingStarted", *["BatchDone"] * n] for n in (1, 2))

    def test_a_run_that_is_stopped_before_its_first_batch_has_no_model(
        self, qtbot: QtBot, ready: TrainingViewModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from core.training import session

        def nothing(*_: object) -> Iterator[object]:
            return iter([])

        monkeypatch.setattr(session, "run_training", nothing)
        with qtbot.waitSignal(ready.stopped, timeout=WAIT_MS) as stopped:
            ready.start()
            ready.end()
        assert stopped.args == [None]

    def test_it_is_stopping_until_it_has_stopped(
        self, qtbot: QtBot, ready: TrainingViewModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from core.training import session

        gate = threading.Event()

        def endless(*_: object) -> Iterator[object]:
            while True:
                assert gate.wait(60)
                yield BatchDone(1, 1, 2, 0.8, 0.4, 1e-3, 50.0, 1.0)

        monkeypatch.setattr(session, "run_training", endless)
        states: list[tuple[bool, bool]] = []
        ready.changed.connect(lambda: states.append((ready.is_training, ready.is_stopping)))
        with qtbot.waitSignal(ready.stopped, timeout=WAIT_MS):
            ready.start()
            ready.end()
            gate.set()
        assert states == [(True, False), (True, True), (False, False)]

    def test_a_stop_after_the_end_of_training_comes_too_late(
        self, qtbot: QtBot, ready: TrainingViewModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from core.training import session

        done = TrainingDone(Path("best.safetensors"), 1, 1, 1.0, 1.0, None, None, None)
        reached, gate = threading.Event(), threading.Event()

        def finished(*_: object) -> Iterator[object]:
            reached.set()
            assert gate.wait(60)
            yield done

        monkeypatch.setattr(session, "run_training", finished)
        with (
            qtbot.assertNotEmitted(ready.stopped),
            qtbot.waitSignal(ready.trained, timeout=WAIT_MS) as trained,
        ):
            ready.start()
            assert reached.wait(60)
            ready.end()
            gate.set()
        assert trained.args == [done]

    def test_a_stop_with_nothing_training_does_nothing(
        self, qtbot: QtBot, ready: TrainingViewModel
    ) -> None:
        with qtbot.assertNotEmitted(ready.changed):
            ready.end()
        assert not ready.is_stopping


def test_a_failed_run_still_offers_what_it_had_saved(
    ready: TrainingViewModel, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    from core.training import session

    def failing(_config: Any, _loaded: Any, folder: Path, *_: Any) -> Iterator[object]:
        folder.mkdir(parents=True)
        (folder / "best.safetensors").write_bytes(b"weights")
        yield TrainingStarted("resnet18", "cpu", "float32", 1, 2, 32, 0, 0, 11_000_000)
        raise ConfigError(Message("The disk is full."))

    monkeypatch.setattr(session, "run_training", failing)
    with qtbot.waitSignals([ready.failed, ready.stopped], timeout=WAIT_MS):
        ready.start()
    assert ready.outcome is Outcome.FAILED
    assert ready.run_folder is not None
    assert ready.saved_model() == ready.run_folder / "best.safetensors"


def test_no_run_begins_while_the_evaluate_page_trains(
    qtbot: QtBot, ready: TrainingViewModel
) -> None:
    ready.set_training_elsewhere(True)
    with qtbot.waitSignal(ready.failed, timeout=WAIT_MS) as failed:
        ready.start()
    assert "Evaluate page" in str(failed.args[0].message)
    assert not ready.is_training
    assert ready.run_folder is None
