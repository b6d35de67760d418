"""Everything that is shown of an evaluation beside its accuracy: figures, curves, hard cases.

A study is computed after the answers are known, in the background; no network is asked again but
for the lung tests.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.audit.confounder import shortcuts_of
from core.data.acquisition import find_sources
from core.data.dataset import LoadedDataset
from core.data.records import Record
from core.errors import Message, PneumoScopeError
from core.evaluation.comparison import (
    ModelComparison,
    Plan,
    Subgroup,
    age_band,
    plan,
    subgroups,
)
from core.evaluation.curves import (
    CalibrationCurve,
    Curve,
    Doubt,
    NetBenefit,
    calibration_curve,
    doubt,
    net_benefit,
    precision_recall,
    roc,
)
from core.evaluation.elsewhere import Place, all_tests, places_of
from core.evaluation.evaluate import ModelEvaluation, Raw
from core.evaluation.figures import Answered, Figure, class_figures, overall_figures
from core.evaluation.intervals import Floats
from core.evaluation.lung_tests import (
    MOST_FILMS,
    LungTests,
    Pictured,
    Probe,
    lung_tests,
    probe_features,
)
from core.evaluation.metrics import (
    Evaluation,
    accuracy,
    confusion_matrix,
    mean_cross_entropy,
    per_class,
)
from core.evaluation.repeated import LearningCurve, SplitBias, Spread
from core.events import Progress
from core.images.reading import load_xray
from core.models.model_card import ModelCard
from core.models.operating_point import OperatingPoint, operating_point_of
from core.prediction.calibration import calibration_error, possible_classes, softmax
from core.prediction.classifier import Classifier
from core.prediction.lungs import find_lungs

N_HARD: Final = 12
N_NEAREST: Final = 3
_MOST_OWN: Final = 10  # X-rays of one patient in training that are passed over
# X-rays of a dataset; the shortcuts of more take longer than all figures.
MOST_FOR_SHORTCUTS: Final = 20_000
_COUNTING = Message("Computing the figures")
_LUNGS = Message("Looking for the lungs")
LEAST_SOURCE: Final = 2


@dataclass(frozen=True, slots=True)
class Near:
    """A training X-ray that the network finds like another."""

    label: int
    digest: str
    name: str  # "" where it is not in the open dataset


@dataclass(frozen=True, slots=True)
class Answer:
    """One X-ray that was answered."""

    path: Path
    name: str
    digest: str
    truth: int
    predicted: int
    probability: float  # of the predicted class
    loss: float  # nats
    is_sure: bool
    # Share of the other classes' X-rays that look less like the answered class in what is no
    # lung; None: not known.
    shortcut: float | None = None
    nearest: tuple[Near, ...] = ()  # of other patients, hard cases only


@dataclass(frozen=True, slots=True)
class PartFlow:
    """X-rays and patients of a class in a part of the model's making."""

    part: str  # "train", "validation", "test", "kept" or "unknown"
    name: str  # of the class: the model's where it is known, else the folder's
    n: int
    n_patients: int


@dataclass(frozen=True, slots=True)
class Flow:
    """The flow of files from those found to those used, as a STARD diagram shows it."""

    n_found: int
    n_refused: int
    n_duplicates: int  # files that hold the same X-ray as another
    n_left_out: int  # by the user
    n_used: int
    n_not_chosen: int  # X-rays of other parts
    parts: tuple[PartFlow, ...]


