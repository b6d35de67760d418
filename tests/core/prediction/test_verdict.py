"""Every row of the table of cases, with stand-ins that have just what the rules look at."""

import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

import numpy as np
import pytest

from core.errors import Message
from core.prediction.verdict import LEVELS, Level, level_meaning, level_words, verdict_of

LIKE, UNLIKE = Message("It is like them."), Message("It is a photograph.")
OUTSIDE = Message("Most heat lies outside the lungs.")


@dataclass
class Novelty:
    is_familiar: bool
    reason: Message


@dataclass
class SaliencyChecks:
    is_trustworthy: bool
    reasons: tuple[Message, ...] = ()
    doubts: tuple[Message, ...] = ()


@dataclass
class Opinion:
    candidates: tuple[int, ...] = (0,)
    is_calibrated: bool = True
    novelty: Novelty | None = None
    probabilities: Any = None

    def __post_init__(self) -> None:
        self.probabilities = np.full(3, 1 / 3, np.float32)


FAMILIAR, FOREIGN = Novelty(True, LIKE), Novelty(False, UNLIKE)
DIFFERING = Message("The two methods contradict each other.")
HONEST, STAMPED = SaliencyChecks(True), SaliencyChecks(False, (OUTSIDE,), (OUTSIDE,))
MAP_ONLY = SaliencyChecks(False, (DIFFERING,))  # the map fails, and says nothing of the answer

# candidates, calibrated, novelty, checks -> level, and how each reason begins
CASES = [
    ((0,), True, FAMILIAR, None, "no_warnings", ["One class alone", "It is like"]),
    ((0,), True, FAMILIAR, HONEST, "no_warnings", ["One class alone", "It is like"]),
    ((0,), True, FAMILIAR, STAMPED, "caution", ["Most heat"]),
    (
        (0,),
        True,
        FAMILIAR,
        MAP_ONLY,
        "no_warnings",
        ["One class alone", "It is like", "The heat map"],
    ),
    ((0, 2), True, FAMILIAR, MAP_ONLY, "caution", ["Not sure: 2 of 3"]),
    ((0, 2), True, FAMILIAR, None, "caution", ["Not sure: 2 of 3"]),
    (
        (0, 2),
        True,
        FAMILIAR,
        STAMPED,
        "caution",
        ["Not sure: 2 of 3", "Most heat"],
    ),
    ((0, 1, 2), True, FAMILIAR, None, "caution", ["Not sure: no class can be ruled out"]),
    ((), True, FAMILIAR, HONEST, "caution", ["Not sure: no class can be ruled out"]),
    ((0,), False, FAMILIAR, HONEST, "caution", ["The probabilities are uncalibrated"]),
    (
        (0,),
        False,
        FAMILIAR,
        STAMPED,
        "caution",
        ["Most heat", "The probabilities are uncal"],
    ),
    ((0, 1), False, FAMILIAR, None, "caution", ["Not sure: 2 of 3", "The probabilities are"]),
    ((0, 1), False, None, None, "caution", ["Not sure: 2 of 3", "The model file", "The prob"]),
    ((0,), True, FOREIGN, HONEST, "not_reliable", ["It is a photograph", "A network must"]),
    ((0, 1), False, FOREIGN, STAMPED, "not_reliable", ["It is a photograph", "A network must"]),
    ((0,), True, None, HONEST, "cannot_be_checked", ["The model file tells nothing"]),
    (
        (0,),
        False,
        None,
        None,
        "cannot_be_checked",
        ["The model file tells nothing", "The probabilities"],
    ),
    # A fault that is known outweighs what is not known.
    ((0, 1), True, None, None, "caution", ["Not sure: 2 of 3", "The model file tells nothing"]),
    (
        (0,),
        False,
        None,
        STAMPED,
        "caution",
        ["Most heat", "The model file", "The probabilities"],
    ),
]


@pytest.mark.parametrize(
    ("candidates", "is_calibrated", "novelty", "checks", "level", "beginnings"), CASES
)
def test_a_case_has_its_verdict_and_its_reasons(
    candidates: tuple[int, ...],
    is_calibrated: bool,
    novelty: Novelty | None,
    checks: SaliencyChecks | None,
    level: Level,
    beginnings: list[str],
) -> None:
    verdict = verdict_of(Opinion(candidates, is_calibrated, novelty), checks)  # type: ignore[arg-type]
    assert verdict.level == level
    assert len(verdict.reasons) == len(beginnings)
    for reason, beginning in zip(verdict.reasons, beginnings, strict=True):
        assert str(reason).startswith(beginning)


EVERYTHING = list(
    product(
        [(), (0,), (1, 0), (0, 1, 2)],
        [True, False],
        [None, FAMILIAR, FOREIGN],
        [None, HONEST, MAP_ONLY, STAMPED],
    )
)


def test_there_is_a_reason_for_every_verdict_and_a_stamp_never_makes_it_better() -> None:
    for candidates, is_calibrated, novelty, checks in EVERYTHING:
        opinion = Opinion(candidates, is_calibrated, novelty)
        verdict = verdict_of(opinion, checks)  # type: ignore[arg-type]
        assert verdict.reasons
        assert len(set(verdict.reasons)) == len(verdict.reasons)
        is_clean = (
            len(candidates) == 1 and is_calibrated and novelty is FAMILIAR and checks is not STAMPED
        )
        assert (verdict.level == "no_warnings") == is_clean
        stamped = verdict_of(opinion, STAMPED)  # type: ignore[arg-type]
        assert LEVELS.index(stamped.level) >= LEVELS.index(verdict_of(opinion).level)  # type: ignore[arg-type]


def test_of_two_classes_both_possible_is_knowing_nothing() -> None:
    opinion = Opinion((0, 1), novelty=FAMILIAR)
    opinion.probabilities = np.array([0.5, 0.5], np.float32)
    (reason,) = verdict_of(opinion).reasons  # type: ignore[arg-type]
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
