"""Which line in a plot is whose."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from app.widgets.labels import plain_tip

SWATCH = QSize(44, 12)
MAX_HEIGHT_PX = 140  # with more lines it scrolls
_PEN_PX = 2.0


class OverlayLegend(QListWidget):
    """A piece of each line, and its name as plain text."""

    def __init__(self) -> None:
        super().__init__()
        self.setIconSize(SWATCH)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.show_lines([])

    def show_lines(self, lines: Sequence[tuple[str, QPen]]) -> None:
        """Replace all lines by these names and pens."""
        self.clear()
        for name, pen in lines:
            item = QListWidgetItem(_swatch(pen), name)
            item.setToolTip(plain_tip(name))
            self.addItem(item)
        rows_px = max(0, self.sizeHintForRow(0)) * len(lines) + 2 * self.frameWidth() + 2
        self.setFixedHeight(min(rows_px, MAX_HEIGHT_PX))
        self.setVisible(bool(lines))


def _swatch(pen: QPen) -> QIcon:
    """A piece of a line, bolder than in the plot."""
    picture = QPixmap(SWATCH * 2)
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(2)
    bold = QPen(pen)
    dashes = pen.dashPattern()
    bold.setWidthF(_PEN_PX)
    if dashes:  # their lengths are counted in widths
        bold.setDashPattern([length / _PEN_PX for length in dashes])
    painter = QPainter(picture)
    painter.setPen(bold)
    painter.drawLine(0, SWATCH.height() // 2, SWATCH.width(), SWATCH.height() // 2)
    painter.end()
    return QIcon(picture)
