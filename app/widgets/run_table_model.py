"""Recorded runs as Qt's tables want them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon

from app.widgets.curve_thumbnail import SIZE_PX, curve_thumbnail
from app.widgets.labels import plain_tip
from app.widgets.run_sign import RunSign, run_sign

AnyIndex = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()
CURVE, NAME, STATUS, THIRD = range(4)  # the first columns; others are text
SIGN_PX = 16
_MAX_THUMBNAILS = 2000
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the table."""

    key: str  # no other run's
    losses: tuple[float, ...]  # of the thumbnail
    sign: RunSign
    cells: tuple[str, ...]  # from the name on
    tip: str  # of the whole line
    can_rename: bool
    is_sentence: bool = False  # the third cell takes the room of all that follow


class RunTableModel(QAbstractTableModel):
    """One row a run; the name can be edited in place."""

    renamed = Signal(str, str)  # key, name

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._rows: Sequence[RunRow] = ()
        self._titles: Sequence[str] = ()
        self._numbers: frozenset[int] = frozenset()
        self._line_colour = "#808080"
        self._signs: dict[RunSign, QIcon] = {}
        self._thumbnails: dict[tuple[float, ...], QIcon] = {}

    @property
    def rows(self) -> Sequence[RunRow]:
        """What is shown."""
        return self._rows

    def set_rows(self, rows: Sequence[RunRow]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def set_titles(self, titles: Sequence[str], numbers: Sequence[int]) -> None:
        """Name the columns; those in `numbers` stand at the right."""
        self.beginResetModel()
        self._titles, self._numbers = tuple(titles), frozenset(numbers)
        self.endResetModel()

    def set_colours(self, line: str, signs: dict[RunSign, str], ground: str) -> None:
        """Take a theme's colours as #rrggbb."""
        self._line_colour = line
        self._signs = {
            sign: run_sign(sign, colour, ground, SIGN_PX) for sign, colour in signs.items()
        }
        self._thumbnails.clear()
        self.layoutChanged.emit()

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._titles)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Vertical or section >= len(self._titles):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in self._numbers:
            return _RIGHT
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole if column != CURVE:
                return row.cells[column - 1]
            case Qt.ItemDataRole.DecorationRole if column == CURVE:
                return self._thumbnail(row.losses)
            case Qt.ItemDataRole.DecorationRole if column == STATUS:
                return self._signs.get(row.sign)
            case Qt.ItemDataRole.SizeHintRole if column == CURVE:
                return SIZE_PX
            case Qt.ItemDataRole.TextAlignmentRole if column in self._numbers:
                return _RIGHT
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(row.tip)
        return None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.isValid() and index.column() == NAME and self._rows[index.row()].can_rename:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: AnyIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.EditRole and str(value).strip() != row.cells[NAME - 1]:
            self.renamed.emit(row.key, str(value))
        return True  # the new name comes with the next rows

    def _thumbnail(self, losses: tuple[float, ...]) -> QIcon:
        if losses not in self._thumbnails:
            if len(self._thumbnails) > _MAX_THUMBNAILS:
                self._thumbnails.clear()
            picture = curve_thumbnail(losses, self._line_colour)
            icon = self._thumbnails[losses] = QIcon(picture)
            icon.addPixmap(picture, QIcon.Mode.Selected)  # else Qt would tint it
        return self._thumbnails[losses]
