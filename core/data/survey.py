"""Survey of the pictures of a dataset, whatever their names and classes; measured once."""

import contextlib
import dataclasses
from collections.abc import Generator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.cache import SIDE, ImageCache
from core.data.image_file import Images
from core.data.near_duplicates import NearDuplicates, near_duplicates
from core.data.orientation import Orientation, orientation
from core.errors import Message
from core.events import Progress
from core.sealed_json import read_sealed, write_sealed

SURVEY_FILE = "survey.json"  # in the cache's folder
SURVEY_VERSION = 4  # raise it when something else is measured
_FRAME = 8  # pixels; 6 % of the side
_IS_FRAME = np.pad(
    np.zeros((SIDE - 2 * _FRAME, SIDE - 2 * _FRAME), np.bool_), _FRAME, constant_values=True
)
_CORNER = 24  # pixels; letters and side markers lie within it
_NEARLY_BLACK = 10  # grey levels, inclusive
_NEARLY_WHITE = 245
_BLANK_SPREAD = 2.0  # standard deviation, grey levels
_BLANK_SHARE = 0.995  # of the pixels within two grey levels of each other's middle
_TEXT_GROUND = 0.8  # of the pixels, around burned-in text
_BROAD = 12  # pixels across, which no letter is
_BLOCK = 256  # films
_STAGE = Message("Comparing the films")


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """Measures of films: a row of numbers for each property, shape (N,)."""

    mean: NDArray[np.float64]  # grey levels, 0 to 255
    spread: NDArray[np.float64]  # standard deviation in grey levels
    border_black: NDArray[np.float64]  # fraction of the outer 6 % that is nearly black
    border_white: NDArray[np.float64]  # the same for nearly white
    corner_detail: NDArray[np.float64]  # mean step between neighbours there, grey levels
    is_blank: NDArray[np.bool_]  # of one grey level, but for 0.5 % of it at the most or for text


@dataclass(frozen=True, slots=True)
class SameImage:
    """Two films of different bytes that show the same exposure."""

    one: str  # digest
    other: str
    correlation: float
    is_plain: bool  # neither cropped nor turned nor mirrored nor inverted


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Measures of every film of a cache."""

    digests: tuple[str, ...]  # the order of all arrays
    appearance: Appearance
    orientation: Orientation
    same_image: tuple[SameImage, ...]


def open_survey(cache: ImageCache) -> Generator[Progress, None, Survey]:
    """Yield progress and return the survey of a cache, measuring where that was not done yet."""
    survey = _read(cache)
    if survey is None:
        survey = yield from _measure(cache)
        with contextlib.suppress(OSError):  # it can be measured again
            write_sealed(cache.folder / SURVEY_FILE, _to_json(survey))
    return survey


def _measure(cache: ImageCache) -> Generator[Progress, None, Survey]:
    digests = tuple(cache.rows)
    yield Progress(_STAGE, 0, 0)
    appearance, pose = measure(cache.thumbnails), orientation(cache.thumbnails)
    found: NearDuplicates | None = None
    for step in near_duplicates(cache.thumbnails):
        if isinstance(step, NearDuplicates):
            found = step
        else:
            yield Progress(_STAGE, *step)
    assert found is not None  # the last step of near_duplicates
    same = tuple(
        SameImage(digests[one], digests[other], float(correlation), bool(is_plain))
        for (one, other), correlation, is_plain in zip(
            found.pairs, found.correlations, found.is_plain, strict=True
        )
    )
    return Survey(digests, appearance, pose, same)


def measure(thumbs: Images) -> Appearance:
    """Measure every film.

    Args:
        thumbs: Shape (N, 128, 128).
    """
    starts = range(0, max(len(thumbs), 1), _BLOCK)  # no films make one empty block
    blocks = [_measure_film(thumbs[start : start + _BLOCK]) for start in starts]
    return Appearance(
        *(
            np.concatenate([getattr(block, field.name) for block in blocks])
            for field in fields(Appearance)
        )
    )


def _measure_film(thumbs: NDArray[np.uint8]) -> Appearance:
    n = len(thumbs)
    levels = np.arange(256)
    places = thumbs.reshape(n, SIDE**2).astype(np.int64) + 256 * np.arange(n)[:, None]
    counts = np.bincount(places.ravel(), minlength=256 * n).reshape(n, 256)
    shares = counts / SIDE**2  # (N, 256)
    mean = shares @ levels
    spread = np.sqrt(np.maximum(shares @ levels**2 - mean**2, 0))
    padded = np.pad(shares, ((0, 0), (2, 2)))
    # Within two grey levels
    near = np.sum([padded[:, shift : shift + 256] for shift in range(5)], axis=0)
    is_one_level = np.max(near, axis=1, initial=0) >= _BLANK_SHARE
    frame = thumbs[:, _IS_FRAME]  # (N, pixels of the frame)
    return Appearance(
        mean=mean,
        spread=spread,
        border_black=(frame <= _NEARLY_BLACK).mean(axis=1),
        border_white=(frame >= _NEARLY_WHITE).mean(axis=1),
        corner_detail=np.mean([_detail(corner) for corner in _corners(thumbs)], axis=0),
        is_blank=is_one_level | (spread < _BLANK_SPREAD) | _have_text_alone(thumbs, near),
    )


def _have_text_alone(thumbs: NDArray[np.uint8], near: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find films of one grey level with writing on it: nothing else on them is broad.

    Args:
        thumbs: Shape (N, 128, 128).
        near: Share of the pixels within two grey levels of each level, shape (N, 256).
    """
    from scipy.ndimage import binary_erosion  # scipy would hold up the window's start

    ground = near.argmax(axis=1)
    has_text = near.max(axis=1, initial=0) >= _TEXT_GROUND
    for film in np.flatnonzero(has_text):
        differs = np.abs(thumbs[film].astype(np.int16) - ground[film]) > 2
        has_text[film] = not binary_erosion(differs, np.ones((_BROAD, _BROAD))).any()
    return has_text


