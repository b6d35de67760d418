"""Which films there are and which class each belongs to, read from the folder names."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.config import N_CLASSES_RANGE
from core.data.folder import SourceFile, Unpacked
from core.errors import DatasetError, Message, Refusal

MIN_IMAGES_PER_CLASS = 2
_LAYOUT = "input_data/NORMAL/1.png, input_data/COVID/2.png"
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Record:
    """One film and its class."""

    name: str  # as in the archive or folder, separators "/"
    path: Path
    digest: str  # sha256 of the bytes, hexadecimal
    label: int  # index into Dataset.classes


@dataclass(frozen=True, slots=True)
class Dataset:
    """Films sorted into classes: at least two classes with at least two films each."""

    source: Path  # the zip or folder as the user knows it
    classes: tuple[str, ...]  # folder names, sorted
    records: tuple[Record, ...]  # sorted by class, then name
    left_out: tuple[Refusal, ...]  # sorted by name

    @property
    def fingerprint(self) -> str:
        """Sha256 over what the films hold and their classes, whatever their names and order."""
        lines = sorted(f"{self.classes[record.label]}/{record.digest}" for record in self.records)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """The number of films of each class, in class order."""
        counts = Counter(record.label for record in self.records)
        return {name: counts[label] for label, name in enumerate(self.classes)}

    def without(self, unreadable: Mapping[str, Message]) -> "Dataset":
        """The dataset that remains when the films with these digests are left out.

        A class that keeps fewer than two films is left out with them.

        Raises:
            DatasetError: Fewer than two classes remain.
        """
        left_out = [
            Refusal(record.name, unreadable[record.digest])
            for record in self.records
            if record.digest in unreadable
        ]
        kept = [record for record in self.records if record.digest not in unreadable]
        counts = Counter(record.label for record in kept)
        for record in kept:
            if counts[record.label] < MIN_IMAGES_PER_CLASS:
                left_out.append(
                    Refusal(record.name, Message("The only readable image of its class."))
                )
        labels = [
            label for label in range(len(self.classes)) if counts[label] >= MIN_IMAGES_PER_CLASS
        ]
        if len(labels) < N_CLASSES_RANGE[0]:
            raise DatasetError(
                Message(
                    "Too few images of {source} can be read: {n} of {total} are damaged or not "
                    "usable, such as {example}: {reason}",
                    source=self.source.name,
                    n=len(left_out),
                    total=len(self.records),
                    example=left_out[0].file if left_out else "",
                    reason=left_out[0].reason if left_out else "",
                )
            )
        new_label = {old: new for new, old in enumerate(labels)}
        return Dataset(
            self.source,
            tuple(self.classes[label] for label in labels),
            tuple(
                Record(record.name, record.path, record.digest, new_label[record.label])
                for record in kept
                if record.label in new_label
            ),
            _by_name([*self.left_out, *left_out]),
        )


def scan(unpacked: Unpacked, source: Path) -> Dataset:
    """Take the folders that directly hold images as classes, at the depth of most images.

    Folders around them are wrappers: `train/NORMAL` and `test/NORMAL` are one class.

    Raises:
        DatasetError: There are no class folders, too few or too many, or one is too small.
    """
    depths = Counter(file.name.count("/") for file in unpacked.files)
    depth = max(depths, key=lambda depth: (depths[depth], -depth), default=0)
    if depth == 0:
        raise DatasetError(
            Message(
                "The images of {source} do not lie in class folders. Put each class into a folder "
                "of its own, such as {layout}.",
                source=source.name,
                layout=_LAYOUT,
            )
        )
    inside = [file for file in unpacked.files if file.name.count("/") == depth]
    counts = Counter(_class_of(file) for file in inside)
    classes = tuple(sorted(counts))
    _check_classes(source, counts)
    label = {name: index for index, name in enumerate(classes)}
    records = [Record(file.name, file.path, file.digest, label[_class_of(file)]) for file in inside]
    outside = [
        Refusal(file.name, Message("It lies outside the class folders."))
        for file in unpacked.files
        if file.name.count("/") != depth
    ]
    return Dataset(
        source,
        classes,
        tuple(sorted(records, key=lambda record: (record.label, record.name))),
        _by_name([*unpacked.left_out, *outside]),
    )


def _class_of(file: SourceFile) -> str:
    return file.name.split("/")[-2]


def _check_classes(source: Path, counts: Mapping[str, int]) -> None:
    low, high = N_CLASSES_RANGE
    if len(counts) < low:
        raise DatasetError(
            Message(
                "{source} holds only one class folder with images, {names}. Give each class a "
                "folder of its own, such as {layout}.",
                source=source.name,
                names=_listed(counts),
                layout=_LAYOUT,
            )
        )
    if len(counts) > high:
        raise DatasetError(
            Message(
                "{source} holds {n} folders with images ({names}); at most {high} classes are "
                "possible. The images must lie directly in their class folder, such as {layout}.",
                source=source.name,
                n=len(counts),
                names=_listed(sorted(counts)),
                high=high,
                layout=_LAYOUT,
            )
        )
    small = [name for name in sorted(counts) if counts[name] < MIN_IMAGES_PER_CLASS]
    if small:
        raise DatasetError(
            Message(
                "A class needs at least {least} images, and these folders of {source} hold fewer: "
                "{names}. Add images or remove the folders; the layout is {layout}.",
                least=MIN_IMAGES_PER_CLASS,
                source=source.name,
                names=_listed(small),
                layout=_LAYOUT,
            )
        )


def _listed(names: Iterable[str]) -> str:
    """The first few names, so that a message stays one that can be read."""
    all_names = list(names)
    shown = ", ".join(all_names[:_SHOWN_NAMES])
    return shown if len(all_names) <= _SHOWN_NAMES else f"{shown}, ..."


def _by_name(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    return tuple(sorted(refusals, key=lambda refusal: refusal.file))
