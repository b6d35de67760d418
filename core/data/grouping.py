"""Which images show the same patient, read from the file names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from core.data.records import Record

Pattern = Literal["before_underscore", "single_images"]

# A prefix is a patient only where nearly every name has one and no "patient" is a large
# part of the dataset, as "IM" would be in IM_0001.png, IM_0002.png, ...
MIN_SHARE_WITH_PREFIX = 0.95
MAX_SHARE_OF_ONE_PATIENT = 0.2
MIN_PATIENTS_PER_CLASS = 3


@dataclass(frozen=True, slots=True)
class Grouping:
    """A patient for each record; images of one patient never cross a split."""

    groups: tuple[str, ...]  # parallel to the dataset's records
    pattern: Pattern

    @property
    def n_groups(self) -> int:
        """How many patients, or images where no pattern was found."""
        return len(set(self.groups))


def group_by_patient(records: Sequence[Record]) -> Grouping:
    """Take the file name up to the first `_` as the patient where that is plausible.

    Equal content is one image under two names and must not cross a split either, so the
    patients who share one count as the same.
    """
    prefixes = [_prefix(record) for record in records]
    if not _are_plausible(prefixes, records):
        return Grouping(tuple(record.digest for record in records), "single_images")
    patients = [prefix or record.name for prefix, record in zip(prefixes, records, strict=True)]
    digests = [record.digest for record in records]
    return Grouping(_joined(patients, digests), "before_underscore")


def _joined(patients: Sequence[str], digests: Sequence[str]) -> tuple[str, ...]:
    """Each patient under the first name, in order, of those tied to him by equal images."""
    leader = {patient: patient for patient in patients}

    def find(patient: str) -> str:
        while leader[patient] != patient:
            patient = leader[patient]
        return patient

    first_with: dict[str, str] = {}
    for patient, digest in zip(patients, digests, strict=True):
        one, other = find(patient), find(first_with.setdefault(digest, patient))
        leader[max(one, other)] = min(one, other)
    return tuple(find(patient) for patient in patients)


def _prefix(record: Record) -> str:
    head, underscore, _ = PurePosixPath(record.name).stem.partition("_")
    return head if underscore else ""


def _are_plausible(prefixes: Sequence[str], records: Sequence[Record]) -> bool:
    named = Counter(prefix for prefix in prefixes if prefix)
    if not named or named.total() < MIN_SHARE_WITH_PREFIX * len(records):
        return False
    if max(named.values()) > max(2, MAX_SHARE_OF_ONE_PATIENT * len(records)):
        return False
    patients_of: dict[int, set[str]] = {}
    for prefix, record in zip(prefixes, records, strict=True):
        patients_of.setdefault(record.label, set()).add(prefix or record.name)
    return all(len(patients) >= MIN_PATIENTS_PER_CLASS for patients in patients_of.values())
