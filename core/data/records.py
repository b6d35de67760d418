"""Which films there are and which class each belongs to, read from the folder names."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.config import N_CLASSES_RANGE
from core.data.layout import OUTSIDE, GivenPart, Place, arrange
from core.data.source_names import class_called, joined, labels_of, parts_called
from core.data.unpacked import Unpacked
from core.errors import DatasetError, Message, Refusal, RefusalKind

MIN_IMAGES_PER_CLASS = 2
_LAYOUT = "input_data/NORMAL/1.png, input_data/COVID/2.png"
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Record:
    """One film and its class."""

    name: str  # as in the archive or folder, separators "/"; after the source if there are several
    path: Path
    digest: str  # sha256 of the bytes, hexadecimal
    label: int  # index into Dataset.classes
    source: str = ""  # name of the zip or folder
    given: GivenPart | None = None  # where the folders are already split
    patient_folder: str = ""  # the folders between class folder and film, joined by "/"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Films sorted into classes: at least two classes with at least two films each."""

    sources: tuple[Path, ...]  # the zips and folders as the user knows them
    classes: tuple[str, ...]  # folder names, sorted
    records: tuple[Record, ...]  # sorted by class, then name
    left_out: tuple[Refusal, ...]  # sorted by name

    @property
    def name(self) -> str:
        """What to call it: the names of its first sources."""
        return joined(self.sources)

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

    def without(self, unreadable: Mapping[str, tuple[Message, RefusalKind]]) -> "Dataset":
        """The dataset that remains when the films with these digests are left out.

        A class that keeps fewer than two films is left out with them.

        Raises:
            DatasetError: Fewer than two classes remain.
        """
        left_out = [
            Refusal(record.name, *unreadable[record.digest])
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
                    source=self.name,
                    n=len(left_out),
                    total=len(self.records),
                    example=left_out[0].file if left_out else "",
                    reason=left_out[0].reason if left_out else "",
                )
            )
        new_label = {old: new for new, old in enumerate(labels)}
        return Dataset(
            self.sources,
            tuple(self.classes[label] for label in labels),
            tuple(
                replace(record, label=new_label[record.label])
                for record in kept
                if record.label in new_label
            ),
            _by_name([*self.left_out, *left_out]),
        )


def scan(parts: Sequence[tuple[Unpacked, Path]]) -> Dataset:
    """Sort the films of one or several sources into classes (`layout.arrange` says how).

    Classes of the same name become one. With several sources the name of each film begins
    with that of its source.

    Args:
        parts: What each source holds, and the source as the user knows it.

    Raises:
        DatasetError: There are no class folders, too few or too many, or one is too small.
    """
    sources = tuple(source for _, source in parts)
    labels = labels_of(sources)
    given = parts_called(sources)
    placed: list[tuple[Record, str]] = []  # and its class
    left_out: list[Refusal] = []
    for (unpacked, source), label in zip(parts, labels, strict=True):
        prefix = f"{label}/" if len(parts) > 1 else ""
        left_out += [replace(refusal, file=prefix + refusal.file) for refusal in unpacked.left_out]
        places = arrange([file.name for file in unpacked.files], class_called(source), len(parts))
        for file, place in zip(unpacked.files, places, strict=True):
            name = prefix + file.name
            if isinstance(place, Place):
                part = place.given or given.get(source)
                record = Record(name, file.path, file.digest, 0, label, part, place.patient_folder)
                placed.append((record, place.class_name))
            else:
                left_out.append(Refusal(name, place))
    placed, stray = _without_stray_folders(placed)
    left_out += [Refusal(record.name, OUTSIDE) for record, _ in stray]
    counts = Counter(class_name for _, class_name in placed)
    _check_classes(joined(sources), counts)
    classes = tuple(sorted(counts))
    index = {name: number for number, name in enumerate(classes)}
    records = [replace(record, label=index[class_name]) for record, class_name in placed]
    return Dataset(
        sources,
        classes,
        tuple(sorted(records, key=lambda record: (record.label, record.name))),
        _by_name(left_out),
    )


def _without_stray_folders(
    placed: list[tuple[Record, str]],
) -> tuple[list[tuple[Record, str]], list[tuple[Record, str]]]:
    """Set aside lone films deep inside folders that are no class folders in this dataset."""
    n_deep = sum(bool(record.patient_folder) for record, _ in placed)
    if not n_deep or 2 * n_deep > len(placed):
        return placed, []
    n_films = Counter(class_name for _, class_name in placed)
    is_stray = [
        bool(record.patient_folder) and n_films[class_name] < MIN_IMAGES_PER_CLASS
        for record, class_name in placed
    ]
    kept = [item for item, stray in zip(placed, is_stray, strict=True) if not stray]
    return kept, [item for item, stray in zip(placed, is_stray, strict=True) if stray]


def _check_classes(source: str, counts: Mapping[str, int]) -> None:
    low, high = N_CLASSES_RANGE
    if not counts:
        raise DatasetError(
            Message(
                "The images of {source} do not lie in class folders. Put each class into a folder "
                "of its own, such as {layout}.",
                source=source,
                layout=_LAYOUT,
            )
        )
    if len(counts) < low:
        raise DatasetError(
            Message(
                "{source} holds only one class folder with images, {names}. Give each class a "
                "folder of its own, such as {layout}.",
                source=source,
                names=_listed(counts),
                layout=_LAYOUT,
            )
        )
    if len(counts) > high:
        raise DatasetError(
            Message(
                "{source} holds {n} folders with images ({names}); at most {high} classes are "
                "possible. The images must lie directly in their class folder, such as {layout}.",
                source=source,
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
                source=source,
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
