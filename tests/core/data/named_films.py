"""Datasets that exist by name only, divided and checked."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.config import TrainingConfig
from core.data.patients import Grouping, group_by_patient
from core.data.records import Dataset, Record
from core.data.splits import PARTS, Splits, split

STRATIFIED = TrainingConfig(split="stratified")


def dataset(films: Mapping[str, Sequence[str]]) -> Dataset:
    """File names of each class; the content is as different as the names."""
    classes = tuple(sorted(films))
    records = [
        Record(f"{name}/{file}", Path(file), digest_of(f"{name}/{file}"), label)
        for label, name in enumerate(classes)
        for file in sorted(films[name])
    ]
    return Dataset((Path("films.zip"),), classes, tuple(records), ())


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def singles(**sizes: int) -> Dataset:
    """Films of as many patients."""
    return dataset({name: [f"{n:04d}.png" for n in range(size)] for name, size in sizes.items()})


def patients(**sizes: Sequence[int]) -> Dataset:
    """Classes of patients with so many films each."""
    return dataset(
        {
            name: [f"{name}{p:03d}_{n}.png" for p, size in enumerate(of_class) for n in range(size)]
            for name, of_class in sizes.items()
        }
    )


def names(data: Dataset, splits: Splits) -> dict[str, list[str]]:
    return {part: [data.records[index].name for index in splits.part(part)] for part in PARTS}


def counts(data: Dataset, indices: Sequence[int]) -> dict[str, int]:
    """The classes that are there."""
    return dict(Counter(data.classes[data.records[index].label] for index in indices))


def divide(data: Dataset, config: TrainingConfig = STRATIFIED, seed: int = 0) -> Splits:
    config = config.changed(seed=seed)
    return split(data, group_by_patient(data.records), config)


def check_is_a_division(
    data: Dataset, splits: Splits, grouping: Grouping | None = None, *, crosses: bool = False
) -> None:
    """Every film in one part, no patient in two, every class trained on."""
    everything = [index for part in PARTS for index in splits.part(part)]
    assert sorted(everything) == list(range(len(data.records)))
    groups = (grouping or group_by_patient(data.records)).groups
    sides = [
        {groups[index] for index in indices}
        for indices in (splits.train, splits.validation, splits.test + splits.kept)
    ]
    shared = (sides[0] & sides[1]) | (sides[0] & sides[2]) | (sides[1] & sides[2])
    assert bool(shared) == crosses
    assert set(counts(data, splits.train)) == set(data.classes)
    assert max(counts(data, splits.kept).values(), default=1) == 1
