"""Whether the classes can be told apart without looking at the lungs, and by what."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core import files
from core.audit.findings import Finding, Severity
from core.data.dataset import LoadedDataset
from core.errors import Message
from core.statistics import auroc, auroc_interval

_N_BINS = 8  # of as many films each
_MOST_CATEGORIES = 20
_LEAST_IN_BIN = 3  # films; fewer teach nothing
_PENALTY = 1.0  # L2, on the sum of the cross-entropies
_N_STEPS = 40  # ten times as many changed no AUROC of real films by more than 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Property:
    """Something about films that has nothing to do with lungs."""

    name: str  # a key, not a sentence
    values: NDArray[np.float64]  # (N,); NaN = unknown; the number of a category
    is_category: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Bins:
    """How the values of one property become columns of 0 and 1; fitted on training films."""

    places: NDArray[np.float64]  # categories, or limits between bins; ascending
    is_category: bool

    @classmethod
    def of(cls, values: NDArray[np.float64], is_category: bool) -> Self:
        known = values[~np.isnan(values)]
        if is_category:
            categories, counts = np.unique(known, return_counts=True)
            largest = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
            return cls(np.sort(categories[largest]), True)
        if not len(known):
            return cls(known, False)
        shares = np.arange(1, _N_BINS) / _N_BINS
        return cls(np.unique(np.quantile(known, shares, method="lower")), False)

    def columns(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (N, number of bins); all 0 where a category was not known."""
        left = np.searchsorted(self.places, values, "left")
        right = np.searchsorted(self.places, values, "right")
        # A bin between two limits and one for each limit itself: most films may have one size.
        code = np.where(np.isnan(values), 2 * len(self.places) + 1, left + right)
        if self.is_category:  # only the limits count, and unknown
            code = np.where((left == right) & ~np.isnan(values), -1, code)
        return (code[:, None] == np.arange(2 * len(self.places) + 2)).astype(np.float64)


def out_of_fold_scores(
    properties: Sequence[Property],
    targets: NDArray[np.int64],
    folds: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.float64]:
    """Score each film by a multinomial logistic regression fitted on the other folds.

    Args:
        properties: Of all N films.
        targets: Shape (N,), from 0 to n_classes - 1.
        folds: The fold of each film, shape (N,).
        n_classes: C, at least 2.

    Returns:
        Log odds of each class against the rest, shape (N, C), less their mean over the training
        films: the folds' shares of a class differ, and that must not order films.
    """
    scores = np.zeros((len(targets), n_classes))
    for fold in np.unique(folds):
        is_test = folds == fold
        training, testing = _columns(properties, ~is_test)
        weights = _fitted(training, targets[~is_test], n_classes)
        scores[is_test] = _log_odds(testing @ weights)
        scores[is_test] -= _log_odds(training @ weights).mean(axis=0)
    # What is equal but for rounding must not order films either.
    return scores.round(9)


