import numpy as np
import pytest

from core.prediction.appearance import Look, PlainImage, coloured_share


@pytest.fixture(scope="module")
def plain(train):
    return PlainImage.fit(train.films)


def test_new_films_are_nearer_than_noise_and_gradients(plain, new):
    random = np.random.default_rng(0)
    strange = [random.integers(0, 256, (64, 64)).astype(np.uint8) for _ in range(5)]
    strange.append(np.tile(np.arange(0, 256, 4, np.uint8), (64, 1)))

    assert plain.distances(Look.of(strange)).min() > 3 * plain.distances(Look.of(new.films)).max()


def test_brightness_and_contrast_of_a_film_count_little(plain, new):
    paler = [(film * 0.5 + 60).astype(np.uint8) for film in new.films]

    ratio = plain.distances(Look.of(paler)) / plain.distances(Look.of(new.films))

    assert ratio == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("pose", range(8))
def test_a_film_is_nearest_once_turned_back_from_its_pose(plain, new, pose):
    films = [np.rot90(film, pose % 4) for film in new.films]
    if pose >= 4:
        films = [255 - film for film in films]

    found = plain.pose_distances(Look.of(films)).argmin(axis=1)

    assert np.mean(found == pose) > 0.9


def test_films_with_the_same_grey_level_everywhere_are_blank(new):
    grainy = np.random.default_rng(0).normal(128, 2, (64, 64)).astype(np.uint8)

    look = Look.of([np.zeros((64, 64), np.uint8), grainy, new.films[0]])

    assert look.is_blank.tolist() == [True, True, False]


def test_a_grey_film_in_three_channels_looks_like_the_grey_one(plain, new):
    tripled = [np.repeat(film[..., None], 3, axis=2) for film in new.films]

    assert plain.distances(Look.of(tripled)) == pytest.approx(plain.distances(Look.of(new.films)))


def test_only_noticeable_colours_count():
    film = np.full((10, 10, 3), 100, np.uint8)
    film[:2, :, 0] = 160  # red
    film[2:4, :, 0] = 110  # what JPEG makes of grey

    assert coloured_share(film) == pytest.approx(0.2)
    assert coloured_share(film[..., 0]) == 0
