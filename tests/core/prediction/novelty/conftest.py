"""Films to learn from, films to set the limit by, films that are new, and what is remembered."""

import pytest

from core.prediction.novelty import FilmSet, TrainingMemory, fit_memory
from tests.core.prediction.novelty.made_films import N_NEW, N_TRAIN, N_VALIDATION, film_set


@pytest.fixture(scope="session")
def train() -> FilmSet:
    return film_set(0, N_TRAIN)


@pytest.fixture(scope="session")
def validation() -> FilmSet:
    return film_set(1000, N_VALIDATION)


@pytest.fixture(scope="session")
def new() -> FilmSet:
    """Films that nothing was fitted to."""
    return film_set(2000, N_NEW)


@pytest.fixture(scope="session")
def memory(train: FilmSet, validation: FilmSet) -> TrainingMemory:
    fitted = fit_memory(train, validation, keep_thumbnails=True)
    assert fitted is not None
    return fitted
