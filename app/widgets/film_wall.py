"""A wall of thumbnails: thousands of films to look over, choose and open."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QListView

from app.widgets.film_wall_delegate import FilmWallDelegate, muted
from app.widgets.film_wall_model import AnyIndex, FilmWallModel, WallFilm
from app.widgets.film_wall_pictures import PictureSource, WallPictures

__all__ = ["LARGE_PX", "MEDIUM_PX", "SMALL_PX", "FilmWall", "WallFilm"]

SMALL_PX, MEDIUM_PX, LARGE_PX = 96, 128, 192
SCROLL_S = 0.006  # what one step may spend on new pictures; the others follow when idle

Choice = QItemSelectionModel.SelectionFlag


class FilmWall(QListView):
    """Shows films side by side; rows count from 0 in the order they were given."""

    film_opened = Signal(int)  # row
    selection_changed = Signal(list)  # rows, ascending
    menu_wanted = Signal(QPoint)  # where on the screen

    def __init__(self) -> None:
        super().__init__()
        self._films = FilmWallModel(self)
        self._pictures = WallPictures(self._films.aspect, self._wanted_rows, self)
        self._cells = FilmWallDelegate(self._films.film, self._pictures.get, self)
        self._is_taking_films = False
        self._empty_text = ""
        self._side_px = MEDIUM_PX
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setDragEnabled(False)
        self.setAcceptDrops(False)  # files that are dropped here are for the window
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setItemDelegate(self._cells)
        self.setModel(self._films)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(self._on_double_clicked)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self._pictures.made.connect(self._on_pictures_made)

    # What is shown.

    def show_films(self, films: Sequence[WallFilm], picture: PictureSource) -> None:
        """Show these films; place and selection stay with the names that are still there.

        Args:
            films: In the order of their rows.
            picture: The square thumbnail of a row, shape (S, S) or (S, S, 3), to be
                stretched to the film's own proportion; asked in this thread, so it must
                be at hand.
        """
        chosen, current = self.selected(), self.currentIndex().row()
        first, offset = self._first_row(), self.verticalScrollBar().value()
        into_row = offset - self._top_of(first)
        self._is_taking_films = True  # one change is told, not its steps
        moves = self._films.set_films(films)
        self._pictures.set_source(picture, moves)
        kept = sorted(moves[row] for row in chosen if row in moves)
        self._choose(kept)
        if current in moves:
            self._make_current(moves[current])
        self._is_taking_films = False
        self._measure()
        self.executeDelayedItemsLayout()
        if first in moves and len(films):
            offset = self._top_of(moves[first]) + into_row
        self.verticalScrollBar().setValue(offset)
        self._wake()
        if kept != chosen:
            self.selection_changed.emit(kept)

    def set_empty_text(self, text: str) -> None:
        """What to say where there is no film."""
        self._empty_text = text
        self.viewport().update()

    def set_side_px(self, side_px: int) -> None:
        """Draw pictures of this size, SMALL_PX to LARGE_PX; the first film in sight stays."""
        first = self._first_row()
        self._side_px = side_px
        self._measure()
        self.executeDelayedItemsLayout()
        self.verticalScrollBar().setValue(self._top_of(first))

    def show_colours(self, error: str, warning: str, note: str) -> None:
        """Take a theme's colours for the badges' signs."""
        names = {"error": error, "warning": warning, "note": note}
        self._cells.set_severities({name: QColor(colour) for name, colour in names.items()})
        self.viewport().update()

    # What is chosen.

    def selected(self) -> list[int]:
        """The chosen rows, ascending."""
        parts = self.selectionModel().selection()
        return sorted(
            row
            for part in (parts.at(place) for place in range(parts.size()))
            for row in range(part.top(), part.bottom() + 1)
        )

    def select(self, indices: Sequence[int]) -> None:
        """Choose just these rows; the first becomes the current one."""
        self._choose(sorted(set(indices)))
        if indices:
            self._make_current(min(indices))

    def scroll_to(self, index: int) -> None:
        """Bring a row into sight."""
        self.scrollTo(self._films.index(index), QListView.ScrollHint.PositionAtCenter)

    def _choose(self, rows: Sequence[int]) -> None:
        selection = QItemSelection()
        for first, last in _runs(rows):
            selection.select(self._films.index(first), self._films.index(last))
        self.selectionModel().select(selection, Choice.ClearAndSelect)

    def _make_current(self, row: int) -> None:
        self.selectionModel().setCurrentIndex(self._films.index(row), Choice.NoUpdate)

    # Where things are: the grid is regular, so this needs no search.

    def _measure(self) -> None:
        """Let the columns share the width, so that no strip is left over at the right."""
        self._cells.set_side(self._side_px)
        self._pictures.set_side(self._side_px, self.devicePixelRatioF())
        smallest = self._cells.cell_size(self.fontMetrics())
        self._need_bar(smallest)
        columns = max(1, self._usable_width() // smallest.width())
        grid = QSize(max(1, self._usable_width() // columns), smallest.height())
        if grid != self.gridSize():  # Qt would lay out anew even so
            self.setGridSize(grid)
        self.verticalScrollBar().setSingleStep(smallest.height() // 3)
        self._wake()

    def _need_bar(self, cell: QSize) -> None:
        """Show the scroll bar or not, by the room without it: Qt's own way would flicker.

        Qt shows it where the films do not fit, and with it there may be fewer columns.
        """
        room = self.maximumViewportSize()
        lines = -(-self._films.rowCount() // max(1, (room.width() - 1) // cell.width()))
        policy = Qt.ScrollBarPolicy
        needed = policy.ScrollBarAlwaysOn if lines * cell.height() > room.height() else None
        self.setVerticalScrollBarPolicy(needed or policy.ScrollBarAlwaysOff)

    def _usable_width(self) -> int:
        return self.viewport().width() - 1  # Qt wraps a row that is just as wide

    def _columns(self) -> int:
        return max(1, self._usable_width() // max(1, self.gridSize().width()))

    def _first_row(self) -> int:
        line = self.verticalScrollBar().value() // max(1, self.gridSize().height())
        return line * self._columns()

    def _top_of(self, row: int) -> int:
        return row // self._columns() * self.gridSize().height()

    def _seen_rows(self) -> range:
        n_lines = self.viewport().height() // max(1, self.gridSize().height()) + 2
        first = self._first_row()
        return range(first, min(first + n_lines * self._columns(), self._films.rowCount()))

    def _wanted_rows(self) -> Iterator[int]:
        """The rows in sight, then a screenful after them and one before."""
        seen = self._seen_rows()
        yield from seen
        yield from range(seen.stop, min(seen.stop + len(seen), self._films.rowCount()))
        yield from range(max(0, seen.start - len(seen)), seen.start)

    # Qt's own.

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self.palette().base())
        painter.end()
        super().paintEvent(event)
        if self._empty_text and not self._films.rowCount():
            painter.begin(self.viewport())
            painter.setPen(muted(self.palette()))
            room = self.viewport().rect().adjusted(24, 24, -24, -24)
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, int(how), self._empty_text)
            painter.end()

    def _paint_ground_ourselves(self) -> None:
        """Let a scroll move what is drawn and paint only the strip that comes into sight.

        WORKAROUND: under a style sheet Qt takes the ground for transparent and paints all
        of it at every step: 14 ms in place of 2 at 1920 x 1080.
        """
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def resizeEvent(self, event: QResizeEvent) -> None:
        first = self._first_row()
        self._measure()
        super().resizeEvent(event)
        if first and event.size().width() != event.oldSize().width():
            self.executeDelayedItemsLayout()
            self.verticalScrollBar().setValue(self._top_of(first))
        self._wake()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measure()
            self._paint_ground_ourselves()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._paint_ground_ourselves()  # the style sheet took hold only now
        self._measure()  # the screen's scale is known only now
        self._wake()

    def hideEvent(self, event: QHideEvent) -> None:
        self._pictures.stop()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.film_opened.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            current: QRect = self.visualRect(self.currentIndex())
            place = self.viewport().mapToGlobal(current.center())
        self.menu_wanted.emit(place)

    @Slot()
    def _on_selection_changed(self) -> None:
        if not self._is_taking_films:
            self.selection_changed.emit(self.selected())

    def _on_double_clicked(self, index: AnyIndex) -> None:
        self.film_opened.emit(index.row())

    def _on_scrolled(self) -> None:
        if self.isVisible():
            self._pictures.make(self._seen_rows(), SCROLL_S)  # a slow scroll shows no gaps
        self._wake()

    def _wake(self) -> None:
        if self.isVisible():
            self._pictures.wake()

    def _on_pictures_made(self, rows: list[int]) -> None:
        shown = self.viewport().rect()
        for row in rows:
            place = self.visualRect(self._films.index(row))
            if place.intersects(shown):
                self.viewport().update(place)


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ascending rows as ranges (first, last) without a gap."""
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place] != rows[place - 1] + 1:
            yield rows[start], rows[place - 1]
            start = place
