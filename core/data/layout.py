"""Layout of a dataset's folders: the class, the given part and the patient of each X-ray."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from core.config import N_CLASSES_RANGE
from core.data.folder_names import (
    GivenPart,
    NameKind,
    is_mask,
    is_patient,
    is_plain,
    kind_of_names,
    parts_of,
    spelling,
)
from core.errors import Message

OUTSIDE: Final = Message("It lies outside the class folders.")
MASK: Final = Message("A mask, not a film.")
_MANY_UP = 0.1  # of the films; fewer lie further up by mistake
_FEW_FILMS = 5  # in a folder: hardly a class, often a patient
_MANY_FOLDERS = 9  # hardly classes where there are three times fewer folders around them
_TIMES_FEWER = 3
_FEW_FOLDERS = 4  # so many names around folders of studies or dates may be classes
_REPEATED = 0.75  # of all pairs of an outer and an inner name: the inner ones subdivide the outer
_SHOWN_NAMES = 4
_MOST_PARTS = 50  # folders of a level
_HALF = 0.5  # of the names of a level


@dataclass(frozen=True, slots=True)
class Place:
    """Class, part and patient of a film."""

    class_name: str
    given: GivenPart | None = None
    patient_folder: str = ""  # the folders between class and film, joined by "/"


@dataclass(frozen=True, slots=True)
class ClassLevel:
    """A level of folders that may be the classes."""

    level: int  # 1: the outermost folders in a source; 0: the sources themselves
    names: tuple[str, ...]  # of its folders, sorted
    is_likely: bool  # False: they are called like patients, studies, dates or batches


@dataclass(frozen=True, slots=True)
class Layout:
    """Level of the class folders in the sources of a dataset, and the reason for it."""

    levels: tuple[int | None, ...]  # of each source; None: it has no classes
    reason: Message
    is_certain: bool  # False: another level is as likely
    candidates: tuple[ClassLevel, ...]  # outermost first, with those that were taken

    @property
    def alternatives(self) -> tuple[ClassLevel, ...]:
        """The levels that were not taken and may be the classes all the same."""
        return tuple(
            one for one in self.candidates if one.is_likely and one.level not in self.levels
        )


@dataclass(slots=True)
class _Tree:
    """The folders around the films of a source, without those that are no candidates."""

    n_files: int
    paths: dict[int, list[str]]  # file -> folders; masks have none
    parts: dict[int, GivenPart]
    part_level: int | None  # index of the level of parts that was taken out of `paths`

    @classmethod
    def of(cls, names: Sequence[str], chosen: int | None) -> "_Tree":
        """Set aside masks, folders called "images" around the films, and a level of parts.

        Args:
            names: Files, separators "/".
            chosen: The level that the user chose for the classes is none of parts.
        """
        split = [name.split("/")[:-1] for name in names]
        mask_names = set(filter(is_mask, {folder for folders in split for folder in folders}))
        masks = [not mask_names.isdisjoint(folders) for folders in split]
        if all(masks):
            masks = [False] * len(names)
        paths = {index: path for index, path in enumerate(split) if not masks[index]}
        _take_repetitions(paths)
        for path in paths.values():
            while len(path) > (chosen or 0) and is_plain(path[-1]):
                path.pop()
        parts, part_level = _take_split_level(paths, chosen)
        return cls(len(names), paths, parts, part_level)

    def level_of(self, depth: int) -> int:
        """Return the level, counted with the parts, of the folder at a depth of `paths`."""
        return depth + 1 if self.part_level is not None and depth > self.part_level else depth

    def depth_of(self, level: int) -> int:
        """Return the depth in `paths` of a level."""
        return level - 1 if self.part_level is not None and level > self.part_level else level

    @property
    def depth(self) -> int:
        """The number of folders around most films; fewer where many films lie further up."""
        depths = Counter(map(len, self.paths.values()))
        deepest = max(depths, key=lambda depth: (depths[depth], -depth), default=0)
        # NORMAL/1.png beside COVID/hospital/2.png: where many films lie further up, classes do too.
        for depth in range(1, deepest):
            n_folders = len({path[depth - 1] for path in self.paths.values() if len(path) >= depth})
            if depths[depth] >= _MANY_UP * len(self.paths) and n_folders >= N_CLASSES_RANGE[0]:
                return depth
        return deepest

    def places(self, depth: int | None, source: str) -> list[Place | Message]:
        """Return the place of each file, or why it has none; depth 0: the source is the class."""
        found: list[Place | Message] = [MASK] * self.n_files
        for index, path in self.paths.items():
            if depth is None or depth > len(path):
                found[index] = OUTSIDE
            else:
                class_name = path[depth - 1] if depth else source
                around = [folder for folder in path[: max(0, depth - 1)] if is_patient(folder)]
                patient = "/".join(around + path[depth:])
                found[index] = Place(class_name, self.parts.get(index), patient)
        return found


def arrange(
    sources: Sequence[Sequence[str]],
    called: Sequence[str] = ("",),
    chosen: Sequence[int | None] | None = None,
    known: Sequence[str] = (),
) -> tuple[list[list[Place | Message]], Layout]:
    """Read classes, given parts and patients from the folders around films.

    Every level of folders is weighed: first by its names (classes are called like findings;
    views, sexes, hospitals, dates, batches and patients are none), then by its shape (names that
    repeat inside every outer folder subdivide it; many folders of few films are patients).

    Args:
        sources: The files of each source, separators "/".
        called: The name of each source: of a class where the user chose class folders one by one,
            or of a part.
        chosen: The level of the classes in each source; None: found out.
        known: Classes of a model; a level that has them goes before others.

    Returns:
        For each file of each source its place, or why it has none; and the layout.
    """
    levels = chosen if chosen is not None else (None,) * len(sources)
    trees = [_Tree.of(names, level) for names, level in zip(sources, levels, strict=True)]
    are_parts = len(set(parts_of(called).values())) > 1 and len(parts_of(called)) == len(
        set(called)
    )
    n_sources = 1 if are_parts else len(sources)
    depths = {tree.depth for tree in trees}
    choices: list[_Choice]
    if n_sources > 1 and len(depths) == 1:
        # Of one shape: their names are one more level around the folders.
        joint = [
            [name, *path]
            for tree, name in zip(trees, called, strict=True)
            for path in tree.paths.values()
        ]
        choices = [_choose(_candidates(joint, 1 + depths.pop(), 1), known)] * len(trees)
    else:
        choices = [
            _choose(_candidates(list(tree.paths.values()), tree.depth, 0), known) for tree in trees
        ]
        if n_sources > 1:  # what has no classes inside is one
            are_classes = kind_of_names(set(called)) == "class"
            choices = [
                one.at_source()
                if one.depth is None or (are_classes and one.kind != "class")
                else one
                for one in choices
            ]
    places: list[list[Place | Message]] = []
    taken: list[int | None] = []
    for tree, name, choice, level in zip(trees, called, choices, levels, strict=True):
        depth = choice.depth if level is None else tree.depth_of(level)
        places.append(tree.places(depth, name))
        taken.append(level if level is not None or depth is None else tree.level_of(depth))
    candidates: dict[int, tuple[set[str], bool]] = {}
    for tree, choice in zip(trees, choices, strict=True):
        for one in choice.candidates:
            names, is_likely = candidates.setdefault(tree.level_of(one.depth), (set(), False))
            candidates[tree.level_of(one.depth)] = (
                names | set(one.names),
                is_likely or one.kind != "never",
            )
    is_chosen = all(level is not None for level in levels)
    first = choices[0] if choices else _Choice(None, "never", _NO_LEVEL, True)
    layout = Layout(
        tuple(taken),
        Message("it was chosen.") if is_chosen else first.reason,
        is_chosen or all(choice.is_certain for choice in choices),
        tuple(
            ClassLevel(level, tuple(sorted(names)), is_likely)
            for level, (names, is_likely) in sorted(candidates.items())
        ),
    )
    return places, layout


def _take_repetitions(paths: dict[int, list[str]]) -> None:
    """Turn `chest/chest/NORMAL` into `chest/NORMAL`, unless `chest` is a class beside others."""
    inside: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in paths.values():
        for depth, folder in enumerate(path):
            inside[tuple(path[:depth])].add(folder)
    is_class_beside = {
        around: any(not parts_of((other,)) for other in names - {around[-1]})
        for around, names in inside.items()
        if around and around[-1] in names
    }
    for index, path in paths.items():
        paths[index] = [
            folder
            for depth, folder in enumerate(path)
            if not depth or folder != path[depth - 1] or is_class_beside[tuple(path[:depth])]
        ]


def _take_split_level(
    paths: dict[int, list[str]], chosen: int | None
) -> tuple[dict[int, GivenPart], int | None]:
    """Take the uppermost level of train, validation and test folders out of `paths`.

    A level is one if all films that deep lie in such folders, or half of them in two or more
    parts: the popular sets have other folders beside.
    """
    depth = max(map(len, paths.values()), default=0)
    for level in range(depth):
        if chosen == level + 1:
            continue
        folders = {index: path[level] for index, path in paths.items() if len(path) > level}
        # Parts hold half of the films, so they are among the largest folders.
        part = parts_of(name for name, _ in Counter(folders.values()).most_common(_MOST_PARTS))
        found = {index: part[folder] for index, folder in folders.items() if folder in part}
        is_usual = len(set(found.values())) > 1 and 2 * len(found) >= len(folders)
        if len(found) == len(folders) or is_usual:
            for index in folders:
                del paths[index][level]
            return found, level
    return {}, None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A level of folders, weighed."""

    depth: int  # 0: the sources
    names: frozenset[str]
    kind: NameKind
    is_repeated: bool  # the names are about the same in every outer folder of several


