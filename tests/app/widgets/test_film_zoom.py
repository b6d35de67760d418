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
    def test_the_film_and_its_facts_are_named_as_they_are(self, window: FilmZoom) -> None:
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

    def test_other_films_are_wanted_by_key_and_button(self, qtbot: QtBot, window: FilmZoom) -> None:
        for key, text, signal in (
            (Qt.Key.Key_Left, "Previous", window.previous_wanted),
            (Qt.Key.Key_Right, "Next", window.next_wanted),
        ):
            with qtbot.waitSignal(signal):
                QTest.keyClick(window, key)
            with qtbot.waitSignal(signal):
                press(window, text)
            with qtbot.waitSignal(signal):  # while the button has the focus
                QTest.keyClick(QApplication.focusWidget(), key)

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

    def test_escape_closes_it_and_a_film_that_comes_late_does_not_open_it(
        self, qtbot: QtBot, window: FilmZoom
    ) -> None:
        with qtbot.waitSignal(window.closed):
            QTest.keyClick(window, Qt.Key.Key_Escape)
        window.show_film(FILM, "a.png", "")
        assert not window.isVisible()
