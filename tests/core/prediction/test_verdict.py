"""Every row of the table of cases, with stand-ins that have just what the rules look at."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, get_args

import numpy as np

from core.errors import Message
from core.models.dataset_findings import DatasetFindings, ToldApart
from core.prediction.verdict import (
    LEVELS,
    Level,
    ModelLimits,
    Opinion,
    level_meaning,
    level_words,
    verdict_of,
)

LIKE, UNLIKE = Message("It is like them."), Message("It is a photograph.")
NEAR, FAR = Message("It was acquired like them."), Message("It was acquired differently.")
OUTSIDE = Message("Most heat lies outside the lungs.")


@dataclass
class Acquisition:
    is_familiar: bool
    reason: Message


@dataclass
class Novelty:
    is_familiar: bool
    reason: Message
    acquisition: Acquisition | None


@dataclass
class SaliencyChecks:
    is_trustworthy: bool
    reasons: tuple[Message, ...] = ()
    doubts: tuple[Message, ...] = ()


def known(reason: Message = LIKE, acquired: Message | None = NEAR) -> Novelty:
    acquisition = None if acquired is None else Acquisition(acquired is NEAR, acquired)
    return Novelty(reason is LIKE, reason, acquisition)


def findings(*, single: tuple[str, ...] = (), told: Sequence[tuple[str, str]] = ()) -> ModelLimits:
    names = ("COVID", "NORMAL", "VIRAL")
    return ModelLimits(
        names,
        DatasetFindings(
            counts=dict.fromkeys(names, 50),
            examined=names,
            told_apart=tuple(ToldApart(one=a, other=b, auroc=0.97) for a, b in told),
            single_source=single,
        ),
    )


def opinion(
    candidates: tuple[int, ...] = (1,),
    novelty: Novelty | None = None,
    *,
    probabilities: Sequence[float] = (0.02, 0.9, 0.08),
    **changes: Any,
) -> Opinion:
    """An answer of NORMAL before VIRAL before COVID, unless other probabilities are given."""
    values = np.array(probabilities, np.float32)
    return Opinion(values, changes.pop("is_calibrated", True), candidates, novelty, **changes)  # type: ignore[arg-type]


GOOD = known()
HONEST, STAMPED = SaliencyChecks(True), SaliencyChecks(False, (OUTSIDE,), (OUTSIDE,))
# The map fails, and says nothing of the answer.
MAP_ONLY = SaliencyChecks(False, (Message("The two methods contradict each other."),))
APART = findings(told=[("COVID", "NORMAL"), ("COVID", "VIRAL")])
ONE_WORDS = ["One class remains", "It is like", "It was acquired like"]

# answer, checks, how it was seen -> level, the rules that hold, and how each reason begins
CASES = [
    (opinion(novelty=GOOD), None, None, "no_warnings", (), ONE_WORDS),
    (opinion(novelty=GOOD), HONEST, None, "no_warnings", (), ONE_WORDS),
    (opinion(novelty=GOOD), MAP_ONLY, None, "no_warnings", (), [*ONE_WORDS, "The heat map"]),
    (opinion(novelty=GOOD), STAMPED, None, "caution", ("heat_map",), ["Most heat"]),
    (opinion((1, 2), GOOD), None, None, "caution", ("set",), ["Not sure: 2 of 3"]),
    (opinion((0, 1, 2), GOOD), None, None, "caution", ("set",), ["Not sure: no class"]),
    (opinion((), GOOD), HONEST, None, "caution", ("set",), ["Not sure: no class"]),
    (
        opinion(novelty=known(UNLIKE)),
        HONEST,
        None,
        "not_reliable",
        ("novelty",),
        ["It is a photograph", "A network must"],
    ),
    (
        opinion(novelty=known(acquired=FAR)),
        None,
        None,
        "not_reliable",
        ("source",),
        ["It was acquired differently", "How well"],
    ),
    (
        opinion((0, 1), known(UNLIKE, FAR), probabilities=(0.9, 0.05, 0.05), limits=APART),
        None,
        "train",
        "not_reliable",
        ("novelty", "source", "seen", "shortcut", "set"),
        [
            "It is a photo",
            "A network",
            "It was acquired",
            "How well",
            "Seen in",
            "COVID",
            "Not sure",
        ],
    ),
    (opinion(novelty=GOOD), None, "train", "caution", ("seen",), ["Seen in training: the model"]),
    (opinion(novelty=GOOD), None, "copy", "caution", ("seen",), ["Seen in training: the model"]),
    (opinion(novelty=GOOD), None, "validation", "caution", ("seen",), ["Used in validation"]),
    # A red class is the predicted one, the runner-up, or neither.
    (
        opinion((0,), GOOD, probabilities=(0.9, 0.05, 0.05), limits=APART),
        None,
        None,
        "caution",
        ("shortcut",),
        ["COVID can be recognised"],
    ),
    (
        opinion(novelty=GOOD, probabilities=(0.08, 0.9, 0.02), limits=APART),
        None,
        None,
        "caution",
        ("shortcut",),
        ["COVID can be recognised"],
    ),
    (opinion(novelty=GOOD, limits=APART), None, None, "no_warnings", (), ONE_WORDS),
    (
        opinion(novelty=GOOD, limits=findings(single=("VIRAL",))),
        None,
        None,
        "caution",
        ("shortcut",),
        ["All training X-rays of VIRAL come from a source"],
    ),
    # Two classes are told apart, though each is like the third.
    (
        opinion(novelty=GOOD, limits=findings(told=[("NORMAL", "VIRAL")])),
        None,
        None,
        "caution",
        ("shortcut",),
        ["NORMAL and VIRAL can be told apart"],
    ),
    (
        opinion(
            novelty=GOOD,
            probabilities=(0.06, 0.84, 0.1),
            limits=ModelLimits(least_probability=0.85),
        ),
        None,
        None,
        "caution",
        ("probability",),
        ["Not sure: the probability is 84.0%. Below 85%"],
    ),
    (
        opinion(),
        HONEST,
        None,
        "cannot_be_checked",
        ("no_novelty",),
        ["The model file knows nothing"],
    ),
    (
        opinion(novelty=known(acquired=None)),
        None,
        None,
        "cannot_be_checked",
        ("no_source",),
        ["The model file does not say how"],
    ),
    (
        opinion(novelty=GOOD, is_calibrated=False),
        HONEST,
        None,
        "cannot_be_checked",
        ("no_calibration",),
        ["The probabilities are not calibrated"],
    ),
    # A fault that is known outweighs what is not known.
    (
        opinion((0, 1), is_calibrated=False),
        STAMPED,
        None,
        "caution",
        ("set", "heat_map", "no_novelty", "no_calibration"),
        ["Not sure: 2 of 3", "Most heat", "The model file", "The probabilities"],
    ),
]


def test_each_case_has_its_verdict_and_its_reasons() -> None:
    for answer, checks, seen, level, rules, beginnings in CASES:
        verdict = verdict_of(answer, checks, seen)  # type: ignore[arg-type]
        case = (level, rules, beginnings)
        assert (verdict.level, verdict.rules) == (level, rules), case
        assert len(verdict.reasons) == len(beginnings), case
        for reason, beginning in zip(verdict.reasons, beginnings, strict=True):
            assert str(reason).startswith(beginning), case


def test_more_evidence_against_an_answer_never_makes_the_verdict_better() -> None:
    novelties = [None, GOOD, known(UNLIKE), known(acquired=FAR), known(acquired=None)]
    for candidates, is_calibrated, novelty in product(
        [(), (1,), (1, 0), (0, 1, 2)], [True, False], novelties
    ):
        answer = opinion(candidates, novelty, is_calibrated=is_calibrated)
        plain = verdict_of(answer)
        assert plain.reasons
        is_clean = len(candidates) == 1 and is_calibrated and novelty is GOOD
        assert (plain.level == "no_warnings") == is_clean
        worse = [
            verdict_of(answer, STAMPED),  # type: ignore[arg-type]
            verdict_of(answer, None, "train"),
            verdict_of(replace(answer, limits=findings(single=("NORMAL",)))),
        ]
        for verdict in worse:
            assert LEVELS.index(verdict.level) >= LEVELS.index(plain.level)
            assert verdict.level != "no_warnings"


def test_nine_in_ten_is_not_said_where_the_models_own_test_contradicts_it() -> None:
    for candidates in ((1,), (1, 2)):
        answer = opinion(candidates, GOOD)
        withheld = replace(answer, limits=ModelLimits(is_coverage_promised=False))
        assert any("9 X-rays in 10" in str(reason) for reason in verdict_of(answer).reasons)
        assert "promise" in verdict_of(withheld).rules
        assert not any("9 X-rays in 10" in str(one) for one in verdict_of(withheld).reasons)


def test_of_two_classes_both_possible_is_knowing_nothing() -> None:
    (reason,) = verdict_of(opinion((0, 1), GOOD, probabilities=(0.5, 0.5))).reasons
    assert "no class can be ruled out" in str(reason)


def test_every_level_has_words_of_its_own_and_a_meaning() -> None:
    levels = get_args(Level)
    assert set(LEVELS) == set(levels)
    assert len({str(level_words(level)) for level in levels}) == len(levels)
    assert len({str(level_meaning(level)) for level in levels}) == len(levels)


def test_it_loads_neither_paddle_nor_qt() -> None:
    code = (
        "import sys, core.prediction.verdict;"
        "assert not {'paddle', 'PySide6'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
