"""A model's opinion of one X-ray, and the verdict on it: a level, and the reasons in words.

All that is known of an answer goes through one table of rules; the worst that holds decides.
Imports no Paddle, so that lists and reports may use it anywhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.images.reading import READER_VERSION
from core.models.dataset_findings import DatasetFindings
from core.models.model_card import ModelCard
from core.prediction.calibration import Calibration, calibration_of
from core.prediction.external_tests import ExternalTest, ExternalTests
from core.prediction.novelty import Neighbour, Novelty
from core.prediction.saliency_checks import SaliencyChecks

# A prediction set of one class is wrong for up to 1 X-ray in 10. On test X-rays of four models of
# xray-medium.zip (276), of answers without another warning 11 of 119 were wrong, from 0.8 on 6 of
# 101 (54 % of the right answers for classes without a shortcut remained), from 0.85 on 3 of 83
# (45 %), from 0.9 on 1 of 65.
LEAST_PROBABILITY: Final = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class ModelLimits:
    """Facts about a model that hold for all its answers."""

    classes: tuple[str, ...] = ()
    findings: DatasetFindings | None = None  # None: nobody looked at its dataset
    # False: its own test contradicts that 9 X-rays in 10 have their class in the prediction set.
    is_coverage_promised: bool = True
    is_calibrated: bool = True
    external: ExternalTests = field(default_factory=ExternalTests)
    least_probability: float = 0.0  # of an answer without a warning
    has_this_reader: bool = True  # False: an older one read its training X-rays

    @classmethod
    def of(
        cls,
        card: ModelCard,
        calibration: Calibration | None,
        external: ExternalTests | None = None,
    ) -> Self:
        """Collect the facts from a model file.

        Args:
            card: Its card.
            calibration: The card's, as it was read.
            external: Its tests on X-rays from elsewhere; None: there are none.
        """
        is_calibrated = calibration is not None and calibration.is_calibrated
        if card.training.class_balance != "none" and not card.prior_correction:
            # An older model that weighted its classes is calibrated to the wrong frequencies.
            is_calibrated = False
        return cls(
            card.classes,
            card.findings,
            calibration is None or calibration.contradicted_by is None,
            is_calibrated,
            external or ExternalTests(),
            LEAST_PROBABILITY,
            card.reader_version == READER_VERSION,
        )

    @property
    def warnings(self) -> tuple[Message, ...]:
        """Sentences for anybody who uses the model, the most important first."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[Message]:
        if self.findings is not None:
            yield from self.findings.warnings()
        else:
            yield Message(
                "The model file does not say what was found in its training dataset, such as "
                "shortcuts or leakage."
            )
        if not self.is_calibrated:
            yield Message("The probabilities are not calibrated: read them as a ranking.")
        if not self.is_coverage_promised:
            yield Message(
                "On its own test X-rays the model's prediction sets missed the true class more "
                "often than 1 time in 10, so that promise is withheld."
            )
        if not self.has_this_reader:
            yield Message(
                "The model was trained by an older PneumoScope that read some DICOM files "
                "differently. Train it again if its X-rays were DICOM files."
            )
        yield from self.external.warnings()

    def shortcuts(self, predicted: int, runner_up: int) -> Iterator[Message]:
        """Yield what is known against answers of a class, and against telling it from the next."""
        if self.findings is None:
            return
        one, other = self.classes[predicted], self.classes[runner_up]
        found = [self.findings.shortcut_of(name) for name in (one, other)]
        yield from (reason for reason in found if reason is not None)
        area = self.findings.auroc_between(one, other)
        if area is not None and not any(found):
            yield Message(
                "{one} and {other} can be told apart without the lungs (AUROC {auroc}).",
                one=one,
                other=other,
                auroc=f"{area:.2f}",
            )


def model_warnings(path: Path, card: ModelCard) -> tuple[Message, ...]:
    """Say what anybody who uses a model must know, the most important first.

    Args:
        path: Its file; its external tests lie beside it.
        card: Its card.
    """
    external = ExternalTests.beside(path, card.tensors_sha256)
    return ModelLimits.of(card, calibration_of(card), external).warnings


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """A model's answer to one X-ray."""

    probabilities: NDArray[np.float32]  # (C,), sums to 1; calibrated where `is_calibrated`
    is_calibrated: bool
    candidates: tuple[int, ...]  # classes that remain possible, the most probable first
    novelty: Novelty | None  # None: the model file knows nothing of its training films
    neighbours: "tuple[Neighbour, ...]" = ()  # the nearest training films, the nearest first
    # Of the nearest source: the training films that were acquired most like this one.
    source_examples: "tuple[Neighbour, ...]" = ()
    limits: ModelLimits = field(default_factory=ModelLimits)
    is_near_copy: bool = False  # of a training film, saved anew
    tests_like_it: tuple[ExternalTest, ...] = ()  # on X-rays that were acquired like this one
    # Of the model's operating point, by class; (): the most probable class is the answer.
    thresholds: tuple[float, ...] = ()

    @property
    def predicted(self) -> int:
        """The class with the highest probability, over its threshold where there are some."""
        return int(self._order[0])

    @property
    def runner_up(self) -> int:
        """The class that comes second."""
        return int(self._order[1])

    @property
    def _order(self) -> NDArray[np.int64]:
        limits = np.array(self.thresholds) if self.thresholds else 1.0
        return np.argsort(-self.probabilities / limits, kind="stable")

    @property
    def probability(self) -> float:
        """The probability of the predicted class, 0 to 1."""
        return float(self.probabilities[self.predicted])

    def with_pictures(self, picture_of: "Callable[[Neighbour], NDArray[np.uint8] | None]") -> Self:
        """Return the opinion with other pictures of the training films that it names."""
        neighbours, examples = (
            tuple(replace(one, thumbnail=picture_of(one)) for one in films)
            for films in (self.neighbours, self.source_examples)
        )
        return replace(self, neighbours=neighbours, source_examples=examples)

    @property
    def is_sure(self) -> bool:
        """True where one class alone remains possible."""
        return len(self.candidates) == 1


