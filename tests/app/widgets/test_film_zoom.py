from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.film_zoom import FilmCanvas, FilmZoom
from tests.app.hands import label_texts, press
from tests.app.widgets.film_hands import NO_KEYS, drag, grey, turn_wheel

LEFT = Qt.MouseButton.LeftButton


def quarters(side: int = 1_000) -> np.ndarray:
    """A film of four flat quarters: 50, 100 above, 150, 200 below."""
    film = np.empty((side, side), np.uint8)
    half = side // 2
    film[:half, :half], film[:half, half:] = 50, 100
    film[half:, :half], film[half:, half:] = 150, 200
    return film


@pytest.fixture
def canvas(qtbot: QtBot) -> FilmCanvas:
    canvas = FilmCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(400, 200)
    canvas.show_film(quarters())
    return canvas


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[FilmZoom]:
    window = FilmZoom()
    qtbot.addWidget(window)
    window.open_up()
    qtbot.waitExposed(window)
    yield window
    window.close()


class TestFilmCanvas:
    def test_a_film_is_fitted_into_the_middle_of_black(self, canvas: FilmCanvas) -> None:
        assert canvas.scale == pytest.approx(0.2)
        assert [grey(canvas, x, 50) for x in (50, 150, 250, 350)] == [0, 50, 100, 0]

    def test_a_coloured_film_keeps_its_colours(self, canvas: FilmCanvas) -> None:
        canvas.show_film(np.full((100, 100, 3), (200, 100, 50), np.uint8))
        assert canvas.grab().toImage().pixelColor(200, 100) == QColor(200, 100, 50)

    def test_the_wheel_magnifies_around_the_pointer(self, canvas: FilmCanvas) -> None:
        canvas.show_pixels()
        place = QPointF(90, 40)
        under = canvas._laid_out.film_point(place)
        turn_wheel(canvas, 3, place)
        assert canvas.scale > 1.5
        after = canvas._laid_out.film_point(place)
        assert (after.x(), after.y()) == pytest.approx((under.x(), under.y()))

    def test_a_small_film_can_be_shown_smaller_than_fitted(self, canvas: FilmCanvas) -> None:
        canvas.show_film(quarters(20))
        assert canvas.scale == 10
        canvas.show_pixels()
        assert canvas.scale == 1
        assert grey(canvas, 185, 100) == 0

    def test_single_pixels_are_seen_at_high_zoom(self, canvas: FilmCanvas) -> None:
        film = np.zeros((100, 100), np.uint8)
        film[50, 50] = 255
        canvas.show_film(film)
        canvas.zoom_to(16.0, QPointF(200, 100))
        image = canvas.grab().toImage()
        lit = [x for x in range(400) if image.pixelColor(x, 105).red()]
        assert len(lit) == 16
        assert all(image.pixelColor(x, 105).red() == 255 for x in lit)

    def test_a_fine_pattern_is_averaged_and_not_skipped(self, canvas: FilmCanvas) -> None:
        film = np.zeros((1_000, 1_000), np.uint8)
        film[::5] = 250
        canvas.show_film(film)
        assert grey(canvas, 200, 100) == pytest.approx(50, abs=12)

    def test_a_drag_moves_the_film_with_the_pointer(self, canvas: FilmCanvas) -> None:
        canvas.show_pixels()
        under = canvas._laid_out.film_point(QPointF(300, 150))
        drag(canvas, LEFT, QPoint(300, 150), QPoint(120, 80))
        after = canvas._laid_out.film_point(QPointF(120, 80))
        assert (after.x(), after.y()) == pytest.approx((under.x(), under.y()))

    def test_a_drag_cannot_leave_the_film(self, canvas: FilmCanvas) -> None:
        canvas.show_pixels()
        for _ in range(20):
            drag(canvas, LEFT, QPoint(10, 10), QPoint(390, 190))
        assert canvas._laid_out.film_point(QPointF(0, 0)) == QPointF(0, 0)

    def test_the_hand_says_when_a_drag_does_something(self, canvas: FilmCanvas) -> None:
        before = canvas.grab().toImage()
        drag(canvas, LEFT, QPoint(200, 100), QPoint(100, 50))
        assert canvas.grab().toImage() == before
        assert canvas.cursor().shape() == Qt.CursorShape.ArrowCursor
        canvas.show_pixels()
        assert canvas.cursor().shape() == Qt.CursorShape.OpenHandCursor
        QTest.mousePress(canvas, LEFT, NO_KEYS, QPoint(200, 100))
        assert canvas.cursor().shape() == Qt.CursorShape.ClosedHandCursor

    def test_a_double_click_shows_the_whole_film(self, canvas: FilmCanvas) -> None:
        canvas.show_pixels()
        QTest.mouseDClick(canvas, LEFT, NO_KEYS, QPoint(200, 100))
        assert canvas.scale == pytest.approx(0.2)

    def test_a_fitted_film_follows_the_window_and_a_magnified_one_stays(
        self, canvas: FilmCanvas
    ) -> None:
        canvas.show()
        canvas.resize(800, 500)
        assert canvas.scale == pytest.approx(0.5)
        canvas.zoom_to(3.0, QPointF(200, 100))
        canvas.resize(400, 300)
        assert canvas.scale == 3.0
        canvas.close()

    def test_text_takes_the_place_of_the_film(self, canvas: FilmCanvas) -> None:
        canvas.show_text("Reading the film")
        canvas.zoom_by(4)
        drag(canvas, LEFT, QPoint(10, 10), QPoint(100, 100))
        assert grey(canvas, 150, 50) == 0
        image = canvas.grab().toImage()
        assert any(image.pixelColor(x, y).red() > 150 for x in range(400) for y in range(90, 110))


