import hashlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from core.config import CHANGES, ENHANCEMENTS, AugmentationConfig, Change, preset
from core.data import augmentation
from core.data.augmentation import (
    add_noise,
    augment,
    brighten,
    change_contrast,
    draws,
    flip,
    generator_for,
    rotate,
    saturate,
    sharpen,
)
from core.data.batches import BatchSource
from core.data.records import Record
from tests.core.data.caches import cache_of

FACTORS = [0.5, 0.73, 1.0, 1.28, 1.5]
NONE = AugmentationConfig(probability=0.0)
ALL = AugmentationConfig(probability=1.0)
FACTORS_OF_ONE = {f"{name}_{end}": 1.0 for name in ENHANCEMENTS for end in ("low", "high")}


def film(seed: int = 0, size: int = 64) -> np.ndarray:
    """A smooth film with noise that reaches black and white."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:size, 0:size] / size
    levels = 255 * (0.2 + 0.6 * rows * columns) + random.normal(0, 40, (size, size))
    return levels.clip(0, 255).astype(np.uint8)


GREY = film()
COLOUR = np.stack([film(1), film(2), film(3)], axis=-1)
both = pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])


def largest_difference(one: Image.Image, other: Image.Image) -> int:
    assert one.mode == other.mode
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@both
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize(
    ("ours", "pillows"),
    [
        (brighten, ImageEnhance.Brightness),
        (change_contrast, ImageEnhance.Contrast),
        (saturate, ImageEnhance.Color),
        (sharpen, ImageEnhance.Sharpness),
    ],
    ids=["brightness", "contrast", "saturation", "sharpness"],
)
def test_an_enhancement_is_pillows_within_one_grey_level(
    ours: Callable, pillows: Callable, factor: float, pixels: np.ndarray
) -> None:
    picture = Image.fromarray(pixels)
    assert largest_difference(ours(picture, factor), pillows(picture).enhance(factor)) <= 1


@pytest.mark.parametrize("factor", [0.5, 1.5])
@pytest.mark.parametrize("change", [brighten, change_contrast, saturate, sharpen])
def test_a_grey_film_is_changed_like_its_rgb_copy(change: Callable, factor: float) -> None:
    copy = Image.fromarray(np.repeat(GREY[..., None], 3, axis=2))
    grey = np.asarray(change(Image.fromarray(GREY), factor), int)
    colour = np.asarray(change(copy, factor), int)
    assert np.abs(colour - grey[..., None]).max() <= 1


@both
@pytest.mark.parametrize("degrees", [-30, -7, 0, 12, 29])
def test_a_rotation_is_pillows_with_black_corners(degrees: int, pixels: np.ndarray) -> None:
    turned = rotate(Image.fromarray(pixels), degrees)
    expected = Image.fromarray(pixels).rotate(degrees, expand=False, fillcolor=0)
    assert largest_difference(turned, expected) <= 1
    assert turned.size == (64, 64)
    if abs(degrees) > 10:
        assert np.asarray(turned)[0, 0].max() == 0


def test_a_rotation_turns_counter_clockwise() -> None:
    spot = np.zeros((64, 64), np.uint8)
    spot[28:36, 56:64] = 255  # right of the middle
    turned = np.asarray(rotate(Image.fromarray(spot), 90))
    assert turned[:10, 24:40].sum() == spot.sum()


@both
def test_a_flip_mirrors_left_and_right(pixels: np.ndarray) -> None:
    assert np.array_equal(np.asarray(flip(Image.fromarray(pixels))), pixels[:, ::-1])


@both
@pytest.mark.parametrize("sigma", [0.0, 3.0, 10.0])
def test_noise_has_the_mean_and_spread_asked_for(sigma: float, pixels: np.ndarray) -> None:
    flat = Image.fromarray(np.full((200, 200, *pixels.shape[2:]), 128, np.uint8))
    noise = np.asarray(add_noise(flat, sigma, np.random.default_rng(1)), float) - 128
    assert noise.mean() == pytest.approx(0, abs=0.15)
    # Rounding to whole grey levels adds a variance of 1/12.
    expected = np.sqrt(sigma**2 + 1 / 12) if sigma else 0
    assert noise.std() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("level", [0, 255])
def test_noise_is_clipped_and_does_not_wrap_around(level: int) -> None:
    flat = Image.fromarray(np.full((100, 100), level, np.uint8))
    noisy = np.asarray(add_noise(flat, 10, np.random.default_rng(0)), int)
    assert np.abs(noisy - level).max() < 60
    assert np.mean(noisy == level) == pytest.approx(0.5, abs=0.05)


def test_noise_of_colour_channels_is_independent() -> None:
    flat = Image.fromarray(np.full((100, 100, 3), 128, np.uint8))
    noise = np.asarray(add_noise(flat, 10, np.random.default_rng(0)), float).reshape(-1, 3)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.05


@both
def test_with_probability_zero_the_film_stays(pixels: np.ndarray) -> None:
    assert np.array_equal(augment(pixels, NONE, generator_for(0, 1, 2)), pixels)


@both
def test_the_input_is_left_as_it_was(pixels: np.ndarray) -> None:
    before = pixels.copy()
    for index in range(20):
        changed = augment(pixels, ALL, generator_for(0, 0, index))
        assert changed.shape == pixels.shape
        assert changed.dtype == np.uint8
        assert not np.array_equal(changed, before)
    assert np.array_equal(pixels, before)


def test_a_memory_mapped_film_can_be_augmented(tmp_path) -> None:
    (tmp_path / "films").write_bytes(GREY.tobytes() * 2)
    mapped = np.memmap(tmp_path / "films", np.uint8, "r", shape=(2, 64, 64))
    expected = augment(GREY, ALL, generator_for(0, 0, 1))
    assert np.array_equal(augment(mapped[1], ALL, generator_for(0, 0, 1)), expected)


def test_the_same_seed_epoch_and_image_repeat_and_any_other_differs() -> None:
    def changed(*key: int) -> bytes:
        return augment(GREY, ALL, generator_for(*key)).tobytes()

    keys = [(s, e, i) for s in (0, 1) for e in (1, 2) for i in (0, 1)]
    assert [changed(*key) for key in keys] == [changed(*key) for key in keys]
    assert len({changed(*key) for key in keys}) == len(keys)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the changes that were applied, in order."""
    numbers: list[int] = []

    def noting(number: int) -> Callable:
        def change(picture: Image.Image, *_: object) -> Image.Image:
            numbers.append(number)
            return picture

        return change

    monkeypatch.setattr(augmentation, "_CHANGES", tuple(noting(number) for number in range(7)))
    return numbers


