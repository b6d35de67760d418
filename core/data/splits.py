"""Divide a dataset into train, validation, test and the images kept for the last look."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.config import SplitScheme
from core.data.grouping import group_by_patient
from core.data.records import Dataset, Record
from core.errors import DatasetError, Message

VALIDATION_SHARE = 0.1
TEST_SHARE = 0.1
REFERENCE_TEST_STEP = 10  # every tenth image of a class, beginning with the first


@dataclass(frozen=True, slots=True)
class Splits:
    """Indices into `Dataset.records`; the four parts share none."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    kept: tuple[int, ...]  # one a class where there are enough, for the final prediction


def split(dataset: Dataset, scheme: SplitScheme, seed: int) -> Splits:
    """Divide `dataset` by `scheme`; the same films and seed give the same parts in any order.

    Raises:
        DatasetError: A class would have no training image.
    """
    parts = reference(dataset) if scheme == "reference" else stratified(dataset, seed)
    trained = Counter(dataset.records[index].label for index in parts.train)
    for label, name in enumerate(dataset.classes):
        if not trained[label]:
            raise DatasetError(
                Message(
                    "The class {name} has too few images to train on. Add films to its folder "
                    "or remove the folder.",
                    name=name,
                )
            )
    return parts


def reference(dataset: Dataset) -> Splits:
    """The notebook's rule (DESIGN, "The reference recipe"); it has no validation part."""
    train: list[int] = []
    test: list[int] = []
    kept: list[int] = []
    for label in range(len(dataset.classes)):
        by_name = sorted(
            _indices_of(dataset, label), key=lambda index: _file_name(dataset.records[index])
        )
        kept.append(by_name.pop())
        for position, index in enumerate(by_name):
            (train if position % REFERENCE_TEST_STEP else test).append(index)
    return Splits(tuple(train), (), tuple(test), tuple(kept))


def stratified(dataset: Dataset, seed: int) -> Splits:
    """80/10/10 by class with every patient in one part only.

    Patients are visited in an order drawn from the seed and their names; each goes to the
    first part that still has room for all its images, and to training where none has. The
    kept image of a class is one of its test images.
    """
    members = _members(dataset)
    order = sorted(members, key=lambda group: _draw(seed, group))
    sizes = Counter(record.label for record in dataset.records)
    # One image more than its share: the kept one is taken from the test part afterwards.
    room = {
        "test": {label: 1 + max(1, round(TEST_SHARE * n)) for label, n in sizes.items()},
        "validation": {label: max(1, round(VALIDATION_SHARE * n)) for label, n in sizes.items()},
        "train": dict(sizes),
    }
    part_of: dict[str, str] = {}
    for group in order:
        needs = Counter(dataset.records[index].label for index in members[group])
        for part, left in room.items():
            if all(left[label] >= n for label, n in needs.items()):
                part_of[group] = part
                for label, n in needs.items():
                    left[label] -= n
                break
    _mend(dataset, members, part_of, order)

    def indices(part: str) -> list[int]:
        return sorted(
            (index for group in order if part_of[group] == part for index in members[group]),
            key=lambda index: (dataset.records[index].label, dataset.records[index].name),
        )

    test = indices("test")
    kept = _take_kept(dataset, test, seed)
    return Splits(tuple(indices("train")), tuple(indices("validation")), tuple(test), tuple(kept))


def _mend(
    dataset: Dataset, members: dict[str, list[int]], part_of: dict[str, str], order: Sequence[str]
) -> None:
    """Give training, test and validation a patient of each class that they go without.

    Training takes the last drawn of the others. Test and validation were left empty where
    every patient has more images than their share: they take the smallest that training
    can spare.
    """
    labels_of = {
        group: {dataset.records[index].label for index in indices}
        for group, indices in members.items()
    }

    def with_class(part: str, label: int) -> list[str]:
        return [group for group in order if part_of[group] == part and label in labels_of[group]]

    for label in range(len(dataset.classes)):
        if not with_class("train", label):
            others = [group for group in order if label in labels_of[group]]
            part_of[others[-1]] = "train"
    for part in ("test", "validation"):
        for label in range(len(dataset.classes)):
            if with_class(part, label):
                continue
            spare = [
                group
                for group in with_class("train", label)
                if all(len(with_class("train", other)) > 1 for other in labels_of[group])
            ]
            if spare:
                part_of[min(spare, key=lambda group: len(members[group]))] = part


def _take_kept(dataset: Dataset, test: list[int], seed: int) -> list[int]:
    """Move one image of each class out of `test`, chosen by seed and content."""
    kept = []
    for label in range(len(dataset.classes)):
        candidates = [index for index in test if dataset.records[index].label == label]
        if candidates:
            chosen = min(
                candidates,
                key=lambda index: (
                    _draw(seed, dataset.records[index].digest),
                    dataset.records[index].name,
                ),
            )
            test.remove(chosen)
            kept.append(chosen)
    return kept


def _members(dataset: Dataset) -> dict[str, list[int]]:
    """The images of each patient."""
    members: dict[str, list[int]] = {}
    for index, group in enumerate(group_by_patient(dataset.records).groups):
        members.setdefault(group, []).append(index)
    return members


def _file_name(record: Record) -> tuple[str, str]:
    """What the reference sorts by; the whole name decides between folders."""
    return PurePosixPath(record.name).name, record.name


def _indices_of(dataset: Dataset, label: int) -> list[int]:
    return [index for index, record in enumerate(dataset.records) if record.label == label]


def _draw(seed: int, text: str) -> bytes:
    """A pseudo-random key that depends on nothing but the seed and the text."""
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()
