"""The formats that can be read, told by a file's first bytes; limits of size; refusals."""

from pathlib import PurePosixPath
from typing import Final, Literal

from core.errors import ImageReadError, Message

Format = Literal["PNG", "JPEG", "BMP", "TIFF", "WEBP", "JPEG2000", "DICOM"]

# So many first bytes tell the format: a DICOM file says what it is after 128 free bytes.
HEAD_BYTES: Final = 132

# What a file of each format is called when we name it.
SUFFIXES: Final[dict[Format, str]] = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "JPEG2000": ".jp2",
    "DICOM": ".dcm",
}

# Whatever else a file of each format may be called.
_EXTENSIONS: Final[dict[Format, frozenset[str]]] = {
    "PNG": frozenset({".png"}),
    "JPEG": frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jif"}),
    "BMP": frozenset({".bmp", ".dib"}),
    "TIFF": frozenset({".tif", ".tiff"}),
    "WEBP": frozenset({".webp"}),
    "JPEG2000": frozenset({".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"}),
}

# Byte order, then 42 (TIFF 6.0, section 2) or 43 (BigTIFF), in that order.
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# A box of 12 bytes (ISO 15444-1, annex I), or the codestream itself (annex A).
_JPEG_2000_MAGIC = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
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
    if head[128:132] == b"DICM" or head.startswith(b"DICM\2\0"):
        return "DICOM"
    if head.startswith(_TIFF_MAGIC):
        return "TIFF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith(_JPEG_2000_MAGIC):
        return "JPEG2000"
    if is_bare_dicom(head):
        return "DICOM"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    return None


# The value representations of the elements that a data set may begin with (PS3.6).
_FIRST_VRS = (b"UL", b"OB", b"UI", b"SH", b"CS", b"DA", b"TM", b"LO", b"ST", b"PN", b"SQ", b"DT")
_MOST_FIRST_BYTES = 256  # of such an element's value: an image type is the longest
_MOST_FIRST_ELEMENT = 0x0070  # in group 8, Manufacturer: the first that a film must have


def is_bare_dicom(head: bytes) -> bool:
    """Return whether a file begins as DICOM data without the preamble and "DICM".

    Its first element is of group 2 (file meta information) or 8 (identification), in either
    order of bytes, explicit or implicit.

    Args:
        head: The first bytes of the file, at least 8.
    """
    if len(head) < 8 or head[:2] not in (b"\2\0", b"\x08\0", b"\0\x08"):
        return False
    order: Literal["little", "big"] = "big" if head[0] == 0 else "little"
    element = int.from_bytes(head[2:4], order)
    if element > _MOST_FIRST_ELEMENT:
        return False
    if head[4:6] in _FIRST_VRS:
        return True
    n_bytes = int.from_bytes(head[4:8], "little")
    is_length = element == 0  # of the group: four bytes
    return order == "little" and (
        n_bytes == 4 if is_length else n_bytes % 2 == 0 and 0 < n_bytes <= _MOST_FIRST_BYTES
    )


def is_named_as(name: str, format: Format) -> bool:
    """Return whether the extension of a file's name agrees with its content.

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
    """Return whether a file's name says that it holds an image, whatever it does hold."""
    extension = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return extension == SUFFIXES["DICOM"] or any(
        extension in others for others in _EXTENSIONS.values()
    )


MAX_PIXELS: Final = 64_000_000
MAX_SIDE: Final = 20_000
MIN_SIDE: Final = 16
MAX_FILE_BYTES = 160 * 2**20
# What the decoder may hold; with the grey levels that are handed back, reading stays below 200 MiB.
MAX_DECODED_BYTES: Final = 128 * 2**20


