"""An empty page's invitation: what to drop here, and the buttons that do the same."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from app.dropped import contents_of, welcome
from app.widgets.labels import plain_label


class DropZone(QFrame):
    """A framed area with a picture, two lines and some buttons; takes drops.

    Its words are set by its page through `show_words`.
    """

    dropped = Signal(object)  # app.dropped.Dropped

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
