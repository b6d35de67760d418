"""The one reader of X-ray pictures, so that a film means the same in training and prediction."""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageReadError, Message

# Names the rules of this module in caches and model files; raise it whenever a pixel changes.
READER_VERSION = 1

MAX_PIXELS = 64_000_000
MAX_SIDE = 20_000
MIN_SIDE = 16
MAX_FILE_BYTES = 512 * 2**20

# A 16-bit film uses an unknown part of its range; its darkest and brightest 0.5 % (frame,
# markers) are clipped. Measured on 12-bit films: 256 levels kept, r = 0.9999 to the film.
_WINDOW = (0.005, 0.995)
_COLOUR_SPREAD = 8  # grey levels between the channels that JPEG makes of a grey picture
_COLOUR_FRACTION = 0.001  # of the pixels
_DARKEST_WIDE_COLOUR = 64
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112  # EXIF tag

# Pillow warns where this module refuses or reads on (size, odd EXIF). Said once for the process:
# warnings.catch_warnings is not safe in the threads that read images.
warnings.filterwarnings("ignore", module=r"PIL\.")


class FileAccessError(ImageReadError):
    """Disk or memory failed while an image was read; the image itself may be sound."""


def load_xray(source: Path | bytes) -> NDArray[np.uint8]:
    """Read a PNG or JPEG as the viewer is meant to see it.

    EXIF rotation is applied, palettes are resolved, 16-bit films are windowed to 8 bits,
    transparent parts become black like the air around a patient.

    Args:
        source: A file or its bytes; the content decides, not the file's name.

    Returns:
        Grey levels of shape (H, W); of shape (H, W, 3), RGB, only where more than 0.1 % of
        the pixels are noticeably coloured.

    Raises:
        FileAccessError: The file cannot be opened now, or memory is short.
        ImageReadError: Not one whole image, not PNG or JPEG, too small, or too large.
    """
    name: object = source.name if isinstance(source, Path) else Message("The image")
    try:
        data = _bytes_of(source, name)
        # The formats are named because Pillow would otherwise try forty parsers on hostile bytes.
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            _check_header(image, name)
            if image.format == "PNG":
                _check_png_chunks(data)
            image.load()
            pixels = _pixels(image, _is_wide_colour(data), name)
            return np.ascontiguousarray(_upright(pixels, image))
    except ImageReadError:
        raise
    except MemoryError as error:
        raise FileAccessError(
            Message(
                "There is too little free memory to read {file}. Close other programs and try "
                "again.",
                file=name,
            )
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        _refuse_size(name, error)
    except Exception as error:  # Pillow raised six kinds for 30,000 damaged files
        raise ImageReadError(
            Message(
                "{file} cannot be read: it is damaged, cut short, or not a PNG or JPEG image. "
                "Export it again from the original.",
                file=name,
            )
        ) from error


def square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Stretch an image to `size` x `size` pixels with Lanczos.

    Args:
        image: Shape (H, W) or (H, W, 3).
        size: The new side in pixels.

    Returns:
        Shape (size, size) or (size, size, 3).
    """
    resized = Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)
    return np.array(resized, dtype=np.uint8)


def shrink(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Reduce an image so that no side is longer than `longest` pixels; smaller ones stay."""
    height, width = image.shape[:2]
    if max(height, width) <= longest:
        return image
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _bytes_of(source: Path | bytes, name: object) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        if source.stat().st_size > MAX_FILE_BYTES:
            _refuse_size(name)
        return source.read_bytes()
    except OSError as error:
        raise FileAccessError(
            Message(
                "{file} cannot be opened: {why}. Check that it is still there and may be read.",
                file=name,
                why=error.strerror or type(error).__name__,
            )
        ) from error


def _refuse_size(name: object, cause: Exception | None = None) -> NoReturn:
    raise ImageReadError(
        Message(
            "{file} is too large; an image may have {limit} million pixels and {side} a side. "
            "Make it smaller and try again.",
            file=name,
            limit=MAX_PIXELS // 1_000_000,
            side=MAX_SIDE,
        )
    ) from cause


def _check_header(image: Image.Image, name: object) -> None:
    """Refuse by the size the header gives, before memory is taken for the pixels."""
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        _refuse_size(name)
    if min(width, height) < MIN_SIDE:
        raise ImageReadError(
            Message(
                "{file} has {width} x {height} pixels, too few for an X-ray; it needs {least} a "
                "side. Export it again in full size.",
                file=name,
                width=width,
                height=height,
                least=MIN_SIDE,
            )
        )
    n_frames = getattr(image, "n_frames", 1)
    if n_frames > 1:
        raise ImageReadError(
            Message(
                "{file} holds {n} pictures and only one can be read. Save each as a file of its "
                "own.",
                file=name,
                n=n_frames,
            )
        )


def _check_png_chunks(data: bytes) -> None:
    """Compare checksums, which Pillow does not: 2 of 60 damaged films were read with no error.

    Critical chunks alone count, as for libpng (PNG specification, 5.3 and 13.2).

    Raises:
        ValueError: A checksum is wrong, or the end is missing.
    """
    offset, kind = len(_PNG_MAGIC), b""
    while kind != b"IEND":
        n_bytes, kind = struct.unpack_from(">I4s", data, offset)
        end = offset + 8 + n_bytes
        (checksum,) = struct.unpack_from(">I", data, end)
        if kind[:1].isupper() and zlib.crc32(memoryview(data)[offset + 4 : end]) != checksum:
            raise ValueError(f"wrong checksum of chunk {kind!r}")
        offset = end + 4


def _is_wide_colour(data: bytes) -> bool:
    """Whether this is a PNG of 16 bits a channel, other than grey; Pillow keeps 8 of them."""
    # PNG specification, 11.2.1 IHDR: bit depth and colour type are bytes 24 and 25.
    return data.startswith(_PNG_MAGIC) and data[24] == 16 and data[25] != 0


def _pixels(image: Image.Image, is_wide_colour: bool, name: object) -> NDArray[np.uint8]:
    """The decoded picture, shape (H, W) or (H, W, 3), not yet rotated."""
    if image.mode.startswith("I"):
        return _windowed(np.asarray(image))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode in ("LA", "RGBA", "PA") or (image.mode == "P" and "transparency" in image.info):
        image = _on_black(image.convert("RGBA"), name)
    rgb = np.asarray(image.convert("RGB"))
    if is_wide_colour and rgb.max() < _DARKEST_WIDE_COLOUR:
        raise ImageReadError(
            Message(
                "{file} is a very dark 16-bit image in colour or with transparency, of which too "
                "few grey levels can be read. Save it as 16-bit greyscale.",
                file=name,
            )
        )
    if _is_coloured(rgb):
        return rgb
    return np.asarray(Image.fromarray(rgb).convert("L"))


def _on_black(image: Image.Image, name: object) -> Image.Image:
    """Take the transparency away; most films that have an alpha channel do not use it."""
    low, high = image.getchannel("A").getextrema()
    if low == 255:
        return image
    if high == 0:
        raise ImageReadError(
            Message(
                "{file} is wholly transparent. Export it again without transparency.", file=name
            )
        )
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, image)


