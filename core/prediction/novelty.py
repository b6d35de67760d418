"""What a model remembers of its training films, and what follows for a new one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import Message
from core.prediction.appearance import (
    N_CONTRASTS,
    N_PIXELS,
    Look,
    PlainImage,
    PooledGaussian,
    coloured_share,
    grey,
)


@dataclass(frozen=True, slots=True, eq=False)
class FilmSet:
    """Films of one part of a split.

    Raises:
        ValueError: The parts differ in length.
    """

    features: NDArray[np.float32]  # (N, F), pooled, 0 or more
    films: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]  # N of (S, S) or (S, S, 3)
    labels: NDArray[np.int64]  # (N,)
    digests: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.films) == len(self.labels) == len(self.digests):
            raise ValueError("features, films, labels and digests differ in number")

    def __len__(self) -> int:
        return len(self.digests)

    def only(self, rows: NDArray[np.int64]) -> Self:
        """The films of these rows."""
        return type(self)(
            self.features[rows],
            [self.films[row] for row in rows],
            self.labels[rows],
            tuple(self.digests[row] for row in rows),
        )


NoveltyKind = Literal[
    "familiar", "blank", "turned", "negative", "not_a_chest_film", "unlike_training"
]


@dataclass(frozen=True, slots=True)
class Novelty:
    """How unlike the training films one film is."""

    score: float  # at most `threshold` for 95 % of the validation films
    threshold: float
    is_familiar: bool
    kind: NoveltyKind
    reason: Message  # a sentence or two, also where familiar


def familiar() -> Message:
    """For a film like the others."""
    return Message("This film resembles those that the model learned from.")


def blank() -> Message:
    """For a picture without contrast."""
    return Message(
        "This picture is blank: all of it has nearly the same grey level, so the model's answer "
        "means nothing. Check the file, or export the film again."
    )


def turned(pose: int) -> Message:
    """For a film in one of the poses 1 to 3."""
    if pose == 2:
        return Message(
            "This film seems to stand on its head. The model learned from upright films, so its "
            "answer means little. Turn the film upright in the file and read it again."
        )
    return Message(
        "This film seems to lie on its side. The model learned from upright films, so its answer "
        "means little. Turn the film upright in the file and read it again."
    )


def negative(pose: int) -> Message:
    """For a film in one of the poses 4 to 7."""
    if pose != 4:
        return Message(
            "This film seems to be a negative and turned as well. The model learned from upright "
            "films with white bones, so its answer means little. Export the film as it is shown "
            "for reading and read it again."
        )
    return Message(
        "This film seems to be a negative: black and white are exchanged. The model learned from "
        "films with white bones, so its answer means little. Export the film with white bones "
        "and read it again."
    )


def coloured() -> Message:
    """For a picture in colours that the training films do not have."""
    return Message(
        "This picture is coloured, unlike the films that the model learned from, so the model's "
        "answer means little. Use the film's own file, not a photograph of it."
    )


def not_a_chest_film() -> Message:
    """For a picture of something else."""
    return Message(
        "This picture does not look like the frontal chest films that the model learned from, so "
        "the model's answer means nothing. Choose an upright frontal chest film."
    )


def unlike_training() -> Message:
    """For what looks like a chest film, but not to the network."""
    return Message(
        "The network finds in this film what it found in no film that it learned from, so its "
        "answer may well be wrong. Look at the nearest training films, and do not rely on the "
        "model here."
    )


FAMILIAR_SHARE = 0.95  # of the validation films

_LEAST_SPREAD = 0.05  # of the logarithms; where all validation films are alike
_LEAST_LIMIT = 0.1
_LEAST_COLOUR = 0.1  # part of the pixels
_MOST = 1e4  # a score that could be none is as strange as can be


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of one model: where the middle and the limit of each kind of distance lie."""

    feature_middle: float  # logarithm of a distance
    feature_spread: float  # from there to the limit
    image_middle: float
    image_spread: float
    colour_limit: float  # part of the pixels

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float64],
        images: NDArray[np.float64],
        colours: NDArray[np.float64],
    ) -> Self:
        """Set the limit so that 95 % of the validation films are familiar.

        Each kind of distance is brought to the same median and 95th percentile before they are
        joined; then all are stretched by one factor. Where the limit falls between two films, it
        is so placed that of new films 5 % are strange on average (Weibull's plotting positions,
        1939), also where validation films are few.

        Args:
            features: Squared distances of the validation films, (N,), N at least 20.
            images: The same for how they look.
            colours: Part of the pixels that are coloured, (N,).
        """
        middles, spreads = [], []
        for distances in (features, images):
            logs = _logarithm(distances)
            middle, high = np.quantile(logs, [0.5, FAMILIAR_SHARE])
            middles.append(float(middle))
            spreads.append(max(float(high - middle), _LEAST_SPREAD))
        colour = 2 * float(np.quantile(colours, FAMILIAR_SHARE)) + _LEAST_COLOUR
        scale = cls(middles[0], spreads[0], middles[1], spreads[1], colour)
        scores = joined(scale.parts(features, images, colours))
        limit = float(np.quantile(scores, FAMILIAR_SHARE, method="weibull"))
        # A hair wider, since a film at the limit must pass however its numbers are rounded.
        factor = max(limit, _LEAST_LIMIT) * (1 + 1e-4)
        return cls(
            middles[0], spreads[0] * factor, middles[1], spreads[1] * factor, colour * factor
        )

    def parts(
        self,
        features: NDArray[np.float64],
        images: NDArray[np.float64],
        colours: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Scores for features, look and colour, (3, N), all finite."""
        scores = np.stack(
            [
                (_logarithm(features) - self.feature_middle) / self.feature_spread,
                self.of_images(images),
                colours / self.colour_limit,
            ]
        )
        return np.clip(np.nan_to_num(scores, nan=_MOST), -_MOST, _MOST)

    def of_images(self, images: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores for how pictures look, of any shape."""
        return (_logarithm(images) - self.image_middle) / self.image_spread


def joined(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """One score of three, (3, N) -> (N,): the length of what is above the middle in each."""
    return np.sqrt((np.maximum(parts, 0) ** 2).sum(axis=0))


def _logarithm(distances: NDArray[Any]) -> NDArray[np.float64]:
    return np.log(np.asarray(distances, np.float64) + 1e-6)


if TYPE_CHECKING:
    pass

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


THRESHOLD = 1.0
THUMBNAIL_SIDE = 64  # pixels

_BLANK_SCORE = 2.0
# A picture is called turned or a negative where another pose brings it this much nearer to the
# training films (logarithm of the squared distance), and clearly nearer than any third pose: the
# more so, the less it looks like a film even then. Of 330 films turned or inverted on purpose 97 %
# passed, of 733 films as they were none, of 715 other strange pictures 3 %.
_LEAST_GAIN = 0.3
_LEAST_LEAD, _LEAD_WHERE_STRANGE = 0.2, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """A training film."""

    label: int
    digest: str  # sha256 of its file
    distance: float  # between the roots of pooled features, on their widest axes
    thumbnail: NDArray[np.uint8] | None  # (64, 64), where it was kept


@dataclass(frozen=True, slots=True, eq=False)
class TrainingMemory:
    """Some of the training films as the network and the eye see them.

    Args:
        features: Of the roots of the pooled features: they are positive and skew, and the root
            makes them more normal (Tukey's ladder; Yang, Liu and Xu, ICLR 2021).
        image: How the films look.
        scale: Of the distances to these two.
        digests: The films.
        labels: Their classes, (n,).
        places: Where they lie on the axes of `features`, (n, k).
        thumbnails: (n, 64, 64), where the user allowed it.
        n_validation: Films that the scale was fitted to.
        familiar_share: Part of these that is familiar.
    """

    features: PooledGaussian
    image: PlainImage
    scale: Scale
    digests: tuple[str, ...]
    labels: NDArray[np.int32]
    places: NDArray[np.float32]
    thumbnails: NDArray[np.uint8] | None
    n_validation: int
    familiar_share: float

    def judge(
        self,
        features: NDArray[np.floating[Any]],
        films: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    ) -> list[Novelty]:
        """Say of each film how unlike the training films it is, and in which way.

        Args:
            features: Pooled, shape (N, F).
            films: N of shape (S, S) or (S, S, 3), as the network takes them.
        """
        if not len(films):
            return []
        look = Look.of(films)
        # An absurd network's features may be no numbers; that is as strange as can be.
        with np.errstate(over="ignore", invalid="ignore"):
            distances = self.features.distances(root(features))
        parts = self.scale.parts(
            distances,
            self.image.distances(look),
            np.array([coloured_share(film) for film in films]),
        )
        # A blank picture is never familiar, whatever the network makes of it.
        scores = np.maximum(joined(parts), np.where(look.is_blank, _BLANK_SCORE, 0.0))
        judged = []
        for row, score in enumerate(scores):
            kind, reason = self._why(look, row, score, parts[:, row])
            judged.append(Novelty(float(score), THRESHOLD, kind == "familiar", kind, reason))
        return judged

    def nearest(self, features: NDArray[np.floating[Any]], n: int = 5) -> tuple[Neighbour, ...]:
        """The remembered films that the network finds most like the film of `features`, (F,).

        The nearest come first; there are none where the features are no numbers.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            place = self.features.coordinates(root(features[None]))
            distances = np.linalg.norm(self.places - place, axis=1)
        if not np.isfinite(distances).all():
            return ()
        return tuple(
            Neighbour(
                int(self.labels[row]),
                self.digests[row],
                float(distances[row]),
                None if self.thumbnails is None else self.thumbnails[row],
            )
            for row in np.argsort(distances, kind="stable")[:n]
        )

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The memory as JSON and as tensors for a model file."""
        return to_parts(self)

    @classmethod
    def from_parts(
        cls,
        values: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        *,
        n_features: int,
        n_classes: int,
        train_digests: Sequence[str],
    ) -> Self:
        """Read what `to_parts` made; takes no more memory than the arrays.

        Raises:
            ValueError: Something is not as `to_parts` writes it.
        """
        return cls(
            **fields_of(
                values,
                arrays,
                n_features=n_features,
                n_classes=n_classes,
                train_digests=train_digests,
            )
        )

    def _why(
        self, look: Look, row: int, score: float, parts: NDArray[np.float64]
    ) -> tuple[NoveltyKind, Message]:
        if score <= THRESHOLD:
            return "familiar", familiar()
        if look.is_blank[row]:
            return "blank", blank()
        of_image, of_colour = parts[1:]
        if of_colour > THRESHOLD:
            kind: NoveltyKind = "not_a_chest_film" if of_image > THRESHOLD else "unlike_training"
            return kind, coloured()
        pose = self._pose(look.only(row))
        if pose >= 4:
            return "negative", negative(pose)
        if pose:
            return "turned", turned(pose)
        if of_image > THRESHOLD:
            return "not_a_chest_film", not_a_chest_film()
        return "unlike_training", unlike_training()

    def _pose(self, look: Look) -> int:
        """The pose of one picture, 0 where no other makes it a clearly likelier film."""
        distances = self.image.pose_distances(look)[0]  # (8,)
        nearness = -np.log(distances + 1e-6)
        pose = int(nearness.argmax())
        gain = nearness[pose] - nearness[0]
        lead = nearness[pose] - np.sort(nearness)[-2]
        strangeness = max(float(self.scale.of_images(distances[pose])), 0)
        is_clear = gain > _LEAST_GAIN and lead > _LEAST_LEAD + _LEAD_WHERE_STRANGE * strangeness
        return pose if is_clear and strangeness < THRESHOLD else 0


def root(features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The square roots of pooled features, which are positive but for rounding."""
    return np.sqrt(np.maximum(features, 0), dtype=np.float32)


LEAST_VALIDATION_FILMS = 20  # fewer have no 95th percentile
LEAST_TRAINING_FILMS = 20
MOST_TRAINING_FILMS = 2000
N_AXES = 64


def fit_memory(
    train: FilmSet, validation: FilmSet, *, keep_thumbnails: bool
) -> TrainingMemory | None:
    """Remember the training films and set the limit of what is familiar.

    Args:
        train: Films the network learned from; of more than 2000 that many are taken, of each
            class its share.
        validation: Films that neither the network nor this learned from.
        keep_thumbnails: Whether small pictures of the films may travel in the model file.

    Returns:
        None where there are too few films, or the network's features are no numbers or absurd
        ones.
    """
    if len(validation) < LEAST_VALIDATION_FILMS or len(train) < LEAST_TRAINING_FILMS:
        return None
    train = train.only(_spread(train.labels))
    if not (np.isfinite(train.features).all() and np.isfinite(validation.features).all()):
        return None
    points = root(train.features)
    features = PooledGaussian.fit(points, N_AXES)
    image = PlainImage.fit(train.films)
    distances = _distances(features, image, validation)
    scale = Scale.fit(*distances)
    scores = joined(scale.parts(*distances))
    memory = TrainingMemory(
        features=features,
        image=image,
        scale=scale,
        digests=train.digests,
        labels=train.labels.astype(np.int32),
        places=features.coordinates(points),
        thumbnails=_thumbnails(train) if keep_thumbnails else None,
        n_validation=len(validation),
        familiar_share=float(np.mean(scores <= THRESHOLD)),
    )
    return memory if _can_be_read(memory) else None


def _can_be_read(memory: TrainingMemory) -> bool:
    """Whether a model file with it could be opened again: nobody must lose a model by this."""
    try:
        TrainingMemory.from_parts(
            *memory.to_parts(),
            n_features=len(memory.features.mean),
            n_classes=int(memory.labels.max()) + 1,
            train_digests=memory.digests,
        )
    except ValueError:
        return False
    return True


def _spread(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of at most 2000 films, evenly from all classes and from each class's first to last."""
    if len(labels) <= MOST_TRAINING_FILMS:
        return np.arange(len(labels))
    by_class = np.argsort(labels, kind="stable")
    taken = np.linspace(0, len(labels) - 1, MOST_TRAINING_FILMS).round().astype(np.int64)
    return np.sort(by_class[taken])


def _distances(
    features: PooledGaussian, image: PlainImage, films: FilmSet
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    return (
        features.distances(root(films.features)),
        image.distances(Look.of(films.films)),
        np.array([coloured_share(film) for film in films.films]),
    )


def _thumbnails(train: FilmSet) -> NDArray[np.uint8]:
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return np.stack(
        [
            np.asarray(Image.fromarray(grey(film)).resize(side, Image.Resampling.BILINEAR))
            for film in train.films
        ]
    )
