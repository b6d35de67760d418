"""Luck and size: how figures vary between models of one recipe, and with the number of patients."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.evaluation.figures import Figure
from core.statistics import Interval


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """One more model of the same recipe, measured on the test X-rays."""

    seed: int
    share: float  # of the training patients
    n_train: int  # X-rays
    n_train_patients: int
    figures: tuple[Figure, ...]  # the primary ones, and accuracy
    answers: Mapping[str, int]  # digest of each test X-ray -> predicted class

    def value(self, name: str, label: int | None) -> float | None:
        """Return one figure; None where it cannot be computed."""
        values = (one.value for one in self.figures if (one.name, one.label) == (name, label))
        return next(values, None)

    def to_json(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """Return it as plain JSON types, the answers left out."""
        return {
            "seed": self.seed,
            "train_share": self.share,
            "n_train": self.n_train,
            "train_patients": self.n_train_patients,
            "figures": [one.to_json(classes) for one in self.figures],
        }


@dataclass(frozen=True, slots=True)
class Variation:
    """A figure of all models of a recipe."""

    name: str
    label: int | None
    mean: float
    deviation: float  # standard deviation
    least: float
    most: float


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The spread of figures between models that differ in their seed alone."""

    repeats: tuple[Repeat, ...]  # at least two
    classes: tuple[str, ...]

    @property
    def variations(self) -> tuple[Variation, ...]:
        """Of each figure that all models have."""
        found = []
        for one in self.repeats[0].figures:
            values = [repeat.value(one.name, one.label) for repeat in self.repeats]
            known = [value for value in values if value is not None]
            if len(known) == len(values):
                mean, deviation = statistics.fmean(known), statistics.stdev(known)
                ends = min(known), max(known)
                found.append(Variation(one.name, one.label, mean, deviation, *ends))
        return tuple(found)

    @property
    def n_shared(self) -> int:
        """Test X-rays that all models answered."""
        return len(self._votes())

    @property
    def by_luck(self) -> dict[str, Counter[int]]:
        """Digest of each X-ray on which the models do not agree -> how many named each class."""
        votes = {digest: found for digest, found in self._votes().items() if len(found) > 1}
        return dict(sorted(votes.items(), key=lambda pair: max(pair[1].values())))

    def _votes(self) -> dict[str, Counter[int]]:
        shared = frozenset.intersection(*(frozenset(one.answers) for one in self.repeats))
        return {
            digest: Counter(one.answers[digest] for one in self.repeats)
            for digest in sorted(shared)
        }

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON types."""
        return {
            "models": [one.to_json(self.classes) for one in self.repeats],
            "spread": [
                {
                    "figure": one.name,
                    "class": None if one.label is None else self.classes[one.label],
                    "mean": one.mean,
                    "sd": one.deviation,
                    "min": one.least,
                    "max": one.most,
                }
                for one in self.variations
            ],
            "n_by_luck": len(self.by_luck),
            "n_shared": self.n_shared,
        }


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurve:
    """Figures of models of one recipe that were trained on ever more patients."""

    repeats: tuple[Repeat, ...]  # by their share, ascending
    classes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON types."""
        return {"models": [one.to_json(self.classes) for one in self.repeats]}


@dataclass(frozen=True, slots=True)
class SplitPair:
    """One recipe and seed, trained and tested on two splits of the same dataset."""

    seed: int
    by_patient: float  # accuracy; no patient is on both sides
    by_image: float  # accuracy; images were dealt whoever they are of
    n_test: int  # of the split by image
    n_leaking: int  # of these, images whose patient was trained on


@dataclass(frozen=True, slots=True)
class SplitBias:
    """The bias of the accuracy when images are split without regard to patients."""

    pairs: tuple[SplitPair, ...]  # at least two

    @property
    def difference(self) -> tuple[float, Interval]:
        """Mean of accuracy by image minus by patient, with Student's 95 % interval of pairs."""
        from scipy.special import stdtrit  # scipy would hold up the window's start

        apart = [pair.by_image - pair.by_patient for pair in self.pairs]
        mean, n = statistics.fmean(apart), len(apart)
        half = float(stdtrit(n - 1, 0.975)) * statistics.stdev(apart) / math.sqrt(n)
        return mean, (mean - half, mean + half)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON types."""
        mean, (low, high) = self.difference
        return {
            "pairs": [asdict(pair) for pair in self.pairs],
            "difference": {"value": mean, "low": low, "high": high, "method": "paired t"},
        }
