"""What the pictures of a dataset show, whatever their names and classes; measured once."""

import contextlib
import dataclasses
import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import atomic_file
from core.data.audit.appearance import Appearance, measure
from core.data.audit.near_duplicates import NearDuplicates, near_duplicates
from core.data.audit.orientation import Orientation, orientation
from core.data.cache import ImageCache
from core.errors import Message
from core.events import Progress

SURVEY_FILE = "survey.json"  # in the cache's folder
SURVEY_VERSION = 1  # raise it when something else is measured
_STAGE = Message("Comparing the films")


@dataclass(frozen=True, slots=True)
class SameImage:
    """Two films of different bytes that show the same exposure."""

    one: str  # digest
    other: str
    correlation: float


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
            atomic_file.write_text(cache.folder / SURVEY_FILE, json.dumps(_to_json(survey)))
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
        SameImage(digests[one], digests[other], float(correlation))
        for (one, other), correlation in zip(found.pairs, found.correlations, strict=True)
    )
    return Survey(digests, appearance, pose, same)


def _to_json(survey: Survey) -> dict[str, Any]:
    return {
        "version": SURVEY_VERSION,
        "appearance": _lists(survey.appearance),
        "orientation": _lists(survey.orientation),
        "same_image": [[pair.one, pair.other, pair.correlation] for pair in survey.same_image],
    }


def _read(cache: ImageCache) -> Survey | None:
    """What was measured before, if it is of just these films."""
    try:
        values = json.loads((cache.folder / SURVEY_FILE).read_text(encoding="utf-8"))
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
            SameImage(str(one), str(other), float(correlation))
            for one, other, correlation in values["same_image"]
        )
        survey = Survey(tuple(cache.rows), Appearance(is_blank=is_blank, **numbers), pose, same)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    arrays = [*_arrays(survey.appearance), *_arrays(survey.orientation)]
    return survey if all(array.shape == (len(cache.rows),) for array in arrays) else None


def _lists(measures: Appearance | Orientation) -> dict[str, list[Any]]:
    return {
        field.name: getattr(measures, field.name).tolist() for field in dataclasses.fields(measures)
    }


def _arrays(measures: Appearance | Orientation) -> list[NDArray[Any]]:
    return [getattr(measures, field.name) for field in dataclasses.fields(measures)]
