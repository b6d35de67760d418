"""The one reader of X-ray pictures, so that a film means the same in training and prediction."""

from core.data.images.film import Film
from core.data.images.formats import (
    HEAD_BYTES,
    SUFFIXES,
    Format,
    format_of,
    is_named_as,
    is_named_as_image,
)
from core.data.images.full_depth import read_full
from core.data.images.full_depth_film import FullDepthFilm, Spacing, Window, film_of_pixels
from core.data.images.header import FilmHeader
from core.data.images.limits import MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE, MIN_SIDE
from core.data.images.reading import READER_VERSION, content_of, load_xray, read_film
from core.data.images.refusals import FileAccessError
from core.data.images.resizing import shrink, square

__all__ = [
    "HEAD_BYTES",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "MIN_SIDE",
    "READER_VERSION",
    "SUFFIXES",
    "FileAccessError",
    "Film",
    "FilmHeader",
    "Format",
    "FullDepthFilm",
    "Spacing",
    "Window",
    "content_of",
    "film_of_pixels",
    "format_of",
    "is_named_as",
    "is_named_as_image",
    "load_xray",
    "read_film",
    "read_full",
    "shrink",
    "square",
]
