"""Patients in the names of files and folders: the pattern of each class of each source."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from core.data.folder_names import is_group, is_patient
from core.data.records import Record
from core.errors import DatasetError, Message

NamePattern = Literal["folder", "before_underscore", "before_last_number"]
# In the order in which they are tried.
NAME_PATTERNS: tuple[NamePattern, ...] = ("folder", "before_underscore", "before_last_number")
SEVERAL = "several"  # another pattern for each class or source
MIN_SHARE_WITH_PATIENT = 0.95
MAX_TEMPLATE_LENGTH = 100
PLACE = "{patient}"
ANYTHING = "*"

# A prefix is a patient only where nearly every name has one, some have several images and none
# has a large part of them, as "IM" would in IM_0001.png, IM_0002.png, ...
MAX_SHARE_OF_ONE_PATIENT = 0.2
_FEW_FILMS = 4  # are never too many for one patient
_LEAST_PATIENTS = 3
_LEAST_SHARE_OF_SEVERAL = 0.05  # of the images: of patients with two or more
# S1_0001 to S9_0500: the prefix is a site or a machine, the rest a counter.
_MANY_FILMS = 5  # a patient, on average
_FEW_PATIENTS = 12
_COUNTED = 0.98  # last numbers that never repeat
_MOSTLY = 0.8
_LEAST_FILMS_OF_SHAPE = 6
_MANY_NAMES = 1000  # tell whether a number is a year
_DENSE = 3.0  # 1_a, 2_a, 3_a count on; 00001281 and 00001299 leave more out

_SEPARATORS = "-_ ."  # before the last number of a name
# A year alone must stand alone: C2001 is as good a number as C1999 and C3000.
_MONTH, _DAY, _YEAR = "(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])", r"(19|20)\d\d"
_DATE = re.compile(
    rf"(?<!\d){_YEAR}[-_. ]?{_MONTH}([-_. ]?{_DAY}([T_ -]?\d{{6}}|[T_ -]\d{{4}})?)?(?!\d)"
    rf"|(?<!\d){_DAY}[-_. ]{_MONTH}[-_. ]{_YEAR}(?!\d)"
    rf"|(?<![^\W_]){_YEAR}(?![^\W_])"
)
_TOKEN = re.compile(r"[^\W_]+")
_HEXADECIMAL = re.compile(r"(?=.*\d)[0-9a-f]{8,}")
_COUNTER = re.compile(r"[A-Za-z]?\d{1,2}")
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Way:
    """A pattern as one class of one source has it."""

    pattern: NamePattern
    level: int = 0  # of the patient's folder below the class, from 1; 0: no folder's name


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
            found = [""] * len(records)
            for places in _strata(records):
                here = [records[place] for place in places]
                for place, patient in zip(places, _in_folders(here), strict=True):
                    found[place] = patient
            return found
        case "before_underscore" | "before_last_number":
            return _heads(_Way(pattern), records)
        case "several":
            return patients_in_names(records)[0]
        case "table":
            return [record.patient for record in records]
        case "single_images" | "dicom":
            return [""] * len(records)
    before, after = _pieces(pattern)
    return [_matched(_stem(record), before, after) for record in records]


def patients_in_names(records: Sequence[Record]) -> tuple[list[str], tuple[NamePattern, ...]]:
    """Find the pattern that gives patients as a real dataset has them, for each class and source.

    A class whose files were renamed hides the patients of no other. Where a class as a whole has
    no pattern, names of one shape (`00001281_000` and `00001282_000`) are looked at by
    themselves; and a few names tell their patients where others of the same shape do.

    Returns:
        The patient of each record, "" where the name does not tell; and the patterns that are
        used, in order.
    """
    patients = [""] * len(records)
    ways: dict[_Way, set[str]] = {}  # and the shapes of the names that have it
    known: dict[_Way, list[Record]] = {}  # some of the films that have it

    def take(way: _Way, places: Sequence[int], heads: Sequence[str] | None = None) -> None:
        here = [records[place] for place in places]
        for place, patient in zip(places, heads or _heads(way, here), strict=True):
            patients[place] = patient
        ways.setdefault(way, set()).update(_shape(way, record) for record in here)
        some = known.setdefault(way, [])
        some.extend(here[: _MANY_NAMES - len(some)])

    left: list[list[int]] = []
    for places in _strata(records):
        for part in (places, *_by_shape(records, places)):
            part = [place for place in part if not patients[place]]
            way = _plausible_way([records[place] for place in part])
            if way is not None:
                take(way, part)
        left.append([place for place in places if not patients[place]])
    for places in left:
        here = [records[place] for place in places]
        for way, shapes in list(ways.items()):
            alike = [record for record in here if _shape(way, record) in shapes]
            if alike and len(alike) >= MIN_SHARE_WITH_PATIENT * len(here):
                # 2004 is no year where others of the same shape are called 0004 and 1004.
                heads = _heads(way, [*known[way], *here])[-len(here) :]
                if sum(map(bool, heads)) >= MIN_SHARE_WITH_PATIENT * len(here) and not _count_films(
                    heads, here
                ):
                    take(way, places, heads)
                    break
    _join_classes(records, [place for places in left for place in places], patients, take)
    used = {way.pattern for way in ways}
    return patients, tuple(pattern for pattern in NAME_PATTERNS if pattern in used)


def _join_classes(
    records: Sequence[Record],
    places: Sequence[int],
    patients: Sequence[str],
    take: Callable[[_Way, Sequence[int]], None],
) -> None:
    """Find patients who have one image in each of several classes."""
    rest = [place for place in places if not patients[place]]
    for part in _by_shape(records, rest):
        here = [records[place] for place in part]
        classes = [[film for film in here if film.label == label] for label in _labels(here)]
        way = _plausible_way(here) if len(classes) > 1 else None
        # 1_x, 2_x, ... in each class are counters that meet by chance.
        if way is None or _are_dense(_heads(way, here)):
            continue
        if not any(_count_films(_heads(way, films), films) for films in classes):
            take(way, part)


def _labels(records: Sequence[Record]) -> list[int]:
    return sorted({record.label for record in records})


def _strata(records: Sequence[Record]) -> list[list[int]]:
    """Return the places of the films of each class of each source."""
    found: dict[tuple[str, int], list[int]] = {}
    for place, record in enumerate(records):
        found.setdefault((record.source, record.label), []).append(place)
    return list(found.values())


def _by_shape(records: Sequence[Record], places: Sequence[int]) -> list[list[int]]:
    """Return the places by the shape of file names; rare shapes are left out."""
    found: dict[str, list[int]] = {}
    for place in places:
        found.setdefault(_shape_of(_stem(records[place])), []).append(place)
    return [part for part in found.values() if len(part) >= _LEAST_FILMS_OF_SHAPE]


def _plausible_way(records: Sequence[Record]) -> _Way | None:
    """Find the first pattern that fits these films."""
    depth = max((len(_folders(record)) for record in records), default=0)
    ways = [_Way("folder", level) for level in range(1, depth + 1)]
    ways += [_Way(pattern) for pattern in NAME_PATTERNS if pattern != "folder"]
    for way in ways:
        if way.level and not _are_patient_folders(records, way.level):
            continue
        if _are_plausible(_heads(way, records), records):
            return way
    return None


def _are_plausible(patients: Sequence[str], records: Sequence[Record]) -> bool:
    named = Counter(patient for patient in patients if patient)
    if len(named) < _LEAST_PATIENTS or named.total() < MIN_SHARE_WITH_PATIENT * len(records):
        return False
    if max(named.values()) > max(_FEW_FILMS, MAX_SHARE_OF_ONE_PATIENT * len(records)):
        return False
    n_of_several = sum(n for n in named.values() if n > 1)
    if n_of_several < _LEAST_SHARE_OF_SEVERAL * len(records):
        return False
    return not _count_films(patients, records)


def _count_films(patients: Sequence[str], records: Sequence[Record]) -> bool:
    """Tell if the "patients" are sites or machines, whose images are counted on."""
    names = {patient for patient in patients if patient}
    if all(map(is_patient, names)):
        return False
    last = [numbers[-1] for record in records if (numbers := _NUMBERS.findall(_stem(record)))]
    counts_on = len(last) >= MIN_SHARE_WITH_PATIENT * len(records) and (
        len(set(last)) >= _COUNTED * len(records)
    )
    are_short = all(map(_COUNTER.fullmatch, names))
    if len(records) < _MANY_FILMS * len(names):
        return counts_on and are_short
    return counts_on or (are_short and len(names) < _FEW_PATIENTS)


def _are_dense(patients: Sequence[str]) -> bool:
    names = {patient for patient in patients if patient}
    return all(map(str.isdecimal, names)) and max(map(int, names)) <= _DENSE * len(names)


# Folders.


def _folders(record: Record) -> list[str]:
    return record.patient_folder.split("/") if record.patient_folder else []


def _in_folders(records: Sequence[Record]) -> list[str]:
    """Name the patients after the first level of folders that can be theirs, else the path."""
    depth = max((len(_folders(record)) for record in records), default=0)
    levels = [level for level in range(1, depth + 1) if _are_patient_folders(records, level)]
    for level in levels:
        heads = _heads(_Way("folder", level), records)
        if _are_plausible(heads, records):
            return heads
    if levels:
        return _heads(_Way("folder", levels[0]), records)
    return [record.patient_folder for record in records]


def _are_patient_folders(records: Sequence[Record], level: int) -> bool:
    """Tell if the folders of a level are called so that they can be patients."""
    names: dict[str, set[str]] = {}  # and what is inside
    for record in records:
        folders = _folders(record)
        if len(folders) >= level:
            names.setdefault(folders[level - 1], set()).update(folders[level : level + 1])
    if not names:
        return False
    n_dates = sum(_DATE.fullmatch(name) is not None for name in names)
    n_groups = sum(is_group(name) and not is_patient(name) for name in names)
    # p10/p10000032: folders that hold the patients whose numbers begin like that.
    n_shards = sum(
        bool(inner) and all(one != name and one.startswith(name) for one in inner)
        for name, inner in names.items()
    )
    return max(n_dates, n_groups, n_shards) < _MOSTLY * len(names)


def _folder_head(record: Record, level: int) -> str:
    """Return the patient's folder, with those around it that patients are numbered in."""
    folders = _folders(record)
    if len(folders) < level:
        return ""
    name = folders[level - 1]
    # 2020-03-21/7 is another patient than 2020-03-22/7; 2020-03-21/DOE_JOHN is the same.
    is_counter = _COUNTER.fullmatch(name) is not None
    around = [
        folder
        for folder in folders[: level - 1]
        if not name.startswith(folder)
        and (is_counter or not (_DATE.fullmatch(folder) or is_group(folder)))
    ]
    return "/".join([*around, name])