def check_size(width: int, height: int, bytes_a_pixel: int, name: object) -> None:
    """Refuse a picture that is too small or too large.

    Args:
        width: In pixels, as the header says.
        height: Likewise.
        bytes_a_pixel: What the decoder needs for each.
        name: What to call the file.

    Raises:
        ImageReadError: It is.
    """
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise too_large(name)
    if min(width, height) < MIN_SIDE:
        raise ImageReadError(
            Message(
                "{file} has {width} x {height} pixels, too few for an X-ray; it needs {least} a "
                "side. Export it again in full size.",
                file=name,
                width=width,
                height=height,
                least=MIN_SIDE,
            ),
            "tiny",
        )
    if width * height * bytes_a_pixel > MAX_DECODED_BYTES:
        raise ImageReadError(
            Message(
                "{file} is too large: reading its {width} x {height} pixels would take {needed} "
                "MiB of memory, and {limit} are allowed. Save it as 8-bit greyscale or make it "
                "smaller.",
                file=name,
                width=width,
                height=height,
                needed=width * height * bytes_a_pixel >> 20,
                limit=MAX_DECODED_BYTES >> 20,
            )
        )


class FileAccessError(ImageReadError):
    """Disk or memory failed while an image was read; the image itself may be sound."""

    def __init__(self, message: Message) -> None:
        super().__init__(message, "other")


def too_large(name: object) -> ImageReadError:
    """Refuse a file or sides out of all bounds."""
    return ImageReadError(
        Message(
            "{file} is too large; an image may have {limit} million pixels and {side} a side. "
            "Make it smaller and try again.",
            file=name,
            limit=MAX_PIXELS // 1_000_000,
            side=MAX_SIDE,
        )
    )


def not_an_image(name: object) -> ImageReadError:
    """Refuse a content that is none of the formats."""
    return ImageReadError(
        Message(
            "{file} is not an image that can be read: by its content it is no PNG, JPEG, BMP, "
            "TIFF, WebP, JPEG 2000 or DICOM file. Export it again as one of these.",
            file=name,
        ),
        "not_an_image",
    )


def without_preamble(name: object) -> ImageReadError:
    """Refuse a DICOM file of which only guessing could tell how it is written."""
    return ImageReadError(
        Message(
            "{file} looks like a DICOM file that lacks its beginning (preamble). Export it again "
            "as a DICOM file.",
            file=name,
        )
    )


def cut_short(name: object) -> ImageReadError:
    """Refuse a file that ends before the picture does."""
    return ImageReadError(
        Message(
            "{file} is cut short: its end is missing. Copy or export it again from the original.",
            file=name,
        ),
        "truncated",
    )


def damaged(name: object) -> ImageReadError:
    """Refuse a file that is whole and yet cannot be read."""
    return ImageReadError(
        Message(
            "{file} cannot be read: it is damaged, or stored in a way that is rare for X-rays. "
            "Export it again from the original, best as PNG.",
            file=name,
        )
    )


class Rarity:
    """Ways of storing a picture that are sound and yet not read."""

    COMPRESSION: Final = Message("its compression is not supported")
    NUMBERS: Final = Message("numbers of this kind are not supported")
    COLOURS: Final = Message("colours of this kind are not supported")


def unsupported(name: object, rarity: Message) -> ImageReadError:
    """Refuse a sound file that is stored in a way that is not read."""
    return ImageReadError(
        Message(
            "{file} cannot be read here: {why}. Save it as PNG or as greyscale TIFF of 8 or 16 "
            "bits.",
            file=name,
            why=rarity,
        )
    )


def several_pictures(name: object, n_pictures: int) -> ImageReadError:
    """Refuse a file of more than one picture."""
    return ImageReadError(
        Message(
            "{file} holds {n} pictures and only one can be read. Save each as a file of its own.",
            file=name,
            n=n_pictures,
        )
    )


def no_such_frame(name: object, frame: int, n_frames: int) -> ImageReadError:
    """Refuse a frame that a file does not have."""
    return ImageReadError(
        Message(
            "{file} has no frame {frame}: its last one is {n}. Choose one from 1 to {n}.",
            file=name,
            frame=frame,
            n=n_frames,
        )
    )


def too_dark(name: object) -> ImageReadError:
    """Refuse 16 bits of which only the upper half can be read, with next to nothing in it."""
    return ImageReadError(
        Message(
            "{file} is a very dark 16-bit image in colour or with transparency, of which too few "
            "grey levels can be read. Save it as 16-bit greyscale.",
            file=name,
        )
    )


def transparent(name: object) -> ImageReadError:
    """Refuse a picture of which nothing can be seen."""
    return ImageReadError(
        Message("{file} is wholly transparent. Export it again without transparency.", file=name)
    )
