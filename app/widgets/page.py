"""Base classes of pages: words that follow the language, title line, drop zone."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.drops import contents_of, welcome
from app.settings import Theme
from app.widgets.labels import plain_label

MARGIN_PX, MARGIN_TOP_PX = 20, 14
START, DATA, TRAIN, EVALUATE, READ, RUNS, HELP = range(7)  # the places of the pages in the rail


class TranslatedWidget(QWidget):
    """Base of every widget with words on it."""

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every word; called at the end of construction and when the language changes."""


class Page(TranslatedWidget):
    """A title with buttons at its right, and a body below."""

    def __init__(self) -> None:
        super().__init__()
        self.title = plain_label("pageTitle")
        self.subtitle = plain_label("muted")
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.title)
        head.addWidget(self.subtitle)
        head.addStretch()
        head.addLayout(self._buttons)
        self.body = QVBoxLayout(self)
        self.spread(False)
        self.body.setSpacing(12)
        self.body.addLayout(head)

    def spread(self, is_full: bool) -> None:
        """Leave no margin around the body, for a full screen, or the usual one."""
        self.body.setContentsMargins(
            *((0, 0, 0, 0) if is_full else (MARGIN_PX, MARGIN_TOP_PX, MARGIN_PX, MARGIN_TOP_PX))
        )

    def add_to_head(self, *widgets: QWidget) -> None:
        """Put buttons and choices at the right of the title."""
        for widget in widgets:
            self._buttons.addWidget(widget)

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""


def primary_button() -> QPushButton:
    """Return the one button of a page that is meant to be pressed next."""
    button = QPushButton()
    button.setObjectName("primary")
    return button


class SubPage(TranslatedWidget):
    """A part that takes a page's whole body for a while."""

    closed = Signal()  # the user goes back to the page

    def apply_theme(self, theme: Theme) -> None:
        """Redraw what the style sheet does not reach."""


class DropZone(QFrame):
    """A framed area with a picture, two lines and some buttons; takes drops.

    Its words are set by its page through `show_words`.
    """

    dropped = Signal(object)  # app.drops.Dropped

    def __init__(self, buttons: list[QPushButton]) -> None:
        super().__init__()
        self.setObjectName("dropZone")
        self.setAcceptDrops(True)
        self._picture = QLabel()
        self._title, self._hint = plain_label("pageTitle"), plain_label("muted", wraps=True)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addStretch()
        layout.setContentsMargins(48, 24, 48, 24)
        for label in (self._picture, self._title, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)  # as wide as the zone, or wrapped text is cut off
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch()
        for button in buttons:
            row.addWidget(button)
        row.addStretch()
        layout.addSpacing(6)
        layout.addLayout(row)
        layout.addStretch()

    def show_words(self, title: str, hint: str) -> None:
        """Set the two lines."""
        self._title.setText(title)
        self._hint.setText(hint)

    def show_picture(self, picture: QPixmap) -> None:
        """Set the picture above them."""
        self._picture.setPixmap(picture)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if welcome(event):
            self._set_active(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_active(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_active(False)
        if welcome(event):
            self.dropped.emit(contents_of(event.mimeData()))

    def _set_active(self, is_active: bool) -> None:
        self.setProperty("active", is_active)
        self.style().polish(self)  # the style sheet looks at the property only now
