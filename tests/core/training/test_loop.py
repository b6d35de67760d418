import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

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
from core.training.loop import TrainingData, train
from core.training.run_folder import METRICS_FILE, RunFolder
from core.training.schedule import learning_rate
from core.workspace import Workspace
from tests.made_runs import description, read_run

pytestmark = pytest.mark.usefixtures("narrow_network")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", description())


@dataclasses.dataclass
class Finished:
    """One whole run, shared by the tests that only look."""

    config: TrainingConfig
    data: TrainingData
    run: RunFolder
    events: list[TrainingEvent]

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


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
        kinds = [
            str(event.stage) if isinstance(event, Progress) else type(event).__name__
            for event in finished.events
        ]
        n = len(finished.data.splits.train)
        n_batches = -(-n // 8)
        grouped = [(kind, len(list(group))) for kind, group in itertools.groupby(kinds)]
        epoch = [("BatchDone", n_batches), ("Validating", 1), ("EpochDone", 1)]
        assert grouped == [
            ("TrainingStarted", 1),
            *epoch,
            *epoch,
            ("Testing", 1),
            ("Looking back at the films", 1 + n_batches),
            ("TrainingDone", 1),
        ]

    def test_the_start_says_what_is_trained(self, finished: Finished) -> None:
        splits = finished.data.splits
        assert finished.events[0] == TrainingStarted(
            architecture="resnet18",
            device="cpu",
            precision="float32",
            epochs=2,
            batches_per_epoch=-(-len(splits.train) // 8),
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
            assert b.loss > 0
            assert b.images_per_second > 0
            assert b.seconds_left >= 0

    def test_the_step_is_taken_at_the_rate_that_is_told(
        self,
        finished: Finished,
        run: RunFolder,
        cpu: Device,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        rates = []
        real = Learner.step

        def noting(self: Learner, batch: Batch, rate: float) -> StepResult:
            rates.append(rate)
            return real(self, batch, rate)

        monkeypatch.setattr(Learner, "step", noting)
        config = finished.config.changed(epochs=1)
        events = list(train(config, finished.data, run, cpu))
        assert rates == [event.learning_rate for event in events if isinstance(event, BatchDone)]
        assert len(set(rates)) > 1

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

    def test_metrics_hold_the_events_that_were_yielded(self, finished: Finished) -> None:
        lines = (finished.run.path / METRICS_FILE).read_text().splitlines()
        yielded = [event for event in finished.events if not isinstance(event, Progress)]
        assert [json.loads(line) for line in lines] == [
            json.loads(json.dumps(to_json(event))) for event in yielded
        ]

    def test_the_folder_says_it_is_finished(self, finished: Finished) -> None:
        assert read_run(finished.run.path)[0]["status"] == "finished"
        log = (finished.run.path / "log.txt").read_text()
        assert "epoch 2: training loss" in log
        assert "test: accuracy" in log

    def test_the_end_tells_the_best_epochs_numbers(self, finished: Finished) -> None:
        [done] = finished.of(TrainingDone)
        epochs = finished.of(EpochDone)
        best = epochs[done.best_epoch - 1]
        assert done.model == finished.run.best
        assert done.epochs == 2
        assert best.is_best
        assert done.validation_accuracy == best.validation_accuracy
        assert done.seconds > 0
        assert done.images_per_second > 0
        assert done.weights_sha256 == read_card(finished.run.last).tensors_sha256

    def test_the_card_of_the_best_model_tells_the_run(self, finished: Finished) -> None:
        [done] = finished.of(TrainingDone)
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

    def test_the_same_seed_gives_the_same_weights_to_the_bit(
        self, finished: Finished, run: RunFolder, cpu: Device
    ) -> None:
        events = list(train(finished.config, finished.data, run, cpu))
        losses = [b.loss for b in finished.of(BatchDone)]
        assert [event.loss for event in events if isinstance(event, BatchDone)] == losses
        for path in ("best", "last"):
            one, other = (
                open_model(getattr(run, path))[1],
                open_model(getattr(finished.run, path))[1],
            )
            assert all(np.array_equal(one[name], other[name]) for name in other)

    def test_another_seed_gives_others(
        self, finished: Finished, run: RunFolder, cpu: Device
    ) -> None:
        config = finished.config.changed(seed=1, epochs=1)
        with closing(train(config, finished.data, run, cpu)) as events:
            first = next(event for event in events if isinstance(event, BatchDone))
        assert first.loss != finished.of(BatchDone)[0].loss


def test_the_reference_split_has_no_validation_and_its_best_is_the_last_epoch(
    config: TrainingConfig, data: TrainingData, run: RunFolder, cpu: Device
) -> None:
    data = dataclasses.replace(data, splits=reference_split(data.dataset))
    config = config.changed(split="reference")
    events = list(train(config, data, run, cpu))
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [(e.validation_loss, e.validation_accuracy, e.is_best) for e in epochs] == [
        (None, None, True)
    ] * 2
    done = events[-1]
    assert isinstance(done, TrainingDone)
    assert (done.best_epoch, done.validation_accuracy) == (2, None)
    assert done.test_accuracy is not None
    assert not any(isinstance(e, Progress) and str(e.stage) == "Validating" for e in events)
    best, last = open_model(run.best)[1], open_model(run.last)[1]
    assert all(np.array_equal(best[name], last[name]) for name in last)


def scoring(numbers: list[tuple[float, float]]) -> Callable:
    """An evaluation that finds these accuracies and losses, one after the other."""
    real, given = final_fit.evaluation, iter(numbers)

    def score(*arguments):
        accuracy, loss = next(given)
        return dataclasses.replace(real(*arguments), accuracy=accuracy, loss=loss)

    return score


class TestBest:
    @pytest.mark.parametrize(
        ("numbers", "best"),
        [
            ([(0.5, 1.0), (0.6, 2.0), (0.4, 0.1)], [True, True, False]),
            ([(0.5, 1.0), (0.5, 0.9), (0.5, 0.95)], [True, True, False]),
            ([(0.5, 1.0), (0.5, 1.0), (0.6, 5.0)], [True, False, True]),
        ],
    )
    def test_it_is_the_most_accurate_then_the_least_surprised(
        self,
        numbers: list[tuple[float, float]],
        best: list[bool],
        config: TrainingConfig,
        data: TrainingData,
        run: RunFolder,
        cpu: Device,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(final_fit, "evaluation", scoring([*numbers, numbers[0]]))
        config = config.changed(epochs=3)
        events = list(train(config, data, run, cpu))
        assert [e.is_best for e in events if isinstance(e, EpochDone)] == best
        expected = 3 - best[::-1].index(True)
        assert read_card(run.best).history == {"best_epoch": expected, "epochs": 3}
        assert read_card(run.last).history["epochs"] == 3


def until(events: Iterator[TrainingEvent], wanted: str) -> None:
    for event in events:
        name = str(event.stage) if isinstance(event, Progress) else type(event).__name__
        if name == wanted:
            return
    raise AssertionError(f"there was no {wanted}")


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
        self,
        where: str,
        has_best: bool,
        epochs: int,
        config: TrainingConfig,
        data: TrainingData,
        run: RunFolder,
        cpu: Device,
    ) -> None:
        with closing(train(config, data, run, cpu)) as events:
            until(events, where)
        card = open_model(run.last).card
        assert card.history["epochs"] == epochs
        assert run.best.exists() is has_best
        description, recorded = read_run(run.path)
        assert description["status"] == "stopped"
        assert recorded[0]["event"] == "TrainingStarted"

    def test_while_testing_last_stays_the_last_epochs(
        self,
        config: TrainingConfig,
        data: TrainingData,
        run: RunFolder,
        cpu: Device,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(final_fit, "evaluation", scoring([(0.9, 1.0), (0.1, 1.0), (0.9, 1.0)]))
        with closing(train(config, data, run, cpu)) as events:
            until(events, "Testing")
            last = open_model(run.last)[1]
        stopped, best = open_model(run.last)[1], open_model(run.best)[1]
        assert all(np.array_equal(stopped[name], last[name]) for name in last)
        assert not np.array_equal(stopped["conv1.weight"], best["conv1.weight"])
        assert read_run(run.path)[0]["status"] == "stopped"

    def test_after_the_last_event_comes_too_late(
        self, config: TrainingConfig, data: TrainingData, run: RunFolder, cpu: Device
    ) -> None:
        config = config.changed(epochs=1)
        with closing(train(config, data, run, cpu)) as events:
            until(events, "TrainingDone")
        assert read_run(run.path)[0]["status"] == "finished"

    def test_in_the_middle_of_a_step_it_is_a_stop_too_but_saves_no_half_of_one(
        self,
        config: TrainingConfig,
        data: TrainingData,
        run: RunFolder,
        cpu: Device,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Learner, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(train(config, data, run, cpu))
        assert read_run(run.path)[0]["status"] == "stopped"
        assert not run.last.exists()
        assert load_checkpoint(run.path) is None
