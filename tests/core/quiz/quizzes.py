"""Films and answers of quizzes, made up."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from core.models.model_card import ModelCard
from core.quiz.films import Origin, QuizFilm, QuizSource
from core.quiz.session import ModelAnswer, QuizAnswer

CLASSES = ("COVID", "NORMAL", "Viral_Pneumonia")


def card(**split: tuple[str, ...]) -> ModelCard:
    """What a quiz asks of a model's card."""
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


def opinion(label: int, probability: float = 0.8) -> ModelAnswer:
    return ModelAnswer(label, probability, (label,), True)


def answer(
    truth: int, alone: int, model: int, final: int, seconds: tuple[float, float] = (4.0, 2.0)
) -> QuizAnswer:
    return QuizAnswer(film(truth), alone, opinion(model), final, *seconds)
