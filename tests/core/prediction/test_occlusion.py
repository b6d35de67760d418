import numpy as np
import pytest

from core.prediction.explanation import GRID, occluded
from core.prediction.saliency_checks import heat_at


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("shape", [(96, 96), (96, 96, 3), (32, 32)])
def test_each_film_differs_near_its_patch_only(shape: tuple[int, ...]) -> None:
    film = noise(*shape)
    films = list(occluded(film))
    assert len(films) == GRID**2
    size = shape[0] / GRID
    for number, covered in enumerate(films):
        assert covered.shape == shape
        assert covered.dtype == np.uint8
        row, column = divmod(number, GRID)
        rows, columns = (
            slice(max(0, round((n - 1) * size)), round((n + 2) * size)) for n in (row, column)
        )
        differs = covered != film
        assert differs[rows, columns].any()
        differs[rows, columns] = False
        assert not differs.any()


def test_what_is_covered_becomes_the_grey_around_it() -> None:
    film = np.full((98, 98), 200, np.uint8)
    film[:, :49] = 40
    middle = list(occluded(film))[GRID * (GRID // 2)]  # at the left edge
    assert np.abs(middle.astype(int) - film).max() < 40  # the grey there, not the mean of all


def test_a_level_film_stays_as_it_is() -> None:
    film = np.full((64, 64), 77, np.uint8)
    assert all((covered == film).all() for covered in occluded(film))


def test_a_planted_square_is_found() -> None:
    """By the drop of a score that looks at the brightest spot of all."""
    film = noise(96, 96) // 4
    film[60:74, 20:34] = 250

    def score(picture: np.ndarray) -> float:
        return float(np.sort(picture.ravel())[-150:].mean())

    drops = np.array([score(film) - score(covered) for covered in occluded(film)])
    heat = heat_at(drops.reshape(GRID, GRID), film.shape)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 56 <= row <= 78
    assert 16 <= column <= 38
