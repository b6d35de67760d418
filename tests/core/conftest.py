"""Small datasets of bright and dark squares that a network learns in a few steps."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import Preprocessing, TrainingConfig
from core.data.loading import LoadedDataset, load_dataset
from core.runtime.devices import Device
from core.workspace import Workspace

CLASSES = ("COVID", "NORMAL", "Viral_Pneumonia")
FILM_SIZE = 40  # pixels


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not left, f"threads are still alive: {left}"


def draw(label: int, seed: int, size: int = FILM_SIZE) -> np.ndarray:
    """A noisy film whose class is the place of a bright square."""
    random = np.random.default_rng((label, seed))
    film = random.integers(0, 90, (size, size))
    third = size // 3
    film[third : 2 * third, label * third : (label + 1) * third] += 120
    return film.astype(np.uint8)


def write_folder(folder: Path, n_per_class: int = 12, classes: tuple[str, ...] = CLASSES) -> Path:
    """`<class>/<patient>_<number>.png`, two films a patient."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(n_per_class):
            patient, film = divmod(number, 2)
            path = folder / name / f"{label}{patient:03d}_{film}.png"
            Image.fromarray(draw(label, number)).save(path)
    return folder


def load(folder: Path, workspace: Workspace, size: int = 32) -> LoadedDataset:
    *_, loaded = load_dataset(folder, workspace, size)
    assert isinstance(loaded, LoadedDataset)
    return loaded


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def films_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve films of each of three classes, of two films a patient."""
    return write_folder(tmp_path_factory.mktemp("films") / "films")


@pytest.fixture(scope="session")
def loaded(films_folder: Path, shared_workspace: Workspace) -> LoadedDataset:
    """The films of `films_folder` at 32 pixels."""
    return load(films_folder, shared_workspace)


@pytest.fixture
def config() -> TrainingConfig:
    """Two epochs of ResNet-18 at 32 pixels."""
    return tiny_config()


def tiny_config() -> TrainingConfig:
    return TrainingConfig(
        epochs=2,
        batch_size=8,
        learning_rate=2e-3,
        preprocessing=Preprocessing(image_size=32, mean=0.4, std=0.25),
    )


@pytest.fixture
def cpu() -> Device:
    return Device("cpu", "CPU", 1 << 30)
