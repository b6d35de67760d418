"""A training memory as JSON and tensors, and back without trusting either."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.prediction.novelty.gaussian import PooledGaussian
from core.prediction.novelty.plain_image import N_CONTRASTS, N_PIXELS, PlainImage
from core.prediction.novelty.scale import Scale

if TYPE_CHECKING:
    from core.prediction.novelty.memory import TrainingMemory

VERSION = 1  # raise it when distances are computed otherwise
PREFIX = "novelty."
MOST_FILMS = 4000
MOST_AXES = 256
MOST_EIGEN_FILMS = 128
MOST_VALIDATION_FILMS = 10_000_000

# No fit gives more; larger numbers would overflow where distances are squared and summed.
_LARGEST = 1e6
_LARGEST_OF = {
    "features.axes": 1.01,
    "image.mean": 100.0,
    "image.eigen_films": 1.01,
    "image.likeness.axes": 1.01,
}
_LEAST_VARIANCE = 1e-10
_LEAST_SCALE = 1e-4
_DIGEST_BYTES = 32

_SCALE_KEYS = ("feature_middle", "feature_spread", "image_middle", "image_spread", "colour_limit")
_KEYS = {"version", "n_validation", "familiar_share", "scale"}
_REQUIRED = {
    "features.mean",
    "features.axes",
    "features.variances",
    "image.mean",
    "image.eigen_films",
    "image.scale",
    "image.likeness.mean",
    "image.likeness.axes",
    "image.likeness.variances",
    "digests",
    "labels",
    "places",
}
_OPTIONAL = {"thumbnails"}
_INTEGERS = {"labels"}
_BYTES = {"digests", "thumbnails"}


def to_parts(memory: "TrainingMemory") -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Values for the card's JSON and tensors, their names beginning with "novelty."."""
    values = {
        "version": VERSION,
        "n_validation": memory.n_validation,
        "familiar_share": memory.familiar_share,
        "scale": {key: getattr(memory.scale, key) for key in _SCALE_KEYS},
    }
    arrays: dict[str, NDArray[Any]] = {
        "features.mean": memory.features.mean,
        "features.axes": memory.features.axes,
        "features.variances": memory.features.variances,
        "image.mean": memory.image.mean_film,
        "image.eigen_films": memory.image.eigen_films,
        "image.scale": memory.image.scale,
        "image.likeness.mean": memory.image.likeness.mean,
        "image.likeness.axes": memory.image.likeness.axes,
        "image.likeness.variances": memory.image.likeness.variances,
        "digests": _packed(memory.digests),
        "labels": memory.labels,
        "places": memory.places,
    }
    if memory.thumbnails is not None:
        arrays["thumbnails"] = memory.thumbnails
    return values, {PREFIX + name: array for name, array in arrays.items()}


