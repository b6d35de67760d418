"""Near duplicates: an X-ray stored again, resized, windowed, cropped, framed, turned, mirrored."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.data.cache import SIDE
from core.data.image_file import Images
from core.data.picture_area import Boxes, SharedFrame, boxes, outside
from core.data.registration import POSES, Layers, adjusted_likeness, posed

# Films of different patients look alike in the large; the same film is alike in its detail. So
# each thumbnail, cut to the X-ray in it, loses its local mean and is divided by its local contrast,
# which also undoes brightness, contrast and most of gamma, before it is correlated: with all others
# at 16 pixels in every pose of a copy, with those that are left at 32 pixels, and with what is left
# of them at 64 pixels, where the pose is adjusted. A negative correlates negatively. On 661 real
# films of 394 patients, pairs of one patient reached 0.84 and those of two patients 0.72; of copies
# 95 % have 0.88 and more.
_SIDE = 64  # pixels
_COARSE_SIDE, _COARSE_MEAN, _COARSE_CONTRAST = 16, 1, 2  # pixels; radii of the two boxes
_MIDDLE_SIDE, _MIDDLE_MEAN, _MIDDLE_CONTRAST = 32, 2, 4
_FINE_MEAN, _FINE_CONTRAST = 3, 6
_LEAST_COARSE = 0.76
_LEAST_MIDDLE = 0.66
_LEAST_FINE = 0.85
_LEAST_PLAIN = 0.75  # not adjusted: different real films reach 0.60, phantoms 0.69
# Two small pictures in large frames are blurred at 64 pixels, where everybody looks alike.
_SMALL = 0.9  # of the lines of a thumbnail
_LEAST_FINE_SMALL = 0.9
_CONTRAST_FLOOR = 3.0  # grey levels; keeps the noise of an even background small
_LEAST_SPREAD = 2.0  # standard deviation in grey levels; below it a film is blank
_LEAST_INSIDE = 0.3  # of a film's detail inside the mask of another
_MASK_MARGIN = 2  # pixels around a mask that it still darkens

_BLOCK = 256  # films
_PAIRS_AT_ONCE = 256
# A folder of one film ten thousand times has fifty million pairs; these still join it into one.
_MOST_PARTNERS = 8
# So many pictures that all look alike may share a frame, such as the window of a viewer.
MANY_ALIKE = 12


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Pairs of films that show the same, in order; each film names a few others."""

    pairs: NDArray[np.int64]  # (P, 2), first < second
    correlations: NDArray[np.float64]  # (P,), of the detail at 64 x 64 pixels, 0.85 to 1
    is_plain: NDArray[np.bool_]  # (P,), they lie on one another without being moved


# Pairs, correlations, and which are plain, as in NearDuplicates
_Found = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]


def near_duplicates(thumbs: Images) -> Iterator[tuple[int, int] | NearDuplicates]:
    """Find the films that are copies of one another, though not byte for byte.

    A frame that a dozen or more share, such as the window of a viewer, is cut away.

    Args:
        thumbs: Shape (N, 128, 128).

    Yields:
        (done, total) between blocks, in an arbitrary unit; the NearDuplicates at last.
    """
    n = len(thumbs)
    if n < 2:
        yield NearDuplicates(np.empty((0, 2), np.int64), np.empty(0), np.empty(0, np.bool_))
        return
    areas = _inside_shared_frames(thumbs, boxes(thumbs))
    for step in _compared(thumbs, areas):
        if isinstance(step, NearDuplicates):
            yield n, n
            yield step
        else:
            yield step, n