def _corners(thumbs: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    first, last = slice(_CORNER), slice(-_CORNER, None)
    return tuple(thumbs[:, rows, columns] for rows in (first, last) for columns in (first, last))


def _detail(corner: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean step to the right and down, shape (N,)."""
    levels = corner.astype(np.int16)
    right = np.abs(np.diff(levels, axis=2)).mean(axis=(1, 2))
    down = np.abs(np.diff(levels, axis=1)).mean(axis=(1, 2))
    return (right + down) / 2


def _to_json(survey: Survey) -> dict[str, Any]:
    return {
        "version": SURVEY_VERSION,
        "appearance": _lists(survey.appearance),
        "orientation": _lists(survey.orientation),
        "same_image": [
            [pair.one, pair.other, pair.correlation, pair.is_plain] for pair in survey.same_image
        ],
    }


def _read(cache: ImageCache) -> Survey | None:
    """Read what was measured before, if it is of just these films."""
    try:
        values = read_sealed(cache.folder / SURVEY_FILE)
        if values["version"] != SURVEY_VERSION:
            return None
        appearance = values["appearance"]
        is_blank = np.array(appearance.pop("is_blank"), np.bool_)
        numbers = {name: np.array(column, np.float64) for name, column in appearance.items()}
        pose = Orientation(
            np.array(values["orientation"]["rotation"], np.int64),
            np.array(values["orientation"]["is_inverted"], np.bool_),
        )
        same = tuple(
            SameImage(str(one), str(other), float(correlation), bool(is_plain))
            for one, other, correlation, is_plain in values["same_image"]
        )
        survey = Survey(tuple(cache.rows), Appearance(is_blank=is_blank, **numbers), pose, same)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    arrays = [*_arrays(survey.appearance), *_arrays(survey.orientation)]
    return survey if all(array.shape == (len(cache.rows),) for array in arrays) else None


def _lists(measures: Appearance | Orientation) -> dict[str, list[Any]]:
    return {
        field.name: getattr(measures, field.name).tolist() for field in dataclasses.fields(measures)
    }


def _arrays(measures: Appearance | Orientation) -> list[NDArray[Any]]:
    return [getattr(measures, field.name) for field in dataclasses.fields(measures)]
