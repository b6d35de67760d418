"""Patients: the images of one, and those that must stay together in a split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from core.data.near_duplicates import clusters
from core.data.records import Record
from core.errors import DatasetError, Message

NamePattern = Literal["folder", "before_underscore", "before_last_number"]
Pattern = Literal[
    "table", "dicom", "folder", "before_underscore", "before_last_number", "single_images"
]
# In the order in which they are tried.
NAME_PATTERNS: tuple[NamePattern, ...] = ("folder", "before_underscore", "before_last_number")
# A prefix is a patient only where nearly every name has one and no "patient" is a large
# part of the dataset, as "IM" would be in IM_0001.png, IM_0002.png, ...
MIN_SHARE_WITH_PATIENT = 0.95
MAX_SHARE_OF_ONE_PATIENT = 0.2
MIN_PATIENTS_PER_CLASS = 3
MAX_TEMPLATE_LENGTH = 100
PLACE = "{patient}"
ANYTHING = "*"
_SEPARATORS = "-_ ."  # before the last number of a name
_DICOM_PREFIX = "dicom:"  # keeps a film's digest and a file name apart


@dataclass(frozen=True, slots=True)
class Grouping:
    """The patient and the group of each image; images of one group never cross a split.

    A group is a patient, together with everybody who shares an image with him: the same
    file, or a copy of it that was saved anew.
    """

    patients: tuple[str, ...]  # parallel to the dataset's records; a file's digest: unknown
    groups: tuple[str, ...]  # parallel to the dataset's records
    pattern: str  # a patient_names.Pattern, or the user's template
    n_known: int  # films whose patient is told; the others count as patients of their own

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
    if not is_chosen and any(record.patient for record in records):
        is_chosen, pattern = True, "table"  # the user named its column
    elif not is_chosen:
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
        patient
        or (record.digest if pattern in ("single_images", "dicom", "table") else record.name)
        for patient, record in zip(known, records, strict=True)
    )
    groups = _joined(patients, [record.digest for record in records], same_image)
    return Grouping(patients, groups, pattern, sum(map(bool, known)))


def _patients_in_files(records: Sequence[Record], in_file: Mapping[str, str]) -> list[str]:
    """Name the DICOM patient of each record after his film of least digest, "" where unknown.

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


def patients_by(pattern: str, records: Sequence[Record]) -> list[str]:
    """Return the patient of each record, "" where the name does not tell.

    Args:
        pattern: A NamePattern, or a template such as `IM-{patient}-*` for the file name without
            its ending.
        records: Films.

    Raises:
        DatasetError: The template lacks `{patient}`.
    """
    match pattern:
        case "folder":
            return [record.patient_folder for record in records]
        case "before_underscore":
            return [_before_underscore(_stem(record)) for record in records]
        case "before_last_number":
            return [_before_last_number(_stem(record)) for record in records]
        case "table":
            return [record.patient for record in records]
        case "single_images" | "dicom":
            return [""] * len(records)
    before, after = _pieces(pattern)
    return [_matched(_stem(record), before, after) for record in records]


def plausible_pattern(records: Sequence[Record]) -> NamePattern | None:
    """Find the first pattern that gives patients as a real dataset has them."""
    for pattern in NAME_PATTERNS:
        if _are_plausible(patients_by(pattern, records), records):
            return pattern
    return None


def _are_plausible(patients: Sequence[str], records: Sequence[Record]) -> bool:
    named = Counter(patient for patient in patients if patient)
    if not named or named.total() < MIN_SHARE_WITH_PATIENT * len(records):
        return False
    if max(named.values()) > max(2, MAX_SHARE_OF_ONE_PATIENT * len(records)):
        return False
    patients_of: dict[int, set[str]] = {}
    for patient, record in zip(patients, records, strict=True):
        patients_of.setdefault(record.label, set()).add(patient or record.name)
    return all(len(patients) >= MIN_PATIENTS_PER_CLASS for patients in patients_of.values())


def _stem(record: Record) -> str:
    return PurePosixPath(record.name).stem


def _before_underscore(stem: str) -> str:
    head, underscore, _ = stem.partition("_")
    return head if underscore else ""


def _before_last_number(stem: str) -> str:
    """`IM-0115` of `IM-0115-0001`: at least one number must be left to tell patients apart."""
    # Not a regular expression: one that goes back is cubic in names a stranger can make up.
    end = len(stem)
    while end and stem[end - 1].isdecimal():
        end -= 1
    head = stem[:end].rstrip(_SEPARATORS)
    if end == len(stem) or len(head) == end or not any(map(str.isdecimal, head)):
        return ""
    return head


def _pieces(template: str) -> tuple[list[str], list[str]]:
    """Return the fixed texts before and after the patient; anything stands between two of them.

    Raises:
        DatasetError: It holds no `{patient}`, or more than one, or is too long.
    """
    if template.count(PLACE) != 1 or len(template) > MAX_TEMPLATE_LENGTH:
        raise DatasetError(
            Message(
                "The pattern {pattern} does not say where the patient stands. Write {place} once "
                "and {anything} for anything else, such as {example}.",
                pattern=template[:MAX_TEMPLATE_LENGTH],
                place=PLACE,
                anything=ANYTHING,
                example="IM-{patient}-*",
            )
        )
    before, after = template.split(PLACE)
    return before.split(ANYTHING), after.split(ANYTHING)


def _matched(stem: str, before: list[str], after: list[str]) -> str:
    """Find the shortest patient that fits, each fixed text being taken where it comes first.

    No step is ever taken back, so that no template and no name is slow.
    """
    if not stem.startswith(before[0]):
        return ""
    start = len(before[0])
    for text in before[1:]:
        place = stem.find(text, start)
        if place < 0:
            return ""
        start = place + len(text)
    if len(after) == 1:  # the text after the patient ends the name
        stop = len(stem) - len(after[0])
        return stem[start:stop] if stop > start and stem.endswith(after[0]) else ""
    stop = stem.find(after[0], start + 1)
    end = stop + len(after[0])
    for text in after[1:-1]:
        place = stem.find(text, end) if stop >= 0 else -1
        if place < 0:
            return ""
        end = place + len(text)
    if stop < 0 or len(stem) - len(after[-1]) < end or not stem.endswith(after[-1]):
        return ""
    return stem[start:stop]
