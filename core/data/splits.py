"""Splits of a dataset into train, validation, test and the images kept for the last look."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from core.config import TrainingConfig
from core.data.folder_names import spelling
from core.data.patients import Grouping
from core.data.records import Dataset, Record
from core.errors import DatasetError, Message
from core.files import write_csv

Part = Literal["train", "validation", "test", "kept"]
PARTS: tuple[Part, ...] = get_args(Part)
REFERENCE_TEST_STEP = 10  # every tenth image of a class, beginning with the first
HEADER = ("file", "class", "patient", "part")
GroupSplit = dict[str, list[int]]  # part -> indices into Dataset.records


@dataclass(frozen=True, slots=True)
class Splits:
    """Indices into `Dataset.records`; the four parts share none."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    kept: tuple[int, ...]  # one a class where there are enough, for the final prediction

    def part(self, name: Part) -> tuple[int, ...]:
        """Return the images of one part."""
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
            splits = reference_split(dataset)
        case "given":
            splits = _with_kept(dataset, _given(dataset, grouping, config), config.seed)
        case "kfold":
            splits = _with_kept(dataset, _fold(dataset, grouping, config), config.seed)
        case "stratified":
            shares = {"test": config.test_share, "validation": config.validation_share}
            everything = range(len(dataset.records))
            parts = split_groups(dataset, grouping, config.seed, shares, everything)
            splits = _with_kept(dataset, parts, config.seed)
    trained = Counter(dataset.records[index].label for index in splits.train)
    for label, name in enumerate(dataset.classes):
        if not trained[label] and config.split == "given":
            twins = [
                other
                for other in dataset.classes
                if other != name and spelling(other) == spelling(name)
            ]
            raise DatasetError(
                Message(
                    "The class {name} is another spelling of {twin} and has no images in the "
                    "training folder. Merge the two classes among the findings of the Data page, "
                    "or rename the folder.",
                    name=name,
                    twin=twins[0],
                )
                if twins
                else Message(
                    "The class {name} has no images in the training folder. Add some, choose "
                    "another split, or remove the folder.",
                    name=name,
                )
            )
        if not trained[label]:
            raise DatasetError(
                Message(
                    "The class {name} has too few images to train on. Add films to its folder "
                    "or remove the folder.",
                    name=name,
                )
            )
    return splits


def reference_split(dataset: Dataset) -> Splits:
    """Split by the notebook's rule (DESIGN, "The reference recipe"), without a validation part."""
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


def _file_name(record: Record) -> tuple[str, str]:
    """Return the key that the reference sorts by; the whole name decides between folders."""
    return PurePosixPath(record.name).name, record.name


def _given(dataset: Dataset, grouping: Grouping, config: TrainingConfig) -> GroupSplit:
    """Take the parts from the folders; one that is missing is drawn from training."""
    parts: GroupSplit = {"train": [], "validation": [], "test": []}
    for index, record in enumerate(dataset.records):
        parts[record.given or "train"].append(index)
    if not parts["test"] and not parts["validation"]:
        raise DatasetError(
            Message(
                "{name} is not divided already: it has no folders called train and test. Choose "
                "another split.",
                name=dataset.name,
            )
        )
    wanted = {"test": config.test_share, "validation": config.validation_share}
    missing = {part: share for part, share in wanted.items() if not parts[part]}
    if missing:
        parts |= split_groups(dataset, grouping, config.seed, missing, parts["train"])
    return parts


def _fold(dataset: Dataset, grouping: Grouping, config: TrainingConfig) -> GroupSplit:
    """Test on one fold, validate on the next and train on the others."""
    folds = split_into_folds(dataset, grouping, config.seed, config.n_folds)
    test, validation = config.fold - 1, config.fold % config.n_folds
    others = (fold for number, fold in enumerate(folds) if number not in (test, validation))
    train = [index for fold in others for index in fold]
    return {"train": train, "validation": folds[validation], "test": folds[test]}


def _with_kept(dataset: Dataset, parts: GroupSplit, seed: int) -> Splits:
    """Sort the parts and move one image of each class out of the test, by seed and content.

    A class of which the test has a single image keeps none: it must be scored.
    """
    records = dataset.records

    def place(index: int) -> tuple[int, str]:
        return records[index].label, records[index].name

    def chance(index: int) -> tuple[bytes, str]:
        return random_key(seed, records[index].digest), records[index].name

    of_class: dict[int, list[int]] = {}
    for index in sorted(parts["test"], key=place):
        of_class.setdefault(records[index].label, []).append(index)
    kept = tuple(min(members, key=chance) for members in of_class.values() if len(members) > 1)
    test = [index for members in of_class.values() for index in members if index not in kept]
    train, validation = (tuple(sorted(parts[part], key=place)) for part in ("train", "validation"))
    return Splits(train, validation, tuple(test), kept)


