"""A word in a frame: how something stands."""

from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.labels import plain_tip

Tone = Literal["good", "warning", "danger", "muted"]
PAD_PX = 7  # left and right of the word
MIDDLE_GREY = "#808080"  # until a theme is known


class Chip(QWidget):
    """Draws one word or two in the colour of its tone; the tooltip explains it."""

    def __init__(self) -> None:
        super().__init__()
        self._words, self._tone = "", "muted"
        self._colours: Mapping[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    @property
    def words(self) -> str:
        """What it says."""
        return self._words

    def show_words(self, words: str, tone: Tone, meaning: str = "") -> None:
        """Say something else; without words there is nothing to see."""
        self._words, self._tone = words, tone
        self.setAccessibleName(words)
        self.setAccessibleDescription(meaning)
        self.setToolTip(plain_tip(meaning))
        self.setVisible(bool(words))
        self.updateGeometry()
        self.update()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._words) + 2 * PAD_PX + 2, metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * PAD_PX, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._words:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(self._colours.get(self._tone, MIDDLE_GREY))
        ground = QColor(colour)
        ground.setAlphaF(0.12)
        painter.setPen(QPen(colour, 1))
        painter.setBrush(ground)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, 4, 4)
        room = frame.adjusted(PAD_PX, 0, -PAD_PX + 1, 0)
        fitting = painter.fontMetrics().elidedText(
            self._words, Qt.TextElideMode.ElideRight, int(room.width()) + 1
        )
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), fitting)
