"""The same model at home and elsewhere."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.evaluation.elsewhere import Count, all_tests, newcombe, places_of
from core.images.fingerprint import LENGTH, SHARPNESS
from core.prediction.acquisition import AcquisitionReference
from core.prediction.external_tests import ExternalTest, Region
from tests.core.prediction.test_external_tests import result_of

CLASSES = ("COVID", "NORMAL")


def card(confusion: Any) -> Any:
    return SimpleNamespace(classes=CLASSES, metrics={"test": {"confusion": confusion}})


@pytest.fixture(scope="module")
def home() -> AcquisitionReference:
    prints = np.random.default_rng(0).normal(0, 1, (60, LENGTH))
    labels = np.zeros(60, np.int64)
    return AcquisitionReference.fit(prints[:40], labels[:40], prints[40:], 2)


def elsewhere(home: AcquisitionReference, shift: float) -> ExternalTest:
    prints = np.random.default_rng(1).normal(0, 1, (50, LENGTH))
    prints[:, [*range(10, 16), SHARPNESS]] += shift
    return result_of(60, region=Region.fit(prints, home.standard))


def test_a_difference_of_shares_has_newcombes_interval():
    found, (low, high) = newcombe(Count(56, 70), Count(48, 80))
    # Newcombe, Statistics in Medicine 1998, table II (a), method 10.
    assert (found, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert newcombe(Count(0, 0), Count(1, 2)) is None


def test_a_test_elsewhere_stands_beside_the_own_one_and_says_how_its_x_rays_differ(home):
    places = places_of(card([[18, 2], [1, 29]]), (elsewhere(home, 8.0),), home)
    own, other = places
    assert (own.dataset, own.right, own.classes) == (
        "",
        Count(47, 50),
        (Count(18, 20), Count(29, 30)),
    )
    assert other.classes == (Count(30, 50), Count(30, 50))
    assert other.difference[0] == pytest.approx(0.6 - 0.94)
    assert other.difference[1][1] < 0
    assert "sharper" in str(other.acquisition)
    [_, same] = places_of(card([[18, 2], [1, 29]]), (elsewhere(home, 0.0),), home)
    assert str(same.acquisition).startswith("on average like")


@pytest.mark.parametrize("confusion", [None, "x", [[1, 2]], [[-1, 2], [3, 4]], [[0, 0], [0, 0]]])
def test_an_own_test_that_cannot_be_believed_is_left_out(home, confusion):
    [one] = places_of(card(confusion), (elsewhere(home, 0.0),), home)
    assert one.dataset == "elsewhere.zip"
    assert one.difference is None
    assert places_of(card(confusion), (), home) == ()


def test_the_newest_test_on_a_dataset_takes_the_place_of_the_earlier_one():
    old, new, other = result_of(50), result_of(60), result_of(70, fingerprint="a" * 64)
    assert list(all_tests((old, other), new)) == [other, new]
    assert list(all_tests((old,), None)) == [old]
