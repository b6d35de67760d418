"""A chart that was drawn elsewhere."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

LEAST_SIZE, USUAL_SIZE = QSize(260, 210), QSize(520, 420)


class ChartView(QWidget):
    """Shows a picture as large as there is room, its proportions kept.

    A picture finer than the screen, for Qt's SVG cannot draw letters that are outlines.
    """

    def __init__(self) -> None:
        super().__init__()
        self._picture = QPixmap()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_png(self, content: bytes) -> None:
        """Show another chart, a PNG file; b"" shows nothing."""
        self._picture = QPixmap()
        self._picture.loadFromData(content)
        self.update()

    @property
    def is_empty(self) -> bool:
        """True where nothing is shown."""
        return self._picture.isNull()

    def sizeHint(self) -> QSize:
        return USUAL_SIZE

    def minimumSizeHint(self) -> QSize:
        return LEAST_SIZE

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._picture.isNull():
            return
        size = self._picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left = (self.width() - size.width()) / 2
        top = (self.height() - size.height()) / 2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        place = QRectF(left, top, size.width(), size.height())
        painter.drawPixmap(place, self._picture, QRectF(self._picture.rect()))
