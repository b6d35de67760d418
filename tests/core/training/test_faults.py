"""Faults while training, and what they leave behind."""

import dataclasses
import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core import files
from core.config import TrainingConfig
from core.errors import DeviceError, ModelFileError, PneumoScopeError, RunFolderError, TrainingError
from core.events import BatchDone, BatchHalved, SavingFailed, TrainingDone, TrainingEvent
from core.models.model_file import open_model, read_card
from core.training import final_fit, loop
from core.training import learner as learner_module
from core.training.learner import Learner, StepResult
from core.training.run_folder import METRICS_FILE, RunFolder
from core.training.schedule import learning_rate
from tests.core.training.conftest import Begin, newest_checkpoint, of
from tests.made_runs import read_run

pytestmark = pytest.mark.usefixtures("narrow_network")
Start = Callable[..., list[TrainingEvent]]


@pytest.fixture
def start(begin: Begin) -> Start:
    """Train to the end with some settings changed."""
    return lambda **changes: list(begin(**changes))


def failed(run: RunFolder, error: PneumoScopeError) -> bool:
    """Return True if the folder tells the error, in one line, and is readable."""
    description, recorded = read_run(run.path)
    told = description["status"] == "failed" and description["reason"] == str(error)
    return told and "\n" not in str(error) and bool(recorded)


