"""A wall of thumbnails: thousands of films to look over, choose and open."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.i18n import listing, tr
from app.widgets.labels import plain_tip
from app.widgets.signs import draw_sign
from app.widgets.thumbnails import ThumbnailCache, thumbnail

AnyIndex = QModelIndex | QPersistentModelIndex
PictureSource = Callable[[int], NDArray[np.uint8]]  # the thumbnail of a row
State = QStyle.StateFlag
Elide = Qt.TextElideMode
Choice = QItemSelectionModel.SelectionFlag

NO_INDEX = QModelIndex()
SMALL_PX, MEDIUM_PX, LARGE_PX = 96, 128, 192  # of a thumbnail's square
PAD_PX = 7  # between a cell's edge and what is in it
GAP_PX = 6  # between two cells
LEFT_OUT_OPACITY = 0.3
N_KEPT = 600  # thumbnails; at 128 px and four bytes a pixel: 39 MB
SLICE_S = 0.008  # of idle time for thumbnails: half of a screen's 60 Hz frame
SCROLL_S = 0.006  # what one step of scrolling may spend on new ones; the others follow when idle


@dataclass(frozen=True, slots=True)
class WallFilm:
    """One film of the wall."""

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
        """Take another list; return where the films of the old one are now, old row to new."""
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


class FilmWallDelegate(QStyledItemDelegate):
    """Draws a cell; colours beyond the palette's come from the theme."""

    def __init__(
        self,
        film: Callable[[int], WallFilm],
        picture: Callable[[int], QPixmap | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._film, self._picture = film, picture
        self._side_px = MEDIUM_PX
        self._severities: dict[str, QColor] = {}
        # Finding where to cut a text costs as much as drawing it.
        self._elided: dict[tuple[str, int, Elide], str] = {}

    def set_side(self, side_px: int) -> None:
        """Draw pictures of this size, and measure texts anew: font or room may have changed."""
        self._side_px = side_px
        self._elided.clear()

    def set_severities(self, colours: dict[str, QColor]) -> None:
        """Take the colours of the badges' signs, one a severity."""
        self._severities = colours

    def cell_size(self, metrics: QFontMetrics) -> QSize:
        """Return the size of the smallest cell, with its gap."""
        across = self._side_px + 2 * PAD_PX + GAP_PX
        return QSize(across, across + 2 * metrics.height() + 2)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return self.cell_size(option.fontMetrics)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row = index.row()
        film, palette = self._film(row), option.palette
        half = GAP_PX // 2
        cell = option.rect.adjusted(half, half, -half, -half)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_ground(painter, cell, palette, option.state)
        room = QRect(
            cell.left() + (cell.width() - self._side_px) // 2,
            cell.top() + PAD_PX,
            self._side_px,
            self._side_px,
        )
        self._draw_picture(painter, room, row, film, palette)
        if film.badge:
            self._draw_badge(painter, cell, room, film, palette)
        self._draw_texts(painter, cell, room.bottom() + 4, film, palette)
        painter.restore()

    def _draw_ground(
        self, painter: QPainter, cell: QRect, palette: QPalette, state: QStyle.StateFlag
    ) -> None:
        """Selected: filled and framed. Current while the keys work here: a second frame."""
        is_selected = bool(state & State.State_Selected)
        has_focus = bool(state & State.State_HasFocus)
        if not (is_selected or has_focus or state & State.State_MouseOver):
            return
        frame = QRectF(cell).adjusted(1, 1, -1, -1)
        hover = QColor(palette.text().color())
        hover.setAlphaF(0.06)
        painter.setPen(QPen(palette.link().color(), 2) if is_selected else Qt.PenStyle.NoPen)
        painter.setBrush(palette.highlight() if is_selected else hover)
        painter.drawRoundedRect(frame, 5, 5)
        if has_focus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.text().color(), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(frame.adjusted(2.5, 2.5, -2.5, -2.5), 3, 3)

    def _draw_picture(
        self, painter: QPainter, room: QRect, row: int, film: WallFilm, palette: QPalette
    ) -> None:
        pixmap, place = self._picture(row), QRect(room)
        if pixmap is None:
            waiting = QColor(palette.text().color())
            waiting.setAlphaF(0.07)
            painter.fillRect(room, waiting)
        else:
            place.setSize(pixmap.deviceIndependentSize().toSize())
            place.moveCenter(room.center())
            painter.setOpacity(LEFT_OUT_OPACITY if film.is_left_out else 1.0)
            painter.drawPixmap(place.topLeft(), pixmap)
            painter.setOpacity(1.0)
        if film.is_left_out:
            inner = QRectF(place).adjusted(6, 6, -6, -6)
            painter.setPen(QPen(palette.text().color(), 2))
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())

    def _draw_badge(
        self, painter: QPainter, cell: QRect, room: QRect, film: WallFilm, palette: QPalette
    ) -> None:
        metrics = painter.fontMetrics()
        sign = metrics.ascent()
        text = self._fit(film.badge, cell.width() - sign - 22, Elide.ElideRight, metrics)
        width = sign + metrics.horizontalAdvance(text) + 14
        # A word may need more room than a small picture has.
        left = min(room.left() + 4, cell.right() - 4 - width)
        pill = QRectF(left, room.top() + 4, width, metrics.height() + 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.base())
        painter.drawRoundedRect(pill, 4, 4)
        colour = self._severities.get(film.severity, palette.placeholderText().color())
        mark = QRectF(pill.left() + 4, pill.center().y() - sign / 2, sign, sign)
        draw_sign(painter, mark, film.severity, colour, palette.base().color())
        painter.setPen(palette.text().color())
        pill.setLeft(mark.right() + 4)
        painter.drawText(pill, int(Qt.AlignmentFlag.AlignVCenter), text)

    def _draw_texts(
        self, painter: QPainter, cell: QRect, top: int, film: WallFilm, palette: QPalette
    ) -> None:
        metrics = painter.fontMetrics()
        height, width = metrics.height(), cell.width() - 2 * PAD_PX
        quiet = muted(palette)
        lines = (
            # The folders, the same for many, would leave no room for what tells films apart.
            (
                film.name.rsplit("/", 1)[-1],
                Elide.ElideMiddle,
                quiet if film.is_left_out else palette.text().color(),
            ),
            (film.caption, Elide.ElideRight, quiet),
        )
        for place, (text, elide, colour) in enumerate(lines):
            painter.setPen(colour)
            painter.drawText(
                QRect(cell.left() + PAD_PX, top + place * height, width, height),
                int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine),
                self._fit(text, width, elide, metrics),
            )

    def _fit(self, text: str, width: int, elide: Elide, metrics: QFontMetrics) -> str:
        key = (text, width, elide)
        if key not in self._elided:
            if len(self._elided) > 5_000:
                self._elided.clear()
            # Foreign text: a line break in a name would push the rest out of the cell.
            self._elided[key] = metrics.elidedText(" ".join(text.split()), elide, width)
        return self._elided[key]


