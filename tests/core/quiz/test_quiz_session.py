import csv
from pathlib import Path

import pytest

from core.errors import ConfigError, Message, Refusal, RunFolderError
from core.quiz.session import HEADER, QuizPaper, QuizSession, QuizSettings, save_quiz_table
from tests.core.quiz.quizzes import CLASSES, answer, film, heard

REFUSAL = Refusal("b.png", Message("It is cut short."), "truncated")


@pytest.fixture
def session() -> QuizSession:
    return QuizSession(films=(film(0), film(1), film(2)), shows_truth=True)


def answered(session: QuizSession, alone: int = 0, final: int = 0, now: float = 0.0) -> QuizSession:
    """The film in hand, answered for good."""
    return session.begun(now).answered_alone(alone, now + 5).decided(final, heard(1), now + 8)


def test_a_film_is_answered_alone_then_with_the_model_then_its_truth_is_seen(
    session: QuizSession,
) -> None:
    alone = session.begun(0.0)
    with_model = alone.answered_alone(2, 1.0)
    truth = with_model.decided(0, heard(0), 2.0)
    following = truth.went_on()
    stages = [one.stage for one in (session, alone, with_model, truth, following)]
    assert stages == ["waiting", "alone", "with_model", "truth", "waiting"]
    assert following.film == film(1)


def test_an_answer_has_both_labels_what_the_model_said_and_the_times(session: QuizSession) -> None:
    said = heard(0, 0.7)
    session = session.begun(100.0).answered_alone(2, 104.5).decided(0, said, 106.0)
    [given] = session.answers
    assert (given.film, given.alone, given.final) == (film(0), 2, 0)
    assert given.model is said
    assert (given.seconds_alone, given.seconds_with_model, given.seconds) == (4.5, 1.5, 6.0)


def test_the_film_stays_while_its_truth_is_seen(session: QuizSession) -> None:
    assert answered(session).film == film(0)


def test_where_the_truth_comes_at_the_end_the_next_film_follows_at_once() -> None:
    session = answered(QuizSession(films=(film(0), film(1)), shows_truth=False))
    assert (session.stage, session.film) == ("waiting", film(1))
    assert answered(session).stage == "over"


def test_after_the_last_film_it_is_over(session: QuizSession) -> None:
    for _ in range(3):
        session = answered(session).went_on()
    assert (session.stage, session.film, session.n_left) == ("over", None, 0)
    assert len(session.answers) == 3


def test_stopping_early_keeps_what_was_answered_for_good(session: QuizSession) -> None:
    session = answered(session).went_on().begun(20.0).answered_alone(1, 22.0).ended()
    assert (session.stage, len(session.answers)) == ("over", 1)


def test_time_stands_still_while_nobody_sees_the_film(session: QuizSession) -> None:
    session = session.begun(0.0).paused(3.0)
    assert session.seconds(50.0) == 3.0
    session = session.paused(60.0).resumed(100.0).resumed(200.0)
    assert session.seconds(101.0) == 4.0
    session = session.answered_alone(0, 102.0).paused(103.0)
    assert session.seconds(500.0) == 6.0
    [given] = session.decided(0, heard(0), 600.0).answers
    assert (given.seconds_alone, given.seconds_with_model) == (5.0, 1.0)


def test_the_clock_of_the_next_film_begins_at_nothing(session: QuizSession) -> None:
    session = answered(session).went_on()
    assert session.seconds(1000.0) == 0
    assert session.resumed(1000.0).seconds(2000.0) == 0
    assert session.begun(2000.0).seconds(2002.0) == 2.0


def test_while_the_truth_is_seen_the_clock_stands(session: QuizSession) -> None:
    session = answered(session, now=10.0).resumed(30.0)
    assert session.seconds(99.0) == 8.0


