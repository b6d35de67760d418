"""The built-in dataset and the settings with which its whole story takes about a minute."""

from collections.abc import Iterator
from pathlib import Path

from core.config import TrainingConfig, preset
from core.events import Progress
from core.phantom import write_dataset
from core.workspace import Workspace

FILMS_PER_CLASS = 150
FILM_SIZE = 256  # pixels
IMAGE_SIZE = 64  # pixels, of the network's input
EPOCHS = 12


def demo_archive(workspace: Workspace) -> Path:
    """Return the path of the drawn films; the name tells how many and how large."""
    return workspace.demos / f"phantoms-{FILMS_PER_CLASS}-{FILM_SIZE}.zip"


def draw_demo(workspace: Workspace) -> Iterator[Progress]:
    """Draw the films, where that was not done before."""
    path = demo_archive(workspace)
    if not path.exists():
        yield from write_dataset(path, n_per_class=FILMS_PER_CLASS, size=FILM_SIZE)


def demo_config() -> TrainingConfig:
    """Return recommended settings at a size that two processor cores train in a minute."""
    recommended = preset("recommended")
    return recommended.changed(epochs=EPOCHS, image_size=IMAGE_SIZE)