@dataclass(frozen=True, slots=True)
class TrainingCases:
    """Training X-rays that the model answers worst, though it learned from them."""

    n: int  # training X-rays that were asked about
    highest_loss: tuple[Answer, ...]  # wrongly answered, the highest loss first
    confounded: tuple[str, ...]  # classes that are told without the lungs


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """One evaluation in full."""

    classes: tuple[str, ...]
    answered: Answered
    sets: np.ndarray[Any, np.dtype[np.bool_]]  # (N, C), the classes that remain possible
    answers: tuple[Answer, ...]
    mistakes: tuple[Answer, ...]  # the most confident wrong answers, the worst first
    unsure_hits: tuple[Answer, ...]  # the right answers that were least sure
    are_patients_known: bool
    flow: Flow
    figures: tuple[Figure, ...]
    roc: tuple[Curve | None, ...]  # by class
    precision_recall: tuple[Curve | None, ...]
    calibration: tuple[CalibrationCurve | None, ...]
    calibration_before: tuple[CalibrationCurve | None, ...]  # without temperature
    ece: tuple[float, float]  # before and after correction
    doubt: Doubt
    net_benefit: tuple[NetBenefit, ...]
    subgroups: tuple[Subgroup, ...]
    operating_point: OperatingPoint
    validation: Answered | None  # answers to the model's validation X-rays, where they are here
    places: tuple[Place, ...] = ()  # the model at home and elsewhere, where it was tested there
    lungs: LungTests | None = None  # None: not asked for
    training: TrainingCases | None = None  # likewise
    comparison: ModelComparison | None = None  # likewise
    spread: Spread | None = None  # likewise
    learning: LearningCurve | None = None  # likewise
    splits: SplitBias | None = None  # likewise

    def figure(self, name: str, label: int | None = None) -> Figure | None:
        """Return one figure."""
        found = (one for one in self.figures if (one.name, one.label) == (name, label))
        return next(found, None)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Of each class that has an X-ray, what it takes to know its sensitivity."""
        found = (plan(self.answered, label) for label in range(len(self.classes)))
        return tuple(one for one in found if one is not None)

    def cell(self, truth: int, predicted: int) -> tuple[Answer, ...]:
        """Return the X-rays of a cell of the confusion matrix, the most confident first."""
        found = [one for one in self.answers if (one.truth, one.predicted) == (truth, predicted)]
        return tuple(sorted(found, key=lambda one: -one.probability))


def study_of(
    evaluated: ModelEvaluation,
    operating_point: OperatingPoint | None = None,
    *,
    with_lungs: bool = False,
) -> Generator[Progress | Study, None, None]:
    """Yield progress and at last the study.

    Args:
        evaluated: The answers.
        operating_point: How probabilities become answers; None: the model's own, or the most
            probable class.
        with_lungs: Whether the lung tests are run too, which takes about a minute.

    Raises:
        ConfigError: The operating point is for other classes.
    """
    classifier, loaded, raw = evaluated.classifier, evaluated.loaded, evaluated.raw
    validation = evaluated.validation
    card = classifier.card
    point = operating_point or operating_point_of(card) or OperatingPoint.neutral(card.classes)
    answered = answered_by(classifier, loaded, raw, point)
    total = answered.n_classes + 2
    found: list[Figure] = []
    for label in range(answered.n_classes):
        found.extend(class_figures(answered, label))
        yield Progress(_COUNTING, label + 1, total)
    found.extend(overall_figures(answered))
    yield Progress(_COUNTING, total - 1, total)
    before = Answered(
        softmax(raw.answers.logits).astype(np.float64),
        answered.predicted,
        answered.truth,
        answered.patients,
    )
    threshold = classifier.calibration.set_threshold if classifier.calibration else 0.3
    sets = np.zeros(answered.probabilities.shape, np.bool_)
    for row, probabilities in enumerate(answered.probabilities):
        sets[row, list(possible_classes(probabilities, threshold))] = True
    labels = range(answered.n_classes)
    known = classifier.limits.external.tests
    reference = classifier.novelty_reference
    acquisition = None if reference is None else reference.acquisition
    cases = Cases(classifier, loaded, raw.records)
    answers = tuple(cases.answers(raw, answered, sets))
    wrong = sorted((one for one in answers if one.predicted != one.truth), key=_by_doubt)[::-1]
    right = sorted((one for one in answers if one.predicted == one.truth), key=_by_doubt)
    lungs: LungTests | None = None
    if with_lungs:
        lungs = yield from _lungs(classifier, loaded, raw, answered)
    yield Study(
        card.classes,
        answered,
        sets,
        answers,
        tuple(cases.with_nearest(wrong[:N_HARD])),
        tuple(cases.with_nearest(right[:N_HARD])),
        loaded.grouping.has_patients,
        flow_of(card, loaded, raw.records),
        tuple(found),
        tuple(roc(answered, label) for label in labels),
        tuple(precision_recall(answered, label) for label in labels),
        tuple(calibration_curve(answered, label) for label in labels),
        tuple(calibration_curve(before, label) for label in labels),
        (
            calibration_error(before.probabilities, answered.truth),
            calibration_error(answered.probabilities, answered.truth),
        ),
        doubt(answered, sets),
        tuple(net_benefit(answered, label) for label in labels),
        subgroups(
            answered, {**_of_patients(loaded, raw.records), **_properties(loaded, raw.records)}
        ),
        point,
        None if validation is None else answered_by(classifier, loaded, validation, point),
        places_of(card, tuple(all_tests(known, evaluated.external)), acquisition),
        lungs,
    )


def evaluation_of(study: Study) -> Evaluation:
    """Return accuracy, loss and confusion matrix by the study's operating point."""
    answered = study.answered
    counts = confusion_matrix(answered.truth, answered.predicted, answered.n_classes)
    logits = np.log(np.clip(answered.probabilities, 1e-300, 1))
    return Evaluation(
        n=len(answered.truth),
        accuracy=accuracy(counts),
        loss=mean_cross_entropy(logits, answered.truth),
        confusion=counts,
        classes=per_class(counts),
    )