class TestFilmZoom:
    def test_it_names_the_film_and_its_facts(self, window: FilmZoom) -> None:
        window.show_film(quarters(), "a.png", "Normal, 1000 x 1000")
        assert window.windowTitle() == "a.png"
        assert {"a.png", "Normal, 1000 x 1000"} <= set(label_texts(window))

    def test_foreign_names_are_shown_as_they_are(self, window: FilmZoom) -> None:
        window.show_film(quarters(), "<b>a</b>[*].png", "<i>x</i>")
        assert {"<b>a</b>[*].png", "<i>x</i>"} <= set(label_texts(window))
        assert window.windowTitle() == "<b>a</b>[*][*].png"

    def test_a_long_name_is_cut_and_whole_in_its_tooltip(self, window: FilmZoom) -> None:
        name, width = "folder/" * 100 + "a.png", window.width()
        window.show_film(quarters(), name, "")
        shown = next(text for text in label_texts(window) if text.startswith("folder"))
        assert shown.endswith("a.png")
        assert len(shown) < 150
        assert name in window._title.toolTip()
        assert window.width() == width

    @pytest.mark.parametrize(
        ("key", "text", "signal"),
        [
            (Qt.Key.Key_Left, "Previous", "previous_wanted"),
            (Qt.Key.Key_Right, "Next", "next_wanted"),
        ],
    )
    def test_other_films_are_wanted_by_key_and_button(
        self, qtbot: QtBot, window: FilmZoom, key: Qt.Key, text: str, signal: str
    ) -> None:
        with qtbot.waitSignal(getattr(window, signal)):
            QTest.keyClick(window, key)
        with qtbot.waitSignal(getattr(window, signal)):
            press(window, text)

    def test_the_arrow_keys_work_while_a_button_has_the_focus(
        self, qtbot: QtBot, window: FilmZoom
    ) -> None:
        press(window, "Next")
        with qtbot.waitSignal(window.next_wanted):
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)

    def test_keys_switch_between_single_pixels_and_the_whole_film(self, window: FilmZoom) -> None:
        window.show_film(quarters(), "a.png", "")
        fitted = window._canvas.scale
        QTest.keyClick(window, Qt.Key.Key_1)
        assert "100%" in label_texts(window)
        QTest.keyClick(window, Qt.Key.Key_Plus)
        assert "125%" in label_texts(window)
        QTest.keyClick(window, Qt.Key.Key_F)
        assert window._canvas.scale == fitted

    def test_a_message_stands_in_for_a_film(self, window: FilmZoom) -> None:
        window.show_film(quarters(), "a.png", "Normal")
        window.show_message("This film cannot be read.", "b.png")
        assert [text for text in label_texts(window) if text] == ["b.png"]
        off = [one.text() for one in window.findChildren(QPushButton) if not one.isEnabled()]
        assert off == ["Fit", "1:1"]
        assert window._canvas.accessibleDescription() == "This film cannot be read."

    def test_escape_closes_it(self, qtbot: QtBot, window: FilmZoom) -> None:
        with qtbot.waitSignal(window.closed):
            QTest.keyClick(window, Qt.Key.Key_Escape)
        assert not window.isVisible()

    def test_a_film_that_comes_late_does_not_open_it_again(self, window: FilmZoom) -> None:
        window.close()
        window.show_film(quarters(), "a.png", "")
        assert not window.isVisible()

    def test_its_words_follow_the_language(
        self, window: FilmZoom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.widgets.film_zoom.tr", lambda text: text.upper())
        QApplication.sendEvent(window, QEvent(QEvent.Type.LanguageChange))
        assert "PREVIOUS" in [one.text() for one in window.findChildren(QPushButton)]
