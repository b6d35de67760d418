"""Initial weights that open at once, or once they are told to."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from core.config import Architecture
from core.errors import Message, ModelFileError
from core.events import Progress
from core.models import initial_weights as weights_module
from core.models import published_weights
from core.models.initial_weights import InitialWeights

FILE = Path("weights.safetensors")


class Weights:
    """Every file holds a ResNet-18's; published ones are fetched in one piece."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()  # opening and fetching wait for it
        self.gate.set()
        self.opened: list[tuple[str, Architecture, tuple[str, ...]]] = []
        self.fetched: list[Architecture] = []
        patch.setattr(weights_module, "open_initial_weights", self._open)
        patch.setattr(published_weights, "download", self._download)

    def _open(
        self, path: Path, architecture: Architecture, n_classes: int, classes: Sequence[str] = ()
    ) -> InitialWeights:
        assert self.gate.wait(60)
        assert n_classes == len(classes)
        self.opened.append((path.name, architecture, tuple(classes)))
        if path == FILE and architecture != "resnet18":
            raise ModelFileError(Message("{file} holds a ResNet-18.", file=path.name))
        arrays = {"conv1.weight": np.zeros(1, np.float32)}
        return InitialWeights(
            path.name, "safetensors", arrays, ("conv1.weight",), ("fc.weight", "fc.bias"), (), ()
        )

    def _download(self, architecture: Architecture, folder: Path) -> Iterator[Progress | Path]:
        yield Progress(Message("Fetching {file}", file=architecture), 1, 2)
        assert self.gate.wait(60)
        self.fetched.append(architecture)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / published_weights.published(architecture).file
        path.touch()
        yield path
