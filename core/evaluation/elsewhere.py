"""The same model at home and on X-rays from elsewhere, side by side, and how these differ."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import Message
from core.models.model_card import ModelCard
from core.prediction.acquisition import AcquisitionReference, joined
from core.prediction.external_tests import ExternalTest
from core.statistics import Interval, wilson_interval


@dataclass(frozen=True, slots=True)
class Count:
    """Right answers among X-rays; the patients are not known, so that each counts as one."""

    n_right: int
    n: int

    @property
    def value(self) -> float | None:
        """The share of right answers; None where there is no X-ray."""
        return self.n_right / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's, 95 %."""
        return wilson_interval(self.n_right, self.n) if self.n else None


@dataclass(frozen=True, slots=True)
class Place:
    """A test of the model."""

    dataset: str  # "" for the model's own test
    right: Count
    classes: tuple[Count, ...]  # in the model's order: sensitivities
    difference: tuple[float, Interval] | None  # of the accuracy from the own test
    acquisition: Message | None  # how its X-rays differ from those of training; None: unknown


def places_of(
    card: ModelCard,
    tests: tuple[ExternalTest, ...],
    acquisition: AcquisitionReference | None,
) -> tuple[Place, ...]:
    """Return the model's own test, where it has one, and its tests elsewhere.

    Args:
        card: Of the model.
        tests: Its external tests.
        acquisition: Of its training X-rays; None: unknown.

    Returns:
        () where it was never tested elsewhere: there is nothing to compare.
    """
    if not tests:
        return ()
    own = _own(card)
    places = [] if own is None else [own]
    for test in tests:
        known = {one.name: Count(one.n_right, one.n) for one in test.classes}
        right = Count(test.n_right, test.n)
        places.append(
            Place(
                test.dataset,
                right,
                tuple(known.get(name, Count(0, 0)) for name in card.classes),
                None if own is None else newcombe(right, own.right),
                None if acquisition is None else _differs(test, acquisition, card.classes),
            )
        )
    return tuple(places)


def _own(card: ModelCard) -> Place | None:
    """Read the test at the end of training; None where there was none or it is not believable."""
    numbers = card.metrics.get("test")
    confusion: Any = numbers.get("confusion") if isinstance(numbers, dict) else None
    try:
        counts = np.array(confusion, np.int64)
    except (TypeError, ValueError, OverflowError):
        return None
    c = len(card.classes)
    if counts.shape != (c, c) or counts.min(initial=0) < 0 or not counts.sum():
        return None
    rows = zip(counts.diagonal().tolist(), counts.sum(axis=1).tolist(), strict=True)
    right = Count(int(np.trace(counts)), int(counts.sum()))
    return Place("", right, tuple(Count(good, n) for good, n in rows), None, None)


def newcombe(one: Count, other: Count) -> tuple[float, Interval] | None:
    """Return a difference of shares with its 95 % interval (Newcombe, method 10, 1998)."""
    if one.value is None or other.value is None:
        return None
    (low, high), (least, most) = (wilson_interval(each.n_right, each.n) for each in (one, other))
    apart = one.value - other.value
    down = math.hypot(one.value - low, most - other.value)
    up = math.hypot(high - one.value, other.value - least)
    return apart, (apart - down, apart + up)


def _differs(
    test: ExternalTest, acquisition: AcquisitionReference, classes: tuple[str, ...]
) -> Message:
    standard = acquisition.standard
    mean = np.array(test.region.mean) * standard.spread + standard.mean
    [judged] = acquisition.judge(mean[None], classes)
    if not judged.traits:
        return Message("on average like {source}", source=judged.source_name)
    return Message(
        "{traits} than {source}", traits=joined(judged.traits), source=judged.source_name
    )


def all_tests(
    known: tuple[ExternalTest, ...], newest: ExternalTest | None
) -> Iterator[ExternalTest]:
    """Yield the tests beside a model, and the newest in place of an earlier one on its dataset."""
    for test in known:
        if newest is None or test.fingerprint != newest.fingerprint:
            yield test
    if newest is not None:
        yield newest
