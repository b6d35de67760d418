"""The title of a part of the card, and at its right in a word how it stands."""

from collections.abc import Mapping

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets.labels import plain_label, plain_tip
from app.widgets.trust.chip import Chip, Tone


class SectionHead(QWidget):
    """A title and a chip in one line."""

    def __init__(self) -> None:
        super().__init__()
        self._title, self.chip = plain_label("sectionTitle"), Chip()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._title)
        row.addStretch()
        row.addWidget(self.chip)
        self.setMinimumHeight(self.chip.sizeHint().height())  # also without a chip

    def show_title(self, title: str, meaning: str = "") -> None:
        """Name the part; the tooltip says what it is about."""
        self._title.setText(title)
        self._title.setToolTip(plain_tip(meaning))

    def show_state(self, words: str, tone: Tone, meaning: str = "") -> None:
        """Say how it stands; without words there is no chip."""
        self.chip.show_words(words, tone, meaning)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self.chip.show_colours(colours)