def _inside_shared_frames(thumbs: Images, areas: Boxes) -> Boxes:
    """Return smaller areas where a dozen films or more share a frame."""
    n = len(thumbs)
    inner = areas.cut(thumbs, _MIDDLE_SIDE)
    compared = _Compared(inner, np.ones_like(inner), inner.std(axis=(1, 2)) < _LEAST_SPREAD)
    coarse = compared.coarse(np.arange(n), 0)
    pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, n, _BLOCK):
        likeness = coarse[start : start + _BLOCK] @ coarse.T
        rows, columns = np.nonzero(likeness > _LEAST_COARSE)
        is_earlier = columns < rows + start
        pairs.append(np.stack([columns[is_earlier], rows[is_earlier] + start], axis=1))
    ends = [areas.top.copy(), areas.bottom.copy(), areas.left.copy(), areas.right.copy()]
    for films in clusters(n, np.concatenate(pairs)):
        frame = SharedFrame.of(thumbs[np.array(films)]) if len(films) >= MANY_ALIKE else None
        if frame is None:
            continue
        framed = np.array(films)[frame.is_around(thumbs[np.array(films)])]
        inside = boxes(frame.without(thumbs[framed]))
        places = inside.top, inside.bottom, inside.left, inside.right
        for end, place in zip(ends, places, strict=True):
            end[framed] = place
    return Boxes(*ends)


def _compared(thumbs: Images, areas: Boxes) -> Iterator[int | NearDuplicates]:
    """Yield numbers up to that of the films, and at last the pairs."""
    n = len(thumbs)
    inner = areas.cut(thumbs, _SIDE)
    is_blank = inner.std(axis=(1, 2)) < _LEAST_SPREAD
    found: list[_Found] = []
    poses = tuple(range(len(POSES)))
    views = [(_Compared(inner, _weights(inner), is_blank), poses)]
    if areas.are_cut:
        # A darker copy has wider black borders: the whole picture, of which only what is X-ray
        # counts, finds it.
        whole = _reduced(thumbs)
        weights = _weights(whole) * areas.inside(_SIDE)
        views.append((_Compared(whole, weights, is_blank), (0,)))
    is_small = areas.shortest_side < _SMALL * SIDE
    done = 0
    for compared, wanted in views:
        for step in _search(compared, wanted):
            if isinstance(step, tuple):
                found.append(step)
            else:
                done += 1
                yield n * done // (len(POSES) + 2)
    pairs, values, is_plain = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((-values, ~is_plain, pairs[:, 1], pairs[:, 0]))
    pairs, values, is_plain = pairs[order], values[order], is_plain[order]
    is_new = np.ones(len(pairs), np.bool_)
    is_new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    is_new &= (values > _LEAST_FINE_SMALL) | ~is_small[pairs].all(axis=1)
    yield NearDuplicates(pairs[is_new], np.minimum(values[is_new], 1.0), is_plain[is_new])


def _search(compared: "_Compared", poses: tuple[int, ...]) -> Iterator[int | _Found]:
    """Yield each pose that is done; at last what was found."""
    n = len(compared.films)
    # A copy that was mirrored lies on the mirror image of its film.
    indices = [compared.coarse(np.arange(n), 0, is_mirrored=mirror) for mirror in (False, True)]
    middles = [compared.middle(np.arange(n), 0, is_mirrored=mirror) for mirror in (False, True)]
    rows: list[NDArray[np.float64]] = [np.empty((0, 6))]
    for pose in poses:
        for start in range(0, n, _BLOCK):
            block = np.arange(start, min(start + _BLOCK, n))
            queries = compared.coarse(block, pose)
            for mirror, index in enumerate(indices):
                likeness = queries @ index.T  # (B, N)
                masked = np.flatnonzero(compared.is_masked[block])
                if len(masked):
                    # Of the other film only what lies inside the mask can be alike.
                    inside = compared.coarse_weights(block[masked], pose)
                    likeness[masked] /= np.sqrt(np.maximum(inside @ (index.T**2), _LEAST_INSIDE))
                likeness[np.arange(len(block)), block] = 0  # itself
                candidates = _candidates(likeness, block, pose, mirror)
                rows.append(compared.alike_in_the_middle(candidates, middles[mirror]))
        yield pose
    left = _best_pose(np.concatenate(rows))
    values, is_plain = np.empty(len(left)), np.zeros(len(left), np.bool_)
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        values[part], is_plain[part] = compared.fine(left[part])
    is_same = values > _LEAST_FINE
    pairs = np.sort(left[is_same, :2].astype(np.int64), axis=1)
    yield pairs, values[is_same], is_plain[is_same]


