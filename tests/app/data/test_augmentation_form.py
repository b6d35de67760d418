import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QScrollArea
from pytestqt.qtbot import QtBot

from app.data.augmentation import AugmentationForm
from app.widgets.setting_fields import NumberBox
from core.config import AugmentationConfig
from tests.app.hands import button, field, label_texts, press

SWITCHES = {
    "Brightness": "is_brightness_on",
    "Contrast": "is_contrast_on",
    "Saturation": "is_saturation_on",
    "Sharpness": "is_sharpness_on",
    "Left-right flip": "is_flip_on",
    "Rotation": "is_rotation_on",
    "Noise": "is_noise_on",
}
FACTORS = {
    "Least brightness": ("brightness_low", 0.8),
    "Greatest brightness": ("brightness_high", 1.2),
    "Least contrast": ("contrast_low", 0.8),
    "Greatest contrast": ("contrast_high", 1.2),
    "Least saturation": ("saturation_low", 0.8),
    "Greatest saturation": ("saturation_high", 1.2),
    "Least sharpness": ("sharpness_low", 0.8),
    "Greatest sharpness": ("sharpness_high", 1.2),
    "Strongest noise": ("noise_sigma_max", 4.5),
}
PERCENTAGES = {"Chance of each change": "probability", "Chance of a flip": "flip_probability"}


@pytest.fixture
def form(qtbot: QtBot) -> AugmentationForm:
    form = AugmentationForm()
    qtbot.addWidget(form)
    form.resize(340, 500)
    form.show()
    return form


@pytest.fixture
def edits(form: AugmentationForm) -> list[AugmentationConfig]:
    """What the form has told."""
    edits: list[AugmentationConfig] = []
    form.edited.connect(edits.append)
    return edits


@pytest.mark.parametrize(("text", "name"), SWITCHES.items())
def test_a_switch_turns_its_change_off(
    form: AugmentationForm, edits: list[AugmentationConfig], text: str, name: str
) -> None:
    button(form, text).click()
    assert edits == [AugmentationConfig(**{name: False})]


@pytest.mark.parametrize(("text", "name", "value"), [(t, n, v) for t, (n, v) in FACTORS.items()])
def test_a_number_is_told_as_it_is(
    form: AugmentationForm, edits: list[AugmentationConfig], text: str, name: str, value: float
) -> None:
    field(form, NumberBox, text).setValue(value)
    assert edits == [AugmentationConfig(**{name: value})]


@pytest.mark.parametrize(("text", "name"), PERCENTAGES.items())
def test_a_chance_is_told_as_a_fraction(
    form: AugmentationForm, edits: list[AugmentationConfig], text: str, name: str
) -> None:
    field(form, NumberBox, text).setValue(35)
    assert edits == [AugmentationConfig(**{name: 0.35})]


def test_the_rotation_is_told_in_degrees(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    field(form, NumberBox, "Rotation in degrees").setValue(10)
    assert edits == [AugmentationConfig(rotation_degrees=10)]


def test_noise_for_each_channel_can_be_chosen(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    button(form, "Noise in each channel").click()
    assert edits == [AugmentationConfig(is_noise_per_channel=True)]


def test_a_number_is_told_once_it_is_typed_to_its_end(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    angle = field(form, NumberBox, "Rotation in degrees")
    angle.setFocus()
    angle.selectAll()
    QTest.keyClicks(angle, "15")
    assert edits == []
    QTest.keyClick(angle, Qt.Key.Key_Return)
    assert edits == [AugmentationConfig(rotation_degrees=15)]


def test_settings_are_shown_and_nothing_is_told_of_it(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    values = dict(FACTORS.values()) | {"probability": 0.3, "rotation_degrees": 5}
    form.show_config(AugmentationConfig(is_flip_on=False, **values))
    assert edits == []
    assert not field(form, NumberBox, "Chance of a flip").isEnabled()
    assert field(form, NumberBox, "Chance of each change").value() == 30
    assert field(form, NumberBox, "Rotation in degrees").value() == 5
    for text, (_, value) in FACTORS.items():
        assert field(form, NumberBox, text).value() == value


def test_an_edit_keeps_what_the_form_rounds(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    exact = AugmentationConfig(probability=0.333, brightness_low=0.1234)
    form.show_config(exact)
    button(form, "Noise").click()
    assert edits == [exact.changed(is_noise_on=False)]


def test_what_is_off_cannot_be_set(form: AugmentationForm) -> None:
    off = {name: False for name in SWITCHES.values()}
    form.show_config(AugmentationConfig(**off))
    numbers = form.findChildren(NumberBox)
    assert [one.accessibleName() for one in numbers if one.isEnabled()] == ["Chance of each change"]
    assert not button(form, "Noise in each channel").isEnabled()
    assert all(button(form, text).isEnabled() for text in SWITCHES)


def test_it_says_how_many_films_are_mirrored(form: AugmentationForm) -> None:
    def said() -> str:
        return next(text for text in label_texts(form) if "mirrored" in text)

    assert "25% of the films" in said()
    form.show_config(AugmentationConfig(probability=1.0, flip_probability=0.4))
    assert "40% of the films" in said()
    form.show_config(AugmentationConfig(is_flip_on=False))
    assert " 0% of the films" in said()


def test_it_says_that_saturation_does_nothing_to_grey_films(form: AugmentationForm) -> None:
    assert any("on grey films it has no effect" in text for text in label_texts(form))


def test_reset_is_asked_for_where_there_is_something_to_reset(
    qtbot: QtBot, form: AugmentationForm
) -> None:
    assert not button(form, "Reset to preset").isEnabled()
    form.show_config(AugmentationConfig(), can_reset=True)
    with qtbot.waitSignal(form.reset_wanted):
        press(form, "Reset to preset")


def test_the_wheel_scrolls_past_the_numbers(
    form: AugmentationForm, edits: list[AugmentationConfig]
) -> None:
    number = field(form, NumberBox, "Least brightness")
    number.clearFocus()
    place = QPointF(10, 10)
    event = QWheelEvent(
        place,
        number.mapToGlobal(place),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(number, event)
    assert edits == []
    assert not event.isAccepted()


def test_every_part_fits_its_width(form: AugmentationForm) -> None:
    scroll = form.findChild(QScrollArea)
    assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width()
    assert all(box.isVisible() for box in form.findChildren(QCheckBox))
