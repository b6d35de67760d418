import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QSlider
from pytestqt.qtbot import QtBot

from app.reading.heat_map import HeatControls
from core.prediction.saliency_checks import USUAL_OPACITY
from tests.app.hands import button, field, label_texts
from tests.app.reading.foreign_words import HOSTILE_NAMES, speak_tilde

NAMES = ["Normal", "Viral pneumonia", "COVID-19"]


@pytest.fixture
def controls(qtbot: QtBot) -> HeatControls:
    controls = HeatControls()
    qtbot.addWidget(controls)
    controls.resize(272, 160)
    controls.show_classes(NAMES, 1)
    controls.show_available(has_second=True, has_lungs=True)
    controls.show()
    qtbot.waitExposed(controls)
    return controls


def classes(controls: HeatControls) -> QComboBox:
    return field(controls, QComboBox, "Class of the heat map")


def methods(controls: HeatControls) -> QComboBox:
    return field(controls, QComboBox, "Method of the heat map")


def opacity(controls: HeatControls) -> QSlider:
    return field(controls, QSlider, "Opacity of the heat map")


def click_box(controls: HeatControls, text: str) -> None:
    box = button(controls, text)
    assert isinstance(box, QCheckBox)
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


class TestSignals:
    def test_the_heat_map_goes_off_and_on(self, qtbot: QtBot, controls: HeatControls) -> None:
        for is_on in (False, True):
            with qtbot.waitSignal(controls.heat_toggled) as toggled:
                click_box(controls, "Heat map")
            assert toggled.args == [is_on]

    def test_a_class_is_chosen_with_the_keys(self, qtbot: QtBot, controls: HeatControls) -> None:
        with qtbot.waitSignal(controls.class_chosen) as chosen:
            QTest.keyClick(classes(controls), Qt.Key.Key_Down)
        assert chosen.args == [2]

    def test_so_is_a_method(self, qtbot: QtBot, controls: HeatControls) -> None:
        with qtbot.waitSignal(controls.method_chosen) as chosen:
            QTest.keyClick(methods(controls), Qt.Key.Key_Down)
        assert chosen.args == ["occlusion"]

    def test_the_opacity_is_a_share(self, qtbot: QtBot, controls: HeatControls) -> None:
        with qtbot.waitSignal(controls.opacity_changed) as changed:
            QTest.keyClick(opacity(controls), Qt.Key.Key_End)
        assert changed.args == [1.0]
        assert "100%" in label_texts(controls)

    def test_the_outline_goes_on(self, qtbot: QtBot, controls: HeatControls) -> None:
        with qtbot.waitSignal(controls.outline_toggled) as toggled:
            click_box(controls, "Lung outline")
        assert toggled.args == [True]

    def test_what_the_page_sets_is_not_told(self, qtbot: QtBot, controls: HeatControls) -> None:
        signals = (
            controls.heat_toggled,
            controls.class_chosen,
            controls.opacity_changed,
            controls.method_chosen,
            controls.outline_toggled,
        )
        told: list[object] = []
        for signal in signals:
            signal.connect(told.append)
        controls.set_heat(False)
        controls.set_heat(True)
        controls.set_opacity(0.3)
        controls.set_outline(True)
        controls.choose_class(0)
        controls.choose_method("occlusion")
        controls.show_available(has_second=False, has_lungs=False)
        controls.show_classes(["a", "b"], 1)
        assert told == []
        assert opacity(controls).value() == 30
        assert methods(controls).currentData() == "cam"
        assert classes(controls).currentText() == "b"

    def test_the_wheel_scrolls_the_panel_and_turns_nothing(
        self, qtbot: QtBot, controls: HeatControls
    ) -> None:
        button(controls, "Heat map").setFocus()
        for one in (classes(controls), methods(controls), opacity(controls)):
            place = QPointF(one.rect().center())
            event = QWheelEvent(
                place,
                QPointF(one.mapToGlobal(place)),
                QPoint(),
                QPoint(0, -120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(one, event)
        assert classes(controls).currentIndex() == 1
        assert methods(controls).currentIndex() == 0
        assert opacity(controls).value() == round(USUAL_OPACITY * 100)


class TestWhatThereIs:
    def test_without_a_film_there_is_nothing_to_choose(self, controls: HeatControls) -> None:
        controls.show_classes([], None)
        for one in (classes(controls), methods(controls), opacity(controls)):
            assert not one.isEnabled()
        assert not button(controls, "Heat map").isEnabled()
        assert not button(controls, "Lung outline").isEnabled()

    def test_without_the_map_its_choices_rest(self, controls: HeatControls) -> None:
        controls.set_heat(False)
        assert not classes(controls).isEnabled()
        assert not opacity(controls).isEnabled()
        assert button(controls, "Lung outline").isEnabled()

    def test_what_is_missing_says_why(self, controls: HeatControls) -> None:
        controls.show_available(has_second=False, has_lungs=False)
        assert not methods(controls).isEnabled()
        assert "not ready" in methods(controls).toolTip()
        assert not button(controls, "Lung outline").isEnabled()
        assert "not found" in button(controls, "Lung outline").toolTip()

    def test_names_of_any_length_fit(self, controls: HeatControls) -> None:
        before = controls.minimumSizeHint().width()
        controls.show_classes(HOSTILE_NAMES, 0)
        assert controls.minimumSizeHint().width() == before
        assert classes(controls).itemText(3) == "two lines and a tab"
        controls.grab()

    def test_it_fits_the_narrowest_panel(self, controls: HeatControls) -> None:
        assert controls.minimumSizeHint().width() <= 252

    def test_it_speaks_another_language(self, controls: HeatControls) -> None:
        controls.choose_method("occlusion")
        speak_tilde(controls)
        assert button(controls, "~Heat map")
        assert field(controls, QComboBox, "~Class of the heat map").currentText() == NAMES[1]
        assert field(controls, QComboBox, "~Method of the heat map").currentText().startswith("~")
