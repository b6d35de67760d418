import csv
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.quiz.viewmodel import N_AHEAD, QuizViewModel
from app.tasks import TaskRunner
from core.data.dataset import LoadedDataset
from core.errors import DeviceError, Message
from core.quiz.films import QuizSource
from tests.app.hands import WAIT_MS, wait_until
from tests.app.pretended_quiz import Clock, PretendedModel, sources


@pytest.fixture
def classifier(loaded: LoadedDataset) -> PretendedModel:
    return PretendedModel(loaded.dataset.classes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def idle(runner: TaskRunner, clock: Clock) -> QuizViewModel:
    """Nothing is offered."""
    return QuizViewModel(runner, clock)


@pytest.fixture
def model(
    idle: QuizViewModel, loaded: LoadedDataset, classifier: PretendedModel
) -> Iterator[QuizViewModel]:
    """A quiz of six films is offered."""
    idle.prepare(sources(loaded), classifier)
    idle.change(n_films=6, allows_heat_map=False)
    yield idle
    for _ in range(99):  # whatever a test has left waiting
        if classifier.gate is not None:
            classifier.gate.release()


def begin(model: QuizViewModel) -> None:
    model.start()
    wait_until(lambda: model.stage == "alone")


def answer(model: QuizViewModel, alone: int, final: int) -> None:
    """The film in hand for good; its truth is seen."""
    wait_until(lambda: model.stage == "alone")
    model.choose(alone)
    model.confirm()
    model.choose(final)
    model.confirm()
    if model.stage == "truth":
        model.confirm()


def truth(model: QuizViewModel) -> int:
    return model.shown.film.label


# Before.


def test_a_quiz_needs_a_model_and_five_films(
    idle: QuizViewModel, loaded: LoadedDataset, classifier: PretendedModel
) -> None:
    for films, asked in ((sources(loaded), None), ((), classifier)):
        idle.prepare(films, asked)
        assert (idle.pool, idle.can_start) == (None, False)
    idle.start()
    assert idle.stage is None
    for n, can_start in ((4, False), (5, True)):
        idle.prepare(sources(loaded)[:n], classifier)
        assert (idle.n_usable, idle.can_start) == (n, can_start)


def test_films_that_the_model_learned_from_are_asked_about_only_if_wished(
    idle: QuizViewModel, loaded: LoadedDataset
) -> None:
    digests = tuple(record.digest for record in loaded.dataset.records)
    knowing = PretendedModel(loaded.dataset.classes, train=digests[:50], test=digests[50:])
    idle.prepare(sources(loaded), knowing)
    assert idle.n_usable == len(digests) - 50
    idle.change(with_learned=True)
    assert idle.n_usable == len(digests)


# Under way.


def test_the_model_is_heard_only_after_the_learner_has_answered(model: QuizViewModel) -> None:
    begin(model)
    assert model.shown is not None
    assert (model.opinion, model.can_confirm) == (None, False)
    model.confirm()  # nothing counts before a class is chosen
    for label in (-1, 3):  # there is no such class
        model.choose(label)
        assert (model.stage, model.chosen) == ("alone", None)
    model.choose(2)
    assert model.opinion is None
    model.confirm()
    assert model.opinion is model.shown
    assert (model.stage, model.chosen, model.can_confirm) == ("with_model", 2, True)


def test_an_answer_may_be_changed_and_the_next_film_comes_with_nothing_chosen(
    model: QuizViewModel,
) -> None:
    begin(model)
    model.change(seed=99)
    assert model.settings.seed != 99  # settings stay while a quiz is under way
    first = model.shown
    answer(model, alone=2, final=1)
    [given] = model.session.answers
    assert (given.alone, given.final, given.model.predicted) == (2, 1, 0)
    assert given.model.opinion.probabilities[0] == pytest.approx(0.8)
    wait_until(lambda: model.stage == "alone")
    assert model.shown is not first
    assert model.chosen is None


def test_the_truth_fixes_the_answer_or_comes_at_the_end_only(model: QuizViewModel) -> None:
    begin(model)
    for _ in range(2):
        model.choose(1)
        model.confirm()
    assert model.stage == "truth"
    model.choose(2)
    assert model.chosen == 1
    model.leave()
    model.change(shows_truth=False)
    begin(model)
    model.choose(1)
    model.confirm()
    model.confirm()
    assert model.stage in ("waiting", "alone")


def test_all_answers_make_a_score_card(model: QuizViewModel) -> None:
    begin(model)
    for _ in range(6):
        wait_until(lambda: model.stage == "alone")
        answer(model, truth(model), 0)
    assert model.stage == "over"
    assert (model.score.alone.n_right, model.score.together.n_right) == (6, 2)
    assert model.score.model.n_right == 2  # it calls every film the same
    assert model.score.influence.n_misled == 4


def test_the_time_of_a_film_is_taken_only_while_it_is_in_sight(
    model: QuizViewModel, clock: Clock
) -> None:
    model.set_in_sight(False)
    begin(model)
    clock.now += 50
    assert model.seconds == 0  # it arrived unseen
    model.set_in_sight(True)
    clock.now += 3
    model.set_in_sight(False)
    clock.now += 100
    assert model.seconds == 3
    model.set_in_sight(True)
    clock.now += 2
    model.choose(0)
    model.confirm()
    clock.now += 1
    assert model.seconds == 6
    model.confirm()
    [given] = model.session.answers
    assert (given.seconds_alone, given.seconds_with_model) == (5, 1)


# Reading ahead.


def test_films_are_read_a_few_ahead_and_no_more(
    model: QuizViewModel, classifier: PretendedModel, runner: TaskRunner
) -> None:
    begin(model)
    wait_until(lambda: not runner.is_running and classifier.n_asked == 1 + N_AHEAD)
    answer(model, 0, 0)
    assert model.stage == "alone"  # at once
    wait_until(lambda: not runner.is_running and classifier.n_asked == 2 + N_AHEAD)


def test_where_a_film_is_not_there_yet_the_learner_waits(
    model: QuizViewModel, classifier: PretendedModel, clock: Clock
) -> None:
    classifier.gate = threading.Semaphore(1)
    begin(model)
    answer(model, 0, 0)
    assert (model.stage, model.shown) == ("waiting", None)
    clock.now += 30
    classifier.gate.release()
    wait_until(lambda: model.stage == "alone")
    assert model.seconds == 0


def test_another_model_that_is_opened_meanwhile_has_no_say(
    model: QuizViewModel, classifier: PretendedModel, loaded: LoadedDataset
) -> None:
    begin(model)
    other = PretendedModel(loaded.dataset.classes[::-1])
    model.prepare(sources(loaded), other)
    for _ in range(6):
        answer(model, 0, 0)
    assert (other.n_asked, classifier.n_asked) == (0, 6)
    assert model.card is classifier.card
    model.leave()
    assert model.card is other.card
    begin(model)
    model.prepare((), None)  # nor does closing it end the quiz
    for _ in range(6):
        answer(model, 0, 0)
    assert model.score is not None
    model.leave()
    assert not model.can_start


@pytest.fixture
def with_broken(loaded: LoadedDataset, broken_film: Path) -> tuple[QuizSource, ...]:
    """Five films, and one that is gone, broken or another by now."""
    good = sources(loaded)[:5]
    bad = dataclasses.replace(sources(loaded)[5], name="ward/bad.png", path=broken_film)
    return (*good, bad)


def test_a_film_that_cannot_be_read_is_left_out_and_told(
    model: QuizViewModel, with_broken: tuple[QuizSource, ...], classifier: PretendedModel
) -> None:
    model.prepare(with_broken, classifier)
    begin(model)
    for _ in range(5):
        answer(model, 0, 0)
    assert model.stage == "over"
    [refusal] = model.session.refused
    assert refusal.file == "ward/bad.png"
    assert "ward/bad.png has changed since the dataset was opened" in str(refusal.reason)
    assert (model.score.alone.n, model.n_asked) == (5, 6)


def test_where_the_model_fails_the_quiz_ends_with_what_was_answered(
    qtbot: QtBot, model: QuizViewModel, classifier: PretendedModel
) -> None:
    classifier.gate = threading.Semaphore(1)
    begin(model)
    with qtbot.waitSignal(model.failed, timeout=WAIT_MS) as failed:
        classifier.error = DeviceError(Message("The memory is full."))
        answer(model, 0, 0)
        classifier.gate.release()
    assert str(failed.args[0].message) == "The memory is full."
    assert model.stage == "over"
    assert model.score.alone.n == 1
    model.leave()
    classifier.gate = None
    with qtbot.waitSignal(model.failed, timeout=WAIT_MS):
        model.start()
    assert model.stage is None  # nothing was begun


# The end.


def test_stopping_early_gives_the_score_so_far(model: QuizViewModel, runner: TaskRunner) -> None:
    begin(model)
    answer(model, 0, 0)
    model.end()
    assert model.stage == "over"
    assert model.score.alone.n == 1
    wait_until(lambda: not runner.is_running)


def test_another_quiz_asks_other_films_and_the_same_seed_the_same(model: QuizViewModel) -> None:
    def films() -> list[str]:
        begin(model)
        digests = [film.digest for film in model.session.films]
        answer(model, 0, 0)
        model.leave()
        return digests

    first, second = films(), films()
    assert set(first) != set(second)
    model.change(seed=1)
    assert films() == first


def test_a_film_read_for_an_earlier_quiz_does_not_come_into_the_next(
    model: QuizViewModel, classifier: PretendedModel, runner: TaskRunner
) -> None:
    classifier.gate = threading.Semaphore(1)
    begin(model)
    answer(model, 0, 0)
    wait_until(lambda: runner.is_running)
    model.leave()
    model.start()
    assert model.stage == "waiting"
    for _ in range(20):
        classifier.gate.release()
    wait_until(lambda: model.stage == "alone")
    assert model.shown.film == model.session.films[0]


def test_the_table_for_the_teacher_is_saved(model: QuizViewModel, tmp_path: Path) -> None:
    model.change(learner="王 7/b")
    assert model.table_name == "quiz_王_7_b.csv"
    begin(model)
    answer(model, 1, 0)
    model.end()
    path = tmp_path / model.table_name
    model.save_table(path)
    assert str(model.note) == f"Saved in {path}"
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, row, *_ = csv.reader(file)
    told = dict(zip(header, row, strict=True))
    assert told["learner"] == "王 7/b"
    assert told["answer_with_model"] == "COVID"
    assert told["answer_alone"] == "NORMAL"


def test_a_table_that_cannot_be_saved_is_told_and_leaving_forgets_it(
    model: QuizViewModel, tmp_path: Path
) -> None:
    begin(model)
    answer(model, 1, 0)
    model.end()
    model.save_table(tmp_path / "none" / "quiz.csv")
    assert "Choose another file" in str(model.note)
    model.leave()
    assert (model.stage, model.session, model.score, model.note) == (None, None, None, None)
    assert model.can_start


# The films again.


def test_a_film_of_a_quiz_that_is_over_can_be_looked_at_again(model: QuizViewModel) -> None:
    begin(model)
    first = model.shown
    answer(model, 0, 0)
    model.review(0)
    assert model.reviewing is None  # not while the quiz goes on
    model.end()
    model.review(0)
    wait_until(lambda: model.reviewed is not None)
    assert model.reviewed.film == first.film
    for nowhere in (-1, 1):
        model.review(nowhere)
        assert model.reviewing == 0
    model.review(None)
    assert (model.reviewing, model.reviewed) == (None, None)


def test_the_film_that_was_asked_for_last_is_the_one_that_comes(
    model: QuizViewModel, classifier: PretendedModel, runner: TaskRunner
) -> None:
    begin(model)
    for _ in range(6):
        answer(model, 0, 0)
    classifier.gate = threading.Semaphore(0)
    for place in (0, 3, 5):
        model.review(place)
    for _ in range(9):
        classifier.gate.release()
    wait_until(lambda: model.reviewed is not None and not runner.is_running)
    assert model.reviewed.film == model.session.answers[5].film


def test_a_failure_while_looking_again_leaves_the_score(
    qtbot: QtBot, model: QuizViewModel, classifier: PretendedModel
) -> None:
    begin(model)
    answer(model, 0, 0)
    model.end()
    classifier.error = DeviceError(Message("The memory is full."))
    with qtbot.waitSignal(model.failed, timeout=WAIT_MS):
        model.review(0)
    assert str(model.review_refusal) == "The memory is full."
    assert model.score is not None
