from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QColor, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.widgets.film_wall import LARGE_PX, MEDIUM_PX, SMALL_PX, FilmWall, WallFilm
from app.widgets.thumbnails import ThumbnailCache
from tests.app.hands import has_colour, wait_until

GREY, BRIGHT = QColor(150, 150, 150), QColor(240, 240, 240)
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NO_KEYS = Qt.KeyboardModifier.NoModifier


class Source:
    """Flat pictures, and what was asked for."""

    def __init__(self, level: int = 150) -> None:
        self.level = level
        self.asked: list[int] = []

    def __call__(self, index: int) -> np.ndarray:
        self.asked.append(index)
        return np.full((32, 32), self.level, np.uint8)


def films(n: int, **values: object) -> list[WallFilm]:
    return [WallFilm(f"set/film {index}.png", "Normal", 1.0, **values) for index in range(n)]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def wall(qtbot: QtBot) -> Iterator[FilmWall]:
    """Four films a line."""
    wall = FilmWall()
    qtbot.addWidget(wall)
    wall.resize(640, 500)
    wall.show()
    qtbot.waitExposed(wall)
    wall.activateWindow()
    wall.setFocus()
    yield wall
    wall.close()


def rect(wall: FilmWall, row: int) -> QRect:
    return wall.visualRect(wall.model().index(row, 0))


