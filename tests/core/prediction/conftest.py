"""A model as training leaves it, narrow, for each file that asks one."""

from pathlib import Path

import pytest

from core.config import TrainingConfig
from core.events import TrainingDone
from core.phantom import CLASSES
from core.prediction.novelty import FilmSet, NoveltyReference, fit_novelty
from core.runtime.devices import Device
from core.training import loop
from core.training.loop import TrainingData
from core.training.run_folder import RunFolder
from tests.core.prediction.made_films import N_NEW, N_TRAIN, N_VALIDATION, film_set
from tests.made_runs import description


@pytest.fixture(scope="module")
def model(
    narrow_network: None,
    config: TrainingConfig,
    data: TrainingData,
    cpu: Device,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    run = RunFolder.create(tmp_path_factory.mktemp("model") / "run", description())
    *_, done = loop.train(config, data, run, cpu)
    assert isinstance(done, TrainingDone)
    return done.model


@pytest.fixture(scope="session")
def train() -> FilmSet:
    return film_set(0, N_TRAIN)


@pytest.fixture(scope="session")
def validation() -> FilmSet:
    return film_set(1000, N_VALIDATION)


@pytest.fixture(scope="session")
def new() -> FilmSet:
    """Films that nothing was fitted to."""
    return film_set(2000, N_NEW)


@pytest.fixture(scope="session")
def reference(train: FilmSet, validation: FilmSet) -> NoveltyReference:
    fitted = fit_novelty(train, validation, CLASSES, keep_thumbnails=True)
    assert fitted is not None
    return fitted
