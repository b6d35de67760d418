import csv
from pathlib import Path

import pytest

from core.errors import ConfigError, RunFolderError
from core.quiz.session import HEADER, QuizPaper, QuizSettings, save_quiz_table
from tests.core.quiz.quizzes import CLASSES, answer


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
    assert [told[name] for name in ("truth", "answer_alone", "model_answer")] == [
        "COVID",
        "COVID",
        "NORMAL",
    ]
    assert told["answer_with_model"] == "NORMAL"
    assert [told[name] for name in ("right_alone", "model_right", "right_with_model")] == [
        "yes",
        "no",
        "no",
    ]
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


@pytest.mark.parametrize(
    "wrong", [{"n_films": 4}, {"seed": -1}, {"seed": 10**9}, {"learner": "x" * 81}]
)
def test_settings_out_of_their_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="out of its range"):
        QuizSettings(**wrong)  # type: ignore[arg-type]
