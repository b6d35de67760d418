import numpy as np
import pytest
import scipy.stats
from PIL import Image

from core.prediction.lungs import LungField
from core.prediction.saliency_checks import (
    HeatMap,
    SaliencyChecks,
    chance_of,
    examine,
    heat_at,
    heat_colours,
    heat_on_film,
    rank_correlation,
    share_inside,
    widened,
)
from core.runtime.paddle import F, paddle


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
) -> SaliencyChecks:
    second = evidence if second is None else second
    return examine(evidence, second, random, chance=chance, lungs=found or lungs())


def says(checks: SaliencyChecks, text: str) -> bool:
    return any(text in str(reason) for reason in checks.reasons)


def test_a_map_of_a_lung_on_which_two_methods_agree_is_trusted() -> None:
    checks = judge()
    assert checks.is_trustworthy
    assert checks.reasons == ()
    assert checks.agreement == pytest.approx(1, abs=1e-3)
    assert checks.lung_share is not None
    assert checks.lung_share > 0.8


def test_how_far_two_methods_agree_is_told_and_is_no_fault_of_the_map() -> None:
    checks = judge(gaussian(0.3, 0.75), IN_A_LUNG)
    assert checks.agreement < 0.5
    assert checks.is_trustworthy


def test_a_map_that_is_hottest_outside_the_lungs_speaks_against_the_answer() -> None:
    mostly_inside = IN_A_LUNG + gaussian(0.3, 0.75) + 1.2 * gaussian(0.95, 0.5)
    checks = judge(second=mostly_inside)
    assert not checks.is_trustworthy
    assert any("hottest place" in str(doubt) for doubt in checks.doubts)


def test_a_map_like_that_of_random_weights_is_told_whatever_its_sign() -> None:
    for random in (3 * IN_A_LUNG + 1, -IN_A_LUNG):
        assert judge(random=random).random_likeness == pytest.approx(1)


def test_evidence_that_chance_explains_is_told() -> None:
    checks = judge(chance=0.2)
    assert not checks.is_trustworthy
    assert says(checks, "no stronger than shuffled weights")


def test_heat_outside_the_lungs_is_told_with_its_share() -> None:
    checks = judge(gaussian(0.95, 0.5), random=gaussian(0.1, 0.1))
    assert not checks.is_trustworthy
    assert checks.lung_share is not None
    assert checks.lung_share < 0.2
    assert says(checks, "hottest place")


@pytest.mark.parametrize("found", [None, lungs(is_reliable=False)])
def test_lungs_that_are_not_certain_are_not_asked(found: LungField | None) -> None:
    checks = examine(IN_A_LUNG, IN_A_LUNG, RANDOM, chance=0.0, lungs=found)
    assert checks.lung_share is None
    assert checks.is_trustworthy
    assert says(checks, "the place of the heat is unchecked")


def test_a_map_without_evidence_shows_nothing() -> None:
    checks = judge(second=-np.abs(IN_A_LUNG))
    assert not checks.is_trustworthy
    assert says(checks, "No place speaks for this class")
    assert checks.doubts == ()


def test_all_that_is_wrong_is_told() -> None:
    checks = judge(gaussian(0.95, 0.5), chance=1.0)
    assert says(checks, "shuffled weights")
    assert says(checks, "hottest place")


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


@pytest.mark.parametrize("shape", [(60, 91), (7, 200), (33, 8)])
def test_heat_is_bilinear_at_the_films_own_resolution(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).random((7, 5), np.float32)
    wanted = F.interpolate(
        paddle.to_tensor(values[None, None]), size=list(shape), mode="bilinear", align_corners=False
    )
    assert heat_at(values, shape).shape == shape
    np.testing.assert_allclose(heat_at(values, shape), wanted.numpy()[0, 0], atol=1e-5)


def test_a_map_over_the_square_is_stretched_back_over_the_film() -> None:
    values = np.zeros((4, 4), np.float32)
    values[0, 3] = 1
    heat = heat_at(values, (40, 400))
    assert heat[:10, 300:].mean() > 5 * heat[10:].mean()
    assert heat[0, -1] == pytest.approx(1)


def test_a_level_map_stays_level_at_any_size() -> None:
    for shape in [(1, 1), (3, 2), (500, 300)]:
        np.testing.assert_allclose(heat_at(np.full((3, 3), 0.25), shape), 0.25)


def test_heat_is_what_speaks_for_the_class_in_parts_of_the_strongest() -> None:
    heat = HeatMap.of(np.array([[-3.0, 1.0], [0.0, 4.0]]))
    assert heat.values.tolist() == [[0, 0.25], [0, 1]]
    assert heat.values.dtype == np.float32
    assert not HeatMap.of(np.full((3, 3), -1.0)).values.any()


def test_there_is_a_colour_for_each_grey_level_and_none_for_no_heat() -> None:
    table = heat_colours()
    assert table.shape == (256, 4)
    assert table.dtype == np.uint8
    assert table[0, 3] == 0
    assert table[-1, 3] == 255


def test_stronger_heat_is_lighter_and_covers_more() -> None:
    table = heat_colours().astype(float)
    lightness = table[:, :3] @ (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
    assert (np.diff(lightness) >= -0.5).all()  # half a level of rounding
    assert (np.diff(table[:, 3]) >= 0).all()


def test_a_film_without_heat_stays_as_it_is() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shown = heat_on_film(grey, np.zeros((16, 16), np.float32))
    assert (shown == grey[:, :, None]).all()


def test_heat_is_laid_over_a_film_as_pillow_would() -> None:
    random = np.random.default_rng(7)
    film = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    heat = random.random((20, 30), dtype=np.float32)
    colours = heat_colours()[np.rint(heat * 255).astype(int)]
    colours[:, :, 3] = np.rint(colours[:, :, 3] * 0.5)
    below = Image.fromarray(film).convert("RGBA")
    wanted = np.asarray(Image.alpha_composite(below, Image.fromarray(colours)))[:, :, :3]
    shown = heat_on_film(film, heat, 0.5)
    assert np.abs(shown.astype(int) - wanted).max() <= 1