def answered_by(
    classifier: Classifier, loaded: LoadedDataset, raw: Raw, point: OperatingPoint
) -> Answered:
    """Return a model's corrected answers to X-rays of a dataset."""
    probabilities = corrected(classifier, raw.answers.logits)
    return Answered(
        probabilities,
        point.answers(probabilities, classifier.card.classes),
        np.array([record.label for record in raw.records], np.int64),
        _patients(loaded, raw.records),
    )


def corrected(classifier: Classifier, logits: Any) -> Floats:
    """Return the probabilities that a model gives to X-rays, from its logits, (N, C)."""
    if classifier.calibration is None:
        return softmax(logits).astype(np.float64)
    return classifier.calibration.probabilities(logits).astype(np.float64)


def _patients(loaded: LoadedDataset, records: Sequence[Record]) -> Any:
    """Number the patients of X-rays, (N,)."""
    by_name = dict(
        zip((r.name for r in loaded.dataset.records), loaded.grouping.groups, strict=True)
    )
    groups = [by_name[record.name] for record in records]
    return np.unique(np.array(groups), return_inverse=True)[1].astype(np.int64)


def _by_doubt(one: Answer) -> float:
    return one.probability


class Cases:
    """Looks X-rays up one by one: what is like them, and what speaks for an answer but the lungs.

    Args:
        classifier: The model.
        loaded: The dataset.
        used: X-rays of it with the model's labels.
    """

    def __init__(
        self, classifier: Classifier, loaded: LoadedDataset, used: Sequence[Record]
    ) -> None:
        self._reference = classifier.novelty_reference
        self._names = {one.digest: one.name for one in loaded.dataset.records}
        self._rows = {one.name: row for row, one in enumerate(loaded.dataset.records)}
        self._groups = loaded.grouping.groups
        self._group_of = {
            one.digest: group
            for one, group in zip(loaded.dataset.records, self._groups, strict=True)
        }
        # The dataset may have other classes in another order than the model.
        self._theirs = {
            one.label: loaded.dataset.records[self._rows[one.name]].label for one in used
        }
        self._features: dict[str, Any] = {}
        many = len(loaded.dataset.records) > MOST_FOR_SHORTCUTS
        self._shortcuts = None if many else shortcuts_of(loaded)

    def answers(self, raw: Raw, answered: Answered, sets: Any) -> Iterator[Answer]:
        """Yield the answer to each X-ray, the nearest ones left out."""
        rows = np.arange(len(answered.truth))
        losses = -np.log(np.clip(answered.probabilities[rows, answered.truth], 1e-15, 1))
        for row, record in enumerate(raw.records):
            predicted = int(answered.predicted[row])
            self._features[record.name] = raw.answers.features[row]
            yield Answer(
                record.path,
                record.name,
                record.digest,
                record.label,
                predicted,
                float(answered.probabilities[row, predicted]),
                float(losses[row]),
                bool(sets[row].sum() == 1),
                self._shortcut(record.name, predicted),
            )

    def _shortcut(self, name: str, predicted: int) -> float | None:
        theirs = self._theirs.get(predicted)
        if self._shortcuts is None or theirs is None:
            return None
        share = float(self._shortcuts[self._rows[name], theirs])
        return share if np.isfinite(share) else None

    def with_nearest(self, answers: Sequence[Answer]) -> Iterator[Answer]:
        """Add the nearest training X-rays of other patients to answers that `answers` gave."""
        for one in answers:
            yield one if self._reference is None else replace(one, nearest=self._nearest(one))

    def _nearest(self, one: Answer) -> tuple[Near, ...]:
        assert self._reference is not None
        own = self._groups[self._rows[one.name]]
        near = self._reference.nearest(self._features[one.name], N_NEAREST + _MOST_OWN)
        others = (film for film in near if self._group_of.get(film.digest) != own)
        return tuple(
            Near(film.label, film.digest, self._names.get(film.digest, ""))
            for film in islice(others, N_NEAREST)
        )


