"""The films on a wall as Qt's views want them, and how to know them again in an edited list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.translation import listing, tr
from app.widgets.labels import plain_tip

AnyIndex = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


@dataclass(frozen=True, slots=True)
class WallFilm:
    """What the wall says of one film."""

    name: str  # as in the archive
    caption: str  # the class, as shown
    aspect: float  # width / height
    badge: str = ""  # a short word for a finding
    severity: str = ""  # of the badge: "error", "warning", "note" or ""
    is_left_out: bool = False


class FilmWallModel(QAbstractListModel):
    """One row a film."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._films: Sequence[WallFilm] = ()

    def set_films(self, films: Sequence[WallFilm]) -> dict[int, int]:
        """Take another list; where the films of the old one are now, old row to new."""
        new_rows = {key: row for row, key in enumerate(_keys(films))}
        moves = {
            row: new_rows[key] for row, key in enumerate(_keys(self._films)) if key in new_rows
        }
        self.beginResetModel()
        self._films = tuple(films)
        self.endResetModel()
        return moves

    def film(self, row: int) -> WallFilm:
        return self._films[row]

    def aspect(self, row: int) -> float:
        return self._films[row].aspect

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._films)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        film = self._films[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return film.name
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip("\n".join(filter(None, (film.name, *_remarks(film)))))
            case Qt.ItemDataRole.AccessibleTextRole:
                return listing(filter(None, (film.name, *_remarks(film))))
        return None


def _remarks(film: WallFilm) -> tuple[str, str, str]:
    return film.caption, film.badge, tr("left out") if film.is_left_out else ""


def _keys(films: Sequence[WallFilm]) -> list[tuple[str, int]]:
    """Names, told apart where several sources have a file of the same name."""
    seen: Counter[str] = Counter()
    keys = []
    for film in films:
        keys.append((film.name, seen[film.name]))
        seen[film.name] += 1
    return keys
