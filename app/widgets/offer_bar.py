"""A sentence across the page with what can be done about it and a way to put it off."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from app.widgets.labels import plain_label


class OfferBar(QFrame):
    """Hidden until there is an offer, and again once it was taken or put off."""

    taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._sentence = plain_label(wraps=True)
        self._take, self._later = QPushButton(), QPushButton()
        self._take.clicked.connect(self._on_take_clicked)
        self._later.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 10, 8)
        row.addWidget(self._sentence, 1)
        row.addWidget(self._take)
        row.addWidget(self._later)
        self.hide()

    def show_words(self, sentence: str, take: str, later: str) -> None:
        """Say what is offered and label both buttons."""
        self._sentence.setText(sentence)
        self._take.setText(take)
        self._later.setText(later)

    def _on_take_clicked(self) -> None:
        self.hide()
        self.taken.emit()
