"""Class names with a bar and a number for each probability."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

ROW_PX = 44
BAR_PX = 8


class ScoreBars(QWidget):
    """Draws probabilities, the highest marked by weight and a tick, not by colour alone."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, float]] = []
        self._accent, self._muted, self._track = QColor(), QColor(), QColor()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    def show_scores(self, names: Sequence[str], probabilities: Sequence[float]) -> None:
        """Draw one row a class, the most probable first."""
        pairs = zip(names, (float(p) for p in probabilities), strict=True)
        self._rows = sorted(pairs, key=lambda row: -row[1])
        self.setAccessibleName(", ".join(f"{name} {p:.1%}" for name, p in self._rows))
        self.updateGeometry()
        self.update()

    def show_colours(self, accent: str, muted: str, track: str) -> None:
        """Take a theme's colours."""
        self._accent, self._muted, self._track = QColor(accent), QColor(muted), QColor(track)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, max(1, len(self._rows)) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height, width = self._row_height(), self.width()
        for place, (name, probability) in enumerate(self._rows):
            top, is_first = place * height, place == 0
            font = QFont(self.font())
            font.setBold(is_first)
            painter.setFont(font)
            painter.setPen(self.palette().text().color())
            number = f"{probability:.1%}"
            number_width = painter.fontMetrics().horizontalAdvance(number)
            text_height = height - BAR_PX - 12
            room = QRectF(0, top, width - number_width - 8, text_height)
            fitting = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, int(room.width())
            )
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), fitting)
            painter.drawText(
                QRectF(width - number_width, top, number_width, text_height),
                int(Qt.AlignmentFlag.AlignVCenter),
                number,
            )
            bar = QRectF(0, top + text_height + 2, width, BAR_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._track)
            painter.drawRoundedRect(bar, 3, 3)
            painter.setBrush(self._accent if is_first else self._muted)
            bar.setWidth(max(2.0, width * probability))
            painter.drawRoundedRect(bar, 3, 3)

    def _row_height(self) -> int:
        return max(ROW_PX, self.fontMetrics().height() + BAR_PX + 16)