def split_groups(
    dataset: Dataset,
    grouping: Grouping,
    seed: int,
    shares: Mapping[str, float],
    indices: Iterable[int],
) -> GroupSplit:
    """Fill the parts named in `shares`; the rest is training.

    Groups are visited in an order drawn from the seed and their names; each goes to the
    first part that still has room for all its images, and to training where none has.

    Args:
        dataset: Films.
        grouping: Of these films.
        seed: Not negative.
        shares: Part -> fraction of each class; a part with a share above 0 gets an image of
            each class where training can spare one.
        indices: The images to split.
    """
    members = _members(grouping, indices)
    order = sorted(members, key=lambda group: random_key(seed, group))
    sizes = Counter(dataset.records[index].label for group in order for index in members[group])
    # One test image more than its share: the kept one is taken from the test part afterwards.
    room = {
        part: {
            label: (part == "test") + max(1, round(share * n)) if share else 0
            for label, n in sizes.items()
        }
        for part, share in shares.items()
    }
    room["train"] = dict(sizes)
    part_of: dict[str, str] = {}
    for group in order:
        needs = Counter(dataset.records[index].label for index in members[group])
        for part, left in room.items():
            if all(left[label] >= n for label, n in needs.items()):
                part_of[group] = part
                for label, n in needs.items():
                    left[label] -= n
                break
    wanted = [part for part, share in shares.items() if share]
    _fill_empty_parts(dataset, members, part_of, order, wanted)
    parts: GroupSplit = {part: [] for part in room}
    for group in order:
        parts[part_of[group]] += members[group]
    return parts


def _fill_empty_parts(
    dataset: Dataset,
    members: Mapping[str, list[int]],
    part_of: dict[str, str],
    order: Sequence[str],
    wanted: Sequence[str],
) -> None:
    """Give training and the wanted parts a group of each class that they go without.

    Training takes the last drawn of the others. The parts were left empty where every group
    has more images than their share: they take the smallest that training can spare.
    """
    labels_of = {
        group: {dataset.records[index].label for index in members[group]} for group in order
    }
    groups_of: dict[int, list[str]] = {}
    for group in order:
        for label in labels_of[group]:
            groups_of.setdefault(label, []).append(group)

    def with_class(part: str, label: int) -> list[str]:
        return [group for group in groups_of[label] if part_of[group] == part]

    labels = sorted(groups_of)
    for label in labels:
        if not with_class("train", label):
            part_of[groups_of[label][-1]] = "train"
    n_train = {label: len(with_class("train", label)) for label in labels}
    for part in wanted:
        for label in labels:
            if with_class(part, label):
                continue
            spare = [
                group
                for group in with_class("train", label)
                if all(n_train[other] > 1 for other in labels_of[group])
            ]
            if spare:
                taken = min(spare, key=lambda group: len(members[group]))
                part_of[taken] = part
                for other in labels_of[taken]:
                    n_train[other] -= 1


def split_into_folds(
    dataset: Dataset, grouping: Grouping, seed: int, n_folds: int
) -> list[list[int]]:
    """Split the groups into folds of about equal counts of each class.

    Large groups go first, each to the fold that has the smallest share of its classes.
    """
    members = _members(grouping, range(len(dataset.records)))
    sizes = Counter(record.label for record in dataset.records)
    folds: list[list[int]] = [[] for _ in range(n_folds)]
    loads: list[Counter[int]] = [Counter() for _ in range(n_folds)]
    for group in sorted(members, key=lambda group: (-len(members[group]), random_key(seed, group))):
        needs = Counter(dataset.records[index].label for index in members[group])

        def load(fold: int, needs: Mapping[int, int] = needs) -> tuple[float, int, int]:
            share = sum(loads[fold][label] / sizes[label] for label in needs)
            return share, len(folds[fold]), fold

        chosen = min(range(n_folds), key=load)
        folds[chosen] += members[group]
        loads[chosen] += needs
    return folds


def _members(grouping: Grouping, indices: Iterable[int]) -> dict[str, list[int]]:
    """Return the images of each group."""
    members: dict[str, list[int]] = {}
    for index in indices:
        members.setdefault(grouping.groups[index], []).append(index)
    return members


