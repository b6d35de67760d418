import itertools

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.data.augmentation import FilmGrid, squares

CAPTION_PX = 18
sizes = pytest.mark.parametrize(
    ("width", "height"), [(320, 400), (490, 430), (820, 580), (1460, 880), (2500, 500), (300, 2000)]
)


@sizes
def test_thirteen_squares_lie_inside_and_apart(width: int, height: int) -> None:
    places = squares(width, height, 12, CAPTION_PX)
    assert len(places) == 13
    with_captions = [place.adjusted(0, 0, 0, CAPTION_PX) for place in places]
    assert all(QRect(0, 0, width, height).contains(place) for place in with_captions)
    pairs = itertools.combinations(with_captions, 2)
    assert not any(one.intersects(other) for one, other in pairs)
    assert all(place.width() == place.height() for place in places)


@sizes
def test_the_original_is_no_smaller_than_its_pictures(width: int, height: int) -> None:
    original, *pictures = squares(width, height, 12, CAPTION_PX)
    assert len({picture.width() for picture in pictures}) == 1
    assert original.width() >= pictures[0].width()


def test_more_room_makes_larger_pictures() -> None:
    sides = [squares(n, n, 12, CAPTION_PX)[1].width() for n in (400, 700, 1100)]
    assert sides == sorted(set(sides))


def test_no_room_is_no_error() -> None:
    assert len(squares(0, 0, 12, CAPTION_PX)) == 13


@pytest.fixture
def grid(qtbot: QtBot) -> FilmGrid:
    grid = FilmGrid()
    qtbot.addWidget(grid)
    grid.resize(800, 500)
    return grid


def middle_levels(grid: FilmGrid, n_pictures: int) -> list[int]:
    """The grey level in the middle of each picture, the original first."""
    picture = grid.grab().toImage()
    places = squares(grid.width(), grid.height(), n_pictures, grid._caption_px())
    return [QColor(picture.pixel(place.center())).red() for place in places]


def test_each_picture_is_drawn_in_its_place(grid: FilmGrid) -> None:
    levels = [250, *range(10, 130, 10)]
    films = [np.full((64, 64), level, np.uint8) for level in levels]
    grid.show_films(films[0], films[1:])
    assert middle_levels(grid, 12) == levels


def test_a_large_film_is_drawn_small(grid: FilmGrid) -> None:
    films = [np.full((900, 900, 3), level, np.uint8) for level in (90, 180, 30)]
    grid.show_films(films[0], films[1:])
    assert middle_levels(grid, 2) == [90, 180, 30]


def test_a_film_that_is_not_square_keeps_its_sides(grid: FilmGrid) -> None:
    grid.show_films(np.full((50, 100), 200, np.uint8), [np.full((64, 64), 9, np.uint8)] * 12)
    picture = grid.grab().toImage()
    place = squares(800, 500, 12, grid._caption_px())[0]
    above = place.center().y() - round(0.4 * place.height())
    assert QColor(picture.pixel(place.center())).red() == 200
    assert QColor(picture.pixel(place.center().x(), above)).red() == 0


def test_a_cleared_grid_is_empty(grid: FilmGrid) -> None:
    empty = grid.grab().toImage()
    grid.show_films(np.full((64, 64), 200, np.uint8), [np.full((64, 64), 9, np.uint8)] * 12)
    assert grid.grab().toImage() != empty
    grid.clear()
    assert grid.grab().toImage() == empty


def test_captions_are_drawn(grid: FilmGrid) -> None:
    grid.show_films(np.full((64, 64), 200, np.uint8), [np.full((64, 64), 9, np.uint8)] * 12)
    without = grid.grab().toImage()
    grid.show_captions(["Original"])
    assert grid.grab().toImage() != without