def flow_of(card: ModelCard, loaded: LoadedDataset, used: Sequence[Record]) -> Flow:
    """Count what became of every file."""
    refused = len(loaded.as_found.left_out)
    found = loaded.dataset.records
    n_same = len(found) - len({record.digest for record in found})
    part_of = {digest: part for part, digests in card.split.items() for digest in digests}
    names, own = list(loaded.dataset.classes), {one.name: one.label for one in used}
    for record in found:
        if record.name in own:
            names[record.label] = card.classes[own[record.name]]
    groups = loaded.grouping.groups
    counts: Counter[tuple[str, int]] = Counter()
    patients: dict[tuple[str, int], set[str]] = {}
    for record, group in zip(found, groups, strict=True):
        key = part_of.get(record.digest, "unknown"), record.label
        counts[key] += 1
        patients.setdefault(key, set()).add(group)
    order = ("train", "validation", "test", "kept", "unknown")
    return Flow(
        n_found=len(loaded.as_found.records) + refused,
        n_refused=refused,
        n_duplicates=n_same,
        n_left_out=len(loaded.as_found.records) - len(found),
        n_used=len(used),
        n_not_chosen=len(found) - len(used),
        parts=tuple(
            PartFlow(part, names[label], counts[part, label], len(patients[part, label]))
            for part, label in sorted(counts, key=lambda key: (order.index(key[0]), key[1]))
        ),
    )


def _of_patients(
    loaded: LoadedDataset, records: Sequence[Record]
) -> Mapping[str, Sequence[str | None]]:
    """Return what a table of labels, or else a DICOM file, tells: sex, age, view, maker."""
    pairs = [(record, loaded.cache.headers.get(record.digest)) for record in records]
    ages = [
        one.age if one.age is not None or header is None else header.age for one, header in pairs
    ]
    return {
        "sex": [one.sex or (header.sex if header else None) or None for one, header in pairs],
        "age": [age_band(age) for age in ages],
        "view": [one.view or (header.view if header else None) or None for one, header in pairs],
        "maker": [(header.maker if header else None) or None for _, header in pairs],
    }


def _properties(
    loaded: LoadedDataset, records: Sequence[Record]
) -> Mapping[str, Sequence[str | None]]:
    """Return what is known of X-rays and no disease: source, format, size.

    By all X-rays of the dataset, of which the test part alone may be too few to tell sources.
    """
    digests = [record.digest for record in loaded.dataset.records]
    prints = loaded.cache.prints_of(digests)
    found = find_sources(prints) if len(prints) > LEAST_SOURCE else np.zeros(len(prints), int)
    source_of = dict(zip(digests, found.tolist(), strict=True))
    sources = [source_of[record.digest] for record in records]
    headers = [loaded.cache.headers.get(record.digest) for record in records]
    heights = [None if header is None else header.height for header in headers]
    known = sorted(header.height for header in loaded.cache.headers.values())
    middle = known[len(known) // 2] if known else 0
    return {
        "source": [chr(ord("A") + int(source)) for source in sources],
        "format": [None if header is None else header.format for header in headers],
        "size": [
            None if not height else "small" if height < middle else "large" for height in heights
        ],
    }


def _lungs(
    classifier: Classifier, loaded: LoadedDataset, raw: Raw, answered: Answered
) -> Generator[Progress, None, LungTests]:
    chosen = np.arange(len(raw.records))
    if len(chosen) > MOST_FILMS:
        chosen = np.sort(np.random.default_rng(0).permutation(chosen)[:MOST_FILMS])
    films = []
    for done, index in enumerate(chosen.tolist(), start=1):
        record = raw.records[index]
        try:
            pixels = load_xray(record.path)
        except PneumoScopeError:
            continue
        lungs = find_lungs(pixels)
        films.append(
            Pictured(
                classifier.prepare(pixels),
                lungs if lungs is not None and lungs.is_reliable else None,
                record.label,
                int(answered.patients[index]),
            )
        )
        yield Progress(_LUNGS, done, len(chosen))

    def network(images: Any) -> Floats:
        return softmax(classifier.outputs(list(images)).logits).astype(np.float64)

    return (yield from lung_tests(films, network, _probes(classifier, loaded, raw)))


def _probes(classifier: Classifier, loaded: LoadedDataset, raw: Raw) -> list[Probe]:
    """Probe the training X-rays' features, which the model file has, where they are here."""
    records, features = raw.records, raw.answers.features
    reference = classifier.novelty_reference
    if reference is not None:
        rows = {digest: row for row, digest in enumerate(reference.digests)}
        known = tuple(record for record in loaded.dataset.records if record.digest in rows)
        if len(known) >= len(records):
            records = known
            features = reference.places[[rows[record.digest] for record in known]]
    return probe_features(
        features.astype(np.float64),
        _properties(loaded, records),
        np.array([record.label for record in records]),
        _patients(loaded, records),
    )
