"""The one reader of X-rays: bytes of any format in, the film or one plain sentence out."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageReadError, Message
from core.files import in_time, read_at_most
from core.images import formats
from core.images.documents import document_kind, is_a_document
from core.images.film import Film, FullDepthFilm
from core.images.formats import (
    HEAD_BYTES,
    FileAccessError,
    Format,
    cut_short,
    damaged,
    format_of,
    no_such_frame,
    not_an_image,
    too_large,
    without_preamble,
)
from core.images.jpeg import is_cut_jpeg
from core.images.jpeg2000 import is_cut_jpeg2000
from core.images.raster import is_cut_png, read_full_raster, read_raster

# Names the rules of this package in caches and model files; raise it whenever a pixel changes.
READER_VERSION: Final = 3
# Older rules by which a network may have learned and still answer: those of 2 differ in DICOM
# files alone that were read wrongly (padding, shutters, rare lookup tables and numbers).
OLDER_READERS: Final = (2,)

T = TypeVar("T")

_MOST_KEY_BYTES = 64  # of BLAKE2b


def load_xray(source: Path | bytes, frame: int = 1) -> NDArray[np.uint8]:
    """Read a film's pixels alone; see `read_film`."""
    return read_film(source, frame=frame).pixels


def read_film(source: Path | bytes, patient_key: bytes = b"", frame: int = 1) -> Film:
    """Read a PNG, JPEG, BMP, TIFF, WebP, JPEG 2000 or DICOM film as the viewer is meant to see it.

    EXIF rotation is applied, palettes are resolved, films of more than 8 bits are windowed to 8,
    transparent parts become black like the air around a patient.

    Args:
        source: A file or its bytes; the content decides, not the file's name.
        patient_key: Up to 64 secret bytes with which a DICOM file's PatientID is hashed; without
            them the patient stays unknown.
        frame: Which one of a DICOM file of several, from 1.

    Returns:
        Grey levels of shape (H, W); of shape (H, W, 3), RGB, only where more than 0.1 % of
        the pixels are noticeably coloured. And what the file's header says.

    Raises:
        FileAccessError: The file cannot be opened now, or memory is short.
        ImageReadError: Not one whole image of these formats, too small, or too large.
    """
    if len(patient_key) > _MOST_KEY_BYTES:
        raise ValueError(f"a key of more than {_MOST_KEY_BYTES} bytes")

    def film_of(data: bytes, format: Format, name: object) -> Film:
        if format == "DICOM":
            # Only a DICOM file is worth the quarter of a second that pydicom takes to load.
            from core.images.dicom import read_dicom

            return read_dicom(data, name, patient_key, frame)
        _only_first(frame, name)
        return read_raster(data, format, name)

    return _read_by(source, film_of)


def read_full(source: Path | bytes, frame: int = 1) -> FullDepthFilm:
    """Read a PNG, JPEG, BMP, TIFF, WebP, JPEG 2000 or DICOM film with every level it has.

    What `load_xray` reads can be read, what it refuses is refused in the same words; under
    `FullDepthFilm.default` the film looks as it does there, to within 1 grey level.

    Args:
        source: A file or its bytes; the content decides, not the file's name.
        frame: Which one of a DICOM file of several, from 1.

    Raises:
        FileAccessError: The file cannot be opened now, or memory is short.
        ImageReadError: Not one whole image of these formats, too small, or too large.
    """

    def film_of(data: bytes, format: Format, name: object) -> FullDepthFilm:
        if format == "DICOM":
            from core.images.dicom import read_full_dicom

            return read_full_dicom(data, name, frame)
        _only_first(frame, name)
        return read_full_raster(data, format, name)

    return _read_by(source, film_of)


def _only_first(frame: int, name: object) -> None:
    if frame != 1:  # several pictures in such a file are refused
        raise no_such_frame(name, frame, 1)


def _read_by(source: Path | bytes, read: Callable[[bytes, Format, object], T]) -> T:
    """Open a file for a reader, whose errors become refusals.

    Args:
        source: A file or its bytes.
        read: Takes the content, its format and what to call the file; may raise anything.

    Raises:
        FileAccessError: The file cannot be opened now, or memory is short.
        ImageReadError: It is none of the formats, or the reader cannot read it.
    """
    name: object = source.name if isinstance(source, Path) else Message("The image")
    data = _bytes_of(source, name)
    format = format_of(data[:HEAD_BYTES])
    if not data:
        raise cut_short(name)
    if format is None:
        document = document_kind(data)
        raise is_a_document(name, document) if document else not_an_image(name)
    try:
        return read(data, format, name)
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
        raise too_large(name) from error
    except Exception as error:  # Pillow and pydicom raised a dozen kinds for damaged files
        is_bare = format == "DICOM" and data[128:132] != b"DICM"
        refusal = cut_short if _is_cut(data, format, error) else damaged
        raise (without_preamble if is_bare else refusal)(name) from error


def content_of(path: Path) -> bytes:
    """Return the bytes of a film's file.

    Raises:
        FileAccessError: The file cannot be opened now.
        ImageReadError: It is larger than any film.
    """
    return _bytes_of(path, path.name)


def _bytes_of(source: Path | bytes, name: object) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        if in_time(source.stat).st_size > formats.MAX_FILE_BYTES:
            raise too_large(name)
        return read_at_most(source, formats.MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileAccessError(
            Message(
                "{file} cannot be opened: {why}. Check that it is still there and may be read.",
                file=name,
                why=error.strerror or type(error).__name__,
            )
        ) from error


def _is_cut(data: bytes, format: Format, error: Exception) -> bool:
    """Return whether reading failed because the end of the file is missing."""
    match format:
        case "PNG":
            is_cut = is_cut_png(data)
        case "JPEG":
            is_cut = is_cut_jpeg(data)
        case "JPEG2000":
            is_cut = is_cut_jpeg2000(data)
        case "WEBP":  # RIFF: the length of what follows the first 8 bytes
            is_cut = int.from_bytes(data[4:8], "little") + 8 > len(data)
        case _:
            is_cut = isinstance(error, EOFError)
    return is_cut or "truncated" in str(error).lower()  # Pillow's word for it
