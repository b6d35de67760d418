"""A model as training leaves it, narrow, for each file that asks one."""

from pathlib import Path

import pytest

from core.config import TrainingConfig
from core.events import TrainingDone
from core.runtime.devices import Device
from core.training.loop import TrainingData, train
from core.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def model(
    narrow_network: None,
    config: TrainingConfig,
    data: TrainingData,
    cpu: Device,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    run = RunFolder.create(tmp_path_factory.mktemp("model") / "run", {})
    *_, done = train(config, data, run, cpu)
    assert isinstance(done, TrainingDone)
    return done.model
