import logging

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.widgets.viewer import FilmPane, Tool
from app.widgets.viewer.picture import MAX_SCALE, STEP
from core.images.film import FullDepthFilm, Spacing, Window
from tests.app.widgets.film_hands import (
    BLACK,
    WHITE,
    deep,
    drag,
    grey,
    hover,
    pixel,
    quarters,
    turn_wheel,
)

LEFT, RIGHT, MIDDLE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
)
CENTRE = QPoint(200, 200)


@pytest.fixture
def pane(qtbot: QtBot) -> FilmPane:
    pane = FilmPane()
    qtbot.addWidget(pane)
    pane.resize(400, 400)
    pane.show_film(deep(), "a.dcm")
    return pane


def state(pane: FilmPane) -> object:
    assert pane.state is not None
    return pane.state


class TestWindow:
    def test_a_drag_to_the_right_lessens_contrast(self, pane: FilmPane) -> None:
        drag(pane, RIGHT, CENTRE, CENTRE + QPoint(60, 0))
        first, *_, last = quarters(pane)
        assert 0 < first < last < 255
        assert state(pane).window.centre == pytest.approx((BLACK + WHITE) / 2)

    def test_a_drag_down_darkens_whichever_end_is_black(self, pane: FilmPane) -> None:
        for is_negative, is_inverted in ((False, False), (True, False), (False, True)):
            pane.show_film(deep(is_negative=is_negative), "a.dcm")
            if is_inverted:
                pane.invert()
            before = quarters(pane)[2]
            drag(pane, RIGHT, CENTRE, CENTRE + QPoint(0, 60))
            assert quarters(pane)[2] < before

    def test_the_left_button_does_it_with_the_window_tool(self, pane: FilmPane) -> None:
        pane.set_tool(Tool.WINDOW)
        drag(pane, LEFT, CENTRE, CENTRE + QPoint(60, 0))
        assert state(pane).window.width > WHITE - BLACK

    def test_a_window_never_becomes_nothing(self, pane: FilmPane) -> None:
        pane.drag_window(-1e5, 1e9)
        assert state(pane).window.width >= 1
        pane.drag_window(1e5, -1e9)
        assert np.isfinite(state(pane).window.high)
        pane.grab()

    def test_a_film_is_inverted_and_a_negative_shown_as_a_positive(self, pane: FilmPane) -> None:
        pane.invert()
        assert quarters(pane) == [255, 191, 127, 0]
        pane.invert()
        assert quarters(pane) == [0, 64, 128, 255]
        pane.show_film(deep(is_negative=True), "a.dcm")
        assert quarters(pane) == [255, 191, 127, 0]
        assert not state(pane).is_inverted

    def test_colours_are_windowed_channel_by_channel(self, pane: FilmPane) -> None:
        pane.show_film(np.full((50, 50, 3), (200, 100, 50), np.uint8), "photo.png")
        assert pixel(pane, 200, 150) == QColor(200, 100, 50)
        pane.set_window(Window(50.0, 305.0))
        assert pixel(pane, 200, 150) == QColor(150, 50, 0)

    def test_the_film_is_reset(self, pane: FilmPane) -> None:
        pane.drag_window(50, 50)
        pane.invert()
        pane.turn(1)
        pane.zoom_to(7.0)
        pane.reset()
        assert quarters(pane) == [0, 64, 128, 255]
        assert pane.geometry_now.is_fitted


