from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.widgets.viewer import FilmPane, Tool, ViewerDesk
from app.widgets.viewer.commands import HelpCard
from app.widgets.viewer.picture import Orientation
from core.images.film import Window, film_of_pixels
from tests.app.hands import label_texts
from tests.app.widgets.film_hands import NO_KEYS, deep, drag, hover, quarters, turn_wheel

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
Key = Qt.Key
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[QWidget]:
    """A page with a search field above the viewer."""
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(900, 700)
    desk, search = ViewerDesk(), QLineEdit()
    layout = QHBoxLayout(page)
    layout.addWidget(search)
    layout.addWidget(desk, 1)
    desk.show_film(0, deep(), "a.dcm")
    page.show()
    qtbot.waitExposed(page)
    desk.take_keys()
    yield page
    page.close()


@pytest.fixture
def desk(page: QWidget) -> ViewerDesk:
    return page.findChild(ViewerDesk)


@pytest.fixture
def four(desk: ViewerDesk) -> tuple[FilmPane, ...]:
    """The panes of four films."""
    desk.set_n_panes(4)
    for place in range(4):
        desk.show_film(place, deep(100 * (place + 1), 200), f"{place}.dcm")
    QApplication.processEvents()
    return desk.panes


def press(desk: ViewerDesk, key: Key, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
    QTest.keyClick(desk.panes[desk.chosen_pane], key, keys)


class TestKeys:
    def test_films_are_inverted_turned_and_flipped(self, desk: ViewerDesk) -> None:
        (pane,) = desk.panes
        press(desk, Key.Key_I)
        assert pane.state.is_inverted
        for key, keys, words in (
            (Key.Key_R, NO_KEYS, "turned 90° right"),
            (Key.Key_R, SHIFT, ""),
            (Key.Key_H, NO_KEYS, "flipped left to right"),
            (Key.Key_V, NO_KEYS, "turned 180°"),
        ):
            press(desk, key, keys)
            assert pane.state.orientation.words() == words

    def test_films_are_zoomed_and_reset(self, desk: ViewerDesk) -> None:
        (pane,) = desk.panes
        fitted = pane.geometry_now.scale
        press(desk, Key.Key_1)
        assert pane.geometry_now.scale == 1.0
        press(desk, Key.Key_Plus)
        assert pane.geometry_now.scale == 1.25
        press(desk, Key.Key_Minus)
        assert pane.geometry_now.scale == 1.0
        press(desk, Key.Key_F)
        assert pane.geometry_now.scale == fitted
        press(desk, Key.Key_H)
        press(desk, Key.Key_Backspace)
        assert pane.state.orientation == Orientation()

    def test_arrows_change_the_window_with_shift_and_move_the_film_with_ctrl(
        self, desk: ViewerDesk
    ) -> None:
        (pane,) = desk.panes
        before = pane.state.window
        press(desk, Key.Key_Right, SHIFT)
        assert pane.state.window.width > before.width
        press(desk, Key.Key_Down, SHIFT)
        assert pane.state.window.centre > before.centre
        pane.zoom_to(16.0)
        centre = pane.geometry_now.centre
        press(desk, Key.Key_Right, CTRL)
        assert pane.geometry_now.centre.x() > centre.x()

    def test_ready_made_windows_have_numbers(self, desk: ViewerDesk) -> None:
        own = ("LUNG", Window(1_200.0, 1_300.0))
        desk.show_film(0, deep(file_windows=(own,)), "a.dcm")
        (pane,) = desk.panes
        for key, kind in ((3, "full"), (4, "lungs"), (5, "bones"), (6, "file"), (2, "network")):
            press(desk, Key(ord(str(key))))
            assert pane.state.preset.kind == kind
        press(desk, Key.Key_9)
        assert pane.state.preset.kind == "network"

    def test_tools_are_chosen_and_put_away(self, desk: ViewerDesk) -> None:
        (pane,) = desk.panes
        for key, tool in (
            (Key.Key_L, Tool.RULER),
            (Key.Key_W, Tool.WINDOW),
            (Key.Key_P, Tool.HAND),
        ):
            press(desk, key)
            assert pane.gestures.tool is tool
        press(desk, Key.Key_L)
        drag(pane, LEFT, QPoint(100, 100), QPoint(200, 200))
        assert len(pane.state.rulers) == 1
        press(desk, Key.Key_Delete)
        assert pane.state.rulers == []
        press(desk, Key.Key_M)
        assert pane.has_magnifier
        press(desk, Key.Key_Escape)
        assert not pane.has_magnifier

    def test_other_films_are_wanted_also_while_a_button_has_the_focus(
        self, qtbot: QtBot, desk: ViewerDesk
    ) -> None:
        slider = desk.findChild(QSlider)
        for signal, keys in (
            (desk.previous_wanted, (Key.Key_Left, Key.Key_PageUp)),
            (desk.next_wanted, (Key.Key_Right, Key.Key_PageDown)),
        ):
            for key in keys:
                with qtbot.waitSignal(signal):
                    press(desk, key)
            slider.setFocus()
            with qtbot.waitSignal(signal):
                QTest.keyClick(slider, keys[0])

    def test_a_search_field_beside_the_viewer_keeps_its_keys(
        self, page: QWidget, desk: ViewerDesk
    ) -> None:
        search = page.findChild(QLineEdit)
        search.setFocus()
        QTest.keyClicks(search, "hill1+?")
        QTest.keyClick(search, Key.Key_Backspace)
        assert search.text() == "hill1+"
        assert desk.panes[0].state.orientation == Orientation()
        assert desk.panes[0].geometry_now.is_fitted

    def test_the_keys_are_listed_and_fit_into_a_narrow_viewer(
        self, page: QWidget, desk: ViewerDesk
    ) -> None:
        press(desk, Key.Key_Question)
        assert "Swap black and white" in label_texts(desk)
        for width in (900, 620, 300):
            page.resize(width, 500)
            QApplication.processEvents()
            assert desk.rect().contains(desk.findChild(HelpCard).geometry())
        press(desk, Key.Key_Escape)
        assert "Swap black and white" not in label_texts(desk)


class TestHeat:
    def test_a_key_hides_and_shows_it(self, qtbot: QtBot, desk: ViewerDesk) -> None:
        desk.set_heat(0, np.ones((4, 4), np.float32))
        shown = quarters(desk.panes[0])
        with qtbot.waitSignal(desk.heat_toggled, check_params_cb=lambda is_on: not is_on):
            press(desk, Key.Key_O)
        assert quarters(desk.panes[0]) == [0, 64, 128, 255]
        press(desk, Key.Key_O)
        assert quarters(desk.panes[0]) == shown

    def test_keys_and_slider_change_how_strong_it_is(self, qtbot: QtBot, desk: ViewerDesk) -> None:
        before = desk.opacity
        with qtbot.waitSignal(desk.opacity_changed):
            press(desk, Key.Key_BracketRight)
        assert desk.opacity > before
        desk.findChild(QSlider).setValue(20)
        assert desk.opacity == 0.2
        for _ in range(9):
            press(desk, Key.Key_BracketLeft)
        assert desk.opacity == 0.0
        assert desk.findChild(QSlider).value() == 0

    def test_how_it_is_shown_outlives_the_film(self, desk: ViewerDesk) -> None:
        desk.set_heat_shown(False)
        desk.show_film(0, deep(), "b.dcm")
        desk.set_heat(0, np.ones((4, 4), np.float32))
        assert quarters(desk.panes[0]) == [0, 64, 128, 255]


class TestSeveralFilms:
    def test_one_to_four_stand_side_by_side(self, qtbot: QtBot, desk: ViewerDesk) -> None:
        for key, n_panes in ((Key.Key_D, 2), (Key.Key_D, 4), (Key.Key_D, 1)):
            with qtbot.waitSignal(desk.n_panes_changed):
                press(desk, key)
            assert desk.n_panes == n_panes
            assert sum(pane.isVisible() for pane in desk.findChildren(FilmPane)) == n_panes

    def test_fewer_films_choose_one_in_sight_and_the_others_come_back(
        self, four: tuple[FilmPane, ...], desk: ViewerDesk
    ) -> None:
        desk.choose_pane(3)
        desk.set_n_panes(2)
        assert desk.chosen_pane == 0
        desk.set_n_panes(4)
        assert [pane.name for pane in desk.panes] == ["0.dcm", "1.dcm", "2.dcm", "3.dcm"]

    def test_a_click_chooses_the_film_that_takes_the_keys(
        self, qtbot: QtBot, four: tuple[FilmPane, ...], desk: ViewerDesk
    ) -> None:
        with qtbot.waitSignal(desk.pane_chosen, check_params_cb=lambda place: place == 2):
            QTest.mouseClick(four[2], LEFT)
        press(desk, Key.Key_H)
        turned = [pane.state.orientation != Orientation() for pane in four]
        assert turned == [False, False, True, False]
        press(desk, Key.Key_N)
        assert desk.chosen_pane == 3

    def test_linked_films_are_zoomed_and_moved_alike(self, four: tuple[FilmPane, ...]) -> None:
        turn_wheel(four[1], 5, QPointF(60, 80))
        relative = [pane.geometry_now.scale / pane.geometry_now.fitting for pane in four]
        assert relative == pytest.approx([relative[0]] * 4)
        assert relative[0] > 2
        turn_wheel(four[1], -50, QPointF(60, 80))
        turn_wheel(four[0], 1, QPointF(60, 80))
        four[0].fit()
        assert all(pane.geometry_now.is_fitted for pane in four)

    def test_linked_films_are_windowed_alike(self, four: tuple[FilmPane, ...]) -> None:
        bright = film_of_pixels(np.full((80, 80), 99, np.uint8))
        four[3].show_film(bright, "other.png")
        drag(four[0], RIGHT, QPoint(50, 50), QPoint(90, 80))
        ends = [pane.state.relative_window for pane in four]
        assert all(end == pytest.approx(ends[0]) for end in ends)
        four[0].invert()
        assert all(pane.state.is_inverted for pane in four)

    def test_a_linked_preset_is_each_films_own(
        self, four: tuple[FilmPane, ...], desk: ViewerDesk
    ) -> None:
        four[3].show_film(film_of_pixels(np.arange(99, dtype=np.uint8)[:, None].repeat(99, 1)), "g")
        press(desk, Key.Key_3)
        assert [pane.state.preset.kind for pane in four] == ["full"] * 4
        assert four[3].state.window == Window(0.0, 98.0)

    def test_the_place_under_the_mouse_is_marked_on_linked_films(
        self, four: tuple[FilmPane, ...], desk: ViewerDesk
    ) -> None:
        place = four[1].place_of(QPointF(50, 50))
        hover(four[1], place)
        assert four[1].echo is None
        there = four[0].film_point(four[0].echo)
        assert (there.x() / 200, there.y() / 100) == pytest.approx((50 / 200, 50 / 200))
        desk.grab()
        desk.set_linked(False)
        assert four[0].echo is None
        hover(four[1], place)
        assert four[0].echo is None

    def test_films_that_are_not_linked_stay_until_they_are_again(
        self, four: tuple[FilmPane, ...], desk: ViewerDesk
    ) -> None:
        press(desk, Key.Key_K)
        assert not desk.is_linked
        turn_wheel(four[0], 5, QPointF(60, 80))
        four[0].drag_window(40, 0)
        assert four[1].geometry_now.is_fitted
        assert four[1].state.preset.kind == "network"
        desk.set_linked(True)
        assert not four[3].geometry_now.is_fitted

    def test_a_pane_without_a_film_does_no_harm(
        self, four: tuple[FilmPane, ...], desk: ViewerDesk
    ) -> None:
        desk.show_message(1, "This film is damaged.", "1.dcm")
        desk.choose_pane(1)
        for key in "IRF130":
            press(desk, Key(ord(key)))
        press(desk, Key.Key_Delete)
        four[0].zoom_to(9.0)
        four[0].invert()
        desk.grab()


class TestFullScreen:
    def test_it_is_wanted_and_left_by_key(self, qtbot: QtBot, desk: ViewerDesk) -> None:
        desk.full_screen_wanted.connect(desk.set_full_screen)
        for key, is_full in ((Key.Key_F11, True), (Key.Key_Escape, False)):
            with qtbot.waitSignal(desk.full_screen_wanted) as wanted:
                press(desk, key)
            assert wanted.args == [is_full]


class TestWords:
    def test_they_follow_the_language(
        self, desk: ViewerDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.widgets.viewer.commands.say", lambda text: str(text).upper())
        QApplication.sendEvent(desk, QEvent(QEvent.Type.LanguageChange))
        tips = " ".join(button.toolTip() for button in desk.findChildren(QToolButton))
        assert "SWAP BLACK AND WHITE" in tips

    def test_windows_are_listed_by_their_foreign_names_and_the_one_in_use_is_ticked(
        self, desk: ViewerDesk
    ) -> None:
        own = ("A && <b>B</b> & C", Window(1_200.0, 1_300.0))
        desk.show_film(0, deep(file_windows=(own,)), "a.dcm")
        press(desk, Key.Key_3)
        menus = desk.findChildren(QMenu)
        for menu in menus:
            menu.aboutToShow.emit()
        actions = [action for menu in menus for action in menu.actions()]
        assert "File: A &&&& <b>B</b> && C\t6" in [action.text() for action in actions]
        assert "Full range\t3" in [action.text() for action in actions if action.isChecked()]

    def test_every_button_has_a_name_and_an_icon(self, desk: ViewerDesk) -> None:
        desk.show_colours("#ffffff", "#00ff00", "#888888")
        for button in desk.findChildren(QToolButton):
            if button.isVisible():
                assert button.toolTip()
                assert not button.icon().isNull()
