"""Confounders: how well the classes can be told apart without looking at the lungs, and by what.

A ridge regression guesses the class from properties such as size, format, and the texture and
brightness of the frame. It is cross-validated; films of one patient are never on both sides. How
good a guess may look by chance is measured by dealing the labels anew among the patients.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.audit.findings import Finding, Severity
from core.data.dataset import LoadedDataset
from core.errors import Message
from core.images import fingerprint, traces
from core.models.dataset_findings import PROPERTY_KEYS, RED_AUROC, property_name
from core.sealed_json import read_sealed, write_sealed
from core.statistics import auroc_interval

# A class with fewer says too little: five folds need five patients.
LEAST_FILMS = 20
LEAST_GROUPS = 5
MOST_CLASSES = 20  # the largest; more would cost time and say nothing new

NOTED_AUROC = 0.65
CHANCE: Final = 0.05  # of a false warning, whatever the number of classes
CONFOUNDER_FILE = "confounder.json"  # in the cache's folder
CONFOUNDER_VERSION = 5  # raise it when other properties or another classifier count

_MOST_CATEGORIES = 20
N_FOLDS = 5
# One draw of folds from few patients says little: 3 x 20 films gave 0.57 to 0.82 by chance.
_N_DRAWS = 5
_FILMS_FOR_ONE_DRAW = 600
_RIDGE: Final = 0.3  # variances added to each column; 0.1 to 0.5 gave the same within 0.02
_LEAST_SPREAD: Final = 0.3  # of a column, so that one odd film does not weigh like many
_N_DEALS: Final = (49, 199)  # of the labels; the fewer, the more films and classes there are
_CELLS_OF_DEALS: Final = 1_000_000  # films x classes x deals
_N_EXAMPLES = 6
_N_NAMED = 3  # properties in the sentence
_NOT_JPEG = 0.0  # as a quality, which begins at 1
_BLOCK: Final = 256  # films
_FRAME: Final = 12  # pixels of a thumbnail's side of 128
_RINGS: Final = (0, 3, 6, 10, 16)  # where the rings begin from which steps inwards are measured


@dataclass(frozen=True, slots=True, eq=False)
class Property:
    """A measure of films that has nothing to do with lungs."""

    name: str  # a key, not a sentence
    values: NDArray[np.float64]  # (N,) or (N, K); NaN = unknown; the number of a category
    is_category: bool = False


@dataclass(frozen=True, slots=True)
class Separation:
    """Separation of one class from the rest by what is not lung."""

    label: int
    auroc: float  # out of fold, in [0, 1]
    low: float  # ends of the 95 % interval over patients, for all classes at once
    high: float
    p_value: float  # that some class looks as separate by chance


@dataclass(frozen=True, slots=True)
class PairSeparation:
    """Separation of two classes by what is not lung."""

    one: int  # labels
    other: int
    auroc: float
    p_value: float  # that some pair looks as separate by chance


@dataclass(frozen=True, slots=True)
class Confounder:
    """The result of a classifier that knows the films' properties alone."""

    classes: tuple[Separation, ...]  # by label; classes with too few films are left out
    pairs: tuple[PairSeparation, ...]  # each two of these
    worst: Separation  # the one with the highest AUROC, if possible of those beyond chance
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
    n = len(kept_labels)
    dealt = _deals(targets, patients, n, seed)  # (1 + deals, N), the true labels first
    n_draws = _N_DRAWS if len(films) < _FILMS_FOR_ONE_DRAW else 1
    # The folds know nothing of the labels, so that every deal is treated alike.
    nothing = np.zeros(len(films), np.int64)
    folds = [patient_folds(nothing, patients, 1, seed + draw) for draw in range(n_draws)]
    # Threads cost ten times what they gain on so small matrices. Paddle's own are left alone.
    with ThreadpoolController().select(internal_api="openblas").limit(limits=1):
        together, truths, by_chance = _separate(kept, dealt, folds, n)
    found = np.array(
        [
            [roc_auc_score(targets == target, truth[:, target]) for target in range(n)]
            for truth in truths
        ]
    )  # (1 + P, C), all properties together first
    deviations, p_values = _compare(found, by_chance)

    separations, scores = [], np.empty((len(films), n))
    for target in range(n):
        # Where one property alone is clearer than all together, it is the shortcut.
        best = int(deviations[:, target].argmax())
        chosen = best if p_values[best, target] < CHANCE else 0
        scores[:, target] = truths[chosen][:, target]
        p_value = float(p_values[chosen, target])
        low, high = auroc_interval(
            scores[:, target], targets == target, patients, seed, level=1 - CHANCE / n
        )
        separations.append(
            Separation(
                label=int(kept_labels[target]),
                auroc=float(found[chosen, target]),
                low=low if p_value < CHANCE else min(low, 0.5),
                high=max(high, 0.5),
                p_value=p_value,
            )
        )
    worst = max(separations, key=lambda one: (one.p_value < CHANCE, one.auroc))
    target = int(np.searchsorted(kept_labels, worst.label))
    is_worst = targets == target
    areas = [(each.name, float(area)) for each, area in zip(kept, found[1:, target], strict=True)]
    return Confounder(
        classes=tuple(separations),
        pairs=_separate_pairs(together, dealt, kept_labels),
        worst=worst,
        properties=tuple(sorted(areas, key=lambda named: -named[1])),
        examples=_clearest(films, patients, scores[:, target], is_worst),
        counter_examples=_clearest(films, patients, -scores[:, target], ~is_worst),
    )


