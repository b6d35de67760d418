import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.widgets.window_parts import MenuBar


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

    def names(self, menus: MenuBar) -> list[str]:
        return [action.text() for action in self.recent(menus).actions()]

    def test_datasets_are_named_after_their_files(self, menus: MenuBar) -> None:
        menus.show_recent([["/a/one.zip", "/b/two"], ["/a/three.zip"]])
        assert self.names(menus) == ["one.zip, two", "three.zip"]
        assert self.recent(menus).actions()[0].toolTip() == "<qt>/a/one.zip<br>/b/two</qt>"

    def test_a_newer_list_takes_the_place_of_the_old_one(self, menus: MenuBar) -> None:
        menus.show_recent([["/a/one.zip"]])
        menus.show_recent([["/a/two.zip"]])
        assert self.names(menus) == ["two.zip"]

    def test_where_nothing_was_opened_nothing_can_be_chosen(self, menus: MenuBar) -> None:
        menus.show_recent([])
        assert not self.recent(menus).isEnabled()

    def test_an_ampersand_in_a_name_is_no_shortcut(self, menus: MenuBar) -> None:
        menus.show_recent([["/Smith & Sons.zip"]])
        assert self.names(menus) == ["Smith && Sons.zip"]

    def test_what_is_chosen_is_told_with_all_its_sources(
        self, qtbot: QtBot, menus: MenuBar
    ) -> None:
        menus.show_recent([["/a/three.zip"], ["/a/one.zip", "/b/two"]])
        with qtbot.waitSignal(menus.recent_chosen) as chosen:
            self.recent(menus).actions()[1].trigger()
        assert chosen.args == [["/a/one.zip", "/b/two"]]
