"""A table of recorded runs, with a small curve in each line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPen, QPixmap, QPolygonF, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app.i18n import duration, say, tr
from app.runs.viewmodel import COLUMNS, Column, Run
from app.widgets.labels import plain_tip
from app.widgets.signs import Sign, sign_icon
from app.widgets.thumbnails import ThumbnailCache
from app.wording import network_words, status_notes, status_words
from core.training.runs import DamagedRun, RunStatus, RunSummary

SIZE_PX = QSize(72, 28)
SCALE = 2.0  # finer for screens with many pixels
_MARGIN_PX = 3
_DOT_PX = 2.0


def curve_thumbnail(values: Sequence[float], colour: str) -> QPixmap:
    """Draw values from left to right, the greatest at the top; gaps where they are no numbers.

    Args:
        values: One an epoch.
        colour: As #rrggbb.
    """
    picture = QPixmap(SIZE_PX * SCALE)
    picture.fill(Qt.GlobalColor.transparent)
    numbers = [value for value in values if math.isfinite(value)]
    if not numbers:
        return picture
    low, high = min(numbers), max(numbers)
    right, bottom = SIZE_PX.width() - 2 * _MARGIN_PX, SIZE_PX.height() - 2 * _MARGIN_PX
    painter = QPainter(picture)
    painter.scale(SCALE, SCALE)
    painter.translate(_MARGIN_PX, _MARGIN_PX)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 1.4))
    line = QPolygonF()
    for place, value in enumerate(values):
        if math.isfinite(value):
            height = (value - low) / (high - low) if high > low else 0.5
            line.append(QPointF(right * place / max(1, len(values) - 1), bottom * (1 - height)))
        else:
            painter.drawPolyline(line)
            line.clear()
    painter.drawPolyline(line)
    if not line.isEmpty():  # where the run stands now
        painter.setBrush(QColor(colour))
        painter.drawEllipse(line.last(), _DOT_PX, _DOT_PX)
    painter.end()
    picture.setDevicePixelRatio(SCALE)
    return picture


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
    sign: Sign
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
        self._signs: dict[Sign, QIcon] = {}
        self._thumbnails = ThumbnailCache(_MAX_THUMBNAILS)

    @property
    def rows(self) -> Sequence[RunRow]:
        """Runs that are shown."""
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

    def set_colours(self, line: str, signs: dict[Sign, str], ground: str) -> None:
        """Take a theme's colours as #rrggbb."""
        self._line_colour = line
        self._signs = {
            sign: sign_icon(sign, colour, ground, SIGN_PX) for sign, colour in signs.items()
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
        picture = self._thumbnails.get(losses)
        if picture is None:
            picture = curve_thumbnail(losses, self._line_colour)
            self._thumbnails.put(losses, picture)
        icon = QIcon(picture)
        icon.addPixmap(picture, QIcon.Mode.Selected)  # else Qt would tint it
        return icon


NONE = "–"
NUMBER_COLUMNS = (5, 6, 7, 8)  # with the curve before `COLUMNS`
_SIGNS: dict[RunStatus, Sign] = {
    "running": "play",
    "interrupted": "warning",
    "paused": "pause",
    "finished": "tick",
    "stopped": "stop",
    "failed": "error",
}


def titles() -> list[str]:
    """Of the curve, and of `COLUMNS`."""
    words: dict[Column, str] = {
        "name": tr("Name"),
        "status": tr("Status"),
        "dataset": tr("Dataset"),
        "network": tr("Network"),
        "validation": tr("Validation"),
        "test": tr("Test"),
        "epochs": tr("Epochs"),
        "time": tr("Time"),
        "started": tr("Started"),
    }
    return [tr("Curve"), *(words[column] for column in COLUMNS)]


def run_row(run: Run) -> RunRow:
    """One line of the table."""
    notes = [say(note) for note in status_notes(run)]
    status = say(status_words(run))
    if isinstance(run, DamagedRun):
        return RunRow(
            key=str(run.path),
            losses=(),
            sign="error",
            cells=(run.name, status, notes[0], *[""] * (len(COLUMNS) - 3)),
            tip="\n".join((str(run.path), *notes)),
            can_rename=False,
            is_sentence=True,
        )
    return RunRow(
        key=str(run.path),
        losses=run.epoch_losses,
        sign=_SIGNS[run.status],
        cells=(
            run.name,
            status,
            run.dataset,
            network_words(run),
            _share(run.validation_accuracy),
            _share(run.test_accuracy),
            f"{run.epochs_done} / {run.config.n_epochs}",
            duration(run.seconds),
            run.started.astimezone().strftime("%Y-%m-%d %H:%M"),
        ),
        tip="\n".join((*_facts(run), *notes)),
        can_rename=run.status != "running",
    )


def _share(value: float | None) -> str:
    return f"{value:.1%}" if value is not None else NONE


def _facts(run: RunSummary) -> list[str]:
    facts = [
        run.name,
        str(run.path),
        tr(
            "{n} films, {classes} classes, {device}",
            n=f"{run.n_films:,}",
            classes=len(run.classes),
            device=run.device,
        ),
    ]
    if run.n_parameters is not None:
        facts.append(tr("{n} parameters", n=f"{run.n_parameters:,}"))
    if run.best_epoch is not None:
        facts.append(tr("Best epoch: {epoch}", epoch=run.best_epoch))
    facts.append(tr("{size} MB on disk", size=f"{run.size_bytes / 1e6:,.0f}"))
    return facts


ROW_PX = 34
LEAST_NAME_PX = 170
MEASURED_ROWS = 30  # decide the widths; a thousand rows would take a quarter of a second
MOST_THIRD_PX = 150  # longer ones are cut; their tooltip has all


class RunTable(QTableView):
    """Several lines can be chosen; a click on a title asks for another order."""

    selected = Signal(list)  # keys of the chosen lines, from top to bottom
    order_chosen = Signal(int, bool)  # column, whether the greatest comes first
    renamed = Signal(str, str)  # key, name
    opened = Signal()  # the chosen line: double click, or Return
    delete_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._model = RunTableModel(self)
        self.setModel(self._model)
        self._shown_selection: list[str] = []
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)  # F2
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setIconSize(SIZE_PX)
        self.setItemDelegateForColumn(STATUS, _SignDelegate(self))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicatorClearable(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setResizeContentsPrecision(MEASURED_ROWS)
        header.sortIndicatorChanged.connect(self._on_sort_indicator_changed)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(self.opened)
        self._model.renamed.connect(self.renamed)

    @property
    def rows(self) -> Sequence[RunRow]:
        """Runs that are shown, from top to bottom."""
        return self._model.rows

    def show_titles(self, titles: Sequence[str], numbers: Sequence[int]) -> None:
        """Name the columns: the curve, the name, the status with its sign, and any others.

        Args:
            titles: One a column.
            numbers: Columns that hold numbers.
        """
        with QSignalBlocker(self.selectionModel()):
            self._model.set_titles(titles, numbers)
            self._select(self._shown_selection)
        header = self.horizontalHeader()
        for column in range(len(titles)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Fixed)
        self._fit_name()

    def show_rows(self, rows: Sequence[RunRow]) -> None:
        """Replace all lines; what was chosen stays so while it is there."""
        if tuple(rows) == tuple(self._model.rows):
            return
        current = self.currentIndex()
        key = self._model.rows[current.row()].key if current.isValid() else None
        before = self._shown_selection
        with QSignalBlocker(self.selectionModel()):
            self._model.set_rows(rows)
            keys = [row.key for row in rows]
            if key in keys:
                self.selectionModel().setCurrentIndex(
                    self._model.index(keys.index(key), NAME),
                    QItemSelectionModel.SelectionFlag.NoUpdate,
                )
            self._select(before)
        self.clearSpans()
        for number, row in enumerate(rows):
            if row.is_sentence:
                self.setSpan(number, THIRD, 1, self._model.columnCount() - THIRD)
        self._fit_name()
        self.viewport().update()
        self._on_selection_changed()

    def show_order(self, column: int, *, is_descending: bool) -> None:
        """Mark the title by whose column the lines are in order."""
        order = Qt.SortOrder.DescendingOrder if is_descending else Qt.SortOrder.AscendingOrder
        with QSignalBlocker(self.horizontalHeader()):
            self.horizontalHeader().setSortIndicator(column, order)

    def show_colours(self, line: str, signs: dict[Sign, str], ground: str) -> None:
        """Take a theme's colours as #rrggbb."""
        self._model.set_colours(line, signs, ground)

    def edit_name(self) -> None:
        """Let the name of the chosen line be typed anew."""
        rows = self.selectionModel().selectedRows(NAME)
        if rows:
            self.setCurrentIndex(rows[0])
            self.edit(rows[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_editing = self.state() is QAbstractItemView.State.EditingState
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if not is_editing:
                self.opened.emit()
            case Qt.Key.Key_Delete if not is_editing:
                self.delete_pressed.emit()
            case Qt.Key.Key_F2 if self.currentIndex().isValid():
                self.setCurrentIndex(self.currentIndex().siblingAtColumn(NAME))
                super().keyPressEvent(event)
            case _:
                super().keyPressEvent(event)

    def sizeHintForColumn(self, column: int) -> int:
        if column == CURVE:
            return SIZE_PX.width() + 16
        hint_px = super().sizeHintForColumn(column)
        return min(hint_px, MOST_THIRD_PX) if column == THIRD else hint_px

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), 6 * ROW_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_name()

    def _fit_name(self) -> None:
        """Give the name what the other columns leave, or what it needs at least."""
        columns = range(self._model.columnCount())
        others_px = sum(self.columnWidth(column) for column in columns if column != NAME)
        self.setColumnWidth(NAME, max(LEAST_NAME_PX, self.viewport().width() - others_px))

    def _select(self, keys: Sequence[str]) -> None:
        wanted, selection = set(keys), QItemSelection()
        for number, row in enumerate(self._model.rows):
            if row.key in wanted:
                index = self._model.index(number, NAME)
                selection.select(index, index)
        flag = QItemSelectionModel.SelectionFlag
        self.selectionModel().select(selection, flag.ClearAndSelect | flag.Rows)

    @Slot()
    def _on_selection_changed(self) -> None:
        rows = sorted(index.row() for index in self.selectionModel().selectedRows(NAME))
        keys = [self._model.rows[row].key for row in rows]
        if keys != self._shown_selection:
            self._shown_selection = keys
            self.selected.emit(keys)

    @Slot(int, Qt.SortOrder)
    def _on_sort_indicator_changed(self, column: int, order: Qt.SortOrder) -> None:
        self.order_chosen.emit(column, order is Qt.SortOrder.DescendingOrder)


class _SignDelegate(QStyledItemDelegate):
    """Draws signs smaller than the curves, whose size Qt would give them."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        option.decorationSize = QSize(SIGN_PX, SIGN_PX)
