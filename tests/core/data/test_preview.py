from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from core.config import AugmentationConfig
from core.data.augmentation import draws
from core.data.batches import BatchSource
from core.data.records import Record
from tests.core.data.caches import cache_of

SIZE, N_FILMS, SEED = 16, 5, 3
CONFIG = AugmentationConfig(probability=0.9, rotation_degrees=12)
FILMS = np.random.default_rng(0).integers(0, 256, (N_FILMS, SIZE, SIZE)).astype(np.uint8)


def trained_on(epoch: int) -> dict[int, np.ndarray]:
    """What an epoch shows, by the film's place; its label tells which one it is."""
    records = tuple(Record(f"{n}.png", Path(), str(n), n) for n in range(N_FILMS))
    rows = {str(n): n for n in range(N_FILMS)}
    colour = np.empty((0, SIZE, SIZE, 3), np.uint8)
    source = BatchSource(cache_of(rows, FILMS, {}, colour), records, 2)
    with closing(source.training_batches(CONFIG, SEED, epoch, 1)) as batches:
        return {
            int(label): image
            for batch in batches
            for image, label in zip(batch.images, batch.labels, strict=True)
        }


@pytest.mark.parametrize("index", [0, 3])
def test_the_draws_are_what_the_epochs_of_a_run_show(index: int) -> None:
    drawn = draws(FILMS[index], CONFIG, SEED, index=index)
    assert len(drawn) == 12
    for epoch, picture in enumerate(drawn, start=1):
        assert np.array_equal(picture, trained_on(epoch)[index])


def test_later_epochs_follow_on() -> None:
    later = draws(FILMS[0], CONFIG, SEED, 2, first_epoch=5)
    both = draws(FILMS[0], CONFIG, SEED, 6)
    assert [np.array_equal(one, other) for one, other in zip(later, both[4:], strict=True)] == [
        True,
        True,
    ]


def test_the_film_is_left_as_it_was() -> None:
    film = FILMS[0].copy()
    draws(film, CONFIG, SEED)
    assert np.array_equal(film, FILMS[0])


def test_a_coloured_film_keeps_its_shape() -> None:
    film = np.stack([FILMS[0], FILMS[1], FILMS[2]], axis=-1)
    assert {picture.shape for picture in draws(film, CONFIG, SEED)} == {(SIZE, SIZE, 3)}