def _candidates(
    likeness: NDArray[np.float32], block: NDArray[np.int64], pose: int, mirror: int
) -> NDArray[np.float64]:
    """Return rows of film, other film, pose, mirror, sign and likeness, a few for each film."""
    rows, columns = np.nonzero(np.abs(likeness) > _LEAST_COARSE)
    values = likeness[rows, columns]
    order = np.lexsort((-np.abs(values), rows))  # by film, the most alike first
    rows, columns, values = rows[order], columns[order], values[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = rank < _MOST_PARTNERS
    rows, columns, values = rows[kept], columns[kept], values[kept]
    constant = np.ones(len(rows))
    return np.stack(
        [block[rows], columns, pose * constant, mirror * constant, np.sign(values), np.abs(values)],
        axis=1,
    )


def _best_pose(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep the pose in which each pair is most alike, and a few pairs of each film."""
    first, second = np.sort(rows[:, :2], axis=1).T
    order = np.lexsort((-rows[:, 5], second, first))
    first, second, rows = first[order], second[order], rows[order]
    is_new = np.ones(len(rows), np.bool_)
    is_new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    rows, second = rows[is_new], second[is_new]
    order = np.lexsort((-rows[:, 5], second))
    rows, second = rows[order], second[order]
    rank = np.arange(len(rows)) - np.searchsorted(second, second)
    return rows[rank < _MOST_PARTNERS]


@dataclass(frozen=True, eq=False)
class _Compared:
    """Films at 64 pixels, and their detail at the sizes at which they are compared."""

    films: NDArray[np.float32]  # (N, 64, 64)
    weights: NDArray[np.float32]  # the same; 0 where there is no X-ray
    is_blank: NDArray[np.bool_]  # (N,)

    @functools.cached_property
    def is_masked(self) -> NDArray[np.bool_]:
        """Tell which films have places without X-ray, (N,)."""
        masked: NDArray[np.bool_] = (self.weights == 0).any(axis=(1, 2))
        return masked

    def coarse_weights(self, places: NDArray[np.int64], pose: int) -> NDArray[np.float32]:
        """Return the weights at 16 pixels, (n, 256)."""
        return np.rint(posed(self.weights[places], pose, _COARSE_SIDE)).reshape(len(places), -1)

    def coarse(
        self, places: NDArray[np.int64], pose: int, *, is_mirrored: bool = False
    ) -> NDArray[np.float32]:
        """Return the detail at 16 pixels, (n, 256)."""
        size = _COARSE_SIDE, _COARSE_MEAN, _COARSE_CONTRAST
        return self._posed(places, pose, is_mirrored, size)

    def _posed(
        self,
        places: NDArray[np.int64],
        pose: int,
        is_mirrored: bool,
        size: tuple[int, int, int],
    ) -> NDArray[np.float32]:
        """Return the detail in a pose, as rows of length 1: a product is a correlation."""
        side, mean_radius, contrast_radius = size
        films, weights = self.films[places], self.weights[places]
        if is_mirrored:
            films, weights = films[:, :, ::-1], weights[:, :, ::-1]
        films = posed(films, pose, side)
        if self.is_masked[places].any():
            weights = np.rint(posed(weights, pose, side))
        else:
            weights = np.ones_like(films)
        flat = _detail(films, weights, mean_radius, contrast_radius).reshape(len(places), -1)
        flat -= flat.mean(axis=1, keepdims=True)
        length = np.linalg.norm(flat, axis=1, keepdims=True)
        length[self.is_blank[places]] = np.inf
        unit: NDArray[np.float32] = flat / np.maximum(length, np.float32(1e-6))
        return unit

    def middle(
        self, places: NDArray[np.int64], pose: int, *, is_mirrored: bool = False
    ) -> NDArray[np.float32]:
        """Return the detail at 32 pixels, (n, 1024)."""
        size = _MIDDLE_SIDE, _MIDDLE_MEAN, _MIDDLE_CONTRAST
        return self._posed(places, pose, is_mirrored, size)

    def alike_in_the_middle(
        self, rows: NDArray[np.float64], others: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return those candidates of one pose that are alike at 32 pixels too.

        Args:
            rows: From `_candidates`.
            others: The detail of all films that they are compared with, (N, 1024).
        """
        if not len(rows):
            return rows
        one, other = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
        pose = int(rows[0, 2])
        values = np.empty(len(rows))
        for start in range(0, len(rows), 4 * _BLOCK):
            part = slice(start, start + 4 * _BLOCK)
            firsts, first = np.unique(one[part], return_inverse=True)
            detail = self.middle(firsts, pose)
            second = others[other[part]]
            values[part] = np.einsum("ij,ij->i", detail[first], second)
            if self.is_masked[firsts].any():
                inside = np.rint(posed(self.weights[firsts], pose, _MIDDLE_SIDE))
                energy = (second**2 * inside.reshape(len(firsts), -1)[first]).sum(axis=1)
                values[part] /= np.sqrt(np.maximum(energy, _LEAST_INSIDE))
        values *= rows[:, 4]
        kept = rows[values > _LEAST_MIDDLE]
        kept[:, 5] = values[values > _LEAST_MIDDLE]
        return kept

    def fine(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Correlate pairs at 64 pixels, and tell which lie on one another as they are."""
        one, other, pose = (rows[:, column].astype(np.int64) for column in range(3))
        films, weights = self.films[other].copy(), self.weights[other].copy()
        is_mirrored = rows[:, 3] > 0
        films[is_mirrored] = films[is_mirrored, :, ::-1]
        weights[is_mirrored] = weights[is_mirrored, :, ::-1]
        fixed = _detail(films, weights, _FINE_MEAN, _FINE_CONTRAST)
        fixed *= rows[:, 4].astype(np.float32)[:, None, None]
        moving = _detail(self.films[one], self.weights[one], _FINE_MEAN, _FINE_CONTRAST)
        adjusted, first = adjusted_likeness(
            Layers(moving, self.weights[one]), Layers(fixed, weights), pose
        )
        is_plain = (pose == 0) & ~is_mirrored & (rows[:, 4] > 0)
        return adjusted, is_plain & (first > _LEAST_PLAIN)


def _reduced(thumbs: Images) -> NDArray[np.float32]:
    """Average 2 x 2 pixels of thumbnails, (N, 64, 64)."""
    n, fold = len(thumbs), SIDE // _SIDE
    films = np.empty((n, _SIDE, _SIDE), np.float32)
    for start in range(0, n, _BLOCK):
        block = np.asarray(thumbs[start : start + _BLOCK])
        sums = block.reshape(-1, _SIDE, fold, _SIDE, fold).sum(axis=(2, 4), dtype=np.uint16)
        films[start : start + _BLOCK] = sums / np.float32(fold**2)
    return films


def _weights(films: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0 around round masks and where a turned X-ray has no corners, else 1."""
    from scipy.ndimage import binary_dilation  # scipy would hold up the window's start

    is_outside = outside(films)
    for film in np.flatnonzero(is_outside.any(axis=(1, 2))):
        is_outside[film] = binary_dilation(is_outside[film], iterations=_MASK_MARGIN)
    return np.where(is_outside, np.float32(0), np.float32(1))


def _detail(
    films: NDArray[np.float32],
    weights: NDArray[np.float32],
    mean_radius: int,
    contrast_radius: int,
) -> NDArray[np.float32]:
    """Take local brightness and contrast out of each film, (N, H, H); 0 where its weight is."""
    from scipy.ndimage import uniform_filter

    mean_box, contrast_box = (1, *[2 * mean_radius + 1] * 2), (1, *[2 * contrast_radius + 1] * 2)
    share = uniform_filter(weights, mean_box, mode="nearest") + np.float32(1e-6)
    detail = films - uniform_filter(films * weights, mean_box, mode="nearest") / share
    detail *= weights
    share = uniform_filter(weights, contrast_box, mode="nearest") + np.float32(1e-6)
    variance = uniform_filter(detail * detail, contrast_box, mode="nearest") / share
    detail /= np.sqrt(np.maximum(variance, 0)) + np.float32(_CONTRAST_FLOOR)
    return detail


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
