"""The films of the list for Qt's views, filtered and sorted, and the drawing of a row.

Two things that Qt would do take too long in Python, where 10,000 rows must not stop the window.
QSortFilterProxyModel asks for each of 130,000 comparisons (0.4 to 0.7 s; this takes 0.02 s). And a
QListView asks a QAbstractListModel for its number of rows once for each row whenever one is added
(0.02 to 0.1 s), so the number is kept in Qt's own QStringListModel.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    QStringListModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPalette,
    QPen,
    QPixmap,
    QPolygonF,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.i18n import listing, say, tr
from app.widgets.labels import plain_tip
from app.widgets.signs import draw_verdict
from app.widgets.thumbnails import ThumbnailCache, thumbnail
from core.errors import Message
from core.prediction.film_search import RefusedFilm
from core.prediction.reading import FilmResult
from core.prediction.verdict import LEVELS, level_words

_N_KEPT: Final = 400  # thumbnails; at 96 px and four bytes a pixel: 15 MB

log = logging.getLogger(__name__)

ListedFilm = FilmResult | RefusedFilm
_TRAINED_ON: Final = Message("trained on")


@dataclass(frozen=True, slots=True)
class RowWords:
    """The lines of a row in the user's language."""

    answer: str
    probability: str
    note: str
    tip: str  # all that is known, a line each
    spoken: str  # the same for assistive software


def words_of(film: ListedFilm, classes: Sequence[str]) -> RowWords:
    """Put a row into words of the language of the moment.

    Args:
        film: Of the row.
        classes: The names of the classes as they are shown, by their index.
    """
    if isinstance(film, RefusedFilm):
        reason = say(film.refusal.reason)
        parts = [film.name, tr("not read"), reason]
        return RowWords(tr("not read"), "", reason, "\n".join(parts), listing(parts))
    verdict = say(level_words(film.verdict.level))
    notes = list(_notes(film, classes))
    if film.hides_answer:
        parts = [film.name, verdict, *notes]
        return RowWords(verdict, "", "  ·  ".join(notes), "\n".join(parts), listing(parts))
    answer = _class_name(film.predicted, classes)
    probability = f"{film.opinion.probability:.1%}"
    truth = {None: "", True: tr("✓ right"), False: tr("× wrong")}[film.is_right]
    parts = [film.name, verdict, f"{answer} {probability}", truth, *notes]
    parts = [part for part in parts if part]
    return RowWords(answer, probability, "  ·  ".join(notes), "\n".join(parts), listing(parts))


def _notes(film: FilmResult, classes: Sequence[str]) -> Iterator[str]:
    if film.duplicate_of:
        yield tr("Already read as {name}", name=film.duplicate_of)
    if film.is_right is False and film.true_label is not None and not film.hides_answer:
        yield tr("True class: {name}", name=_class_name(film.true_label, classes))
    if film.seen in ("train", "copy"):
        yield say(_TRAINED_ON)
    elif not film.opinion.is_sure and not film.hides_answer:
        yield tr("Not sure")


def _class_name(label: int, classes: Sequence[str]) -> str:
    return classes[label] if 0 <= label < len(classes) else str(label)


def _short(name: str) -> str:
    """Cut off the folders, which are the same for many."""
    return name.rstrip("/").rsplit("/", 1)[-1] or name


_NUMBER: Final = re.compile(r"(\d+)")


class Show(Enum):
    """A filter of the list, besides one class."""

    ALL = auto()
    NOT_SURE = auto()
    NOT_RELIABLE = auto()
    WRONG = auto()
    REPEATED = auto()
    REFUSED = auto()


class Order(Enum):
    """An order of the list; equals stay in the order in which they came."""

    ARRIVAL = auto()
    NAME = auto()
    CLASS = auto()
    MOST_PROBABLE = auto()
    LEAST_PROBABLE = auto()
    LEAST_BELIEVABLE = auto()


@dataclass(frozen=True, slots=True)
class Choice:
    """Filter and order of the list."""

    show: Show | int = Show.ALL  # a number: of that class
    words: str = ""  # that the name contains
    order: Order = Order.ARRIVAL

    @property
    def is_narrow(self) -> bool:
        """True where films may be missing."""
        return self.show is not Show.ALL or bool(self.words.strip())

    def accepts(self, film: ListedFilm) -> bool:
        """True where a film is shown."""
        words = self.words.casefold().split()
        if words and not all(word in film.name.casefold() for word in words):
            return False
        return _belongs(film, self.show)

    def place(self, film: ListedFilm) -> Any:
        """Return the value by which films are compared in this order."""
        match self.order:
            case Order.ARRIVAL:
                return 0
            case Order.NAME:
                return _by_name(film)
        if isinstance(film, RefusedFilm):
            return (1,)  # at the end
        return _PLACES[self.order](film)


