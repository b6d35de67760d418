"""Divide a dataset into train, validation, test and the images kept for the last look."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

from core.config import TrainingConfig
from core.data.dealing import Dealt, deal, deal_folds, draw
from core.data.grouping import Grouping
from core.data.records import Dataset, Record
from core.errors import DatasetError, Message

Part = Literal["train", "validation", "test", "kept"]
PARTS: tuple[Part, ...] = get_args(Part)
REFERENCE_TEST_STEP = 10  # every tenth image of a class, beginning with the first


@dataclass(frozen=True, slots=True)
class Splits:
    """Indices into `Dataset.records`; the four parts share none."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    kept: tuple[int, ...]  # one a class where there are enough, for the final prediction

    def part(self, name: Part) -> tuple[int, ...]:
        """The images of one part."""
        parts: dict[Part, tuple[int, ...]] = {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "kept": self.kept,
        }
        return parts[name]


def split(dataset: Dataset, grouping: Grouping, config: TrainingConfig) -> Splits:
    """Divide `dataset` as `config` says; the same films and seed give the same parts.

    Args:
        dataset: Films.
        grouping: Of these films; no group crosses a part but in the scheme "reference", and in
            "given" where the dataset itself does it.
        config: Its `split`, `seed`, shares and folds count.

    Raises:
        DatasetError: A class would have no training image, or no part is given.
    """
    match config.split:
        case "reference":
            parts = reference(dataset)
        case "given":
            parts = _with_kept(dataset, _given(dataset, grouping, config), config.seed)
        case "kfold":
            folds = deal_folds(dataset, grouping, config.seed, config.n_folds)
            test = config.fold - 1
            validation = config.fold % config.n_folds
            dealt: Dealt = {"train": [], "validation": folds[validation], "test": folds[test]}
            for number, fold in enumerate(folds):
                if number not in (test, validation):
                    dealt["train"] += fold
            parts = _with_kept(dataset, dealt, config.seed)
        case "stratified":
            parts = _with_kept(dataset, _stratified(dataset, grouping, config), config.seed)
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


def crossing(grouping: Grouping, splits: Splits) -> tuple[str, ...]:
    """The groups with images on more than one side; the kept images are test images."""
    sides: dict[str, set[str]] = {}
    for name in PARTS:
        for index in splits.part(name):
            sides.setdefault(grouping.groups[index], set()).add("test" if name == "kept" else name)
    return tuple(sorted(group for group, names in sides.items() if len(names) > 1))


def reference(dataset: Dataset) -> Splits:
    """The notebook's rule (DESIGN, "The reference recipe"); it has no validation part."""
    train: list[int] = []
    test: list[int] = []
    kept: list[int] = []
    for label in range(len(dataset.classes)):
        members = (index for index, film in enumerate(dataset.records) if film.label == label)
        by_name = sorted(members, key=lambda index: _file_name(dataset.records[index]))
        kept.append(by_name.pop())
        for position, index in enumerate(by_name):
            (train if position % REFERENCE_TEST_STEP else test).append(index)
    return Splits(tuple(train), (), tuple(test), tuple(kept))


def _stratified(dataset: Dataset, grouping: Grouping, config: TrainingConfig) -> Dealt:
    shares = {"test": config.test_share, "validation": config.validation_share}
    return deal(dataset, grouping, config.seed, shares, range(len(dataset.records)))


def _given(dataset: Dataset, grouping: Grouping, config: TrainingConfig) -> Dealt:
    """The parts as the folders have them; one that is missing is drawn from training."""
    dealt: Dealt = {"train": [], "validation": [], "test": []}
    for index, record in enumerate(dataset.records):
        dealt[record.given or "train"].append(index)
    if not dealt["test"] and not dealt["validation"]:
        raise DatasetError(
            Message(
                "{name} is not divided already: it has no folders called train and test. Choose "
                "another split.",
                name=dataset.name,
            )
        )
    wanted = {"test": config.test_share, "validation": config.validation_share}
    missing = {part: share for part, share in wanted.items() if not dealt[part]}
    if missing:
        dealt |= deal(dataset, grouping, config.seed, missing, dealt["train"])
    return dealt


def _with_kept(dataset: Dataset, dealt: Dealt, seed: int) -> Splits:
    """Sort the parts and move one image of each class out of the test."""

    def place(index: int) -> tuple[int, str]:
        return dataset.records[index].label, dataset.records[index].name

    test = sorted(dealt["test"], key=place)
    kept = _take_kept(dataset, test, seed)
    train, validation = sorted(dealt["train"], key=place), sorted(dealt["validation"], key=place)
    return Splits(tuple(train), tuple(validation), tuple(test), tuple(kept))


def _take_kept(dataset: Dataset, test: list[int], seed: int) -> list[int]:
    """Move one image of each class out of `test`, chosen by seed and content."""
    kept = []
    for label in range(len(dataset.classes)):
        candidates = [index for index in test if dataset.records[index].label == label]
        if candidates:
            chosen = min(candidates, key=lambda index: _chance(seed, dataset.records[index]))
            test.remove(chosen)
            kept.append(chosen)
    return kept


def _chance(seed: int, record: Record) -> tuple[bytes, str]:
    return draw(seed, record.digest), record.name


def _file_name(record: Record) -> tuple[str, str]:
    """What the reference sorts by; the whole name decides between folders."""
    return PurePosixPath(record.name).name, record.name


def without_films(dataset: Dataset, splits: Splits, part: Part) -> tuple[str, ...]:
    """The classes that have no film in a part; the kept films are test films."""
    indices = splits.part(part) + (splits.kept if part == "test" else ())
    present = {dataset.records[index].label for index in indices}
    return tuple(name for label, name in enumerate(dataset.classes) if label not in present)


def count_by_class(dataset: Dataset, indices: Sequence[int]) -> dict[str, int]:
    """How many of these images each class has."""
    counts = Counter(dataset.records[index].label for index in indices)
    return {name: counts[label] for label, name in enumerate(dataset.classes)}