def test_there_are_seven_changes() -> None:
    assert len(augmentation._CHANGES) == 7


def test_each_change_is_drawn_on_its_own_with_the_probability(drawn: list[int]) -> None:
    config = ALL.changed(probability=0.3)
    for index in range(3000):
        augment(GREY, config, generator_for(0, 0, index))
    shares = np.bincount(drawn, minlength=7) / 3000
    assert shares == pytest.approx(np.full(7, 0.3), abs=0.03)


def test_the_order_is_shuffled_for_each_image(drawn: list[int]) -> None:
    for index in range(700):
        augment(GREY, ALL, generator_for(0, 0, index))
    orders = np.array(drawn).reshape(700, 7)
    assert all(sorted(order) == list(range(7)) for order in orders)
    firsts = np.bincount(orders[:, 0], minlength=7)
    assert firsts == pytest.approx(np.full(7, 100), abs=40)
    assert len({tuple(order) for order in orders}) > 600


def noted(
    monkeypatch: pytest.MonkeyPatch, name: str, config: AugmentationConfig, n_images: int = 2000
) -> list[float]:
    """The strengths with which a change is called for so many images."""
    values: list[float] = []

    def note(picture: Image.Image, value: float = 1, *_: object) -> Image.Image:
        values.append(value)
        return picture

    monkeypatch.setattr(augmentation, name, note)
    small = GREY[:8, :8]
    for index in range(n_images):
        augment(small, config, generator_for(1, 0, index))
    return values


