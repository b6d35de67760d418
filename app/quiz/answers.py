"""The classes as answers: a button each, or a list to search where there are many."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QLineEdit,
    QListWidget,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.i18n import listing, tr
from app.widgets.labels import MIDDLE_GREY, plain_tip
from app.widgets.layouts import scroll_area, v_box
from app.widgets.page import TranslatedWidget

ROW_PX = 40  # at least; as high as the text asks for
RADIO_PX = 16
KEY_PX = 20
GAP_PX = 10
MOST_BUTTONS = 9  # as many as there are digits to press
LIST_LEAST_PX = 132
ROWS_LEAST = 3  # in sight; in a low window one scrolls to the others
SPACING_PX = 6


class AnswerRow(QAbstractButton):
    """A class with the key that chooses it; the chosen one has a filled ring and a thick frame.

    Args:
        key: What to press; empty: there is no key.
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key, self._name, self._note = key, "", ""
        self._colours: Mapping[str, str] = {}
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_class(self, name: str) -> None:
        """Name the class, as it is: class names are foreign text."""
        self._name = name
        self._name_for_all()

    def show_note(self, note: str) -> None:
        """Say who answered so, at the right; may be empty."""
        self._note = note
        self._name_for_all()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self.update()

    def _name_for_all(self) -> None:
        self.setAccessibleName(f"{self._name}  {self._note}" if self._note else self._name)
        self.setToolTip(plain_tip(self._name))
        self.update()

    # Qt's own.

    def sizeHint(self) -> QSize:
        return QSize(240, max(ROW_PX, self.fontMetrics().height() + 18))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_frame(painter)
        middle = self.height() / 2
        self._draw_ring(painter, QPointF(GAP_PX + RADIO_PX / 2, middle))
        left, right = 2 * GAP_PX + RADIO_PX, self.width() - GAP_PX
        if self._key:
            place = QRectF(left, middle - KEY_PX / 2, KEY_PX, KEY_PX)
            painter.setPen(self._colour("muted"))
            painter.drawRoundedRect(place, 4, 4)
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), self._key)
            left += KEY_PX + GAP_PX
        painter.setFont(_bold(self.font(), self.isChecked()))
        metrics, how = painter.fontMetrics(), int(Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(self._colour("text"))
        if self._note:
            # The class must be told from the others; who chose it may take up to half.
            room = (right - left) / 2
            note = metrics.elidedText(self._note, Qt.TextElideMode.ElideRight, int(room))
            width = metrics.horizontalAdvance(note) + 1
            painter.drawText(QRectF(right - width, 0, width, self.height()), how, note)
            right -= width + GAP_PX
        name = metrics.elidedText(self._name, Qt.TextElideMode.ElideRight, int(right - left))
        painter.drawText(QRectF(left, 0, right - left, self.height()), how, name)

    def _draw_frame(self, painter: QPainter) -> None:
        is_strong = self.isChecked() or self.hasFocus()
        pen = QPen(self._colour("accent" if is_strong else "border"), 2 if self.isChecked() else 1)
        if self.hasFocus() and not self.isChecked():
            pen.setStyle(Qt.PenStyle.DashLine)
        ground = "selected" if self.isChecked() else "hover" if self._is_hovered() else "raised"
        painter.setPen(pen)
        painter.setBrush(self._colour(ground if self.isEnabled() else "panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)

    def _draw_ring(self, painter: QPainter, middle: QPointF) -> None:
        colour = self._colour("accent" if self.isChecked() else "muted")
        painter.setPen(QPen(colour, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, RADIO_PX / 2 - 1, RADIO_PX / 2 - 1)
        if self.isChecked():
            painter.setBrush(colour)
            painter.drawEllipse(middle, RADIO_PX / 4, RADIO_PX / 4)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _is_hovered(self) -> bool:
        return self.isEnabled() and self.underMouse()

    def _colour(self, name: str) -> QColor:
        return QColor(self._colours.get(name, MIDDLE_GREY))


def _bold(font: QFont, is_bold: bool) -> QFont:
    copy = QFont(font)
    copy.setBold(is_bold)
    return copy


class AnswerChoice(TranslatedWidget):
    """The choice of one class."""

    chosen = Signal(int)  # label

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._rows: list[AnswerRow] = []
        self._colours: Mapping[str, str] = {}
        self._marks: tuple[tuple[str, int], ...] = ()
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.chosen)
        self._filter, self._list = QLineEdit(), QListWidget()
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._on_filter_changed)
        self._list.setMinimumHeight(LIST_LEAST_PX)
        self._list.currentRowChanged.connect(self._on_row_changed)
        rows = QWidget()
        rows.setObjectName("bare")
        self._column = QVBoxLayout(rows)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACING_PX)
        self._scroll = scroll_area(rows, only_vertical=True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        v_box(self._scroll, self._filter, (self._list, 1), owner=self, spacing=SPACING_PX)
        for part in (self._scroll, self._filter, self._list):
            part.hide()  # until it is known how many classes there are
        self.retranslate()

    @property
    def has_keys(self) -> bool:
        """True where digits choose classes; in a list they are typed into the search."""
        return 0 < len(self._names) <= MOST_BUTTONS

    def show_classes(self, names: Sequence[str]) -> None:
        """Offer classes, in the order of their labels."""
        if tuple(names) == self._names:
            return
        if len(names) != len(self._names):
            self._make_rows(len(names) if len(names) <= MOST_BUTTONS else 0)
        self._names = tuple(names)
        for row, name in zip(self._rows, names, strict=False):
            row.show_class(name)
        self._list.blockSignals(True)
        self._list.clear()
        if not self._rows:
            self._list.addItems(list(names))
        self._list.blockSignals(False)
        self._filter.setVisible(not self._rows)
        self._list.setVisible(not self._rows)
        self._say_marks()

    def show_answer(self, label: int | None) -> None:
        """Mark the answer that would count now; nothing is told of it."""
        self._group.setExclusive(False)  # else nothing could be unmarked
        for number, row in enumerate(self._rows):
            row.setChecked(number == label)
            if number == label:
                self._scroll.ensureWidgetVisible(row, 0, 0)
        self._group.setExclusive(True)
        if not self._rows:
            self._list.blockSignals(True)
            self._list.setCurrentRow(-1 if label is None else label)
            self._list.blockSignals(False)

    def show_marks(self, marks: Sequence[tuple[str, int]]) -> None:
        """Write words beside classes, such as who answered so: (word, label) each."""
        self._marks = tuple(marks)
        self._say_marks()

    def clear_search(self) -> None:
        """Show all classes again."""
        self._filter.clear()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        for row in self._rows:
            row.show_colours(colours)

    def retranslate(self) -> None:
        self._filter.setPlaceholderText(tr("Search for a class"))
        self._filter.setAccessibleName(tr("Search for a class"))
        self._list.setAccessibleName(tr("Your answer"))

    def _make_rows(self, n: int) -> None:
        for row in self._rows:
            self._group.removeButton(row)
            self._column.removeWidget(row)
            row.deleteLater()
        self._rows = [AnswerRow(str(number + 1)) for number in range(n)]
        self._scroll.setVisible(n > 0)
        if n:
            height = self._rows[0].sizeHint().height() + SPACING_PX
            self._scroll.setMinimumHeight(min(n, ROWS_LEAST) * height - SPACING_PX)
            self._scroll.setMaximumHeight(n * height - SPACING_PX)
        for number, row in enumerate(self._rows):
            row.show_colours(self._colours)
            self._group.addButton(row, number)
            self._column.addWidget(row)

    def _say_marks(self) -> None:
        for label, name in enumerate(self._names):
            who = [word for word, of in self._marks if of == label]
            note = listing(who) if who else ""
            if self._rows:
                self._rows[label].show_note(note)
            else:
                self._list.item(label).setText(f"{name}   ({note})" if note else name)

    @Slot(int)
    def _on_row_changed(self, row: int) -> None:
        if row >= 0:
            self.chosen.emit(row)

    @Slot(str)
    def _on_filter_changed(self, text: str) -> None:
        wanted = text.casefold()
        for label, name in enumerate(self._names):
            self._list.item(label).setHidden(wanted not in name.casefold())

    def focus_search(self) -> None:
        """Let what is typed go into the search, where there is one."""
        if not self._rows:
            self._filter.setFocus(Qt.FocusReason.OtherFocusReason)
