"""A field for each kind of setting: it shows a value in words and tells of every edit."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QSpinBox,
    QToolButton,
    QWidget,
)

from app.widgets.labels import plain_label, plain_tip


class WheelGuard(QObject):
    """Keeps the wheel from fields that nobody is in.

    Args:
        fields: Spin boxes and choices inside a scroll area.
    """

    def __init__(self, parent: QObject, *fields: QWidget) -> None:
        super().__init__(parent)
        for field in fields:
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_wheel = event.type() == QEvent.Type.Wheel
        if is_wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


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


TEXT_MARGIN_PX = 6  # the style sheet's padding does not reach a spin box's text
LEAST_CHARACTERS = 10  # of a choice; long names must not push the curves aside

Words = Callable[[Any], str]


class ChoiceField(SettingRow):
    """One of a few values.

    Args:
        options: In the order in which they are offered.
        words: What a value is called in the user's language.
    """

    def __init__(self, options: Sequence[Any], words: Words) -> None:
        self._box = QComboBox()
        super().__init__(self._box)
        self._words = words
        self._options = list(options)
        self._box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._box.setMinimumContentsLength(LEAST_CHARACTERS)
        self._box.addItems([""] * len(self._options))
        self._box.activated.connect(lambda index: self.edited.emit(self._options[index]))
        self.name_options()

    def add_options(self, options: Sequence[Any]) -> None:
        """Offer further values."""
        self._options.extend(options)
        self._box.addItems([self._words(option) for option in options])

    def name_options(self) -> None:
        """Say the words of all values anew."""
        for index, option in enumerate(self._options):
            self._box.setItemText(index, self._words(option))

    def show_value(self, value: Any) -> None:
        """Show a value; nothing is told of it."""
        if value not in self._options:  # of a run that was not made in this form
            self.add_options([value])
        self._box.setCurrentIndex(self._options.index(value))
        self._box.setToolTip(self._words(value))

    def value_words(self, value: Any) -> str:
        """How this field writes a value."""
        return self._words(value)


class NumberField(SettingRow):
    """A number in a range; whole where both ends of it are.

    Args:
        least: May stand for "off", see `name_least`.
        most: The other end.
        step: Of the arrows; 0: a tenth of the number's own size.
        decimals: At most so many are shown.
        unit: Stands behind the number, the same in all languages.
    """

    def __init__(
        self, least: float, most: float, *, step: float = 1, decimals: int = 0, unit: str = ""
    ) -> None:
        self._box: QSpinBox | QDoubleSpinBox
        if decimals:
            decimal = _DecimalBox()
            decimal.setDecimals(decimals)
            decimal.setRange(least, most)
            decimal.setSingleStep(step)
            if not step:
                decimal.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
            self._box = decimal
        else:
            self._box = QSpinBox()
            self._box.setRange(int(least), int(most))
            self._box.setSingleStep(int(step))
        super().__init__(self._box)
        self._unit = unit
        self._box.setSuffix(unit)
        self._box.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
        self._box.valueChanged.connect(self.edited.emit)

    def name_least(self, text: str) -> None:
        """Write `text` where the number is the least one."""
        self._box.setSpecialValueText(text)

    def show_value(self, value: Any) -> None:
        """Show a value; nothing is told of it."""
        # What is being typed, ".0" on the way to ".02", is not to be written anew.
        if self._box.value() != value:
            with QSignalBlocker(self._box):
                self._box.setValue(value)

    def value_words(self, value: Any) -> str:
        """How this field writes a value."""
        if value == self._box.minimum() and self._box.specialValueText():
            return self._box.specialValueText()
        return self._box.textFromValue(value) + self._unit


class FlagField(SettingRow):
    """On or off.

    Args:
        words: What on and off are called in the user's language.
    """

    def __init__(self, words: Words) -> None:
        self._box = QCheckBox()
        super().__init__(self._box)
        self._words = words
        self._box.toggled.connect(self.edited.emit)

    def show_value(self, value: Any) -> None:
        """Show a value; nothing is told of it."""
        with QSignalBlocker(self._box):
            self._box.setChecked(value)

    def value_words(self, value: Any) -> str:
        """How this field writes a value."""
        return self._words(value)


SettingField = ChoiceField | NumberField | FlagField


class _DecimalBox(QDoubleSpinBox):
    """Writes 0.001, not 0.001000."""

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text
