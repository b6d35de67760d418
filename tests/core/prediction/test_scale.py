import numpy as np
import pytest

from core.prediction.novelty import Scale, joined


def distances(n, seed):
    random = np.random.default_rng(seed)
    shared = random.lognormal(0, 0.5, n)
    return (
        500 * shared * random.lognormal(0, 0.3, n),
        40 * shared * random.lognormal(0, 0.6, n),
        np.zeros(n),
    )


@pytest.mark.parametrize("n", [20, 66, 400])
def test_95_percent_of_the_validation_films_are_familiar(n):
    scale = Scale.fit(*distances(n, 0))

    n_strange = int((joined(scale.parts(*distances(n, 0))) > 1).sum())

    assert n_strange == n - int((n + 1) * 0.95)
    assert n_strange <= 0.05 * n


@pytest.mark.parametrize("n", [20, 60])
def test_of_new_films_5_percent_are_strange_on_average(n):
    rates = []
    for seed in range(150):
        scale = Scale.fit(*distances(n, seed))
        rates.append(np.mean(joined(scale.parts(*distances(500, 1000 + seed))) > 1))

    assert np.mean(rates) == pytest.approx(0.05, abs=0.015)


def test_what_is_far_in_one_respect_is_strange():
    near = distances(60, 0)
    scale = Scale.fit(*near)
    far = [np.full(1, np.median(some)) for some in near]

    for which, value in enumerate((1e5, 1e4, 0.5)):
        parts = [some.copy() for some in far]
        parts[which][0] = value
        assert joined(scale.parts(*parts))[0] > 1


def test_colours_of_the_training_films_are_no_sign():
    features, images, _ = distances(60, 0)

    scale = Scale.fit(features, images, np.full(60, 0.9))

    assert joined(scale.parts(features[:1], images[:1], np.ones(1)))[0] < 1


def test_validation_films_that_are_all_alike_give_a_scale():
    scale = Scale.fit(np.full(30, 7.0), np.full(30, 3.0), np.zeros(30))

    assert joined(scale.parts(np.full(1, 7.0), np.full(1, 3.0), np.zeros(1)))[0] <= 1


def test_distances_that_are_no_numbers_are_as_strange_as_can_be():
    scale = Scale.fit(*distances(60, 0))
    no_number = np.array([np.nan, np.inf])

    scores = joined(scale.parts(no_number, no_number, np.zeros(2)))

    assert np.isfinite(scores).all()
    assert scores.min() > 10
