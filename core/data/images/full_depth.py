"""The same files as `load_xray` reads, with all of their grey levels."""

from pathlib import Path

from core.data.images.formats import Format
from core.data.images.full_depth_film import FullDepthFilm
from core.data.images.full_depth_raster import read_full_raster
from core.data.images.reading import read_by


def read_full(source: Path | bytes) -> FullDepthFilm:
    """Read a PNG, JPEG, BMP, TIFF or DICOM film with every level it has.

    What `load_xray` reads can be read, what it refuses is refused in the same words; under
    `FullDepthFilm.default` the film looks as it does there, to within 1 grey level.

    Args:
        source: A file or its bytes; the content decides, not the file's name.

    Raises:
        FileAccessError: The file cannot be opened now, or memory is short.
        ImageReadError: Not one whole image of these formats, too small, or too large.
    """
    return read_by(source, _film_of)


def _film_of(data: bytes, format: Format, name: object) -> FullDepthFilm:
    if format == "DICOM":
        from core.data.images.dicom.full_depth import read_full_dicom

        return read_full_dicom(data, name)
    return read_full_raster(data, format, name)
