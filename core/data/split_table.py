"""The split as a table for people: which film is of which patient and in which part."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.csv_cells import write_csv
from core.data.grouping import Grouping
from core.data.records import Dataset
from core.data.splits import PARTS, Part, Splits

HEADER = ("file", "class", "patient", "part")


@dataclass(frozen=True, slots=True)
class PartCounts:
    """How many films and patients of a class are in each part."""

    class_name: str  # "": all classes
    films: Mapping[Part, int]
    patients: Mapping[Part, int]
    n_patients: int  # over all parts; one who is in two parts counts once

    @property
    def n_films(self) -> int:
        """Over all parts."""
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
