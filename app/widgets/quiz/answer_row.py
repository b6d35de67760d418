"""One class that can be the answer: a large button that also says who answered so."""

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from app.widgets.labels import plain_tip

ROW_PX = 40  # at least; as high as the text asks for
RADIO_PX = 16
KEY_PX = 20
GAP_PX = 10


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
        metrics = painter.fontMetrics()
        painter.setPen(self._colour("text"))
        if self._note:
            # The class must be told from the others; who chose it may take up to half.
            room = (right - left) / 2
            note = metrics.elidedText(self._note, Qt.TextElideMode.ElideRight, int(room))
            width = metrics.horizontalAdvance(note) + 1
            self._draw(painter, QRectF(right - width, 0, width, self.height()), note)
            right -= width + GAP_PX
        name = metrics.elidedText(self._name, Qt.TextElideMode.ElideRight, int(right - left))
        self._draw(painter, QRectF(left, 0, right - left, self.height()), name)

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

    def _draw(self, painter: QPainter, place: QRectF, text: str) -> None:
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), text)

    def _is_hovered(self) -> bool:
        return self.isEnabled() and self.underMouse()

    def _colour(self, name: str) -> QColor:
        return QColor(self._colours.get(name, "#808080"))


def _bold(font: QFont, is_bold: bool) -> QFont:
    copy = QFont(font)
    copy.setBold(is_bold)
    return copy