def _deals(
    targets: NDArray[np.int64], patients: NDArray[np.int64], n_classes: int, seed: int
) -> NDArray[np.int64]:
    """Deal the labels anew among the patients; a patient takes those of another as they are.

    Returns:
        Shape (1 + deals, N), the true labels first.
    """
    random = np.random.default_rng(seed)
    fewest, most = _N_DEALS
    n_deals = int(np.clip(_CELLS_OF_DEALS // (len(targets) * n_classes), fewest, most))
    _, patient_of, n_films = np.unique(patients, return_inverse=True, return_counts=True)
    order = np.argsort(patient_of, kind="stable")
    first = n_films.cumsum() - n_films
    place = np.empty(len(targets), np.int64)  # among the films of the same patient
    place[order] = np.arange(len(targets)) - first[patient_of[order]]
    dealt = [targets]
    for _ in range(n_deals):
        other = random.permutation(len(n_films))[patient_of]
        dealt.append(targets[order[first[other] + place % n_films[other]]])
    return np.stack(dealt)


def _separate_pairs(
    scores: NDArray[np.float64], dealt: NDArray[np.int64], kept_labels: NDArray[np.int64]
) -> tuple[PairSeparation, ...]:
    """Measure how well each two classes are told apart, from scores (1 + deals, N, C)."""
    pairs = list(combinations(range(len(kept_labels)), 2))
    areas = np.stack(
        [
            _areas(scores[:, :, one] - scores[:, :, other], dealt == one, dealt == other)
            for one, other in pairs
        ]
    )
    p_values = _compare(areas[:, 0], areas[:, 1:])[1]
    return tuple(
        PairSeparation(int(kept_labels[one]), int(kept_labels[other]), float(area), float(p_value))
        for (one, other), area, p_value in zip(pairs, areas[:, 0], p_values, strict=True)
    )


def _areas(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], negative: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the area under each row's ROC curve, shape (R,), of three arrays (R, N).

    A row without positives or negatives has 0.5.
    """
    n_below = np.zeros(len(scores))
    for way in (slice(None), slice(None, None, -1)):  # so that of equal scores half count
        order = np.argsort(scores[:, way], axis=1, kind="stable")
        ordered = [np.take_along_axis(side[:, way], order, 1) for side in (positive, negative)]
        n_below += (ordered[0] * ordered[1].cumsum(axis=1)).sum(axis=1) / 2
    n_pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.where(n_pairs > 0, n_below / np.maximum(n_pairs, 1), 0.5)


def _compare(
    found: NDArray[np.float64], by_chance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compare AUROCs (...) with those of the deals (..., D), of which the largest counts.

    Returns:
        Their deviations from chance in standard deviations, so that a small class, whose AUROC
        varies more, hides no large one; and their p-values, which know that the clearest of all
        was picked (single-step max-T, Westfall and Young, 1993).
    """
    mean, spread = by_chance.mean(axis=-1), np.maximum(by_chance.std(axis=-1), 1e-9)
    deviations = (found - mean) / spread
    of_deals = (by_chance - mean[..., None]) / spread[..., None]
    largest = of_deals.reshape(-1, by_chance.shape[-1]).max(axis=0)  # (D,)
    n_as_large = (largest >= deviations[..., None]).sum(axis=-1)
    return deviations, (1 + n_as_large) / (1 + len(largest))


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


def _separate(
    properties: list[Property],
    dealt: NDArray[np.int64],
    folds: list[NDArray[np.int64]],
    n_classes: int,
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]], NDArray[np.float64]]:
    """Score each film by what the other folds teach, from all properties and from each alone.

    Args:
        properties: P of N films.
        dealt: Labels, shape (1 + D, N), the true ones first.
        folds: Of each film, one array (N,) for each draw.
        n_classes: C.

    Returns:
        Scores from all properties for each deal, (1 + D, N, C); those of the true labels from all
        and from each alone, 1 + P arrays (N, C); and the AUROCs of the deals, (1 + P, C, D).
    """
    n_films = dealt.shape[1]
    # One column for each class of each deal, divided by its share: scores of two classes then
    # differ by which is the likelier for its size.
    is_class = (dealt.T[:, :, None] == np.arange(n_classes)).reshape(n_films, -1)
    wanted = is_class / np.maximum(is_class.mean(axis=0), 1 / n_films)
    trainings = [of_draw != fold for of_draw in folds for fold in range(N_FOLDS)]
    trainings = [training for training in trainings if training.any() and not training.all()]
    columns = [[_columns(each, training) for each in properties] for training in trainings]

    def scores_of(chosen: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        scores = np.zeros(wanted.shape)
        for training, known in zip(trainings, chosen, strict=True):
            scores[~training] += _ridge(known, wanted, training)[~training]
        by_deal = scores.reshape(n_films, -1, n_classes).transpose(1, 0, 2) / len(folds)
        # Of equal films, the folds' luck alone makes differences, less than a tenth of a class's
        # share.
        rounded: NDArray[np.float64] = by_deal.round(1)
        return rounded

    together = scores_of([np.concatenate(each, axis=1) for each in columns])
    truths, by_chance = [], []
    for number in range(-1, len(properties)):
        scores = together if number < 0 else scores_of([each[number] for each in columns])
        truths.append(scores[0])
        by_chance.append(
            [
                _areas(scores[1:, :, target], dealt[1:] == target, dealt[1:] != target)
                for target in range(n_classes)
            ]
        )
    return together, truths, np.array(by_chance)


def _ridge(
    columns: NDArray[np.float64], wanted: NDArray[np.float64], training: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Predict from columns (N, F) with mean 0 over the training films, which fit `wanted` (N, M).

    Ridge regression: its predictions of one set of labels cost as much as of two hundred.
    """
    known = columns[training]
    penalty = _RIDGE * len(known) * np.eye(columns.shape[1])
    fitted = wanted[training] - wanted[training].mean(axis=0)
    predicted: NDArray[np.float64] = columns @ np.linalg.solve(
        known.T @ known + penalty, known.T @ fitted
    )
    return predicted


def _columns(each: Property, training: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the columns of a property, (N, F), with mean 0 and spread 1 over the training films.

    A category has one column of 0 and 1 for each of its values; a number has its rank among the
    training films as a normal score and the square of that, so that both ends count.
    """
    columns: list[NDArray[np.float64]] = []
    for values in np.atleast_2d(each.values.T):
        is_unknown = np.isnan(values)
        known = values[training & ~is_unknown]
        if each.is_category:
            categories, counts = np.unique(known, return_counts=True)
            largest = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
            columns += [(values == category).astype(float) for category in categories[largest]]
        elif len(known):
            score = np.where(is_unknown, 0.0, _normal_scores(values, np.sort(known)))
            columns += [score, np.where(is_unknown, 0.0, (score**2 - 1) / np.sqrt(2))]
        if is_unknown.any():
            columns.append(is_unknown.astype(float))
    if not columns:
        return np.zeros((len(training), 0))
    stacked = np.column_stack(columns)
    spread = stacked[training].std(axis=0)
    centred = stacked - stacked[training].mean(axis=0)
    scaled: NDArray[np.float64] = (centred / np.maximum(spread, _LEAST_SPREAD))[:, spread > 1e-6]
    return scaled


def _normal_scores(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal quantile of each value's place among sorted known ones."""
    from scipy.special import ndtri

    place = (np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")) / 2
    scores: NDArray[np.float64] = ndtri((place + 0.5) / (len(known) + 1))
    return scores


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
    """Collect what is known of each film without its lungs; all arrays have N rows."""
    return tuple(_properties(loaded))


def _properties(loaded: LoadedDataset) -> Iterator[Property]:
    records, cache, appearance = loaded.dataset.records, loaded.cache, loaded.survey.appearance
    headers = [cache.headers[record.digest] for record in records]
    place = {digest: number for number, digest in enumerate(loaded.survey.digests)}
    surveyed = np.array([place[record.digest] for record in records], np.int64)
    rows = np.array([cache.rows[record.digest] for record in records], np.int64)
    prints, traced = cache.prints[rows], cache.traces[rows]

    def numbers(key: str, values: Any) -> Property:
        return Property(key, np.asarray(values, np.float64), is_category=False)

    def categories(key: str, values: list[Any]) -> Property:
        _, codes = np.unique(np.array(values), return_inverse=True)
        return Property(key, codes.astype(np.float64), is_category=True)

    yield numbers("width", [header.width for header in headers])
    yield numbers("height", [header.height for header in headers])
    yield numbers("aspect", [header.width / header.height for header in headers])
    yield categories("format", [header.format for header in headers])
    yield categories("bits", [header.bits for header in headers])
    yield categories("channels", [header.channels for header in headers])
    yield numbers("jpeg_quality", [header.jpeg_quality or _NOT_JPEG for header in headers])
    yield numbers("grey_levels", prints[:, fingerprint.N_GREYS])
    yield numbers("border_black", appearance.border_black[surveyed])
    yield numbers("border_white", appearance.border_white[surveyed])
    levels, steps = _frame_levels(cache.thumbnails, rows)
    yield numbers("frame", np.column_stack([levels, prints[:, fingerprint.BORDERS]]))
    yield numbers("border_step", steps)
    yield numbers("corner_detail", appearance.corner_detail[surveyed])
    yield numbers("letters", traced[:, traces.EDGES])
    yield numbers("texture", traced[:, traces.TEXTURE])
    yield numbers("blockiness", traced[:, traces.BLOCKS])
    if len(loaded.dataset.sources) > 1:
        yield categories("source", [record.source for record in records])
    # A table of labels goes before the files.
    pairs = list(zip(records, headers, strict=True))
    known = {
        "view": [record.view or header.view for record, header in pairs],
        "sex": [record.sex or header.sex for record, header in pairs],
        "maker": [header.maker for header in headers],
    }
    for key, values in known.items():
        if any(values):
            yield categories(key, values)
    ages = [header.age if record.age is None else record.age for record, header in pairs]
    if any(age is not None for age in ages):
        yield numbers("age", [np.nan if age is None else age for age in ages])


def _frame_levels(
    thumbs: Any, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure the frames of thumbnails.

    Args:
        thumbs: Shape (N, 128, 128); may be a memory map.
        rows: Of these, the films wanted, shape (n,).

    Returns:
        Mean grey levels along the frame, their mean and spread, shape (n, 18); and the steps from
        each of four rings to the next one inwards, shape (n, 3).
    """
    side = thumbs.shape[1]
    levels, steps = [], []
    away = np.minimum(np.arange(side), np.arange(side)[::-1])
    depth = np.minimum(away[:, None], away)  # pixels to the nearest edge
    rings = [(depth >= low) & (depth < high) for low, high in pairwise(_RINGS)]
    for start in range(0, len(rows), _BLOCK):
        block = thumbs[rows[start : start + _BLOCK]]
        strips = (
            block[:, :_FRAME],
            block[:, -_FRAME:],
            block[:, :, :_FRAME].transpose(0, 2, 1),
            block[:, :, -_FRAME:].transpose(0, 2, 1),
        )
        cells = [
            cell.mean(axis=(1, 2))
            for strip in strips
            for cell in np.array_split(strip, traces.N_CELLS, axis=2)
        ]
        frame = block[:, depth < _FRAME]
        levels.append(np.column_stack([*cells, frame.mean(axis=1), frame.std(axis=1)]))
        means = np.stack([block[:, ring].mean(axis=1) for ring in rings], axis=1)
        steps.append(means[:, :-1] - means[:, 1:])
    return np.concatenate(levels), np.concatenate(steps)


def open_confounder(loaded: LoadedDataset) -> Confounder | None:
    """Find the confounder of a dataset, or read it where these films were examined before."""
    records, groups = loaded.dataset.records, loaded.grouping.groups
    lines = [
        f"{record.digest} {record.label} {record.source} {group} {record.view} {record.age} "
        f"{record.sex}"
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


def shortcuts_of(loaded: LoadedDataset) -> NDArray[np.float64]:
    """Return the shortcut scores of a dataset's X-rays, see `shortcut_scores`."""
    labels = np.array([record.label for record in loaded.dataset.records], np.int64)
    groups = np.unique(np.array(loaded.grouping.groups), return_inverse=True)[1].astype(np.int64)
    return shortcut_scores(properties_of(loaded), labels, groups, len(loaded.dataset.classes))


def shortcut_scores(
    properties: tuple[Property, ...],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.float64]:
    """Return how far what is no lung speaks for each class, X-ray by X-ray.

    By the classifier of `find_confounder`, trained on other patients; arguments as there.

    Returns:
        Shape (N, C): the share of the other classes' X-rays that look less like the class, in
        [0, 1]; NaN for classes with too few X-rays, and for all X-rays of these.
    """
    from threadpoolctl import ThreadpoolController

    shares = np.full((len(labels), n_classes), np.nan)
    kept_labels = _large_enough(labels, groups, n_classes)
    if len(kept_labels) < 2 or not properties:
        return shares
    films = np.flatnonzero(np.isin(labels, kept_labels))
    kept = [Property(p.name, p.values[films], p.is_category) for p in properties]
    is_class = labels[films, None] == kept_labels
    wanted = is_class / is_class.mean(axis=0)
    folds = patient_folds(np.zeros(len(films), np.int64), groups[films], 1, 0)
    scores = np.zeros(wanted.shape)
    with ThreadpoolController().select(internal_api="openblas").limit(limits=1):
        for fold in range(N_FOLDS):
            training = folds != fold
            columns = np.concatenate([_columns(each, training) for each in kept], axis=1)
            scores[~training] = _ridge(columns, wanted, training)[~training]
    for place, label in enumerate(kept_labels.tolist()):
        others = np.sort(scores[~is_class[:, place], place])
        below = (np.searchsorted(others, scores[:, place], side) for side in ("left", "right"))
        shares[films, label] = sum(below) / 2 / len(others)
    return shares


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
    keys = [key for key, _ in confounder.properties]
    named = [
        Message("{property} ({auroc} alone)", property=property_name(key), auroc=f"{area:.2f}")
        for key, area in confounder.properties[:_N_NAMED]
    ]
    name = loaded.dataset.classes[worst.label]
    severity: Severity = "note"
    if worst.p_value < CHANCE and worst.auroc > NOTED_AUROC:
        severity = "error" if worst.auroc > RED_AUROC else "warning"
    values = {
        "name": name,
        "auroc": f"{worst.auroc:.2f}",
        "low": f"{worst.low:.2f}",
        "high": f"{worst.high:.2f}",
    }
    if severity == "note":
        message = Message(
            "No shortcut was found in what was examined: {properties}. These tell {name}, the "
            "clearest class, from the rest with AUROC {auroc} (interval {low} to {high}, 95%). "
            "Others are possible, such as posture, tubes and catheters.",
            **values,
            properties=_joined([property_name(key) for key in sorted(keys, key=_place)]),
        )
    else:
        message = Message(
            "Without a look at the lungs, {name} is told from the rest with AUROC {auroc} "
            "(interval {low} to {high}, 95%), by {properties}. A network may learn that instead "
            "of the disease: take all classes from the same hospitals and bring them to one form.",
            **values,
            properties=_joined(named),
        )
    films = [*confounder.examples, *confounder.counter_examples]
    names = tuple(loaded.dataset.records[index].name for index in films)
    return Finding("confounder", severity, message, names, worst.auroc)


def _place(key: str) -> int:
    """Return the place of a property in the order in which people read them."""
    return [str(known) for known in PROPERTY_KEYS].index(key)


def _joined(parts: list[Message]) -> Message:
    joined = parts[0]
    for part in parts[1:]:
        joined = Message("{first}, {second}", first=joined, second=part)
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
        pairs=tuple(PairSeparation(**one) for one in values["pairs"]),
        worst=Separation(**values["worst"]),
        properties=properties,
        examples=examples,
        counter_examples=counter_examples,
    )
