"""A model file, opened and ready to say what it thinks of films."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.data.batches import stack
from core.errors import Message, ModelFileError
from core.images.film import square
from core.images.reading import READER_VERSION
from core.models.model_card import ModelCard
from core.models.model_file import OpenedModel, open_model
from core.models.resnet import build_resnet, place_of, to_input
from core.models.weights import load_arrays
from core.prediction.calibration import (
    UNCALIBRATED_THRESHOLD,
    Calibration,
    Outputs,
    possible_classes,
    softmax,
)
from core.prediction.fast import FastNetwork, build_fast, open_fast
from core.prediction.inference import compute_outputs
from core.prediction.novelty import TrainingMemory
from core.prediction.opinion import Opinion
from core.runtime.devices import Device, choose_device, list_devices, use_device
from core.workspace import Workspace

log = logging.getLogger(__name__)


class Classifier:
    """One network with the card that explains it.

    Args:
        path: The model file.
        card: What the network is and how its input is made.
        network: In evaluation mode, on `device`.
        device: Where it computes, whatever thread asks.
        calibration: How its probabilities are corrected; None: they are not.
        memory: What it remembers of its training films; None: nothing.
    """

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        network: Any,
        device: Device,
        calibration: Calibration | None = None,
        memory: TrainingMemory | None = None,
    ) -> None:
        self.path, self.card, self.network, self.device = path, card, network, device
        self.calibration, self.memory = calibration, memory
        self._fast: FastNetwork | None = None

    @classmethod
    def open(cls, path: Path, device_name: str = "auto") -> Self:
        """Read and check a model file, then build its network.

        Raises:
            ModelFileError: The file is damaged, foreign or hostile, or its network learned
                from films that were read by other rules than this program's.
            DeviceError: There is no such device.
        """
        opened = open_model(path)
        card = opened.card
        _check_reader(path, card)
        calibration, memory = _knowledge(path, opened)
        device = choose_device(device_name, list_devices())
        use_device(device.name)
        network = build_resnet(card.architecture, len(card.classes))
        load_arrays(network, opened.weights)
        network.eval()
        classifier = cls(path, card, network, device, calibration, memory)
        classifier.opinions([_probe(card.preprocessing.image_size)])  # also warms it up
        return classifier

    @property
    def is_fast(self) -> bool:
        """Whether the processor's own kernels answer instead of Paddle's."""
        return self._fast is not None

    def speed_up(self, workspace: Workspace, *, may_build: bool) -> None:
        """Answer in a fraction of the time from now on, where this processor can.

        Args:
            workspace: Where the fast networks of this program are kept.
            may_build: Whether to build one that was not built before, which takes seconds; any
                thread may do it.
        """
        use_device(self.device.name)
        fast = open_fast(self.card, self.network, workspace)
        if fast is None and may_build:
            fast = build_fast(self.card, self.network, workspace)
        self._fast = fast

    def outputs(self, films: Sequence[NDArray[np.uint8]]) -> Outputs:
        """What the network makes of films that `prepare` made."""
        use_device(self.device.name)
        images, preprocessing = stack(films), self.card.preprocessing
        fast = self._fast
        if fast is not None:
            inputs = to_input(images, preprocessing, place_of(self.network)).numpy()
            try:
                return Outputs(*fast(inputs))
            except (RuntimeError, SystemError) as error:
                log.warning("the fast network failed and is not used any more: %s", error)
                self._fast = None
        return compute_outputs(self.network, images, preprocessing)

    def opinions(self, films: Sequence[NDArray[np.uint8]]) -> list[Opinion]:
        """What the model says of films that `prepare` made, and how far it may be believed.

        Raises:
            ModelFileError: The network's answers are no numbers.
        """
        outputs = self.outputs(films)
        self._check(outputs)
        features, memory = outputs.features, self.memory
        novelties = memory.judge(features, films) if memory is not None else [None] * len(films)
        threshold = UNCALIBRATED_THRESHOLD
        if self.calibration is not None:
            threshold = self.calibration.set_threshold
        return [
            Opinion(
                probabilities=row,
                is_calibrated=self.calibration is not None,
                candidates=possible_classes(row, threshold),
                novelty=novelty,
                neighbours=memory.nearest(feature) if memory is not None else (),
            )
            for row, novelty, feature in zip(
                self._probabilities(outputs.logits), novelties, features, strict=True
            )
        ]

    def probabilities(self, films: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """What the network thinks of films that `prepare` made; (N, C), each row sums to 1.

        Calibrated where the model knows how.
        """
        outputs = self.outputs(films)
        self._check(outputs)
        return self._probabilities(outputs.logits)

    def prepare(self, film: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A film of any size as the network takes it; safe to call from any thread."""
        return square(film, self.card.preprocessing.image_size)

    def _check(self, outputs: Outputs) -> None:
        """Refuse the answers of weights that are finite, but absurd."""
        if np.isfinite(outputs.logits).all() and np.isfinite(outputs.features).all():
            return
        raise ModelFileError(
            Message(
                "The model {file} is of no use: its answers are no finite numbers. Train it again "
                "with a lower learning rate, or get a fresh copy of it.",
                file=self.path.name,
            )
        )

    def _probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.calibration is not None:
            return self.calibration.probabilities(logits)
        return softmax(logits)


def _knowledge(path: Path, opened: OpenedModel) -> tuple[Calibration | None, TrainingMemory | None]:
    """What a file says of its network beside the weights.

    Raises:
        ModelFileError: It cannot be true.
    """
    card, calibration, memory = opened.card, None, None
    try:
        if card.calibration is not None:
            calibration = Calibration.from_json(card.calibration)
        if card.novelty is not None:
            memory = TrainingMemory.from_parts(
                card.novelty,
                opened.extras,
                n_features=opened.weights["fc.weight"].shape[1],
                n_classes=len(card.classes),
                train_digests=card.split["train"],
            )
        elif opened.extras:
            raise ValueError("tensors that belong to nothing")
    except ValueError as error:
        raise ModelFileError(
            Message(
                "The model file {file} is damaged or was altered ({reason}). Get a fresh copy of "
                "it.",
                file=path.name,
                reason=Message("what it says of its training films cannot be true"),
            )
        ) from error
    return calibration, memory


def _probe(size: int) -> NDArray[np.uint8]:
    """A picture of all grey levels, (size, size): a network that fails here fails everywhere."""
    return np.linspace(0, 255, size * size).astype(np.uint8).reshape(size, size)


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
