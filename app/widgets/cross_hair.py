"""A line under the mouse and what the curves are there."""

from collections.abc import Callable, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, Qt

from app.widgets.labels import plain_label
from app.widgets.plot_colours import Series

GAP_PX = 14  # between the mouse and the values


class CrossHair(QObject):
    """Shows the values of a plot's curves at the mouse.

    Args:
        plot: Over which the mouse moves.
        series: The curves as they are now.
        x_text: Says where the mouse is.
        value_text: Says the value of a curve.
    """

    def __init__(
        self,
        plot: pg.PlotWidget,
        series: Callable[[], Sequence[Series]],
        x_text: Callable[[float], str],
        value_text: Callable[[float], str],
    ) -> None:
        super().__init__(plot)
        self._plot, self._series = plot, series
        self._x_text, self._value_text = x_text, value_text
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.hide()
        plot.addItem(self._line, ignoreBounds=True)
        self._values = plain_label("card")
        self._values.setParent(plot)
        self._values.setMargin(6)
        self._values.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._values.hide()
        plot.scene().sigMouseMoved.connect(self._on_mouse_moved)
        plot.viewport().installEventFilter(self)

    @property
    def text(self) -> str:
        """The values shown, a line each; empty while the mouse is elsewhere."""
        return self._values.text() if self._values.isVisibleTo(self._plot) else ""

    def show_colour(self, colour: str) -> None:
        """Draw the line in #rrggbb."""
        self._line.setPen(pg.mkPen(colour, width=1))

    def move_to(self, place: QPointF) -> None:
        """Show the values at a place of the plot's scene, or nothing where no curve can be."""
        box = self._plot.getPlotItem().getViewBox()
        curves = [one for one in self._series() if len(one.x)]
        if not curves or not box.sceneBoundingRect().contains(place):
            self.hide()
            return
        x = box.mapSceneToView(place).x()
        # On the point that is nearest in the densest curve, not between two.
        x = _nearest(max(curves, key=lambda one: len(one.x)), x)[0]
        lines = [self._x_text(x)]
        for one in curves:
            _, y = _nearest(one, x)
            lines.append(f"{one.mark} {one.name}: {self._value_text(y)}")
        self._line.setPos(x)
        self._line.show()
        self._values.setText("\n".join(lines))
        self._values.adjustSize()
        self._place_values(self._plot.mapFromScene(place).x())
        self._values.show()

    def hide(self) -> None:
        """Take line and values away."""
        self._line.hide()
        self._values.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.hide()
        return super().eventFilter(watched, event)

    def _on_mouse_moved(self, place: QPointF) -> None:
        self.move_to(place)

    def _place_values(self, mouse_px: int) -> None:
        """Beside the mouse, on the side where there is room."""
        left = mouse_px + GAP_PX
        if left + self._values.width() > self._plot.width():
            left = max(0, mouse_px - GAP_PX - self._values.width())
        self._values.move(left, GAP_PX // 2)


def _nearest(series: Series, x: float) -> tuple[float, float]:
    """The point of a curve whose x is nearest."""
    after = int(np.searchsorted(series.x, x))
    around = [index for index in (after - 1, after) if 0 <= index < len(series.x)]
    index = min(around, key=lambda one: abs(series.x[one] - x))
    return float(series.x[index]), float(series.y[index])
