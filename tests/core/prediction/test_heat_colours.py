import numpy as np
from PIL import Image

from core.prediction.saliency_checks import heat_colours, heat_on_film


def test_there_is_a_colour_for_each_grey_level_and_none_for_no_heat() -> None:
    table = heat_colours()
    assert table.shape == (256, 4)
    assert table.dtype == np.uint8
    assert table[0, 3] == 0
    assert table[-1, 3] == 255


def test_stronger_heat_is_lighter_and_covers_more() -> None:
    table = heat_colours().astype(float)
    lightness = table[:, :3] @ (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
    assert (np.diff(lightness) >= -0.5).all()  # half a level of rounding
    assert (np.diff(table[:, 3]) >= 0).all()


def test_a_film_without_heat_stays_as_it_is() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shown = heat_on_film(grey, np.zeros((16, 16), np.float32))
    assert (shown == grey[:, :, None]).all()


def test_heat_is_laid_over_a_film_as_pillow_would() -> None:
    random = np.random.default_rng(7)
    film = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    heat = random.random((20, 30), dtype=np.float32)
    colours = heat_colours()[np.rint(heat * 255).astype(int)]
    colours[:, :, 3] = np.rint(colours[:, :, 3] * 0.5)
    below = Image.fromarray(film).convert("RGBA")
    wanted = np.asarray(Image.alpha_composite(below, Image.fromarray(colours)))[:, :, :3]
    shown = heat_on_film(film, heat, 0.5)
    assert np.abs(shown.astype(int) - wanted).max() <= 1
