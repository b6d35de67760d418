import dataclasses
import errno
import itertools
import json
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import files
from core.config import TrainingConfig
from core.data.batches import Batch
from core.data.dataset import LoadedDataset
from core.data.splits import reference_split
from core.evaluation.evaluate import ModelEvaluation, evaluate_model
from core.events import (
    BatchDone,
    EpochDone,
    Progress,
    TrainingDone,
    TrainingEvent,
    TrainingStarted,
    to_json,
)
from core.models.model_file import open_model, read_card
from core.models.weights import expected_shapes
from core.runtime.devices import Device
from core.training import final_fit
from core.training.checkpoint import load_checkpoint
from core.training.learner import Learner, StepResult
from core.training.loop import FIRST_SAVE_S, SAVE_EVERY_S, Saving, TrainingData, train
from core.training.run_folder import METRICS_FILE, RunFolder
from core.training.run_models import RunModels
from core.training.schedule import learning_rate
from core.workspace import Workspace
from tests.core.training.conftest import Begin, checkpoint, newest_checkpoint, of
from tests.made_runs import description, read_run

pytestmark = pytest.mark.usefixtures("narrow_network")


def name_of(event: TrainingEvent) -> str:
    return str(event.stage) if isinstance(event, Progress) else type(event).__name__


def assert_same_weights(one: Path, other: Path) -> None:
    mine, theirs = open_model(one).weights, open_model(other).weights
    assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)


@dataclasses.dataclass
class Finished:
    """One whole run, shared by the tests that only look."""

    config: TrainingConfig
    data: TrainingData
    run: RunFolder
    events: list[TrainingEvent]

    def of(self, kind: type) -> list[Any]:
        return of(kind, self.events)


@pytest.fixture(scope="module")
def finished(
    config: TrainingConfig,
    data: TrainingData,
    cpu: Device,
    tmp_path_factory: pytest.TempPathFactory,
    narrow_network: None,
) -> Finished:
    run = RunFolder.create(tmp_path_factory.mktemp("finished") / "run", description())
    return Finished(config, data, run, list(train(config, data, run, cpu)))


