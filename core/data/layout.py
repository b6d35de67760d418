"""What the folders around films mean: wrappers, given parts, classes, patients."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from core.errors import Message

GivenPart = Literal["train", "validation", "test"]

OUTSIDE: Final = Message("It lies outside the class folders.")
MASK: Final = Message("A mask, not a film.")
_PARTS: Final[dict[str, GivenPart]] = {
    "train": "train",
    "training": "train",
    "训练": "train",
    "训练集": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "验证": "validation",
    "验证集": "validation",
    "test": "test",
    "testing": "test",
    "测试": "test",
    "测试集": "test",
}
# Folders inside the class folders that say what files are and not what they show.
_PLAIN = re.compile(r"(images?|imgs?|films?|png|jpe?g|dicom|dcm)[ _-]?\d*", re.IGNORECASE)
_MASKS = re.compile(
    r"((lung|infection|manual|left|right)[ _-]?)?masks?|labels|segmentations?", re.IGNORECASE
)
_PATIENTS = re.compile(
    r"(patients?|pat|pt|p|persons?|subjects?|sub|cases?|stud(y|ies)|series|患者|病人|病例)"
    r"[ _-]?\d+|(19|20)\d\d",  # a year is no class either
    re.IGNORECASE,
)
_MANY_UP = 0.1  # of the films; fewer lie further up by mistake
_FEW_FILMS = 5  # in a folder: hardly a class, often a patient
_MANY_FOLDERS = 9  # hardly classes where there are three times fewer folders around them
_TIMES_FEWER = 3
_MIN_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a film belongs."""

    class_name: str
    given: GivenPart | None = None
    patient_folder: str = ""  # the folders between class and film, joined by "/"


def part_called(name: str) -> GivenPart | None:
    """The part of a split that a folder of this name holds."""
    return _PARTS.get(name.casefold())


def arrange(names: Sequence[str], source: str = "", n_sources: int = 1) -> list[Place | Message]:
    """Read classes, given parts and patients from the folders around films.

    Folders of masks, folders called "images" inside the class folders and a level of train,
    validation and test folders are set aside first. The class folders are then those that hold
    the films, unless two or more folders around them are the classes: these are, where the
    inner ones have one name, or are called patient12, 2021 or the like, or are three times as many
    and either more than 9 or mostly of fewer than five films.

    Args:
        names: Films, separators "/".
        source: What to call the class of films that have no class folder, if they are one of
            several sources: the user chose the class folders themselves.
        n_sources: How many there are.

    Returns:
        For each film its place, or why it has none.
    """
    split = [name.split("/")[:-1] for name in names]
    masks = [any(_MASKS.fullmatch(folder) for folder in folders) for folders in split]
    if all(masks):
        masks = [False] * len(names)
    paths = {index: path for index, path in enumerate(split) if not masks[index]}
    _take_repetitions(paths)
    for path in paths.values():
        while path and _PLAIN.fullmatch(path[-1]):
            path.pop()
    parts = _take_split_level(paths)
    level = _class_level(list(paths.values()), n_sources)
    places: list[Place | Message] = [MASK] * len(names)
    for index, path in paths.items():
        if level > len(path) or (level == 0 and n_sources == 1):
            places[index] = OUTSIDE
        else:
            class_name = path[level - 1] if level else source
            places[index] = Place(class_name, parts.get(index), "/".join(path[level:]))
    return places


def _take_repetitions(paths: dict[int, list[str]]) -> None:
    """Turn `chest/chest/NORMAL` into `chest/NORMAL`, unless `chest` is a class beside others."""
    inside: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in paths.values():
        for depth, folder in enumerate(path):
            inside[tuple(path[:depth])].add(folder)
    for index, path in paths.items():
        paths[index] = [
            folder
            for depth, folder in enumerate(path)
            if not depth
            or folder != path[depth - 1]
            or any(
                other != folder and not part_called(other) for other in inside[tuple(path[:depth])]
            )
        ]


def _take_split_level(paths: dict[int, list[str]]) -> dict[int, GivenPart]:
    """Take the uppermost level of train, validation and test folders out of `paths`.

    A level is one if all films that deep lie in such folders, or half of them in two or more
    parts: the popular sets have other folders beside.
    """
    depth = max(map(len, paths.values()), default=0)
    for level in range(depth):
        parts = {
            index: part_called(path[level]) for index, path in paths.items() if len(path) > level
        }
        found = {index: part for index, part in parts.items() if part}
        is_usual = len(set(found.values())) > 1 and 2 * len(found) >= len(parts)
        if len(found) == len(parts) or is_usual:
            for index in parts:
                del paths[index][level]
            return found
    return {}


def _class_level(paths: list[list[str]], n_sources: int) -> int:
    """How many folders down the classes are; 0 where the source itself is the class."""
    depths = Counter(map(len, paths))
    level = max(depths, key=lambda depth: (depths[depth], -depth), default=0)
    # NORMAL/1.png beside COVID/hospital/2.png: where many films lie further up, classes do too.
    for depth in range(1, level):
        n_folders = len({path[depth - 1] for path in paths if len(path) >= depth})
        if depths[depth] >= _MANY_UP * len(paths) and n_folders >= _MIN_CLASSES:
            level = depth
            break
    if level == 0:
        return 0
    n_names = [n_sources] + [
        len({path[depth] for path in paths if len(path) > depth}) for depth in range(level)
    ]
    while level:
        above = [upper for upper in range(level) if n_names[upper] >= _MIN_CLASSES]
        if _are_called_patients(paths, level):
            pass
        elif n_names[level] == 1:
            # A source is a class only where its folders cannot be.
            above = [upper for upper in above if upper]
        else:
            above = [
                upper
                for upper in above
                if max(n_names[upper + 1 : level + 1]) >= _TIMES_FEWER * n_names[upper]
                and _are_too_many(paths, level, n_names[level])
            ]
        if not above:
            break
        level = above[-1]
    return level


def _are_called_patients(paths: list[list[str]], level: int) -> bool:
    names = {path[level - 1] for path in paths if len(path) >= level}
    return all(_PATIENTS.fullmatch(name) for name in names)


def _are_too_many(paths: list[list[str]], level: int, n_names: int) -> bool:
    """Whether the folders of a level hold too few films each, or are too many, for classes."""
    n_films = Counter(tuple(path[:level]) for path in paths if len(path) >= level)
    return n_names > _MANY_FOLDERS or median(n_films.values()) < _FEW_FILMS
