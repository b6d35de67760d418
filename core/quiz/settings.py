"""How a quiz is to be held."""

from dataclasses import dataclass

from core.errors import ConfigError, Message

N_FILMS_RANGE = (5, 10_000)  # fewer films say nothing
SEED_RANGE = (0, 999_999)
MAX_LEARNER_LENGTH = 80  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizSettings:
    """What the teacher chooses.

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
