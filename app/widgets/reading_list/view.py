"""The rows on the screen: what is chosen and where they are scrolled stays while they move."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QListView

from app.widgets.reading_list.delegate import ReadingDelegate
from app.widgets.reading_list.model import ReadingListModel

Select = QItemSelectionModel.SelectionFlag


class _Kept(NamedTuple):
    """What stays while rows move."""

    current: int | None  # key
    chosen: list[int]  # keys
    anchor: int | None  # key of the film that stays where it is seen
    offset: int  # of its top below the view's, in pixels
    value: int  # of the scroll bar


class ReadingListView(QListView):
    """Draws a `ReadingListModel`; films by their keys."""

    selection_changed = Signal()
    film_opened = Signal(int)  # key

    def __init__(self, model: ReadingListModel) -> None:
        super().__init__()
        self._films = model
        self._rows = ReadingDelegate(model, self)
        self._is_moving = False  # while rows move, nothing new is chosen
        self._kept = _Kept(None, [], None, 0, 0)
        self._empty_text = ""
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAcceptDrops(False)  # files that are dropped here are for the window
        self.setMouseTracking(True)
        self.setItemDelegate(self._rows)
        self.setModel(model)
        model.about_to_move.connect(self._on_model_about_to_move)
        model.modelReset.connect(self._on_model_reset)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(lambda _index: self._open())
        self.verticalScrollBar().setSingleStep(self._row_height() // 2)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._rows.show_colours(colours)
        self.viewport().update()

    def set_empty_text(self, text: str) -> None:
        """What to say where no row is shown."""
        self._empty_text = text
        self.viewport().update()

    # What is chosen.

    def selected(self) -> list[int]:
        """The chosen films from top to bottom."""
        parts = self.selectionModel().selection()
        rows = sorted(
            row
            for part in (parts.at(place) for place in range(parts.size()))
            for row in range(part.top(), part.bottom() + 1)
        )
        keys = (self._films.key_at(row) for row in rows)
        return [key for key in keys if key is not None]

    def current(self) -> int | None:
        """The film at which the keys work."""
        return self._films.key_at(self.currentIndex().row())

    def choose(self, key: int) -> None:
        """Choose this film alone and bring it into sight."""
        index = self._films.index(self._films.row_of(key))
        if index.isValid():
            self.selectionModel().setCurrentIndex(index, Select.ClearAndSelect)
            self.scrollTo(index)

    def scroll_to_top(self) -> None:
        """Show the first rows."""
        self.verticalScrollBar().setValue(0)

    # Qt's own.

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._empty_text and not self._films.rowCount():
            painter = QPainter(self.viewport())
            colour = self.palette().text().color()
            colour.setAlphaF(0.7)
            painter.setPen(colour)
            room = self.viewport().rect().adjusted(16, 24, -16, -24)
            how = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
            painter.drawText(room, int(how | Qt.TextFlag.TextWordWrap), self._empty_text)
            painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._rows.forget()
            self.scheduleDelayedItemsLayout()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rows.forget()  # the screen's scale and the style sheet's font are known only now
        self.verticalScrollBar().setSingleStep(self._row_height() // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._open()
            case _ if event.text().isprintable() and event.text() and _is_bare(event):
                event.ignore()  # letters are the viewer's, not for hopping through names
            case _:
                super().keyPressEvent(event)

    def _open(self) -> None:
        key = self.current()
        if key is not None:
            self.film_opened.emit(key)

    # Rows that move.

    def _row_height(self) -> int:
        return self._rows.row_height(self.font())

    def _on_model_about_to_move(self) -> None:
        current, value = self.current(), self.verticalScrollBar().value()
        height = max(1, self._row_height())
        # The chosen film stays where it is seen; else the first row in sight does.
        row = self._films.row_of(current)
        is_seen = value <= row * height < value + self.viewport().height()
        anchor = current if is_seen else self._films.key_at(value // height)
        offset = self._films.row_of(anchor) * height - value
        if not value:  # at the top one waits for what comes there
            anchor, offset = None, 0
        self._kept = _Kept(current, self.selected(), anchor, offset, value)
        self._is_moving = True

    def _on_model_reset(self) -> None:
        kept = self._kept
        rows = sorted(row for key in kept.chosen if (row := self._films.row_of(key)) >= 0)
        selection = QItemSelection()
        for first, last in _runs(rows):
            selection.select(self._films.index(first), self._films.index(last))
        self.selectionModel().select(selection, Select.ClearAndSelect)
        row = self._films.row_of(kept.current)
        if row >= 0:
            self.selectionModel().setCurrentIndex(self._films.index(row), Select.NoUpdate)
        self.executeDelayedItemsLayout()
        # To make a row current scrolls there.
        row = self._films.row_of(kept.anchor)
        value = row * self._row_height() - kept.offset if row >= 0 else kept.value
        self.verticalScrollBar().setValue(value)
        self._is_moving = False

    def _on_selection_changed(self) -> None:
        if not self._is_moving:
            self.selection_changed.emit()


def _is_bare(event: QKeyEvent) -> bool:
    bare = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
    return event.modifiers() in bare and event.key() != Qt.Key.Key_Space


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending rows as ranges (first, last) without a gap."""
    if not rows:
        return []
    starts = [rows[0], *(after for before, after in pairwise(rows) if after != before + 1)]
    ends = [*(before for before, after in pairwise(rows) if after != before + 1), rows[-1]]
    return list(zip(starts, ends, strict=True))
