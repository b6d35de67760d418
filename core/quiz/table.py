"""A quiz as a table for the teacher: a row a film, then how it was held and the disclaimer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.csv_cells import write_csv
from core.models.model_card import DISCLAIMER
from core.quiz.session import QuizAnswer
from core.quiz.settings import QuizSettings

HEADER = (
    "number",
    "learner",
    "file",
    "truth",
    "answer_alone",
    "model_answer",
    "answer_with_model",
    "right_alone",
    "model_right",
    "right_with_model",
    "seconds_alone",
    "seconds_with_model",
    "model_confidence",
    "model_calibrated",
    "model_possible_classes",
    "trust",
    "film_known_to_model",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizPaper:
    """What the teacher must know of a quiz besides the answers."""

    classes: Sequence[str]  # the model's class folders
    model: str  # the model file's name
    n_asked: int  # films the quiz was to have
    settings: QuizSettings


def quiz_rows(answers: Sequence[QuizAnswer], paper: QuizPaper) -> Iterator[Sequence[str]]:
    """The table, header first."""
    yield HEADER
    for number, answer in enumerate(answers, start=1):
        yield _row(number, answer, paper)
    yield ()
    yield ("model", paper.model)
    yield ("seed", str(paper.settings.seed))
    yield ("films answered", f"{len(answers)} of {paper.n_asked}")
    yield ("truth shown after each film", _yes(paper.settings.shows_truth))
    yield ("heat map allowed", _yes(paper.settings.allows_heat_map))
    yield (DISCLAIMER,)


def save_quiz_table(path: Path, answers: Sequence[QuizAnswer], paper: QuizPaper) -> None:
    """Write the table as CSV.

    Raises:
        RunFolderError: The file cannot be written.
    """
    write_csv(path, quiz_rows(answers, paper))


def _row(number: int, answer: QuizAnswer, paper: QuizPaper) -> Sequence[str]:
    classes, truth, model = paper.classes, answer.film.label, answer.model
    return (
        str(number),
        paper.settings.learner,
        answer.film.name,
        classes[truth],
        classes[answer.alone],
        classes[model.label],
        classes[answer.final],
        _yes(answer.alone == truth),
        _yes(model.label == truth),
        _yes(answer.final == truth),
        f"{answer.seconds_alone:.1f}",
        f"{answer.seconds_with_model:.1f}",
        f"{model.probability:.4f}",
        _yes(model.is_calibrated),
        "; ".join(classes[label] for label in model.candidates),
        model.trust,
        _yes(answer.film.origin == "learned"),
    )


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
