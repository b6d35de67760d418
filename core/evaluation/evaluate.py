"""Evaluate a model file on a dataset: the test part it never saw, or every film."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.config import Preprocessing
from core.data.batches import BatchSource
from core.data.cache import ImageCache
from core.data.dataset import LoadedDataset
from core.data.folder_names import spelling
from core.data.records import Dataset, Record
from core.data.unpacked import showable
from core.errors import DatasetError, Message, RunFolderError
from core.evaluation.metrics import Evaluation, evaluation
from core.events import Progress
from core.models.model_card import ModelCard
from core.models.model_file import open_model
from core.prediction.calibration import Outputs
from core.prediction.classifier import Classifier
from core.prediction.external_tests import (
    ClassResult,
    ExternalTest,
    Region,
    keep_test,
    now,
)
from core.prediction.verdict import model_warnings
from core.runtime.devices import choose_device, list_devices, may_have_cards, use_device
from core.runtime.memory import memory_for
from core.runtime.threads import physical_core_count
from core.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers of a network to films whose classes are known."""

    logits: NDArray[np.float32]  # (N, C)
    features: NDArray[np.float32]  # (N, F), what the last layer saw
    labels: NDArray[np.int64]  # (N,)


Network = Callable[[NDArray[np.uint8]], Outputs]  # answers images (N, S, S) or (N, S, S, 3)


def paddle_network(network: Any, preprocessing: Preprocessing) -> Network:
    """Let a Paddle network answer, in evaluation mode and without gradients.

    Args:
        network: A `core.models.resnet.ResNet`.
        preprocessing: How images become its input.

    Returns:
        It raises DeviceError where the device's memory does not hold the images.
    """
    from core.models.resnet import place_of, to_input
    from core.runtime.paddle import paddle

    def answer(images: NDArray[np.uint8]) -> Outputs:
        network.eval()
        with paddle.no_grad(), memory_for(len(images)):
            maps = network.features(to_input(images, preprocessing, place_of(network)))
            return Outputs(network.classify(maps).numpy(), maps.numpy())

    return answer


def gather(
    network: Network, source: BatchSource, stage: Message
) -> Generator[Progress, None, Answers]:
    """Ask a network as it is about films, at least one; yields after every batch.

    Raises:
        DeviceError: The device's memory does not hold a batch.
    """
    outputs, labels = [], []
    with closing(source.plain_batches(physical_core_count())) as batches:
        for done, batch in enumerate(batches, start=1):
            output = network(batch.images)
            outputs.append((output.logits, output.features))
            labels.append(batch.labels)
            yield Progress(stage, done, source.n_batches)
    logits, features = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
    return Answers(logits, features, np.concatenate(labels))


def score(
    network: Network, source: BatchSource, stage: Message
) -> Generator[Progress, None, Evaluation]:
    """Evaluate a network as it is; yields after every batch, returns the numbers.

    Raises:
        PneumoScopeError: There is no film, or the network's answers are no finite numbers.
    """
    answers = yield from gather(network, source, stage)
    return evaluation(answers.logits, answers.labels)


Part = Literal["test", "all"]
LEFT_OUT: Final = ""  # in a mapping: X-rays of this class folder are not evaluated
BATCH_SIZE = 32
# Films from which on a graphics card is faster, for which Paddle must be loaded first.
_WORTH_A_CARD: Final = 500


