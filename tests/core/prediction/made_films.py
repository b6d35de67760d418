"""Phantom films with made features: what a network that tells three classes apart might give."""

import hashlib

import numpy as np

from core.images.fingerprint import fingerprint
from core.phantom import CLASSES, draw_film
from core.prediction.novelty import FilmSet

N_FEATURES = 48
N_TRAIN, N_VALIDATION, N_NEW = 90, 30, 24
SIZE = 64  # pixels


def features_of(labels: np.ndarray, seed: int) -> np.ndarray:
    """Positive and skew, with few directions in which films differ."""
    random = np.random.default_rng(seed)
    ways = np.random.default_rng(0).normal(0, 1, (10, N_FEATURES))
    inner = random.normal(0, 1, (len(labels), 10))
    inner[np.arange(len(labels)), labels] += 3
    made = np.maximum(inner @ ways + random.normal(0, 0.1, (len(labels), N_FEATURES)), 0)
    return made.astype(np.float32)


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def film_set(start: int, n: int) -> FilmSet:
    numbers = range(start, start + n)
    labels = np.array([number % 3 for number in numbers], np.int64)
    films = [draw_film(CLASSES[number % 3], number, SIZE) for number in numbers]
    return FilmSet(
        features_of(labels, start),
        films,
        labels,
        tuple(digest(number) for number in numbers),
        np.stack([fingerprint(film) for film in films]),
    )