def _windowed(film: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Stretch the central 99 % of a film's grey levels over 0 to 255."""
    levels = film.clip(0, 2**16 - 1).astype(np.uint16)  # (H, W)
    cumulative = np.bincount(levels.ravel(), minlength=2**16).cumsum() / levels.size  # (65536,)
    low, high = np.searchsorted(cumulative, _WINDOW)
    if low == high:  # nearly all pixels are the same: keep the difference to the others
        low, high = int(levels.min()), max(int(levels.max()), int(levels.min()) + 1)
    table = (np.arange(2**16) - low) * (255 / (high - low))
    return table.clip(0, 255).round().astype(np.uint8)[levels]


def _is_coloured(rgb: NDArray[np.uint8]) -> bool:
    """Whether more pixels are coloured than JPEG makes of a grey picture."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]  # (H, W) each
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return bool(np.mean(spread > _COLOUR_SPREAD) > _COLOUR_FRACTION)


def _upright(pixels: NDArray[np.uint8], image: Image.Image) -> NDArray[np.uint8]:
    """Undo the rotation or mirroring that EXIF names (EXIF 2.32, tag Orientation)."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF says nothing about the picture
        orientation = 1
    match orientation:
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.swapaxes(0, 1)
        case 6:
            return np.rot90(pixels, -1)
        case 7:
            return pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(pixels)
    return pixels
