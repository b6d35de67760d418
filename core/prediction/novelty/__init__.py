"""Whether a film is like those a model learned from, and which of them it is most like."""

from core.prediction.novelty.film_set import FilmSet
from core.prediction.novelty.fitting import LEAST_VALIDATION_FILMS, fit_memory
from core.prediction.novelty.judgement import Novelty, NoveltyKind
from core.prediction.novelty.memory import Neighbour, TrainingMemory

__all__ = [
    "LEAST_VALIDATION_FILMS",
    "FilmSet",
    "Neighbour",
    "Novelty",
    "NoveltyKind",
    "TrainingMemory",
    "fit_memory",
]
