"""Records: the X-rays of a dataset and the class of each, read from the folder names."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.config import N_CLASSES_RANGE
from core.data.folder_names import GivenPart, is_patient, parts_of
from core.data.labels import LabelChoice, LabelReport, open_labels, without_lone
from core.data.layout import OUTSIDE, Layout, Place, arrange, listed, listed_levels
from core.data.members import folder_of_archive
from core.data.unpacked import Unpacked, readable, showable
from core.errors import DatasetError, Message, Refusal, RefusalKind

MIN_IMAGES_PER_CLASS = 2
_LAYOUT = "input_data/NORMAL/1.png, input_data/COVID/2.png"
_SHOWN = 3
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
    # From a table of labels; empty or None where it does not tell.
    patient: str = ""
    view: str = ""  # upper case: PA, AP, LATERAL
    age: float | None = None  # years
    sex: str = ""  # M or F


@dataclass(frozen=True, slots=True)
class Dataset:
    """Films sorted into classes: at least two classes with at least two films each."""

    sources: tuple[Path, ...]  # the zips and folders as the user knows them
    classes: tuple[str, ...]  # folder names, sorted
    records: tuple[Record, ...]  # sorted by class, then name
    left_out: tuple[Refusal, ...]  # sorted by name
    labels: LabelReport | None = None  # None: the folders are the classes, and no table was read
    layout: Layout | None = None  # of the folders; None: it was not read from folders
    # Archives with names that do not say how they are encoded, and how they were read.
    code_pages: tuple[tuple[Path, str], ...] = ()

    @property
    def name(self) -> str:
        """The names of its first sources."""
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
        """Return the dataset that remains without the films of these digests.

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
        return replace(
            self,
            classes=tuple(self.classes[label] for label in labels),
            records=tuple(
                replace(record, label=new_label[record.label])
                for record in kept
                if record.label in new_label
            ),
            left_out=_by_name([*self.left_out, *left_out]),
        )


def scan(
    parts: Sequence[tuple[Unpacked, Path]],
    choice: LabelChoice | None = None,
    levels: Sequence[int | None] | None = None,
    known: Sequence[str] = (),
) -> Dataset:
    """Sort the films of one or several sources into classes (`arrange` says how).

    Classes of the same name become one. With several sources the name of each film begins
    with that of its source.

    Args:
        parts: What each source holds, and the source as the user knows it.
        choice: A table that gives the labels in place of the folders, or tells of patients.
        levels: The level of the class folders in each source; None: found out.
        known: Classes of a model, see `arrange`.

    Raises:
        DatasetError: There are no class folders, too few or too many, or one is too small; or
            the table cannot be used.
    """
    sources = tuple(source for _, source in parts)
    labels = labels_of(sources)
    given = parts_called(sources)
    placed: list[tuple[Record, str]] = []  # and its class
    left_out: list[Refusal] = []
    outside: list[Record] = []
    called = [class_called(source) for source in sources]
    places, layout = arrange(
        [[file.name for file in unpacked.files] for unpacked, _ in parts], called, levels, known
    )
    for (unpacked, source), label, placed_files in zip(parts, labels, places, strict=True):
        prefix = f"{label}/" if len(parts) > 1 else ""
        left_out += [
            replace(refusal, file=prefix + refusal.file)
            for refusal in unpacked.left_out
            if choice is None or Path(choice.file) != source.absolute() / refusal.file
        ]
        for file, place in zip(unpacked.files, placed_files, strict=True):
            name = prefix + file.name
            part = (place.given if isinstance(place, Place) else None) or given.get(source)
            record = Record(name, file.path, file.digest, 0, label, part)
            if isinstance(place, Place):
                record = replace(record, patient_folder=place.patient_folder)
                placed.append((record, place.class_name))
            elif choice is not None and place is OUTSIDE:
                outside.append(record)
            else:
                left_out.append(Refusal(name, place))
    report: LabelReport | None = None
    if choice is not None:
        placed, refused, report = _with_table(choice, placed, outside)
        left_out += refused
    if report is not None and report.choice.label:
        return _sorted(sources, placed, left_out, report)
    left_out += [Refusal(record.name, OUTSIDE) for record in outside]
    placed, stray = _without_stray_folders(placed)
    left_out += [Refusal(record.name, OUTSIDE) for record, _ in stray]
    counts = Counter(class_name for _, class_name in placed)
    _check_classes(joined(sources), counts, layout, is_chosen=levels is not None)
    return _sorted(sources, placed, left_out, report, layout)


def names_of(parts: Sequence[tuple[Unpacked, Path]]) -> list[str]:
    """Return the names of all images as `scan` makes them."""
    labels = labels_of([source for _, source in parts])
    return [
        (f"{label}/" if len(parts) > 1 else "") + file.name
        for (unpacked, _), label in zip(parts, labels, strict=True)
        for file in unpacked.files
    ]


