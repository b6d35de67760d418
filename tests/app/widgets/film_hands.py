"""Films for the tests of the viewer, and what a user does to them."""

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from core.images.film import FilmHeader, FullDepthFilm, Spacing, Window

NO_KEYS = Qt.KeyboardModifier.NoModifier
BLACK, WHITE = 1_000, 3_000  # the ends of the default window of `deep`


def deep(
    height: int = 200,
    width: int = 200,
    *,
    spacing: Spacing | None = None,
    is_negative: bool = False,
    file_windows: tuple[tuple[str, Window], ...] = (),
) -> FullDepthFilm:
    """A 16-bit film: 1000 and 1500 in its upper quarters, 2000 and 3000 below; one pixel of 500."""
    values = np.empty((height, width), np.uint16)
    middle, centre = height // 2, width // 2
    values[:middle, :centre], values[:middle, centre:] = BLACK, 1_500
    values[middle:, :centre], values[middle:, centre:] = 2_000, WHITE
    values[0, 0] = 500
    return FullDepthFilm(
        values,
        FilmHeader("DICOM", width, height, 12, 1, False, None, 1),
        Window(float(BLACK), float(WHITE)),
        intercept=-1_000.0,
        unit="HU",
        is_negative=is_negative,
        file_windows=file_windows,
        spacing=spacing,
    )


def pixel(widget: QWidget, x: float, y: float) -> QColor:
    """The colour that a widget shows at a place."""
    return widget.grab().toImage().pixelColor(round(x), round(y))


def grey(widget: QWidget, x: float, y: float) -> int:
    """The brightness that a widget shows at a place."""
    return pixel(widget, x, y).red()


def quarters(widget: QWidget) -> list[int]:
    """The brightness in the middle of each quarter: upper left, upper right, lower left, right."""
    image = widget.grab().toImage()
    x, y = image.width(), image.height()
    return [
        image.pixelColor(x * column // 8, y * row // 8).red()
        for row, column in ((3, 3), (3, 5), (5, 3), (5, 5))
    ]


def drag(widget: QWidget, button: Qt.MouseButton, start: QPoint, end: QPoint) -> None:
    """Press, move and let go."""
    QTest.mousePress(widget, button, NO_KEYS, start)
    QTest.mouseMove(widget, end)
    QTest.mouseRelease(widget, button, NO_KEYS, end)


def hover(widget: QWidget, place: QPointF) -> None:
    """Move the mouse to a place with no button held."""
    where, button = widget.mapToGlobal(place), Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, place, where, button, button, NO_KEYS)
    QApplication.sendEvent(widget, event)


def turn_wheel(widget: QWidget, notches: int, place: QPointF) -> None:
    """Turn the wheel over a place; away from the user is more than 0."""
    event = QWheelEvent(
        place,
        widget.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        NO_KEYS,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
