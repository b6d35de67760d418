import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.data.augmentation import FilmChooser
from tests.app.hands import button, label_texts, press


@pytest.fixture
def chooser(qtbot: QtBot) -> FilmChooser:
    chooser = FilmChooser()
    qtbot.addWidget(chooser)
    chooser.resize(500, 40)
    chooser.show()
    return chooser


def test_a_name_is_shown_with_its_place(chooser: FilmChooser) -> None:
    chooser.show_film("a.png", 2, 1200)
    assert label_texts(chooser) == ["a.png", "3 of 1,200"]


def test_a_long_name_loses_its_middle_and_comes_back_with_room(chooser: FilmChooser) -> None:
    name = "folder/" * 20 + "film.png"
    chooser.show_film(name, 0, 2)
    (short, _) = label_texts(chooser)
    assert short.startswith("folder/")
    assert short.endswith(".png")
    assert len(short) < len(name)
    chooser.resize(3000, 40)
    assert label_texts(chooser)[0] == name


def test_a_name_that_looks_like_markup_is_shown_as_it_is(chooser: FilmChooser) -> None:
    chooser.show_film("<b>x</b>.png", 0, 2)
    assert label_texts(chooser)[0] == "<b>x</b>.png"
    tips = [label.toolTip() for label in chooser.findChildren(QLabel)]
    assert "<b>" not in "".join(tips)


def test_the_buttons_ask_for_the_film_before_and_after(qtbot: QtBot, chooser: FilmChooser) -> None:
    chooser.show_film("a.png", 0, 2)
    with qtbot.waitSignal(chooser.next_wanted):
        press(chooser, "Next film")
    with qtbot.waitSignal(chooser.previous_wanted):
        press(chooser, "Previous film")


def test_one_film_leaves_no_choice(chooser: FilmChooser) -> None:
    chooser.show_film("a.png", 0, 1)
    assert not button(chooser, "Next film").isEnabled()
    assert not button(chooser, "Previous film").isEnabled()
