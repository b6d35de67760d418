"""Confounders: how well the classes can be told apart without looking at the lungs, and by what.

A small classifier guesses the class from properties such as size, format, border and brightness.
It is cross-validated; films of one patient are never on both sides.
"""

import contextlib
import dataclasses
import hashlib
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.audit.findings import Finding, Severity
from core.data.dataset import LoadedDataset
from core.errors import Message
from core.models.dataset_findings import PROPERTY_KEYS, RED_AUROC, property_name
from core.sealed_json import read_sealed, write_sealed
from core.statistics import auroc_interval

# A class with fewer says too little: five folds need five patients.
LEAST_FILMS = 20
LEAST_GROUPS = 5
MOST_CLASSES = 20  # the largest; more would cost time and say nothing new

NOTED_AUROC = 0.65
CONFOUNDER_FILE = "confounder.json"  # in the cache's folder
CONFOUNDER_VERSION = 4  # raise it when other properties or another classifier count

_N_BINS = 8  # of as many films each
_MOST_CATEGORIES = 20
_LEAST_IN_BIN = 3  # films; fewer teach nothing
N_FOLDS = 5
# One draw of folds from few patients says little: 3 x 20 films gave 0.57 to 0.82 by chance.
_N_DRAWS = 5
_FILMS_FOR_ONE_DRAW = 600
_N_EXAMPLES = 6
_N_NAMED = 3  # properties in the sentence
_NOT_JPEG = 0.0  # as a quality, which begins at 1


@dataclass(frozen=True, slots=True, eq=False)
class Property:
    """A measure of films that has nothing to do with lungs."""

    name: str  # a key, not a sentence
    values: NDArray[np.float64]  # (N,); NaN = unknown; the number of a category
    is_category: bool = False


@dataclass(frozen=True, slots=True)
class Separation:
    """Separation of one class from the rest by what is not lung."""

    label: int
    auroc: float  # out of fold, in [0, 1]
    low: float  # ends of the 95 % interval over patients
    high: float


