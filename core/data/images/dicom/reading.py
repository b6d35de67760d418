"""A DICOM file from its bytes to the film that a viewer shows."""

import logging
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.images.colour import grey_unless_coloured
from core.data.images.dicom.grey import shown_grey
from core.data.images.dicom.picture import Picture, find_picture, patient_hash
from core.data.images.dicom.pixels import stored_pixels
from core.data.images.dicom.syntax import syntax_of
from core.data.images.film import Film
from core.data.images.header import FilmHeader

# pydicom warns where this package refuses or reads on, and quotes the file: a patient's name must
# not reach the console. Said once for the process, as for Pillow.
warnings.filterwarnings("ignore", module=r"pydicom\b")


def read_dicom(data: bytes, name: object, patient_key: bytes) -> Film:
    """Read a DICOM file that has a preamble.

    Raises:
        EOFError: It ends early.
        ImageReadError: No picture, several, too small, too large, or packed in a rare way.
        Exception: It is damaged.
    """
    unpacked = unpack(data, name)
    picture = unpacked.picture
    if unpacked.is_grey:
        pixels = shown_grey(unpacked.stored, picture, unpacked.is_packed)
    else:
        pixels = shown_colours(unpacked, name)
    return Film(np.ascontiguousarray(pixels), header_of(picture, patient_key))


@dataclass(frozen=True, slots=True, eq=False)
class Unpacked:
    """A DICOM file's header and its pixels as they are stored."""

    picture: Picture
    stored: NDArray[np.generic]  # shape (H, W) or (H, W, 3), of 8 or 16 bits
    is_packed: bool  # whether a decoder moved the stored bits to the lowest place

    @property
    def is_grey(self) -> bool:
        """Whether its pixels are grey levels and neither colours nor a palette's numbers."""
        is_monochrome = self.picture.photometric in ("MONOCHROME1", "MONOCHROME2")
        return is_monochrome and self.stored.ndim == 2


def unpack(data: bytes, name: object) -> Unpacked:
    """Read the header and unpack the pixels of a DICOM file that has a preamble.

    Raises:
        EOFError: It ends early.
        ImageReadError: No picture, several, too small, too large, or packed in a rare way.
        Exception: It is damaged.
    """
    syntax = syntax_of(data, name)
    silence_pydicom()
    picture = find_picture(data, syntax, name)
    stored = stored_pixels(data, picture, syntax)
    return Unpacked(picture, stored, syntax.decoder not in ("", "rle"))


def shown_colours(film: Unpacked, name: object) -> NDArray[np.uint8]:
    """A film of colours or of a palette; grey, shape (H, W), where it is not really coloured."""
    return grey_unless_coloured(Image.fromarray(_rgb(film.stored, film.picture)), False, name)


def header_of(picture: Picture, patient_key: bytes = b"") -> FilmHeader:
    """What the file says of its picture."""
    return FilmHeader(
        format="DICOM",
        width=picture.columns,
        height=picture.rows,
        bits=picture.bits_stored,
        channels=3 if picture.photometric == "PALETTE COLOR" else picture.samples,
        has_alpha=False,
        jpeg_quality=None,
        orientation=1,
        patient=patient_hash(picture.header, patient_key),
    )


def _rgb(stored: NDArray[np.generic], picture: Picture) -> NDArray[np.uint8]:
    """Resolve a palette; colour is RGB already. Shape (H, W, 3)."""
    if picture.photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        colours: NDArray[np.uint16] = apply_color_lut(stored, picture.header)
        stored = colours >> 8 if colours.dtype.itemsize == 2 else colours
    elif stored.dtype.itemsize != 1:
        raise ValueError("colour of more than 8 bits")
    if stored.ndim != 3 or stored.shape[2] != 3:
        raise ValueError("neither grey nor colour")
    return stored.astype(np.uint8)


@cache
def silence_pydicom() -> None:
    """Keep pydicom from writing about damaged files."""
    from pydicom import config

    logger = logging.getLogger("pydicom")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    config.settings.reading_validation_mode = config.IGNORE
