"""Learning, at the end of a training, which films are familiar."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.prediction.novelty.film_set import FilmSet
from core.prediction.novelty.gaussian import PooledGaussian
from core.prediction.novelty.memory import THRESHOLD, THUMBNAIL_SIDE, TrainingMemory, root
from core.prediction.novelty.plain_image import Look, PlainImage, coloured_share, grey
from core.prediction.novelty.scale import Scale, joined

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
