import numpy as np
import pytest

from core.prediction import novelty
from core.prediction.novelty import LEAST_VALIDATION_FILMS, FilmSet, fit_memory
from tests.core.prediction.made_films import digest, features_of


def test_most_validation_films_are_familiar(memory):
    assert memory.n_validation == 30
    assert memory.familiar_share >= 0.95


def test_too_few_validation_films_leave_nothing_to_remember(train, validation):
    few = validation.only(np.arange(LEAST_VALIDATION_FILMS - 1))

    assert fit_memory(train, few, keep_thumbnails=False) is None


def test_too_few_training_films_leave_nothing_to_remember(train, validation):
    assert fit_memory(train.only(np.arange(5)), validation, keep_thumbnails=False) is None


def test_features_that_are_no_numbers_leave_nothing_to_remember(train, validation):
    broken = train.features.copy()
    broken[3, 3] = np.nan
    films = FilmSet(broken, train.films, train.labels, train.digests)

    assert fit_memory(films, validation, keep_thumbnails=False) is None


def test_absurd_features_are_not_remembered_rather_than_refused_when_the_model_is_opened(
    train, validation
):
    absurd, also = (
        FilmSet(part.features * np.float32(1e20), part.films, part.labels, part.digests)
        for part in (train, validation)
    )

    assert fit_memory(absurd, also, keep_thumbnails=False) is None


def test_a_network_that_sees_nothing_can_be_fitted(train, validation):
    blind, also = (
        FilmSet(np.zeros_like(part.features), part.films, part.labels, part.digests)
        for part in (train, validation)
    )

    memory = fit_memory(blind, also, keep_thumbnails=False)

    assert memory is not None
    assert memory.familiar_share >= 0.95


def test_thumbnails_are_kept_only_where_allowed(train, validation, memory):
    without = fit_memory(train, validation, keep_thumbnails=False)

    assert without is not None
    assert without.nearest(train.features[0])[0].thumbnail is None
    kept = memory.nearest(train.features[0])[0].thumbnail
    assert kept.shape == (64, 64)
    assert kept.dtype == np.uint8
    assert np.array_equal(kept, train.films[0])  # the films of these tests are as small


def test_the_same_films_give_the_same_memory(train, validation, memory):
    again = fit_memory(train, validation, keep_thumbnails=True)

    assert again is not None
    ours, theirs = memory.to_parts(), again.to_parts()
    assert ours[0] == theirs[0]
    assert all(np.array_equal(ours[1][name], theirs[1][name]) for name in ours[1])


def test_of_very_many_films_each_class_keeps_its_share(validation, monkeypatch):
    monkeypatch.setattr(novelty, "MOST_TRAINING_FILMS", 100)
    n = 300
    labels = (np.arange(n) % 10 == 0).astype(np.int64)  # a tenth
    films = np.random.default_rng(0).integers(0, 256, (n, 8, 8)).astype(np.uint8)
    many = FilmSet(
        features_of(labels, 5), films, labels, tuple(digest(number) for number in range(n))
    )

    memory = fit_memory(many, validation, keep_thumbnails=False)

    assert memory is not None
    assert len(memory.labels) == len(set(memory.digests)) == 100
    assert np.mean(memory.labels) == pytest.approx(0.1)
    number_of = {name: number for number, name in enumerate(many.digests)}
    numbers = [number_of[name] for name in memory.digests]
    assert many.labels[numbers].tolist() == memory.labels.tolist()
    assert max(numbers) == n - 1  # from the first to the last