@dataclass(frozen=True, slots=True)
class ClassQuestion:
    """Class folders that mean no class of the model by their names."""

    strange: tuple[str, ...]  # class folders of the dataset
    known: tuple[str, ...]  # the model's classes


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Answers of the network before any correction, to X-rays in order."""

    records: tuple[Record, ...]  # with the model's labels
    answers: Answers


@dataclass(frozen=True, slots=True, eq=False)
class ModelEvaluation:
    """Evaluation of a model on some films."""

    model: Path
    card: ModelCard
    part: Part
    result: Evaluation
    classifier: Classifier
    loaded: LoadedDataset
    raw: Raw
    validation: Raw | None  # to the model's validation X-rays, where they are here
    warnings: tuple[Message, ...] = ()  # what anybody who uses the model must know
    external: ExternalTest | None = None  # where the X-rays came from other sources
    kept: Message | None = None  # why the external test could not be kept beside the model


def evaluate_model(
    model: Path,
    loaded: LoadedDataset,
    part: Part,
    workspace: Workspace,
    device_name: str = "auto",
    mapping: Mapping[str, str] | None = None,
) -> Iterator[Progress | ModelEvaluation]:
    """Yield progress and at last the evaluation.

    X-rays of which most were acquired differently from all training sources make an external test,
    which is kept beside the model (`core.prediction.external_tests`).

    Args:
        model: A model file.
        loaded: The dataset; its classes must be among the model's, but for the spelling.
        part: "test" takes the films that the model's training kept apart as test; a film of
            which a copy was in another part does not count. Of a dataset from elsewhere, of
            which the model knows no film, all are tested.
        workspace: Where decoded films are kept.
        device_name: "auto", "cpu" or "gpu:N"; "auto" takes a graphics card for many films only.
        mapping: Class folders of the dataset -> classes of the model where their names differ, or
            LEFT_OUT.

    Raises:
        ModelFileError: The model file is refused.
        DatasetError: The dataset has a class that the model does not know, or none of the
            model's test films.
        DeviceError: There is no such device, or its memory does not hold a batch.
    """
    classifier = Classifier.open(model)
    card = classifier.card
    is_external = _is_from_elsewhere(classifier, loaded)
    if is_external:
        part = "all"
    records = films_of_part(card, loaded.dataset, part, mapping)
    cache: ImageCache | None = None
    size = card.preprocessing.image_size
    for step in loaded.at_size(size, workspace):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of at_size
    network = _network_for(len(records), classifier, device_name)
    source = BatchSource(cache, records, BATCH_SIZE)
    answers = yield from gather(network, source, Message("Evaluating"))
    result = evaluation(answers.logits, answers.labels)
    validation: Raw | None = None
    others = () if is_external else _validation_films(card, loaded.dataset)
    if others:
        source = BatchSource(cache, others, BATCH_SIZE)
        given = yield from gather(network, source, Message("Answering the validation X-rays"))
        validation = Raw(others, given)
    external = _external_test(classifier, loaded, records, result) if is_external else None
    kept: Message | None = None
    if external is not None:
        try:
            keep_test(model, external)
        except RunFolderError as error:
            kept = error.message
    warnings = model_warnings(model, card)
    if cache.repair_note is not None:
        warnings = (*warnings, cache.repair_note)
    yield ModelEvaluation(
        model,
        card,
        part,
        result,
        classifier,
        loaded,
        Raw(records, answers),
        validation,
        warnings,
        external,
        kept,
    )


# Of the X-rays; fewer may be strange by chance.
_ELSEWHERE_SHARE: Final = 0.5


def _is_from_elsewhere(classifier: Classifier, loaded: LoadedDataset) -> bool:
    """Tell whether the model knows none of the films, and most come from other sources."""
    known = {digest for digests in classifier.card.split.values() for digest in digests}
    digests = [record.digest for record in loaded.dataset.records]
    reference = classifier.novelty_reference
    if known & set(digests) or reference is None or reference.acquisition is None:
        return False
    prints = loaded.cache.prints_of(digests)
    distances = reference.acquisition.distances(prints).min(axis=1)
    return float((distances > reference.acquisition.limit).mean()) >= _ELSEWHERE_SHARE


def _external_test(
    classifier: Classifier,
    loaded: LoadedDataset,
    records: Sequence[Record],
    result: Evaluation,
) -> ExternalTest | None:
    reference, card = classifier.novelty_reference, classifier.card
    assert reference is not None
    assert reference.acquisition is not None
    prints = loaded.cache.prints_of(record.digest for record in records)
    if len(prints) < 2:
        return None
    own = card.metrics.get("test")
    accuracy = own.get("accuracy") if isinstance(own, dict) else None
    return ExternalTest(
        model_sha256=card.tensors_sha256,
        created=now(),
        dataset=showable(loaded.dataset.name)[:300],
        fingerprint=loaded.dataset.fingerprint,
        sources=tuple(showable(source.name)[:300] for source in loaded.dataset.sources)[:100],
        classes=tuple(
            ClassResult(name=name, n=int(row.sum()), n_right=int(row[label]))
            for label, (name, row) in enumerate(zip(card.classes, result.confusion, strict=True))
        ),
        own_accuracy=accuracy if isinstance(accuracy, float) and 0 <= accuracy <= 1 else None,
        region=Region.fit(prints, reference.acquisition.standard),
    )


def _network_for(n_films: int, classifier: Classifier, device_name: str) -> Network:
    """Choose ONNX Runtime on the processor, or Paddle on a graphics card for many films.

    Raises:
        DeviceError: There is no such device.
    """
    is_choice_open = device_name == "auto" and n_films >= _WORTH_A_CARD and may_have_cards()
    if device_name == "cpu" or (device_name == "auto" and not is_choice_open):
        return classifier.network.outputs
    device = choose_device(device_name, list_devices())
    if not device.is_gpu:
        return classifier.network.outputs
    from core.models.resnet import build_resnet
    from core.models.weights import load_arrays

    card = classifier.card
    use_device(device.name)
    network = build_resnet(card.architecture, len(card.classes), card.training.output_stride)
    load_arrays(network, open_model(classifier.path).weights)
    return paddle_network(network, card.preprocessing)


def films_of_part(
    card: ModelCard, dataset: Dataset, part: Part, mapping: Mapping[str, str] | None = None
) -> tuple[Record, ...]:
    """Return the films to evaluate on, with labels in the order of the model's classes.

    Test films are known by their content, whatever they are called now.

    Args:
        card: Of the model.
        dataset: Of the films.
        part: See `evaluate_model`.
        mapping: Likewise.

    Raises:
        DatasetError: As for `evaluate_model`.
    """
    called = matched_classes(card.classes, dataset.classes, mapping or {})
    question = strange_classes(card, dataset, mapping or {})
    if question is not None:
        raise DatasetError(
            Message(
                "The dataset has classes that the model does not know: {strange}. The model "
                "knows: {known}.",
                strange=", ".join(sorted(question.strange)),
                known=", ".join(question.known),
            )
        )
    label_of = {
        label: card.classes.index(called[name])
        for label, name in enumerate(dataset.classes)
        if called[name] != LEFT_OUT
    }
    if not label_of:
        raise DatasetError(Message("All classes of {name} are left out.", name=dataset.name))
    records = dataset.records if part == "all" else _test_films(card, dataset.records)
    records = tuple(record for record in records if record.label in label_of)
    if not records:
        raise DatasetError(
            Message(
                "None of the model's test films is in {name}, so the model was trained on other "
                "films. Evaluate on all films instead.",
                name=dataset.name,
            )
        )
    return tuple(dataclasses.replace(record, label=label_of[record.label]) for record in records)


def strange_classes(
    card: ModelCard, dataset: Dataset, mapping: Mapping[str, str]
) -> ClassQuestion | None:
    """Return what must be asked before a dataset can be evaluated; None: nothing."""
    called = matched_classes(card.classes, dataset.classes, mapping)
    strange = [name for name, meant in called.items() if meant not in (*card.classes, LEFT_OUT)]
    return ClassQuestion(tuple(strange), card.classes) if strange else None


def matched_classes(
    known: Sequence[str], found: Sequence[str], mapping: Mapping[str, str]
) -> dict[str, str]:
    """Map a dataset's class folders to a model's classes, by `mapping` or by their names.

    Args:
        known: The model's classes.
        found: The dataset's.
        mapping: What somebody chose: found -> known, or LEFT_OUT.

    Returns:
        Of every class that was found; one that means no known class stands for itself.
    """
    plain = [spelling(name) for name in known]
    spelled = {one: name for one, name in zip(plain, known, strict=True) if plain.count(one) == 1}
    return {
        name: mapping[name]
        if name in mapping
        else name
        if name in known
        else spelled.get(spelling(name), name)
        for name in found
    }


def _validation_films(card: ModelCard, dataset: Dataset) -> tuple[Record, ...]:
    """Return the model's validation X-rays, with its labels; () unless all are here."""
    wanted = set(card.split["validation"])
    label_of = {
        label: card.classes.index(name)
        for label, name in enumerate(dataset.classes)
        if name in card.classes
    }
    found = tuple(
        dataclasses.replace(record, label=label_of[record.label])
        for record in dataset.records
        if record.digest in wanted and record.label in label_of
    )
    return found if wanted and {record.digest for record in found} == wanted else ()


def _test_films(card: ModelCard, records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the films of the model's test part alone, each as often as it was there.

    Raises:
        DatasetError: The model has no such film.
    """
    if not card.split["test"]:
        raise DatasetError(
            Message(
                "The model was trained on so few films that none was kept for a test. Evaluate "
                "on all films of another dataset instead."
            )
        )
    elsewhere = {
        digest for name, digests in card.split.items() if name != "test" for digest in digests
    }
    left = Counter(digest for digest in card.split["test"] if digest not in elsewhere)
    if not left:
        raise DatasetError(
            Message(
                "Copies of all the model's test films were used in its training, so they are no "
                "test. Evaluate on all films of another dataset instead."
            )
        )
    films = []
    for record in records:
        if left[record.digest] > 0:
            left[record.digest] -= 1
            films.append(record)
    return tuple(films)
