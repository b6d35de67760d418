"""A model file, opened and ready to say what it thinks of films."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.data.batches import stack
from core.data.images import READER_VERSION, load_xray, shrink, square
from core.errors import ImageReadError, Message, ModelFileError, Refusal
from core.events import FilmRead, FilmRefused
from core.models.model_card import ModelCard
from core.models.model_file import open_model
from core.models.resnet import build_resnet
from core.models.weights import load_arrays
from core.prediction.inference import compute_logits, softmax
from core.runtime.devices import Device, choose_device, list_devices, use_device
from core.runtime.processor import physical_core_count
from core.runtime.threads import map_ahead

BATCH_SIZE = 8  # films; small enough that a list fills while one watches
VIEW_SIZE = 1024  # pixels of a film's longer side, as it is kept for looking at


class Classifier:
    """One network with the card that explains it.

    Args:
        card: What the network is and how its input is made.
        network: In evaluation mode, on `device`.
        device: Where it computes, whatever thread asks.
    """

    def __init__(self, card: ModelCard, network: Any, device: Device) -> None:
        self.card = card
        self.network = network
        self._device = device

    @classmethod
    def open(cls, path: Path, device_name: str = "auto") -> Self:
        """Read and check a model file, then build its network.

        Raises:
            ModelFileError: The file is damaged, foreign or hostile, or its network learned
                from films that were read by other rules than this program's.
            DeviceError: There is no such device.
        """
        card, arrays = open_model(path)
        _check_reader(path, card)
        device = choose_device(device_name, list_devices())
        use_device(device.name)
        network = build_resnet(card.architecture, len(card.classes))
        load_arrays(network, arrays)
        network.eval()
        return cls(card, network, device)

    def probabilities(self, films: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """What the network thinks of films that `prepare` made; (N, C), each row sums to 1."""
        use_device(self._device.name)
        return softmax(compute_logits(self.network, stack(films), self.card.preprocessing))

    def prepare(self, film: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A film of any size as the network takes it; safe to call from any thread."""
        return square(film, self.card.preprocessing.image_size)


@dataclass(frozen=True, slots=True)
class _Film:
    """A film as it waits for the network."""

    path: Path
    prepared: NDArray[np.uint8]  # (S, S) or (S, S, 3)
    view: NDArray[np.uint8]  # no side longer than VIEW_SIZE


def read_films(
    classifier: Classifier, paths: Sequence[Path], batch_size: int = BATCH_SIZE
) -> Generator[FilmRead | FilmRefused, None, None]:
    """Classify films in order; files decode ahead in threads.

    Args:
        classifier: The model to ask.
        paths: Image files; what is no film is refused and the others go on.
        batch_size: Films that go through the network together.
    """
    load = partial(_load, classifier)
    ready: list[_Film] = []
    with closing(map_ahead(load, paths, physical_core_count(), batch_size)) as films:
        for film in films:
            if isinstance(film, _Film):
                ready.append(film)
            if isinstance(film, Refusal) or len(ready) == batch_size:
                yield from _classify(classifier, ready)
                ready = []
            if isinstance(film, Refusal):
                yield FilmRefused(film)
        yield from _classify(classifier, ready)


def _check_reader(path: Path, card: ModelCard) -> None:
    if card.reader_version == READER_VERSION:
        return
    raise ModelFileError(
        Message(
            "The model {file} was trained by a PneumoScope that read films by other rules "
            "(version {theirs}, this program's is {ours}), so its answers would mislead. Use the "
            "version that made it, or train it again.",
            file=path.name,
            theirs=card.reader_version,
            ours=READER_VERSION,
        )
    )


def _classify(classifier: Classifier, films: Sequence[_Film]) -> Iterator[FilmRead]:
    if not films:
        return
    probabilities = classifier.probabilities([film.prepared for film in films])
    for film, row in zip(films, probabilities, strict=True):
        yield FilmRead(file=str(film.path), path=film.path, probabilities=row, image=film.view)


def _load(classifier: Classifier, path: Path) -> _Film | Refusal:
    try:
        film = load_xray(path)
    except ImageReadError as error:
        return Refusal(str(path), error.message)
    return _Film(path, classifier.prepare(film), shrink(film, VIEW_SIZE))
