"""Calibration: probabilities that agree with how often a model is right.

One temperature divides all logits, so that the probabilities agree with how often the model is
right (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017); the order of the
classes stays. It is fitted on the validation part, never on the test part, and kept only where it
lowers the loss on films that it was not fitted on. The same films give the threshold of a conformal
prediction set (Sadinle et al., "Least Ambiguous Set-Valued Classifiers", JASA 2019): the classes
that remain possible, of which the true one is one in 90 % of films like these. What weighting the
classes in training did to the logits is taken out of the network's last layer before all this, see
`core.training.final_fit`. Imports no Paddle.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.models.model_card import ModelCard
from core.statistics import Interval, wilson_interval


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """Answers and last feature maps of some films."""

    logits: NDArray[np.float32]  # (N, C)
    maps: NDArray[np.float32]  # (N, F, h, w), before they are averaged over the film

    @property
    def features(self) -> NDArray[np.float32]:
        """Pooled features: the means of the feature maps of each film, (N, F)."""
        means: NDArray[np.float32] = self.maps.mean(axis=(2, 3))
        return means


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return probabilities along the last axis; each row sums to 1."""
    return precise_softmax(logits).astype(np.float32)


def precise_softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the same in float64."""
    from scipy.special import softmax as of_scipy  # scipy would hold up the window's start

    shares: NDArray[np.float64] = of_scipy(logits.astype(np.float64), axis=-1)
    return shares


LEAST_FILMS: Final = 30  # for validation; fewer say too little of how often the model is right
COVERAGE: Final = 0.9
TEMPERATURES: Final = (0.2, 10.0)
# Of a model that is hardly ever wrong, the threshold would call 90 % a doubt.
HIGHEST_THRESHOLD: Final = 0.8
# A rule of thumb where too few films were there to find a threshold.
UNCALIBRATED_THRESHOLD: Final = 0.3
N_BINS: Final = 10
# Of a class; fewer films contradict nothing.
LEAST_TEST_FILMS: Final = 10
_N_FOLDS = 5
_N_DRAWS = 200
_N_STEPS = 60  # halvings of the interval in which the temperature lies


Status = Literal["corrected", "as_is", "unknown"]
_STATUSES: Final = frozenset(get_args(Status))


@dataclass(frozen=True, slots=True)
class Coverage:
    """Test films of a class whose true class remained possible."""

    n: int  # films
    n_covered: int

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the share."""
        return wilson_interval(self.n_covered, self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A temperature, and what it was worth on the films it was fitted on.

    `status` says "corrected" where the temperature lowered the cross-validated loss, "as_is" where
    it did not and the probabilities agree with how often the model is right as they are, and
    "unknown" where neither was shown; the temperature is 1 then.

    Raises:
        ValueError: A value is not what it must be.
    """

    temperature: float  # divides the logits
    set_threshold: float  # the least probability of a class that remains possible
    n: int  # validation films
    loss_before: float  # mean cross-entropy, nats per film
    loss_after: float
    ece_before: float  # expected calibration error, in [0, 1]
    ece_after: float
    n_test: int = 0  # test films, on which nothing was fitted
    test_ece: float | None = None
    test_coverage: float | None = None  # part of them whose true class remained possible
    status: Status = "corrected"
    cv_loss_before: float | None = None  # cross-validated over patients; None: an older file
    cv_loss_after: float | None = None
    coverage: tuple[Coverage, ...] = ()  # of each class, on the test films; (): not counted

    def __post_init__(self) -> None:
        counts, errors = (self.n, self.n_test), (self.ece_before, self.ece_after, self.test_ece)
        is_valid = (
            all(type(count) is int and 0 <= count < 2**31 for count in counts)
            and _is_within(self.temperature, *TEMPERATURES)
            and _is_within(self.set_threshold, 0.0, 1.0)
            and all(_is_within(loss, 0.0, 1e6) for loss in (self.loss_before, self.loss_after))
            and all(
                loss is None or _is_within(loss, 0.0, 1e6)
                for loss in (self.cv_loss_before, self.cv_loss_after)
            )
            and self.status in _STATUSES
            and (self.status == "corrected" or self.temperature == 1.0)
            and self._is_coverage_possible()
            and all(
                value is None or _is_within(value, 0.0, 1.0)
                for value in (*errors, self.test_coverage)
            )
        )
        if not is_valid:
            raise ValueError("not a calibration")

    def _is_coverage_possible(self) -> bool:
        counts = [number for one in self.coverage for number in (one.n, one.n_covered)]
        return (
            all(type(number) is int and 0 <= number < 2**31 for number in counts)
            and all(one.n_covered <= one.n for one in self.coverage)
            and (not self.coverage or sum(one.n for one in self.coverage) == self.n_test)
        )

    @property
    def is_calibrated(self) -> bool:
        """True where the probabilities agree with how often the model is right."""
        return self.status != "unknown"

    @property
    def whole_coverage(self) -> Coverage | None:
        """Of all test films; None: not counted."""
        whole = Coverage(sum(c.n for c in self.coverage), sum(c.n_covered for c in self.coverage))
        return whole if whole.n else None

    @property
    def contradicted_by(self) -> Coverage | None:
        """The worst coverage on test films that rules out 90 %: of all, or of one class.

        None where the test does not contradict the promise, or there was none.
        """
        whole = self.whole_coverage
        every = self.coverage if whole is None else (whole, *self.coverage)
        enough = [one for one in every if one.n >= LEAST_TEST_FILMS]
        below = [one for one in enough if one.interval[1] < COVERAGE]
        return min(below, key=lambda one: one.interval[1], default=None)

    def probabilities(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return calibrated probabilities, (N, C), of logits (N, C)."""
        return softmax(logits.astype(np.float64) / self.temperature)

    def tested(
        self, logits: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]
    ) -> "Calibration":
        """Add what it is worth on test films; none of its numbers is fitted on them."""
        if not len(labels):
            return self
        probabilities = self.probabilities(logits)
        is_covered = np.array(
            [
                label in possible_classes(row, self.set_threshold)
                for row, label in zip(probabilities, labels, strict=True)
            ]
        )
        of_class = [is_covered[labels == label] for label in range(logits.shape[1])]
        return dataclasses.replace(
            self,
            n_test=len(labels),
            test_ece=calibration_error(probabilities, labels),
            test_coverage=float(is_covered.mean()),
            coverage=tuple(Coverage(len(each), int(each.sum())) for each in of_class),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the values as plain JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: A name is missing or unknown, or a value is not what it must be.
        """
        try:
            coverage = tuple(Coverage(**one) for one in values.get("coverage", ()))
            return cls(**{**values, "coverage": coverage})
        except (TypeError, AttributeError) as error:
            raise ValueError("not a calibration") from error


def calibration_of(card: ModelCard) -> Calibration | None:
    """Read a model card's calibration; None: there is none, or not one of ours."""
    if card.calibration is None:
        return None
    try:
        return Calibration.from_json(card.calibration)
    except ValueError:
        return None


def calibration_words(calibration: Calibration | None) -> tuple[Message, ...]:
    """Say what a model's probabilities are worth, before and after, whichever way it went."""
    if calibration is None:
        return (
            Message(
                "Not calibrated: there were too few validation X-rays to check how often the model "
                "is right when it is this sure. Read the probabilities as a ranking."
            ),
        )
    figures = {
        "n": calibration.n,
        "before": f"{calibration.ece_before:.1%}",
        "after": f"{calibration.ece_after:.1%}",
    }
    match calibration.status:
        case "corrected":
            first = Message(
                "Calibrated with temperature {temperature} on {n} validation X-rays. Calibration "
                "error {before} before, {after} after.",
                temperature=f"{calibration.temperature:.2f}",
                **figures,
            )
        case "as_is":
            first = Message(
                "Calibrated: on {n} validation X-rays the probabilities agree with how often the "
                "model is right (calibration error {before}), and a temperature did not improve "
                "them.",
                **figures,
            )
        case _:
            first = Message(
                "Not calibrated: on {n} validation X-rays no temperature improved the "
                "probabilities, and they do not agree with how often the model is right "
                "(calibration error {before}). Read them as a ranking.",
                **figures,
            )
    words = [first]
    if calibration.test_ece is not None:
        words.append(
            Message(
                "Calibration error on {n} test X-rays: {error}.",
                n=calibration.n_test,
                error=f"{calibration.test_ece:.1%}",
            )
        )
    whole = calibration.whole_coverage
    if whole is not None:
        low, high = whole.interval
        words.append(
            Message(
                "The prediction set held the true class of {part} of {n} test X-rays ({share}, "
                "interval {low} to {high}, 95%); 90% was promised.",
                part=whole.n_covered,
                n=whole.n,
                share=f"{whole.n_covered / whole.n:.1%}",
                low=f"{low:.1%}",
                high=f"{high:.1%}",
            )
        )
    return tuple(words)


def fit_calibration(
    logits: NDArray[np.floating[Any]],
    labels: NDArray[np.integer[Any]],
    groups: Sequence[str] | None = None,
) -> Calibration | None:
    """Fit on validation films; None where they are too few.

    Args:
        logits: Shape (N, C), finite.
        labels: The true classes, shape (N,).
        groups: The patient of each film; None: each film is of another.
    """
    if len(labels) < LEAST_FILMS:
        return None
    wide = logits.astype(np.float64)
    before = precise_softmax(wide)
    temperature = _best_temperature(wide, labels)
    cv_before, cv_after = _loss(before, labels), _cross_validated_loss(wide, labels, groups)
    status: Status = "corrected"
    if cv_after >= cv_before:
        temperature = 1.0
        status = "as_is" if _agrees(before, labels) else "unknown"
    after = precise_softmax(wide / temperature)
    return Calibration(
        status=status,
        cv_loss_before=cv_before,
        cv_loss_after=cv_after,
        temperature=temperature,
        set_threshold=_set_threshold(after, labels),
        n=len(labels),
        loss_before=_loss(before, labels),
        loss_after=_loss(after, labels),
        ece_before=calibration_error(before, labels),
        ece_after=calibration_error(after, labels),
    )


def possible_classes(probabilities: NDArray[np.floating[Any]], threshold: float) -> tuple[int, ...]:
    """Return the prediction set of one film: the possible classes, the most probable first.

    Where none reaches the threshold nothing fits: the two most probable are told. Nobody calls
    a model sure of what it gives less than one half, so there the second stays possible too.

    Args:
        probabilities: Shape (C,).
        threshold: `Calibration.set_threshold`.
    """
    order = np.argsort(-probabilities, kind="stable")
    possible = tuple(int(label) for label in order if probabilities[label] >= threshold)
    is_clear = probabilities[order[0]] >= 0.5
    least = 1 if is_clear else 2
    return possible if len(possible) >= least else tuple(int(label) for label in order[:2])


def calibration_error(
    probabilities: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]
) -> float:
    """Return the expected calibration error (Naeini et al., AAAI 2015), ten bins, in [0, 1].

    Args:
        probabilities: Shape (N, C), N at least 1.
        labels: The true classes, shape (N,).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    is_right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    gaps = np.bincount(bins, is_right - confidence, N_BINS)  # n x (accuracy - confidence)
    return float(np.abs(gaps).sum() / len(labels))


def _best_temperature(logits: NDArray[np.float64], labels: NDArray[np.integer[Any]]) -> float:
    """Find the temperature of least cross-entropy: it is convex in 1 / T.

    Against targets a little short of 1 (Platt, "Probabilistic Outputs for Support Vector
    Machines", 1999): a model that was right on all of n films may be wrong on the next.
    """
    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    doubt = 1 / (len(labels) + 2)
    true = logits[np.arange(len(labels)), labels] * (1 - doubt) + logits.mean(axis=1) * doubt
    for _ in range(_N_STEPS):
        middle = (low + high) / 2
        expected = (precise_softmax(logits * middle) * logits).sum(axis=1)
        if float((expected - true).mean()) <= 0:
            low = middle
        else:
            high = middle
    return float(np.clip(2 / (low + high), *TEMPERATURES))


def _cross_validated_loss(
    logits: NDArray[np.float64], labels: NDArray[np.integer[Any]], groups: Sequence[str] | None
) -> float:
    """Return the mean loss of films under temperatures that were fitted without their patients."""
    numbers = np.arange(len(labels))
    if groups is not None:
        _, numbers = np.unique(np.array(groups), return_inverse=True)
    order = np.random.default_rng(0).permutation(int(numbers.max()) + 1)
    fold = order[numbers] % _N_FOLDS
    temperatures = np.ones(len(labels))
    for number in range(_N_FOLDS):
        is_left = fold != number
        if is_left.any():
            temperatures[~is_left] = _best_temperature(logits[is_left], labels[is_left])
    return _loss(precise_softmax(logits / temperatures[:, None]), labels)


def _agrees(probabilities: NDArray[np.float64], labels: NDArray[np.integer[Any]]) -> bool:
    """Tell whether the calibration error is such as chance gives to probabilities that are right.

    Labels are drawn from the probabilities themselves (Vaicenavicius et al., "Evaluating model
    calibration in classification", AISTATS 2019).
    """
    random = np.random.default_rng(0)
    sums = probabilities.cumsum(axis=1)[:, :-1]  # (N, C - 1)
    drawn = [
        calibration_error(probabilities, (random.random((len(sums), 1)) > sums).sum(axis=1))
        for _ in range(_N_DRAWS)
    ]
    return calibration_error(probabilities, labels) <= float(np.quantile(drawn, 0.95))


def _set_threshold(probabilities: NDArray[np.float64], labels: NDArray[np.integer[Any]]) -> float:
    """Return what 90 % of the true classes reach, corrected for the number of films."""
    true = np.sort(probabilities[np.arange(len(labels)), labels])
    n_below = math.floor((1 - COVERAGE) * (len(labels) + 1))
    return min(float(true[n_below - 1]), HIGHEST_THRESHOLD) if n_below else 0.0


def _loss(probabilities: NDArray[np.float64], labels: NDArray[np.integer[Any]]) -> float:
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(true, 1e-30)).mean())


def _is_within(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
