"""A window of its own to see one film large."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.translation import tr
from app.widgets.film_canvas import FilmCanvas
from app.widgets.film_geometry import STEP
from app.widgets.labels import plain_label, plain_tip
from app.widgets.translated import TranslatedWidget

Key = Qt.Key


class FilmZoom(TranslatedWidget):
    """Shows one film; the wheel magnifies, a drag moves, the arrow keys go on to others.

    It never opens by itself, since a film may be read only after the user has closed it:
    call `open_up`.
    """

    previous_wanted = Signal()
    next_wanted = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._canvas = FilmCanvas()
        self._title, self._facts = plain_label("sectionTitle"), plain_label("muted")
        self._said: dict[QLabel, str] = {}  # uncut
        self._zoom = plain_label("muted")
        self._previous, self._next, self._fit, self._pixels = (QPushButton() for _ in range(4))
        for label in (self._title, self._facts):
            # A long file name is cut off rather than that it makes the window wider.
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._lay_out()
        self._connect()
        self.resize(900, 760)
        self.retranslate()

    def show_film(self, image: NDArray[np.uint8], title: str, facts: str) -> None:
        """Show a film, fitted.

        Args:
            image: Shape (H, W) or (H, W, 3).
            title: Its name.
            facts: One line on what it is: class, size, format.
        """
        self._say(title, facts)
        self._canvas.show_film(image)
        self._allow_zoom(True)

    def show_message(self, text: str, title: str = "") -> None:
        """Say something in place of a film, while it is read or where it cannot be."""
        self._say(title, "")
        self._canvas.show_text(text)
        self._allow_zoom(False)

    def open_up(self) -> None:
        """Come to the front."""
        if self.isVisible() and not self.isActiveWindow():
            self.raise_()
        self.show()
        self.activateWindow()
        self._canvas.setFocus()

    def retranslate(self) -> None:
        for button, text, tip in (
            (self._previous, tr("Previous"), tr("Previous film (left arrow key)")),
            (self._next, tr("Next"), tr("Next film (right arrow key)")),
            (self._fit, tr("Fit"), tr("Show the whole film (F, or double click)")),
            (self._pixels, "1:1", tr("One pixel of the film on one of the screen (1)")),
        ):
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
        self._canvas.setAccessibleName(tr("Film"))

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._facts)
        row = QHBoxLayout()
        row.setContentsMargins(14, 8, 14, 10)
        row.setSpacing(8)
        row.addLayout(words, 1)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._zoom.setMinimumWidth(self.fontMetrics().horizontalAdvance("0000 %"))
        for widget in (self._zoom, self._fit, self._pixels, self._previous, self._next):
            row.addWidget(widget)
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._canvas, 1)
        layout.addLayout(row)

    def _connect(self) -> None:
        self._canvas.zoomed.connect(self._on_zoomed)
        self._previous.clicked.connect(self.previous_wanted)
        self._next.clicked.connect(self.next_wanted)
        self._fit.clicked.connect(self._canvas.fit)
        self._pixels.clicked.connect(self._canvas.show_pixels)
        # Shortcuts and not key events: a button that has the focus would take the arrow keys.
        for key, slot in (
            (Key.Key_Left, self.previous_wanted.emit),
            (Key.Key_Right, self.next_wanted.emit),
            (Key.Key_F, self._canvas.fit),
            (Key.Key_1, self._canvas.show_pixels),
            (Key.Key_Plus, lambda: self._canvas.zoom_by(STEP)),
            (Key.Key_Equal, lambda: self._canvas.zoom_by(STEP)),
            (Key.Key_Minus, lambda: self._canvas.zoom_by(1 / STEP)),
            (Key.Key_Escape, self.close),
        ):
            QShortcut(QKeySequence(key), self).activated.connect(slot)

    def _say(self, title: str, facts: str) -> None:
        # Qt would put its mark for "changed" in the place of this.
        self.setWindowTitle(title.replace("[*]", "[*][*]"))
        for label, text in ((self._title, title), (self._facts, facts)):
            self._said[label] = text
            label.setToolTip(plain_tip(text))
        self._cut_to_fit()

    def _cut_to_fit(self) -> None:
        for label, text in self._said.items():
            line = " ".join(text.split())
            cut = label.fontMetrics().elidedText(line, Qt.TextElideMode.ElideMiddle, label.width())
            label.setText(cut)

    def _allow_zoom(self, is_film: bool) -> None:
        for widget in (self._fit, self._pixels, self._zoom):
            widget.setEnabled(is_film)
        if not is_film:
            self._zoom.clear()

    def _on_zoomed(self, scale: float) -> None:
        self._zoom.setText(f"{scale:.0%}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._layout.activate()  # else the labels have their old width
        self._cut_to_fit()

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()