def _belongs(film: ListedFilm, show: Show | int) -> bool:
    if show in (Show.ALL, Show.REFUSED):
        return show is Show.ALL or isinstance(film, RefusedFilm)
    if isinstance(film, RefusedFilm):
        return False
    match show:
        case Show.NOT_SURE:
            return not film.opinion.is_sure
        case Show.NOT_RELIABLE:
            return film.verdict.level == "not_reliable"
        case Show.WRONG:
            return film.is_right is False and not film.hides_answer
        case Show.REPEATED:
            return film.duplicate_of is not None
    return film.predicted == show and not film.hides_answer


def _by_name(film: ListedFilm) -> list[object]:
    """Put film 9 before film 10; the pieces of a name are words and numbers by turns."""
    pieces: list[object] = list(_NUMBER.split(film.name.casefold()))
    for place in range(1, len(pieces), 2):
        digits = str(pieces[place]).lstrip("0")
        pieces[place] = (len(digits), digits)  # int() refuses very long ones
    return pieces


def _last_where_hidden(film: FilmResult, *places: float) -> tuple[float, ...]:
    return (1,) if film.hides_answer else (0, *places)


_PLACES: Final[dict[Order, Callable[[FilmResult], tuple[float, ...]]]] = {
    # An answer that is withheld must not be told by its place either.
    Order.CLASS: lambda film: _last_where_hidden(film, film.predicted, -film.opinion.probability),
    Order.MOST_PROBABLE: lambda film: _last_where_hidden(film, -film.opinion.probability),
    Order.LEAST_PROBABLE: lambda film: _last_where_hidden(film, film.opinion.probability),
    Order.LEAST_BELIEVABLE: lambda film: (
        0,
        -LEVELS.index(film.verdict.level),
        0.0 if film.hides_answer else film.opinion.probability,
    ),
}

AnyIndex = QModelIndex | QPersistentModelIndex
_MAX_WORDS = 2000  # rows whose words are kept


class ReadingListModel(QStringListModel):
    """The films by key in the order in which they came, and the keys of those that are shown.

    Its rows change in two ways only: films are appended, or all rows are laid out anew.
    """

    about_to_move = Signal()  # after it, the rows are reset

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[int, ListedFilm] = {}
        self._places: dict[int, Any] = {}  # by what the chosen order compares
        self._shown: list[int] = []
        self._row_of: dict[int, int] = {}
        self._choice = Choice()
        self._classes: Sequence[str] = ()
        self._words: dict[int, RowWords] = {}

    # What is in it.

    @property
    def n_films(self) -> int:
        """The number of films, shown or not."""
        return len(self._rows)

    @property
    def choice(self) -> Choice:
        """Filter and order."""
        return self._choice

    @property
    def shown(self) -> Sequence[int]:
        """Keys, from top to bottom."""
        return self._shown

    def film(self, key: int) -> ListedFilm | None:
        """Return a film, shown or not."""
        return self._rows.get(key)

    def key_at(self, row: int) -> int | None:
        """Return the film in a row."""
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def row_of(self, key: int | None) -> int:
        """Return the row of a film; -1: it is not shown."""
        return -1 if key is None else self._row_of.get(key, -1)

    def neighbour(self, key: int, steps: int) -> int | None:
        """Return the film so many rows below `key`, or above; None: beyond the ends.

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
        """Return the words of a film's row."""
        words = self._words.get(key)
        if words is None:
            if len(self._words) >= _MAX_WORDS:
                self._words.clear()
            words = self._words[key] = words_of(self._rows[key], self._classes)
        return words

    # How it changes.

    def take(self, new: Sequence[ListedFilm], changed: Iterable[ListedFilm]) -> None:
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

    def _replace(self, row: ListedFilm) -> bool:
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


SIDE_PX: Final = 48  # of the picture
SIGN_PX: Final = 16
PAD_PX: Final = 8
EDGE_PX: Final = 3  # of the bar at a chosen row's left
_MAX_TEXTS: Final = 4000

State = QStyle.StateFlag
Elide = Qt.TextElideMode
RIGHT, LEFT = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft


