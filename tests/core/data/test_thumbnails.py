import numpy as np
import pytest
from PIL import Image

from core.data.cache import thumbnail


@pytest.mark.parametrize("shape", [(1024, 1024), (301, 477), (60, 2000), (16, 16)])
def test_a_film_of_any_size_becomes_a_square(shape):
    square = thumbnail(np.full(shape, 77, np.uint8))

    assert square.shape == (128, 128)
    assert square.dtype == np.uint8
    assert (square == 77).all()


def test_no_pixel_is_skipped():
    film = np.zeros((1024, 1024), np.uint8)
    film[::2] = 200  # a comb that a nearest-pixel reduction would see as all black or all white

    assert np.abs(thumbnail(film).astype(int) - 100).max() <= 1


def test_colour_becomes_luma():
    film = np.zeros((200, 200, 3), np.uint8)
    film[..., 1] = 255

    assert (thumbnail(film) == 150).all()  # 0.587 * 255


def test_a_resized_copy_has_the_same_thumbnail(phantoms):
    film = phantoms[0]
    double = np.asarray(Image.fromarray(film).resize((320, 320), Image.Resampling.LANCZOS))

    difference = thumbnail(double).astype(int) - thumbnail(film)
    assert np.abs(difference).mean() < 2