@pytest.mark.parametrize("name", ["brighten", "change_contrast", "saturate", "sharpen"])
def test_factors_fill_their_range(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = noted(monkeypatch, name, ALL)
    assert len(values) == 2000
    assert 0.5 <= min(values) < 0.51
    assert 1.49 < max(values) <= 1.5
    assert np.mean(values) == pytest.approx(1.0, abs=0.02)


def test_rotations_are_whole_degrees_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    values = noted(monkeypatch, "rotate", ALL)
    assert set(values) == set(range(-30, 30))


def test_noise_goes_up_to_its_largest_sigma(monkeypatch: pytest.MonkeyPatch) -> None:
    values = noted(monkeypatch, "add_noise", ALL)
    assert 0 <= min(values) < 0.1
    assert 9.9 < max(values) <= 10


def test_a_flip_that_was_drawn_happens_half_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(noted(monkeypatch, "flip", ALL)) == pytest.approx(1000, abs=80)


def test_ranges_of_zero_switch_a_change_off() -> None:
    config = AugmentationConfig(
        probability=1.0,
        flip_probability=0.0,
        rotation_degrees=0,
        noise_sigma_max=0.0,
        **FACTORS_OF_ONE,
    )
    assert np.array_equal(augment(GREY, config, generator_for(0, 0, 0)), GREY)


def test_the_reference_recipe_draws_noise_for_each_channel() -> None:
    film = np.full((32, 32), 128, np.uint8)
    only_noise = {**FACTORS_OF_ONE, "rotation_degrees": 0}
    per_channel = AugmentationConfig(probability=1.0, is_noise_per_channel=True, **only_noise)
    noisy = augment(film, per_channel, generator_for(0, 1, 0))
    assert noisy.shape == (32, 32, 3)
    assert (noisy[..., 0] != noisy[..., 1]).mean() > 0.5
    grey = per_channel.changed(is_noise_per_channel=False)
    assert augment(film, grey, generator_for(0, 1, 0)).shape == (32, 32)
    assert preset("reference").augmentation.is_noise_per_channel


# What the change calls; noise is called to draw its numbers even when it is off.
CALLED = {
    "brightness": "brighten",
    "contrast": "change_contrast",
    "saturation": "saturate",
    "sharpness": "sharpen",
    "flip": "flip",
    "rotation": "rotate",
}


@pytest.mark.parametrize("change", CALLED)
def test_a_change_that_is_off_is_not_made(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ALL.changed(**{f"is_{change}_on": False})
    assert noted(monkeypatch, CALLED[change], config, n_images=100) == []


@pytest.mark.parametrize("change", ENHANCEMENTS)
def test_each_enhancement_has_its_own_range(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {f"{change}_low": 0.9, f"{change}_high": 1.1}
    values = noted(monkeypatch, CALLED[change], ALL.changed(**own), 300)
    assert 0.9 <= min(values) < 0.91
    assert 1.09 < max(values) <= 1.1


CERTAIN = AugmentationConfig(probability=1.0)
STEPS = np.add.outer(np.arange(0, 128, 2), np.arange(64)).astype(np.uint8)
COLOURED_STEPS = np.stack([STEPS, STEPS.T, STEPS[::-1]], axis=-1)
grey_and_coloured = pytest.mark.parametrize(
    "pixels", [STEPS, COLOURED_STEPS], ids=["grey", "colour"]
)
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


@grey_and_coloured
def test_with_every_change_off_the_film_stays(pixels: np.ndarray) -> None:
    config = CERTAIN.changed(
        is_noise_per_channel=True, **{f"is_{change}_on": False for change in CHANGES}
    )
    assert np.array_equal(augment(pixels, config, generator_for(0, 1, 2)), pixels)


def test_noise_that_is_off_leaves_the_film() -> None:
    only_noise = CERTAIN.changed(
        rotation_degrees=0, is_flip_on=False, is_noise_on=False, **FACTORS_OF_ONE
    )
    assert np.array_equal(augment(STEPS, only_noise, generator_for(0, 1, 2)), STEPS)


@pytest.mark.parametrize("is_noise_per_channel", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_switching_a_change_off_does_not_shift_the_others(
    change: Change, is_noise_per_channel: bool
) -> None:
    on = AugmentationConfig(is_noise_per_channel=is_noise_per_channel)
    off = on.changed(**{f"is_{change}_on": False})
    for index in range(20):
        one, other = generator_for(3, 1, index), generator_for(3, 1, index)
        augment(STEPS, on, one)
        augment(STEPS, off, other)
        assert one.random() == other.random()


SIZE, N_FILMS, SEED = 16, 5, 3
CONFIG = AugmentationConfig(probability=0.9, rotation_degrees=12)
FILMS = np.random.default_rng(0).integers(0, 256, (N_FILMS, SIZE, SIZE)).astype(np.uint8)


def trained_on(epoch: int) -> dict[int, np.ndarray]:
    """Return the pictures of an epoch by the film's place, which its label tells."""
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