@dataclass(frozen=True, slots=True)
class _Choice:
    depth: int | None  # None: no level is one of classes
    kind: NameKind  # of the names of that level
    reason: Message
    is_certain: bool
    candidates: tuple[_Candidate, ...] = ()  # outermost first

    def at_source(self) -> "_Choice":
        """Return that the source itself is a class."""
        reason = Message("each source holds one class.")
        return _Choice(0, "class", reason, self.is_certain, self.candidates)


_NO_LEVEL: Final = Message("no level of folders is called like classes.")


def _candidates(paths: Sequence[Sequence[str]], n_levels: int, offset: int) -> list[_Candidate]:
    """Weigh each of the outer levels.

    Args:
        paths: The folders around each film.
        n_levels: How many levels count.
        offset: 1 where the first level is that of the sources.
    """
    found: list[_Candidate] = []
    for level in range(n_levels):
        inner = [path for path in paths if len(path) > level]
        names = frozenset(path[level] for path in inner)
        kind = kind_of_names(names)
        outer = [one for one in found if len(one.names) >= N_CLASSES_RANGE[0]]
        n_fewest = min((len(one.names) for one in outer), default=len(names))
        is_many = len(names) >= _TIMES_FEWER * n_fewest and _are_too_many(paths, level, len(names))
        if is_many and outer and (kind != "class" or _are_numbered(names)):
            kind = "never"
        if kind == "class" and any(one.kind == "class" for one in outer):
            # Normal/adult beside Abnormal/TB: the outer ones are the classes.
            inside = defaultdict(set)
            for path in inner:
                inside[path[level - 1]].add(path[level])
            if any(kind_of_names(some) in ("group", "never") for some in inside.values()):
                kind = "other"
        if found and found[-1].kind == "never" and all(map(_is_month_or_day, names)):
            kind = "never"
        pairs = {(path[level - 1] if level else "", path[level]) for path in inner}
        n_outer = len({name for name, _ in pairs})
        is_repeated = n_outer > 1 and len(pairs) >= _REPEATED * n_outer * len(names)
        found.append(_Candidate(level + 1 - offset, names, kind, is_repeated))
    # DOE_JOHN/2020-03-21/1.2.840.1: many folders around studies are patients.
    for place, one in enumerate(found[:-1]):
        is_around_studies = all(inner.kind == "never" for inner in found[place + 1 :])
        level = one.depth - 1 + offset
        if (
            one.kind == "other"
            and is_around_studies
            and len(one.names) >= _FEW_FOLDERS
            and _are_too_many(paths, level, len(one.names))
        ):
            found[place] = _Candidate(one.depth, one.names, "never", one.is_repeated)
    return found


