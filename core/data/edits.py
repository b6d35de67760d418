"""A user's changes to a dataset: kept beside it, the files themselves stay as they are."""

import contextlib
import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from core import files
from core.config import N_CLASSES_RANGE
from core.data.records import MIN_IMAGES_PER_CLASS, Dataset
from core.errors import ConfigError, DatasetError, Message, Refusal
from core.schema import StrictModel

FORMAT_VERSION = 1
MAX_LEVEL = 100  # of class folders


class Edits(StrictModel):
    """Changes by name of film and of class; names that are not there change nothing."""

    version: int = Field(default=FORMAT_VERSION, ge=FORMAT_VERSION, le=FORMAT_VERSION)
    left_out: frozenset[str] = Field(default=frozenset(), strict=False)  # films; a list in JSON
    classes: dict[str, str] = Field(default_factory=dict)  # film -> the class it is of
    merged: dict[str, str] = Field(default_factory=dict)  # class -> the class it joins
    patients: str = ""  # a patient_names.Pattern or template; "": found out
    class_level: int | None = Field(default=None, ge=0, le=MAX_LEVEL)  # None: found out

    @property
    def n_changes(self) -> int:
        """Number of things that are changed."""
        n_changed = len(self.left_out) + len(self.classes) + len(self.merged)
        return n_changed + bool(self.patients) + (self.class_level is not None)

    def leave_out(self, names: Iterable[str]) -> Self:
        """Return these edits and that films do not count."""
        return self.changed(left_out=self.left_out | frozenset(names))

    def take_back(self, names: Iterable[str]) -> Self:
        """Return these edits and that films count again."""
        return self.changed(left_out=self.left_out - frozenset(names))

    def relabel(self, names: Iterable[str], class_name: str) -> Self:
        """Return these edits and that films are of another class."""
        return self.changed(classes={**self.classes, **dict.fromkeys(names, class_name)})

    def merge(self, names: Iterable[str], into: str) -> Self:
        """Return these edits and that classes are spellings of another one."""
        # Whatever was merged into one of them goes along.
        into = self.merged.get(into, into)
        joining = {*names} - {into}
        merged = {name: into if meant in joining else meant for name, meant in self.merged.items()}
        return self.changed(merged={**merged, **dict.fromkeys(sorted(joining), into)})

    def at_level(self, level: int | None) -> Self:
        """Return these edits and the level of the class folders.

        What names the classes of another level is given up.
        """
        return self.changed(class_level=level, classes={}, merged={})

    def group_by(self, pattern: str) -> Self:
        """Return these edits and how names tell the patients."""
        return self.changed(patients=pattern)

    def apply(self, dataset: Dataset) -> Dataset:
        """Return the dataset that remains; a class with fewer than two films is left out with them.

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
        """Return the values as plain JSON types; names need not be text that UTF-8 can hold."""
        return {**self.model_dump(), "left_out": sorted(self.left_out)}


class EditsFile:
    """The edits of one dataset on disk.

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
        """Return what was saved; nothing where that cannot be read."""
        for path in (self.path, self.path_by_place):
            with contextlib.suppress(OSError, ValueError, RecursionError, ConfigError):
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
        """Return the edits of films that are still the same.

        Raises:
            OSError, ValueError, RecursionError, ConfigError: There are none that can be read.
        """
        values = json.loads(path.read_text(encoding="utf-8"))
        digests = values.pop("digests", {}) if isinstance(values, dict) else {}
        edits = Edits.from_json(values)
        if not isinstance(digests, dict):
            raise ValueError("these are no digests of films")
        changed = {*edits.left_out, *edits.classes}
        same = {name for name in changed if digests.get(name) == self._digests.get(name)}
        return edits.changed(
            left_out=edits.left_out & same,
            classes={name: target for name, target in edits.classes.items() if name in same},
        )


def _key(lines: Iterable[str]) -> str:
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
