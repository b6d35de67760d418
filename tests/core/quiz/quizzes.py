"""Films and answers of quizzes, made up."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from core.models.model_card import ModelCard
from core.prediction.reading import FilmResult
from core.quiz.films import Origin, QuizFilm, QuizSource
from core.quiz.session import QuizAnswer
from tests.core.prediction.made_results import CLASSES, film_result, opinion_of


def card(**split: tuple[str, ...]) -> ModelCard:
    """Return the parts of a model's card that a quiz uses."""
    parts = {"train": (), "validation": (), "test": (), "kept": (), **split}
    return cast(ModelCard, SimpleNamespace(classes=CLASSES, split=parts))


def source(label: int, number: int) -> QuizSource:
    digest = f"digest-{label}-{number}"
    return QuizSource(f"{CLASSES[label]}/{number}.png", Path("nowhere"), CLASSES[label], digest)


def film(label: int, number: int = 0, origin: Origin = "test") -> QuizFilm:
    return QuizFilm(
        f"{CLASSES[label]}/{number}.png",
        Path("nowhere") / f"{label}-{number}.png",
        label,
        f"digest-{label}-{number}",
        origin,
    )


def heard(label: int, probability: float = 0.8) -> FilmResult:
    """Return the model's answer to a film."""
    return film_result(opinion=opinion_of(label, probability))


def answer(
    truth: int, alone: int, model: int, final: int, seconds: tuple[float, float] = (4.0, 2.0)
) -> QuizAnswer:
    return QuizAnswer(film(truth), alone, heard(model), final, *seconds)
