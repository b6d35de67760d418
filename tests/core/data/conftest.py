"""Phantom films and their thumbnails, drawn once."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.data.cache import thumbnail
from core.phantom import CLASSES, draw_film


@pytest.fixture(scope="session")
def phantoms() -> list[NDArray[np.uint8]]:
    """Forty patients' films of 160 x 160 pixels."""
    return [draw_film(CLASSES[seed % 3], seed, 160) for seed in range(40)]


@pytest.fixture(scope="session")
def thumbs(phantoms: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Their thumbnails, shape (40, 128, 128)."""
    stacked = np.stack([thumbnail(film) for film in phantoms])
    stacked.flags.writeable = False  # shared by all tests
    return stacked
