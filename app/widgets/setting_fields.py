"""A field for each kind of setting: it shows a value in words and tells of every edit.

Range, decimals, unit and choices come from the setting's description in core.config.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QToolButton,
    QWidget,
)

from app.i18n import tr
from app.setting_words import setting_value
from app.widgets.help_links import HelpLink
from app.widgets.labels import plain_label, plain_tip
from core.config import Setting


class WheelGuard(QObject):
    """Filter that keeps the wheel from fields without the focus.

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


Words = Callable[[Any], str]

NAME_PX = 104  # the fields of all rows begin below each other
FIELD_LEAST_PX = 130
USUAL_HEIGHT_PX = 20


class SettingRow(QWidget):
    """A setting's name, its field, the button for its usual value and its explanation.

    Args:
        field: What the setting is edited with.
        words: What a value is called in the user's language.
    """

    edited = Signal(object)  # its new value
    usual_wanted = Signal()  # the button for the usual value was pressed

    def __init__(self, field: QWidget, words: Words = str) -> None:
        super().__init__()
        self.field, self._words = field, words
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
            button.setObjectName("muted" if button is self._about else "link")
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
        self._term, self._has_term = HelpLink(), False
        grid.addWidget(self._term, 3, 0, 1, 3)
        keeps_its_place = self._usual.sizePolicy()  # or all rows below would jump
        keeps_its_place.setRetainSizeWhenHidden(True)
        self._usual.setSizePolicy(keeps_its_place)
        self._usual.hide()
        self._explanation.hide()
        self._about.toggled.connect(self._on_about_toggled)
        self._usual.clicked.connect(self._on_usual_clicked)

    def show_words(self, name: str, explanation: str, about: str, term: str = "") -> None:
        """Name and explain the setting.

        Args:
            name: Of the setting.
            explanation: What it does, and what that costs.
            about: What the button that shows the explanation does.
            term: The heading of the glossary that explains more, as links write it.
        """
        self._has_term = bool(term)
        if term:
            self._term.show_link(f"glossary#{term}", tr("Glossary"))
        self._term.setVisible(self._has_term and self._about.isChecked())
        self._name.setText(name)
        self._explanation.setText(explanation)
        self.field.setAccessibleName(name)
        self.field.setAccessibleDescription(explanation)
        self._about.setToolTip(plain_tip(explanation))
        self._about.setAccessibleName(about)
        self._about.setAccessibleDescription(explanation)

    def _on_about_toggled(self, is_shown: bool) -> None:
        self._explanation.setVisible(is_shown)
        self._term.setVisible(is_shown and self._has_term)

    def offer_usual(self, text: str) -> None:
        """Show the button for the usual value; empty: there is nothing to offer."""
        self._usual.setText(text)
        self._usual.setVisible(bool(text))

    def set_usable(self, is_usable: bool) -> None:
        """Allow or forbid changes; the setting can be read about at any time."""
        self.field.setEnabled(is_usable)
        self._name.setEnabled(is_usable)
        self._usual.setEnabled(is_usable)

    def value_words(self, value: Any) -> str:
        """Write a value as this field does."""
        return self._words(value)

    def _on_usual_clicked(self) -> None:
        self.field.setFocus()  # the button goes, and the focus would go to who knows where
        self.usual_wanted.emit()


LEAST_CHARACTERS = 10  # of a choice; long names must not push the curves aside


class ChoiceField(SettingRow):
    """One of a few values.

    Args:
        options: In the order in which they are offered.
        words: What a value is called in the user's language.
    """

    def __init__(self, options: Sequence[Any], words: Words) -> None:
        self._box = QComboBox()
        super().__init__(self._box, words)
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


class NumberField(SettingRow):
    """A number in the range of its setting."""

    def __init__(self, known: Setting) -> None:
        self._box = NumberBox(known)
        super().__init__(self._box)
        self._known = known
        self._box.edited.connect(self.edited)

    def show_words(self, name: str, explanation: str, about: str, term: str = "") -> None:
        if self._known.shown.is_off_at_zero:
            self._box.setSpecialValueText(tr("off"))
        super().show_words(name, explanation, about, term)

    def show_value(self, value: Any) -> None:
        """Show a value; nothing is told of it."""
        self._box.show_value(value)

    def value_words(self, value: Any) -> str:
        if value == 0 and self._known.shown.is_off_at_zero:
            return tr("off")
        return self._box.textFromValue(value) + self._box.suffix()


class FlagField(SettingRow):
    """On or off.

    Args:
        words: What on and off are called in the user's language.
    """

    def __init__(self, words: Words) -> None:
        self._box = QCheckBox()
        super().__init__(self._box, words)
        self._box.toggled.connect(self.edited.emit)

    def show_value(self, value: Any) -> None:
        """Show a value; nothing is told of it."""
        with QSignalBlocker(self._box):
            self._box.setChecked(value)


SettingField = ChoiceField | NumberField | FlagField


def setting_field(known: Setting, words: Words | None = None) -> SettingField:
    """Make the field that fits a setting.

    Args:
        known: The setting.
        words: What its values are called; as everywhere, if None.
    """
    words = words or partial(setting_value, known.name)
    if known.kind == "choice" or known.shown.offered:
        return ChoiceField(known.shown.offered or known.choices, words)
    return FlagField(words) if known.kind == "flag" else NumberField(known)


TEXT_MARGIN_PX = 6  # the style sheet's padding does not reach a spin box's text


class NumberBox(QDoubleSpinBox):
    """The number of a setting, whole or not; a percentage where the setting is a fraction.

    Args:
        known: The setting: its range, step, decimals and unit.
    """

    edited = Signal(object)  # the setting's new value

    def __init__(self, known: Setting) -> None:
        super().__init__()
        shown = known.shown
        low, high = known.limits
        self._is_whole = known.kind == "whole"
        self._factor = 100 if shown.is_percent else 1
        self.setDecimals(shown.decimals)
        self.setRange(low * self._factor, high * self._factor)
        self.setSuffix(" %" if shown.is_percent else shown.unit)
        if shown.step:
            self.setSingleStep(shown.step)
        else:
            self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
        self.valueChanged.connect(self._on_value_changed)

    def show_value(self, value: float) -> None:
        """Show a value of the setting; nothing is told of it."""
        # What is being typed, ".0" on the way to ".02", is not to be written anew.
        if self.value() != value * self._factor:
            with QSignalBlocker(self):
                self.setValue(value * self._factor)

    def textFromValue(self, value: float) -> str:
        """Write 0.001, not 0.001000."""
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text

    def _on_value_changed(self, value: float) -> None:
        self.edited.emit(round(value) if self._is_whole else value / self._factor)