def _columns(
    properties: Sequence[Property], is_training: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The training and the other films as rows of 0 and 1; the first column is all 1."""
    training = [np.ones((int(is_training.sum()), 1))]
    testing = [np.ones((int((~is_training).sum()), 1))]
    for each in properties:
        bins = _Bins.of(each.values[is_training], each.is_category)
        seen = bins.columns(each.values[is_training])
        is_used = seen.sum(axis=0) >= _LEAST_IN_BIN
        training.append(seen[:, is_used])
        testing.append(bins.columns(each.values[~is_training])[:, is_used])
    return np.concatenate(training, axis=1), np.concatenate(testing, axis=1)


def _fitted(
    rows: NDArray[np.float64], targets: NDArray[np.int64], n_classes: int
) -> NDArray[np.float64]:
    """The weights, shape (D, C), that minimise cross-entropy plus penalty, nearly.

    Newton-like steps with an upper bound of the curvature that needs one inversion only
    (Boehning, Annals of the Institute of Statistical Mathematics 1992), with Nesterov's momentum.
    """
    truth = np.eye(n_classes)[targets]  # (N, C)
    n_columns = rows.shape[1]
    curvature = rows.T @ rows / 2 + _PENALTY * np.eye(n_columns)
    inverse = np.linalg.inv(curvature)
    weights = np.zeros((n_columns, n_classes))
    ahead = weights
    for step in range(_N_STEPS):
        slope = rows.T @ (_softmax(rows @ ahead) - truth) + _PENALTY * ahead  # (D, C)
        previous, weights = weights, ahead - inverse @ slope
        ahead = weights + step / (step + 3) * (weights - previous)
    return weights


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _log_odds(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log odds p to 1 - p of each class; shape (N, C) as the logits."""
    shares = np.clip(_softmax(logits), 1e-12, 1 - 1e-12)
    return np.log(shares) - np.log1p(-shares)


# A class with fewer says too little: five folds need five patients.
LEAST_FILMS = 20
LEAST_GROUPS = 5
MOST_CLASSES = 20  # the largest; more would cost time and say nothing new

_N_FOLDS = 5
# One deal of few patients into folds says little: 3 x 20 films gave 0.57 to 0.82 by chance.
_N_DEALS = 5
_FILMS_FOR_ONE_DEAL = 600
_N_EXAMPLES = 6


@dataclass(frozen=True, slots=True)
class Separation:
    """How well one class is told from the rest by what is not lung."""

    label: int
    auroc: float  # out of fold, in [0, 1]
    low: float  # ends of the 95 % interval over patients
    high: float


@dataclass(frozen=True, slots=True)
class Confounder:
    """What a classifier makes of the films' properties alone."""

    classes: tuple[Separation, ...]  # by label; classes with too few films are left out
    worst: Separation  # the one with the highest AUROC
    properties: tuple[tuple[str, float], ...]  # each alone: AUROC of the worst class, best first
    examples: tuple[int, ...]  # films of that class that give themselves away, clearest first
    counter_examples: tuple[int, ...]  # films of the rest, likewise


def find_confounder(
    properties: tuple[Property, ...],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    n_classes: int,
    seed: int = 0,
) -> Confounder | None:
    """Let a small classifier guess the class from properties that have nothing to do with lungs.

    Cross-validated in five folds, small sets several times over; a patient's films are never
    on both sides.

    Args:
        properties: Of all N films, at least one.
        labels: Shape (N,), from 0 to n_classes - 1.
        groups: The patient of each film, shape (N,).
        n_classes: How many classes there are, empty ones included.
        seed: The same seed gives the same numbers.

    Returns:
        None where fewer than two classes have 20 films of 5 patients.
    """
    kept_labels = _large_enough(labels, groups, n_classes)
    if len(kept_labels) < 2 or not properties:
        return None
    films = np.flatnonzero(np.isin(labels, kept_labels))
    kept = tuple(Property(p.name, p.values[films], p.is_category) for p in properties)
    targets = np.searchsorted(kept_labels, labels[films])
    patients = groups[films]
    n_deals = _N_DEALS if len(films) < _FILMS_FOR_ONE_DEAL else 1
    deals = [_folds(targets, patients, len(kept_labels), seed + deal) for deal in range(n_deals)]

    scores = _mean_scores(kept, targets, deals, len(kept_labels))  # (n, C)
    separations = []
    for target, label in enumerate(kept_labels.tolist()):
        is_class = targets == target
        area = auroc(scores[:, target], is_class)
        low, high = auroc_interval(scores[:, target], is_class, patients, seed)
        separations.append(Separation(label, area, low, high))
    worst = max(separations, key=lambda separation: separation.auroc)

    is_worst = labels[films] == worst.label
    alone = []
    for each in kept:
        of_one = _mean_scores((each,), is_worst.astype(np.int64), deals, 2)
        alone.append((each.name, auroc(of_one[:, 1], is_worst)))
    alone.sort(key=lambda named: -named[1])

    of_worst = scores[:, int(np.searchsorted(kept_labels, worst.label))]
    return Confounder(
        classes=tuple(separations),
        worst=worst,
        properties=tuple(alone),
        examples=_clearest(films, patients, of_worst, is_worst),
        counter_examples=_clearest(films, patients, -of_worst, ~is_worst),
    )


def _mean_scores(
    properties: tuple[Property, ...],
    targets: NDArray[np.int64],
    deals: list[NDArray[np.int64]],
    n_classes: int,
) -> NDArray[np.float64]:
    """Out-of-fold scores, shape (n, n_classes), averaged over several deals into folds."""
    scores = [out_of_fold_scores(properties, targets, folds, n_classes) for folds in deals]
    return np.mean(scores, axis=0)


def _large_enough(
    labels: NDArray[np.int64], groups: NDArray[np.int64], n_classes: int
) -> NDArray[np.int64]:
    """The labels with enough films and patients, ascending; the largest classes only."""
    n_films = np.bincount(labels, minlength=n_classes)
    pairs = np.unique(np.stack([labels, groups], axis=1), axis=0)
    n_groups = np.bincount(pairs[:, 0], minlength=n_classes)
    enough = np.flatnonzero((n_films >= LEAST_FILMS) & (n_groups >= LEAST_GROUPS))
    by_size = enough[np.argsort(-n_films[enough], kind="stable")]
    return np.sort(by_size[:MOST_CLASSES])


def _folds(
    targets: NDArray[np.int64], patients: NDArray[np.int64], n_classes: int, seed: int
) -> NDArray[np.int64]:
    """Deal the patients out like cards, sorted by class and number of films.

    Returns:
        The fold of each film, shape (N,).
    """
    names, patient_of = np.unique(patients, return_inverse=True)
    counts = np.bincount(patient_of * n_classes + targets, minlength=len(names) * n_classes)
    of_patient = counts.reshape(len(names), n_classes)  # films by class
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = np.lexsort((shuffled, of_patient.sum(axis=1), of_patient.argmax(axis=1)))
    fold_of = np.empty(len(names), np.int64)
    fold_of[order] = np.arange(len(names)) % _N_FOLDS
    return fold_of[patient_of]


def _clearest(
    films: NDArray[np.int64],
    patients: NDArray[np.int64],
    scores: NDArray[np.float64],
    is_wanted: NDArray[np.bool_],
) -> tuple[int, ...]:
    """The films with the highest scores, one of each patient."""
    wanted = np.flatnonzero(is_wanted)
    ordered = wanted[np.argsort(-scores[wanted], kind="stable")]
    _, first = np.unique(patients[ordered], return_index=True)
    chosen = ordered[np.sort(first)[:_N_EXAMPLES]]
    return tuple(films[chosen].tolist())


RED_AUROC = 0.8
NOTED_AUROC = 0.65
CONFOUNDER_FILE = "confounder.json"  # in the cache's folder
CONFOUNDER_VERSION = 2  # raise it when other properties or another classifier count
_N_NAMED = 3  # properties in the sentence
_NOT_JPEG = 0.0  # as a quality, which begins at 1

_NAMES = {
    "width": Message("width in pixels"),
    "height": Message("height in pixels"),
    "aspect": Message("ratio of width to height"),
    "format": Message("file format"),
    "bits": Message("bit depth"),
    "channels": Message("number of channels"),
    "jpeg_quality": Message("JPEG quality"),
    "mean": Message("mean grey level"),
    "spread": Message("spread of grey levels"),
    "border_black": Message("black border"),
    "border_white": Message("white border"),
    "corner_detail": Message("detail in the corners"),
    "source": Message("source"),
}


def property_name(key: str) -> Message:
    """A property as people call it."""
    return _NAMES[key]


def properties_of(loaded: LoadedDataset) -> tuple[Property, ...]:
    """What is known of each film without its lungs; all arrays have shape (N,)."""
    records, survey = loaded.dataset.records, loaded.survey
    headers = [loaded.cache.headers[record.digest] for record in records]
    row = {digest: number for number, digest in enumerate(survey.digests)}
    rows = np.array([row[record.digest] for record in records], np.int64)

    def numbers(key: str, values: Any) -> Property:
        return Property(key, np.asarray(values, np.float64), is_category=False)

    def categories(key: str, values: list[Any]) -> Property:
        _, codes = np.unique(np.array(values), return_inverse=True)
        return Property(key, codes.astype(np.float64), is_category=True)

    found = [
        numbers("width", [header.width for header in headers]),
        numbers("height", [header.height for header in headers]),
        numbers("aspect", [header.width / header.height for header in headers]),
        categories("format", [header.format for header in headers]),
        categories("bits", [header.bits for header in headers]),
        categories("channels", [header.channels for header in headers]),
        numbers("jpeg_quality", [header.jpeg_quality or _NOT_JPEG for header in headers]),
        numbers("mean", survey.appearance.mean[rows]),
        numbers("spread", survey.appearance.spread[rows]),
        numbers("border_black", survey.appearance.border_black[rows]),
        numbers("border_white", survey.appearance.border_white[rows]),
        numbers("corner_detail", survey.appearance.corner_detail[rows]),
    ]
    if len(loaded.dataset.sources) > 1:
        found.append(categories("source", [record.source for record in records]))
    return tuple(found)


def open_confounder(loaded: LoadedDataset) -> Confounder | None:
    """The confounder of a dataset; it is remembered until other films or patients are asked for."""
    records, groups = loaded.dataset.records, loaded.grouping.groups
    lines = [
        f"{record.digest} {record.label} {record.source} {group}"
        for record, group in zip(records, groups, strict=True)
    ]
    text = "\n".join([str(CONFOUNDER_VERSION), *lines])
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    path = loaded.cache.folder / CONFOUNDER_FILE
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["key"] == key:
            return _from_json(values["confounder"], len(records))
    _, group_numbers = np.unique(np.array(groups), return_inverse=True)
    confounder = find_confounder(
        properties_of(loaded),
        np.array([record.label for record in records], np.int64),
        group_numbers.astype(np.int64),
        len(loaded.dataset.classes),
    )
    values = dataclasses.asdict(confounder) if confounder is not None else None
    with contextlib.suppress(OSError):  # it can be found again
        files.write_text(path, json.dumps({"key": key, "confounder": values}))
    return confounder


def confounder_finding(loaded: LoadedDataset, confounder: Confounder | None) -> Finding:
    """How far the worst class is given away, and by what."""
    if confounder is None:
        message = Message(
            "Whether the classes can be told apart without the lungs was not examined: two classes "
            "of at least {films} films from {patients} patients are needed.",
            films=LEAST_FILMS,
            patients=LEAST_GROUPS,
        )
        return Finding("confounder", "note", message, ())
    worst = confounder.worst
    name = loaded.dataset.classes[worst.label]
    severity: Severity = "note"
    if worst.auroc > RED_AUROC:
        severity = "error"
    elif worst.auroc > NOTED_AUROC and worst.low > 0.5:
        severity = "warning"
    values = {
        "name": name,
        "auroc": f"{worst.auroc:.2f}",
        "low": f"{worst.low:.2f}",
        "high": f"{worst.high:.2f}",
    }
    if severity == "note":
        message = Message(
            "What is not lung (size, format, border, brightness) hardly tells the classes apart: "
            "at most {name} with AUROC {auroc} (interval {low} to {high}, 95%).",
            **values,
        )
    else:
        message = Message(
            "Without a look at the lungs, {name} is told from the rest with AUROC {auroc} "
            "(interval {low} to {high}, 95%), by {properties}. A network may learn that instead "
            "of the disease: take all classes from the same hospitals and bring them to one form.",
            **values,
            properties=_named(confounder),
        )
    films = [*confounder.examples, *confounder.counter_examples]
    names = tuple(loaded.dataset.records[index].name for index in films)
    return Finding("confounder", severity, message, names, worst.auroc)


def _named(confounder: Confounder) -> Message:
    """The properties that tell most, with what each of them reaches alone."""
    named = [
        Message("{property} ({auroc} alone)", property=property_name(key), auroc=f"{area:.2f}")
        for key, area in confounder.properties[:_N_NAMED]
    ]
    joined = named[0]
    for one in named[1:]:
        joined = Message("{first}, {second}", first=joined, second=one)
    return joined


def _from_json(values: Any, n_films: int) -> Confounder | None:
    """Read what `dataclasses.asdict` wrote.

    Raises:
        ValueError, KeyError, TypeError: It is something else.
    """
    if values is None:
        return None
    examples = tuple(int(index) for index in values["examples"])
    counter_examples = tuple(int(index) for index in values["counter_examples"])
    if any(not 0 <= index < n_films for index in (*examples, *counter_examples)):
        raise ValueError("a film that is not there")
    properties = tuple((str(key), float(area)) for key, area in values["properties"])
    if any(key not in _NAMES for key, _ in properties):
        raise ValueError("a property that is not known")
    return Confounder(
        classes=tuple(Separation(**one) for one in values["classes"]),
        worst=Separation(**values["worst"]),
        properties=properties,
        examples=examples,
        counter_examples=counter_examples,
    )
