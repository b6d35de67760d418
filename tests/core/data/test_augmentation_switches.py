import hashlib

import numpy as np
import pytest

from core.config import CHANGES, ENHANCEMENTS, AugmentationConfig, Change
from core.data.augmentation import augment, generator_for

ALL = AugmentationConfig(probability=1.0)
FACTORS_OF_ONE = {f"{name}_{end}": 1.0 for name in ENHANCEMENTS for end in ("low", "high")}
GREY = np.add.outer(np.arange(0, 128, 2), np.arange(64)).astype(np.uint8)
COLOUR = np.stack([GREY, GREY.T, GREY[::-1]], axis=-1)
both = pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])

# What version 0.1.0 drew, before each change had a switch and a range of its own: the
# results in README were trained with these numbers. The first digest is of the pixels, the
# second of what each generator gives next, which tells that it drew as many numbers.
RECORDED = {
    "defaults": ({}, "df1b41933feb4063", "ca3c3c8465d1514c"),
    "every change": ({"probability": 1.0}, "dd9ed2c95276956d", "36a81e9b3b8028ad"),
    "reference": ({"is_noise_per_channel": True}, "a539501d6a060792", "f1cee8dad8664eb8"),
    "own ranges": (
        {
            "probability": 0.8,
            "enhancement_low": 0.7,
            "enhancement_high": 1.2,
            "flip_probability": 0.3,
            "rotation_degrees": 7,
            "noise_sigma_max": 4.0,
            "is_noise_per_channel": True,
        },
        "4d0d91efeecee2ff",
        "b278924b64d70b1d",
    ),
    "no rotation": (
        {"probability": 1.0, "rotation_degrees": 0},
        "0f6077e0817795ba",
        "b7c772c312c45dc7",
    ),
}


@pytest.mark.parametrize(("old", "pixels", "after"), RECORDED.values(), ids=RECORDED)
def test_a_seed_draws_what_it_always_drew(old: dict, pixels: str, after: str) -> None:
    rows, columns = np.mgrid[0:64, 0:64]
    grey = ((rows * 37 + columns * columns * 11 + rows * columns * 5) % 256).astype(np.uint8)
    colour = np.stack([grey, grey.T, grey[::-1]], axis=-1)
    config = AugmentationConfig.from_json(old)
    images, generators = hashlib.sha256(), hashlib.sha256()
    for image in (grey, colour):
        for key in ((seed, 1, index) for seed in (0, 7) for index in range(10)):
            random = generator_for(*key)
            images.update(augment(image, config, random).tobytes())
            generators.update(random.bytes(16))
    assert (images.hexdigest()[:16], generators.hexdigest()[:16]) == (pixels, after)


@both
def test_with_every_change_off_the_film_stays(pixels: np.ndarray) -> None:
    config = ALL.changed(
        is_noise_per_channel=True, **{f"is_{change}_on": False for change in CHANGES}
    )
    assert np.array_equal(augment(pixels, config, generator_for(0, 1, 2)), pixels)


def test_noise_that_is_off_leaves_the_film() -> None:
    only_noise = ALL.changed(
        rotation_degrees=0, is_flip_on=False, is_noise_on=False, **FACTORS_OF_ONE
    )
    assert np.array_equal(augment(GREY, only_noise, generator_for(0, 1, 2)), GREY)


@pytest.mark.parametrize("is_noise_per_channel", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_switching_a_change_off_does_not_shift_the_others(
    change: Change, is_noise_per_channel: bool
) -> None:
    on = AugmentationConfig(is_noise_per_channel=is_noise_per_channel)
    off = on.changed(**{f"is_{change}_on": False})
    for index in range(20):
        one, other = generator_for(3, 1, index), generator_for(3, 1, index)
        augment(GREY, on, one)
        augment(GREY, off, other)
        assert one.random() == other.random()
