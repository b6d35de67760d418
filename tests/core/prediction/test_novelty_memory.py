import numpy as np
import pytest

from core.errors import Message


def kinds_of(novelties):
    return [novelty.kind for novelty in novelties]


def test_new_films_of_the_same_kind_are_familiar(memory, new):
    novelties = memory.judge(new.features, new.films)

    assert np.mean([novelty.is_familiar for novelty in novelties]) > 0.75  # of 24
    for novelty in novelties:
        assert novelty.is_familiar == (novelty.score <= novelty.threshold)
        assert novelty.is_familiar == (novelty.kind == "familiar")


def test_films_one_by_one_are_judged_as_all_together(memory, new):
    together = memory.judge(new.features, new.films)
    alone = [
        memory.judge(new.features[row : row + 1], new.films[row : row + 1])[0]
        for row in range(len(new))
    ]

    assert kinds_of(alone) == kinds_of(together)
    assert [one.score for one in alone] == pytest.approx([one.score for one in together], rel=1e-4)


def test_no_films_are_judged_at_once(memory):
    assert memory.judge(np.empty((0, 48), np.float32), []) == []


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_picture_is_never_familiar(memory, train, level):
    blank = np.full((64, 64), level, np.uint8)

    (novelty,) = memory.judge(train.features[:1], [blank])

    assert not novelty.is_familiar
    assert novelty.kind == "blank"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda film: np.rot90(film), "turned"),
        (lambda film: np.rot90(film, 2), "turned"),
        (lambda film: np.rot90(film, 3), "turned"),
        (lambda film: 255 - film, "negative"),
    ],
)
def test_turned_films_and_negatives_are_called_so(memory, new, change, kind):
    films = [change(film) for film in new.films]

    novelties = memory.judge(new.features, films)

    assert kinds_of(novelties).count(kind) > 0.8 * len(films)


def test_noise_is_no_chest_film_even_where_the_network_knows_it(memory, train):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)

    (novelty,) = memory.judge(train.features[:1], [noise])

    assert novelty.kind == "not_a_chest_film"


def test_a_film_that_is_strange_to_the_network_alone_is_unlike_training(memory, train):
    strange = 3 * np.random.default_rng(0).random((1, train.features.shape[1]), np.float32)

    (novelty,) = memory.judge(strange, train.films[:1])

    assert novelty.kind == "unlike_training"
    assert not novelty.is_familiar


def test_a_tinted_film_is_strange_for_its_colour(memory, train):
    tinted = np.stack([train.films[0], train.films[0] // 2, train.films[0] // 3], axis=2)

    (novelty,) = memory.judge(train.features[:1], [tinted])

    assert not novelty.is_familiar
    assert "coloured" in str(novelty.reason)


def test_every_kind_has_a_sentence_of_its_own(memory, new, train):
    random = np.random.default_rng(0)
    films = [
        new.films[0],
        np.rot90(new.films[0]),
        np.rot90(new.films[0], 2),
        255 - new.films[0],
        255 - np.rot90(new.films[0]),
        random.integers(0, 256, (64, 64)).astype(np.uint8),
        np.zeros((64, 64), np.uint8),
    ]

    reasons = [novelty.reason for novelty in memory.judge(np.repeat(new.features[:1], 7, 0), films)]

    assert all(isinstance(reason, Message) for reason in reasons)
    assert len({str(reason) for reason in reasons}) == len(films)


def test_a_training_film_is_its_own_nearest(memory, train):
    nearest = memory.nearest(train.features[17])

    assert len(nearest) == 5
    assert nearest[0].digest == train.digests[17]
    assert nearest[0].label == train.labels[17]
    assert nearest[0].distance == pytest.approx(0, abs=1e-3)
    distances = [neighbour.distance for neighbour in nearest]
    assert distances == sorted(distances)


def test_neighbours_of_a_film_are_mostly_of_its_class(memory, new):
    same = [
        neighbour.label == label
        for feature, label in zip(new.features, new.labels, strict=True)
        for neighbour in memory.nearest(feature)
    ]

    assert np.mean(same) > 0.7


def test_there_are_no_more_neighbours_than_films(memory, new):
    assert len(memory.nearest(new.features[0], n=500)) == 90


def test_features_that_are_no_numbers_are_strange_and_have_no_neighbours(memory, new):
    for value in (np.nan, np.inf, 1e38):
        features = np.full((1, 48), value, np.float32)

        (novelty,) = memory.judge(features, new.films[:1])

        assert not novelty.is_familiar
        assert np.isfinite(novelty.score)
    assert memory.nearest(np.full(48, np.nan, np.float32)) == ()
