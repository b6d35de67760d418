"""A card over the films that lists what keys and mouse do."""

from PySide6.QtCore import QMargins, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.translation import tr
from app.widgets.labels import plain_label
from app.widgets.viewer.commands import Command, words
from app.widgets.viewer.viewer_actions import keys_text

_COLUMNS = 2
_MARGIN_PX = 16
_SPARE_PX = 12  # between title and list, and for rounding


class HelpCard(QFrame):
    """Lists the keys; a click puts it away."""

    dismissed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._title = plain_label("sectionTitle")
        self._labels: list[QLabel] = []  # keys and what they do in turn
        self._content = QWidget()
        self._content.setObjectName("bare")
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(3)
        scroll = QScrollArea()
        scroll.setWidget(self._content)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN_PX, _MARGIN_PX, _MARGIN_PX, _MARGIN_PX)
        layout.addWidget(self._title)
        layout.addWidget(scroll, 1)
        self.hide()

    def show_words(self) -> None:
        """Say everything in the user's language."""
        self._title.setText(tr("Keys and mouse"))
        for label in self._labels:
            self._grid.removeWidget(label)
            label.deleteLater()
        self._labels = []
        for keys, text in _rows():
            what, does = plain_label(), plain_label("muted")
            what.setText(keys)
            does.setText(text)
            what.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._labels += [what, does]
        self._arrange(_COLUMNS)

    def fit_into(self, room: QRect) -> None:
        """Stand in the middle of a room, in one column where it is too narrow for two."""
        for n_columns in (_COLUMNS, 1):
            self._arrange(n_columns)
            if self._needed().width() <= room.width():
                break
        place = QRect(QPoint(), self._needed().boundedTo(room.size()))
        place.moveCenter(room.center())
        self.setGeometry(place)

    def _needed(self) -> QSize:
        """Its size without scrolling."""
        self._grid.invalidate()
        content, title = self._grid.sizeHint(), self._title.sizeHint()
        around = 2 * _MARGIN_PX + _SPARE_PX
        return content.grownBy(QMargins(0, 0, around, around + title.height()))

    def _arrange(self, n_columns: int) -> None:
        n_rows = -(-len(self._labels) // (2 * n_columns))
        for place, label in enumerate(self._labels):
            column, row = divmod(place // 2, n_rows)
            self._grid.removeWidget(label)
            self._grid.addWidget(label, row, 2 * column + place % 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.dismissed.emit()


def _rows() -> list[tuple[str, str]]:
    """Keys, and what they do."""
    return [(keys_text(command), words(command)) for command in Command] + [
        ("2 – 9", tr("Ready-made windows")),
        (tr("Shift + arrows"), tr("Window and level")),
        (tr("Ctrl + arrows"), tr("Move the film")),
        (tr("Wheel"), tr("Magnify around the pointer")),
        (tr("Right button"), tr("Drag: window (across) and level (up, down)")),
        (tr("Middle button, space"), tr("Drag: move the film")),
        (tr("Double click"), tr("Show the whole film")),
    ]
