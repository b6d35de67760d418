"""A quiz for learners: films read alone, then with the model's opinion, and what came of it."""

from core.quiz.films import QuizFilm, QuizPool, QuizSource, choose_films, make_pool, sources_of
from core.quiz.score_card import ScoreCard
from core.quiz.session import QuizAnswer, QuizSession, QuizSettings

__all__ = [
    "QuizAnswer",
    "QuizFilm",
    "QuizPool",
    "QuizSession",
    "QuizSettings",
    "QuizSource",
    "ScoreCard",
    "choose_films",
    "make_pool",
    "sources_of",
]
