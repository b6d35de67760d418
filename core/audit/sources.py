"""Classes that share no acquisition source with any other, and the findings a model carries."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.audit.confounder import open_confounder
from core.audit.findings import Finding
from core.data.acquisition import LEAST_FILMS, find_sources
from core.data.dataset import LoadedDataset
from core.data.splits import Splits
from core.errors import Message
from core.models.dataset_findings import RED_AUROC, DatasetFindings, Telltale, ToldApart

# Of a class, in sources that are nearly all its own; a few films are always put wrongly.
OWN_SHARE: Final = 0.95


def single_source_classes(
    sources: NDArray[np.int64], labels: NDArray[np.int64], n_classes: int
) -> tuple[int, ...]:
    """Return the classes whose films lie in sources that no other class has.

    Args:
        sources: Of each film, (N,), from 0 on.
        labels: Likewise, from 0 to n_classes - 1.
        n_classes: How many classes there are.
    """
    counts = np.zeros((int(sources.max(initial=0)) + 1, n_classes), np.int64)
    np.add.at(counts, (sources, labels), 1)
    n_of_class = counts.sum(axis=0)
    is_own = counts >= OWN_SHARE * counts.sum(axis=1, keepdims=True)  # (k, C)
    own = np.where(is_own, counts, 0).sum(axis=0)
    large = n_of_class >= LEAST_FILMS
    if large.sum() < 2:
        return ()
    return tuple(np.flatnonzero(large & (own >= OWN_SHARE * n_of_class)).tolist())


def single_sources(loaded: LoadedDataset) -> tuple[int, ...]:
    """Return the labels of classes that stand alone, by fingerprint or by the source's name."""
    records = loaded.dataset.records
    labels = np.array([record.label for record in records], np.int64)
    n_classes = len(loaded.dataset.classes)
    prints = loaded.cache.prints_of(record.digest for record in records)
    found = set(single_source_classes(find_sources(prints), labels, n_classes))
    if len(loaded.dataset.sources) > 1:
        _, named = np.unique([record.source for record in records], return_inverse=True)
        found |= set(single_source_classes(named.astype(np.int64), labels, n_classes))
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


def findings_of_run(loaded: LoadedDataset, splits: Splits) -> DatasetFindings:
    """Collect what bears on the answers of a model that is trained on this split."""
    confounder, single = open_confounder(loaded), single_sources(loaded)
    dataset, edits = loaded.dataset, loaded.edits
    names = dataset.classes
    groups = loaded.grouping.groups
    learned = {groups[index] for index in (*splits.train, *splits.validation)}
    tested = (*splits.test, *splits.kept)
    return DatasetFindings(
        counts=dataset.counts,
        examined=tuple(names[one.label] for one in confounder.classes) if confounder else (),
        told_apart=tuple(
            ToldApart(one=names[one], other=names[other], auroc=area)
            for one, other, area in (confounder.pairs if confounder else ())
            if area > RED_AUROC
        ),
        properties=tuple(
            Telltale(key=key, auroc=area)  # type: ignore[arg-type]
            for key, area in (confounder.properties if confounder else ())
        ),
        single_source=tuple(names[label] for label in single),
        has_patients=loaded.grouping.has_patients,
        n_test=len(tested),
        n_leaking=sum(groups[index] in learned for index in tested),
        n_left_out=len(edits.left_out),
        n_relabelled=len(edits.classes),
    )