def click(wall: FilmWall, row: int, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
    QTest.mouseClick(wall.viewport(), Qt.MouseButton.LeftButton, keys, rect(wall, row).center())


def picture_at(wall: FilmWall, row: int) -> QRect:
    """Return where the grey of the source is drawn in a cell."""
    image, cell = wall.viewport().grab().toImage(), rect(wall, row)
    xs, ys = range(cell.left(), cell.right()), range(cell.top(), cell.bottom())
    columns = [x for x in xs if any(image.pixelColor(x, y) == GREY for y in ys[::3])]
    rows = [y for y in ys if any(image.pixelColor(x, y) == GREY for x in xs[::3])]
    if not columns:
        return QRect()
    return QRect(QPoint(columns[0], rows[0]), QPoint(columns[-1], rows[-1]))


def show(wall: FilmWall, shown: Sequence[WallFilm], source: Source) -> None:
    """Show films and wait for the pictures in sight."""
    wall.show_films(shown, source)
    wait_until(lambda: not shown or not picture_at(wall, 0).isEmpty())


class TestPictures:
    def test_films_are_drawn_in_their_own_proportion_and_size(
        self, wall: FilmWall, source: Source
    ) -> None:
        aspects, expected = (1.0, 2.0, 0.5), ((128, 128), (128, 64), (64, 128))
        show(wall, [WallFilm(f"{one}.png", "Normal", one) for one in aspects], source)
        wait_until(lambda: not wall._pictures._timer.isActive())
        for row, size in enumerate(expected):
            assert picture_at(wall, row).size().toTuple() == pytest.approx(size, abs=3)
        for side_px in (SMALL_PX, LARGE_PX):
            wall.set_side_px(side_px)
            wait_until(lambda side_px=side_px: picture_at(wall, 0).width() == side_px)

    def test_a_coloured_picture_keeps_its_colours(self, wall: FilmWall) -> None:
        picture = np.full((16, 16, 3), (200, 100, 50), np.uint8)
        wall.show_films(films(1), lambda index: picture)
        place = rect(wall, 0).center()
        wait_until(
            lambda: wall.viewport().grab().toImage().pixelColor(place) == QColor(200, 100, 50)
        )

    def test_of_ten_thousand_films_only_those_around_are_asked_for(
        self, wall: FilmWall, source: Source
    ) -> None:
        show(wall, films(10_000), source)
        wait_until(lambda: not wall._pictures._timer.isActive())
        assert set(source.asked) == set(range(max(source.asked) + 1))
        assert len(source.asked) < 60
        wall.scroll_to(9_999)
        wait_until(lambda: not picture_at(wall, 9_999).isEmpty())

    def test_pictures_near_are_kept_and_others_go(self, wall: FilmWall, source: Source) -> None:
        wall._pictures._kept = ThumbnailCache(20)
        show(wall, films(2_000), source)
        for value in (500, 0):
            wall.verticalScrollBar().setValue(value)
            wait_until(lambda: not wall._pictures._timer.isActive())
        assert len(source.asked) == len(set(source.asked))
        for row in range(0, 2_000, 400):
            wall.scroll_to(row)
            wait_until(lambda: not wall._pictures._timer.isActive())
        assert len(wall._pictures._kept) <= len(list(wall._wanted_rows()))

    def test_old_pictures_are_shown_until_the_new_are_made(
        self, wall: FilmWall, source: Source
    ) -> None:
        show(wall, films(3), source)
        wait_until(lambda: not wall._pictures._timer.isActive())
        wall.show_films(films(3)[1:], Source(level=240))  # names may be those of other films
        assert not picture_at(wall, 0).isEmpty()
        place = rect(wall, 1).center()
        wait_until(lambda: wall.viewport().grab().toImage().pixelColor(place) == BRIGHT)

    def test_a_source_that_fails_is_told_once_and_the_names_stay(
        self, qtbot: QtBot, wall: FilmWall
    ) -> None:
        def broken(index: int) -> np.ndarray:
            raise OSError("the cache is gone")

        with qtbot.captureExceptions() as told:
            wall.show_films(films(50), broken)
            wait_until(lambda: bool(told))
            wall.scroll_to(49)
            wall.viewport().grab()
        assert [str(error) for _, error, _ in told] == ["the cache is gone"]
        assert wall.model().rowCount() == 50


class TestCells:
    def test_severities_differ_in_colour_and_in_shape(self, wall: FilmWall, source: Source) -> None:
        colours = ("#ff0000", "#00ff00", "#0000ff")
        wall.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        wall.show_colours(*colours)
        shown = [WallFilm("a", "", 1.0, "bad", s) for s in ("error", "warning", "note")]
        show(wall, shown, source)
        for row, colour in enumerate(colours):
            cell = rect(wall, row)
            columns, rows = range(cell.left(), cell.right()), range(cell.top(), cell.center().y())
            assert has_colour(wall.viewport(), colour, columns, rows)
        wall.show_colours("#ff0000", "#ff0000", "#ff0000")
        image = wall.viewport().grab().toImage()
        drawn = [image.copy(rect(wall, row)) for row in range(3)]
        assert drawn[0] != drawn[1] != drawn[2] != drawn[0]

    def test_a_film_that_is_left_out_is_dimmed_and_crossed(
        self, wall: FilmWall, source: Source
    ) -> None:
        ink = wall.palette().text().color().name()
        show(wall, [*films(1), WallFilm("out.png", "", 1.0, is_left_out=True)], source)
        wait_until(lambda: not wall._pictures._timer.isActive())
        assert picture_at(wall, 1).isEmpty()
        middle = rect(wall, 1).center()
        columns, rows = (range(v - 12, v + 13) for v in (middle.x(), rect(wall, 1).top() + 74))
        assert has_colour(wall.viewport(), ink, columns, rows)

    def test_foreign_names_are_told_whole_and_as_they_are(self, wall: FilmWall) -> None:
        film = WallFilm("deep/<b>a</b>.png", "COVID", 1.0, "blank", "note", is_left_out=True)
        wall.show_films([film], Source())
        model, role = wall.model(), Qt.ItemDataRole
        tip = model.data(model.index(0, 0), role.ToolTipRole)
        assert tip == "<qt>deep/&lt;b&gt;a&lt;/b&gt;.png<br>COVID<br>blank<br>left out</qt>"
        spoken = model.data(model.index(0, 0), role.AccessibleTextRole)
        assert spoken == "deep/<b>a</b>.png, COVID, blank, left out"
        assert QAccessible.queryAccessibleInterface(wall) is not None

    def test_without_films_it_says_so(self, wall: FilmWall) -> None:
        empty = wall.viewport().grab().toImage()
        wall.set_empty_text("No film matches.")
        assert wall.viewport().grab().toImage() != empty
        wall.show_films(films(1), Source())
        wall.show_films([], Source())
        assert wall.verticalScrollBar().maximum() == 0


class TestChoosing:
    @pytest.fixture(autouse=True)
    def _shown(self, wall: FilmWall, source: Source) -> None:
        wall.show_films(films(40), source)

    def test_a_click_chooses_with_shift_all_between_and_with_control_one_more(
        self, qtbot: QtBot, wall: FilmWall
    ) -> None:
        for row, keys, chosen in (
            (2, NO_KEYS, [2]),
            (5, SHIFT, [2, 3, 4, 5]),
            (9, CONTROL, [2, 3, 4, 5, 9]),
            (3, CONTROL, [2, 4, 5, 9]),
        ):
            with qtbot.waitSignal(wall.selection_changed) as told:
                click(wall, row, keys)
            assert told.args == [chosen]
        QTest.mouseClick(wall.viewport(), Qt.MouseButton.RightButton, pos=rect(wall, 7).center())
        assert wall.selected() == [7]

    def test_a_drag_over_the_ground_chooses_what_it_touches(self, wall: FilmWall) -> None:
        start = rect(wall, 0).topLeft()
        end = rect(wall, 5).center()
        QTest.mousePress(wall.viewport(), Qt.MouseButton.LeftButton, pos=start)
        for part in (0.3, 0.6, 1.0):
            QTest.mouseMove(wall.viewport(), start + (end - start) * part)
        QTest.mouseRelease(wall.viewport(), Qt.MouseButton.LeftButton, pos=end)
        assert wall.selected() == [0, 1, 4, 5]

    def test_keys_go_from_film_to_film_and_choose_more_or_all(
        self, qtbot: QtBot, wall: FilmWall
    ) -> None:
        click(wall, 0)
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
            QTest.keyClick(wall, key)
        assert wall.selected() == [5]
        QTest.keyClick(wall, Qt.Key.Key_Down, SHIFT)
        assert wall.selected() == [5, 6, 7, 8, 9]
        QTest.keyClick(wall, Qt.Key.Key_End)
        assert wall.selected() == [39]
        assert wall.viewport().rect().contains(rect(wall, 39).center())
        with qtbot.waitSignal(wall.selection_changed) as told:
            QTest.keyClick(wall, Qt.Key.Key_A, CONTROL)
        assert told.args == [list(range(40))]

    def test_choosing_for_the_user_makes_the_first_the_current_film(self, wall: FilmWall) -> None:
        wall.select([7, 3, 20, 4])
        assert wall.selected() == [3, 4, 7, 20]
        assert wall.currentIndex().row() == 3
        wall.select([])
        assert wall.selected() == []

    def test_enter_and_a_double_click_open_a_film(self, qtbot: QtBot, wall: FilmWall) -> None:
        opened: list[int] = []
        wall.film_opened.connect(opened.append)
        click(wall, 2)
        QTest.keyClick(wall, Qt.Key.Key_Return)
        QTest.keyClick(wall, Qt.Key.Key_Enter)
        click(wall, 6)
        QTest.mouseDClick(wall.viewport(), Qt.MouseButton.LeftButton, pos=rect(wall, 6).center())
        assert opened == [2, 2, 6]

    def test_the_menu_is_wanted_at_the_pointer_or_at_the_current_film(
        self, qtbot: QtBot, wall: FilmWall
    ) -> None:
        click(wall, 2)
        place, current = rect(wall, 1).center(), rect(wall, 2).center()
        for reason, at, wanted in (
            (QContextMenuEvent.Reason.Mouse, place, place),
            (QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), current),
        ):
            event = QContextMenuEvent(reason, at, wall.viewport().mapToGlobal(at))
            with qtbot.waitSignal(wall.menu_wanted) as told:
                QApplication.sendEvent(wall.viewport(), event)
            assert told.args == [wall.viewport().mapToGlobal(wanted)]


