import numpy as np
import pytest
from sklearn.covariance import ShrunkCovariance
from sklearn.decomposition import PCA

from core.prediction.appearance import PooledGaussian


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
