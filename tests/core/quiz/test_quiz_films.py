import dataclasses
from collections import Counter
from itertools import pairwise
from pathlib import Path

from core.data.records import Dataset, Record
from core.quiz.films import QuizPool, QuizSource, choose_films, make_pool, sources_of
from tests.core.quiz.quizzes import CLASSES, card, film, source


def pool_of(*counts: int) -> QuizPool:
    return QuizPool(
        tuple(film(label, number) for label, n in enumerate(counts) for number in range(n))
    )


def test_a_dataset_gives_all_its_films_with_their_classes() -> None:
    records = (Record("a/NORMAL/1.png", Path("x.png"), "f" * 64, 1),)
    dataset = Dataset((Path("films.zip"),), CLASSES, records, ())
    assert sources_of(dataset) == (QuizSource("a/NORMAL/1.png", Path("x.png"), "NORMAL", "f" * 64),)


def test_what_the_model_knows_of_a_film_is_told_by_its_content() -> None:
    sources = [source(0, number) for number in range(5)]
    digests = [one.digest for one in sources]
    model = card(
        train=(digests[0],), validation=(digests[1],), test=(digests[2],), kept=(digests[3],)
    )
    origins = [one.origin for one in make_pool(model, sources).films]
    assert origins == ["learned", "learned", "test", "kept", "new"]


def test_a_test_film_of_which_a_copy_was_in_training_is_a_learned_one() -> None:
    one = source(0, 0)
    pool = make_pool(card(train=(one.digest,), test=(one.digest,)), [one])
    assert pool.n_learned == 1
    assert pool.usable(with_learned=False) == ()


def test_labels_follow_the_order_of_the_models_classes() -> None:
    pool = make_pool(card(), [source(2, 0), source(0, 0)])
    assert [one.label for one in pool.films] == [2, 0]


def test_copies_contradictions_and_strange_classes_are_left_out() -> None:
    one, other = source(0, 0), source(1, 0)
    copy = dataclasses.replace(one, name="copy.png")
    pool = make_pool(card(), [one, copy, other])
    assert (len(pool.films), pool.n_copies) == (2, 1)
    contradiction = dataclasses.replace(one, true_class=CLASSES[1])
    pool = make_pool(card(), [one, contradiction])
    assert (pool.films, pool.n_contradictory) == ((), 2)
    strange = dataclasses.replace(one, true_class="Tuberculosis")
    pool = make_pool(card(), [strange, other])
    assert (len(pool.films), pool.n_strange) == (1, 1)


def test_each_class_is_asked_about_equally_often_as_far_as_there_are_films() -> None:
    for counts, drawn in (((30, 9, 9), {0: 4, 1: 4, 2: 4}), ((30, 2, 9), {0: 5, 1: 2, 2: 5})):
        chosen = choose_films(pool_of(*counts), 12, seed=3, with_learned=False)
        assert Counter(one.label for one in chosen) == drawn
    pool = pool_of(4, 2, 3)
    for n in (None, 500):
        assert set(choose_films(pool, n, seed=3, with_learned=False)) == set(pool.films)
    assert choose_films(QuizPool(()), 20, 1, with_learned=True) == ()


def test_the_same_seed_asks_the_same_however_the_films_are_listed() -> None:
    pool = pool_of(9, 9, 9)
    turned = QuizPool(
        tuple(dataclasses.replace(one, name=one.name[::-1]) for one in reversed(pool.films))
    )
    digests = [
        [one.digest for one in choose_films(which, 10, seed, with_learned=False)]
        for which, seed in ((pool, 7), (turned, 7), (pool, 8))
    ]
    assert digests[0] == digests[1]
    assert set(digests[0]) != set(digests[2])


def test_a_drawing_stays_the_same_in_later_versions() -> None:
    chosen = choose_films(pool_of(4, 4, 4), 4, seed=1, with_learned=False)
    assert [one.digest for one in chosen] == [
        "digest-0-3",
        "digest-2-3",
        "digest-1-3",
        "digest-0-1",
    ]


def test_classes_come_in_no_order_that_could_be_guessed() -> None:
    labels = [one.label for one in choose_films(pool_of(20, 20, 20), 60, 5, with_learned=False)]
    assert labels != sorted(labels)
    assert any(one == other for one, other in pairwise(labels))


def test_learned_films_are_drawn_last_and_only_if_that_is_wished() -> None:
    learned = tuple(film(0, number, "learned") for number in range(20, 40))
    pool = QuizPool((*learned, *(film(0, number) for number in range(5))))
    chosen = choose_films(pool, 6, 1, with_learned=True)
    assert sum(one.origin == "learned" for one in chosen) == 1
    assert len(choose_films(pool, None, 1, with_learned=True)) == 25
    assert len(choose_films(pool, None, 1, with_learned=False)) == 5