class TestView:
    def test_a_film_is_fitted(self, pane: FilmPane) -> None:
        assert pane.geometry_now.scale == 2.0
        pane.resize(800, 500)
        assert pane.geometry_now.scale == 2.5

    def test_the_wheel_magnifies_around_the_pointer(self, pane: FilmPane) -> None:
        place = QPointF(130, 290)
        under = pane.film_point(place)
        turn_wheel(pane, 4, place)
        assert pane.geometry_now.scale > 4
        after = pane.film_point(place)
        assert (after.x(), after.y()) == pytest.approx((under.x(), under.y()))

    def test_turning_back_ends_with_the_whole_film(self, pane: FilmPane) -> None:
        turn_wheel(pane, 60, QPointF(10, 10))
        assert pane.geometry_now.scale == MAX_SCALE
        turn_wheel(pane, -99, QPointF(390, 10))
        assert pane.geometry_now.scale == 1.0
        assert pixel(pane, 50, 200) == QColor("black")

    def test_a_drag_moves_the_film_with_the_pointer(self, pane: FilmPane) -> None:
        pane.zoom_to(8.0)
        for button, start, end in (
            (LEFT, CENTRE, QPoint(150, 260)),
            (MIDDLE, QPoint(150, 260), CENTRE),
        ):
            under = pane.film_point(QPointF(start))
            drag(pane, button, start, end)
            after = pane.film_point(QPointF(end))
            assert (after.x(), after.y()) == pytest.approx((under.x(), under.y()))
        pane.set_tool(Tool.RULER)
        before = pane.geometry_now.centre
        QTest.keyPress(pane, Qt.Key.Key_Space)  # lets the left button move under any tool
        drag(pane, LEFT, CENTRE, QPoint(150, 260))
        QTest.keyRelease(pane, Qt.Key.Key_Space)
        assert pane.geometry_now.centre != before
        assert state(pane).rulers == []
        for _ in range(20):  # not past the film's edge
            drag(pane, MIDDLE, QPoint(10, 10), QPoint(390, 390))
        assert pane.film_point(QPointF(0, 0)) == QPointF(0, 0)
        pane.set_tool(Tool.HAND)
        QTest.mouseDClick(pane, LEFT, Qt.KeyboardModifier.NoModifier, CENTRE)
        assert pane.geometry_now.is_fitted

    def test_single_pixels_are_squares_when_they_are_large(self, pane: FilmPane) -> None:
        film = np.zeros((100, 100), np.uint8)
        film[50, 50] = 255
        pane.show_film(film, "a.png")
        pane.zoom_to(16.0, QPointF(CENTRE))
        image = pane.grab().toImage()
        levels = [image.pixelColor(x, 207).red() for x in range(400)]
        assert levels.count(255) == 16
        assert set(levels) == {0, 255}

    def test_a_fine_pattern_is_averaged_before_the_window(self, pane: FilmPane) -> None:
        film = np.zeros((1_600, 1_600), np.uint8)
        film[::2] = 200
        pane.show_film(film, "a.png")
        assert grey(pane, 200, 200) == pytest.approx(100, abs=12)
        pane.set_window(Window(90.0, 110.0))
        assert grey(pane, 200, 200) == pytest.approx(128, abs=12)

    def test_a_large_film_is_sharp_again_when_the_zoom_is_over(
        self, qtbot: QtBot, pane: FilmPane
    ) -> None:
        film = np.zeros((2_000, 2_000), np.uint8)
        film[:, ::9] = 250
        pane.show_film(film, "a.png")
        turn_wheel(pane, 3, QPointF(CENTRE))
        hurried = pane.grab().toImage()
        qtbot.waitUntil(lambda: not pane.is_hurried)
        sharp = pane.grab().toImage()
        assert hurried != sharp
        pane.show_film(film, "a.png")
        pane.geometry_now.zoom_to(pane.geometry_now.scale * STEP**3, QPointF(CENTRE))
        assert pane.grab().toImage() == sharp

    def test_a_film_that_is_moved_step_by_step_looks_as_if_it_was_drawn_there(
        self, pane: FilmPane
    ) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (900, 1_100)).astype(np.uint8)
        pane.show_film(noise, "a.png")
        pane.zoom_to(0.8)
        for _ in range(30):
            pane.move_by(QPointF(-7, 5))
            pane.grab()
        moved = pane.grab().toImage()
        centre = pane.geometry_now.centre
        pane.show_film(noise, "a.png")
        pane.zoom_to(0.8)
        pane.geometry_now.look_at(centre)
        afresh = pane.grab().toImage()
        places = [(x, y) for x in range(60, 400, 31) for y in range(80, 320, 31)]
        differences = [
            abs(moved.pixelColor(*place).red() - afresh.pixelColor(*place).red())
            for place in places
        ]
        assert max(differences) <= 2