@dataclass(frozen=True, slots=True)
class Confounder:
    """The result of a classifier that knows the films' properties alone."""

    classes: tuple[Separation, ...]  # by label; classes with too few films are left out
    pairs: tuple[tuple[int, int, float], ...]  # labels and AUROC between each two of these
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

    Cross-validated in five folds, small sets several times over.

    Args:
        properties: Of all N films, at least one.
        labels: Shape (N,), from 0 to n_classes - 1.
        groups: The patient of each film, shape (N,).
        n_classes: How many classes there are, empty ones included.
        seed: The same seed gives the same numbers.

    Returns:
        None where fewer than two classes have 20 films of 5 patients.
    """
    from sklearn.metrics import roc_auc_score  # scikit-learn would hold up the window's start
    from threadpoolctl import ThreadpoolController

    kept_labels = _large_enough(labels, groups, n_classes)
    if len(kept_labels) < 2 or not properties:
        return None
    films = np.flatnonzero(np.isin(labels, kept_labels))
    kept = [Property(p.name, p.values[films], p.is_category) for p in properties]
    targets, patients = np.searchsorted(kept_labels, labels[films]), groups[films]
    n_draws = _N_DRAWS if len(films) < _FILMS_FOR_ONE_DRAW else 1
    folds = [
        patient_folds(targets, patients, len(kept_labels), seed + draw) for draw in range(n_draws)
    ]
    # Threads cost ten times what they gain on so small matrices. Paddle's own are left alone.
    with ThreadpoolController().select(internal_api="openblas").limit(limits=1):
        draws = [_out_of_fold_scores(kept, targets, each, len(kept_labels)) for each in folds]
    scores = np.mean(draws, axis=0)  # (1 + P, N, C)

    separations = []
    for target, label in enumerate(kept_labels.tolist()):
        is_class = targets == target
        area = float(roc_auc_score(is_class, scores[0, :, target]))
        low, high = auroc_interval(scores[0, :, target], is_class, patients, seed)
        separations.append(Separation(label, area, low, high))
    worst = max(separations, key=lambda separation: separation.auroc)

    pairs = []
    for one, other in combinations(range(len(kept_labels)), 2):
        either = np.flatnonzero((targets == one) | (targets == other))
        margin = scores[0, either, one] - scores[0, either, other]
        area = float(roc_auc_score(targets[either] == one, margin))
        pairs.append((int(kept_labels[one]), int(kept_labels[other]), area))
    target = int(np.searchsorted(kept_labels, worst.label))
    is_worst, of_worst = targets == target, scores[:, :, target]
    alone = [
        (each.name, float(roc_auc_score(is_worst, of_one)))
        for each, of_one in zip(kept, of_worst[1:], strict=True)
    ]
    return Confounder(
        classes=tuple(separations),
        pairs=tuple(pairs),
        worst=worst,
        properties=tuple(sorted(alone, key=lambda named: -named[1])),
        examples=_clearest(films, patients, of_worst[0], is_worst),
        counter_examples=_clearest(films, patients, -of_worst[0], ~is_worst),
    )


def _large_enough(
    labels: NDArray[np.int64], groups: NDArray[np.int64], n_classes: int
) -> NDArray[np.int64]:
    """Return the labels with enough films and patients, ascending; the largest classes only."""
    n_films = np.bincount(labels, minlength=n_classes)
    pairs = np.unique(np.stack([labels, groups], axis=1), axis=0)
    n_groups = np.bincount(pairs[:, 0], minlength=n_classes)
    enough = np.flatnonzero((n_films >= LEAST_FILMS) & (n_groups >= LEAST_GROUPS))
    by_size = enough[np.argsort(-n_films[enough], kind="stable")]
    return np.sort(by_size[:MOST_CLASSES])


def patient_folds(
    targets: NDArray[np.int64], patients: NDArray[np.int64], n_classes: int, seed: int
) -> NDArray[np.int64]:
    """Assign patients to folds in turn, sorted by class and number of films.

    scikit-learn's StratifiedGroupKFold takes 5 s for 6,000 patients, longer than all the rest.

    Returns:
        The fold of each film, shape (N,).
    """
    names, patient_of = np.unique(patients, return_inverse=True)
    counts = np.bincount(patient_of * n_classes + targets, minlength=len(names) * n_classes)
    of_patient = counts.reshape(len(names), n_classes)  # films by class
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = np.lexsort((shuffled, of_patient.sum(axis=1), of_patient.argmax(axis=1)))
    fold_of = np.empty(len(names), np.int64)
    fold_of[order] = np.arange(len(names)) % N_FOLDS
    return fold_of[patient_of]


def _out_of_fold_scores(
    properties: list[Property],
    targets: NDArray[np.int64],
    folds: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.float64]:
    """Score each film by what the other folds teach, from all properties and from each alone.

    Returns:
        Log odds of each class, shape (1 + P, N, C), all properties first; less their mean over
        the training films: the folds' shares of a class differ, and that must not order films.
    """
    scores = np.zeros((1 + len(properties), len(targets), n_classes))
    is_class = targets[:, None] == np.arange(n_classes)  # (N, C)
    for fold in range(N_FOLDS):
        training = folds != fold
        columns = [_columns(each, training) for each in properties]
        odds = np.stack(
            [
                _regression(np.concatenate(columns, axis=1), is_class, training),
                *(_odds_by_bin(each, is_class, training) for each in columns),
            ]
        )
        odds -= odds[:, training].mean(axis=1, keepdims=True)
        scores[:, ~training] = odds[:, ~training]
    return scores.round(9)  # what is equal but for rounding must not order films either


def _columns(each: Property, training: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return one column of 0 and 1 for each bin of a property, shape (N, number of bins).

    The bins are those of the training films; a film in none of them has 0 everywhere.
    """
    values, is_unknown = each.values, np.isnan(each.values)
    known = values[training & ~is_unknown]
    if each.is_category:
        categories, counts = np.unique(known, return_counts=True)
        largest = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
        columns = values[:, None] == np.sort(categories[largest])
    else:
        shares = np.arange(1, _N_BINS) / _N_BINS
        limits = np.unique(np.quantile(known, shares, method="lower")) if len(known) else known
        # A bin between two limits and one for each limit itself: most films may have one size.
        code = np.searchsorted(limits, values, "left") + np.searchsorted(limits, values, "right")
        columns = (code[:, None] == np.arange(2 * len(limits) + 1)) & ~is_unknown[:, None]
    columns = np.column_stack([columns, is_unknown])
    return columns[:, columns[training].sum(axis=0) >= _LEAST_IN_BIN].astype(np.float64)


