import pytest
from PySide6.QtWidgets import QLineEdit, QListWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.quiz.answers import AnswerChoice, AnswerRow

NAMES = ("COVID-19", "Normal", "Viral pneumonia")
MANY = tuple(f"class {number}" for number in range(12))


@pytest.fixture
def choice(qtbot: QtBot) -> AnswerChoice:
    choice = AnswerChoice()
    qtbot.addWidget(choice)
    choice.show_colours(theme.colours("dark"))
    choice.show_classes(NAMES)
    choice.resize(300, 300)
    return choice


def rows(choice: AnswerChoice) -> list[AnswerRow]:
    return choice.findChildren(AnswerRow)


def test_showing_an_answer_tells_nobody(qtbot: QtBot, choice: AnswerChoice) -> None:
    with qtbot.assertNotEmitted(choice.chosen):
        choice.show_answer(1)
        assert [row.isChecked() for row in rows(choice)] == [False, True, False]
        choice.show_answer(None)
        assert not any(row.isChecked() for row in rows(choice))


def test_marks_stand_beside_their_classes_in_any_language(choice: AnswerChoice) -> None:
    choice.show_answer(1)
    choice.show_marks([("you", 0), ("model", 2), ("truth", 2)])
    names = [row.accessibleName() for row in rows(choice)]
    assert names == ["COVID-19  you", "Normal", "Viral pneumonia  model, truth"]
    choice.show_classes(("新冠肺炎", "正常肺部", "病毒性肺炎"))
    assert rows(choice)[0].accessibleName() == "新冠肺炎  you"
    assert rows(choice)[1].isChecked()


def test_the_chosen_answer_looks_different_and_not_by_colour_alone(choice: AnswerChoice) -> None:
    grey = dict.fromkeys(theme.colours("dark"), "#808080") | {"panel": "#000000"}
    choice.show_colours(grey)
    before = rows(choice)[0].grab().toImage()
    choice.show_answer(0)
    assert rows(choice)[0].grab().toImage() != before


def test_many_classes_are_a_list_to_search(qtbot: QtBot, choice: AnswerChoice) -> None:
    choice.show_classes(MANY)
    choice.show()
    assert not choice.has_keys
    [listed], [search] = choice.findChildren(QListWidget), choice.findChildren(QLineEdit)
    search.setText("CLASS 1")
    shown = [row for row in range(12) if not listed.item(row).isHidden()]
    assert shown == [1, 10, 11]
    choice.show_marks([("you", 11)])
    assert listed.item(11).text() == "class 11   (you)"
    with qtbot.waitSignal(choice.chosen) as told:
        listed.setCurrentRow(10)
    assert told.args == [10]
    with qtbot.assertNotEmitted(choice.chosen):
        choice.show_answer(4)
        choice.show_answer(None)
    choice.clear_search()
    assert not listed.item(0).isHidden()
    choice.close()


def test_a_list_gives_way_to_buttons_which_scroll_in_a_low_window(choice: AnswerChoice) -> None:
    low = choice.minimumSizeHint().height()
    choice.show_classes(MANY)
    assert choice.findChildren(QListWidget)[0].count() == 12
    choice.show_classes(MANY[:9])
    assert choice.has_keys
    assert choice.findChildren(QListWidget)[0].count() == 0
    assert choice.minimumSizeHint().height() == low
