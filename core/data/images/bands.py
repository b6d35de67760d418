"""A large picture a band of rows at a time, so that no step needs a second whole copy of it."""

from collections.abc import Iterator

from PIL import Image

# A film of 1024 x 1024 is one band and costs nothing more than before.
_BAND_PIXELS = 2**20


def n_bands(width: int, height: int) -> int:
    """How many bands a picture is cut into."""
    return len(list(row_bands(width, height)))


def row_bands(width: int, height: int) -> Iterator[slice]:
    """The rows of each band, from the top."""
    n_rows = max(1, _BAND_PIXELS // max(1, width))
    for top in range(0, height, n_rows):
        yield slice(top, min(top + n_rows, height))


def image_bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Rows, and the part of the image that they are."""
    for rows in row_bands(image.width, image.height):
        is_whole = rows.stop - rows.start == image.height
        yield rows, image if is_whole else image.crop((0, rows.start, image.width, rows.stop))
