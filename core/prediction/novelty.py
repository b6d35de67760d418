"""Novelty: how unlike the training X-rays a new one is, and in which way.

A model file carries a reference: the distribution of its training films as the network sees them
(pooled features) and as they look (`core.prediction.appearance`), and the scale on which 95 % of
the validation films are familiar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import Message
from core.prediction.acquisition import Acquisition, AcquisitionReference
from core.prediction.appearance import (
    N_CONTRASTS,
    N_PIXELS,
    AppearanceModel,
    ImageFeatures,
    PooledGaussian,
    coloured_share,
    grey,
)

THRESHOLD: Final = 1.0
FAMILIAR_SHARE: Final = 0.95  # of the validation films
LEAST_VALIDATION_FILMS: Final = 20  # fewer have no 95th percentile
LEAST_TRAINING_FILMS: Final = 20
N_AXES: Final = 64
THUMBNAIL_SIDE: Final = 64  # pixels

_BLANK_SCORE = 2.0
# A picture is called turned or a negative where another pose brings it this much nearer to the
# training films (logarithm of the squared distance), and clearly nearer than any third pose: the
# more so, the less it looks like a film even then. Of 330 films turned or inverted on purpose 97 %
# passed, of 733 films as they were none, of 715 other strange pictures 3 %.
_LEAST_GAIN = 0.3
_LEAST_LEAD, _LEAD_WHERE_STRANGE = 0.2, 0.5

NoveltyKind = Literal[
    "familiar", "blank", "turned", "negative", "not_a_chest_film", "unlike_training"
]

_FAMILIAR = Message("This film resembles those that the model learned from.")
_BLANK = Message(
    "This picture is blank: all of it has nearly the same grey level, so the model's answer "
    "means nothing. Check the file, or export the film again."
)
_UPSIDE_DOWN = Message(
    "This film seems to stand on its head. The model learned from upright films, so its "
    "answer means little. Turn the film upright in the file and read it again."
)
_ON_ITS_SIDE = Message(
    "This film seems to lie on its side. The model learned from upright films, so its answer "
    "means little. Turn the film upright in the file and read it again."
)
_NEGATIVE = Message(
    "This film seems to be a negative: black and white are exchanged. The model learned from "
    "films with white bones, so its answer means little. Export the film with white bones "
    "and read it again."
)
_TURNED_NEGATIVE = Message(
    "This film seems to be a negative and turned as well. The model learned from upright "
    "films with white bones, so its answer means little. Export the film as it is shown "
    "for reading and read it again."
)
_COLOURED = Message(
    "This picture is coloured, unlike the films that the model learned from, so the model's "
    "answer means little. Use the film's own file, not a photograph of it."
)
_NOT_A_CHEST_FILM = Message(
    "This picture does not look like the frontal chest films that the model learned from, so "
    "the model's answer means nothing. Choose an upright frontal chest film."
)
_UNLIKE_TRAINING = Message(
    "The network finds in this film what it found in no film that it learned from, so its "
    "answer may well be wrong. Look at the nearest training films, and do not rely on the "
    "model here."
)


@dataclass(frozen=True, slots=True)
class Novelty:
    """Novelty of one film compared with the training films."""

    score: float  # at most `threshold` for 95 % of the validation films
    threshold: float
    is_familiar: bool
    kind: NoveltyKind
    reason: Message  # a sentence or two, also where familiar
    acquisition: Acquisition | None = None  # None: the model file does not know its sources


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """A training film."""

    label: int
    digest: str  # sha256 of its file
    distance: float  # between the roots of pooled features, on their widest axes
    thumbnail: NDArray[np.uint8] | None  # (64, 64), where it was kept


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
    prints: NDArray[np.float32]  # (N, 35), see core.images.fingerprint

    def __post_init__(self) -> None:
        parts = (self.features, self.films, self.labels, self.digests, self.prints)
        if len({len(part) for part in parts}) > 1:
            raise ValueError("features, films, labels, digests and fingerprints differ in number")

    def __len__(self) -> int:
        return len(self.digests)


# The scale of novelty scores.

_LEAST_SPREAD = 0.05  # of the logarithms; where all validation films are alike
_LEAST_LIMIT = 0.1
_LEAST_COLOUR = 0.1  # part of the pixels
_MOST = 1e4  # a score that could be none is as strange as can be

_Middle = Annotated[float, Field(strict=True, ge=-1e3, le=1e3)]
_Spread = Annotated[float, Field(strict=True, ge=1e-6, le=1e3)]


class Scale(BaseModel):
    """The middle and the limit of each kind of distance for one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature_middle: _Middle  # logarithm of a distance
    feature_spread: _Spread  # from there to the limit
    image_middle: _Middle
    image_spread: _Spread
    colour_limit: _Spread  # part of the pixels

    @staticmethod
    def fit(
        features: NDArray[np.float64],
        images: NDArray[np.float64],
        colours: NDArray[np.float64],
    ) -> "Scale":
        """Set the limit so that 95 % of the validation films are familiar.

        Each kind of distance is brought to the same median and 95th percentile before they are
        combined; then all are stretched by one factor. Where the limit falls between two films,
        it is so placed that of new films 5 % are strange on average (Weibull's plotting
        positions, 1939), also where validation films are few.

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

        def stretched(factor: float) -> Scale:
            return Scale(
                feature_middle=middles[0],
                feature_spread=spreads[0] * factor,
                image_middle=middles[1],
                image_spread=spreads[1] * factor,
                colour_limit=colour * factor,
            )

        scores = combined(stretched(1.0).scores(features, images, colours))
        limit = float(np.quantile(scores, FAMILIAR_SHARE, method="weibull"))
        # A hair wider, since a film at the limit must pass however its numbers are rounded.
        return stretched(max(limit, _LEAST_LIMIT) * (1 + 1e-4))

    def scores(
        self,
        features: NDArray[np.float64],
        images: NDArray[np.float64],
        colours: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return scores for features, appearance and colour, (3, N), all finite."""
        scores = np.stack(
            [
                (_logarithm(features) - self.feature_middle) / self.feature_spread,
                self.appearance_scores(images),
                colours / self.colour_limit,
            ]
        )
        return np.clip(np.nan_to_num(scores, nan=_MOST), -_MOST, _MOST)

    def appearance_scores(self, images: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores for how pictures look, of any shape."""
        return (_logarithm(images) - self.image_middle) / self.image_spread


def combined(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make one score of three, (3, N) -> (N,): the length of what is above the middle in each."""
    return np.sqrt((np.maximum(scores, 0) ** 2).sum(axis=0))


def root(features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the square roots of pooled features, which are positive but for rounding."""
    return np.sqrt(np.maximum(features, 0), dtype=np.float32)


def _logarithm(distances: NDArray[Any]) -> NDArray[np.float64]:
    return np.log(np.asarray(distances, np.float64) + 1e-6)


# The reference of a model, and its storage in the model file.

VERSION: Final = 1  # raise it when distances are computed otherwise
PREFIX: Final = "novelty."  # of the tensors' names
_ACQUISITION: Final = PREFIX + "acquisition."
MOST_FILMS: Final = 4000
MOST_AXES: Final = 256
MOST_EIGEN_FILMS: Final = 128
MOST_VALIDATION_FILMS: Final = 10_000_000

# No fit gives more; larger numbers would overflow where distances are squared and summed.
_LARGEST = 1e6
_LARGEST_OF = {
    "features.axes": 1.01,
    "image.mean": 100.0,
    "image.eigen_films": 1.01,
    "image.likeness.axes": 1.01,
}
_LEAST_OF = {"features.variances": 1e-10, "image.likeness.variances": 1e-10, "image.scale": 1e-4}
_TYPES = {"digests": np.uint8, "labels": np.int32, "thumbnails": np.uint8}  # others: float32
_OPTIONAL = {"thumbnails"}
_DIGEST_BYTES = 32


class _Description(BaseModel):
    """The numbers of a reference in the JSON of the model card."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(strict=True, ge=VERSION, le=VERSION)]
    n_validation: Annotated[int, Field(strict=True, ge=1, le=MOST_VALIDATION_FILMS)]
    familiar_share: Annotated[float, Field(strict=True, ge=0, le=1)]
    scale: Scale
    acquisition: dict[str, Any] | None = None
    copy_limit: Annotated[float, Field(strict=True, ge=0, le=1e6)] = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class NoveltyReference:
    """The training films of a model as the network and the eye see them.

    Args:
        features: Of the roots of the pooled features: they are positive and skew, and the root
            makes them more normal (Tukey's ladder; Yang, Liu and Xu, ICLR 2021).
        image: How the films look.
        scale: Of the distances to these two.
        digests: The films.
        labels: Their classes, (n,).
        places: Their coordinates on the axes of `features`, (n, k).
        thumbnails: (n, 64, 64), where the user allowed it.
        n_validation: Films that the scale was fitted to.
        familiar_share: Part of these that is familiar.
        classes: Their names.
        acquisition: The sources of the films; None: unknown.
        copy_limit: Of the distance to a training film: a nearer film is a copy of it. 0: unknown.
    """

    features: PooledGaussian
    image: AppearanceModel
    scale: Scale
    digests: tuple[str, ...]
    labels: NDArray[np.int32]
    places: NDArray[np.float32]
    thumbnails: NDArray[np.uint8] | None
    n_validation: int
    familiar_share: float
    classes: tuple[str, ...]
    acquisition: AcquisitionReference | None = None
    copy_limit: float = 0.0

    def judge(
        self,
        features: NDArray[np.floating[Any]],
        films: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
        prints: Sequence[NDArray[np.float32]] | None = None,
    ) -> list[Novelty]:
        """Say of each film how unlike the training films it is, and in which way.

        Args:
            features: Pooled, shape (N, F).
            films: N of shape (S, S) or (S, S, 3), as the network takes them.
            prints: The acquisition fingerprints of the whole films, N of (35,); None: not
                measured.
        """
        if not len(films):
            return []
        images = ImageFeatures.of(films)
        # An absurd network's features may be no numbers; that is as strange as can be.
        with np.errstate(over="ignore", invalid="ignore"):
            distances = self.features.distances(root(features))
        parts = self.scale.scores(
            distances,
            self.image.distances(images),
            np.array([coloured_share(film) for film in films]),
        )
        # A blank picture is never familiar, whatever the network makes of it.
        scores = np.maximum(combined(parts), np.where(images.is_blank, _BLANK_SCORE, 0.0))
        acquired: Sequence[Acquisition | None] = [None] * len(films)
        if self.acquisition is not None and prints is not None:
            acquired = self.acquisition.judge(np.stack(prints), self.classes)
        judged = []
        for row, score in enumerate(scores):
            kind, reason = self._explain(images.only(row), score, parts[:, row])
            is_familiar = kind == "familiar"
            novelty = Novelty(float(score), THRESHOLD, is_familiar, kind, reason, acquired[row])
            judged.append(novelty)
        return judged

    def nearest(self, features: NDArray[np.floating[Any]], n: int = 5) -> tuple[Neighbour, ...]:
        """Find the reference films that the network finds most like the film of `features`, (F,).

        The nearest come first; there are none where the features are no numbers.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            place = self.features.coordinates(root(features[None]))
            distances = np.linalg.norm(self.places - place, axis=1)
        if not np.isfinite(distances).all():
            return ()
        order = np.argsort(distances, kind="stable")[:n]
        return tuple(self._neighbour(row, float(distances[row])) for row in order.tolist())

    def source_examples(self, acquisition: Acquisition) -> tuple[Neighbour, ...]:
        """Return the reference films that a judgement names, with their fingerprints' distance."""
        return tuple(self._neighbour(row, distance) for row, distance in acquisition.examples)

    def _neighbour(self, row: int, distance: float) -> Neighbour:
        thumbnail = None if self.thumbnails is None else self.thumbnails[row]
        return Neighbour(int(self.labels[row]), self.digests[row], distance, thumbnail)

    def is_copy(self, nearest: Sequence[Neighbour]) -> bool:
        """Tell from its nearest films whether a film is a training film or one saved anew."""
        return bool(nearest) and nearest[0].distance < self.copy_limit

    def _explain(
        self, image: ImageFeatures, score: float, parts: NDArray[np.float64]
    ) -> tuple[NoveltyKind, Message]:
        """Say in which way one picture is strange; `parts` are its three scores."""
        if score <= THRESHOLD:
            return "familiar", _FAMILIAR
        if image.is_blank[0]:
            return "blank", _BLANK
        looks_strange = bool(parts[1] > THRESHOLD)
        if parts[2] > THRESHOLD:
            return "not_a_chest_film" if looks_strange else "unlike_training", _COLOURED
        pose = self._pose(image)
        if pose >= 4:
            return "negative", _NEGATIVE if pose == 4 else _TURNED_NEGATIVE
        if pose:
            return "turned", _UPSIDE_DOWN if pose == 2 else _ON_ITS_SIDE
        if looks_strange:
            return "not_a_chest_film", _NOT_A_CHEST_FILM
        return "unlike_training", _UNLIKE_TRAINING

    def _pose(self, image: ImageFeatures) -> int:
        """Return the pose of one picture, 0 where no other makes it a clearly likelier film."""
        distances = self.image.pose_distances(image)[0]  # (8,)
        nearness = -np.log(distances + 1e-6)
        pose = int(nearness.argmax())
        gain = nearness[pose] - nearness[0]
        lead = nearness[pose] - np.sort(nearness)[-2]
        strangeness = max(float(self.scale.appearance_scores(distances[pose])), 0)
        is_clear = gain > _LEAST_GAIN and lead > _LEAST_LEAD + _LEAD_WHERE_STRANGE * strangeness
        return pose if is_clear and strangeness < THRESHOLD else 0

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return values for the card's JSON, and tensors, their names beginning with PREFIX."""
        acquisition: dict[str, Any] | None = None
        acquired: Mapping[str, NDArray[Any]] = {}
        if self.acquisition is not None:
            acquisition, acquired = self.acquisition.to_parts()
        description = _Description(
            version=VERSION,
            n_validation=self.n_validation,
            familiar_share=self.familiar_share,
            scale=self.scale,
            acquisition=acquisition,
            copy_limit=self.copy_limit,
        )
        arrays: dict[str, NDArray[Any] | None] = {
            "features.mean": self.features.mean,
            "features.axes": self.features.axes,
            "features.variances": self.features.variances,
            "image.mean": self.image.mean_film,
            "image.eigen_films": self.image.eigen_films,
            "image.scale": self.image.scale,
            "image.likeness.mean": self.image.likeness.mean,
            "image.likeness.axes": self.image.likeness.axes,
            "image.likeness.variances": self.image.likeness.variances,
            "digests": _packed(self.digests),
            "labels": self.labels,
            "places": self.places,
            "thumbnails": self.thumbnails,
        }
        tensors = {PREFIX + name: array for name, array in arrays.items() if array is not None}
        tensors |= {_ACQUISITION + name: array for name, array in acquired.items()}
        return description.model_dump(), tensors

    @classmethod
    def from_parts(
        cls,
        values: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        *,
        n_features: int,
        classes: Sequence[str],
        train_digests: Sequence[str],
    ) -> Self:
        """Read what `to_parts` made; takes no more memory than the arrays.

        Raises:
            ValueError: A name, type, shape or number is not as `to_parts` writes it.
        """
        try:
            description = _Description.model_validate(values)
        except ValidationError as error:
            raise ValueError("the numbers of novelty are not as they are written") from error
        acquired = {
            name.removeprefix(_ACQUISITION): array
            for name, array in arrays.items()
            if name.startswith(_ACQUISITION)
        }
        given = _checked(
            {name: array for name, array in arrays.items() if not name.startswith(_ACQUISITION)},
            n_features,
        )
        digests, labels = tuple(row.tobytes().hex() for row in given["digests"]), given["labels"]
        _require(set(digests) <= set(train_digests), "digests")
        _require(bool((labels >= 0).all() and (labels < len(classes)).all()), "labels")

        acquisition = None
        if description.acquisition is not None:
            acquisition = AcquisitionReference.from_parts(
                description.acquisition, acquired, n_films=len(digests), n_classes=len(classes)
            )
        else:
            _require(not acquired, "acquisition")

        def gaussian(name: str) -> PooledGaussian:
            return PooledGaussian(*(given[f"{name}.{part}"] for part in _GAUSSIAN))

        return cls(
            features=gaussian("features"),
            image=AppearanceModel(
                given["image.mean"],
                given["image.eigen_films"],
                given["image.scale"],
                gaussian("image.likeness"),
            ),
            scale=description.scale,
            digests=digests,
            labels=labels,
            places=given["places"],
            thumbnails=given.get("thumbnails"),
            n_validation=description.n_validation,
            familiar_share=description.familiar_share,
            classes=tuple(classes),
            acquisition=acquisition,
            copy_limit=description.copy_limit,
        )


_GAUSSIAN = ("mean", "axes", "variances")


def _packed(digests: Sequence[str]) -> NDArray[np.uint8]:
    """Return sha256 digests in hexadecimal as bytes, (n, 32)."""
    content = b"".join(bytes.fromhex(digest) for digest in digests)
    return np.frombuffer(content, np.uint8).reshape(len(digests), _DIGEST_BYTES)


def _checked(arrays: Mapping[str, NDArray[Any]], n_features: int) -> dict[str, NDArray[Any]]:
    """Return the tensors without the beginning of their names.

    Raises:
        ValueError: One is missing or too many, or its type, shape or content is wrong.
    """
    given = {name.removeprefix(PREFIX): array for name, array in arrays.items()}
    _require(all(name.startswith(PREFIX) for name in arrays), "names")
    for name in ("places", "image.eigen_films", "image.likeness.axes"):
        _require(name in given and np.ndim(given[name]) == 2, name)
    n_films, n_axes = np.shape(given["places"])
    n_eigen_films, n_image_axes = len(given["image.eigen_films"]), len(given["image.likeness.axes"])
    n_numbers = n_eigen_films + 1 + N_CONTRASTS
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
        "thumbnails": (n_films, THUMBNAIL_SIDE, THUMBNAIL_SIDE),
    }
    _require(shapes.keys() - _OPTIONAL <= given.keys() <= shapes.keys(), "names")
    for name, array in given.items():
        is_typed = isinstance(array, np.ndarray) and array.dtype == _TYPES.get(name, np.float32)
        _require(is_typed and array.shape == shapes[name], name)
        if name not in _TYPES:  # the comparisons are false for NaN; infinities are larger
            _require(bool((np.abs(array) <= _LARGEST_OF.get(name, _LARGEST)).all()), name)
            _require(bool((array >= _LEAST_OF.get(name, -np.inf)).all()), name)
    return given


def _require(is_valid: bool, name: str) -> None:
    if not is_valid:
        raise ValueError(f"the tensor {name} of novelty is not as it must be")


def fit_novelty(
    train: FilmSet, validation: FilmSet, classes: Sequence[str], *, keep_thumbnails: bool
) -> NoveltyReference | None:
    """Describe the training films and set the limit of what is familiar.

    Args:
        train: Films that the network learned from, at most 4000.
        validation: Films that neither the network nor this learned from.
        classes: The names behind their labels.
        keep_thumbnails: Whether small pictures of the films may travel in the model file.

    Returns:
        None where there are too few films, or the network's features are no numbers or absurd
        ones.
    """
    if len(validation) < LEAST_VALIDATION_FILMS or len(train) < LEAST_TRAINING_FILMS:
        return None
    if not (np.isfinite(train.features).all() and np.isfinite(validation.features).all()):
        return None
    points = root(train.features)
    features = PooledGaussian.fit(points, N_AXES)
    places = features.coordinates(points)
    image = AppearanceModel.fit(train.films)
    distances = (
        features.distances(root(validation.features)),
        image.distances(ImageFeatures.of(validation.films)),
        np.array([coloured_share(film) for film in validation.films]),
    )
    try:
        scale = Scale.fit(*distances)
        scores = combined(scale.scores(*distances))
        reference = NoveltyReference(
            features=features,
            image=image,
            scale=scale,
            digests=train.digests,
            labels=train.labels.astype(np.int32),
            places=places,
            thumbnails=_thumbnails(train) if keep_thumbnails else None,
            n_validation=len(validation),
            familiar_share=float(np.mean(scores <= THRESHOLD)),
            classes=tuple(classes),
            acquisition=AcquisitionReference.fit(
                train.prints, train.labels, validation.prints, len(classes)
            ),
            copy_limit=_copy_limit(places, features.coordinates(root(validation.features))),
        )
        # A model file with it must open again: nobody may lose a model by this.
        return NoveltyReference.from_parts(
            *reference.to_parts(),
            n_features=len(features.mean),
            classes=classes,
            train_digests=train.digests,
        )
    except ValueError:
        return None


# In medians of the distances of validation films to the nearest training film: X-rays saved anew at
# another size, as JPEG 30, blurred or with noise lie at 0.02 to 0.18, other films at 0.65 and more
# (132 of xray-medium.zip, ResNet-18).
_COPY_SHARE: Final = 0.35


def _copy_limit(train: NDArray[np.float32], validation: NDArray[np.float32]) -> float:
    """Return a distance far below that of any film that shows something new.

    Args:
        train: Coordinates, (N, k).
        validation: Coordinates of films of other patients, (M, k).
    """
    nearest = [float(np.linalg.norm(train - place, axis=1).min()) for place in validation]
    return _COPY_SHARE * float(np.median(nearest))


def _thumbnails(train: FilmSet) -> NDArray[np.uint8]:
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return np.stack(
        [
            np.asarray(Image.fromarray(grey(film)).resize(side, Image.Resampling.BILINEAR))
            for film in train.films
        ]
    )
