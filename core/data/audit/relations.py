"""Findings about films that belong together: copies, and patients in two classes."""

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from core.data.audit.findings import Finding
from core.data.audit.near_duplicates import clusters
from core.data.loading import LoadedDataset
from core.data.records import Record
from core.errors import Message


def relation_findings(loaded: LoadedDataset) -> Iterator[Finding]:
    """Copies first, then patients."""
    misplaced: set[str] = set()  # names of films that lie in two classes
    for finding in _copies(loaded):
        if finding.kind == "in_two_classes":
            misplaced.update(finding.files)
        yield finding
    yield from _patients(loaded, misplaced)


def _copies(loaded: LoadedDataset) -> Iterator[Finding]:
    records = loaded.dataset.records
    by_digest: dict[str, list[Record]] = {}
    for record in records:
        by_digest.setdefault(record.digest, []).append(record)
    for films in by_digest.values():
        if len(films) > 1:
            yield _exact(films, loaded.dataset.classes)
    yield from _similar(loaded, by_digest)


def _exact(films: Sequence[Record], classes: Sequence[str]) -> Finding:
    names = tuple(film.name for film in films)
    labels = sorted({film.label for film in films})
    if len(labels) > 1:
        return Finding(
            "in_two_classes",
            "error",
            Message(
                "The very same film {example} lies in the classes {one} and {other}. Leave "
                "both out, or give one the class of the other among the films.",
                example=names[0],
                one=classes[labels[0]],
                other=classes[labels[1]],
            ),
            names,
            1.0,
            "leave_out",
        )
    return Finding(
        "exact_duplicate",
        "warning",
        Message(
            "{n} copies of one film: {names}. A film that counts several times weighs more, "
            "and a copy in the test is no test.",
            n=len(names),
            names=_listed(names),
        ),
        names,
        1.0,
        "keep_one",
    )


def _similar(loaded: LoadedDataset, by_digest: Mapping[str, list[Record]]) -> Iterator[Finding]:
    """Films of different bytes that show the same exposure."""
    digests = list(by_digest)
    place = {digest: number for number, digest in enumerate(digests)}
    pairs = [
        (place[pair.one], place[pair.other], pair.correlation)
        for pair in loaded.survey.same_image
        if pair.one in place and pair.other in place
    ]
    for members in clusters(len(digests), np.array([pair[:2] for pair in pairs], np.int64)):
        films = [by_digest[digests[member]][0] for member in members]
        inside = set(members)
        weakest = min(correlation for one, _, correlation in pairs if one in inside)
        names = tuple(film.name for film in films)
        labels = sorted({film.label for film in films})
        if len(labels) > 1:
            yield Finding(
                "in_two_classes",
                "error",
                Message(
                    "{example} and {copy} show the same film and lie in the classes {one} and "
                    "{other}. Leave both out, or give one the class of the other among the films.",
                    example=next(film.name for film in films if film.label == labels[0]),
                    copy=next(film.name for film in films if film.label == labels[1]),
                    one=loaded.dataset.classes[labels[0]],
                    other=loaded.dataset.classes[labels[1]],
                ),
                names,
                weakest,
                "leave_out",
            )
        else:
            yield Finding(
                "near_duplicate",
                "warning",
                Message(
                    "{n} files show the same film, saved anew: {names}. A split by patient "
                    "keeps them together.",
                    n=len(names),
                    names=_listed(names),
                ),
                names,
                weakest,
                "keep_one",
            )


def _patients(loaded: LoadedDataset, misplaced: Set[str]) -> Iterator[Finding]:
    """Patients who would be in two classes even if every film lay in one."""
    if not loaded.grouping.has_patients:
        return
    dataset = loaded.dataset
    films_of: dict[str, list[Record]] = {}
    for patient, record in zip(loaded.grouping.patients, dataset.records, strict=True):
        if record.name not in misplaced:
            films_of.setdefault(patient, []).append(record)
    for films in films_of.values():
        labels = sorted({film.label for film in films})
        if len(labels) > 1:
            yield Finding(
                "patient_in_two_classes",
                "warning",
                Message(
                    "One patient has films in the classes {one} and {other}, such as {example}. "
                    "That may be true, as after an illness; if not, the names tell the patients "
                    "in another way.",
                    one=dataset.classes[labels[0]],
                    other=dataset.classes[labels[1]],
                    example=films[0].name,
                ),
                tuple(film.name for film in films),
                mend="regroup",
            )


def _listed(names: Sequence[str], n_shown: int = 3) -> str:
    return ", ".join(names[:n_shown]) + (" …" if len(names) > n_shown else "")
