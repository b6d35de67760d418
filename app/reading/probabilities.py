"""The probabilities of all classes, which of them remain possible, and whose heat map is shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
)

from app.i18n import listing, tr
from app.widgets.labels import MIDDLE_GREY, Chip, plain_label, plain_tip
from app.widgets.page import TranslatedWidget

AnyIndex = QModelIndex | QPersistentModelIndex
PAD_PX, GAP_PX, BAR_PX = 6, 8, 6
MARK_PX = 3  # the width of the bracket beside classes that remain possible
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_ROW = Qt.ItemDataRole.UserRole
MAX_ROWS: Final = 8  # with more classes the rows scroll


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class with its probability."""

    index: int  # among the model's classes
    name: str
    probability: float  # 0 to 1
    is_first: bool  # the most probable
    is_possible: bool  # one of several that remain possible
    is_ruled_out: bool

    def in_words(self) -> str:
        """Put the row into words, to be read aloud."""
        parts = [f"{self.name} {percent(self.probability)}"]
        if self.is_possible:
            parts.append(tr("possible"))
        if self.is_ruled_out:
            parts.append(tr("ruled out"))
        return listing(parts)


def percent(share: float) -> str:
    """A probability as it is written everywhere; "–" where it is no number."""
    return f"{share:.1%}" if math.isfinite(share) else "–"


class ClassRows(QAbstractListModel):
    """The rows as a model: names, words for assistive software, tooltips."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[ClassRow] = []

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self.rows):
            return None
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:  # typing the first letters finds a class
                return row.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.in_words()
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(
                    row.in_words() + "\n" + tr("Choose a row to see the heat map of its class.")
                )
            case _:
                return row if role == _ROW else None


class ClassRowDelegate(QStyledItemDelegate):
    """Draws name, mark, number and bar."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.colours: Mapping[str, str] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(0, row_height(option.fontMetrics.height()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row = index.data(_ROW)
        if not isinstance(row, ClassRow):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell = QRectF(option.rect)
        self._draw_ground(painter, cell, option)
        inner = cell.adjusted(PAD_PX + MARK_PX, PAD_PX - 2, -PAD_PX, -PAD_PX)
        if row.is_possible:  # rows of possible classes touch, so their marks form a bracket
            painter.fillRect(
                QRectF(cell.left(), cell.top(), MARK_PX, cell.height()), self._colour("accent")
            )
        words = QRectF(inner.topLeft(), inner.size())
        words.setHeight(inner.height() - BAR_PX - 3)
        self._draw_words(painter, words, row, option)
        bar = QRectF(inner.left(), inner.bottom() - BAR_PX, inner.width(), BAR_PX)
        self._draw_bar(painter, bar, row)
        painter.restore()

    def _draw_ground(self, painter: QPainter, cell: QRectF, option: QStyleOptionViewItem) -> None:
        state = option.state
        frame = cell.adjusted(0.5, 1.5, -0.5, -1.5)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(self._colour("selected"))
            painter.drawRoundedRect(frame, 4, 4)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(self._colour("hover"))
            painter.drawRoundedRect(frame, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._colour("accent"), 1))
            painter.drawRoundedRect(frame, 4, 4)

    def _draw_words(
        self, painter: QPainter, room: QRectF, row: ClassRow, option: QStyleOptionViewItem
    ) -> None:
        font = QFont(option.font)
        if row.is_first:
            font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        strong, quiet = option.palette.text().color(), self._colour("muted")
        metrics = painter.fontMetrics()
        number = percent(row.probability)
        left = float(room.right() - metrics.horizontalAdvance(number) - 1)
        painter.setPen(quiet if row.is_ruled_out else strong)
        painter.drawText(
            QRectF(left, room.top(), room.right() - left, room.height()), _LEFT, number
        )
        if row.is_possible:
            word = tr("possible")
            painter.setFont(option.font)
            painter.setPen(self._colour("accent"))
            width = painter.fontMetrics().horizontalAdvance(word) + 1
            left -= width + GAP_PX
            painter.drawText(QRectF(left, room.top(), width, room.height()), _LEFT, word)
        painter.setFont(font)
        painter.setPen(quiet if row.is_ruled_out else strong)
        rest = max(0.0, left - GAP_PX - room.left())
        fitting = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, int(rest))
        painter.drawText(QRectF(room.left(), room.top(), rest, room.height()), _LEFT, fitting)

    def _draw_bar(self, painter: QPainter, place: QRectF, row: ClassRow) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour("raised"))
        painter.drawRoundedRect(place, 3, 3)
        share = row.probability if math.isfinite(row.probability) else 0.0
        filled = QRectF(place)
        filled.setWidth(max(2.0, place.width() * min(1.0, max(0.0, share))))
        painter.setBrush(self._colour("accent" if row.is_first else "muted"))
        painter.drawRoundedRect(filled, 3, 3)

    def _colour(self, name: str) -> QColor:
        return QColor(self.colours.get(name, MIDDLE_GREY))


def row_height(text_px: int) -> int:
    """Return the height of a row whose text is `text_px` high."""
    return text_px + BAR_PX + 2 * PAD_PX + 2


