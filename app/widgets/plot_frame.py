"""What every plot of training has: legend, zoom and pan, cross-hair, a shaded epoch, export."""

import html
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from app.tasks import Failure
from app.translation import tr
from app.widgets.cross_hair import CrossHair
from app.widgets.plot_colours import PlotColours, Series
from app.widgets.plot_export import save_csv, save_png, save_svg
from app.widgets.translated import TranslatedWidget
from core.errors import PneumoScopeError

AXIS_PX = 66
MIN_PLOT_PX = 90
REDRAW_MS = 100
SPAN_ALPHA = 26  # of 255: the shaded epoch lies behind the curves


class PlotFrame(TranslatedWidget):
    """A plot with its tools; a kind of plot adds its curves, `series`, `draw` and `fit`.

    What comes in is drawn at most ten times a second, and not at all while nobody sees it.
    """

    clicked_at = Signal(float)  # an x, with the left button
    export_failed = Signal(object)  # Failure

    def __init__(self) -> None:
        super().__init__()
        self._is_dirty = False
        self._is_followed = True  # the whole curve is in view and stays so as it grows
        self._colours: PlotColours | None = None
        self._file_name = "curve"
        self._plot = pg.PlotWidget()
        self._plot.setMenuEnabled(False)  # its words are English only and its SVG export is broken
        self._plot.hideButtons()
        self._plot.setClipToView(True)
        self._plot.setMinimumHeight(MIN_PLOT_PX)
        self._item = self._plot.getPlotItem()
        left = self._item.getAxis("left")
        left.setWidth(AXIS_PX)  # the same in all plots, so that they align
        left.enableAutoSIPrefix(False)  # 0.001, not 1 and a factor elsewhere
        self._item.getAxis("bottom").enableAutoSIPrefix(False)
        self._box = self._item.getViewBox()
        self._box.setDefaultPadding(0.0)
        # Without the lines at its ends, which would be taken for curves.
        self._span = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self._span.setZValue(-10)
        self._span.hide()
        self._plot.addItem(self._span, ignoreBounds=True)
        self._cross_hair = CrossHair(self._plot, self.series, self.x_text, self.value_text)
        # Above the plot: inside it would hide points.
        self._legend = QLabel()
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whole, self._export = QToolButton(), QToolButton()
        self._whole.setAutoRaise(True)
        self._whole.hide()
        self._whole.clicked.connect(self.show_whole)
        self._menu = QMenu(self)
        self._whole_action = self._menu.addAction("", self.show_whole)
        self._menu.addSeparator()
        self._exports = [
            self._menu.addAction("", partial(self._choose_file, kind))
            for kind in ("png", "svg", "csv")
        ]
        self._export.setAutoRaise(True)
        self._export.setMenu(self._menu)
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._box.sigXRangeChanged.connect(self._on_x_range_changed)
        self._box.sigRangeChangedManually.connect(self._on_range_changed)
        self._plot.scene().sigMouseClicked.connect(self._on_mouse_clicked)
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self._legend, 1)
        head.addWidget(self._whole)
        head.addWidget(self._export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self._plot, 1)
        timer = QTimer(self)
        timer.timeout.connect(self._on_timer)
        timer.start(REDRAW_MS)

    # What a kind of plot says of itself.

    def series(self) -> Sequence[Series]:
        """Its curves as they are now."""
        return ()

    def legend(self) -> Sequence[Series]:
        """The curves that are named above the plot."""
        return self.series()

    def draw(self) -> None:
        """Give its curves to the plot."""

    def fit(self) -> None:
        """Bring the whole of its curves into view."""

    def x_text(self, x: float) -> str:
        """Where the mouse is."""
        return f"{self._x_name()}: {x:,.6g}"

    def value_text(self, value: float) -> str:
        """A value of a curve."""
        return f"{value:.4g}" if math.isfinite(value) else "–"

    # What all do.

    @property
    def is_whole(self) -> bool:
        """Whether the whole curve is in view and stays so as it grows."""
        return self._is_followed

    def redraw(self) -> None:
        """Draw what came since the last time."""
        if not self._is_dirty:
            return
        self._is_dirty = False
        self.draw()
        if self._is_followed:
            self.fit()

    def show_whole(self) -> None:
        """Undo zoom and pan."""
        self._is_followed = True
        self._is_dirty = True
        self._whole.hide()
        self._whole_action.setEnabled(False)
        self.fit()

    def show_axes(self, x: str, y: str, file_name: str) -> None:
        """Label the axes; `file_name` is offered where the plot is exported."""
        self._plot.setLabel("bottom", x)
        self._plot.setLabel("left", y)
        self._file_name = file_name
        self._show_legend()

    def show_span(self, begin: float, end: float) -> None:
        """Shade from x to x; an empty span shades nothing."""
        self._span.setRegion((begin, end))
        self._span.setVisible(end > begin)

    def show_colours(self, colours: PlotColours) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self._plot.setBackground(colours.background)
        font = QFont(QApplication.font())
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(pg.mkPen(colours.grid))
            axis.setTextPen(pg.mkPen(colours.text))
            axis.setTickFont(font)
        self._plot.showGrid(x=False, y=True, alpha=0.25)
        shade = QColor(colours.training)
        shade.setAlpha(SPAN_ALPHA)
        self._span.setBrush(shade)
        self._cross_hair.show_colour(colours.text)
        self._show_legend()

    def retranslate(self) -> None:
        self._whole.setText(tr("Whole curve"))
        self._whole_action.setText(tr("Whole curve"))
        self._whole_action.setEnabled(not self._is_followed)
        self._export.setText(tr("Export"))
        self._export.setToolTip(tr("Save the picture, or the values as a table"))
        words = (tr("Picture (PNG) …"), tr("Drawing (SVG) …"), tr("Table (CSV) …"))
        for action, text in zip(self._exports, words, strict=True):
            action.setText(text)
        self._show_legend()

    def showEvent(self, event: QShowEvent) -> None:
        self.redraw()
        super().showEvent(event)

    def export(self, path: Path) -> None:
        """Write the plot as the file's ending says: .png, .svg or .csv.

        Raises:
            PneumoScopeError: The file cannot be written.
        """
        if path.suffix.lower() == ".csv":
            save_csv(path, self._x_name(), self.series())
            return
        colour = self._colours.background if self._colours else "#ffffff"
        save = save_svg if path.suffix.lower() == ".svg" else save_png
        self._cross_hair.hide()
        self.redraw()
        save(path, self._picture_size(), colour, self._paint)

    def _x_name(self) -> str:
        return str(self._item.getAxis("bottom").labelText)

    def _show_legend(self) -> None:
        if self._colours is not None:
            self._legend.setText(
                "&nbsp;&nbsp;&nbsp;&nbsp;".join(
                    f'<span style="color:{one.colour}">{one.mark}</span> {html.escape(one.name)}'
                    for one in self.legend()
                )
            )

    def _picture_size(self) -> QSize:
        return QSize(self._plot.width(), self._legend.height() + self._plot.height())

    def _paint(self, painter: QPainter) -> None:
        """Draw legend and plot, without the buttons."""
        self._legend.render(painter, QPoint(0, 0))
        top = self._legend.height()
        target = QRectF(0, top, self._plot.width(), self._plot.height())
        self._plot.render(painter, target, self._plot.viewport().rect())

    def _choose_file(self, kind: str) -> None:
        dialog = QFileDialog(self, tr("Save the plot"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{kind.upper()} (*.{kind})")
        dialog.setDefaultSuffix(kind)
        dialog.selectFile(f"{self._file_name}.{kind}")
        dialog.fileSelected.connect(lambda name: self._export_or_tell(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _export_or_tell(self, path: Path) -> None:
        try:
            self.export(path)
        except PneumoScopeError as error:
            self.export_failed.emit(Failure.of(error))

    def _on_timer(self) -> None:
        if self.isVisible():
            self.redraw()

    def _on_x_range_changed(self) -> None:
        if not self._is_followed:  # other points are in view now
            self._is_dirty = True

    def _on_range_changed(self) -> None:
        self._is_followed = False
        self._whole.show()
        self._whole_action.setEnabled(True)

    def _on_mouse_clicked(self, event: Any) -> None:
        place: QPointF = event.scenePos()
        if event.button() == Qt.MouseButton.RightButton:
            self._menu.popup(event.screenPos().toPoint())
        elif event.double():
            self.show_whole()
        elif self._box.sceneBoundingRect().contains(place):
            self.clicked_at.emit(self._box.mapSceneToView(place).x())
        event.accept()
