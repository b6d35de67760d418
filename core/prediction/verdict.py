"""A model's opinion of one X-ray, and the verdict on it: one traffic light, in words.

All that is known of an answer goes through one table of rules, the most important first. Imports
no Paddle, so that lists and reports may use it anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.prediction.novelty import Neighbour, Novelty
from core.prediction.saliency_checks import SaliencyChecks


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """A model's answer to one X-ray."""

    probabilities: NDArray[np.float32]  # (C,), sums to 1; calibrated where `is_calibrated`
    is_calibrated: bool
    candidates: tuple[int, ...]  # classes that remain possible, the most probable first
    novelty: Novelty | None  # None: the model file knows nothing of its training films
    neighbours: "tuple[Neighbour, ...]" = ()  # the nearest training films, the nearest first

    @property
    def predicted(self) -> int:
        """The class with the highest probability."""
        return int(self.probabilities.argmax())

    @property
    def probability(self) -> float:
        """The probability of the predicted class, 0 to 1."""
        return float(self.probabilities[self.predicted])

    @property
    def is_sure(self) -> bool:
        """True where one class alone remains possible."""
        return len(self.candidates) == 1


Level = Literal["believe", "doubt", "do_not_believe", "unknown"]
# From the best to the worst; a known fault weighs more than not knowing.
LEVELS: Final[tuple[Level, ...]] = ("believe", "unknown", "doubt", "do_not_believe")

_WORDS: Final[Mapping[Level, Message]] = {
    "believe": Message("Believable"),
    "doubt": Message("Doubtful"),
    "do_not_believe": Message("Do not believe"),
    "unknown": Message("Cannot be judged"),
}
_MEANINGS: Final[Mapping[Level, Message]] = {
    "believe": Message(
        "Nothing speaks against this answer. The model can still be wrong: look at the film "
        "yourself."
    ),
    "doubt": Message("Something speaks against taking this answer at its word."),
    "do_not_believe": Message(
        "The model learned from nothing like this picture, so its answer says nothing about it."
    ),
    "unknown": Message("The model file does not hold what it takes to judge its answers."),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one answer."""

    level: Level
    reasons: tuple[Message, ...]  # whole sentences, the most important first; never empty


@dataclass(frozen=True, slots=True)
class _Case:
    """An answer with the evidence for and against it."""

    opinion: Opinion
    checks: SaliencyChecks | None

    @property
    def doubts(self) -> Sequence[Message]:
        """Findings of the heat map's checks against the answer, not only against the map."""
        return self.checks.doubts if self.checks is not None else ()

    @property
    def n_classes(self) -> int:
        return len(self.opinion.probabilities)

    @property
    def n_possible(self) -> int:
        return len(self.opinion.candidates)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A row of the table: where `holds`, the verdict is `level` or worse, and `says` why."""

    level: Level
    holds: Callable[[_Case], bool]
    says: Callable[[_Case], Sequence[Message]]


def _novelty_reasons(case: _Case) -> Sequence[Message]:
    novelty = case.opinion.novelty
    known = (novelty.reason,) if novelty is not None else ()
    return (
        *known,
        Message(
            "A network must name one of its classes whatever it is shown, so how sure it seems "
            "says nothing here."
        ),
    )


def _several_possible(case: _Case) -> Sequence[Message]:
    n, total = case.n_possible, case.n_classes
    if case.opinion.is_calibrated:
        return (
            Message(
                "Not sure: {n} of {total} classes remain possible. They are chosen so that at "
                "least 9 films in 10 have their true class among them; which one it is, the model "
                "cannot tell.",
                n=n,
                total=total,
            ),
        )
    return (
        Message(
            "Not sure: {n} of {total} classes remain possible by a rule of thumb; which one it "
            "is, the model cannot tell.",
            n=n,
            total=total,
        ),
    )


_UNCALIBRATED: Final = Message(
    "The probabilities are uncalibrated: nobody checked how often the model is right when it is "
    "this sure. Read them as a ranking."
)
# All rows that hold give their reasons in this order; the worst of them sets the level.
_RULES: Final = (
    _Rule(
        "do_not_believe",
        lambda case: case.opinion.novelty is not None and not case.opinion.novelty.is_familiar,
        _novelty_reasons,
    ),
    _Rule("doubt", lambda case: 1 < case.n_possible < case.n_classes, _several_possible),
    _Rule(
        "doubt",
        lambda case: case.n_possible in (0, case.n_classes),
        lambda case: (Message("Not sure: no class can be ruled out."),),
    ),
    # A map that fails for itself (two methods differ, too coarse) says nothing of the answer.
    _Rule("doubt", lambda case: bool(case.doubts), lambda case: case.doubts),
    _Rule(
        "unknown",
        lambda case: case.opinion.novelty is None,
        lambda case: (
            Message(
                "The model file tells nothing of its training films, so nobody can say whether "
                "this film is like them."
            ),
        ),
    ),
    _Rule(
        "doubt",
        lambda case: not case.opinion.is_calibrated and case.opinion.novelty is not None,
        lambda case: (_UNCALIBRATED,),
    ),
    # Where the training films are unknown too, there is no ground for a verdict at all.
    _Rule(
        "unknown",
        lambda case: not case.opinion.is_calibrated and case.opinion.novelty is None,
        lambda case: (_UNCALIBRATED,),
    ),
)


def verdict_of(opinion: Opinion, checks: SaliencyChecks | None = None) -> Verdict:
    """Weigh the evidence for and against an answer.

    Args:
        opinion: The answer.
        checks: Of its heat map; None: not examined (yet), which speaks neither way.
    """
    case = _Case(opinion, checks)
    held = [rule for rule in _RULES if rule.holds(case)]
    if not held:
        return Verdict("believe", tuple(_good_reasons(case)))
    level = max((rule.level for rule in held), key=LEVELS.index)
    if level == "do_not_believe":  # then no lesser reason matters
        held = [rule for rule in held if rule.level == level]
    return Verdict(level, tuple(reason for rule in held for reason in rule.says(case)))


def level_words(level: Level) -> Message:
    """Return the name of a level."""
    return _WORDS[level]


def level_meaning(level: Level) -> Message:
    """Explain a level in a sentence."""
    return _MEANINGS[level]


def _good_reasons(case: _Case) -> Sequence[Message]:
    novelty = case.opinion.novelty
    reasons = [
        Message(
            "One class alone remains possible. What remains possible is chosen so that it is right "
            "for at least 9 films in 10: the tenth is why you look yourself."
        )
    ]
    if novelty is not None:
        reasons.append(novelty.reason)
    if case.checks is not None and not case.checks.is_trustworthy:
        reasons.append(
            Message(
                "The heat map is not to be trusted, so it stays unknown what the answer rests on."
            )
        )
    return reasons
