"""Runs of the small network on the small films, which a test changes where it must."""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import TrainingConfig
from core.events import TrainingEvent
from core.runtime.devices import Device
from core.training.checkpoint import Best, Checkpoint, Spent, TrainingProgress, load_checkpoint
from core.training.loop import TrainingData, train
from core.training.run_folder import RunFolder
from tests.made_runs import description

Begin = Callable[..., Generator[TrainingEvent, None, None]]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", description())


@pytest.fixture
def begin(config: TrainingConfig, data: TrainingData, run: RunFolder, cpu: Device) -> Begin:
    """Train in `run` with some settings changed."""
    return lambda **changes: train(config.changed(**changes), data, run, cpu)


def of(kind: type, events: Iterable[TrainingEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def newest_checkpoint(folder: Path) -> Checkpoint:
    found = load_checkpoint(folder)
    assert found is not None
    assert not found.is_previous
    return found.checkpoint


def checkpoint(number: int = 1, size: int = 50) -> Checkpoint:
    """A small one that tells its number in every part."""
    return Checkpoint(
        {
            "network/conv1.weight": np.full((size, 4), number, np.float32),
            "optimiser/moment1/fc.weight": np.arange(size, dtype=np.float32) + number,
            "optimiser/power": np.array(0.9**number, np.float32),
            "nothing": np.zeros((0, 3), np.float32),
            "n_steps": np.array([number], np.int64),
        },
        TrainingProgress(
            epoch=number, batch=3, images=24, batch_size=8, loss_sum=0.1 + 0.2, n_correct=5
        ),
        Best(epoch=number, accuracy=1 / 3, loss=0.7) if number > 1 else None,
        Spent(images=24 * number, training_seconds=1.1, seconds=2.2),
    )