class TestOrientation:
    def test_the_film_is_turned_and_flipped_as_it_is_seen(self, pane: FilmPane) -> None:
        for keys, expected in (
            ("r", [128, 0, 255, 64]),
            ("l", [64, 255, 0, 128]),
            ("rr", [255, 128, 64, 0]),
            ("h", [64, 0, 255, 128]),
            ("v", [128, 255, 0, 64]),
            ("rh", [0, 128, 64, 255]),
            ("hr", [255, 64, 128, 0]),
            ("rhlv", [0, 64, 128, 255]),
        ):
            pane.reset()
            for key in keys:
                if key in "rl":
                    pane.turn(1 if key == "r" else -1)
                else:
                    pane.flip(is_across=key == "h")
            assert quarters(pane) == expected, keys

    def test_a_turned_film_is_fitted_to_its_new_sides(self, pane: FilmPane) -> None:
        pane.show_film(deep(100, 400), "a.dcm")
        pane.resize(200, 400)
        assert pane.geometry_now.scale == 0.5
        pane.turn(1)
        assert pane.geometry_now.scale == 1.0

    def test_what_is_in_the_middle_stays_there(self, pane: FilmPane) -> None:
        pane.zoom_to(8.0, QPointF(100, 300))
        before = pane.film_point(QPointF(CENTRE))
        for act in (lambda: pane.turn(1), lambda: pane.flip(is_across=False)):
            act()
            after = pane.film_point(QPointF(CENTRE))
            assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()))

    def test_a_point_of_the_film_is_found_where_it_is_drawn(self, pane: FilmPane) -> None:
        film = np.zeros((100, 60), np.uint8)
        film[45, 35] = 255
        pane.show_film(film, "a.png")
        pane.zoom_to(5.0)
        for step in range(8):
            place = pane.place_of(QPointF(35.5, 45.5))
            back = pane.film_point(place)
            assert (back.x(), back.y()) == pytest.approx((35.5, 45.5))
            assert grey(pane, place.x(), place.y()) == 255
            pane.turn(1)
            if step == 3:
                pane.flip(is_across=True)


class TestRulers:
    def measure(self, pane: FilmPane, start: QPoint, end: QPoint) -> None:
        pane.set_tool(Tool.RULER)
        drag(pane, LEFT, start, end)

    def test_several_lines_are_drawn_and_taken_away(self, pane: FilmPane) -> None:
        self.measure(pane, QPoint(50, 50), QPoint(250, 50))
        self.measure(pane, QPoint(50, 150), QPoint(50, 350))
        lengths = [ruler.line.length() for ruler in state(pane).rulers]
        assert lengths == pytest.approx([100, 100])
        assert pane.gestures.remove_ruler()
        assert len(state(pane).rulers) == 1
        assert pane.gestures.remove_ruler()
        assert not pane.gestures.remove_ruler()

    def test_an_end_or_the_whole_of_a_ruler_can_be_moved(self, pane: FilmPane) -> None:
        self.measure(pane, QPoint(50, 50), QPoint(51, 51))
        assert state(pane).rulers == []  # a click leaves none
        self.measure(pane, QPoint(50, 50), QPoint(250, 50))
        self.measure(pane, QPoint(252, 52), QPoint(302, 52))
        (ruler,) = state(pane).rulers
        assert (ruler.end.x(), ruler.end.y()) == pytest.approx((150, 25))
        assert (ruler.start.x(), ruler.start.y()) == pytest.approx((25, 25))
        self.measure(pane, QPoint(150, 51), QPoint(150, 91))
        assert (ruler.start.y(), ruler.end.y()) == pytest.approx((45, 45))
        assert ruler.line.length() == pytest.approx(125)

    def test_it_stays_on_its_place_of_a_turned_film(self, pane: FilmPane) -> None:
        self.measure(pane, QPoint(50, 50), QPoint(250, 50))
        pane.turn(1)
        (ruler,) = state(pane).rulers
        start, end = (pane.place_of(place) for place in (ruler.start, ruler.end))
        assert (start.x(), start.y(), end.x(), end.y()) == pytest.approx((350, 50, 350, 250))


