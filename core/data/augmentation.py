"""The seven random changes of training images, each image with its own seeded generator.

A change that is switched off draws its numbers all the same and leaves the image alone:
switching one off does not alter what the others draw.

Enhancements follow Pillow's ImageEnhance definitions. On grey films brightness and
contrast are one table look-up each and saturation has no effect; coloured films take
Pillow's own way.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from core.config import AugmentationConfig


def augment(
    image: NDArray[np.uint8], config: AugmentationConfig, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Change one training image; each change is drawn on its own, in a shuffled order.

    Args:
        image: Grey levels (S, S) or colours (S, S, 3), 0..255.
        config: Which changes are on, their probability and ranges.
        random: The generator of this image alone.

    Returns:
        The same shape, or (S, S, 3) where a grey film got noise in each channel; 0..255. The
        input itself is left as it was.
    """
    picture = Image.fromarray(image)
    for change in random.permutation(len(_CHANGES)):
        if random.random() < config.probability:
            picture = _CHANGES[change](picture, config, random)
    return np.asarray(picture)


def generator_for_order(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that shuffles the images of one epoch."""
    # The first number tells the purposes apart: numpy fills short seeds up with zeros, so
    # (seed, epoch) alone would be the seed of image 0.
    return np.random.Generator(np.random.PCG64((0, seed, epoch)))


def generator_for(seed: int, epoch: int, index: int, turn: int = 0) -> np.random.Generator:
    """Return the generator of one image in one epoch, the same whatever thread draws from it.

    Args:
        seed: Of the run.
        epoch: 1-based.
        index: Of the image among the training images.
        turn: How often the image was drawn before in this epoch.
    """
    # The first time has no number of its own: older runs are repeated to the bit.
    again = (turn,) if turn else ()
    return np.random.Generator(np.random.PCG64((1, seed, epoch, index, *again)))


def brighten(picture: Image.Image, factor: float) -> Image.Image:
    """Blend with black: 0 is black, 1 the picture itself."""
    if picture.mode == "RGB":
        return ImageEnhance.Brightness(picture).enhance(factor)
    return picture.point(_blend_table(0, factor))


def change_contrast(picture: Image.Image, factor: float) -> Image.Image:
    """Blend with the mean grey level, rounded half up."""
    if picture.mode == "RGB":
        return ImageEnhance.Contrast(picture).enhance(factor)
    counts = np.array(picture.histogram())
    mean = int(counts @ np.arange(256) / counts.sum() + 0.5)
    return picture.point(_blend_table(mean, factor))


def saturate(picture: Image.Image, factor: float) -> Image.Image:
    """Blend with the grey version of the picture: nothing to do on a grey film."""
    return ImageEnhance.Color(picture).enhance(factor) if picture.mode == "RGB" else picture


def sharpen(picture: Image.Image, factor: float) -> Image.Image:
    """Blend with a smoothed version: below 1 blurs, above 1 sharpens."""
    return ImageEnhance.Sharpness(picture).enhance(factor)


def flip(picture: Image.Image) -> Image.Image:
    """Exchange left and right."""
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def rotate(picture: Image.Image, degrees: int) -> Image.Image:
    """Turn counter-clockwise in the same frame; the corners become black."""
    return picture.rotate(degrees)


def add_noise(picture: Image.Image, sigma: float, random: np.random.Generator) -> Image.Image:
    """Add Gaussian noise of `sigma` grey levels, rounded and clipped to 0..255.

    A grey picture gets one noise, a coloured one a noise for each channel. (The notebook
    wraps around at 256; that bug is not reproduced.)
    """
    levels = np.asarray(picture)
    noise = random.standard_normal(levels.shape, dtype=np.float32)
    noise *= sigma
    noise += levels
    np.rint(noise, out=noise)
    np.clip(noise, 0, 255, out=noise)
    return Image.fromarray(noise.astype(np.uint8))


def _blend_table(base: int, factor: float) -> list[int]:
    """`base + factor * (level - base)` for each level, cut to 0..255 as Pillow's blend does."""
    levels = base + factor * (np.arange(256) - base)
    table: list[int] = np.clip(levels, 0, 255).astype(np.uint8).tolist()
    return table


def _enhance(
    enhance: Callable[[Image.Image, float], Image.Image],
    picture: Image.Image,
    is_on: bool,
    factor: float,
) -> Image.Image:
    return enhance(picture, factor) if is_on else picture


def _random_flip(
    picture: Image.Image, config: AugmentationConfig, random: np.random.Generator
) -> Image.Image:
    is_drawn = random.random() < config.flip_probability
    return flip(picture) if config.is_flip_on and is_drawn else picture


def _random_rotation(
    picture: Image.Image, config: AugmentationConfig, random: np.random.Generator
) -> Image.Image:
    limit = config.rotation_degrees
    if not limit:
        return picture
    degrees = int(random.integers(-limit, limit))
    return rotate(picture, degrees) if config.is_rotation_on else picture


def _random_noise(
    picture: Image.Image, config: AugmentationConfig, random: np.random.Generator
) -> Image.Image:
    sigma = random.uniform(0, config.noise_sigma_max)
    noisy = add_noise(
        picture.convert("RGB") if config.is_noise_per_channel else picture, sigma, random
    )
    return noisy if config.is_noise_on else picture


RandomChange = Callable[[Image.Image, AugmentationConfig, np.random.Generator], Image.Image]
# In the order of CHANGES; each draws the same numbers whether it is on or off.
_CHANGES: tuple[RandomChange, ...] = (
    lambda picture, config, random: _enhance(
        brighten,
        picture,
        config.is_brightness_on,
        random.uniform(config.brightness_low, config.brightness_high),
    ),
    lambda picture, config, random: _enhance(
        change_contrast,
        picture,
        config.is_contrast_on,
        random.uniform(config.contrast_low, config.contrast_high),
    ),
    lambda picture, config, random: _enhance(
        saturate,
        picture,
        config.is_saturation_on,
        random.uniform(config.saturation_low, config.saturation_high),
    ),
    lambda picture, config, random: _enhance(
        sharpen,
        picture,
        config.is_sharpness_on,
        random.uniform(config.sharpness_low, config.sharpness_high),
    ),
    _random_flip,
    _random_rotation,
    _random_noise,
)


def draws(
    image: NDArray[np.uint8],
    config: AugmentationConfig,
    seed: int,
    n: int = 12,
    *,
    index: int = 0,
    first_epoch: int = 1,
) -> list[NDArray[np.uint8]]:
    """Change a film as `n` epochs in a row of a run with `seed` do.

    Args:
        image: The film at training size, (S, S) or (S, S, 3).
        config: The run's changes.
        seed: The run's seed.
        n: How many epochs.
        index: The film's place among the films that the run trains on.
        first_epoch: The epoch of the first picture, from 1.

    Returns:
        One picture an epoch, each (S, S) or (S, S, 3).
    """
    epochs = range(first_epoch, first_epoch + n)
    return [augment(image, config, generator_for(seed, epoch, index)) for epoch in epochs]
