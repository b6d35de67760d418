"""Patients: the images of one, and those that must stay together in a split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.data.near_duplicates import clusters
from core.data.patient_names import MIN_SHARE_WITH_PATIENT, SEVERAL, patients_by, patients_in_names
from core.data.records import Record

Pattern = Literal[
    "table",
    "dicom",
    "folder",
    "before_underscore",
    "before_last_number",
    "several",
    "single_images",
]
# A PatientID that more X-rays share was put in place of those that were taken away.
MAX_SHARE_OF_ONE_ID = 0.2
_FEW_FILMS = 4  # are never too many for one patient, unless they are half of all
_DICOM_PREFIX = "dicom:"  # keeps a film's digest and a file name apart


@dataclass(frozen=True, slots=True)
class Grouping:
    """The patient and the group of each image; images of one group never cross a split.

    A group is a patient, together with everybody who shares an image with him: the same
    file, or a copy of it that was saved anew.
    """

    patients: tuple[str, ...]  # parallel to the dataset's records; a file's digest: unknown
    groups: tuple[str, ...]  # parallel to the dataset's records
    pattern: str  # a Pattern, or the user's template
    n_known: int  # films whose patient is told; the others count as patients of their own
    is_stated: bool = False  # the user says that every film is another patient

    @property
    def n_patients(self) -> int:
        """The number of patients, an image without one counting as its own."""
        return len(set(self.patients))

    @property
    def n_groups(self) -> int:
        """The number of groups."""
        return len(set(self.groups))

    @property
    def has_patients(self) -> bool:
        """True where names or DICOM files tell at least one patient."""
        return self.n_known > 0

    @property
    def knows_patients(self) -> bool:
        """True where the patients of nearly all films are told, or all differ, as the user says."""
        return self.is_stated or self.n_known >= MIN_SHARE_WITH_PATIENT * len(self.patients)

    def unknown(self, records: Sequence[Record]) -> list[int]:
        """Return the places of the films whose patient nothing tells."""
        return [
            place
            for place, (patient, record) in enumerate(zip(self.patients, records, strict=True))
            if patient == record.digest
        ]


def group_by_patient(
    records: Sequence[Record],
    dicom_patients: Mapping[str, str] | None = None,
    pattern: str = "",
    same_image: Sequence[tuple[str, str]] = (),
) -> Grouping:
    """Find the patients and join those who share an image.

    Args:
        records: Films.
        dicom_patients: Digest of a film -> hash of the PatientID in its file.
        pattern: How names tell patients; "" finds it out.
        same_image: Digests of films that show the same image.

    Raises:
        DatasetError: The pattern is a template that lacks its `{patient}`.
    """
    by_file = _patients_in_files(records, dicom_patients or {})
    is_chosen = bool(pattern)
    if is_chosen:
        known = patients_by(pattern, records)
    elif any(record.patient for record in records):
        is_chosen, pattern = True, "table"  # the user named its column
        known = patients_by(pattern, records)
    else:
        unknown = [place for place, patient in enumerate(by_file) if not patient]
        named, patterns = patients_in_names([records[place] for place in unknown])
        known = [""] * len(records)
        for place, patient in zip(unknown, named, strict=True):
            known[place] = patient
        if len(unknown) <= (1 - MIN_SHARE_WITH_PATIENT) * len(records):
            pattern = "dicom"
        elif len(patterns) > 1:
            pattern = SEVERAL
        else:
            pattern = patterns[0] if patterns else "single_images"
    if not (is_chosen and pattern == "single_images"):
        # What the user says goes before what the files say, and that before what was guessed.
        order = (known, by_file) if is_chosen else (by_file, known)
        known = [first or second for first, second in zip(*order, strict=True)]
    # Without a patient the content decides, so that films stay together wherever they lie.
    patients = tuple(
        patient or record.digest for patient, record in zip(known, records, strict=True)
    )
    groups = _joined(patients, [record.digest for record in records], same_image)
    is_stated = is_chosen and pattern == "single_images"
    return Grouping(patients, groups, pattern, sum(map(bool, known)), is_stated)


def _patients_in_files(records: Sequence[Record], in_file: Mapping[str, str]) -> list[str]:
    """Name the DICOM patient of each record after his film of least digest, "" where unknown.

    The hash of a PatientID is another on each computer, and splits are drawn by these names.
    One that a fifth of the films share is no patient's.
    """
    told = [in_file.get(record.digest, "") for record in records]
    most = max(MAX_SHARE_OF_ONE_ID * len(records), min(_FEW_FILMS, len(records) / 2))
    shared = {patient for patient, n in Counter(told).items() if n > most}
    told = ["" if patient in shared else patient for patient in told]
    least: dict[str, str] = {}
    for patient, record in zip(told, records, strict=True):
        least[patient] = min(least.get(patient, record.digest), record.digest)
    return [_DICOM_PREFIX + least[patient] if patient else "" for patient in told]


def _joined(
    patients: Sequence[str], digests: Sequence[str], same_image: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """Name each patient after the first, in order, of those tied to him by equal images."""
    names = sorted(set(patients))
    place = {name: number for number, name in enumerate(names)}
    first_with: dict[str, int] = {}  # digest -> the first patient who has it
    pairs = [
        (place[patient], first_with.setdefault(digest, place[patient]))
        for patient, digest in zip(patients, digests, strict=True)
    ]
    pairs += [
        (first_with[one], first_with[other])
        for one, other in same_image
        if one in first_with and other in first_with
    ]
    group = {name: name for name in names}
    for members in clusters(len(names), pairs):
        group.update(dict.fromkeys((names[member] for member in members), names[members[0]]))
    return tuple(group[patient] for patient in patients)
