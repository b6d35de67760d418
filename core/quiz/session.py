"""A quiz under way: film after film, first alone, then with the model's opinion.

Every step gives a new session and leaves the old one as it was. Times come from whoever calls,
in seconds of any clock that only goes forward; what a film is not in sight for does not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from core.errors import ConfigError, Message, Refusal
from core.files import write_csv
from core.models.model_card import DISCLAIMER
from core.prediction.reading import FilmResult
from core.quiz.films import QuizFilm

N_FILMS_RANGE = (5, 10_000)  # fewer films say nothing
SEED_RANGE = (0, 999_999)
MAX_LEARNER_LENGTH = 80  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizSettings:
    """The settings that the teacher chooses.

    Raises:
        ConfigError: A value is out of its range.
    """

    n_films: int | None = 20  # None: all there are
    seed: int = 1  # the same seed asks the same films in the same order
    shows_truth: bool = True  # after each film; else only at the end
    allows_heat_map: bool = True  # with the model's opinion
    with_learned: bool = False  # also films of which the model has learned the answer
    learner: str = ""  # name or number in the table; may stay empty

    def __post_init__(self) -> None:
        low, high = N_FILMS_RANGE
        _require("n_films", self.n_films is None or low <= self.n_films <= high)
        _require("seed", SEED_RANGE[0] <= self.seed <= SEED_RANGE[1])
        _require("learner", len(self.learner) <= MAX_LEARNER_LENGTH)


def _require(name: str, is_valid: bool) -> None:
    if not is_valid:
        raise ConfigError(Message("The setting {name} of the quiz is out of its range.", name=name))


# Waiting for the film; the learner's own answer; the answer with the model's opinion; the truth
# is shown; no film is left, or the learner has stopped.
Stage = Literal["waiting", "alone", "with_model", "truth", "over"]


@dataclass(frozen=True, slots=True)
class QuizAnswer:
    """The answers to one film."""

    film: QuizFilm
    alone: int  # the learner's label, before the model was asked
    model: FilmResult
    final: int  # the learner's label, after the model was heard
    seconds_alone: float
    seconds_with_model: float

    @property
    def seconds(self) -> float:
        """The seconds that the film was thought about, in all."""
        return self.seconds_alone + self.seconds_with_model


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizSession:
    """A quiz under way; begins with the films that `choose_films` drew."""

    films: tuple[QuizFilm, ...]  # without those that could not be read
    shows_truth: bool  # after each film; else only at the end
    answers: tuple[QuizAnswer, ...] = ()
    refused: tuple[Refusal, ...] = ()  # films that could not be read
    stage: Stage = "waiting"
    alone: int | None = None  # the own answer to the film in hand
    _spent: float = 0.0  # seconds, of the step in hand until the clock was stopped last
    _since: float | None = None  # when the clock was started last; None: it stands
    _spent_alone: float = 0.0

    @property
    def film(self) -> QuizFilm | None:
        """The film in hand; None when it is over."""
        place = len(self.answers) - (self.stage == "truth")
        return self.films[place] if self.stage != "over" else None

    @property
    def n_left(self) -> int:
        """Films that are still to be answered."""
        return len(self.films) - len(self.answers)

    def seconds(self, now: float) -> float:
        """Return the seconds that the film in hand has been thought about until `now`."""
        running = now - self._since if self._since is not None else 0.0
        return self._spent_alone + self._spent + running

    def begun(self, now: float) -> Self:
        """Start the clock: the film in hand is on the screen."""
        self._expect("waiting")
        return replace(self, stage="alone", _since=now, _spent=0.0, _spent_alone=0.0)

    def paused(self, now: float) -> Self:
        """Stop the clock: nobody sees the film."""
        if self._since is None:
            return self
        return replace(self, _spent=self._spent + now - self._since, _since=None)

    def resumed(self, now: float) -> Self:
        """Let the clock go on: the film is in sight again."""
        if self._since is not None or self.stage not in ("alone", "with_model"):
            return self
        return replace(self, _since=now)

    def answered_alone(self, label: int, now: float) -> Self:
        """Take the learner's own answer; now the model may be heard."""
        self._expect("alone")
        spent = self.paused(now)._spent
        return replace(
            self, stage="with_model", alone=label, _spent_alone=spent, _spent=0.0, _since=now
        )

    def decided(self, label: int, model: FilmResult, now: float) -> Self:
        """Take the learner's final answer, given after hearing the model."""
        self._expect("with_model")
        film = self.film
        assert film is not None
        assert self.alone is not None
        stopped = self.paused(now)
        answer = QuizAnswer(film, self.alone, model, label, self._spent_alone, stopped._spent)
        said = replace(stopped, answers=(*self.answers, answer), stage="truth", alone=None)
        return said if self.shows_truth else said.went_on()

    def went_on(self) -> Self:
        """Go on to the next film: the truth was seen."""
        self._expect("truth")
        return replace(
            self,
            stage="waiting" if self.n_left else "over",
            _spent=0.0,
            _spent_alone=0.0,
        )

    def without(self, film: QuizFilm, refusal: Refusal) -> Self:
        """Leave out a film that was not shown yet and cannot be read."""
        films = tuple(one for one in self.films if one != film)
        is_over = self.stage == "waiting" and len(films) == len(self.answers)
        return replace(
            self,
            films=films,
            refused=(*self.refused, refusal),
            stage="over" if is_over else self.stage,
        )

    def ended(self) -> Self:
        """End early; a film that was not answered for good does not count."""
        return replace(self, stage="over", alone=None, _since=None)

    def _expect(self, stage: Stage) -> None:
        if self.stage != stage:
            raise ValueError(f"the quiz is at {self.stage!r}, not at {stage!r}")


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
    """The facts of a quiz that its table states besides the answers."""

    classes: Sequence[str]  # the model's class folders
    model: str  # the model file's name
    n_asked: int  # films the quiz was to have
    settings: QuizSettings


def quiz_rows(answers: Sequence[QuizAnswer], paper: QuizPaper) -> Iterator[Sequence[str]]:
    """Yield the rows of the table, header first."""
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
        classes[model.predicted],
        classes[answer.final],
        _yes(answer.alone == truth),
        _yes(model.predicted == truth),
        _yes(answer.final == truth),
        f"{answer.seconds_alone:.1f}",
        f"{answer.seconds_with_model:.1f}",
        f"{model.opinion.probability:.4f}",
        _yes(model.opinion.is_calibrated),
        "; ".join(classes[label] for label in model.opinion.candidates),
        model.verdict.level,
        _yes(answer.film.origin == "learned"),
    )


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
