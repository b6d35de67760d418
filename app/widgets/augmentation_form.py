"""The seven random changes of training films, each with its switch and its range."""

import dataclasses
from functools import partial
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.translation import tr
from app.widgets.augmentation_words import change_names, change_notes, field_names
from app.widgets.labels import plain_label
from app.widgets.translated import TranslatedWidget
from app.widgets.wheel_guard import WheelGuard
from core.config import AugmentationConfig
from core.config.augmentation import CHANGES, ENHANCEMENTS, Change

TEXT_MARGIN_PX = 6  # the style sheet's padding does not reach a spin box's text
FACTOR_PX, NUMBER_PX = 78, 96
PERCENTAGES = ("probability", "flip_probability")  # fractions in the settings


class AugmentationForm(TranslatedWidget):
    """Shows settings and tells of each edit; it remembers none that it was not shown."""

    edited = Signal(object)  # AugmentationConfig
    reset_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._config = AugmentationConfig()
        self._title, self._intro = plain_label("sectionTitle"), plain_label("muted", wraps=True)
        self._chance = plain_label()
        self._switches = {change: QCheckBox() for change in CHANGES}
        self._notes = {change: plain_label("muted", wraps=True) for change in CHANGES}
        self._links: list[QLabel] = []  # "to", between the ends of a range
        self._per_channel = QCheckBox()
        self._fields = self._make_fields()
        self._reset = QPushButton()
        self._lay_out()
        self._connect()
        self.retranslate()
        self.show_config(self._config)

    def _make_fields(self) -> dict[str, QSpinBox | QDoubleSpinBox]:
        """A box for each number, by its name in the settings."""
        fields: dict[str, QSpinBox | QDoubleSpinBox] = {}
        for enhancement in ENHANCEMENTS:
            for end, least, most in (("low", 0.0, 1.0), ("high", 1.0, 4.0)):
                factor = QDoubleSpinBox()
                factor.setRange(least, most)
                factor.setSingleStep(0.05)
                factor.setFixedWidth(FACTOR_PX)
                fields[f"{enhancement}_{end}"] = factor
        for name in PERCENTAGES:
            fields[name] = _whole_numbers(0, 100, after=" %")
        fields["rotation_degrees"] = _whole_numbers(0, 180, before="±", after="°")
        noise = QDoubleSpinBox()
        noise.setRange(0.0, 100.0)
        noise.setDecimals(1)
        noise.setFixedWidth(NUMBER_PX)
        fields["noise_sigma_max"] = noise
        for field in fields.values():
            field.setKeyboardTracking(False)  # half a number is not yet a wish
            field.lineEdit().setTextMargins(TEXT_MARGIN_PX, 0, 0, 0)
        WheelGuard(self, *fields.values())
        return fields

    def _lay_out(self) -> None:
        content = QWidget()
        content.setObjectName("bare")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addWidget(self._intro)
        column.addSpacing(6)
        column.addLayout(_line(self._chance, self._fields["probability"]))
        for change, parts in self._parts().items():
            column.addSpacing(10)
            column.addLayout(_line(self._switches[change], *parts))
            if change == "noise":
                column.addWidget(self._per_channel)
            column.addWidget(self._notes[change])
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidget(content)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(scroll, 1)
        layout.addWidget(self._reset)

    def _parts(self) -> dict[Change, tuple[QWidget, ...]]:
        """What stands beside each switch."""
        parts: dict[Change, tuple[QWidget, ...]] = {}
        for enhancement in ENHANCEMENTS:
            link = plain_label("muted")
            self._links.append(link)
            low, high = (self._fields[f"{enhancement}_{end}"] for end in ("low", "high"))
            parts[enhancement] = (low, link, high)
        parts["flip"] = (self._fields["flip_probability"],)
        parts["rotation"] = (self._fields["rotation_degrees"],)
        parts["noise"] = (self._fields["noise_sigma_max"],)
        return parts

    def _connect(self) -> None:
        for change, switch in self._switches.items():
            switch.toggled.connect(partial(self._edit, f"is_{change}_on"))
        self._per_channel.toggled.connect(partial(self._edit, "is_noise_per_channel"))
        for name, field in self._fields.items():
            field.valueChanged.connect(partial(self._edit, name))
        self._reset.clicked.connect(self.reset_wanted)

    def show_config(self, config: AugmentationConfig, *, can_reset: bool = False) -> None:
        """Show settings; nothing is told of it."""
        self._config = config
        for change, switch in self._switches.items():
            is_on: bool = getattr(config, f"is_{change}_on")
            with QSignalBlocker(switch):
                switch.setChecked(is_on)
        for name, field in self._fields.items():
            value = getattr(config, name)
            with QSignalBlocker(field):
                field.setValue(round(100 * value) if name in PERCENTAGES else value)
            field.setEnabled(getattr(config, f"is_{name.split('_')[0]}_on", True))
        with QSignalBlocker(self._per_channel):
            self._per_channel.setChecked(config.is_noise_per_channel)
        self._per_channel.setEnabled(config.is_noise_on)
        self._reset.setEnabled(can_reset)
        self._show_notes()

    def retranslate(self) -> None:
        self._title.setText(tr("Random changes"))
        self._intro.setText(
            tr(
                "In every epoch each film is changed anew, in a random order, so that the network "
                "learns what does not matter. Validation and test films stay as they are."
            )
        )
        self._chance.setText(tr("Chance of each change"))
        self._reset.setText(tr("Reset to preset"))
        self._per_channel.setText(tr("Own noise in each colour channel"))
        for link in self._links:
            link.setText(tr("to"))
        for change, text in change_names().items():
            self._switches[change].setText(text)
        for name, text in field_names().items():
            self._fields[name].setAccessibleName(text)
        for enhancement in ENHANCEMENTS:
            for end in ("low", "high"):
                self._fields[f"{enhancement}_{end}"].setToolTip(
                    tr("1 leaves the film as it is, 0.5 halves, 1.5 adds a half")
                )
        self._fields["noise_sigma_max"].setToolTip(
            tr("Standard deviation in grey levels, of which a film has 256")
        )
        self._show_notes()

    def _show_notes(self) -> None:
        for change, text in change_notes(self._config).items():
            self._notes[change].setText(text)

    def _edit(self, name: str, value: float) -> None:
        changed: dict[str, Any] = {name: value / 100 if name in PERCENTAGES else value}
        self.edited.emit(dataclasses.replace(self._config, **changed))


def _whole_numbers(least: int, most: int, *, before: str = "", after: str = "") -> QSpinBox:
    number = QSpinBox()
    number.setRange(least, most)
    number.setPrefix(before)
    number.setSuffix(after)
    number.setFixedWidth(NUMBER_PX)
    return number


def _line(first: QWidget, *others: QWidget) -> QHBoxLayout:
    """The first part at the left, the others at the right."""
    line = QHBoxLayout()
    line.setSpacing(6)
    line.addWidget(first)
    line.addStretch()
    for other in others:
        line.addWidget(other)
    return line
