"""Classes that share no acquisition source with any other, and the findings a model carries."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.audit.confounder import CHANCE, N_FOLDS, open_confounder, patient_folds
from core.audit.findings import Finding
from core.data.acquisition import LEAST_FILMS, Standard, find_sources
from core.data.dataset import LoadedDataset
from core.data.splits import Splits, classes_without_films
from core.errors import Message
from core.models.dataset_findings import (
    MOST_PROPERTIES,
    SHORTCUT_AUROC,
    DatasetFindings,
    Telltale,
    ToldApart,
)

# Of a class, in sources that are its own; a few films are always put wrongly.
_OWN_SHARE: Final = 0.95
# Of a source, as if all classes were equally large: from here on it is a class's own. Of the COVID
# X-rays of xray-medium.zip, all from one hospital, 140 of 141 lie in sources with one of others.
_OWNED: Final = 0.8
# The mean of sensitivity and specificity by which the fingerprint alone must tell the class from
# each other one. COVID of xray-medium.zip: 1.00; its other two, of one hospital: 0.78; drawn
# X-rays, which have one source: 0.86 to 0.97, since a disease changes a fingerprint a little.
_LEAST_SEPARATION: Final = 0.97


def single_source_classes(
    prints: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    n_classes: int,
) -> tuple[int, ...]:
    """Return the classes whose films share no acquisition source with another class.

    Args:
        prints: Fingerprints, (N, F).
        labels: From 0 to n_classes - 1, (N,).
        groups: The patient of each film, (N,).
        n_classes: How many classes there are.
    """
    candidates = _with_own_sources(find_sources(prints), labels, n_classes)
    n_of_class = np.bincount(labels, minlength=n_classes)
    others = np.flatnonzero(n_of_class >= LEAST_FILMS).tolist()
    return tuple(
        label
        for label in candidates
        if all(
            _separation(prints, labels, groups, label, other) >= _LEAST_SEPARATION
            for other in others
            if other != label
        )
    )


def _with_own_sources(
    sources: NDArray[np.int64], labels: NDArray[np.int64], n_classes: int
) -> tuple[int, ...]:
    """Return the classes of which nearly all films lie in sources of their own."""
    counts = np.zeros((int(sources.max(initial=0)) + 1, n_classes), np.int64)
    np.add.at(counts, (sources, labels), 1)
    n_of_class = counts.sum(axis=0)
    is_large = n_of_class >= LEAST_FILMS
    if is_large.sum() < 2:
        return ()
    shares = counts / np.maximum(n_of_class, 1)
    is_own = shares >= _OWNED * shares.sum(axis=1, keepdims=True)  # (k, C)
    own = np.where(is_own, shares, 0).sum(axis=0)
    return tuple(np.flatnonzero(is_large & (own >= _OWN_SHARE)).tolist())


def _separation(
    prints: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    one: int,
    other: int,
) -> float:
    """Return how well fingerprints tell two classes apart, out of fold, in [0, 1]."""
    from sklearn.linear_model import LogisticRegression

    films = np.flatnonzero((labels == one) | (labels == other))
    values, is_one = Standard.of(prints[films])(prints[films]), labels[films] == one
    folds = patient_folds(is_one.astype(np.int64), groups[films], 2, seed=0)
    scores = np.zeros(len(films))
    for fold in range(N_FOLDS):
        training = folds != fold
        if len(np.unique(is_one[training])) < 2 or training.all():
            continue
        model = LogisticRegression(C=0.3, max_iter=500, class_weight="balanced")
        model.fit(values[training], is_one[training])
        scores[~training] = model.decision_function(values[~training])
    return float((scores[is_one] > 0).mean() + (scores[~is_one] <= 0).mean()) / 2


def single_sources(loaded: LoadedDataset) -> tuple[int, ...]:
    """Return the labels of classes that stand alone, by fingerprint or by the source's name."""
    from threadpoolctl import ThreadpoolController

    records = loaded.dataset.records
    labels = np.array([record.label for record in records], np.int64)
    n_classes = len(loaded.dataset.classes)
    prints = loaded.cache.prints_of(record.digest for record in records)
    _, groups = np.unique(np.array(loaded.grouping.groups), return_inverse=True)
    # Threads cost ten times what they gain on so small matrices. Paddle's own are left alone.
    with ThreadpoolController().select(internal_api="openblas").limit(limits=1):
        found = set(single_source_classes(prints, labels, groups.astype(np.int64), n_classes))
    if len(loaded.dataset.sources) > 1:
        _, named = np.unique([record.source for record in records], return_inverse=True)
        found |= set(_with_own_sources(named.astype(np.int64), labels, n_classes))
    return tuple(sorted(found))


def single_source_finding(loaded: LoadedDataset, labels: Sequence[int]) -> Finding | None:
    """Name the classes that stand alone; None where there is none."""
    if not labels:
        return None
    dataset = loaded.dataset
    names = ", ".join(dataset.classes[label] for label in labels)
    message = Message(
        "All X-rays of {names} come from a source that no other class has. No training can "
        "separate such a class from its source; get X-rays of the other classes from that "
        "source.",
        names=names,
    )
    films = tuple(record.name for record in dataset.records if record.label in set(labels))
    return Finding("single_source", "error", message, films)


def findings_of_run(
    loaded: LoadedDataset, splits: Splits, single: Sequence[int] | None = None
) -> DatasetFindings:
    """Collect what bears on the answers of a model that is trained on this split.

    Args:
        loaded: The dataset.
        splits: Who goes where.
        single: From `single_sources`, where that is known.
    """
    confounder = open_confounder(loaded)
    if single is None:
        single = single_sources(loaded)
    dataset, edits = loaded.dataset, loaded.edits
    names = dataset.classes
    groups = loaded.grouping.groups
    learned = {groups[index] for index in (*splits.train, *splits.validation)}
    tested = splits.test
    return DatasetFindings(
        counts=dataset.counts,
        examined=tuple(names[one.label] for one in confounder.classes) if confounder else (),
        told_apart=tuple(
            ToldApart(one=names[pair.one], other=names[pair.other], auroc=pair.auroc)
            for pair in (confounder.pairs if confounder else ())
            if pair.auroc > SHORTCUT_AUROC and pair.p_value < CHANCE
        ),
        properties=tuple(
            Telltale(key=key, auroc=area)  # type: ignore[arg-type]
            for key, area in (confounder.properties[:MOST_PROPERTIES] if confounder else ())
        ),
        single_source=tuple(names[label] for label in single),
        untested=classes_without_films(dataset, splits, "test"),
        has_patients=loaded.grouping.knows_patients,
        n_test=len(tested),
        n_leaking=sum(groups[index] in learned for index in tested),
        n_left_out=len(edits.left_out),
        n_relabelled=len(edits.classes),
    )
