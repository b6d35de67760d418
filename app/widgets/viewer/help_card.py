"""A card over the films that lists what keys and mouse do."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.translation import tr
from app.widgets.labels import plain_label
from app.widgets.viewer.commands import Command, words
from app.widgets.viewer.viewer_actions import keys_text

_COLUMNS = 2


class HelpCard(QFrame):
    """Lists the keys; a click puts it away."""

    dismissed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._title = plain_label("sectionTitle")
        self._rows: list[QLabel] = []
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.addWidget(self._title)
        layout.addLayout(self._grid)
        self.hide()

    def show_words(self) -> None:
        """Say everything in the user's language."""
        self._title.setText(tr("Keys and mouse"))
        for label in self._rows:
            self._grid.removeWidget(label)
            label.deleteLater()
        self._rows = []
        rows = [(keys_text(command), words(command)) for command in Command]
        rows += [
            ("2 – 9", tr("Ready-made windows")),
            (tr("Shift + arrows"), tr("Window and level")),
            (tr("Ctrl + arrows"), tr("Move the film")),
            (tr("Wheel"), tr("Magnify around the pointer")),
            (tr("Right button"), tr("Drag: window (across) and level (up, down)")),
            (tr("Middle button, space"), tr("Drag: move the film")),
            (tr("Double click"), tr("Show the whole film")),
        ]
        half = -(-len(rows) // _COLUMNS)
        for place, (keys, text) in enumerate(rows):
            column, row = divmod(place, half)
            what, does = plain_label(), plain_label("muted")
            what.setText(keys)
            does.setText(text)
            what.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(what, row, 2 * column)
            self._grid.addWidget(does, row, 2 * column + 1)
            self._rows += [what, does]
        self.adjustSize()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.dismissed.emit()
