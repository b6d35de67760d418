"""Small datasets of bright and dark squares that a network learns in a few steps."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from core.config import Preprocessing, TrainingConfig
from core.data.dataset import LoadedDataset, load_dataset
from core.data.splits import split
from core.runtime.devices import Device
from core.workspace import Workspace
from tests.core.training.narrow import make_narrow

if TYPE_CHECKING:
    from core.training.loop import TrainingData

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


@pytest.fixture(scope="module")
def narrow_network() -> Iterator[None]:
    """ResNet-18 with an eighth of its channels: what is tested is the loop around it."""
    with pytest.MonkeyPatch.context() as patch:
        make_narrow(patch.setattr)
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def films_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<class>/<patient>_<number>.png`: twelve films a class, two a patient."""
    folder = tmp_path_factory.mktemp("films") / "films"
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            patient, film = divmod(number, 2)
            path = folder / name / f"{label}{patient:03d}_{film}.png"
            Image.fromarray(draw(label, number)).save(path)
    return folder


@pytest.fixture(scope="session")
def loaded(films_folder: Path, shared_workspace: Workspace) -> LoadedDataset:
    """The films of `films_folder` at 32 pixels."""
    *_, loaded = load_dataset([films_folder], shared_workspace, 32)
    assert isinstance(loaded, LoadedDataset)
    return loaded


@pytest.fixture(scope="session")
def data(loaded: LoadedDataset) -> "TrainingData":
    """The films of `loaded`, divided by patients."""
    from core.training.loop import TrainingData  # loads Paddle

    return TrainingData(
        loaded.dataset, loaded.cache, split(loaded.dataset, loaded.grouping, TrainingConfig())
    )


@pytest.fixture(scope="session")
def config() -> TrainingConfig:
    """Two epochs of ResNet-18 at 32 pixels: about a second."""
    return TrainingConfig(
        epochs=2,
        batch_size=8,
        learning_rate=2e-3,
        preprocessing=Preprocessing(image_size=32, mean=0.4, std=0.25),
    )


@pytest.fixture(scope="session")
def cpu() -> Device:
    return Device("cpu", "CPU", 1 << 30)
