"""What all pages have in common: a title line, and a look that follows language and theme."""

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.settings import Theme
from app.widgets.labels import plain_label
from app.widgets.translated import TranslatedWidget

MARGIN_PX, MARGIN_TOP_PX = 20, 14
DATA, TRAIN, EVALUATE, READ, RUNS = range(5)  # the places of the pages in the rail


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
    """The one button of a page that is meant to be pressed next."""
    button = QPushButton()
    button.setObjectName("primary")
    return button