class ProbabilityBars(TranslatedWidget):
    """One row a class, the most probable first; weight and words mark rows, not colour alone."""

    class_chosen = Signal(int)  # index among the names: show the heat map of this class

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._probabilities: tuple[float, ...] = ()
        self._candidates: tuple[int, ...] = ()
        self._is_calibrated = False
        self._title, self._chip = plain_label("sectionTitle"), Chip()
        self._summary = plain_label("muted", wraps=True)
        self._rows, self._view = ClassRows(self), QListView()
        self._delegate = ClassRowDelegate(self)
        self._view.setModel(self._rows)
        self._view.setItemDelegate(self._delegate)
        self._view.setUniformItemSizes(True)
        self._view.setMouseTracking(True)  # for the row under the mouse
        self._view.setFrameShape(QFrame.Shape.NoFrame)
        self._view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # The rows lie on the card, not in a field of their own as other lists do.
        self._view.setStyleSheet("QListView { background: transparent; border: none; }")
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._chip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._summary)
        column.addWidget(self._view)
        column.addStretch()  # else the summary would take what room is left
        self._view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.retranslate()

    @property
    def chosen_class(self) -> int | None:
        """The class whose heat map is to be seen; None: no film is shown."""
        row = self._view.currentIndex().row()
        return self._rows.rows[row].index if 0 <= row < len(self._rows.rows) else None

    def show_answer(
        self,
        names: Sequence[str],
        probabilities: Sequence[float],
        candidates: Sequence[int],
        *,
        is_calibrated: bool,
        chosen: int | None = None,
    ) -> None:
        """Show what the model says of a film.

        Args:
            names: Of the classes, as they are shown.
            probabilities: One a class, in the same order.
            candidates: The classes that remain possible.
            is_calibrated: Whether the probabilities may be taken as odds.
            chosen: The class whose heat map is shown; None: the most probable one.
        """
        self._names = tuple(" ".join(name.split()) for name in names)
        self._probabilities = tuple(float(value) for value in probabilities)
        self._candidates, self._is_calibrated = tuple(candidates), is_calibrated
        self._fill(chosen)

    def choose_class(self, index: int) -> None:
        """Mark the class whose heat map is shown, without telling anybody."""
        places = [place for place, row in enumerate(self._rows.rows) if row.index == index]
        if not places:
            return
        with QSignalBlocker(self):
            self._view.selectionModel().setCurrentIndex(
                self._rows.index(places[0]), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours, see `resources.colours`."""
        self._delegate.colours = colours
        self._chip.show_colours(colours)
        self._view.viewport().update()

    def retranslate(self) -> None:
        self._title.setText(tr("Probabilities"))
        self._view.setAccessibleName(tr("Probabilities of the classes"))
        self._fill(self.chosen_class)

    def _fill(self, chosen: int | None) -> None:
        has_film = bool(self._names)
        n_possible = len(self._candidates)
        is_open = n_possible > 1
        first = self._most_probable()
        order = sorted(
            range(len(self._names)),
            key=lambda index: (index != first, -self._rank(index), index),
        )
        possible = set(self._candidates)
        with QSignalBlocker(self):
            self._rows.show_rows(
                [
                    ClassRow(
                        index,
                        self._names[index],
                        self._probabilities[index],
                        is_first=index == first,
                        is_possible=is_open and index in possible,
                        is_ruled_out=self._is_calibrated
                        and bool(possible)
                        and index not in possible,
                    )
                    for index in order
                ]
            )
        if first is not None:
            self.choose_class(first if chosen is None else chosen)
        self._fit_height()
        self._chip.setVisible(has_film)
        self._summary.setText(self._summarise() if has_film else "")
        self._summary.setVisible(has_film)
        if not has_film:
            return
        if self._is_calibrated:
            self._chip.show_words(
                tr("calibrated"),
                "good",
                tr(
                    "The probabilities were set right on films that the model had not learned "
                    "from: of all answers given with 80%, about 80% were right."
                ),
            )
        else:
            self._chip.show_words(
                tr("uncalibrated"),
                "warning",
                tr(
                    "Nobody checked how often the model is right when it says 80%; networks are "
                    "mostly too sure of themselves. Read the numbers as a ranking."
                ),
            )

    def _summarise(self) -> str:
        n_possible = len(self._candidates)
        if n_possible in (0, len(self._names)):
            return tr("Not sure: no class can be ruled out.")
        if n_possible > 1:
            return tr("Not sure: {n} classes remain possible.", n=n_possible)
        if self._is_calibrated:
            return tr("One class remains possible.")
        return tr("A ranking, not odds.")

    def _most_probable(self) -> int | None:
        return max(range(len(self._names)), key=self._rank, default=None)

    def _rank(self, index: int) -> float:
        value = self._probabilities[index]
        return value if value == value else -1.0  # not a number: last

    def _fit_height(self) -> None:
        height = row_height(self._view.fontMetrics().height())
        self._view.setFixedHeight(min(len(self._rows.rows), MAX_ROWS) * height)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.class_chosen.emit(self._rows.rows[current.row()].index)