class TestMemory:
    """A device that holds only so many films, at some of its steps."""

    RESOURCE = "(External) ResourceExhaustedError: Fail to alloc memory of 99 size."

    def pretend(
        self, monkeypatch: pytest.MonkeyPatch, is_full: Callable[[int, int], bool]
    ) -> list[int]:
        """`is_full` of the attempt's number (1-based) and its films; the sizes that were tried."""
        real, sizes = learner_module.to_input, list[int]()

        def to_input(images: NDArray[np.uint8], *rest: Any) -> Any:
            sizes.append(len(images))
            if is_full(len(sizes), len(images)):
                raise RuntimeError(self.RESOURCE)
            return real(images, *rest)

        monkeypatch.setattr(learner_module, "to_input", to_input)
        return sizes

    @pytest.mark.parametrize("at", [1, 2, 3])  # 24 films: the third batch of 8 is the last
    def test_batches_halve_and_the_run_goes_on_at_its_rate(
        self,
        at: int,
        start: Start,
        config: TrainingConfig,
        run: RunFolder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        n = 24
        sizes = self.pretend(monkeypatch, lambda step, _: step == at)
        events = start(epochs=1)
        assert of(BatchHalved, events) == [BatchHalved(epoch=1, batch=at, batch_size=4)]
        before = [8] * (at - 1)
        rest = n - sum(before)
        assert sizes == [*before, min(8, rest), *[4] * (rest // 4)]
        batches = of(BatchDone, events)
        assert [b.batch for b in batches] == list(range(1, len(batches) + 1))
        assert batches[-1].batch == batches[-1].batches
        seen = 0
        for b, size in zip(batches, [*before, *[4] * (rest // 4)], strict=True):
            planned = config.changed(epochs=1)
            assert b.learning_rate == learning_rate(planned, 1, seen // 8 + 1, 3)
            seen += size
        log = (run.path / "log.txt").read_text()
        assert f"did not hold batch {at} of epoch 1, so batches hold 4 films" in log
        assert isinstance(events[-1], TrainingDone)

    def test_they_halve_again_until_they_fit_and_stay_small(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes = self.pretend(monkeypatch, lambda _, n: n > 3)
        events = start()
        assert [event.batch_size for event in of(BatchHalved, events)] == [4, 2]
        assert sizes[:3] == [8, 4, 2]
        assert max(sizes[2:]) == 2

    def test_a_memory_that_holds_no_film_is_an_error_with_the_remedy(
        self, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes = self.pretend(monkeypatch, lambda *_: True)
        with pytest.raises(DeviceError, match=r"does not hold 1 films.* image size") as caught:
            start()
        assert sizes == [8, 4, 2, 1]
        assert failed(run, caught.value)

    def test_a_validation_that_does_not_fit_takes_smaller_batches(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, sizes = final_fit.gather, list[int]()

        def gather(network: object, source: object, *rest: object) -> Iterator[object]:
            sizes.append(source.batch_size)
            if source.batch_size > 2:
                raise final_fit.OutOfMemoryError(loop.Message("full"))
            return (yield from real(network, source, *rest))

        monkeypatch.setattr(final_fit, "gather", gather)
        events = start(epochs=1)
        # Validation, test, and once more validation and the training films.
        assert sizes == [8, 4, 2] * 4
        assert events[-1].test_accuracy is not None


def test_a_device_that_gives_up_is_an_error_with_the_remedy(
    start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise OSError("C++ Traceback\n(External) CUDA error(719), unspecified launch failure.\n")

    monkeypatch.setattr(learner_module, "to_input", lost)
    with pytest.raises(DeviceError, match=r"stopped working \(\(External\) CUDA error") as caught:
        start()
    assert "resume" in str(caught.value)
    assert failed(run, caught.value)


class TestNumbers:
    def poison(self, monkeypatch: pytest.MonkeyPatch, at: int) -> list[int]:
        """From the given step on a weight is no number; the steps that were taken."""
        real, steps = Learner.step, list[int]()

        def step(learner: Learner, *given: object) -> StepResult:
            result = real(learner, *given)
            steps.append(len(steps) + 1)
            if len(steps) >= at:
                bias = learner.network.state_dict()["layer1.0.bn1.bias"]
                bias.set_value(np.full(bias.shape, np.nan, np.float32))
            return result

        monkeypatch.setattr(Learner, "step", step)
        return steps

    def test_weights_that_are_none_end_the_run_within_the_epoch_with_advice(
        self, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = self.poison(monkeypatch, at=1)
        with pytest.raises(TrainingError, match=r"rate, for instance 0\.0002\.") as caught:
            start()
        assert len(steps) == 3
        assert failed(run, caught.value)
        assert not run.last.exists()  # nobody needs the random weights of the beginning

    def test_the_last_weights_that_were_numbers_are_saved(
        self, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.poison(monkeypatch, at=6)
        with pytest.raises(TrainingError, match="ran away in epoch 2"):
            start()
        saved = newest_checkpoint(run.path)
        assert saved.progress.epoch == 2
        card, weights, _ = open_model(run.last)  # refuses weights that are no numbers
        assert card.history["epochs"] == 1
        name = "layer1.0.bn1.bias"
        assert np.array_equal(weights[name], saved.arrays[f"network/{name}"])

    def test_a_loss_that_is_none_ends_it_at_once(
        self, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Learner.step
        monkeypatch.setattr(
            Learner,
            "step",
            lambda self, *given: dataclasses.replace(real(self, *given), loss=float("inf")),
        )
        with pytest.raises(TrainingError, match="in epoch 1, batch 1: its numbers grew") as caught:
            start()
        assert failed(run, caught.value)

    def test_a_state_that_is_no_number_is_never_saved(
        self, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loop, "SAVE_EVERY_S", 0.0)
        self.poison(monkeypatch, at=2)
        with pytest.raises(TrainingError, match="ran away in epoch 1, batch 2"):
            start()
        assert newest_checkpoint(run.path).progress.batch == 1


def refusing(names: tuple[str, ...], number: int, n_times: int = 999) -> Callable[..., None]:
    """A disk that refuses files of these names, the first so many times."""
    real, left = files.write_bytes, n_times

    def write(path: Path, content: bytes) -> None:
        nonlocal left
        if path.name.startswith(names) and left:
            left -= 1
            raise OSError(number, os.strerror(number))
        real(path, content)

    return write


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
class TestDisk:
    def test_a_checkpoint_that_is_refused_for_a_while_is_told_once(
        self, number: int, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "write_bytes", refusing(("last.checkpoint",), number, n_times=1))
        events = start()
        told = [str(event.message) for event in of(SavingFailed, events)]
        assert len(told) <= 1  # none where the end of the run was faster than the disk
        assert all(f"could not be saved in {run.path} ({os.strerror(number)})" in t for t in told)
        assert isinstance(events[-1], TrainingDone)
        assert newest_checkpoint(run.path).progress.epoch == 3

    def test_a_checkpoint_that_is_refused_to_the_end_is_an_error_with_the_models_saved(
        self, number: int, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "write_bytes", refusing(("last.checkpoint",), number))
        with pytest.raises(RunFolderError, match="Free some disk space") as caught:
            start()
        assert failed(run, caught.value)
        assert read_card(run.best).metrics["test"] is not None
        assert read_card(run.last).history["epochs"] == 2

    def test_a_best_model_that_is_refused_waits_for_room(
        self, number: int, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "write_bytes", refusing(("best",), number, n_times=2))
        events = start()
        assert any("best.safetensors" in str(e.message) for e in of(SavingFailed, events))
        done = events[-1]
        assert read_card(run.best).history["best_epoch"] == done.best_epoch

    def test_models_that_are_refused_to_the_end_are_an_error(
        self, number: int, start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "write_bytes", refusing(("best", "last"), number))
        with pytest.raises(ModelFileError, match=os.strerror(number)) as caught:
            start(epochs=1)
        assert failed(run, caught.value)

    def test_while_stopping_it_is_an_error(
        self, number: int, begin: Begin, run: RunFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        events = begin()
        next(event for event in events if isinstance(event, BatchDone))
        monkeypatch.setattr(files, "write_bytes", refusing(("last",), number))
        with pytest.raises(PneumoScopeError, match=os.strerror(number)) as caught:
            events.close()
        assert failed(run, caught.value)


@pytest.mark.parametrize("is_room_found", [True, False])
def test_metrics_that_are_refused_are_written_later_or_an_error_at_the_end(
    is_room_found: bool, begin: Begin, run: RunFolder
) -> None:
    metrics = run.path / METRICS_FILE
    with closing(begin(epochs=1)) as events:
        next(event for event in events if isinstance(event, BatchDone))
        kept = metrics.rename(run.path / "kept")
        metrics.mkdir()  # stands for whatever makes an append fail
        told = next(event for event in events if isinstance(event, SavingFailed))
        assert "metrics.jsonl of the run cannot be written" in str(told.message)
        if not is_room_found:
            with pytest.raises(RunFolderError, match="cannot be written"):
                list(events)
            assert json.loads((run.path / "run.json").read_text())["status"] == "failed"
            return
        metrics.rmdir()
        kept.rename(metrics)
        rest = list(events)
    recorded = read_run(run.path)[1]
    n_batches = sum(event["event"] == "BatchDone" for event in recorded)
    assert n_batches == of(BatchDone, rest)[-1].batches
    assert recorded[-1]["event"] == "TrainingDone"


def test_what_nobody_foresaw_is_a_failed_run_too(
    start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(Learner, "step", wrong)
    with pytest.raises(ZeroDivisionError):
        start()
    assert read_run(run.path)[0]["status"] == "failed"


def test_a_state_that_finds_no_memory_is_told_and_taken_later(
    start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, n_calls = Learner.state, 0

    def state(learner: Learner) -> object:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            raise MemoryError
        return real(learner)

    monkeypatch.setattr(Learner, "state", state)
    [told] = of(SavingFailed, start())
    assert "(out of memory)" in str(told.message)
    assert newest_checkpoint(run.path).progress.epoch == 3


def test_a_full_disk_does_not_hide_that_training_diverged(
    start: Start, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    TestNumbers().poison(monkeypatch, at=6)
    monkeypatch.setattr(files, "write_bytes", refusing(("last.safe",), errno.ENOSPC))
    with pytest.raises(TrainingError, match="ran away"):
        start()
