import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QToolButton
from pytestqt.qtbot import QtBot

from app.widgets.window_parts import MenuBar, Rail
from tests.app.hands import press


@pytest.fixture
def menus(qtbot: QtBot) -> MenuBar:
    menus = MenuBar(["dark", "light"])
    qtbot.addWidget(menus)
    return menus


class TestRecentMenu:
    def recent(self, menus: MenuBar) -> QMenu:
        """Open again."""
        actions = menus.actions()[0].menu().actions()
        (found,) = (one.menu() for one in actions if one.text() == "Open again")
        return found

    def test_datasets_are_named_after_their_files_and_told_with_all_of_them(
        self, qtbot: QtBot, menus: MenuBar
    ) -> None:
        menus.show_recent([["/a/old.zip"]])
        menus.show_recent([["/Smith & Sons.zip"], ["/a/one.zip", "/b/two"]])
        actions = self.recent(menus).actions()
        # An ampersand is no shortcut.
        assert [action.text() for action in actions] == ["Smith && Sons.zip", "one.zip, two"]
        assert actions[1].toolTip() == "<qt>/a/one.zip<br>/b/two</qt>"
        with qtbot.waitSignal(menus.recent_chosen) as chosen:
            actions[1].trigger()
        assert chosen.args == [["/a/one.zip", "/b/two"]]
        menus.show_recent([])
        assert not self.recent(menus).isEnabled()


class TestRail:
    @pytest.fixture
    def rail(self, qtbot: QtBot) -> Rail:
        rail = Rail(3)
        rail.show_words(["Data", "Train", "Read"], "中文", "Light")
        qtbot.addWidget(rail)
        rail.show()
        qtbot.waitExposed(rail)
        rail.activateWindow()
        return rail

    def test_a_press_chooses_a_page_and_choosing_for_the_user_is_not_told(
        self, qtbot: QtBot, rail: Rail
    ) -> None:
        with qtbot.waitSignal(rail.page_chosen) as chosen:
            press(rail, "Read")
        assert chosen.args == [2]
        with qtbot.assertNotEmitted(rail.page_chosen):
            rail.choose(0)
        down = [button.text() for button in rail.findChildren(QToolButton) if button.isChecked()]
        assert down == ["Data"]

    def test_pages_are_chosen_from_the_keyboard_in_any_language(
        self, qtbot: QtBot, rail: Rail
    ) -> None:
        rail.show_words(["数据", "训练", "阅片"], "English", "浅色")
        with qtbot.waitSignal(rail.page_chosen) as chosen:
            QTest.keyClick(rail, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
        assert chosen.args == [1]

    def test_language_and_theme_are_told(self, qtbot: QtBot, rail: Rail) -> None:
        with qtbot.waitSignals([rail.language_pressed, rail.theme_pressed]):
            press(rail, "中文")
            press(rail, "Light")
