import numpy as np
import pytest
from sklearn.covariance import ShrunkCovariance
from sklearn.decomposition import PCA

from core.prediction.appearance import (
    AppearanceModel,
    ImageFeatures,
    PooledGaussian,
    coloured_share,
)


def points(n, width, seed=0):
    random = np.random.default_rng(seed)
    return (random.normal(0, 1, (n, width)) * np.linspace(0.5, 3, width) + 4).astype(np.float32)


@pytest.mark.parametrize(("n", "width"), [(300, 12), (25, 60)])
def test_with_all_axes_the_distance_is_that_under_a_shrunk_covariance(n, width):
    known, others = points(n, width), points(40, width, seed=1)
    # scikit-learn divides by n, where we divide by n - 1.
    theirs = ShrunkCovariance(shrinkage=0.05).fit(known).mahalanobis(others) * (n - 1) / n

    assert PooledGaussian.fit(known, 999).distances(others) == pytest.approx(theirs, rel=1e-3)


def test_axes_are_perpendicular_and_the_widest_come_first():
    fitted = PooledGaussian.fit(points(200, 20), 6)

    assert fitted.axes @ fitted.axes.T == pytest.approx(np.eye(6), abs=1e-5)
    assert (np.diff(fitted.variances[:-1]) <= 0).all()
    assert fitted.variances[-1] <= fitted.variances[-2]


def test_beside_the_axes_every_direction_counts_alike():
    known = points(200, 20)
    fitted = PooledGaussian.fit(known, 3)
    beside = np.linalg.svd(fitted.axes)[2][3:]  # 17 directions that no axis sees

    distances = fitted.distances(fitted.mean + 2 * beside)

    assert distances == pytest.approx(4 / fitted.variances[-1], rel=1e-3)


def test_points_that_are_all_alike_have_finite_distances():
    fitted = PooledGaussian.fit(np.ones((30, 8), np.float32), 5)

    assert fitted.distances(np.ones((1, 8), np.float32)) == pytest.approx(0)
    assert np.isfinite(fitted.distances(np.zeros((1, 8), np.float32))).all()


def test_the_axes_of_many_points_are_those_of_the_whole_decomposition():
    random = np.random.default_rng(0)
    known = (random.normal(0, 1, (300, 250)) * np.geomspace(30, 1, 250)).astype(np.float32)

    fitted = PooledGaussian.fit(known, 20)

    theirs = PCA(20, svd_solver="full").fit(known)
    overlap = np.linalg.svd(fitted.axes @ theirs.components_.T)[1]  # cosines of the angles
    assert overlap.min() > 0.999
    shrunk = theirs.explained_variance_ * 0.95 + 0.05 * known.var(axis=0, ddof=1).mean()
    assert fitted.variances[:-1] == pytest.approx(shrunk, rel=1e-3)


@pytest.fixture(scope="module")
def plain(train):
    return AppearanceModel.fit(train.films)


def test_new_films_are_nearer_than_noise_and_gradients(plain, new):
    random = np.random.default_rng(0)
    strange = [random.integers(0, 256, (64, 64)).astype(np.uint8) for _ in range(5)]
    strange.append(np.tile(np.arange(0, 256, 4, np.uint8), (64, 1)))

    assert (
        plain.distances(ImageFeatures.of(strange)).min()
        > 3 * plain.distances(ImageFeatures.of(new.films)).max()
    )


def test_brightness_and_contrast_of_a_film_count_little(plain, new):
    paler = [(film * 0.5 + 60).astype(np.uint8) for film in new.films]

    ratio = plain.distances(ImageFeatures.of(paler)) / plain.distances(ImageFeatures.of(new.films))

    assert ratio == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("pose", range(8))
def test_a_film_is_nearest_once_turned_back_from_its_pose(plain, new, pose):
    films = [np.rot90(film, pose % 4) for film in new.films]
    if pose >= 4:
        films = [255 - film for film in films]

    found = plain.pose_distances(ImageFeatures.of(films)).argmin(axis=1)

    assert np.mean(found == pose) > 0.9


def test_films_with_the_same_grey_level_everywhere_are_blank(new):
    grainy = np.random.default_rng(0).normal(128, 2, (64, 64)).astype(np.uint8)

    look = ImageFeatures.of([np.zeros((64, 64), np.uint8), grainy, new.films[0]])

    assert look.is_blank.tolist() == [True, True, False]


def test_a_grey_film_in_three_channels_looks_like_the_grey_one(plain, new):
    tripled = [np.repeat(film[..., None], 3, axis=2) for film in new.films]

    assert plain.distances(ImageFeatures.of(tripled)) == pytest.approx(
        plain.distances(ImageFeatures.of(new.films))
    )


def test_only_noticeable_colours_count():
    film = np.full((10, 10, 3), 100, np.uint8)
    film[:2, :, 0] = 160  # red
    film[2:4, :, 0] = 110  # what JPEG makes of grey

    assert coloured_share(film) == pytest.approx(0.2)
    assert coloured_share(film[..., 0]) == 0
