"""A model file, opened and ready to answer."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from core.data.batches import stack
from core.errors import Message, ModelFileError
from core.images.film import square
from core.images.reading import OLDER_READERS, READER_VERSION
from core.models.model_card import ModelCard
from core.models.model_file import OpenedModel, open_model
from core.models.onnx import OnnxNetwork, onnx_file
from core.models.operating_point import operating_point_of
from core.models.weights import Weights, random_weights
from core.prediction.calibration import (
    UNCALIBRATED_THRESHOLD,
    Calibration,
    Outputs,
    possible_classes,
    softmax,
)
from core.prediction.external_tests import ExternalTest, ExternalTests
from core.prediction.novelty import Neighbour, Novelty, NoveltyReference
from core.prediction.verdict import ModelLimits, Opinion

_TWIN_SEED: Final = 2018


class Network:
    """A network on ONNX Runtime, and the last layer that its class activation maps need.

    Args:
        card: Architecture, classes and input.
        weights: In torchvision's layout; not kept.
    """

    def __init__(self, card: ModelCard, weights: Weights) -> None:
        preprocessing = card.preprocessing
        content = onnx_file(
            card.architecture, weights, preprocessing.image_size, card.training.output_stride
        )
        self._run = OnnxNetwork(content, preprocessing)
        self.last_layer = weights["fc.weight"].copy()  # (C, F)

    def outputs(self, images: NDArray[np.uint8]) -> Outputs:
        """Answer images (N, S, S) or (N, S, S, 3).

        Raises:
            OutOfMemoryError: The memory does not hold them at once.
        """
        return Outputs(*self._run(images))


class Classifier:
    """One network with the card that explains it; any thread may ask.

    Args:
        path: The model file.
        card: What the network is and how its input is made.
        network: With the file's weights.
        calibration: How its probabilities are corrected; None: they are not.
        novelty_reference: Of its training films; None: the file has none.
        external: Its tests on X-rays from elsewhere; None: there are none.
    """

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        network: Network,
        calibration: Calibration | None = None,
        novelty_reference: NoveltyReference | None = None,
        external: ExternalTests | None = None,
    ) -> None:
        self.path, self.card, self.network = path, card, network
        self.calibration, self.novelty_reference = calibration, novelty_reference
        self.limits = ModelLimits.of(card, calibration, external)
        self._twin: Network | None = None
        self._one_twin = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read and check a model file, and make its network ready.

        Raises:
            ModelFileError: The file is damaged, foreign or hostile, or its network learned
                from films that were read by other rules than this program's.
        """
        opened = open_model(path)
        card = opened.card
        _check_reader(path, card)
        calibration, novelty_reference = _knowledge(path, opened)
        external = ExternalTests.beside(path, card.tensors_sha256)
        network = Network(card, opened.weights)
        classifier = cls(path, card, network, calibration, novelty_reference, external)
        classifier.opinions([_probe(card.preprocessing.image_size)])  # also warms it up
        return classifier

    @property
    def random_twin(self) -> Network:
        """A network of the same build with random weights, to compare heat maps with.

        Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018): a map that looks the
        same with random weights shows the film, not what was learned.
        """
        with self._one_twin:
            if self._twin is None:
                card = self.card
                weights = random_weights(card.architecture, len(card.classes), _TWIN_SEED)
                self._twin = Network(card, weights)
            return self._twin

    def outputs(self, films: Sequence[NDArray[np.uint8]]) -> Outputs:
        """Answer films that `prepare` made, uncalibrated."""
        return self.network.outputs(stack(films))

    def opinions(
        self,
        films: Sequence[NDArray[np.uint8]],
        prints: Sequence[NDArray[np.float32]] | None = None,
    ) -> list[Opinion]:
        """Answer films that `prepare` made, and tell how far each answer may be relied on.

        Args:
            films: From `prepare`.
            prints: The acquisition fingerprints of the whole films; None: where they come from
                is not examined, and the verdict says so.

        Raises:
            ModelFileError: The network's answers are no numbers.
        """
        outputs = self.outputs(films)
        self._check(outputs)
        features, reference = outputs.features, self.novelty_reference
        novelties: Sequence[Novelty | None] = [None] * len(films)
        if reference is not None:
            novelties = reference.judge(features, films, prints)
        tests: Sequence[tuple[ExternalTest, ...]] = [()] * len(films)
        if prints is not None:
            tests = [self._tests_like(one) for one in prints]
        probabilities, threshold = softmax(outputs.logits), UNCALIBRATED_THRESHOLD
        if self.calibration is not None:
            probabilities = self.calibration.probabilities(outputs.logits)
            threshold = self.calibration.set_threshold
        point = operating_point_of(self.card)
        thresholds = tuple(point.thresholds[name] for name in self.card.classes) if point else ()
        neighbours: list[tuple[Neighbour, ...]] = [()] * len(films)
        if reference is not None:
            neighbours = [reference.nearest(feature) for feature in features]
        return [
            Opinion(
                probabilities=row,
                is_calibrated=self.limits.is_calibrated,
                candidates=_with_answer(possible_classes(row, threshold), row, thresholds),
                novelty=novelty,
                neighbours=nearest,
                source_examples=self._source_examples(novelty),
                limits=self.limits,
                tests_like_it=like,
                thresholds=thresholds,
                is_near_copy=reference is not None and reference.is_copy(nearest),
            )
            for row, novelty, nearest, like in zip(
                probabilities, novelties, neighbours, tests, strict=True
            )
        ]

    def _tests_like(self, print_: NDArray[np.float32]) -> tuple[ExternalTest, ...]:
        reference, external = self.novelty_reference, self.limits.external
        if reference is None or reference.acquisition is None or not external.tests:
            return ()
        return external.like(reference.acquisition.standard(print_[None])[0])

    def _source_examples(self, novelty: Novelty | None) -> tuple[Neighbour, ...]:
        if self.novelty_reference is None or novelty is None or novelty.acquisition is None:
            return ()
        return self.novelty_reference.source_examples(novelty.acquisition)

    def prepare(self, film: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring a film of any size to the network's; safe to call from any thread."""
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


def _with_answer(
    possible: tuple[int, ...], probabilities: NDArray[np.float32], thresholds: tuple[float, ...]
) -> tuple[int, ...]:
    """Keep the answer of an operating point among the classes that remain possible."""
    if not thresholds:
        return possible
    answer = int((probabilities / np.array(thresholds)).argmax())
    return possible if answer in possible else (answer, *possible)


def _knowledge(
    path: Path, opened: OpenedModel
) -> tuple[Calibration | None, NoveltyReference | None]:
    """Read what a file says of its network beside the weights.

    Raises:
        ModelFileError: It cannot be true.
    """
    card, calibration, novelty_reference = opened.card, None, None
    try:
        if card.calibration is not None:
            calibration = Calibration.from_json(card.calibration)
        if card.novelty is not None:
            novelty_reference = NoveltyReference.from_parts(
                card.novelty,
                opened.extras,
                n_features=opened.weights["fc.weight"].shape[1],
                classes=card.classes,
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
    return calibration, novelty_reference


def _probe(size: int) -> NDArray[np.uint8]:
    """Draw all grey levels, (size, size): a network that fails here fails everywhere."""
    return np.linspace(0, 255, size * size).astype(np.uint8).reshape(size, size)


def _check_reader(path: Path, card: ModelCard) -> None:
    if card.reader_version in (READER_VERSION, *OLDER_READERS):
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
