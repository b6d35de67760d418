import dataclasses

import numpy as np
import pytest

from core.quiz.score_card import (
    ReaderScore,
    ScoreCard,
    cohen_kappa,
    kappa_interval,
    mcnemar_p,
)
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


def test_the_figures_of_a_reader_equal_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score, cohen_kappa_score, recall_score

    for seed, n_classes in ((0, 2), (1, 3), (2, 4), (3, 7), (4, 3)):
        random = np.random.default_rng(seed)
        truth = np.concatenate([np.arange(n_classes), random.integers(0, n_classes, 40)])
        said = random.integers(0, n_classes, len(truth))
        answers = np.where(random.random(len(truth)) < 0.6, truth, said)
        score = ReaderScore.of(truth.tolist(), answers.tolist(), n_classes)
        assert score.accuracy == pytest.approx(accuracy_score(truth, answers))
        assert score.kappa == pytest.approx(cohen_kappa_score(truth, answers), abs=1e-12)
        sensitivities = [one.sensitivity for one in score.classes]
        assert sensitivities == pytest.approx(recall_score(truth, answers, average=None))
        low, high = score.accuracy_interval
        assert low < score.accuracy < high


def test_classes_that_nobody_named_do_not_change_kappa() -> None:
    small = np.array([[3, 1], [2, 4]])
    large = np.zeros((5, 5), np.int64)
    large[1:3, 1:3] = small
    assert cohen_kappa(large) == cohen_kappa(small)


def test_kappa_at_its_ends() -> None:
    assert cohen_kappa(np.array([[5, 0, 0], [5, 0, 0], [5, 0, 0]])) == 0  # always the same answer
    one_class = np.array([[7, 0], [0, 0]])
    assert cohen_kappa(one_class) is None
    assert kappa_interval(one_class) is None
    with pytest.raises(ValueError, match="no film"):
        cohen_kappa(np.zeros((3, 3), np.int64))


def test_a_flawless_reading_of_nine_films_is_no_certainty() -> None:
    counts = np.diag([3, 3, 3])
    low, high = kappa_interval(counts) or (0, 0)
    assert cohen_kappa(counts) == 1
    assert high == 1
    assert 0.4 < low < 0.6


def test_the_interval_holds_kappa_and_shrinks_with_films() -> None:
    counts = np.array([[6, 1, 0], [2, 4, 1], [1, 0, 5]])
    widths = []
    for times in (1, 4):
        low, high = kappa_interval(counts * times) or (0, 0)
        assert low < (cohen_kappa(counts * times) or 0) < high
        widths.append(high - low)
    assert widths[1] < 0.6 * widths[0]


@pytest.mark.parametrize("accuracy", [0.6, 0.97])
def test_about_95_of_100_intervals_hold_the_true_kappa(accuracy: float) -> None:
    # Twenty-one films, seven of each of three classes: chance agrees in a third of them.
    random = np.random.default_rng(0)
    true_kappa = (accuracy - 1 / 3) / (2 / 3)
    shares = np.full((3, 3), (1 - accuracy) / 2) + np.eye(3) * (1.5 * accuracy - 0.5)
    n_held = 0
    for _ in range(400):
        low, high = kappa_interval(np.array([random.multinomial(7, row) for row in shares])) or (
            1,
            0,
        )
        n_held += low <= true_kappa <= high
    assert 0.92 * 400 <= n_held <= 0.995 * 400


def test_the_test_of_changes_equals_the_exact_binomial_one() -> None:
    from scipy.stats import binomtest

    for one, other in ((0, 1), (1, 5), (3, 3), (2, 11), (0, 8)):
        assert mcnemar_p(one, other) == pytest.approx(binomtest(one, one + other, 0.5).pvalue)
        assert mcnemar_p(one, other) == mcnemar_p(other, one)
    assert mcnemar_p(0, 0) == 1
