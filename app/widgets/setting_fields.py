"""A field for each kind of setting: it shows a value in words and tells of every edit."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox

from app.widgets.setting_row import SettingRow

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
