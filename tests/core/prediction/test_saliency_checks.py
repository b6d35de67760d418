import numpy as np
import pytest
import scipy.stats

from core.prediction.lungs import LungField
from core.prediction.saliency_checks import (
    Honesty,
    chance_of,
    examine,
    rank_correlation,
    share_inside,
    widened,
)


def gaussian(row: float, column: float, side: int = 7) -> np.ndarray:
    """A map with one hot place, in parts of the film."""
    line = (np.arange(side) + 0.5) / side
    return np.exp(-((line[:, None] - row) ** 2 + (line - column) ** 2) / 0.03) - 0.1


def lungs(*, is_reliable: bool = True) -> LungField:
    mask = np.zeros((128, 128), np.bool_)
    mask[20:90, 20:55] = mask[20:90, 75:110] = True
    return LungField(mask, is_reliable, 1.2)


IN_A_LUNG = gaussian(0.4, 0.28)
RANDOM = gaussian(0.9, 0.9)


def judge(
    evidence: np.ndarray = IN_A_LUNG,
    second: np.ndarray | None = None,
    random: np.ndarray = RANDOM,
    chance: float = 0.0,
    found: LungField | None = None,
) -> Honesty:
    second = evidence if second is None else second
    return examine(evidence, second, random, chance=chance, lungs=found or lungs())


def says(honesty: Honesty, text: str) -> bool:
    return any(text in str(reason) for reason in honesty.reasons)


def test_a_map_of_a_lung_on_which_two_methods_agree_is_trusted() -> None:
    honesty = judge()
    assert honesty.is_trustworthy
    assert honesty.reasons == ()
    assert honesty.agreement == pytest.approx(1, abs=1e-3)
    assert honesty.lung_share is not None
    assert honesty.lung_share > 0.8


def test_two_methods_that_disagree_are_told() -> None:
    honesty = judge(second=-IN_A_LUNG + 0.5)
    assert not honesty.is_trustworthy
    assert says(honesty, "contradict each other")
    assert honesty.agreement == pytest.approx(-1, abs=1e-3)


def test_a_map_like_that_of_random_weights_is_told() -> None:
    honesty = judge(random=3 * IN_A_LUNG + 1)
    assert not honesty.is_trustworthy
    assert honesty.random_likeness == pytest.approx(1)
    assert says(honesty, "A network that learned nothing draws nearly the same map (100% alike)")


def test_the_same_map_with_the_opposite_sign_is_as_much_alike() -> None:
    assert judge(random=-IN_A_LUNG).random_likeness == pytest.approx(1)


def test_evidence_that_chance_explains_is_told() -> None:
    honesty = judge(chance=0.2)
    assert not honesty.is_trustworthy
    assert says(honesty, "no stronger than shuffled weights")


def test_heat_outside_the_lungs_is_told_with_its_share() -> None:
    honesty = judge(gaussian(0.95, 0.5), random=gaussian(0.1, 0.1))
    assert not honesty.is_trustworthy
    assert honesty.lung_share is not None
    assert honesty.lung_share < 0.2
    assert says(honesty, f"{honesty.lung_share:.0%} lies inside")


@pytest.mark.parametrize("found", [None, lungs(is_reliable=False)])
def test_lungs_that_are_not_certain_are_not_asked(found: LungField | None) -> None:
    honesty = examine(IN_A_LUNG, IN_A_LUNG, RANDOM, chance=0.0, lungs=found)
    assert honesty.lung_share is None
    assert honesty.is_trustworthy
    assert says(honesty, "the place of the heat is unchecked")


def test_a_map_of_one_place_shows_nothing() -> None:
    honesty = judge(np.ones((1, 1)), IN_A_LUNG, np.ones((1, 1)))
    assert not honesty.is_trustworthy
    assert says(honesty, "too few places")


def test_all_that_is_wrong_is_told() -> None:
    honesty = judge(gaussian(0.95, 0.5), -gaussian(0.95, 0.5), gaussian(0.95, 0.5), chance=1.0)
    assert len(honesty.reasons) >= 3


def test_rank_correlation_is_scipys() -> None:
    random = np.random.default_rng(0)
    one, other = random.integers(0, 9, (2, 7, 7)).astype(float)  # with ties
    wanted = scipy.stats.spearmanr(one.ravel(), other.ravel()).statistic
    assert rank_correlation(one, other) == pytest.approx(wanted)
    assert rank_correlation(one, np.ones((7, 7))) == 0


def test_the_chance_is_that_of_a_permutation_test() -> None:
    random = np.random.default_rng(1)
    features = random.gamma(2, size=300)
    weights = random.standard_normal(300) + 0.06 * features
    weights -= weights.mean()
    shuffled = np.array([random.permutation(weights) @ features for _ in range(20_000)])
    share = (shuffled >= weights @ features).mean()
    assert 0.02 < share < 0.9
    assert chance_of(weights, features, 1) == pytest.approx(share, abs=0.01)
    assert chance_of(weights, features, 1000) == 1
    assert chance_of(np.zeros(300), features, 3) == 1


def test_weights_that_fit_the_features_are_no_chance() -> None:
    features = np.random.default_rng(2).gamma(2, size=512)
    assert chance_of(features, features, 1000) < 1e-9


def test_half_a_patch_beside_the_lungs_counts_as_inside() -> None:
    mask = np.zeros((128, 128), np.bool_)
    mask[60, 30] = True
    wide = widened(mask)
    rows, columns = np.nonzero(wide)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (51, 69, 21, 39)
    mask[0, 127] = True  # what hangs over the edge comes in nowhere else
    assert not widened(mask)[100:, :].any()
    assert share_inside(np.full((3, 3), -1.0), mask) == 0
