"""Read films for a quiz: their pixels for the learner, and what the model says of them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import ImageReadError, Message, Refusal
from core.images.film import FullDepthFilm
from core.images.reading import content_of, load_xray, read_full
from core.prediction.classifier import Classifier
from core.prediction.explanation import explain
from core.prediction.film_search import FoundFilm
from core.prediction.reading import FilmResult, Part, parts_of, read_film
from core.quiz.films import QuizFilm


@dataclass(frozen=True, slots=True, eq=False)
class QuizFilmRead:
    """A film that is ready to be asked about."""

    film: QuizFilm
    view: FullDepthFilm
    result: FilmResult
    heat: NDArray[np.float32] | None = None  # (h, w) in [0, 1], over the whole film


@dataclass(frozen=True, slots=True)
class QuizFilmRefused:
    """A film that cannot be asked about."""

    film: QuizFilm
    refusal: Refusal


def read_quiz_films(
    classifier: Classifier, films: Sequence[QuizFilm], *, with_heat: bool
) -> Iterator[QuizFilmRead | QuizFilmRefused]:
    """Read films one after the other, each as soon as it can be.

    Args:
        classifier: The model to ask.
        films: A file that has changed since its class was noted is refused.
        with_heat: Whether each comes with the heat map of the class that the model names.
    """
    parts = parts_of(classifier.card)
    for film in films:
        try:
            yield _read(classifier, film, parts, with_heat)
        except ImageReadError as error:
            # Read from bytes, or from where a zip was unpacked to: the user knows another name.
            reason = Message(error.message.template, **{**error.message.values, "file": film.name})
            yield QuizFilmRefused(film, Refusal(film.name, reason, error.kind))


def _read(
    classifier: Classifier, film: QuizFilm, parts: Mapping[str, Part], with_heat: bool
) -> QuizFilmRead:
    content = content_of(film.path)
    if hashlib.sha256(content).hexdigest() != film.digest:
        raise ImageReadError(
            Message(
                "{file} has changed since the dataset was opened, so its class is not known. Open "
                "the dataset again.",
                file=film.name,
            ),
            "other",
        )
    found = FoundFilm(path=film.path, name=film.name, file=film.name, source=film.path)
    result = read_film(classifier, found, content, parts)
    heat = _heat(classifier, load_xray(content), result.predicted) if with_heat else None
    return QuizFilmRead(film, read_full(content), result, heat)


def _heat(
    classifier: Classifier, pixels: NDArray[np.uint8], label: int
) -> NDArray[np.float32] | None:
    *_, last = explain(classifier, pixels, label)  # the first steps have a coarse preview only
    return last.best.values