class TestWhatLiesOver:
    def test_heat_is_drawn_where_it_is(self, pane: FilmPane) -> None:
        pane.show_film(np.full((100, 100), 100, np.uint8), "a.png")
        heat = np.zeros((4, 4), np.float32)
        heat[0, 3] = 1.0
        pane.overlays.set_heat(heat)
        hot, cold = pixel(pane, 360, 80), pixel(pane, 100, 250)
        assert (cold.red(), cold.green(), cold.blue()) == (100, 100, 100)
        assert hot.red() > hot.blue() + 40

    def test_heat_stays_on_its_place_of_the_film(self, pane: FilmPane) -> None:
        pane.show_film(np.full((300, 200), 100, np.uint8), "a.png")
        heat = np.zeros((30, 20), np.float32)
        heat[6, 15] = 1.0
        pane.overlays.set_heat(heat)
        pane.turn(1)
        pane.flip(is_across=True)
        for scale in (0.7, 2.0, 9.0, 32.0):
            pane.zoom_to(scale)
            pane.move_by(QPointF(CENTRE) - pane.place_of(QPointF(155, 65)))
            hot = pane.place_of(QPointF(155, 65))
            found = pixel(pane, hot.x(), hot.y())
            assert found.red() > found.blue() + 40

    def test_heat_that_is_hidden_or_transparent_is_not_drawn(self, pane: FilmPane) -> None:
        before = quarters(pane)
        pane.overlays.set_heat(np.ones((3, 3), np.float32))
        assert quarters(pane) != before
        pane.overlays.is_heat_shown = False
        assert quarters(pane) == before
        pane.overlays.is_heat_shown, pane.overlays.opacity = True, 0.0
        assert quarters(pane) == before

    def test_odd_heat_does_no_harm(self, pane: FilmPane, caplog: pytest.LogCaptureFixture) -> None:
        nan, large = np.full((3, 3), np.nan), np.full((2, 2), 9.0)
        for heat in (nan, large, np.zeros((0, 3)), np.zeros(4)):
            pane.overlays.set_heat(heat)
            pane.grab()
        assert caplog.records == []

    def test_another_film_takes_it_away(self, pane: FilmPane) -> None:
        pane.overlays.set_heat(np.ones((3, 3), np.float32))
        pane.overlays.set_outline(np.eye(8, dtype=bool))
        pane.overlays.stamp = "Do not trust this map"
        pane.show_film(deep(), "b.dcm")
        assert quarters(pane) == [0, 64, 128, 255]
        assert pane.overlays.lines == []

    def test_the_outline_is_the_border_of_the_mask(self, pane: FilmPane) -> None:
        pane.show_film(np.zeros((100, 100), np.uint8), "a.png")
        mask = np.zeros((40, 40), bool)
        mask[10:30, 10:30] = True
        pane.overlays.set_outline(mask)
        image = pane.grab().toImage()
        lit = [x for x in range(60, 340) if image.pixelColor(x, 200).blue() > 120]
        assert lit
        assert all(min(abs(x - 100), abs(x - 300)) <= 3 for x in lit)

    def test_the_stamp_goes_with_the_heat(self, pane: FilmPane) -> None:
        pane.overlays.stamp = "Do not trust this map"
        assert pixel(pane, 390, 3).red() < 100
        pane.overlays.set_heat(np.zeros((3, 3), np.float32))
        assert pixel(pane, 390, 3).red() > 200


class TestPainting:
    def test_the_magnifier_shows_the_film_larger(self, pane: FilmPane) -> None:
        film = np.zeros((400, 400), np.uint8)
        film[195:205, 195:205] = 255
        pane.show_film(film, "a.png")
        hover(pane, QPointF(CENTRE))
        assert grey(pane, 209, 200) == 0
        pane.set_magnifier(True)
        assert grey(pane, 209, 200) == 255

    def test_a_sentence_takes_the_place_of_the_film(self, pane: FilmPane) -> None:
        pane.show_message("This film is damaged.", "a.dcm")
        pane.zoom_by(3)
        pane.drag_window(5, 5)
        drag(pane, LEFT, QPoint(10, 10), QPoint(99, 99))
        image = pane.grab().toImage()
        assert any(image.pixelColor(x, y).red() > 150 for x in range(100, 300) for y in (196, 200))
        assert pane.accessibleDescription() == "a.dcm This film is damaged."

    def test_a_pane_of_any_size_can_be_drawn(
        self, pane: FilmPane, caplog: pytest.LogCaptureFixture
    ) -> None:
        pane.set_magnifier(True)
        pane.setMinimumSize(0, 0)
        for width, height in ((16, 16), (3, 500), (200, 0), (1, 1)):
            pane.resize(width, height)
            for film in (deep(spacing=Spacing(0.1, 0.2, True)), deep(16, 5_000)):
                pane.show_film(film, "a.dcm")
                pane.overlays.set_heat(np.ones((7, 7), np.float32))
                pane.overlays.stamp = "Do not trust this map"
                pane.grab()
                pane.zoom_to(32.0)
                pane.grab()
        assert caplog.records == []

    def test_what_fails_while_painting_is_logged_and_goes_no_further(
        self, pane: FilmPane, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr("app.widgets.viewer.painting.draw_corner", fail)
        with caplog.at_level(logging.ERROR):
            pane.grab()
        assert "could not be drawn" in caplog.text

    @pytest.mark.parametrize("film", [deep(), np.zeros((40, 40, 3), np.uint8)])
    def test_the_pointer_reads_the_film(
        self, pane: FilmPane, film: FullDepthFilm | np.ndarray
    ) -> None:
        pane.show_film(film, "a.dcm")
        point = pane.film_point(QPointF(300, 300))
        expected = "2,000 HU" if isinstance(film, FullDepthFilm) else "0 0 0"
        assert state(pane).level_text(point) == expected
        assert state(pane).level_text(QPointF(-1, 5)) == ""
