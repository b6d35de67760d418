"""The Split tab's state: the patients, and the parts that train, validate and test."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal, SignalInstance, Slot

from app.data.viewmodel import DataViewModel
from core.config import SPLITS, SplitScheme, TrainingConfig
from core.data.dataset import LoadedDataset
from core.data.patient_names import NAME_PATTERNS, patients_by
from core.data.patients import group_by_patient
from core.data.splits import (
    PartCounts,
    Splits,
    classes_without_films,
    count_parts,
    leaking_groups,
    save_split_table,
    split,
)
from core.errors import DatasetError, Message, PneumoScopeError


@dataclass(frozen=True, slots=True)
class PatientFigures:
    """The patients of a dataset; films without a known one count as patients of their own."""

    n_patients: int
    mean_films: float  # a patient
    most_films: int  # of one patient
    n_in_two_classes: int  # patients
    n_unknown: int  # films of which nothing tells the patient


class RunSettings(Protocol):
    """The settings of the next run, which another feature holds."""

    changed: SignalInstance

    @property
    def config(self) -> TrainingConfig:
        """The settings as they stand."""

    def change(self, **values: Any) -> None:
        """Set some of them."""


class SplitViewModel(QObject):
    """Divides the dataset in front as the next run will.

    Args:
        data: Has the dataset in front and its edits, to which the pattern of patients belongs.
        training: Has the settings of the next run, to which the split belongs.
    """

    changed = Signal()  # dataset, patients or split
    pattern_tried = Signal()  # example and refusal of a pattern that is being written
    noted = Signal()  # a table was saved or not

    def __init__(self, data: DataViewModel, training: RunSettings) -> None:
        super().__init__()
        self._data, self._training = data, training
        self.loaded: LoadedDataset | None = None  # the dataset in front
        self._key = _key(training.config)
        self._candidates: dict[str, int] | None = None
        self._tried = ""  # a pattern that is being written
        self.pattern_error: Message | None = None
        self.note: Message | None = None  # on the last table
        # Found when somebody asks, once a change.
        self._splits: Splits | None = None
        self._error: Message | None = None
        self._rows: tuple[PartCounts, ...] | None = None
        data.loaded.connect(self._on_data_changed)
        data.changed.connect(self._on_data_changed)
        training.changed.connect(self._on_training_changed)
        self._on_data_changed()

    # The dataset and its patients.

    @property
    def pattern(self) -> str:
        """The pattern in use, see core.data.patients: a known one's name or a template."""
        return self.loaded.grouping.pattern if self.loaded else ""

    @property
    def chosen_pattern(self) -> str:
        """The pattern that the user chose; "": it is found out."""
        return self.loaded.edits.patients if self.loaded else ""

    @property
    def candidates(self) -> dict[str, int]:
        """The number of patients that each known pattern would give; 0: it fits no film."""
        if self._candidates is None:
            self._candidates = {}
            if self.loaded is not None:
                records, in_file = self.loaded.dataset.records, _patients_in_files(self.loaded)
                self._candidates = {
                    pattern: group_by_patient(records, in_file, pattern).n_patients
                    if any(patients_by(pattern, records))
                    else 0
                    for pattern in NAME_PATTERNS
                }
        return self._candidates

    @property
    def example(self) -> tuple[str, str] | None:
        """A file name and its patient under the pattern being written, else the one in use."""
        pattern = self._tried or self.pattern
        if self.loaded is None or self.pattern_error is not None:
            return None
        # Not those whose patient is in the file: a PatientID is not shown, hashed or not.
        in_file = _patients_in_files(self.loaded)
        named = [one for one in self.loaded.dataset.records if not in_file.get(one.digest)]
        for record, patient in zip(named, patients_by(pattern, named), strict=True):
            if patient:
                return PurePosixPath(record.name).name, patient
        return None

    @property
    def figures(self) -> PatientFigures | None:
        """The figures of the patients in use."""
        if self.loaded is None:
            return None
        grouping, records = self.loaded.grouping, self.loaded.dataset.records
        films = Counter(grouping.patients)
        labels = {
            (patient, record.label)
            for patient, record in zip(grouping.patients, records, strict=True)
        }
        classes = Counter(patient for patient, _ in labels)
        return PatientFigures(
            len(films),
            len(records) / len(films),
            max(films.values()),
            sum(n > 1 for n in classes.values()),
            len(grouping.unknown(records)),
        )

    def try_pattern(self, text: str) -> None:
        """Show what a pattern that is being written would find, or why it is none."""
        self._tried = text
        self.pattern_error = None
        if self.loaded is not None and text:
            try:
                patients_by(text, self.loaded.dataset.records[:1])
            except DatasetError as error:
                self.pattern_error = error.message
        self.pattern_tried.emit()

    def set_pattern(self, text: str) -> None:
        """Tell the patients of the dataset in front like this; "" finds it out.

        What is no pattern changes nothing and becomes `pattern_error`.
        """
        self.try_pattern(text)
        if self.pattern_error is None:
            self._tried = ""
            if text != self.chosen_pattern:
                self._data.edit(lambda edits: edits.group_by(text))

    # The split.

    @property
    def config(self) -> TrainingConfig:
        """The settings of the next run."""
        return self._training.config

    @property
    def schemes(self) -> tuple[SplitScheme, ...]:
        """The schemes to choose from: "given" only where the folders are divided."""
        records = self.loaded.dataset.records if self.loaded else ()
        is_given = any(record.given for record in records) or self.config.split == "given"
        return tuple(scheme for scheme in SPLITS if scheme != "given" or is_given)

    def change(self, **values: Any) -> None:
        """Change some settings of the next run.

        Raises:
            ConfigError: A value is out of its range; nothing was changed.
        """
        if "n_folds" in values:
            values.setdefault("fold", min(self.config.fold, values["n_folds"]))
        self._training.change(**values)

    @property
    def splits(self) -> Splits | None:
        """The parts; None where there is no dataset or it cannot be divided so."""
        self._divide()
        return self._splits

    @property
    def error(self) -> Message | None:
        """The reason why the dataset cannot be divided so."""
        self._divide()
        return self._error

    @property
    def rows(self) -> tuple[PartCounts, ...]:
        """Films and patients of each class by part, all classes at the end."""
        if self._rows is None:
            loaded, splits = self.loaded, self.splits
            self._rows = (
                count_parts(loaded.dataset, loaded.grouping, splits) if loaded and splits else ()
            )
        return self._rows

    @property
    def n_crossing(self) -> int:
        """The number of patients, or of patients tied by copies, in two parts."""
        splits = self.splits
        return len(leaking_groups(self.loaded.grouping, splits)) if self.loaded and splits else 0

    @property
    def untested(self) -> tuple[str, ...]:
        """The classes of which no film is tested; the one kept for the end is not."""
        splits = self.splits
        return (
            classes_without_films(self.loaded.dataset, splits, "test")
            if self.loaded and splits
            else ()
        )

    @property
    def unvalidated(self) -> tuple[str, ...]:
        """The classes of which no film is validated, where there is a validation part."""
        splits = self.splits
        return (
            classes_without_films(self.loaded.dataset, splits, "validation")
            if self.loaded and splits and splits.validation
            else ()
        )

    def save_table(self, path: Path) -> None:
        """Write which film is in which part; `note` tells how that went."""
        loaded, splits = self.loaded, self.splits
        if loaded is None or splits is None:
            return
        try:
            save_split_table(path, loaded.dataset, loaded.grouping, splits)
        except PneumoScopeError as error:
            self.note = error.message
        else:
            self.note = Message("Saved in {file}", file=str(path))
        self.noted.emit()

    def _divide(self) -> None:
        """Divide the dataset, once a change."""
        if self.loaded is None or self._splits is not None or self._error is not None:
            return
        try:
            self._splits = split(self.loaded.dataset, self.loaded.grouping, self.config)
        except DatasetError as error:
            self._error = error.message

    def _forget(self) -> None:
        self._splits = self._error = self._rows = self.note = None

    @Slot()
    def _on_data_changed(self) -> None:
        if self._data.dataset is not self.loaded:
            self.loaded = self._data.dataset
            self._candidates = None
            self._tried, self.pattern_error = "", None
            self._forget()
            self.changed.emit()

    @Slot()
    def _on_training_changed(self) -> None:
        key = _key(self._training.config)
        if key != self._key:
            self._key = key
            self._forget()
            self.changed.emit()


def _key(config: TrainingConfig) -> tuple[object, ...]:
    """Return the settings that decide the split."""
    return (
        config.split,
        config.seed,
        config.validation_share,
        config.test_share,
        config.n_folds,
        config.fold,
    )


def _patients_in_files(loaded: LoadedDataset) -> dict[str, str]:
    return {digest: header.patient for digest, header in loaded.cache.headers.items()}