def test_a_film_that_cannot_be_read_is_left_out_and_told(session: QuizSession) -> None:
    session = session.without(film(1), REFUSAL)
    session = answered(session).went_on()
    assert session.film == film(2)
    assert session.refused == (REFUSAL,)


def test_where_the_film_in_hand_cannot_be_read_the_next_one_comes(session: QuizSession) -> None:
    session = session.without(film(0), REFUSAL)
    assert (session.stage, session.film) == ("waiting", film(1))


def test_where_the_last_film_cannot_be_read_it_is_over(session: QuizSession) -> None:
    session = answered(answered(session).went_on())
    seen = session.without(film(2), REFUSAL)  # while the truth of the second is shown
    assert (seen.stage, seen.film) == ("truth", film(1))
    assert seen.went_on().stage == "over"
    assert session.went_on().without(film(2), REFUSAL).stage == "over"


def test_no_step_can_be_taken_out_of_turn(session: QuizSession) -> None:
    for step in (
        lambda: session.answered_alone(0, 1.0),
        lambda: session.decided(0, heard(0), 1.0),
        session.went_on,
    ):
        with pytest.raises(ValueError, match="'waiting'"):
            step()
    with pytest.raises(ValueError, match="'alone'"):
        session.begun(0.0).begun(1.0)


# The table.


def paper(**settings: object) -> QuizPaper:
    return QuizPaper(
        classes=CLASSES,
        model="best.safetensors",
        n_asked=20,
        settings=QuizSettings(**settings),  # type: ignore[arg-type]
    )


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_every_film_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "quiz.csv"
    save_quiz_table(path, [answer(0, 0, 1, 1), answer(2, 1, 2, 2)], paper(learner="王小明"))
    header, first, second, *_ = rows(path)
    assert tuple(header) == HEADER
    told = dict(zip(header, first, strict=True))
    assert told["number"] == "1"
    assert told["learner"] == "王小明"
    assert told["file"] == "COVID/0.png"
    names = ("truth", "answer_alone", "model_answer", "answer_with_model")
    assert [told[name] for name in names] == ["COVID", "COVID", "NORMAL", "NORMAL"]
    rights = ("right_alone", "model_right", "right_with_model")
    assert [told[name] for name in rights] == ["yes", "no", "no"]
    assert (told["seconds_alone"], told["seconds_with_model"]) == ("4.0", "2.0")
    assert (told["model_confidence"], told["model_calibrated"]) == ("0.8000", "yes")
    assert told["model_possible_classes"] == "NORMAL"
    assert told["film_known_to_model"] == "no"
    assert dict(zip(header, second, strict=True))["number"] == "2"


def test_the_table_ends_with_how_the_quiz_was_held_and_the_disclaimer(tmp_path: Path) -> None:
    path = tmp_path / "quiz.csv"
    save_quiz_table(path, [answer(0, 0, 0, 0)], paper(seed=42, shows_truth=False))
    found = rows(path)
    assert ["model", "best.safetensors"] in found
    assert ["seed", "42"] in found
    assert ["films answered", "1 of 20"] in found
    assert ["truth shown after each film", "no"] in found
    assert found[-1] == ["Research and teaching only, never diagnosis."]


def test_a_learner_cannot_write_a_formula_into_the_teachers_table(tmp_path: Path) -> None:
    path = tmp_path / "quiz.csv"
    save_quiz_table(path, [answer(0, 0, 0, 0)], paper(learner="=HYPERLINK(1)"))
    assert rows(path)[1][1] == "'=HYPERLINK(1)"


def test_a_table_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="Choose another file"):
        save_quiz_table(tmp_path / "none" / "quiz.csv", [], paper())


def test_settings_out_of_their_range_are_refused() -> None:
    wrong = [{"n_films": 4}, {"seed": -1}, {"seed": 10**9}, {"learner": "x" * 81}]
    for settings in wrong:
        with pytest.raises(ConfigError, match="out of its range"):
            QuizSettings(**settings)  # type: ignore[arg-type]