def muted(palette: QPalette) -> QColor:
    """The colour of lesser text; the style sheet leaves the palette's own too faint to read."""
    colour = QColor(palette.text().color())
    colour.setAlphaF(0.7)
    return colour


class WallPictures(QObject):
    """Hands out the pixmaps it has, and makes those that are missing in slices of idle time."""

    made = Signal(list)  # rows

    def __init__(
        self,
        film: Callable[[int], WallFilm],
        wanted_rows: Callable[[], Iterable[int]],
        parent: QObject,
    ) -> None:
        """Make pictures of no film yet.

        Args:
            film: The film of a row.
            wanted_rows: The rows worth a picture now, the most urgent first.
            parent: Qt's owner.
        """
        super().__init__(parent)
        self._film, self._wanted_rows = film, wanted_rows
        self._source: PictureSource | None = None
        self._side_px, self._scale = MEDIUM_PX, 1.0
        self._kept = ThumbnailCache(N_KEPT)
        self._stale: set[int] = set()  # still shown, but to be made anew
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._on_idle)

    def set_source(self, source: PictureSource, moves: dict[int, int]) -> None:
        """Take pictures from elsewhere; `moves` says which old rows stand in until then."""
        self._source = source
        self._kept.rename(moves)
        self._stale = {row for row in moves.values() if row in self._kept}

    def set_side(self, side_px: int, scale: float) -> None:
        """Make squares of `side_px`, `scale` times finer for screens with many pixels."""
        if (side_px, scale) != (self._side_px, self._scale):
            self._side_px, self._scale = side_px, scale
            self._kept.clear()
            self._stale.clear()

    def get(self, row: int) -> QPixmap | None:
        """Return the picture of a row, if it was made.

        Nothing is made here: this is called while painting, where an error of the source
        would end the program (PySide 6.11 crashes on an exception in a delegate's paint).
        """
        return self._kept.get(row)

    def make(self, rows: Iterable[int], budget_s: float) -> list[int]:
        """Make what is missing of these for so long; return the rows that were made."""
        deadline = perf_counter() + budget_s
        made = []
        for row in rows:
            if self._source is None or perf_counter() >= deadline:
                break
            if row in self._stale or row not in self._kept:
                self._make(row, self._source)
                made.append(row)
        return made

    def wake(self) -> None:
        """Look again at what is wanted."""
        self._timer.start()

    def stop(self) -> None:
        """Make nothing more until asked again."""
        self._timer.stop()

    def _on_idle(self) -> None:
        wanted = list(self._wanted_rows())
        self._kept.keep_at_least(len(wanted))
        made = self.make(wanted, SLICE_S)
        if made:
            self.made.emit(made)
        else:
            self._timer.stop()

    def _make(self, row: int, source: PictureSource) -> None:
        try:
            picture = source(row)
        except Exception:
            self._source = None  # one failure is told, not one for every film
            raise
        aspect = self._film(row).aspect
        self._kept.put(row, thumbnail(picture, self._side_px, self._scale, aspect))
        self._stale.discard(row)


class FilmWall(QListView):
    """Shows films side by side; rows count from 0 in the order they were given."""

    film_opened = Signal(int)  # row
    selection_changed = Signal(list)  # rows, ascending
    menu_wanted = Signal(QPoint)  # where on the screen

    def __init__(self) -> None:
        super().__init__()
        self._films = FilmWallModel(self)
        self._pictures = WallPictures(self._films.film, self._wanted_rows, self)
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
        """Set the sentence that stands where there is no film."""
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
