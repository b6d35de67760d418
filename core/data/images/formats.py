"""Which kind of picture a file holds, told by its first bytes and never by its name."""

from pathlib import PurePosixPath
from typing import Final, Literal

Format = Literal["PNG", "JPEG", "BMP", "TIFF", "DICOM"]

# So many first bytes tell the format: a DICOM file says what it is after 128 free bytes.
HEAD_BYTES: Final = 132

# What a file of each format is called when we name it.
SUFFIXES: Final[dict[Format, str]] = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "DICOM": ".dcm",
}

# Whatever else a file of each format may be called.
_EXTENSIONS: Final[dict[Format, frozenset[str]]] = {
    "PNG": frozenset({".png"}),
    "JPEG": frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jif"}),
    "BMP": frozenset({".bmp", ".dib"}),
    "TIFF": frozenset({".tif", ".tiff"}),
}

# Byte order, then 42 (TIFF 6.0, section 2) or 43 (BigTIFF), in that order.
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# "BM" alone begins many a text; the size of the second header tells a bitmap from it.
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def format_of(head: bytes) -> Format | None:
    """Tell the format of a file by its content.

    Args:
        head: The first `HEAD_BYTES` of the file or more; all of it where it is shorter.

    Returns:
        None where it is none of the formats that can be read.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    # Before TIFF: the free bytes of a DICOM file may pose as a TIFF (DICOM PS3.10, 7.1).
    if head[128:132] == b"DICM":
        return "DICOM"
    if head.startswith(_TIFF_MAGIC):
        return "TIFF"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    return None


def is_named_as(name: str, format: Format) -> bool:
    """Whether the extension of a file's name agrees with its content.

    A name without extension agrees with everything, and so does one that ends in a number, such
    as a UID. A DICOM file may bear any extension that is not another format's.

    Args:
        name: The file's name, with or without folders before it.
        format: What the content says.
    """
    extension = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if extension in ("", ".") or extension[1:].isdecimal():
        return True
    if format == "DICOM":
        return not any(extension in others for others in _EXTENSIONS.values())
    return extension in _EXTENSIONS[format]


def is_named_as_image(name: str) -> bool:
    """Whether a file's name says that it holds an image, whatever it does hold."""
    extension = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return extension == SUFFIXES["DICOM"] or any(
        extension in others for others in _EXTENSIONS.values()
    )