class TestEditedLists:
    def test_the_chosen_films_stay_chosen_by_name(
        self, qtbot: QtBot, wall: FilmWall, source: Source
    ) -> None:
        wall.show_films(films(10), source)
        wall.select([2, 3, 8])
        with qtbot.waitSignal(wall.selection_changed) as told:
            wall.show_films([film for film in films(10) if "3" not in film.name], source)
        assert told.args == [[2, 7]]
        assert wall.currentIndex().row() == 2

    def test_a_change_that_moves_nothing_is_not_told(
        self, qtbot: QtBot, wall: FilmWall, source: Source
    ) -> None:
        same = [WallFilm("1.png", "A", 1.0), WallFilm("1.png", "B", 1.0)]  # told apart all the same
        wall.show_films(same, source)
        wall.select([1])
        with qtbot.assertNotEmitted(wall.selection_changed):
            wall.show_films([replace(film, is_left_out=True) for film in same], source)
        assert wall.selected() == [1]

    def test_the_first_film_in_sight_stays_when_others_go_or_sizes_change(
        self, wall: FilmWall, source: Source
    ) -> None:
        wall.show_films(films(400), source)
        wall.verticalScrollBar().setValue(3_333)
        wall.show_films(films(400, is_left_out=True), source)
        assert wall.verticalScrollBar().value() == 3_333
        wall.scrollTo(wall.model().index(200, 0), FilmWall.ScrollHint.PositionAtTop)
        top = rect(wall, 200).top()
        wall.show_films(films(400)[100:], source)
        assert rect(wall, 100).top() == top
        wall.set_side_px(SMALL_PX)
        assert wall.viewport().rect().contains(rect(wall, 100).center())

    @pytest.mark.parametrize("side_px", [SMALL_PX, MEDIUM_PX, LARGE_PX])
    def test_rows_are_where_the_view_thinks_at_any_width(
        self, wall: FilmWall, source: Source, side_px: int
    ) -> None:
        wall.show_films(films(400), source)
        wall.set_side_px(side_px)
        for width in (90, *range(300, 1_500, 83)):
            wall.resize(width, 500)
            wall.executeDelayedItemsLayout()
            wall.verticalScrollBar().setValue(wall.verticalScrollBar().maximum() // 2)
            seen = wall._seen_rows()
            assert rect(wall, seen.start).left() == rect(wall, 0).left()
            assert rect(wall, seen.start).top() <= 0 < rect(wall, seen.start).bottom() + 8
            assert rect(wall, seen.stop - 1).top() >= 500 - rect(wall, 0).height()
            if side_px == MEDIUM_PX and width > 400:  # the columns share it
                last = rect(wall, wall._columns() - 1)
                assert wall.viewport().width() - last.right() < 40
