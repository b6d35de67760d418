"""An X-ray once read: its pixels, its header, and its levels under a window."""

import re
from dataclasses import asdict, dataclass, fields
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.formats import Format

_HASH = re.compile(r"(?:[0-9a-f]{32})?")
MOST_LETTERS = 16  # of view, sex and maker
MOST_YEARS = 150.0
MOST_FRAMES = 2**31 - 1  # as DICOM counts them


@dataclass(frozen=True, slots=True)
class FilmHeader:
    """The properties of a film's file that may give its class away."""

    format: Format  # by the content
    width: int  # pixels, as shown upright
    height: int
    bits: int  # stored for each channel
    channels: int  # stored: 1 to 4; a palette counts 3
    has_alpha: bool
    jpeg_quality: int | None  # 1 to 100, estimated; None where the file is no JPEG
    orientation: int  # EXIF 1 to 8, already undone
    patient: str = ""  # keyed hash of the DICOM PatientID, 32 hexadecimal digits; "" where unknown
    # Of DICOM; "" or None where unknown.
    view: str = ""  # such as "AP" or "PA"
    age: float | None = None  # years
    sex: str = ""  # "M", "F" or "O"
    maker: str = ""  # of the machine
    n_frames: int = 1  # in the file, of which this is one

    def to_json(self) -> dict[str, str | int | bool | None]:
        """Return the fields by name."""
        return asdict(self)

    @staticmethod
    def from_json(value: object) -> "FilmHeader":
        """Read what `to_json` gave.

        Raises:
            ValueError: It is anything else.
        """
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise ValueError("not the fields of a film's header")
        header = FilmHeader(**value)
        if not (
            header.format in get_args(Format)
            and _is_within(header.width, 1, 2**31)
            and _is_within(header.height, 1, 2**31)
            and _is_within(header.bits, 1, 64)
            and _is_within(header.channels, 1, 4)
            and isinstance(header.has_alpha, bool)
            and (header.jpeg_quality is None or _is_within(header.jpeg_quality, 1, 100))
            and (header.jpeg_quality is None or header.format == "JPEG")
            and _is_within(header.orientation, 1, 8)
            and _is_within(header.n_frames, 1, MOST_FRAMES)
            and isinstance(header.patient, str)
            and _HASH.fullmatch(header.patient)
            and all(
                isinstance(text, str) and len(text) <= MOST_LETTERS
                for text in (header.view, header.sex, header.maker)
            )
            and (
                header.age is None
                or (isinstance(header.age, int | float) and 0 <= header.age <= MOST_YEARS)
            )
        ):
            raise ValueError("a field of a film's header is out of its range")
        return header


_FIELDS = {field.name for field in fields(FilmHeader)}