def random_key(seed: int, text: str) -> bytes:
    """Return a pseudo-random key that depends on nothing but the seed and the text."""
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()


def leaking_groups(grouping: Grouping, splits: Splits) -> tuple[str, ...]:
    """Return the groups with images on more than one side; the kept images are test images."""
    sides: dict[str, set[str]] = {}
    for name in PARTS:
        for index in splits.part(name):
            sides.setdefault(grouping.groups[index], set()).add("test" if name == "kept" else name)
    return tuple(sorted(group for group, names in sides.items() if len(names) > 1))


def classes_without_films(dataset: Dataset, splits: Splits, part: Part) -> tuple[str, ...]:
    """Return the classes that have no film in a part; the kept film of a class is not scored."""
    present = {dataset.records[index].label for index in splits.part(part)}
    return tuple(name for label, name in enumerate(dataset.classes) if label not in present)


def unscored_classes(dataset: Dataset, splits: Splits) -> tuple[tuple[str, Message], ...]:
    """Return the classes of which no film is tested or none validated, each with a sentence."""
    untested = classes_without_films(dataset, splits, "test")
    # A scheme without a validation part is somebody's choice.
    unvalidated = classes_without_films(dataset, splits, "validation") if splits.validation else ()
    found: list[tuple[str, Message]] = []
    for name in dataset.classes:
        if name in untested and (name in unvalidated or not splits.validation):
            message = Message(
                "No image of {name} is in the validation or test part, so the results say nothing "
                "about this class. Add images of more patients.",
                name=name,
            )
        elif name in untested:
            message = Message(
                "No image of {name} is in the test part, so the test results say nothing about "
                "this class. Add images of more patients.",
                name=name,
            )
        elif name in unvalidated:
            message = Message(
                "No image of {name} is in the validation part, so the best epoch is chosen "
                "without this class. Add images of more patients.",
                name=name,
            )
        else:
            continue
        found.append((name, message))
    return tuple(found)


def count_by_class(dataset: Dataset, indices: Sequence[int]) -> dict[str, int]:
    """Count these images by class."""
    counts = Counter(dataset.records[index].label for index in indices)
    return {name: counts[label] for label, name in enumerate(dataset.classes)}


@dataclass(frozen=True, slots=True)
class PartCounts:
    """The films and patients of a class in each part."""

    class_name: str  # "": all classes
    films: Mapping[Part, int]
    patients: Mapping[Part, int]
    n_patients: int  # over all parts; one who is in two parts counts once

    @property
    def n_films(self) -> int:
        """The films in all parts."""
        return sum(self.films.values())


def count_parts(dataset: Dataset, grouping: Grouping, splits: Splits) -> tuple[PartCounts, ...]:
    """Count each class, and all classes at the end."""
    films: Counter[tuple[int, Part]] = Counter()
    patients: dict[tuple[int, Part], set[str]] = {}
    everything = len(dataset.classes)  # in place of a label
    for part in PARTS:
        for index in splits.part(part):
            for label in (dataset.records[index].label, everything):
                films[label, part] += 1
                patients.setdefault((label, part), set()).add(grouping.patients[index])
    found = []
    for label, name in enumerate((*dataset.classes, "")):
        who = {part: patients.get((label, part), set()) for part in PARTS}
        found.append(
            PartCounts(
                name,
                {part: films[label, part] for part in PARTS},
                {part: len(names) for part, names in who.items()},
                len(set().union(*who.values())),
            )
        )
    return tuple(found)


def split_rows(
    dataset: Dataset, grouping: Grouping, splits: Splits
) -> Iterator[tuple[str, str, str, str]]:
    """Yield file, class, patient and part of each film, in the order of the dataset.

    Patients are numbered as they come: neither a name nor a DICOM PatientID, hashed or not,
    leaves the program this way.
    """
    part_of = {index: part for part in PARTS for index in splits.part(part)}
    numbers: dict[str, int] = {}
    for index, (record, patient) in enumerate(zip(dataset.records, grouping.patients, strict=True)):
        number = numbers.setdefault(patient, len(numbers) + 1)
        yield record.name, dataset.classes[record.label], str(number), part_of[index]


def save_split_table(path: Path, dataset: Dataset, grouping: Grouping, splits: Splits) -> None:
    """Write the table for a spreadsheet.

    Raises:
        RunFolderError: The file cannot be written.
    """
    write_csv(path, [HEADER, *split_rows(dataset, grouping, splits)])