def _regression(
    columns: NDArray[np.float64], is_class: NDArray[np.bool_], training: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log odds of each class by multinomial logistic regression, shape (N, C)."""
    from sklearn.linear_model import LogisticRegression

    odds, targets = np.zeros(is_class.shape), is_class.argmax(axis=1)[training]
    if len(np.unique(targets)) > 1:
        model = LogisticRegression(max_iter=1000).fit(columns[training], targets)
        shares = np.clip(model.predict_proba(columns), 1e-12, 1 - 1e-12)
        odds[:, model.classes_] = np.log(shares) - np.log1p(-shares)
    return odds


def _odds_by_bin(
    columns: NDArray[np.float64], is_class: NDArray[np.bool_], training: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log odds of each class in the bin of each film, shape (N, C).

    One film of average class is added to each bin. Logistic regression on one property
    takes ten times as long; its AUROC is near this one's, up to 0.10 away in small sets.
    """
    usual = np.clip(is_class[training].mean(axis=0), 1e-12, 1 - 1e-12)  # (C,)
    n_of_class = columns[training].T @ is_class[training]  # (number of bins, C)
    shares = (n_of_class + usual) / (columns[training].sum(axis=0)[:, None] + 1)
    return columns @ (np.log(shares / (1 - shares)) - np.log(usual / (1 - usual)))


def _clearest(
    films: NDArray[np.int64],
    patients: NDArray[np.int64],
    scores: NDArray[np.float64],
    is_wanted: NDArray[np.bool_],
) -> tuple[int, ...]:
    """Return the films with the highest scores, one of each patient."""
    wanted = np.flatnonzero(is_wanted)
    ordered = wanted[np.argsort(-scores[wanted], kind="stable")]
    _, first = np.unique(patients[ordered], return_index=True)
    chosen = ordered[np.sort(first)[:_N_EXAMPLES]]
    return tuple(films[chosen].tolist())


def properties_of(loaded: LoadedDataset) -> tuple[Property, ...]:
    """Collect what is known of each film without its lungs; all arrays have shape (N,)."""
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
    """Find the confounder of a dataset, or read it where these films were examined before."""
    records, groups = loaded.dataset.records, loaded.grouping.groups
    lines = [
        f"{record.digest} {record.label} {record.source} {group}"
        for record, group in zip(records, groups, strict=True)
    ]
    text = "\n".join([str(CONFOUNDER_VERSION), *lines])
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    path = loaded.cache.folder / CONFOUNDER_FILE
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        values = read_sealed(path)
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
        write_sealed(path, {"key": key, "confounder": values})
    return confounder


def confounder_finding(loaded: LoadedDataset, confounder: Confounder | None) -> Finding:
    """Say how far the worst class is given away, and by what."""
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
    """Name the properties that tell most, with what each of them reaches alone."""
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
    if any(key not in PROPERTY_KEYS for key, _ in properties):
        raise ValueError("a property that is not known")
    return Confounder(
        classes=tuple(Separation(**one) for one in values["classes"]),
        pairs=tuple((int(one), int(other), float(area)) for one, other, area in values["pairs"]),
        worst=Separation(**values["worst"]),
        properties=properties,
        examples=examples,
        counter_examples=counter_examples,
    )