def _is_within(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


_LEAST_WIDTH = 1e-6  # levels


@dataclass(frozen=True, slots=True)
class Window:
    """The levels that go from black to white; they need not be whole numbers."""

    low: float  # black, or nearly so
    high: float  # white, or nearly so
    is_sigmoid: bool = False  # an S-shaped curve; else straight, and clipped at both ends
    curve: bytes = b""  # a VOI LUT: the greys at even steps from low to high; else empty

    @property
    def centre(self) -> float:
        """The level in the middle of the grey."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """The number of levels from black to white, more than 0."""
        return max(self.high - self.low, _LEAST_WIDTH)

    def table(self, n_levels: int) -> NDArray[np.uint8]:
        """Return the grey of each level, shape (n_levels,)."""
        return self.greys(np.arange(n_levels, dtype=np.float64))

    def greys(self, levels: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the greys of levels, of the same shape."""
        if self.curve:  # PS3.3, C.11.2.1.1
            steps = np.frombuffer(self.curve, np.uint8)
            places = (levels - self.low) / self.width * (len(steps) - 1)
            return steps[places.clip(0, len(steps) - 1).round().astype(np.int64)]
        if self.is_sigmoid:  # PS3.3, C.11.2.1.3.1
            exponent = (-4 * (levels - self.centre) / self.width).clip(-700, 700)
            fraction = 1 / (1 + np.exp(exponent))
        else:
            fraction = (levels - self.low) / self.width
        return (fraction.clip(0, 1) * 255).round().astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Spacing:
    """The distance between the pixels of a film."""

    across_mm: float
    down_mm: float
    is_at_detector: bool  # the patient is a little smaller than it says; no calibration


@dataclass(frozen=True, slots=True, eq=False)
class FullDepthFilm:
    """A film's levels, upright, and what they mean.

    A level stands for the number level * slope + intercept; levels rise with these numbers.
    """

    values: NDArray[np.uint8] | NDArray[np.uint16]  # (H, W); (H, W, 3) uint8 RGB if coloured
    header: FilmHeader
    default: Window  # what `load_xray` shows, and so what the network sees
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""  # of the numbers, such as "HU"; foreign text
    is_negative: bool = False  # whether higher levels are darker
    file_windows: tuple[tuple[str, Window], ...] = ()  # name (foreign text, may be "") and window
    spacing: Spacing | None = None  # None where the file does not say
    padding: NDArray[np.bool_] | None = None  # (H, W), pixels that hold no picture: always black
    shutter: NDArray[np.bool_] | None = None  # (H, W), outside the file's display shutter

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.values.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.values.shape[0])

    @property
    def is_coloured(self) -> bool:
        """True where it has red, green and blue."""
        return self.values.ndim == 3

    @property
    def n_levels(self) -> int:
        """The number of levels its pixels could have: 256 or 65536."""
        return int(2 ** (8 * self.values.dtype.itemsize))

    @property
    def has_whole_numbers(self) -> bool:
        """True where its numbers are whole ones."""
        return float(self.slope).is_integer() and float(self.intercept).is_integer()

    def hidden(self, with_shutter: bool = True) -> NDArray[np.bool_] | None:
        """Return the pixels that are black under every window, shape (H, W); None for none."""
        if self.shutter is None or not with_shutter:
            return self.padding
        return self.shutter if self.padding is None else self.padding | self.shutter

    def table(self, window: Window, is_inverted: bool = False) -> NDArray[np.uint8]:
        """Return the grey of each level.

        Args:
            window: Which levels go from black to white.
            is_inverted: Whether the user wants it the other way round.

        Returns:
            Shape (n_levels,).
        """
        table = window.table(self.n_levels)
        return 255 - table if is_inverted != self.is_negative else table

    def number(self, level: float) -> float:
        """Return the number that a level stands for."""
        return level * self.slope + self.intercept

    def centre_and_width(self, window: Window) -> tuple[float, float]:
        """Return a window as the user reads it, in the film's numbers.

        Whole numbers are counted as DICOM counts them: 0 to 255 is width 256, centre 128
        (PS3.3, C.11.2.1.2).
        """
        centre, width = self.number(window.centre), window.width * self.slope
        if self.has_whole_numbers and not window.is_sigmoid:
            return centre + 0.5, width + 1
        return centre, width


def film_of_pixels(pixels: NDArray[np.uint8], header: FilmHeader | None = None) -> FullDepthFilm:
    """Make a film of 256 levels of a picture that was already read.

    Args:
        pixels: Shape (H, W), or (H, W, 3) RGB.
        header: What its file says, where that is known.
    """
    height, width = pixels.shape[:2]
    n_channels = 1 if pixels.ndim == 2 else 3
    if header is None:
        header = FilmHeader("PNG", width, height, 8, n_channels, False, None, 1)
    return FullDepthFilm(np.ascontiguousarray(pixels), header, Window(0.0, 255.0))


# Before Lanczos, whole blocks are averaged down to no less than this many times the new size. No
# pixel changes where a film is less than six times as large (1024 to 224: none at all); beyond,
# 1024 to 96, the greatest difference is 2 grey levels and it takes a quarter of the time.
_REDUCING_GAP = 3.0


def square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Stretch an image to `size` x `size` pixels with Lanczos.

    Args:
        image: Shape (H, W) or (H, W, 3).
        size: The new side in pixels.

    Returns:
        Shape (size, size) or (size, size, 3).
    """
    picture = Image.fromarray(image)
    resized = picture.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    return np.array(resized, dtype=np.uint8)


def shrink(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Reduce an image so that no side is longer than `longest` pixels; smaller ones stay."""
    height, width = image.shape[:2]
    if max(height, width) <= longest:
        return image
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


@dataclass(frozen=True, slots=True)
class Film:
    """The picture as a viewer is meant to see it, and what its file says of it."""

    pixels: NDArray[np.uint8]  # (H, W) grey; (H, W, 3) RGB only where it is really coloured
    header: FilmHeader
