import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from core.config import AugmentationConfig
from core.data import batches as batches_module
from core.data.augmentation import augment, generator_for, generator_for_order
from core.data.batches import Batch, BatchSource, balanced_order, class_weights, stack
from core.data.records import Record
from tests.core.data.caches import cache_of

SIZE, N = 16, 23
NOTHING = AugmentationConfig(probability=0.0)


def source(batch_size: int = 5, coloured: tuple[int, ...] = ()) -> BatchSource:
    """Films that show their own number, some with a colour too."""
    grey = np.repeat(np.arange(N, dtype=np.uint8), SIZE * SIZE).reshape(N, SIZE, SIZE)
    colour = np.zeros((len(coloured), SIZE, SIZE, 3), np.uint8)
    for row, number in enumerate(coloured):
        colour[row] = (number, 100, 200)
    records = tuple(Record(f"{n}.png", Path(), str(n), n % 3) for n in range(N))
    rows = {str(n): n for n in range(N)}
    colour_rows = {str(number): row for row, number in enumerate(coloured)}
    return BatchSource(cache_of(rows, grey, colour_rows, colour), records, batch_size)


def training(
    films: BatchSource,
    seed: int = 0,
    epoch: int = 1,
    n_threads: int = 2,
    augmentation: AugmentationConfig = NOTHING,
) -> list[Batch]:
    return list(films.training_batches(augmentation, seed, epoch, n_threads))


def same(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)
        for a, b in zip(one, other, strict=True)
    )


def shown(batches: list[Batch]) -> list[int]:
    return [int(image.flat[0]) for batch in batches for image in batch.images]


def threads_of_batches() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_plain_batches_keep_the_order_and_the_last_one() -> None:
    films = source()
    batches = list(films.plain_batches(2))
    assert shown(batches) == list(range(N))
    assert [len(batch.labels) for batch in batches] == [5, 5, 5, 5, 3]
    assert films.n_batches == 5
    assert all(np.array_equal(b.labels, b.images[:, 0, 0] % 3) for b in batches)
    assert batches[0].images.shape == (5, SIZE, SIZE)
    assert (batches[0].images.dtype, batches[0].labels.dtype) == (np.uint8, np.int64)


def test_a_pass_of_training_shows_every_film_once_shuffled_with_its_class() -> None:
    batches = training(source())
    assert shown(batches) != list(range(N))
    assert sorted(shown(batches)) == list(range(N))
    assert [len(batch.labels) for batch in batches] == [5, 5, 5, 5, 3]
    assert all(np.array_equal(b.labels, b.images[:, 0, 0] % 3) for b in batches)


def test_batches_are_the_same_for_any_number_of_threads() -> None:
    augmented = AugmentationConfig(probability=1.0)
    one = training(source(), n_threads=1, augmentation=augmented)
    for n_threads in (2, 3, 8):
        assert same(one, training(source(), n_threads=n_threads, augmentation=augmented))


def test_seed_and_epoch_change_order_and_augmentation() -> None:
    augmented = AugmentationConfig(probability=1.0)
    one = training(source(), augmentation=augmented)
    assert same(one, training(source(), augmentation=augmented))
    for other in (training(source(), seed=1), training(source(), epoch=2)):
        assert shown(other) != shown(training(source()))


@pytest.mark.parametrize("is_balanced", [False, True])
def test_a_pass_can_go_on_where_another_ended(is_balanced: bool) -> None:
    augmented = AugmentationConfig(probability=1.0)
    films = source()
    whole = list(films.training_batches(augmented, 3, 2, 2, is_balanced=is_balanced))
    for n_done in range(len(whole) + 1):
        rest = films.training_batches(augmented, 3, 2, 2, is_balanced=is_balanced, start=5 * n_done)
        assert same(list(rest), whole[n_done:])


def test_each_film_is_augmented_with_its_own_generator() -> None:
    augmented = AugmentationConfig(probability=1.0)
    films = source()
    order = shown(training(films, seed=4, epoch=2))
    batches = training(films, seed=4, epoch=2, augmentation=augmented)
    images = [image for batch in batches for image in batch.images]
    for number, image in zip(order, images, strict=True):
        expected = augment(films.cache.grey[number], augmented, generator_for(4, 2, number))
        assert np.array_equal(image, expected)


def test_the_order_and_the_first_film_are_drawn_from_different_streams() -> None:
    for seed, epoch in ((0, 1), (4, 2)):
        shuffle, film = generator_for_order(seed, epoch), generator_for(seed, epoch, 0)
        assert shuffle.integers(0, 2**63, 4).tolist() != film.integers(0, 2**63, 4).tolist()


def test_no_two_purposes_epochs_or_films_share_a_stream() -> None:
    generators = [generator_for_order(seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    generators += [
        generator_for(seed, epoch, index) for seed in (0, 1) for epoch in (0, 1) for index in (0, 1)
    ]
    assert len({int(generator.integers(0, 2**63)) for generator in generators}) == 12


def test_a_batch_with_one_coloured_film_is_coloured() -> None:
    batches = list(source(coloured=(7,)).plain_batches(2))
    assert [batch.images.ndim for batch in batches] == [3, 4, 3, 3, 3]
    mixed = batches[1].images
    assert mixed[2, 0, 0].tolist() == [7, 100, 200]
    assert mixed[1, 0, 0].tolist() == [6, 6, 6]


def test_stacking_makes_a_copy() -> None:
    films = [np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)]
    stacked = stack(films)
    stacked[0] = 9
    assert films[0].max() == 0


def test_an_exception_in_a_thread_arrives_where_batches_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(image: np.ndarray, *_: object) -> np.ndarray:
        if image[0, 0] == 11:
            raise OSError("the disk was taken out")
        return image

    monkeypatch.setattr(batches_module, "augment", fail)
    with pytest.raises(OSError, match="taken out"):
        training(source())
    assert threads_of_batches() == []


def test_closing_stops_at_once_and_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    augmented: list[int] = []

    def note(image: np.ndarray, *_: object) -> np.ndarray:
        augmented.append(int(image[0, 0]))
        return image

    monkeypatch.setattr(batches_module, "augment", note)
    films = source(batch_size=1)
    with closing(films.training_batches(NOTHING, 0, 1, 2)) as batches:
        next(batches)
    assert threads_of_batches() == []
    assert len(augmented) <= 1 + 2 + batches_module.N_READY


def test_no_films_make_no_batches() -> None:
    empty = BatchSource(source().cache, (), 5)
    assert (empty.n_batches, list(empty.plain_batches(2))) == (0, [])


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
