"""What zips and folders are called, and what their own names say of the films in them."""

from collections.abc import Sequence
from pathlib import Path

from core.data.layout import GivenPart, part_called
from core.data.names import readable, showable

_SHOWN = 3


def parts_called(sources: Sequence[Path]) -> dict[Path, GivenPart]:
    """The parts, where several sources are called train, test and so on."""
    parts = {source: part_called(class_called(source)) for source in sources}
    given = {source: part for source, part in parts.items() if part}
    return given if len(set(given.values())) > 1 and len(given) == len(parts) else {}


def _label(source: Path) -> str:
    """The name of a source; `.` and the like have none of their own."""
    return showable(readable(source.name or source.absolute().name)) or str(source)


def class_called(source: Path) -> str:
    """What a source is called where it is a class or a part itself."""
    label = _label(source)
    return label[: -len(".zip")] if label.casefold().endswith(".zip") else label


def labels_of(sources: Sequence[Path]) -> list[str]:
    """A name for each source, unlike the others': `films.zip`, `films.zip (2)`."""
    unique: list[str] = []
    for label in map(_label, sources):
        name, number = label, 1
        while name in unique:
            number += 1
            name = f"{label} ({number})"
        unique.append(name)
    return unique


def joined(sources: Sequence[Path]) -> str:
    """The names of the first sources, to call all of them by."""
    shown = ", ".join(_label(source) for source in sources[:_SHOWN])
    return shown if len(sources) <= _SHOWN else f"{shown} …"
