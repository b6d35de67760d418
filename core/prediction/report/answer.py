"""A film with all that a report weighs about it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.prediction.report.film import ReportFilm
from core.prediction.verdict import Verdict, verdict_of

if TYPE_CHECKING:
    from core.prediction.explanation import Explanation


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model said of a film, why, and whether to believe it."""

    film: ReportFilm
    explanation: "Explanation | None"
    verdict: Verdict

    @property
    def probability(self) -> float:
        """Of the class that won."""
        opinion = self.film.opinion
        return float(opinion.probabilities[opinion.predicted])


def answer_of(film: ReportFilm, *, may_compute: bool = False) -> Answer:
    """Weigh a film.

    Args:
        film: As it was read.
        may_compute: Whether an explanation that is not there yet is worth its time.

    Raises:
        ImageReadError: The film is needed for its explanation and cannot be read.
    """
    is_there = may_compute or not callable(film.explanation)
    explanation = film.load_explanation() if is_there else None
    honesty = None if explanation is None else explanation.honesty
    return Answer(film, explanation, verdict_of(film.opinion, honesty))
