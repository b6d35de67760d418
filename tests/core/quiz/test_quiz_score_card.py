import dataclasses

import numpy as np
import pytest

from core.quiz.score_card import ReaderScore, ScoreCard
from tests.core.quiz.quizzes import answer

# Truth, alone, model, final.
ANSWERS = [
    answer(0, 0, 0, 0, (2.0, 1.0)),
    answer(0, 0, 1, 1, (4.0, 1.0)),  # misled
    answer(0, 0, 1, 0, (6.0, 3.0)),  # tempted, not misled
    answer(1, 2, 1, 1, (9.0, 9.0)),  # helped
    answer(1, 0, 1, 0, (1.0, 1.0)),  # could have been helped
    answer(1, 0, 2, 2, (1.0, 1.0)),  # from wrong to wrong
    answer(2, 2, 2, 0, (1.0, 1.0)),  # spoiled against the model's right opinion
]


@pytest.fixture
def card() -> ScoreCard:
    return ScoreCard.of(ANSWERS, 3)


def test_each_reader_has_a_matrix_of_their_own(card: ScoreCard) -> None:
    assert card.alone.confusion.tolist() == [[3, 0, 0], [2, 0, 1], [0, 0, 1]]
    assert card.model.confusion.tolist() == [[1, 2, 0], [0, 2, 1], [0, 0, 1]]
    assert card.together.confusion.tolist() == [[2, 1, 0], [1, 1, 1], [1, 0, 0]]
    assert [one.n_right for one in (card.alone, card.model, card.together)] == [4, 4, 3]


def test_the_figures_of_a_reader_equal_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score, cohen_kappa_score, recall_score

    random = np.random.default_rng(1)
    truth = random.integers(0, 4, 40)
    answers = np.where(random.random(40) < 0.5, truth, random.integers(0, 4, 40))
    score = ReaderScore.of(truth.tolist(), answers.tolist(), 4)
    assert score.accuracy == pytest.approx(accuracy_score(truth, answers))
    assert score.kappa == pytest.approx(cohen_kappa_score(truth, answers))
    sensitivities = [one.sensitivity for one in score.classes]
    assert sensitivities == pytest.approx(recall_score(truth, answers, average=None))
    low, high = score.accuracy_interval
    assert low < score.accuracy < high


def test_what_the_model_did_to_the_answers_is_counted(card: ScoreCard) -> None:
    influence = card.influence
    assert (influence.n_tempted, influence.n_misled) == (2, 1)
    assert (influence.n_helpable, influence.n_helped) == (2, 1)
    assert influence.n_changed == 4
    assert influence.p_value == 1  # two answers became wrong and one right: chance does that


def test_changes_to_one_side_alone_are_hardly_chance() -> None:
    helped = ScoreCard.of([answer(1, 0, 1, 1)] * 8, 3).influence
    assert helped.p_value < 0.01


def test_times_are_totals_and_medians(card: ScoreCard) -> None:
    times = card.times
    assert times.total == 41.0
    assert times.median == 3.0
    assert (times.median_alone, times.median_with_model) == (2.0, 1.0)


def test_one_film_is_enough_for_a_card() -> None:
    card = ScoreCard.of([answer(1, 1, 1, 1)], 3)
    assert card.alone.accuracy == 1
    assert card.alone.kappa is None
    assert card.alone.accuracy_interval[0] < 0.25


def test_films_whose_answer_the_model_had_learned_are_counted() -> None:
    learned = dataclasses.replace(
        ANSWERS[0], film=dataclasses.replace(ANSWERS[0].film, origin="learned")
    )
    assert ScoreCard.of([learned, *ANSWERS], 3).n_learned == 1
