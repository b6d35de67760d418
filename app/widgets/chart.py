"""A chart that was drawn elsewhere, sharp at any size."""

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

LEAST_SIZE, USUAL_SIZE = QSize(260, 210), QSize(520, 420)


class ChartView(QWidget):
    """Shows an SVG as large as there is room, its proportions kept."""

    def __init__(self) -> None:
        super().__init__()
        self._renderer: QSvgRenderer | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_svg(self, content: bytes, name: str) -> None:
        """Show another chart.

        Args:
            content: An SVG file; b"" shows nothing.
            name: For screen readers.
        """
        self._renderer = QSvgRenderer(QByteArray(content)) if content else None
        self.setAccessibleName(name)
        self.update()

    @property
    def is_empty(self) -> bool:
        """True where nothing is shown."""
        return self._renderer is None

    def sizeHint(self) -> QSize:
        return USUAL_SIZE

    def minimumSizeHint(self) -> QSize:
        return LEAST_SIZE

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._renderer is None:
            return
        size = self._renderer.defaultSize().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left = (self.width() - size.width()) / 2
        top = (self.height() - size.height()) / 2
        painter = QPainter(self)
        self._renderer.render(painter, QRectF(left, top, size.width(), size.height()))
