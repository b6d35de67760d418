"""A line of a form: what the setting is called, its field, what it does, its usual value."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QToolButton, QWidget

from app.widgets.labels import plain_label, plain_tip
from app.widgets.wheel_guard import WheelGuard

NAME_PX = 104  # the fields of all rows begin below each other
FIELD_LEAST_PX = 130
USUAL_HEIGHT_PX = 20


class SettingRow(QWidget):
    """The explanation folds out below the field, the button for the usual value beside it.

    Args:
        field: What the setting is edited with.
    """

    edited = Signal(object)  # its new value
    usual_wanted = Signal()  # the button for the usual value was pressed

    def __init__(self, field: QWidget) -> None:
        super().__init__()
        self.field = field
        field.setMinimumWidth(FIELD_LEAST_PX)
        WheelGuard(self, field)
        self._name = plain_label(wraps=True)
        self._name.setFixedWidth(NAME_PX)
        self._name.setBuddy(field)
        self._about, self._usual = QToolButton(), QToolButton()
        self._about.setText("?")
        self._about.setCheckable(True)
        self._usual.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._usual.setFixedHeight(USUAL_HEIGHT_PX)
        for button in (self._about, self._usual):
            button.setAutoRaise(True)
            button.setObjectName("muted")
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._explanation = plain_label("muted", wraps=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._name, 0, 0)
        grid.addWidget(field, 0, 1)
        grid.addWidget(self._about, 0, 2)
        # As wide as the row: a word for a value can be wider than the field.
        grid.addWidget(self._usual, 1, 0, 1, 3, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self._explanation, 2, 0, 1, 3)
        self._usual.hide()
        self._explanation.hide()
        self._about.toggled.connect(self._explanation.setVisible)
        self._usual.clicked.connect(self._on_usual_clicked)

    def show_words(self, name: str, explanation: str, about: str) -> None:
        """Name and explain the setting.

        Args:
            name: Of the setting.
            explanation: What it does, and what that costs.
            about: What the button that shows the explanation does.
        """
        self._name.setText(name)
        self._explanation.setText(explanation)
        self.field.setAccessibleName(name)
        self.field.setAccessibleDescription(explanation)
        self._about.setToolTip(plain_tip(explanation))
        self._about.setAccessibleName(about)
        self._about.setAccessibleDescription(explanation)

    def offer_usual(self, text: str) -> None:
        """Show the button for the usual value; empty: there is nothing to offer."""
        self._usual.setText(text)
        self._usual.setVisible(bool(text))

    def set_usable(self, is_usable: bool) -> None:
        """Whether the setting can be changed just now; it can be read about at any time."""
        self.field.setEnabled(is_usable)
        self._name.setEnabled(is_usable)
        self._usual.setEnabled(is_usable)

    def _on_usual_clicked(self) -> None:
        self.field.setFocus()  # the button goes, and the focus would go to who knows where
        self.usual_wanted.emit()