# File names.


def _heads(way: _Way, records: Sequence[Record]) -> list[str]:
    """Return the patients of one way; dates are no part of them where most names have one."""
    if way.level:
        return [_folder_head(record, way.level) for record in records]
    if way.pattern == "before_underscore":
        return _without_dates([_before_underscore(_stem(record)) for record in records])
    heads = _without_dates([_before_last_number(_stem(record)) for record in records])
    return [head if any(map(str.isdecimal, head)) else "" for head in heads]


def _without_dates(heads: Sequence[str]) -> list[str]:
    """Take dates and years away where half of the heads have one: else it is a number."""
    n_dated = sum(_DATE.search(head) is not None for head in heads)
    if not n_dated or 2 * n_dated < sum(map(bool, heads)):
        return list(heads)
    return [_DATE.sub("", head).strip(_SEPARATORS) for head in heads]


def _shape(way: _Way, record: Record) -> str:
    folders = _folders(record)
    if way.level:
        return _shape_of(folders[way.level - 1]) if len(folders) >= way.level else ""
    return _shape_of(_stem(record))


def _shape_of(name: str) -> str:
    """Write every number as #, hexadecimal ones too; the letters around it stay."""

    def token(found: re.Match[str]) -> str:
        text = found.group().lower()
        if _HEXADECIMAL.fullmatch(text):
            return "#"
        return _NUMBERS.sub("#", text)

    return _TOKEN.sub(token, name)


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
