from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.film_zoom import FilmZoom
from app.widgets.viewer import FilmPane
from tests.app.hands import label_texts, press

FILM = np.full((1_000, 1_000), 100, np.uint8)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[FilmZoom]:
    window = FilmZoom()
    qtbot.addWidget(window)
    window.open_up()
    qtbot.waitExposed(window)
    yield window
    window.close()


class TestFilmZoom:
    def test_it_names_the_film_and_its_facts(self, window: FilmZoom) -> None:
        window.show_film(FILM, "a.png", "Normal, 1000 x 1000")
        assert window.windowTitle() == "a.png"
        assert {"a.png", "Normal, 1000 x 1000"} <= set(label_texts(window))

    def test_foreign_names_are_shown_as_they_are(self, window: FilmZoom) -> None:
        window.show_film(FILM, "<b>a</b>[*].png", "<i>x</i>")
        assert {"<b>a</b>[*].png", "<i>x</i>"} <= set(label_texts(window))
        assert window.windowTitle() == "<b>a</b>[*][*].png"

    def test_a_long_name_is_cut_and_whole_in_its_tooltip(self, window: FilmZoom) -> None:
        name, width = "folder/" * 100 + "a.png", window.width()
        window.show_film(FILM, name, "")
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
        window.show_film(FILM, "a.png", "")
        pane = window.findChild(FilmPane)
        fitted = pane.geometry_now.scale
        QTest.keyClick(window, Qt.Key.Key_1)
        assert pane.geometry_now.scale == 1
        QTest.keyClick(window, Qt.Key.Key_Plus)
        assert pane.geometry_now.scale == 1.25
        QTest.keyClick(window, Qt.Key.Key_F)
        assert pane.geometry_now.scale == fitted

    def test_a_message_stands_in_for_a_film(self, window: FilmZoom) -> None:
        window.show_film(FILM, "a.png", "Normal")
        window.show_message("This film cannot be read.", "b.png")
        assert [text for text in label_texts(window) if text] == ["b.png"]
        off = [one.text() for one in window.findChildren(QPushButton) if not one.isEnabled()]
        assert off == ["Fit", "1:1"]
        assert window.findChild(FilmPane).accessibleDescription() == "This film cannot be read."

    def test_escape_closes_it(self, qtbot: QtBot, window: FilmZoom) -> None:
        with qtbot.waitSignal(window.closed):
            QTest.keyClick(window, Qt.Key.Key_Escape)
        assert not window.isVisible()

    def test_a_film_that_comes_late_does_not_open_it_again(self, window: FilmZoom) -> None:
        window.close()
        window.show_film(FILM, "a.png", "")
        assert not window.isVisible()
