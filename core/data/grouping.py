"""Which images show the same patient, and which must stay together in a split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.data.patient_names import (
    MIN_SHARE_WITH_PATIENT,
    patients_by,
    plausible_pattern,
)
from core.data.records import Record

_DICOM_PREFIX = "dicom:"  # keeps a film's digest and a file name apart


@dataclass(frozen=True, slots=True)
class Grouping:
    """Who is on each image; images of one group never cross a split.

    A group is a patient, together with everybody who shares an image with him: the same
    file, or a copy of it that was saved anew.
    """

    patients: tuple[str, ...]  # parallel to the dataset's records; a file's digest: unknown
    groups: tuple[str, ...]  # parallel to the dataset's records
    pattern: str  # a patient_names.Pattern, or the user's template
    n_known: int  # films whose patient is told; the others count as patients of their own

    @property
    def n_patients(self) -> int:
        """How many patients, an image without one counting as its own."""
        return len(set(self.patients))

    @property
    def n_groups(self) -> int:
        """How many groups."""
        return len(set(self.groups))

    @property
    def has_patients(self) -> bool:
        """Whether names or DICOM files tell at least one patient."""
        return self.n_known > 0


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
    in_file = dicom_patients or {}
    unknown = [record for record in records if not in_file.get(record.digest)]
    is_chosen = bool(pattern)
    if not is_chosen:
        is_dicom = len(unknown) <= (1 - MIN_SHARE_WITH_PATIENT) * len(records)
        pattern = "dicom" if is_dicom else plausible_pattern(unknown) or "single_images"
    known = patients_by(pattern, records)
    if not (is_chosen and pattern == "single_images"):
        by_file = _patients_in_files(records, in_file)
        # What the user says goes before what the files say, and that before what was guessed.
        order = (known, by_file) if is_chosen else (by_file, known)
        known = [first or second for first, second in zip(*order, strict=True)]
    patients = tuple(
        # Without a pattern the content decides, so that renamed films stay together.
        patient or (record.digest if pattern in ("single_images", "dicom") else record.name)
        for patient, record in zip(known, records, strict=True)
    )
    groups = _joined(patients, [record.digest for record in records], same_image)
    return Grouping(patients, groups, pattern, sum(map(bool, known)))


def _patients_in_files(records: Sequence[Record], in_file: Mapping[str, str]) -> list[str]:
    """The DICOM patient of each record, "" where unknown, named after his film of least digest.

    The hash of a PatientID is another on each computer, and splits are drawn by these names.
    """
    told = [in_file.get(record.digest, "") for record in records]
    least: dict[str, str] = {}
    for patient, record in zip(told, records, strict=True):
        least[patient] = min(least.get(patient, record.digest), record.digest)
    return [_DICOM_PREFIX + least[patient] if patient else "" for patient in told]


def _joined(
    patients: Sequence[str], digests: Sequence[str], same_image: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """Each patient under the first name, in order, of those tied to him by equal images."""
    leader = {patient: patient for patient in patients}

    def find(patient: str) -> str:
        while leader[patient] != patient:
            leader[patient] = leader[leader[patient]]
            patient = leader[patient]
        return patient

    def join(one: str, other: str) -> None:
        one, other = find(one), find(other)
        leader[max(one, other)] = min(one, other)

    first_with: dict[str, str] = {}
    for patient, digest in zip(patients, digests, strict=True):
        join(patient, first_with.setdefault(digest, patient))
    for one, other in same_image:
        if one in first_with and other in first_with:
            join(first_with[one], first_with[other])
    return tuple(find(patient) for patient in patients)