def fields_of(
    values: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    *,
    n_features: int,
    n_classes: int,
    train_digests: Sequence[str],
) -> dict[str, Any]:
    """The arguments of a TrainingMemory, once all of them are what they must be.

    Raises:
        ValueError: A name, type, shape or number is not as `to_parts` writes it.
    """
    if not isinstance(values, Mapping) or set(values) != _KEYS:
        raise ValueError("the entries of novelty are not those that are written")
    if type(values["version"]) is not int or values["version"] != VERSION:
        raise ValueError("novelty is of another version")
    given = _named(arrays)
    n_films, n_axes = _two(given["places"])
    n_eigen_films, _ = _two(given["image.eigen_films"])
    n_numbers = n_eigen_films + 1 + N_CONTRASTS
    n_image_axes, _ = _two(given["image.likeness.axes"])
    _require(1 <= n_films <= MOST_FILMS, "films")
    _require(1 <= n_axes <= min(MOST_AXES, n_features), "axes")
    _require(1 <= n_eigen_films <= MOST_EIGEN_FILMS, "eigen-films")
    _require(1 <= n_image_axes <= n_numbers, "image axes")
    shapes: dict[str, tuple[int, ...]] = {
        "features.mean": (n_features,),
        "features.axes": (n_axes, n_features),
        "features.variances": (n_axes + 1,),
        "image.mean": (N_PIXELS,),
        "image.eigen_films": (n_eigen_films, N_PIXELS),
        "image.scale": (n_numbers,),
        "image.likeness.mean": (n_numbers,),
        "image.likeness.axes": (n_image_axes, n_numbers),
        "image.likeness.variances": (n_image_axes + 1,),
        "digests": (n_films, _DIGEST_BYTES),
        "labels": (n_films,),
        "places": (n_films, n_axes),
        "thumbnails": (n_films, 64, 64),
    }
    for name, array in given.items():
        _require(array.shape == shapes[name], name)
        if array.dtype == np.float32:
            # The comparison is false for NaN; infinities are larger.
            _require(bool((np.abs(array) <= _LARGEST_OF.get(name, _LARGEST)).all()), name)
    for name in ("features.variances", "image.likeness.variances"):
        _require(bool((given[name] >= _LEAST_VARIANCE).all()), name)
    _require(bool((given["image.scale"] >= _LEAST_SCALE).all()), "image.scale")
    digests, labels = tuple(row.tobytes().hex() for row in given["digests"]), given["labels"]
    _require(set(digests) <= set(train_digests), "digests")
    _require(bool((labels >= 0).all() and (labels < n_classes).all()), "labels")
    return {
        "features": PooledGaussian(
            given["features.mean"], given["features.axes"], given["features.variances"]
        ),
        "image": PlainImage(
            given["image.mean"],
            given["image.eigen_films"],
            given["image.scale"],
            PooledGaussian(
                given["image.likeness.mean"],
                given["image.likeness.axes"],
                given["image.likeness.variances"],
            ),
        ),
        "scale": _scale(values["scale"]),
        "digests": digests,
        "labels": labels,
        "places": given["places"],
        "thumbnails": given.get("thumbnails"),
        "n_validation": _count(values["n_validation"]),
        "familiar_share": _number(values["familiar_share"], 0, 1),
    }


def _packed(digests: Sequence[str]) -> NDArray[np.uint8]:
    """Sha256 digests in hexadecimal as bytes, (n, 32)."""
    content = b"".join(bytes.fromhex(digest) for digest in digests)
    return np.frombuffer(content, np.uint8).reshape(len(digests), _DIGEST_BYTES)


def _named(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays without the beginning of their names, each of its type."""
    given = {name.removeprefix(PREFIX): array for name, array in arrays.items()}
    if len(given) != len(arrays) or not all(name.startswith(PREFIX) for name in arrays):
        raise ValueError("a tensor of novelty is not called so")
    if not _REQUIRED <= set(given) <= _REQUIRED | _OPTIONAL:
        raise ValueError("the tensors of novelty are not those that are written")
    for name, array in given.items():
        wanted = np.int32 if name in _INTEGERS else np.uint8 if name in _BYTES else np.float32
        _require(isinstance(array, np.ndarray) and array.dtype == wanted, name)
    return given


def _two(array: NDArray[Any]) -> tuple[int, int]:
    if array.ndim != 2:
        raise ValueError("a tensor of novelty has not two sides")
    return array.shape[0], array.shape[1]


def _scale(values: object) -> Scale:
    if not isinstance(values, Mapping) or set(values) != set(_SCALE_KEYS):
        raise ValueError("the scale of novelty is not complete")
    numbers = {
        key: _number(values[key], -1e3 if key.endswith("middle") else 1e-6, 1e3)
        for key in _SCALE_KEYS
    }
    return Scale(**numbers)


def _number(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a value of novelty is no number")
    if not low <= value <= high:  # false for NaN
        raise ValueError("a number of novelty is out of range")
    return float(value)


def _count(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MOST_VALIDATION_FILMS:
        raise ValueError("a count of novelty is out of range")
    return value


def _require(is_valid: bool, name: str) -> None:
    if not is_valid:
        raise ValueError(f"the tensor {name} of novelty is not as it must be")
