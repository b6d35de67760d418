"""Near duplicates: one film stored again, resized, windowed anew or a little cropped."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.data.cache import SIDE
from core.data.image_file import Images

# Films of different patients look alike in the large; the same film is alike in its detail. So
# each thumbnail loses its local mean and is divided by its local contrast, which also undoes
# brightness, contrast and most of gamma, before it is correlated. Measured on 661 real films and
# 300 phantoms, no two the same: at 32 pixels 0.78 and 0.82 at the most, at 64 pixels 0.60 and
# 0.69. Their copies (JPEG quality 30 to 95, 50 to 200 % of the size, gamma 0.6 to 1.6, the middle
# 60 % of the window): 0.87 and 0.83 at the least. The plain correlation at 32 pixels had 0.97 for
# different films and 0.96 for copies.
_COARSE_SIDE, _COARSE_MEAN, _COARSE_CONTRAST = 32, 2, 4  # pixels; radii of the two boxes
_FINE_SIDE, _FINE_MEAN, _FINE_CONTRAST = 64, 3, 6
_LEAST_COARSE = 0.8
_LEAST_FINE = 0.75
_CONTRAST_FLOOR = 3.0  # grey levels; keeps the noise of an even background small
_LEAST_SPREAD = 2.0  # standard deviation in grey levels; below it a film is blank

_BLOCK = 256  # films
# A folder of one film ten thousand times has fifty million pairs; these still join it into one.
_MOST_PARTNERS = 8


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Pairs of films that show the same, in order; each film names 8 earlier ones at most."""

    pairs: NDArray[np.int64]  # (P, 2), first < second
    correlations: NDArray[np.float64]  # (P,), of the detail at 32 x 32 pixels, 0.8 to 1


def near_duplicates(thumbs: Images) -> Iterator[tuple[int, int] | NearDuplicates]:
    """Find the films that are copies of one another, though not byte for byte.

    Args:
        thumbs: Shape (N, 128, 128).

    Yields:
        (done, total) between blocks, in an arbitrary unit; the NearDuplicates at last.
    """
    n = len(thumbs)
    total = 2 * n
    coarse = np.empty((n, _COARSE_SIDE**2), np.float32)
    for start in range(0, n, _BLOCK):
        block = thumbs[start : start + _BLOCK]
        coarse[start : start + _BLOCK] = _detail(
            block, _COARSE_SIDE, _COARSE_MEAN, _COARSE_CONTRAST
        )
        yield start + len(block), total
    pairs, correlations = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for start in range(0, n, _BLOCK):
        end = min(start + _BLOCK, n)
        likeness = coarse[start:end] @ coarse[:end].T  # (B, end)
        found, values = _candidates(likeness, start)
        is_same = _have_same_detail(thumbs, found)
        pairs.append(found[is_same])
        correlations.append(values[is_same])
        yield n + end, total
    all_pairs, all_values = np.concatenate(pairs), np.concatenate(correlations)
    order = np.lexsort((all_pairs[:, 1], all_pairs[:, 0]))
    yield NearDuplicates(all_pairs[order], np.minimum(all_values[order], 1.0))


def clusters(n: int, pairs: ArrayLike) -> list[list[int]]:
    """Join pairs that share a film.

    Args:
        n: Number of films.
        pairs: Films, shape (P, 2).

    Returns:
        The films of each cluster of two or more, ascending; clusters by their first film.
    """
    from scipy.sparse import coo_array  # scipy would hold up the window's start
    from scipy.sparse.csgraph import connected_components

    ends = np.asarray(pairs, np.int64).reshape(-1, 2).T  # (2, P)
    links = coo_array((np.ones(ends.shape[1], np.bool_), tuple(ends)), shape=(n, n))
    _, label_of = connected_components(links, directed=False)
    members: dict[int, list[int]] = {}
    for film, label in enumerate(label_of.tolist()):
        members.setdefault(label, []).append(film)
    return [films for films in members.values() if len(films) > 1]


def _candidates(
    likeness: NDArray[np.float32], start: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of a block that are alike in the large.

    Args:
        likeness: Films `start` and following against all up to the last of them, shape (B, M).
        start: Index of the first row's film.

    Returns:
        Pairs, shape (P, 2), and their likeness, shape (P,).
    """
    rows, columns = np.nonzero(likeness > _LEAST_COARSE)
    is_earlier = columns < rows + start
    rows, columns = rows[is_earlier], columns[is_earlier]
    values = likeness[rows, columns]
    order = np.lexsort((-values, rows))  # by film, the most alike first
    rows, columns, values = rows[order], columns[order], values[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = rank < _MOST_PARTNERS
    pairs = np.stack([columns[kept], rows[kept] + start], axis=1)
    return pairs.astype(np.int64), values[kept].astype(np.float64)


def _have_same_detail(thumbs: Images, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for pairs, shape (P, 2), if they are alike at 64 pixels too."""
    is_same = np.zeros(len(pairs), np.bool_)
    for start in range(0, len(pairs), _BLOCK):
        films, places = np.unique(pairs[start : start + _BLOCK], return_inverse=True)
        first, second = places.reshape(-1, 2).T
        detail = _detail(thumbs[films], _FINE_SIDE, _FINE_MEAN, _FINE_CONTRAST)
        likeness = np.einsum("ij,ij->i", detail[first], detail[second])
        is_same[start : start + _BLOCK] = likeness > _LEAST_FINE
    return is_same


def _detail(
    thumbs: NDArray[np.uint8], side: int, mean_radius: int, contrast_radius: int
) -> NDArray[np.float32]:
    """Take local brightness and contrast out of each film.

    Returns:
        Shape (N, side * side), of length 1, so that a product is a correlation; 0 where the
        film is blank.
    """
    from scipy.ndimage import uniform_filter

    n, fold = len(thumbs), SIDE // side
    rows = thumbs.reshape(n, side, fold, SIDE).sum(axis=2, dtype=np.uint16)  # (N, side, 128)
    sums = rows.reshape(n, side, side, fold).sum(axis=3, dtype=np.uint16)  # (N, side, side)
    films = sums.astype(np.float32) / np.float32(fold**2)
    mean_box, contrast_box = (1, *[2 * mean_radius + 1] * 2), (1, *[2 * contrast_radius + 1] * 2)
    detail = films - uniform_filter(films, mean_box, mode="nearest")
    variance = uniform_filter(detail * detail, contrast_box, mode="nearest")
    detail /= np.sqrt(np.maximum(variance, 0)) + np.float32(_CONTRAST_FLOOR)
    flat = detail.reshape(n, side * side)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    length[films.std(axis=(1, 2)) < _LEAST_SPREAD] = np.inf
    return flat / np.maximum(length, np.float32(1e-6))
