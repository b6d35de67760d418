"""What a model remembers of its training films, and what follows for a new one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.prediction.novelty import judgement
from core.prediction.novelty.gaussian import PooledGaussian
from core.prediction.novelty.judgement import Novelty, NoveltyKind
from core.prediction.novelty.parts import fields_of, to_parts
from core.prediction.novelty.plain_image import Look, PlainImage, coloured_share
from core.prediction.novelty.scale import Scale, joined

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
            return "familiar", judgement.familiar()
        if look.is_blank[row]:
            return "blank", judgement.blank()
        of_image, of_colour = parts[1:]
        if of_colour > THRESHOLD:
            kind: NoveltyKind = "not_a_chest_film" if of_image > THRESHOLD else "unlike_training"
            return kind, judgement.coloured()
        pose = self._pose(look.only(row))
        if pose >= 4:
            return "negative", judgement.negative(pose)
        if pose:
            return "turned", judgement.turned(pose)
        if of_image > THRESHOLD:
            return "not_a_chest_film", judgement.not_a_chest_film()
        return "unlike_training", judgement.unlike_training()

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
