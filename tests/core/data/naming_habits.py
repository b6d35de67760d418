"""Habits by which hospitals and collections name files, and whether the names tell patients."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.layout import Place, arrange
from core.data.patients import group_by_patient
from core.data.records import Record
from tests.core.data.named_films import digest_of

CLASSES = ("NORMAL", "COVID")
N_PATIENTS = 24  # a class


@dataclass(frozen=True, slots=True)
class Film:
    """One X-ray of a made-up collection."""

    class_name: str
    patient: int  # over all classes
    number: int  # of this patient's X-rays
    place: int  # in its class

    @property
    def date(self) -> str:
        """A day on which only this patient was there for this X-ray and the next."""
        return f"2020-{1 + self.patient % 12:02d}-{1 + (self.patient + self.number // 2) % 28:02d}"


def made_films(seed: int = 0) -> list[Film]:
    """Films of 24 patients a class, one to five each, in the order of patients."""
    chance = random.Random(seed)
    films: list[Film] = []
    for n, class_name in enumerate(CLASSES):
        sizes = [chance.choice((1, 1, 2, 3, 5)) for _ in range(N_PATIENTS)]
        place = 0
        for patient, size in enumerate(sizes):
            for number in range(size):
                films.append(Film(class_name, n * N_PATIENTS + patient, number, place))
                place += 1
    return films


def _hexadecimal(number: int, n: int = 8) -> str:
    return digest_of(str(number))[:n]


def _nih(film: Film) -> str:
    return f"{film.class_name}/{1281 + 7 * film.patient:08d}_{film.number:03d}.png"


# The path of a film, and the classes whose patients it tells.
Habit = tuple[Callable[[Film], str], tuple[str, ...]]
HABITS: dict[str, Habit] = {
    "NIH": (_nih, CLASSES),
    "NIH inside two folders": (lambda film: f"download/data/{_nih(film)}", CLASSES),
    "hexadecimal numbers": (
        lambda f: f"{f.class_name}/{_hexadecimal(f.patient)}_{_hexadecimal(f.place + 999)}.png",
        CLASSES,
    ),
    "person1_virus_6": (
        lambda f: f"{f.class_name}/person{f.patient}_virus_{f.place}.jpeg",
        CLASSES,
    ),
    "IM-0115-0001": (
        lambda f: f"{f.class_name}/IM-{115 + f.patient:04d}-{f.number:04d}.jpeg",
        CLASSES,
    ),
    "patient, date, number": (
        lambda f: f"{f.class_name}/{f.patient + 300:04d}-{f.date}-{f.number}.png",
        CLASSES,
    ),
    "DOE_JOHN": (
        lambda f: f"{f.class_name}/{_hexadecimal(f.patient).translate(_LETTERS)}_{f.number}.png",
        CLASSES,
    ),
    "BIDS": (
        lambda f: f"{f.class_name}/sub-S{f.patient:05d}_ses-E{f.place:05d}_run-1_vp-ap_dx.png",
        CLASSES,
    ),
    "one class renamed": (
        lambda f: _nih(f) if f.class_name == "NORMAL" else f"COVID/COVID ({f.place + 1}).png",
        ("NORMAL",),
    ),
    "one class of other names": (
        lambda f: (
            _nih(f)
            if f.class_name == "NORMAL"
            else f"COVID/case-{f.patient:03d}-{f.number + 1:02d}.png"
        ),
        CLASSES,
    ),
    "class/patient/study/view": (
        lambda f: (
            f"{f.class_name}/patient{f.patient:05d}/study{1 + f.number // 2}"
            f"/view{1 + f.number % 2}_frontal.jpg"
        ),
        CLASSES,
    ),
    "class/patient/date/file": (
        lambda f: f"{f.class_name}/P{f.patient:04d}/{f.date}/{f.number % 2 + 1}.png",
        CLASSES,
    ),
    "class/date/patient/file": (
        lambda f: f"{f.class_name}/{f.date}/DOE_{f.patient:04d}/{f.number % 2 + 1}.png",
        CLASSES,
    ),
    "MIMIC": (
        lambda f: (
            f"{f.class_name}/p{10 + f.patient % 4}/p{10 + f.patient % 4}{123 + f.patient:06d}"
            f"/s{50414267 + f.patient * 10 + f.number // 2}/{_hexadecimal(f.place, 32)}.jpg"
        ),
        CLASSES,
    ),
    "date and counter": (lambda f: f"{f.class_name}/{f.date}_{f.place}.png", ()),
    "IMG_20200321": (
        lambda f: f"{f.class_name}/IMG_{f.date.replace('-', '')}_{100000 + f.place}.jpg",
        (),
    ),
    "CR20200321_2": (
        lambda f: f"{f.class_name}/CR{f.date.replace('-', '')}_{f.place}.jpg",
        (),
    ),
    "2015-0001": (lambda f: f"{f.class_name}/{2012 + f.place % 8}-{f.place:04d}.png", ()),
    "S3_0012": (lambda f: f"{f.class_name}/S{f.place % 7}_{f.place:04d}.png", ()),
    "1_COVID": (lambda f: f"{f.class_name}/{f.place + 1}_{f.class_name}.png", ()),
    "0001_xray": (lambda f: f"{f.class_name}/{f.place + 1:04d}_xray.png", ()),
    "S12_0012": (lambda f: f"{f.class_name}/S{f.place % 20}_{f.place:04d}.png", ()),
    "COVID-12": (lambda f: f"{f.class_name}/{f.class_name}-{f.place + 1}.png", ()),
    "IM_0001": (lambda f: f"{f.class_name}/IM_{f.place + 1:04d}.png", ()),
    "PadChest": (
        lambda f: (
            f"{f.class_name}/{2168401113669 + 7919 * f.place + 13 * f.patient}"
            f"_{f.place % 9:02d}-102-064.png"
        ),
        (),
    ),
    "dates as folders": (
        lambda f: f"{f.class_name}/2020-{1 + f.place % 9:02d}-11/{f.place}.png",
        (),
    ),
    "views as folders": (
        lambda f: f"{f.class_name}/{('PA', 'AP', 'lateral')[f.place % 3]}/{f.place}.png",
        (),
    ),
}
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def records_of(names: Sequence[str]) -> list[Record]:
    """Records of files whose content is as different as their place in the list."""
    [places], _ = arrange([names])
    found = [place for place in places if isinstance(place, Place)]
    assert len(found) == len(names), "some files lie in no class folder"
    labels = sorted({place.class_name for place in found})
    return [
        Record(
            name,
            Path(name),
            digest_of(str(number)),
            labels.index(place.class_name),
            patient_folder=place.patient_folder,
        )
        for number, (name, place) in enumerate(zip(names, found, strict=True))
    ]


def count_pairs(films: Sequence[Film], names: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """Compare the patients that are found with the true ones.

    Returns:
        For each class the pairs of films of one patient, how many of them are found, and how many
        pairs of different patients are taken for one.
    """
    patients = group_by_patient(records_of(names)).patients
    counts: dict[str, tuple[int, int, int]] = {}
    for class_name in CLASSES:
        members = [place for place, film in enumerate(films) if film.class_name == class_name]
        true = found = false = 0
        for n, one in enumerate(members):
            for other in members[n + 1 :]:
                is_true = films[one].patient == films[other].patient
                is_found = patients[one] == patients[other]
                true += is_true
                found += is_true and is_found
                false += is_found and not is_true
        counts[class_name] = true, found, false
    return counts
