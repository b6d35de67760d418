"""The films of the list as Qt's views want them, narrowed and sorted.

Two things that Qt would do take too long in Python, where 10,000 rows must not stop the window.
QSortFilterProxyModel asks for each of 130,000 comparisons (0.4 to 0.7 s; this takes 0.02 s). And a
QListView asks a QAbstractListModel for its number of rows once for each row whenever one is added
(0.02 to 0.1 s), so the number is kept in Qt's own QStringListModel.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QStringListModel,
    Qt,
    Signal,
)

from app.widgets.labels import plain_tip
from app.widgets.reading_list.choice import Choice, Order
from app.widgets.reading_list.row import ReadingRow, RowWords, words_of

AnyIndex = QModelIndex | QPersistentModelIndex
_MAX_WORDS = 2000  # rows whose words are kept


class ReadingListModel(QStringListModel):
    """All films by key, in the order in which they came, and the keys of those that are shown.

    Its rows change in two ways only: films are appended, or all rows are laid out anew.
    """

    about_to_move = Signal()  # after it, the rows are reset

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[int, ReadingRow] = {}
        self._places: dict[int, Any] = {}  # by what the chosen order compares
        self._shown: list[int] = []
        self._row_of: dict[int, int] = {}
        self._choice = Choice()
        self._classes: Sequence[str] = ()
        self._words: dict[int, RowWords] = {}

    # What is in it.

    @property
    def n_films(self) -> int:
        """All of them, shown or not."""
        return len(self._rows)

    @property
    def choice(self) -> Choice:
        """What is shown."""
        return self._choice

    @property
    def shown(self) -> Sequence[int]:
        """Keys, from top to bottom."""
        return self._shown

    def film(self, key: int) -> ReadingRow | None:
        """A film, shown or not."""
        return self._rows.get(key)

    def key_at(self, row: int) -> int | None:
        """The film in a row."""
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def row_of(self, key: int | None) -> int:
        """Where a film is shown; -1: nowhere."""
        return -1 if key is None else self._row_of.get(key, -1)

    def neighbour(self, key: int, steps: int) -> int | None:
        """The film so many rows below `key`, or above; None: beyond the ends.

        Where `key` is not shown now, it counts as lying between the rows where it would be.
        """
        row = self.row_of(key)
        if row < 0:
            if key not in self._rows:
                return None
            in_order = sorted(self._rows, key=self._places.__getitem__)
            before = in_order[: in_order.index(key)]
            row = sum(one in self._row_of for one in before) - (steps > 0)
        return self.key_at(row + steps)

    def words(self, key: int) -> RowWords:
        """What is said of a film."""
        words = self._words.get(key)
        if words is None:
            if len(self._words) >= _MAX_WORDS:
                self._words.clear()
            words = self._words[key] = words_of(self._rows[key], self._classes)
        return words

    # How it changes.

    def take(self, new: Sequence[ReadingRow], changed: Iterable[ReadingRow]) -> None:
        """Add films and replace others by what is known of them now."""
        moves = False
        for row in changed:
            moves |= self._replace(row)
        for row in new:
            self._rows[row.key] = row
            self._places[row.key] = self._choice.place(row)
        fresh = [row.key for row in new if self._choice.accepts(row)]
        if moves or (fresh and self._choice.order is not Order.ARRIVAL):
            self._arrange()
        elif fresh:
            first = len(self._shown)
            self._row_of.update((key, first + place) for place, key in enumerate(fresh))
            self._shown += fresh
            self.insertRows(first, len(fresh))

    def remove(self, keys: Iterable[int]) -> None:
        """Put films away."""
        known = [key for key in dict.fromkeys(keys) if key in self._rows]
        for key in known:
            del self._rows[key], self._places[key]
            self._words.pop(key, None)
        if any(key in self._row_of for key in known):
            self._arrange()

    def clear(self) -> None:
        """Put away all films."""
        self._rows.clear()
        self._places.clear()
        self._words.clear()
        self._arrange()

    def choose(self, choice: Choice) -> None:
        """Show other films, or in another order."""
        if choice.order is not self._choice.order:
            self._places = {key: choice.place(row) for key, row in self._rows.items()}
        self._choice = choice
        self._arrange()

    def set_classes(self, names: Sequence[str]) -> None:
        """Name the classes; also says everything anew, after the language changed."""
        self._classes = tuple(names)
        self._words.clear()
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))

    def _replace(self, row: ReadingRow) -> bool:
        """Take what is known of a film now; whether that moves it."""
        old = self._rows.get(row.key)
        if old is None:
            return False
        place = self._choice.place(row)
        moves = self._choice.accepts(row) != (row.key in self._row_of)
        moves = moves or place != self._places[row.key]
        self._rows[row.key], self._places[row.key] = row, place
        self._words.pop(row.key, None)
        at = self.row_of(row.key)
        if at >= 0 and not moves:
            self.dataChanged.emit(self.index(at), self.index(at))
        return moves

    def _arrange(self) -> None:
        self.about_to_move.emit()
        keys = [key for key, row in self._rows.items() if self._choice.accepts(row)]
        if self._choice.order is not Order.ARRIVAL:
            keys.sort(key=self._places.__getitem__)
        self._shown = keys
        self._row_of = {key: row for row, key in enumerate(keys)}
        self.setStringList([""] * len(keys))

    # Qt's own.

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        key = self.key_at(index.row())
        if key is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._rows[key].name
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(self.words(key).tip)
            case Qt.ItemDataRole.AccessibleTextRole:
                return self.words(key).spoken
        return None
