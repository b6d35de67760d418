"""Which film of many: its name between a button back and a button on."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy

from app.translation import tr
from app.widgets.labels import plain_label, plain_tip
from app.widgets.translated import TranslatedWidget

MIN_NAME_PX = 90


class FilmChooser(TranslatedWidget):
    """Shows one name; a long one loses its middle, the whole stands in the tooltip."""

    previous_wanted = Signal()
    next_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._text, self._place, self._n_films = "", 0, 0
        self._previous, self._next = QPushButton(), QPushButton()
        self._previous.clicked.connect(self.previous_wanted)
        self._next.clicked.connect(self.next_wanted)
        self._name = plain_label("sectionTitle")
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # The name gives way to the buttons; `_elide` fits it into what is left.
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._name.setMinimumWidth(MIN_NAME_PX)
        self._count = plain_label("muted")
        self._line = layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._previous)
        layout.addWidget(self._name, 1)
        layout.addWidget(self._count)
        layout.addWidget(self._next)
        self.retranslate()

    def show_film(self, name: str, index: int, n_films: int) -> None:
        """Show the name of film `index`, from 0, of `n_films`."""
        self._text, self._place, self._n_films = name, index + 1, n_films
        self._name.setToolTip(plain_tip(name))
        for button in (self._previous, self._next):
            button.setEnabled(n_films > 1)
        self.retranslate()

    def retranslate(self) -> None:
        self._previous.setText(tr("Previous film"))
        self._next.setText(tr("Next film"))
        self._count.setText(
            tr("{place} of {n}", place=f"{self._place:,}", n=f"{self._n_films:,}")
            if self._n_films
            else ""
        )
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(420, 0))

    def _elide(self) -> None:
        self._line.activate()  # the name's width follows only later otherwise
        metrics, room = self._name.fontMetrics(), self._name.width()
        self._name.setText(metrics.elidedText(self._text, Qt.TextElideMode.ElideMiddle, room))
        self._name.setAccessibleName(self._text)
