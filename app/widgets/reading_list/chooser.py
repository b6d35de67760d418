"""What of a list to show: a field to search names, a choice of films, a choice of order."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit

from app.translation import tr
from app.widgets.reading_list.choice import Choice, Order, Show
from app.widgets.translated import TranslatedWidget
from app.widgets.wheel_guard import WheelGuard

_MIN_CHARACTERS: Final = 6
_EDGES_PX, _MAX_POPUP_PX = 28, 480  # of the list that opens, wider than its box


class ListChooser(TranslatedWidget):
    """Tells a `Choice` whenever it changes."""

    choice_changed = Signal(object)  # Choice
    left = Signal()  # with Escape, Enter or the arrow down: on to the films

    def __init__(self) -> None:
        super().__init__()
        self._classes: Sequence[str] = ()
        self._words, self._show, self._order = QLineEdit(), QComboBox(), QComboBox()
        self._words.setClearButtonEnabled(True)
        self._words.textChanged.connect(self._tell)
        self._words.installEventFilter(self)
        for box in (self._show, self._order):
            # As wide as the list allows, not as wide as the longest class.
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(_MIN_CHARACTERS)
        self._show.currentIndexChanged.connect(self._tell)
        self._order.currentIndexChanged.connect(self._tell)
        self._guard = WheelGuard(self, self._show, self._order)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._words, 0, 0, 1, 2)
        layout.addWidget(self._show, 1, 0)
        layout.addWidget(self._order, 1, 1)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 1)
        self.retranslate()

    @property
    def choice(self) -> Choice:
        """What is asked for."""
        show, order = self._show.currentData(), self._order.currentData()
        return Choice(
            Show.ALL if show is None else show,
            self._words.text(),
            Order.ARRIVAL if order is None else order,
        )

    def set_classes(self, names: Sequence[str]) -> None:
        """Offer these classes by name; a class that is no longer there is not shown alone."""
        if tuple(names) != self._classes:
            self._classes = tuple(names)
            self.retranslate()

    def search(self) -> None:
        """Put the cursor into the field for names."""
        self._words.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._words.selectAll()

    def show_all(self) -> None:
        """Narrow nothing; the order stays."""
        before = self.choice
        for field in (self._words, self._show):
            field.blockSignals(True)
        self._words.clear()
        self._show.setCurrentIndex(0)
        for field in (self._words, self._show):
            field.blockSignals(False)
        if self.choice != before:
            self._tell()

    def retranslate(self) -> None:
        before = self.choice
        self._words.setPlaceholderText(tr("Search names"))
        self._words.setAccessibleName(tr("Search names"))
        self._show.setAccessibleName(tr("Which films are shown"))
        self._order.setAccessibleName(tr("Order of the films"))
        self._order.setToolTip(tr("Order of the films"))
        classes: list[tuple[str, object]] = [
            (name, label) for label, name in enumerate(self._classes)
        ]
        _fill(
            self._show,
            [
                [(tr("All films"), Show.ALL)],
                classes,
                [
                    (tr("Not sure"), Show.NOT_SURE),
                    (tr("Do not believe"), Show.DO_NOT_BELIEVE),
                    (tr("Wrong"), Show.WRONG),
                    (tr("Read twice"), Show.REPEATED),
                    (tr("Refused"), Show.REFUSED),
                ],
            ],
            before.show,
        )
        _fill(
            self._order,
            [
                [
                    (tr("As they came"), Order.ARRIVAL),
                    (tr("By name"), Order.NAME),
                    (tr("By class"), Order.CLASS),
                    (tr("Most probable"), Order.MOST_PROBABLE),
                    (tr("Least probable"), Order.LEAST_PROBABLE),
                    (tr("Least believable"), Order.LEAST_BELIEVABLE),
                ]
            ],
            before.order,
        )
        if self.choice != before:
            self._tell()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            match event.key():
                case Qt.Key.Key_Escape:
                    self._words.clear()
                    self.left.emit()
                    return True
                case Qt.Key.Key_Down | Qt.Key.Key_Return | Qt.Key.Key_Enter:
                    self.left.emit()
                    return True
        return super().eventFilter(watched, event)

    def _tell(self) -> None:
        self.choice_changed.emit(self.choice)


def _fill(box: QComboBox, groups: list[list[tuple[str, object]]], chosen: object) -> None:
    """Offer groups with a line between them; `chosen` stays chosen where it is still there."""
    box.blockSignals(True)
    box.clear()
    place = 0
    for group in groups:
        if box.count() and group:
            box.insertSeparator(box.count())
        for text, value in group:
            if value == chosen:
                place = box.count()
            box.addItem(text, value)
    box.setCurrentIndex(place)
    box.view().setMinimumWidth(min(box.view().sizeHintForColumn(0) + _EDGES_PX, _MAX_POPUP_PX))
    box.blockSignals(False)
