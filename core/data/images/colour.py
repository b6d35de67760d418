"""Whether a picture stored in colours shows any, and its grey levels where it does not."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.images.bands import image_bands
from core.data.images.refusals import too_dark, transparent

_COLOUR_SPREAD = 8  # grey levels between the channels that JPEG makes of a grey picture
_COLOUR_FRACTION = 0.001  # of the pixels
_DARKEST_WIDE_COLOUR = 64
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")


def is_transparent_mode(image: Image.Image) -> bool:
    """Whether Pillow reads this picture with an alpha channel."""
    return image.mode in _ALPHA_MODES or (image.mode == "P" and "transparency" in image.info)


def grey_unless_coloured(image: Image.Image, is_wide: bool, name: object) -> NDArray[np.uint8]:
    """Show a palette, a colour picture or one with transparency; transparent parts are black.

    Args:
        image: Decoded.
        is_wide: Whether 16 bits a channel were stored, of which Pillow keeps 8.
        name: What to call the file.

    Returns:
        Shape (H, W); (H, W, 3) where more than 0.1 % of the pixels are noticeably coloured.

    Raises:
        ImageReadError: It is wholly transparent, or too few of its 16 bits are left.
    """
    has_alpha = is_transparent_mode(image)
    grey = np.empty((image.height, image.width), np.uint8)
    n_coloured, brightest, is_opaque = 0, 0, not has_alpha
    for rows, band in _rgb_bands(image):
        if band.mode == "RGBA":
            is_opaque = is_opaque or _alpha_range(band)[1] > 0
            band = _on_black(band)
        rgb = np.asarray(band)  # (n, W, 3)
        n_coloured += _count_coloured(rgb)
        brightest = max(brightest, int(rgb.max()))
        grey[rows] = np.asarray(band.convert("L"))
    if not is_opaque:
        raise transparent(name)
    if is_wide and brightest < _DARKEST_WIDE_COLOUR:
        raise too_dark(name)
    if n_coloured <= _COLOUR_FRACTION * grey.size:
        return grey
    del grey
    picture = np.empty((image.height, image.width, 3), np.uint8)
    for rows, band in _rgb_bands(image):
        picture[rows] = np.asarray(_on_black(band) if band.mode == "RGBA" else band)
    return picture


def _rgb_bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    has_alpha = is_transparent_mode(image)
    for rows, band in image_bands(image):
        if band.mode == "La":  # Pillow converts premultiplied grey only step by step
            band = band.convert("LA")
        yield rows, band.convert("RGBA" if has_alpha else "RGB")


def _alpha_range(image: Image.Image) -> tuple[float, float]:
    low, high = image.getchannel("A").getextrema()
    assert not isinstance(low, tuple)
    assert not isinstance(high, tuple)
    return low, high


def _on_black(image: Image.Image) -> Image.Image:
    """Take the transparency away; most films that have an alpha channel do not use it."""
    if _alpha_range(image)[0] == 255:
        return image.convert("RGB")
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, image).convert("RGB")


def _count_coloured(rgb: NDArray[np.uint8]) -> int:
    """How many pixels are more coloured than JPEG makes a grey picture."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]  # (n, W) each
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return int(np.count_nonzero(spread > _COLOUR_SPREAD))