class ReadingDelegate(QStyledItemDelegate):
    """Draws a row; every error on the way is logged, because Qt would end the program."""

    def __init__(self, model: ReadingListModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._thumbnails = ThumbnailCache(_N_KEPT)
        self._colours: Mapping[str, str] = {}
        # Finding where to cut a text costs as much as drawing it.
        self._elided: dict[tuple[str, int, Elide, bool], str] = {}
        self._in_two: dict[tuple[str, int], tuple[str, str]] = {}

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours, see `resources.colours`."""
        self._colours = colours

    def forget(self) -> None:
        """Measure texts anew, after the font changed, and let pictures go."""
        self._elided.clear()
        self._in_two.clear()
        self._thumbnails.clear()

    def row_height(self, font: QFont) -> int:
        """The same for all rows."""
        lines = 2 * QFontMetrics(font).height() + QFontMetrics(_small(font)).height()
        return max(SIDE_PX, lines + 2) + 2 * PAD_PX - 4

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(0, self.row_height(option.font))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        painter.save()
        try:
            key = self._model.key_at(index.row())
            film = self._model.film(key) if key is not None else None
            if film is not None:
                self._draw(painter, option, film, self._model.words(film.key))
        except Exception:
            log.exception("a row of the list cannot be drawn")
        finally:
            painter.restore()

    def _draw(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        film: ListedFilm,
        words: RowWords,
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell, palette = option.rect, option.palette
        self._draw_ground(painter, cell, palette, option.state)
        picture = QRect(cell.left() + PAD_PX + EDGE_PX, 0, SIDE_PX, SIDE_PX)
        picture.moveTop(cell.top() + (cell.height() - SIDE_PX) // 2)
        self._draw_picture(painter, picture, film, palette)
        left = picture.right() + 1 + PAD_PX
        room = QRect(left, cell.top(), cell.right() - PAD_PX - left, cell.height())
        self._draw_lines(painter, room, film, words, option)

    def _draw_ground(
        self, painter: QPainter, cell: QRect, palette: QPalette, state: QStyle.StateFlag
    ) -> None:
        """Chosen: filled, with a bar at the left. Current while the keys work here: framed."""
        is_selected = bool(state & State.State_Selected)
        if is_selected:
            painter.fillRect(cell, palette.highlight())
            painter.fillRect(QRect(cell.topLeft(), QSize(EDGE_PX, cell.height())), palette.link())
        elif state & State.State_MouseOver:
            painter.fillRect(cell, _faint(palette, 0.06))
        painter.fillRect(QRect(cell.left(), cell.bottom(), cell.width(), 1), _faint(palette, 0.08))
        if state & State.State_HasFocus:
            painter.setPen(QPen(_faint(palette, 0.7), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(cell).adjusted(EDGE_PX + 1.5, 1.5, -1.5, -2.5))

    def _draw_picture(
        self, painter: QPainter, room: QRect, film: ListedFilm, palette: QPalette
    ) -> None:
        pixmap = self._thumbnail(film, painter.device().devicePixelRatioF())
        if not pixmap.isNull():
            painter.fillRect(room, QColor(self._colours.get("film", "#000000")))
            place = QRectF(QPointF(0, 0), pixmap.deviceIndependentSize())
            place.moveCenter(QRectF(room).center())
            painter.drawPixmap(place.topLeft(), pixmap)
            return
        painter.setPen(QPen(_faint(palette, 0.35), 1, Qt.PenStyle.DashLine))
        painter.setBrush(_faint(palette, 0.04))
        painter.drawRoundedRect(QRectF(room).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        if isinstance(film, RefusedFilm):
            cross = QRectF(room).adjusted(17, 17, -17, -17)
            painter.setPen(_round_pen(_faint(palette, 0.6), 2))
            painter.drawLine(cross.topLeft(), cross.bottomRight())
            painter.drawLine(cross.topRight(), cross.bottomLeft())

    def _thumbnail(self, film: ListedFilm, scale: float) -> QPixmap:
        """Return the picture of a row; a null one where there is none."""
        known = self._thumbnails.get((film.key, scale))
        if known is not None:
            return known
        pixmap = QPixmap()
        if isinstance(film, FilmResult) and film.thumbnail is not None:
            try:
                pixmap = thumbnail(film.thumbnail, SIDE_PX, scale)
            except Exception:  # it is painted, where an error would end the program
                log.exception("a thumbnail cannot be drawn")
        self._thumbnails.put((film.key, scale), pixmap)
        return pixmap

    def _draw_lines(
        self,
        painter: QPainter,
        room: QRect,
        film: ListedFilm,
        words: RowWords,
        option: QStyleOptionViewItem,
    ) -> None:
        normal, small = option.font, _small(option.font)
        height, small_height = QFontMetrics(normal).height(), QFontMetrics(small).height()
        text, quiet = option.palette.text().color(), self._quiet(option.palette)
        is_refused = isinstance(film, RefusedFilm)
        n_small = 2 if is_refused else bool(words.note)
        n_normal = 1 if is_refused else 2
        used = n_normal * height + n_small * small_height + 2
        name = QRect(room.left(), room.top() + (room.height() - used) // 2, room.width(), height)
        answer = name.translated(0, height + 2)
        note = QRect(room.left(), answer.bottom() + 1, room.width(), small_height)

        if isinstance(film, FilmResult):
            sign = QRectF(0, 0, SIGN_PX, SIGN_PX)
            sign.moveCenter(QPointF(room.right() - SIGN_PX / 2, name.center().y() + 0.5))
            is_selected = bool(option.state & State.State_Selected)
            ground = "selected" if is_selected else "field"
            draw_verdict(painter, sign, film.verdict.level, self._colours, ground)
            name.setWidth(name.width() - SIGN_PX - PAD_PX)
        painter.setFont(normal)
        colour = quiet if is_refused else text
        self._write(painter, name, _short(film.name), colour, Elide.ElideMiddle)
        if isinstance(
            film, RefusedFilm
        ):  # two lines of its reason say more than "not read" and one
            painter.setFont(small)
            line = QRect(room.left(), name.bottom() + 3, room.width(), small_height)
            for part in self._broken(words.note, small, room.width()):
                self._write(painter, line, part, quiet, is_small=True)
                line.translate(0, small_height)
            return
        metrics = QFontMetrics(normal)
        painter.setPen(text)
        painter.drawText(answer, int(RIGHT), words.probability)
        answer.setWidth(answer.width() - metrics.horizontalAdvance(words.probability) - PAD_PX)
        mark_px = metrics.ascent()
        is_marked = film.is_right is not None and not film.hides_answer
        if is_marked:
            answer.setWidth(answer.width() - mark_px - 4)
        said = self._write(painter, answer, words.answer, text)
        if is_marked and film.is_right is not None:
            mark = QRectF(0, 0, mark_px, mark_px)
            mark.moveCenter(QPointF(answer.left() + said + 5 + mark_px / 2, answer.center().y()))
            self._draw_mark(painter, mark, film.is_right)
        if words.note:
            painter.setFont(small)
            self._write(painter, note, words.note, quiet, is_small=True)

    def _draw_mark(self, painter: QPainter, place: QRectF, is_right: bool) -> None:
        """A tick or a cross for the answer, whose truth is known."""
        side = place.width()
        name = "good" if is_right else "danger"
        painter.setPen(_round_pen(QColor(self._colours.get(name, "#808080")), max(1.6, side / 7)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        at = place.topLeft()
        if is_right:
            tick = [(0.16, 0.55), (0.4, 0.8), (0.84, 0.24)]
            painter.drawPolyline(QPolygonF([at + QPointF(x * side, y * side) for x, y in tick]))
        else:
            inner = place.adjusted(side * 0.22, side * 0.22, -side * 0.22, -side * 0.22)
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())

    def _write(
        self,
        painter: QPainter,
        room: QRect,
        text: str,
        colour: QColor,
        elide: Elide = Elide.ElideRight,
        *,
        is_small: bool = False,
    ) -> int:
        """Draw one line, cut where it must be; how wide it became."""
        metrics = painter.fontMetrics()
        key = (text, room.width(), elide, is_small)
        if key not in self._elided:
            if len(self._elided) > _MAX_TEXTS:
                self._elided.clear()
            # Foreign text: a line break in a name would push the rest out of the cell.
            self._elided[key] = metrics.elidedText(" ".join(text.split()), elide, room.width())
        painter.setPen(colour)
        how = LEFT | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        painter.drawText(room, int(how), self._elided[key])
        return metrics.horizontalAdvance(self._elided[key])

    def _broken(self, text: str, font: QFont, width: int) -> tuple[str, str]:
        """A sentence in two lines, of which the second may be too long."""
        key = (text, width)
        if key not in self._in_two:
            if len(self._in_two) > _MAX_TEXTS:
                self._in_two.clear()
            layout = QTextLayout(text, font)
            layout.setTextOption(QTextOption(LEFT))
            layout.beginLayout()
            line = layout.createLine()
            line.setLineWidth(width)
            layout.endLayout()
            self._in_two[key] = (text[: line.textLength()], text[line.textLength() :])
        return self._in_two[key]

    def _quiet(self, palette: QPalette) -> QColor:
        known = self._colours.get("muted")
        return QColor(known) if known else _faint(palette, 0.7)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(font.pointSizeF() * 0.9)
    elif font.pixelSize() > 0:
        small.setPixelSize(max(1, round(font.pixelSize() * 0.9)))
    return small


def _faint(palette: QPalette, share: float) -> QColor:
    colour = QColor(palette.text().color())
    colour.setAlphaF(share)
    return colour


def _round_pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
