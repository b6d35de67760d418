"""A bar for each class, as long as its films are many, divided into the parts."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.labels import plain_tip

NAME_PX, GAP_PX = 150, 8
ROW_GAP_PX = 6
MARGIN_PX = 4  # around the text in a bar
KEY_PX = 14  # the side of a square in the key
HATCHED = (1, 3)


class SplitBars(QWidget):
    """Draws counts by class and part; hatching and numbers tell the parts, not colour alone."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, tuple[int, ...]]] = []
        self._parts: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(
        self, parts: Sequence[str], rows: Sequence[tuple[str, tuple[int, ...]]]
    ) -> None:
        """Draw one row a class.

        Args:
            parts: Their names, at most four.
            rows: Class and films in each part.
        """
        self._parts, self._rows = tuple(parts), list(rows)
        words = "\n".join(
            f"{name}: "
            + ", ".join(f"{part} {n:,}" for part, n in zip(self._parts, counts, strict=True))
            for name, counts in self._rows
        )
        self.setAccessibleName(words)
        self.setToolTip(plain_tip(words))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, (len(self._rows) + 1) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(260, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._draw_key(painter)
        most = max((sum(counts) for _, counts in self._rows), default=0)
        height = self._row_height()
        room = self.width() - NAME_PX - GAP_PX
        for number, (name, counts) in enumerate(self._rows, start=1):
            top = number * height
            if not event.rect().intersects(QRectF(0, top, self.width(), height).toRect()):
                continue
            painter.setPen(self.palette().text().color())
            fitting = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, NAME_PX - MARGIN_PX
            )
            painter.drawText(
                QRectF(0, top, NAME_PX, height - ROW_GAP_PX),
                int(Qt.AlignmentFlag.AlignVCenter),
                fitting,
            )
            left = float(NAME_PX + GAP_PX)
            for part, n in enumerate(counts):
                width = room * n / most if most else 0.0
                self._draw_part(painter, QRectF(left, top, width, height - ROW_GAP_PX), part, n)
                left += width

    def _draw_part(self, painter: QPainter, place: QRectF, part: int, n: int) -> None:
        if not n:
            return
        place.setRight(max(place.right() - 1, place.left() + 1))  # a gap between the parts
        self._fill(painter, place, part)
        text = f"{n:,}"
        width = painter.fontMetrics().horizontalAdvance(text) + 2 * MARGIN_PX
        if width > place.width():
            return
        if part in HATCHED:  # a number on hatching cannot be read
            chip = QRectF(0, 0, width, place.height())
            chip.moveCenter(place.center())
            painter.fillRect(chip, self.palette().window())
            self._fill(painter, chip, part, has_hatching=False)
        painter.setPen(self.palette().text().color())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)

    def _draw_key(self, painter: QPainter) -> None:
        height = self._row_height() - ROW_GAP_PX
        left = float(NAME_PX + GAP_PX)
        for part, name in enumerate(self._parts):
            square = QRectF(left, (height - KEY_PX) / 2, KEY_PX, KEY_PX)
            self._fill(painter, square, part)
            painter.setPen(self.palette().text().color())
            width = painter.fontMetrics().horizontalAdvance(name)
            left += KEY_PX + GAP_PX
            painter.drawText(
                QRectF(left, 0, width + 1, height), int(Qt.AlignmentFlag.AlignVCenter), name
            )
            left += width + 2 * GAP_PX

    def _fill(
        self, painter: QPainter, place: QRectF, part: int, *, has_hatching: bool = True
    ) -> None:
        """Training is plain, the others stand out; the palette's colours suit every theme."""
        plain, accent = self.palette().placeholderText().color(), self.palette().highlight().color()
        colour = QColor((plain, plain, accent, accent)[part])
        colour.setAlphaF((0.3, 0.12, 0.45, 0.15)[part])
        painter.fillRect(place, colour)
        if part in HATCHED and has_hatching:
            colour.setAlphaF(0.5)
            painter.fillRect(place, QBrush(colour, Qt.BrushStyle.BDiagPattern))

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 8 + ROW_GAP_PX