def _sorted(
    sources: tuple[Path, ...],
    placed: Sequence[tuple[Record, str]],
    left_out: Iterable[Refusal],
    report: LabelReport | None,
    layout: Layout | None = None,
) -> Dataset:
    """Number the classes and bring everything into order."""
    classes = tuple(sorted({class_name for _, class_name in placed}))
    index = {name: number for number, name in enumerate(classes)}
    records = [replace(record, label=index[class_name]) for record, class_name in placed]
    return Dataset(
        sources,
        classes,
        tuple(sorted(records, key=lambda record: (record.label, record.name))),
        _by_name(left_out),
        report,
        layout,
    )


def _with_table(
    choice: LabelChoice, placed: Sequence[tuple[Record, str]], outside: Sequence[Record]
) -> tuple[list[tuple[Record, str]], list[Refusal], LabelReport]:
    """Give images what a table says of them, and their class where it has a column of labels."""
    class_of = {record.name: class_name for record, class_name in placed}
    records = [*(record for record, _ in placed), *outside]
    labelled = open_labels(choice, [record.name for record in records])
    has_labels = bool(labelled.report.choice.label)
    if has_labels:
        labelled = without_lone(labelled)
    found: list[tuple[Record, str]] = []
    for record in records:
        one = labelled.details.get(record.name)
        class_name = one.label if one is not None and has_labels else class_of.get(record.name)
        if class_name is None or (has_labels and one is None):
            continue
        if one is not None:
            record = replace(record, patient=one.patient, view=one.view, age=one.age, sex=one.sex)
        if has_labels:
            record = replace(record, patient_folder=_patient_folder(record.name))
        found.append((record, class_name))
    refused = [Refusal(name, reason) for name, reason in labelled.refused.items()]
    return found, refused, labelled.report


def _patient_folder(name: str) -> str:
    """Return the folder of an image up to the last one that is called a patient; "": none is."""
    folders = name.split("/")[:-1]
    while folders and not is_patient(folders[-1]):
        folders.pop()
    return "/".join(folders)


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


def _check_classes(
    source: str, counts: Mapping[str, int], layout: Layout, *, is_chosen: bool
) -> None:
    low, high = N_CLASSES_RANGE
    if is_chosen and len(counts) < low:
        raise DatasetError(
            Message(
                "The level that was chosen for the classes of {source} has fewer than two folders "
                "with images. Levels that have more: {levels}.",
                source=source,
                levels=listed_levels(layout.candidates) or "-",
            )
        )
    if not counts and layout.candidates:
        raise DatasetError(
            Message(
                "The images of {source} do not lie in class folders: its folders are called like "
                "patients, studies, dates or batches ({levels}). Put each class into a folder of "
                "its own, such as {layout}, or choose the level of the classes (--class-level).",
                source=source,
                levels=listed_levels(layout.candidates),
                layout=_LAYOUT,
            )
        )
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
                names=listed(counts, _SHOWN_NAMES),
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
                names=listed(counts, _SHOWN_NAMES),
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
                names=listed(small, _SHOWN_NAMES),
                layout=_LAYOUT,
            )
        )


def _by_name(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    return tuple(sorted(refusals, key=lambda refusal: refusal.file))


# Names of classes and sources.

_KNOWN = {
    "normal": {"en": "Normal", "zh_CN": "正常肺部"},
    "viralpneumonia": {"en": "Viral pneumonia", "zh_CN": "病毒性肺炎"},
    "covid": {"en": "COVID-19", "zh_CN": "新冠肺炎"},
    "covid19": {"en": "COVID-19", "zh_CN": "新冠肺炎"},
}


def display_names(folder: str) -> dict[str, str]:
    """Return the class name to show for each language code; an unknown folder's is its own."""
    key = "".join(character for character in folder.casefold() if character not in " _-")
    plain = folder.replace("_", " ")
    return dict(_KNOWN.get(key, {"en": plain, "zh_CN": plain}))


def parts_called(sources: Sequence[Path]) -> dict[Path, GivenPart]:
    """Return the parts, where several sources are called train, test and so on."""
    parts = parts_of(class_called(source) for source in sources)
    given = {source: parts.get(class_called(source)) for source in sources}
    known = {source: part for source, part in given.items() if part}
    return known if len(set(known.values())) > 1 and len(known) == len(given) else {}


def _label(source: Path) -> str:
    """Return the name of a source; `.` and the like have none of their own."""
    return showable(readable(source.name or source.absolute().name)) or str(source)


def class_called(source: Path) -> str:
    """Return the name of a source as a class or a part."""
    label = _label(source)
    return folder_of_archive(label)


def labels_of(sources: Sequence[Path]) -> list[str]:
    """Name each source unlike the others: `films.zip`, `films.zip (2)`."""
    unique: list[str] = []
    for label in map(_label, sources):
        name, number = label, 1
        while name in unique:
            number += 1
            name = f"{label} ({number})"
        unique.append(name)
    return unique


def joined(sources: Sequence[Path]) -> str:
    """Join the names of the first sources to one for all of them."""
    shown = ", ".join(_label(source) for source in sources[:_SHOWN])
    return shown if len(sources) <= _SHOWN else f"{shown} …"
