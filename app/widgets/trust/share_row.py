"""A figure between 0 and 1: what it is, how large, and a bar."""

import math
from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.labels import plain_tip

BAR_PX, GAP_PX = 4, 3
MIDDLE_GREY = "#808080"


class ShareRow(QWidget):
    """Draws a caption, a figure at its right and a bar below; the tooltip explains it."""

    def __init__(self) -> None:
        super().__init__()
        self._caption, self._figure, self._tone = "", "", "muted"
        self._share: float | None = None
        self._colours: Mapping[str, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_share(
        self, caption: str, share: float | None, figure: str, meaning: str, tone: str = "accent"
    ) -> None:
        """Show another figure.

        Args:
            caption: What it is.
            share: 0 to 1, the length of the bar; None: not known.
            figure: The same in words or digits.
            meaning: One sentence for the tooltip.
            tone: The name of the bar's colour.
        """
        is_known = share is not None and math.isfinite(share)
        self._share = min(1.0, max(0.0, share)) if is_known and share is not None else None
        self._caption, self._figure, self._tone = caption, figure, tone
        self.setAccessibleName(f"{caption}: {figure}")
        self.setAccessibleDescription(meaning)
        self.setToolTip(plain_tip(meaning))
        self.update()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.fontMetrics().height() + GAP_PX + BAR_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, width = painter.fontMetrics(), self.width()
        text_px = metrics.height()
        figure_px = min(width, metrics.horizontalAdvance(self._figure) + 1)
        is_known = self._share is not None
        painter.setPen(self._colour("muted"))
        caption_px = max(0, width - figure_px - 8)
        painter.drawText(
            QRectF(0, 0, caption_px, text_px),
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
            metrics.elidedText(self._caption, Qt.TextElideMode.ElideRight, caption_px),
        )
        painter.setPen(self.palette().text().color() if is_known else self._colour("muted"))
        painter.drawText(
            QRectF(width - figure_px, 0, figure_px, text_px),
            int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            self._figure,
        )
        bar = QRectF(0, text_px + GAP_PX, width, BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour("raised"))
        painter.drawRoundedRect(bar, 2, 2)
        if self._share is not None:
            bar.setWidth(max(2.0, width * self._share))
            painter.setBrush(self._colour(self._tone))
            painter.drawRoundedRect(bar, 2, 2)

    def _colour(self, name: str) -> QColor:
        return QColor(self._colours.get(name, MIDDLE_GREY))