Level = Literal["no_warnings", "cannot_be_checked", "caution", "not_reliable"]
# From the best to the worst; a known fault weighs more than not knowing.
LEVELS: Final[tuple[Level, ...]] = ("no_warnings", "cannot_be_checked", "caution", "not_reliable")
Seen = Literal["train", "copy", "validation"]  # how a model's making used an X-ray

_WORDS: Final[Mapping[Level, Message]] = {
    "no_warnings": Message("No warnings"),
    "cannot_be_checked": Message("Cannot be checked"),
    "caution": Message("Caution"),
    "not_reliable": Message("Not reliable"),
}
_MEANINGS: Final[Mapping[Level, Message]] = {
    "no_warnings": Message(
        "No check speaks against this answer. The model can still be wrong: look at the X-ray "
        "yourself."
    ),
    "caution": Message("At least one check speaks against relying on this answer."),
    "not_reliable": Message(
        "The model learned from nothing like this X-ray, so its answer says nothing about it."
    ),
    "cannot_be_checked": Message("The model file lacks what it takes to check its answers."),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one answer."""

    level: Level
    reasons: tuple[Message, ...]  # whole sentences, the most important first; never empty
    rules: tuple[str, ...] = ()  # names of the rules that hold, in the same order


@dataclass(frozen=True, slots=True)
class _Case:
    """An answer with the evidence for and against it."""

    opinion: Opinion
    checks: SaliencyChecks | None
    seen: Seen | None

    @property
    def doubts(self) -> Sequence[Message]:
        """Findings of the heat map's checks against the answer, not only against the map."""
        return self.checks.doubts if self.checks is not None else ()

    @property
    def shortcuts(self) -> tuple[Message, ...]:
        opinion = self.opinion
        if len(opinion.probabilities) < 2:
            return ()
        return tuple(opinion.limits.shortcuts(opinion.predicted, opinion.runner_up))

    @property
    def n_classes(self) -> int:
        return len(self.opinion.probabilities)

    @property
    def n_possible(self) -> int:
        return len(self.opinion.candidates)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A row of the table: where `holds`, the verdict is `level` or worse, and `says` why."""

    name: str
    level: Level
    holds: Callable[[_Case], bool]
    says: Callable[[_Case], Sequence[Message]]


def _novelty_reasons(case: _Case) -> Sequence[Message]:
    novelty = case.opinion.novelty
    assert novelty is not None
    return (
        novelty.reason,
        Message(
            "A network must name one of its classes whatever it is shown, so how sure it seems "
            "says nothing here."
        ),
    )


def _source_reasons(case: _Case) -> Sequence[Message]:
    novelty = case.opinion.novelty
    assert novelty is not None
    assert novelty.acquisition is not None
    against = [test for test in case.opinion.tests_like_it if test.outcome == "contradicts"]
    if against:
        return (novelty.acquisition.reason, *(test.words() for test in against))
    return (
        novelty.acquisition.reason,
        Message(
            "How well the model reads X-rays from other sources was not shown, so its answer "
            "cannot be relied on."
        ),
    )


def _several_possible(case: _Case) -> Sequence[Message]:
    n, total = case.n_possible, case.n_classes
    if case.opinion.is_calibrated and case.opinion.limits.is_coverage_promised:
        return (
            Message(
                "Not sure: {n} of {total} classes remain possible. They are chosen so that at "
                "least 9 X-rays in 10 from the same sources have their true class among them.",
                n=n,
                total=total,
            ),
        )
    return (Message("Not sure: {n} of {total} classes remain possible.", n=n, total=total),)


_SEEN: Final[Mapping[Seen, Message]] = {
    "train": Message(
        "Seen in training: the model learned this very X-ray, so its answer proves nothing."
    ),
    "copy": Message(
        "Seen in training: the model learned a copy of this X-ray, so its answer proves nothing."
    ),
    "validation": Message(
        "Used in validation: this X-ray helped to choose the model, so its answer proves little."
    ),
}


def seen_words(seen: Seen) -> Message:
    """Say how the model's making used an X-ray."""
    return _SEEN[seen]


def _is_strange(case: _Case) -> bool:
    return case.opinion.novelty is not None and not case.opinion.novelty.is_familiar


def _is_from_elsewhere(case: _Case) -> bool:
    """Tell whether it comes from another source, and no test on X-rays like it lifts that."""
    novelty = case.opinion.novelty
    if novelty is None or novelty.acquisition is None or novelty.acquisition.is_familiar:
        return False
    outcomes = {test.outcome for test in case.opinion.tests_like_it}
    return "supports" not in outcomes or "contradicts" in outcomes


# All rows that hold give their reasons in this order; the worst of them sets the level.
_RULES: Final = (
    _Rule("novelty", "not_reliable", _is_strange, _novelty_reasons),
    _Rule("source", "not_reliable", _is_from_elsewhere, _source_reasons),
    _Rule(
        "seen",
        "caution",
        lambda case: case.seen is not None,
        lambda case: (_SEEN[case.seen],) if case.seen is not None else (),
    ),
    _Rule("shortcut", "caution", lambda case: bool(case.shortcuts), lambda case: case.shortcuts),
    _Rule("set", "caution", lambda case: 1 < case.n_possible < case.n_classes, _several_possible),
    _Rule(
        "set",
        "caution",
        lambda case: case.n_possible in (0, case.n_classes),
        lambda case: (Message("Not sure: no class can be ruled out."),),
    ),
    _Rule(
        "probability",
        "caution",
        lambda case: (
            case.n_possible == 1
            and case.opinion.is_calibrated
            and case.opinion.probability < case.opinion.limits.least_probability
        ),
        lambda case: (
            Message(
                "Not sure: the probability is {share}. Below {limit} too many answers are wrong.",
                share=f"{case.opinion.probability:.1%}",
                limit=f"{case.opinion.limits.least_probability:.0%}",
            ),
        ),
    ),
    _Rule(
        "promise",
        "caution",
        lambda case: not case.opinion.limits.is_coverage_promised,
        lambda case: (
            Message(
                "On its own test X-rays the model was wrong more often than its probabilities "
                "promised."
            ),
        ),
    ),
    # A map that fails for itself (two methods differ, too coarse) says nothing of the answer.
    _Rule("heat_map", "caution", lambda case: bool(case.doubts), lambda case: case.doubts),
    _Rule(
        "no_novelty",
        "cannot_be_checked",
        lambda case: case.opinion.novelty is None,
        lambda case: (
            Message(
                "The model file knows nothing of its training X-rays, so whether this one is like "
                "them cannot be checked."
            ),
        ),
    ),
    _Rule(
        "no_source",
        "cannot_be_checked",
        lambda case: case.opinion.novelty is not None and case.opinion.novelty.acquisition is None,
        lambda case: (
            Message(
                "The model file does not say how its training X-rays were acquired, so whether "
                "this one comes from a source like theirs cannot be checked."
            ),
        ),
    ),
    _Rule(
        "no_calibration",
        "cannot_be_checked",
        lambda case: not case.opinion.is_calibrated,
        lambda case: (
            Message(
                "The probabilities are not calibrated: too few X-rays showed how often the model "
                "is right when it is this sure. Read them as a ranking."
            ),
        ),
    ),
)


def verdict_of(
    opinion: Opinion, checks: SaliencyChecks | None = None, seen: Seen | None = None
) -> Verdict:
    """Weigh the evidence for and against an answer.

    Args:
        opinion: The answer.
        checks: Of its heat map; None: not examined (yet), which speaks neither way.
        seen: How the model's making used this X-ray; None: not at all.
    """
    case = _Case(opinion, checks, seen)
    held = [rule for rule in _RULES if rule.holds(case)]
    if not held:
        return Verdict("no_warnings", tuple(_good_reasons(case)))
    level = max((rule.level for rule in held), key=LEVELS.index)
    return Verdict(
        level,
        tuple(reason for rule in held for reason in rule.says(case)),
        tuple(rule.name for rule in held),
    )


def level_words(level: Level) -> Message:
    """Return the name of a level."""
    return _WORDS[level]


def level_meaning(level: Level) -> Message:
    """Explain a level in a sentence."""
    return _MEANINGS[level]


def _good_reasons(case: _Case) -> Iterator[Message]:
    novelty = case.opinion.novelty
    assert novelty is not None
    assert novelty.acquisition is not None
    yield Message(
        "One class remains possible. That is right for at least 9 X-rays in 10 from the same "
        "sources."
    )
    yield novelty.reason
    yield novelty.acquisition.reason
    if not novelty.acquisition.is_familiar:
        yield from (test.words() for test in case.opinion.tests_like_it)
    if case.checks is not None and not case.checks.is_trustworthy:
        yield Message(
            "The heat map failed its checks, so it stays unknown what the answer rests on."
        )
