from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from core.data.batches import balanced_order, class_weights

LABELS = st.lists(st.integers(0, 3), max_size=80).map(lambda more: np.array([0, 1, 2, 3, *more]))


@given(LABELS)
def test_weights_are_scikit_learn_s(labels: np.ndarray) -> None:
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    assert class_weights(labels, 4) == pytest.approx(expected, rel=1e-6)


@given(LABELS)
def test_weights_are_one_on_average_over_the_films(labels: np.ndarray) -> None:
    assert class_weights(labels, 4)[labels].mean() == pytest.approx(1)


def test_balanced_classes_weigh_the_same() -> None:
    weights = class_weights(np.array([0, 0, 1, 1]), 2)
    assert weights.dtype == np.float32
    assert weights.tolist() == [1, 1]


@given(LABELS, st.integers(0, 99))
def test_an_epoch_has_as_many_draws_as_films(labels: np.ndarray, seed: int) -> None:
    order = balanced_order(labels, np.random.default_rng(seed))
    assert len(order) == len(labels)
    assert len(set(order)) == len(order)


@given(LABELS, st.integers(0, 99))
def test_each_class_has_its_share_of_the_draws(labels: np.ndarray, seed: int) -> None:
    drawn = Counter(labels[film] for film, _ in balanced_order(labels, np.random.default_rng(seed)))
    share = -(-len(labels) // 4)
    # What is too much, at most a draw a class, falls where chance has it.
    assert all(share - 3 <= drawn[label] <= share for label in range(4))


def test_films_of_a_rare_class_come_about_equally_often() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    order = balanced_order(labels, np.random.default_rng(0))
    times = Counter(film for film, _ in order)
    assert [times[film] for film in range(90, 100)] == [5] * 10
    assert max(times[film] for film in range(90)) == 1


def test_a_repeated_film_says_how_often_it_was_drawn() -> None:
    order = balanced_order(np.array([0] * 9 + [1]), np.random.default_rng(0))
    assert sorted(turn for film, turn in order if film == 9) == [0, 1, 2, 3, 4]


def test_another_epoch_has_another_order() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    random = np.random.default_rng(0)
    assert balanced_order(labels, random) != balanced_order(labels, random)


def test_a_class_without_films_takes_no_share() -> None:
    order = balanced_order(np.array([0, 0, 2, 2]), np.random.default_rng(0))
    assert sorted(film for film, _ in order) == [0, 1, 2, 3]