class TestFinishedRun:
    def test_events_come_in_the_order_of_the_work(self, finished: Finished) -> None:
        splits = finished.data.splits
        n_batches = -(-len(splits.train) // 8)
        grouped = itertools.groupby(map(name_of, finished.events))
        epoch = [("BatchDone", n_batches), ("Validating", 1), ("EpochDone", 1)]
        assert [(name, len(list(group))) for name, group in grouped] == [
            ("TrainingStarted", 1),
            *epoch,
            *epoch,
            ("Testing", 1),
            ("Looking back at the films", 1 + n_batches),
            ("TrainingDone", 1),
        ]
        assert finished.events[0] == TrainingStarted(
            architecture="resnet18",
            device="cpu",
            precision="float32",
            epochs=2,
            batches_per_epoch=n_batches,
            n_train=len(splits.train),
            n_validation=len(splits.validation),
            n_test=len(splits.test),
            n_parameters=sum(
                math.prod(shape)
                for name, shape in expected_shapes("resnet18", 3).items()
                if "running" not in name
            ),
        )

    def test_batches_are_numbered_and_carry_the_schedules_rate(self, finished: Finished) -> None:
        batches = finished.of(BatchDone)
        per_epoch = batches[0].batches
        assert [(b.epoch, b.batch) for b in batches] == [
            (epoch, number) for epoch in (1, 2) for number in range(1, per_epoch + 1)
        ]
        for b in batches:
            assert b.learning_rate == learning_rate(finished.config, b.epoch, b.batch, per_epoch)
            assert 0 <= b.accuracy <= 1
            assert min(b.loss, b.images_per_second) > 0
            assert b.seconds_left >= 0

    def test_an_epochs_numbers_are_means_over_its_images(self, finished: Finished) -> None:
        n = len(finished.data.splits.train)
        for epoch in finished.of(EpochDone):
            batches = [b for b in finished.of(BatchDone) if b.epoch == epoch.epoch]
            sizes = [8] * (n // 8) + ([n % 8] if n % 8 else [])
            loss = np.average([b.loss for b in batches], weights=sizes)
            accuracy = np.average([b.accuracy for b in batches], weights=sizes)
            assert epoch.train_loss == pytest.approx(loss)
            assert epoch.train_accuracy == pytest.approx(accuracy)
            assert epoch.seconds > 0

    def test_the_folder_holds_the_events_that_were_yielded(self, finished: Finished) -> None:
        description, recorded = read_run(finished.run.path)
        yielded = [event for event in finished.events if not isinstance(event, Progress)]
        assert recorded == json.loads(json.dumps([to_json(event) for event in yielded]))
        assert len((finished.run.path / METRICS_FILE).read_text().splitlines()) == len(yielded)
        assert description["status"] == "finished"
        log = (finished.run.path / "log.txt").read_text()
        assert "epoch 2: training loss" in log
        assert "test: accuracy" in log

    def test_the_end_and_the_card_of_the_best_model_tell_the_run(self, finished: Finished) -> None:
        [done] = finished.of(TrainingDone)
        best = finished.of(EpochDone)[done.best_epoch - 1]
        assert (done.model, done.epochs, best.is_best) == (finished.run.best, 2, True)
        assert done.validation_accuracy == best.validation_accuracy
        assert min(done.seconds, done.images_per_second) > 0
        assert done.weights_sha256 == read_card(finished.run.last).tensors_sha256
        card, dataset = read_card(finished.run.best), finished.data.dataset
        assert card.training == finished.config
        assert card.preprocessing == finished.config.preprocessing
        assert card.classes == dataset.classes
        assert card.history == {"best_epoch": done.best_epoch, "epochs": 2}
        assert card.dataset["fingerprint"] == dataset.fingerprint
        for part in ("train", "validation", "test", "kept"):
            indices = getattr(finished.data.splits, part)
            assert card.split[part] == tuple(dataset.records[i].digest for i in indices)
        assert card.metrics["test"]["accuracy"] == done.test_accuracy
        assert card.metrics["test"]["loss"] == done.test_loss
        assert card.metrics["validation"]["accuracy"] == done.validation_accuracy

    def test_its_test_numbers_are_those_of_an_evaluation(
        self, finished: Finished, loaded: LoadedDataset, shared_workspace: Workspace
    ) -> None:
        *_, evaluated = evaluate_model(finished.run.best, loaded, "test", shared_workspace, "cpu")
        assert isinstance(evaluated, ModelEvaluation)
        told = read_card(finished.run.best).metrics["test"]
        result = evaluated.result.to_json(loaded.dataset.classes)
        assert result["loss"] == pytest.approx(told["loss"], abs=1e-6)
        assert {**result, "loss": 0} == {**told, "loss": 0}

    def test_the_same_seed_gives_the_same_weights_at_the_rates_that_are_told(
        self, finished: Finished, run: RunFolder, begin: Begin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, rates = Learner.step, []

        def noting(self: Learner, batch: Batch, rate: float) -> StepResult:
            rates.append(rate)
            return real(self, batch, rate)

        monkeypatch.setattr(Learner, "step", noting)
        batches = of(BatchDone, begin())
        assert [b.loss for b in batches] == [b.loss for b in finished.of(BatchDone)]
        assert [b.learning_rate for b in batches] == rates
        assert len(set(rates)) > 1
        assert_same_weights(run.best, finished.run.best)
        assert_same_weights(run.last, finished.run.last)

    def test_another_seed_gives_others(self, finished: Finished, begin: Begin) -> None:
        with closing(begin(seed=1)) as events:
            first = next(event for event in events if isinstance(event, BatchDone))
        assert first.loss != finished.of(BatchDone)[0].loss


def test_the_reference_split_has_no_validation_and_its_best_is_the_last_epoch(
    config: TrainingConfig, data: TrainingData, run: RunFolder, cpu: Device
) -> None:
    data = dataclasses.replace(data, splits=reference_split(data.dataset))
    events = list(train(config.changed(split="reference"), data, run, cpu))
    assert [
        (e.validation_loss, e.validation_accuracy, e.is_best) for e in of(EpochDone, events)
    ] == [(None, None, True)] * 2
    done = events[-1]
    assert isinstance(done, TrainingDone)
    assert (done.best_epoch, done.validation_accuracy) == (2, None)
    assert done.test_accuracy is not None
    assert "Validating" not in map(name_of, events)
    assert_same_weights(run.best, run.last)


def scoring(numbers: list[tuple[float, float]]) -> Callable[..., Any]:
    """An evaluation that finds these accuracies and losses, one after the other."""
    real, given = final_fit.evaluation, iter(numbers)

    def score(*arguments: Any) -> Any:
        accuracy, loss = next(given)
        return dataclasses.replace(real(*arguments), accuracy=accuracy, loss=loss)

    return score


@pytest.mark.parametrize(
    ("numbers", "best"),
    [
        ([(0.5, 1.0), (0.6, 2.0), (0.4, 0.1)], [True, True, False]),
        ([(0.5, 1.0), (0.5, 0.9), (0.5, 0.95)], [True, True, False]),
        ([(0.5, 1.0), (0.5, 1.0), (0.6, 5.0)], [True, False, True]),
    ],
)
def test_the_best_epoch_is_the_most_accurate_then_the_least_surprised(
    numbers: list[tuple[float, float]],
    best: list[bool],
    begin: Begin,
    run: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(final_fit, "evaluation", scoring([*numbers, numbers[0]]))
    assert [epoch.is_best for epoch in of(EpochDone, begin(epochs=3))] == best
    expected = 3 - best[::-1].index(True)
    assert read_card(run.best).history == {"best_epoch": expected, "epochs": 3}
    assert read_card(run.last).history["epochs"] == 3


def until(events: Iterator[TrainingEvent], wanted: str) -> None:
    assert any(name_of(event) == wanted for event in events), f"there was no {wanted}"


class TestStop:
    @pytest.mark.parametrize(
        ("where", "has_best", "epochs"),
        [
            ("TrainingStarted", False, 0),
            ("BatchDone", False, 0),
            ("Validating", False, 0),
            ("EpochDone", True, 1),
        ],
    )
    def test_at_any_event_the_last_weights_are_saved(
        self, where: str, has_best: bool, epochs: int, begin: Begin, run: RunFolder
    ) -> None:
        with closing(begin()) as events:
            until(events, where)
        assert open_model(run.last).card.history["epochs"] == epochs
        assert run.best.exists() is has_best
        description, recorded = read_run(run.path)
        assert description["status"] == "stopped"
        assert recorded[0]["event"] == "TrainingStarted"

    def test_while_testing_last_stays_the_last_epochs(
        self, begin: Begin, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(final_fit, "evaluation", scoring([(0.9, 1.0), (0.1, 1.0), (0.9, 1.0)]))
        with closing(begin()) as events:
            until(events, "Testing")
            last = open_model(run.last).weights
        stopped, best = open_model(run.last).weights, open_model(run.best).weights
        assert all(np.array_equal(stopped[name], last[name]) for name in last)
        assert not np.array_equal(stopped["conv1.weight"], best["conv1.weight"])
        assert read_run(run.path)[0]["status"] == "stopped"

    def test_after_the_last_event_comes_too_late(self, begin: Begin, run: RunFolder) -> None:
        with closing(begin(epochs=1)) as events:
            until(events, "TrainingDone")
        assert read_run(run.path)[0]["status"] == "finished"

    def test_in_the_middle_of_a_step_it_is_a_stop_too_but_saves_no_half_of_one(
        self, begin: Begin, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Learner, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(begin())
        assert read_run(run.path)[0]["status"] == "stopped"
        assert not run.last.exists()
        assert load_checkpoint(run.path) is None


class TestSaving:
    @pytest.fixture
    def clock(self) -> list[float]:
        return [100.0]

    @pytest.fixture
    def saving(self, run: RunFolder, clock: list[float]) -> Iterator[Saving]:
        models = RunModels(run, None, None)  # type: ignore[arg-type]
        saving = Saving(run, models, lambda: clock[0])
        yield saving
        saving.abandon()

    def test_the_first_checkpoint_is_due_soon_and_later_ones_every_minute(
        self, saving: Saving, clock: list[float]
    ) -> None:
        due = []
        for second in range(180):
            clock[0] = 100.0 + second
            if saving.is_due:
                due.append(second)
                saving.submit(checkpoint)
        assert due == [FIRST_SAVE_S, FIRST_SAVE_S + SAVE_EVERY_S, FIRST_SAVE_S + 2 * SAVE_EVERY_S]

    def test_a_trouble_is_told_once_until_it_is_over(
        self, saving: Saving, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(files, "write_bytes", full)
            saving.submit(checkpoint)
            saving.make_room()  # waits for the attempt
            [told] = saving.troubles()
            assert "No space left" in str(told.message)
            assert list(saving.troubles()) == []
        assert "could not be saved" in (run.path / "log.txt").read_text()
        saving.submit(lambda: checkpoint(2))
        saving.finish()
        assert list(saving.troubles()) == []
        assert newest_checkpoint(run.path).progress.epoch == 2
