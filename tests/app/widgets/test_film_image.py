import numpy as np
from PySide6.QtGui import QColor, QImage

from app.widgets.viewer.picture import to_image


def levels(image: QImage) -> list[list[int]]:
    """The red of every pixel, row by row."""
    return [[image.pixelColor(x, y).red() for x in range(image.width())]
            for y in range(image.height())]  # fmt: skip


def test_rows_of_an_odd_width_are_not_sheared() -> None:
    film = np.arange(7 * 5, dtype=np.uint8).reshape(5, 7)
    assert levels(to_image(film)) == film.tolist()


def test_a_part_of_a_larger_array_is_drawn_as_it_is() -> None:
    whole = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert levels(to_image(whole[::2, ::2])) == whole[::2, ::2].tolist()


def test_a_coloured_film_keeps_its_colours() -> None:
    film = np.zeros((3, 5, 3), np.uint8)
    film[:] = (200, 100, 50)
    assert to_image(film).pixelColor(4, 2) == QColor(200, 100, 50)


def test_the_picture_owns_its_memory() -> None:
    film = np.full((4, 4), 90, np.uint8)
    image = to_image(film)
    film[:] = 0
    assert image.pixelColor(1, 1) == QColor(90, 90, 90)
