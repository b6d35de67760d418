"""The films of a dataset with what was changed and found about them, to be looked through."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.tasks import TaskQueue, TaskRunner
from core.audit.findings import KINDS, SEVERITIES, Finding, Kind
from core.audit.report import Report
from core.data.dataset import LoadedDataset
from core.errors import ImageReadError, Message
from core.images.reading import load_xray


@dataclass(frozen=True, slots=True, eq=False)
class FullFilm:
    """A film at full size, or why it cannot be shown."""

    name: str
    image: NDArray[np.uint8] | None  # (H, W) or (H, W, 3)
    reason: Message | None


class FilmReader(QObject):
    """Reads films to be looked at closely.

    Args:
        runner: Where films are read; this object's own.
    """

    film_read = Signal(object)  # FullFilm
    failed = Signal(object)  # Failure

    def __init__(self, runner: TaskRunner) -> None:
        super().__init__()
        self._queue = TaskQueue(runner, self)
        self._queue.reported.connect(self.film_read)
        self._queue.failed.connect(self.failed)

    def read(self, name: str, path: Path) -> None:
        """Read `path`, which the user knows as `name`; an earlier wish that waits is dropped."""
        self._queue.drop_waiting()
        self._queue.put(name, lambda: _read(name, path))


def _read(name: str, path: Path) -> Iterator[FullFilm]:
    try:
        yield FullFilm(name, load_xray(path), None)
    except ImageReadError as error:
        reason = error.message  # it names the unpacked file, which nobody knows
        own = Message(reason.template, **{**reason.values, "file": name})
        yield FullFilm(name, None, own)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFilter:
    """Choice of films to look at; all conditions hold together."""

    class_name: str | None = None  # as edited; None: any
    only_left_out: bool = False
    kind: Kind | None = None  # None: whatever was found
    text: str = ""  # in the name, whatever its case
    names: frozenset[str] | None = None  # None: any


class FilmCatalogue:
    """One dataset's films as found; rows count from 0 in the order of its records.

    `headers`, `classes` (as edited), `is_left_out` and `worst` (what was found) are lists by row.

    Args:
        loaded: The dataset; later edits of it are taken over by `use_edits`.
    """

    def __init__(self, loaded: LoadedDataset) -> None:
        self.as_found = loaded.as_found
        self.records = loaded.as_found.records
        self.row_of = {record.name: row for row, record in enumerate(self.records)}
        self._folded = [record.name.casefold() for record in self.records]
        self._found = [loaded.as_found.classes[record.label] for record in self.records]
        self.worst: list[Finding | None] = [None] * len(self.records)
        self._rows_of_kind: dict[Kind, set[int]] = {}
        self.use_edits(loaded)

    def use_edits(self, loaded: LoadedDataset) -> None:
        """Take over what was changed in this dataset."""
        classes = loaded.dataset.classes
        now = {record.name: classes[record.label] for record in loaded.dataset.records}
        self.headers = [loaded.cache.headers[record.digest] for record in self.records]
        self.is_left_out = [record.name not in now for record in self.records]
        known = set(self.as_found.classes)
        changed = {name: to for name, to in loaded.edits.classes.items() if to in known}
        self.classes = [
            now.get(record.name) or changed.get(record.name, found)
            for record, found in zip(self.records, self._found, strict=True)
        ]
        self.n_left_out = sum(self.is_left_out)
        pairs = zip(self.classes, self._found, strict=True)
        self.n_relabelled = sum(is_now != found for is_now, found in pairs)

    def use_report(self, report: Report) -> None:
        """Take over what was found; findings come worst first."""
        self.worst = [None] * len(self.records)
        self._rows_of_kind = {}
        for finding in sorted(report.findings, key=lambda one: SEVERITIES.index(one.severity)):
            rows = [self.row_of[name] for name in finding.files if name in self.row_of]
            if rows:
                self._rows_of_kind.setdefault(finding.kind, set()).update(rows)
            # A film is not to blame for what a random split would do with it, nor for its name.
            is_about_all = finding.kind == "leakage" and finding.severity == "note"
            if not is_about_all and finding.kind != "patients_unknown":
                for row in rows:
                    self.worst[row] = self.worst[row] or finding

    @property
    def class_counts(self) -> dict[str, int]:
        """The films that count of each class there was, in class order."""
        counts = Counter(
            name
            for name, is_left_out in zip(self.classes, self.is_left_out, strict=True)
            if not is_left_out
        )
        return {name: counts[name] for name in self.as_found.classes}

    @property
    def kind_counts(self) -> dict[Kind, int]:
        """The films with a finding of each kind."""
        found = self._rows_of_kind
        return {kind: len(found[kind]) for kind in KINDS if kind in found}

    def rows(self, wanted: FilmFilter) -> list[int]:
        """The films that `wanted` lets through, in order."""
        rows: list[int] = list(range(len(self.records)))
        if wanted.names is not None:
            rows = sorted(self.row_of[name] for name in wanted.names if name in self.row_of)
        if wanted.kind is not None:
            of_kind = self._rows_of_kind.get(wanted.kind, set())
            rows = [row for row in rows if row in of_kind]
        if wanted.class_name is not None:
            rows = [row for row in rows if self.classes[row] == wanted.class_name]
        if wanted.only_left_out:
            rows = [row for row in rows if self.is_left_out[row]]
        if wanted.text.strip():
            text = wanted.text.strip().casefold()
            rows = [row for row in rows if text in self._folded[row]]
        return rows

    def class_before(self, row: int) -> str | None:
        """The class it was found in, where that is another."""
        found = self._found[row]
        return found if found != self.classes[row] else None
