"""A window of its own for one film."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.labels import ElidedLabel
from app.widgets.page import TranslatedWidget
from app.widgets.viewer.pane import FilmPane
from app.widgets.viewer.picture import STEP

Key = Qt.Key


class FilmZoom(TranslatedWidget):
    """A window with one film; the wheel magnifies, a drag moves, arrow keys go on to others.

    It never opens by itself, since a film may be read only after the user has closed it:
    call `open_up`.
    """

    previous_wanted = Signal()
    next_wanted = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._pane = FilmPane()
        self._pane.has_facts = False  # they stand below; the first picture is a small one
        middle = Qt.TextElideMode.ElideMiddle
        self._title, self._facts = (ElidedLabel(name, middle) for name in ("sectionTitle", "muted"))
        self._previous, self._next, self._fit, self._pixels = (QPushButton() for _ in range(4))
        self._lay_out()
        self._previous.clicked.connect(self.previous_wanted)
        self._next.clicked.connect(self.next_wanted)
        self._fit.clicked.connect(self._pane.fit)
        self._pixels.clicked.connect(self._pane.show_pixels)
        # Shortcuts and not key events: a button that has the focus would take the arrow keys.
        for key, slot in (
            (Key.Key_Left, self.previous_wanted.emit),
            (Key.Key_Right, self.next_wanted.emit),
            (Key.Key_F, self._pane.fit),
            (Key.Key_1, self._pane.show_pixels),
            (Key.Key_Plus, lambda: self._pane.zoom_by(STEP)),
            (Key.Key_Equal, lambda: self._pane.zoom_by(STEP)),
            (Key.Key_Minus, lambda: self._pane.zoom_by(1 / STEP)),
            (Key.Key_Escape, self.close),
        ):
            QShortcut(QKeySequence(key), self).activated.connect(slot)
        self.resize(900, 760)
        self.retranslate()

    def show_film(self, image: NDArray[np.uint8], title: str, facts: str) -> None:
        """Show a film, fitted.

        Args:
            image: Shape (H, W) or (H, W, 3).
            title: Its name.
            facts: One line on what it is: class, size, format.
        """
        self._say(title, facts, is_film=True)
        self._pane.show_film(image, "")

    def show_message(self, text: str, title: str = "") -> None:
        """Say something in place of a film, while it is read or where it cannot be."""
        self._say(title, "", is_film=False)
        self._pane.show_message(text)

    def open_up(self) -> None:
        """Come to the front."""
        if self.isVisible() and not self.isActiveWindow():
            self.raise_()
        self.show()
        self.activateWindow()
        self._pane.setFocus()

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
        self._pane.setAccessibleName(tr("Film"))

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._facts)
        row = QHBoxLayout()
        row.setContentsMargins(14, 8, 14, 10)
        row.setSpacing(8)
        row.addLayout(words, 1)
        for widget in (self._fit, self._pixels, self._previous, self._next):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pane, 1)
        layout.addLayout(row)

    def _say(self, title: str, facts: str, *, is_film: bool) -> None:
        # Qt would put its mark for "changed" in the place of this.
        self.setWindowTitle(title.replace("[*]", "[*][*]"))
        self._title.show_text(title)
        self._facts.show_text(facts)
        for button in (self._fit, self._pixels):
            button.setEnabled(is_film)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()
