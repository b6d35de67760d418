"""What a user changed about a dataset: kept beside it, the files themselves stay as they are."""

import contextlib
import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from core import files
from core.config import N_CLASSES_RANGE
from core.data.records import MIN_IMAGES_PER_CLASS, Dataset
from core.errors import DatasetError, Message, Refusal

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Edits:
    """Changes by name of film and of class; names that are not there change nothing."""

    left_out: frozenset[str] = frozenset()  # films
    classes: Mapping[str, str] = field(default_factory=dict)  # film -> the class it is of
    merged: Mapping[str, str] = field(default_factory=dict)  # class -> the class it joins
    patients: str = ""  # a patient_names.Pattern or template; "": found out

    @property
    def n_changes(self) -> int:
        """How many things are changed."""
        n_changed = len(self.left_out) + len(self.classes) + len(self.merged)
        return n_changed + bool(self.patients)

    def leave_out(self, names: Iterable[str]) -> Self:
        """These films do not count."""
        return dataclasses.replace(self, left_out=self.left_out | frozenset(names))

    def take_back(self, names: Iterable[str]) -> Self:
        """These films count again."""
        return dataclasses.replace(self, left_out=self.left_out - frozenset(names))

    def relabel(self, names: Iterable[str], class_name: str) -> Self:
        """These films are of another class."""
        return dataclasses.replace(
            self, classes={**self.classes, **dict.fromkeys(names, class_name)}
        )

    def merge(self, class_name: str, into: str) -> Self:
        """All films of a class are of another one."""
        merged = {
            name: into if target == class_name else target for name, target in self.merged.items()
        }
        merged[class_name] = into
        merged.pop(into, None)  # what was merged away is wanted back
        return dataclasses.replace(self, merged=merged)

    def group_by(self, pattern: str) -> Self:
        """Names tell the patients like this."""
        return dataclasses.replace(self, patients=pattern)

    def apply(self, dataset: Dataset) -> Dataset:
        """The dataset that remains; a class with fewer than two films is left out with them.

        Raises:
            DatasetError: Fewer than two classes remain.
        """
        if not (self.left_out or self.classes or self.merged):
            return dataset
        class_of = {record.name: dataset.classes[record.label] for record in dataset.records}
        # A new class cannot be made this way: the name of a class that is gone means nothing.
        class_of |= {
            name: class_name
            for name, class_name in self.classes.items()
            if name in class_of and class_name in dataset.classes
        }
        class_of = {
            name: self.merged[class_name]
            if self.merged.get(class_name) in dataset.classes
            else class_name
            for name, class_name in class_of.items()
        }
        left_out = {
            record.name: Message("You left it out.")
            for record in dataset.records
            if record.name in self.left_out
        }
        counts = Counter(name for film, name in class_of.items() if film not in left_out)
        classes = tuple(name for name in dataset.classes if counts[name] >= MIN_IMAGES_PER_CLASS)
        if len(classes) < N_CLASSES_RANGE[0]:
            raise DatasetError(
                Message(
                    "After this change fewer than two classes with {n} films each would be left. "
                    "Undo it or take films back.",
                    n=MIN_IMAGES_PER_CLASS,
                )
            )
        for film, name in class_of.items():
            if name not in classes and film not in left_out:
                left_out[film] = Message("The only film of its class that is left.")
        label = {name: number for number, name in enumerate(classes)}
        records = [
            dataclasses.replace(record, label=label[class_of[record.name]])
            for record in dataset.records
            if record.name not in left_out
        ]
        refused = [*dataset.left_out, *(Refusal(name, why) for name, why in left_out.items())]
        return dataclasses.replace(
            dataset,
            classes=classes,
            records=tuple(sorted(records, key=lambda record: (record.label, record.name))),
            left_out=tuple(sorted(refused, key=lambda refusal: refusal.file)),
        )

    def to_json(self) -> dict[str, Any]:
        """The values as plain JSON types."""
        return {
            "version": FORMAT_VERSION,
            "left_out": sorted(self.left_out),
            "classes": dict(self.classes),
            "merged": dict(self.merged),
            "patients": self.patients,
        }

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        match values:
            case {
                "version": 1,
                "left_out": list(left_out),
                "classes": dict(classes),
                "merged": dict(merged),
                "patients": str(patients),
            } if all(isinstance(text, str) for text in _texts(left_out, classes, merged)):
                return cls(frozenset(left_out), classes, merged, patients)
        raise ValueError("these are no edits of a dataset")


class EditsFile:
    """Where the edits of one dataset are kept.

    It is known by its films and their names wherever it lies, and by its place even when films
    have come or gone; an edit of a film that is another one by now does not count.

    Args:
        folder: Of the edits of all datasets.
        dataset: As its sources hold it, without edits.
    """

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        self._digests = {record.name: record.digest for record in dataset.records}
        films = sorted(f"{record.digest}/{record.name}" for record in dataset.records)
        self.path = folder / f"{_key(films)}.json"
        places = sorted(os.path.abspath(source) for source in dataset.sources)
        self.path_by_place = folder / f"{_key(places)}.json"

    def load(self) -> Edits:
        """What was saved; nothing where that cannot be read."""
        for path in (self.path, self.path_by_place):
            with contextlib.suppress(OSError, ValueError, RecursionError):
                return self._read(path)
        return Edits()

    def save(self, edits: Edits) -> None:
        """Keep `edits` for the next time.

        Raises:
            DatasetError: The disk is full or cannot be written.
        """
        changed = (*edits.left_out, *edits.classes)
        digests = {name: self._digests[name] for name in changed if name in self._digests}
        # ASCII: a name need not be text that UTF-8 can hold.
        text = json.dumps({**edits.to_json(), "digests": digests})
        try:
            for path in (self.path, self.path_by_place):
                files.write_text(path, text)
        except OSError as error:
            raise DatasetError(
                Message(
                    "The changes to the dataset cannot be saved in {folder} ({reason}). Free "
                    "some disk space; they hold until the program is closed.",
                    folder=str(self.path.parent),
                    reason=error.strerror or str(error),
                )
            ) from error

    def _read(self, path: Path) -> Edits:
        """Edits of films that are still the same.

        Raises:
            OSError, ValueError: There are none that can be read.
        """
        values = json.loads(path.read_text(encoding="utf-8"))
        digests = values.pop("digests", {}) if isinstance(values, dict) else {}
        edits = Edits.from_json(values)
        if not isinstance(digests, dict):
            raise ValueError("these are no digests of films")
        return dataclasses.replace(
            edits,
            left_out=frozenset(
                name for name in edits.left_out if digests.get(name) == self._digests.get(name)
            ),
            classes={
                name: target
                for name, target in edits.classes.items()
                if digests.get(name) == self._digests.get(name)
            },
        )


def _key(lines: Iterable[str]) -> str:
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]


def _texts(*parts: Iterable[object] | Mapping[object, object]) -> Iterable[object]:
    for part in parts:
        yield from part
        if isinstance(part, Mapping):
            yield from part.values()
