import numpy as np
import pytest

from core.data.orientation import LEAST_FILMS, orientation


def test_films_as_they_should_be_are_left_alone(thumbs):
    found = orientation(thumbs)

    assert not found.rotation.any()
    assert not found.is_inverted.any()


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_turned_film_is_found_with_its_angle(thumbs, quarter_turns):
    films = thumbs.copy()
    films[[4, 30]] = np.rot90(films[[4, 30]], quarter_turns, axes=(1, 2))

    found = orientation(films)

    assert np.flatnonzero(found.rotation).tolist() == [4, 30]
    assert set(found.rotation[[4, 30]]) == {90 * quarter_turns}
    assert not found.is_inverted.any()


def test_negatives_are_found_where_they_are_a_quarter_of_the_films(thumbs):
    films = thumbs.copy()
    films[::4] = 255 - films[::4]

    found = orientation(films)

    assert np.flatnonzero(found.is_inverted).tolist() == list(range(0, len(films), 4))
    assert not found.rotation.any()


def test_a_turned_negative_is_both(thumbs):
    films = thumbs.copy()
    films[9] = 255 - np.rot90(films[9])

    found = orientation(films)

    assert found.rotation[9] == 90
    assert found.is_inverted[9]


def test_few_films_have_no_mean_to_compare_with(thumbs):
    films = thumbs[: LEAST_FILMS - 1].copy()
    films[0] = 255 - films[0]

    assert not orientation(films).is_inverted.any()


def test_blank_films_are_never_named(thumbs):
    films = thumbs.copy()
    films[:3] = 255

    found = orientation(films)

    assert not found.rotation.any()
    assert not found.is_inverted.any()


def test_pictures_with_nothing_in_common_are_left_alone():
    random = np.random.default_rng(0)
    pictures = np.kron(random.integers(0, 256, (200, 4, 4)), np.ones((32, 32)))

    found = orientation(pictures.astype(np.uint8))

    assert not found.rotation.any()
    assert not found.is_inverted.any()


def test_no_films_give_an_empty_answer():
    assert orientation(np.empty((0, 128, 128), np.uint8)).rotation.shape == (0,)


def test_a_border_hides_no_turned_film_and_no_negative(thumbs):
    films = np.zeros_like(thumbs)
    films[:, 13:-13, 13:-13] = thumbs[:, 13:-13, 13:-13]
    films[3, 13:-13, 13:-13] = np.rot90(films[3, 13:-13, 13:-13])
    films[8, 13:-13, 13:-13] = 255 - films[8, 13:-13, 13:-13]

    found = orientation(films)

    assert np.flatnonzero(found.rotation).tolist() == [3]
    assert np.flatnonzero(found.is_inverted).tolist() == [8]


@pytest.mark.parametrize("n_negative", [20, 25])
def test_negatives_are_found_where_they_are_half_of_the_films_and_more(thumbs, n_negative):
    films = thumbs.copy()
    films[:n_negative] = 255 - films[:n_negative]

    found = orientation(films).is_inverted

    assert found[:n_negative].mean() > 0.9
    assert not found[n_negative:].any()
