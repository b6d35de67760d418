"""A table of recorded runs, with a small curve in each line."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app.widgets.curve_thumbnail import SIZE_PX
from app.widgets.run_sign import RunSign
from app.widgets.run_table_model import (
    CURVE,
    NAME,
    SIGN_PX,
    STATUS,
    THIRD,
    AnyIndex,
    RunRow,
    RunTableModel,
)

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
        """What is shown, from top to bottom."""
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

    def show_colours(self, line: str, signs: dict[RunSign, str], ground: str) -> None:
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
