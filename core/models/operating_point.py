"""The operating point of a model: how its probabilities become one answer."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from core.errors import ConfigError, Message, PneumoScopeError
from core.models.model_card import ModelCard
from core.schema import StrictModel

LEAST_THRESHOLD, MOST_THRESHOLD = 1e-3, 0.999

_Threshold = Annotated[float, Field(ge=LEAST_THRESHOLD, le=MOST_THRESHOLD)]


class OperatingPoint(StrictModel):
    """Thresholds of the classes: the answer is the class of the largest p / threshold.

    So every X-ray gets one answer, and equal thresholds leave the most probable class.

    Raises:
        ConfigError: A value is not what it must be.
    """

    thresholds: dict[str, _Threshold]  # by class
    set_on: str = "validation"  # the part whose answers chose it
    n: Annotated[int, Field(ge=0)] = 0  # X-rays of that part

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.thresholds) < 2 or self.set_on != "validation":
            raise ConfigError(
                Message("{name} of {kind} is not valid.", name="thresholds", kind="OperatingPoint")
            )
        return self

    @classmethod
    def neutral(cls, classes: Sequence[str]) -> Self:
        """Return the one that changes no answer."""
        return cls(thresholds=dict.fromkeys(classes, 0.5))

    def answers(
        self, probabilities: NDArray[np.floating[Any]], classes: Sequence[str]
    ) -> NDArray[np.int64]:
        """Return the predicted classes of probabilities (N, C).

        Raises:
            ConfigError: The classes are others.
        """
        if set(classes) != set(self.thresholds):
            raise ConfigError(
                Message(
                    "The operating point is for the classes {found}, the model's are {known}.",
                    found=", ".join(sorted(self.thresholds)),
                    known=", ".join(classes),
                )
            )
        limits = np.array([self.thresholds[name] for name in classes])
        return np.asarray((probabilities / limits).argmax(axis=1), np.int64)


def operating_point_of(card: ModelCard) -> OperatingPoint | None:
    """Return the operating point that a model file holds; None where it has none of use."""
    if not card.operating_points:
        return None
    try:
        point = OperatingPoint.from_json(card.operating_points)
    except PneumoScopeError:
        return None
    return point if set(point.thresholds) == set(card.classes) else None
