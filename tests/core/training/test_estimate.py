import subprocess
import sys

import pytest

from core.config import TrainingConfig
from core.data.dataset import LoadedDataset
from core.data.splits import split
from core.errors import DeviceError
from core.events import Progress
from core.training.estimate import Estimate, estimate
from core.workspace import Workspace


@pytest.fixture(scope="module")
def measured(
    loaded: LoadedDataset, config: TrainingConfig, shared_workspace: Workspace
) -> list[Progress | Estimate]:
    return list(estimate(config, loaded, "cpu", shared_workspace))


def test_the_last_value_is_the_estimate(measured: list[Progress | Estimate]) -> None:
    *steps, last = measured
    assert steps
    assert all(isinstance(step, Progress) for step in steps)
    assert isinstance(last, Estimate)
    assert last.device.name == "cpu"
    assert 100_000_000 < last.memory_bytes < 64_000_000_000


def test_the_run_takes_its_epochs_and_the_test(
    loaded: LoadedDataset,
    config: TrainingConfig,
    shared_workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.training.estimate._Stopwatch.mean", 0.5)  # seconds an image
    *_, last = estimate(config, loaded, "cpu", shared_workspace)
    assert isinstance(last, Estimate)
    splits = split(loaded.dataset, loaded.grouping, config)
    n_images = config.n_epochs * (len(splits.train) + len(splits.validation)) + len(splits.test)
    assert last.seconds == pytest.approx(0.5 * n_images)


def test_films_of_another_size_are_read_first(
    loaded: LoadedDataset, config: TrainingConfig, workspace: Workspace
) -> None:
    config = config.changed(image_size=40)
    steps = estimate(config, loaded, "cpu", workspace)
    assert str(next(steps).stage) != "Measuring two batches"
    steps.close()


def test_a_device_that_is_not_there_is_refused(
    loaded: LoadedDataset, config: TrainingConfig, shared_workspace: Workspace
) -> None:
    with pytest.raises(DeviceError, match="gpu:99"):
        list(estimate(config, loaded, "gpu:99", shared_workspace))


def test_the_window_may_know_estimates_without_paddle() -> None:
    code = "import sys, core.training.estimate; sys.exit('paddle' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