def _is_month_or_day(name: str) -> bool:
    return name.isdecimal() and len(name) <= 2 and 1 <= int(name) <= 31


def _are_too_many(paths: Sequence[Sequence[str]], level: int, n_names: int) -> bool:
    """Tell if the folders of a level hold too few films each, or are too many, for classes."""
    n_films = Counter(tuple(path[: level + 1]) for path in paths if len(path) > level)
    return n_names > _MANY_FOLDERS or median(n_films.values()) < _FEW_FILMS


def _are_numbered(names: frozenset[str]) -> bool:
    """Tell if names differ by their numbers alone: COVID-1, COVID-2, ..."""
    stems = {re.sub(r"\d+", "", name) for name in names}
    return _TIMES_FEWER * len(stems) <= len(names)


def _choose(levels: Sequence[_Candidate], known: Sequence[str]) -> _Choice:
    """Choose the level of the classes among those that hold two or more folders."""
    several = tuple(one for one in levels if len(one.names) >= N_CLASSES_RANGE[0])
    if known and several:
        spelled = {spelling(name) for name in known}
        share, depth = max(
            (sum(spelling(name) in spelled for name in one.names) / len(one.names), one.depth)
            for one in several
        )
        if share >= _HALF:
            reason = Message("the classes of the model are called so.")
            return _Choice(depth, "class", reason, True, several)
    findings = [one for one in several if one.kind == "class"]
    if findings:
        reason = Message(
            "the folders are called like findings: {names}.", names=listed(findings[-1].names)
        )
        return _Choice(findings[-1].depth, "class", reason, len(findings) == 1, several)
    single = [one for one in levels if one not in several and one.kind in ("class", "other")]
    # A source that is not called like a finding is a class only where its folders cannot be one.
    usable = [one for one in several if one.depth or not any(other.depth for other in single)]
    unknown = [one for one in usable if one.kind == "other"]
    if unknown:
        return _choose_by_shape(unknown, several)
    groups = [one for one in usable if one.kind == "group"]
    # Beside folders of patients or dates they are no classes either.
    if groups and all(one.kind != "never" for one in levels):
        reason = Message(
            "no other level has several folders, but these are called like views, sexes, sites or "
            "versions and not like findings."
        )
        return _Choice(groups[-1].depth, "group", reason, False, several)
    alone = [one for one in single if one.kind == "class"] or (
        [] if any(one.depth for one in several) else single
    )
    if alone:  # whoever asks refuses it by its name
        return _Choice(alone[-1].depth, "other", _NO_LEVEL, True, several)
    return _Choice(None, "never", _NO_LEVEL, True, several)


