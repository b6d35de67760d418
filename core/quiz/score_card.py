"""How the learner did alone, how the model did, and how both did together."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.metrics import ClassMeasures, confusion_matrix, per_class
from core.quiz.agreement import cohen_kappa, kappa_interval, mcnemar_p
from core.quiz.session import QuizAnswer
from core.statistics import Interval, wilson_interval


@dataclass(frozen=True, slots=True, eq=False)
class ReaderScore:
    """How one reader did; the intervals are 95 % ones."""

    n: int  # films
    n_right: int
    confusion: NDArray[np.int64]  # (C, C), rows true, columns answered
    accuracy: float
    accuracy_interval: Interval
    kappa: float | None  # with the truth; None: chance alone would always agree
    kappa_interval: Interval | None
    classes: tuple[ClassMeasures, ...]

    @classmethod
    def of(cls, truth: Sequence[int], answers: Sequence[int], n_classes: int) -> "ReaderScore":
        """Compare a reader's answers with the truth, label by label; at least one film."""
        confusion = confusion_matrix(np.array(truth), np.array(answers), n_classes)
        n, n_right = len(truth), int(np.trace(confusion))
        return cls(
            n=n,
            n_right=n_right,
            confusion=confusion,
            accuracy=n_right / n,
            accuracy_interval=wilson_interval(n_right, n),
            kappa=cohen_kappa(confusion),
            kappa_interval=kappa_interval(confusion),
            classes=per_class(confusion),
        )


@dataclass(frozen=True, slots=True)
class ModelInfluence:
    """What hearing the model did to the learner's answers.

    "Misled" is automation bias: a wrong machine talks a reader out of a right answer
    (Goddard, Roudsari and Wyatt, JAMIA 2012).
    """

    n_changed: int  # answers that changed in any way
    n_tempted: int  # films on which the learner was right and the model was not
    n_misled: int  # of these, right answers that became wrong ones
    n_helpable: int  # films on which the learner was wrong and the model was right
    n_helped: int  # of these, wrong answers that became right ones
    p_value: float  # that chance alone changes as unevenly for better or worse (exact McNemar)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds a learner took."""

    total: float
    median: float  # a film, both steps
    median_alone: float
    median_with_model: float


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCard:
    """What came of a quiz."""

    alone: ReaderScore
    model: ReaderScore
    together: ReaderScore
    influence: ModelInfluence
    times: Times
    n_learned: int  # films of which the model had learned the answer: its score is too good

    @classmethod
    def of(cls, answers: Sequence[QuizAnswer], n_classes: int) -> "ScoreCard":
        """Count what was answered.

        Args:
            answers: At least one.
            n_classes: The classes of the model.
        """
        truth = [answer.film.label for answer in answers]
        return cls(
            alone=ReaderScore.of(truth, [answer.alone for answer in answers], n_classes),
            model=ReaderScore.of(truth, [answer.model.label for answer in answers], n_classes),
            together=ReaderScore.of(truth, [answer.final for answer in answers], n_classes),
            influence=_influence(answers),
            times=Times(
                total=sum(answer.seconds for answer in answers),
                median=statistics.median(answer.seconds for answer in answers),
                median_alone=statistics.median(answer.seconds_alone for answer in answers),
                median_with_model=statistics.median(
                    answer.seconds_with_model for answer in answers
                ),
            ),
            n_learned=sum(answer.film.origin == "learned" for answer in answers),
        )


def _influence(answers: Sequence[QuizAnswer]) -> ModelInfluence:
    # Whether the learner alone, the model and both together were right, film by film.
    rights = [
        (
            answer.alone == answer.film.label,
            answer.model.label == answer.film.label,
            answer.final == answer.film.label,
        )
        for answer in answers
    ]
    return ModelInfluence(
        n_changed=sum(answer.alone != answer.final for answer in answers),
        n_tempted=sum(alone and not model for alone, model, _ in rights),
        n_misled=rights.count((True, False, False)),
        n_helpable=sum(model and not alone for alone, model, _ in rights),
        n_helped=rights.count((False, True, True)),
        p_value=mcnemar_p(
            sum(alone and not final for alone, _, final in rights),
            sum(final and not alone for alone, _, final in rights),
        ),
    )
