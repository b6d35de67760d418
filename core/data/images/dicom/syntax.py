"""Which ways of writing DICOM are read, decided before the data set is touched."""

from dataclasses import dataclass
from typing import Final

from core.data.images.dicom.elements import Coding, ElementWalk
from core.errors import ImageReadError, Message

_META_START: Final = 132  # after the 128 free bytes and "DICM" (PS3.10, 7.1)
_META_GROUP: Final = 0x0002  # always explicit and little endian
_TRANSFER_SYNTAX: Final = 0x00020010
_PREFIX = "1.2.840.10008.1.2"
_UNCOMPRESSED = {
    _PREFIX: Coding(is_implicit=True),
    f"{_PREFIX}.1": Coding(),
    f"{_PREFIX}.2": Coding(is_big_endian=True),
}
RLE: Final = f"{_PREFIX}.5"
JPEG_2000: Final = (f"{_PREFIX}.4.90", f"{_PREFIX}.4.91")
# What decodes each. Pillow where it can: its decoders face the whole web's hostile files.
_DECODERS = {
    f"{_PREFIX}.4.50": "pillow",  # JPEG, 8 bits
    f"{_PREFIX}.4.51": "pillow",  # JPEG, extended
    f"{_PREFIX}.4.57": "gdcm",  # JPEG, lossless
    f"{_PREFIX}.4.70": "gdcm",  # JPEG, lossless, first-order prediction: the usual one
    f"{_PREFIX}.4.80": "gdcm",  # JPEG-LS
    f"{_PREFIX}.4.81": "gdcm",  # JPEG-LS, near-lossless
    JPEG_2000[0]: "pillow",
    JPEG_2000[1]: "pillow",
    RLE: "rle",
}


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """How a file's data set and its pixels are written."""

    uid: str
    start: int  # of the data set in the file
    coding: Coding
    decoder: str  # "pillow", "gdcm" or "rle"; empty where the pixels are not compressed


def syntax_of(data: bytes, name: object) -> TransferSyntax:
    """Read the file meta information and nothing else.

    Raises:
        EOFError: The file ends in it.
        ImageReadError: The file is written in a way that is not read here, such as deflated: of
            those 570 KB unpacked to 1.2 GB before a single element was seen.
        ValueError: It is broken.
    """
    uid, start = "", _META_START
    walk = ElementWalk(data, Coding())
    for element, end in walk.elements(_META_START, lambda tag: tag >> 16 != _META_GROUP):
        if element.tag >> 16 != _META_GROUP:
            break
        if element.tag == _TRANSFER_SYNTAX:
            uid = data[element.value : end].decode("ascii").strip("\0 ")
        start = end
    if uid in _UNCOMPRESSED:
        return TransferSyntax(uid, start, _UNCOMPRESSED[uid], "")
    if uid in _DECODERS:
        return TransferSyntax(uid, start, Coding(), _DECODERS[uid])
    raise ImageReadError(
        Message(
            "{file} is a DICOM file packed in a way that is not read here (transfer syntax {uid}). "
            "Export it uncompressed or as lossless JPEG.",
            file=name,
            uid=uid if uid and set(uid) <= set("0123456789.") and len(uid) <= 64 else "?",
        )
    )
