"""The seven random changes of training images, each from its own seeded generator.

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
        config: Probabilities and ranges.
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
    """The generator that shuffles the images of one epoch."""
    # The first number tells the purposes apart: numpy fills short seeds up with zeros, so
    # (seed, epoch) alone would be the seed of image 0.
    return np.random.Generator(np.random.PCG64((0, seed, epoch)))


def generator_for(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of one image in one epoch: the same whatever thread draws from it."""
    return np.random.Generator(np.random.PCG64((1, seed, epoch, index)))


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


def _factor(config: AugmentationConfig, random: np.random.Generator) -> float:
    return random.uniform(config.enhancement_low, config.enhancement_high)


def _random_flip(
    picture: Image.Image, config: AugmentationConfig, random: np.random.Generator
) -> Image.Image:
    return flip(picture) if random.random() < config.flip_probability else picture


def _random_rotation(
    picture: Image.Image, config: AugmentationConfig, random: np.random.Generator
) -> Image.Image:
    limit = config.rotation_degrees
    return rotate(picture, int(random.integers(-limit, limit))) if limit else picture


Change = Callable[[Image.Image, AugmentationConfig, np.random.Generator], Image.Image]
_CHANGES: tuple[Change, ...] = (
    lambda picture, config, random: brighten(picture, _factor(config, random)),
    lambda picture, config, random: change_contrast(picture, _factor(config, random)),
    lambda picture, config, random: saturate(picture, _factor(config, random)),
    lambda picture, config, random: sharpen(picture, _factor(config, random)),
    _random_flip,
    _random_rotation,
    lambda picture, config, random: add_noise(
        picture.convert("RGB") if config.is_noise_per_channel else picture,
        random.uniform(0, config.noise_sigma_max),
        random,
    ),
)
