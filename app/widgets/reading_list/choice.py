"""Which films of a list are shown, and in which order."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from app.widgets.reading_list.row import ReadingRow
from core.prediction.verdict import LEVELS

_NUMBER: Final = re.compile(r"(\d+)")


class Show(Enum):
    """What a list may be narrowed to, besides one class."""

    ALL = auto()
    NOT_SURE = auto()
    DO_NOT_BELIEVE = auto()
    WRONG = auto()
    REPEATED = auto()
    REFUSED = auto()


class Order(Enum):
    """By what a list is sorted; equals stay in the order in which they came."""

    ARRIVAL = auto()
    NAME = auto()
    CLASS = auto()
    MOST_PROBABLE = auto()
    LEAST_PROBABLE = auto()
    LEAST_BELIEVABLE = auto()


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user wants to see."""

    show: Show | int = Show.ALL  # a number: of that class
    words: str = ""  # that the name contains
    order: Order = Order.ARRIVAL

    @property
    def is_narrow(self) -> bool:
        """Whether films may be missing."""
        return self.show is not Show.ALL or bool(self.words.strip())

    def accepts(self, row: ReadingRow) -> bool:
        """Whether a film is shown."""
        words = self.words.casefold().split()
        if words and not all(word in row.name.casefold() for word in words):
            return False
        return self.show is Show.ALL or _belongs(row, self.show)

    def place(self, row: ReadingRow) -> Any:
        """What films are compared by in this order."""
        return _PLACES[self.order](row)


def _belongs(row: ReadingRow, show: Show | int) -> bool:
    match show:
        case Show.ALL:
            return True
        case Show.NOT_SURE:
            return row.label is not None and not row.is_sure
        case Show.DO_NOT_BELIEVE:
            return row.level == "do_not_believe"
        case Show.WRONG:
            return row.is_right is False
        case Show.REPEATED:
            return bool(row.duplicate_of)
        case Show.REFUSED:
            return row.refusal is not None
    return row.label == show


def _by_name(row: ReadingRow) -> list[object]:
    """Film 9 before film 10; the pieces of a name are words and numbers by turns."""
    pieces: list[object] = list(_NUMBER.split(row.name.casefold()))
    for place in range(1, len(pieces), 2):
        digits = str(pieces[place]).lstrip("0")
        pieces[place] = (len(digits), digits)  # int() refuses very long ones
    return pieces


def _by_class(row: ReadingRow) -> tuple[float, float]:
    return (float("inf") if row.label is None else row.label, -(row.probability or 0.0))


def _by_most(row: ReadingRow) -> float:
    return 1.0 if row.probability is None else -row.probability


def _by_least(row: ReadingRow) -> float:
    return 2.0 if row.probability is None else row.probability


def _by_belief(row: ReadingRow) -> tuple[int, float]:
    rank = 1 if row.level is None else -LEVELS.index(row.level)
    return (2 if row.refusal is not None else rank, row.probability or 0.0)


_PLACES: Final[dict[Order, Callable[[ReadingRow], Any]]] = {
    Order.ARRIVAL: lambda _row: 0,
    Order.NAME: _by_name,
    Order.CLASS: _by_class,
    Order.MOST_PROBABLE: _by_most,
    Order.LEAST_PROBABLE: _by_least,
    Order.LEAST_BELIEVABLE: _by_belief,
}