def _choose_by_shape(unknown: Sequence[_Candidate], several: tuple[_Candidate, ...]) -> _Choice:
    """Choose among levels whose names say nothing: the innermost, unless it subdivides others."""
    place = len(unknown) - 1
    # Sources are hospitals more often than classes: there the inner names win.
    while place and unknown[place].is_repeated and unknown[place - 1].depth:
        place -= 1
    chosen = unknown[place]
    if chosen is not unknown[-1]:
        reason = Message(
            "the folders inside repeat in every one of them: {names}.",
            names=listed(unknown[place + 1].names),
        )
    elif len(unknown) > 1:
        reason = Message("these folders differ from one outer folder to another.")
    else:
        reason = Message("no other level has folders that could be classes.")
    return _Choice(chosen.depth, "other", reason, len(unknown) == 1, several)


def listed(names: Iterable[str], n_shown: int = _SHOWN_NAMES) -> str:
    """List the first names, so that a message stays one that can be read."""
    ordered = sorted(names)
    return ", ".join(ordered[:n_shown]) + (", ..." if len(ordered) > n_shown else "")


def listed_levels(levels: Iterable[ClassLevel]) -> str:
    """List levels with their first folders: `1: Normal, TB; 2: AP, PA`."""
    return "; ".join(f"{one.level}: {listed(one.names)}" for one in levels)
