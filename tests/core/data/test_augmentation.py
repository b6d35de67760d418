from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from core.config import ENHANCEMENTS, AugmentationConfig, Change, preset
from core.data import augmentation
from core.data.augmentation import (
    add_noise,
    augment,
    brighten,
    change_contrast,
    flip,
    generator_for,
    rotate,
    saturate,
    sharpen,
)

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
