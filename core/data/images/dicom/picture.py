"""What a DICOM header says of the picture: read by pydicom, from the wanted elements alone."""

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.data.images.dicom.elements import Element, ElementWalk
from core.data.images.dicom.syntax import TransferSyntax
from core.data.images.limits import check_size
from core.data.images.refusals import several_pictures
from core.errors import ImageReadError, Message

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PIXEL_DATA: Final = 0x7FE00010
_ALL_PIXEL_DATA: Final = (_PIXEL_DATA, 0x7FE00008, 0x7FE00009)  # the others: floating point
_MODALITY: Final = 0x00080060
_PATIENT_ID: Final = 0x00100020
_ISSUER_OF_PATIENT_ID: Final = 0x00100021
_WANTED = {
    0x00080005,  # Specific Character Set
    _MODALITY,
    _PATIENT_ID,
    _ISSUER_OF_PATIENT_ID,
    0x00181114,  # Estimated Radiographic Magnification Factor
    0x00181164,  # Imager Pixel Spacing
    0x00182010,  # Nominal Scanned Pixel Spacing
    0x00280002,  # Samples per Pixel
    0x00280004,  # Photometric Interpretation
    0x00280006,  # Planar Configuration
    0x00280008,  # Number of Frames
    0x00280010,  # Rows
    0x00280011,  # Columns
    0x00280030,  # Pixel Spacing
    0x00280100,  # Bits Allocated
    0x00280101,  # Bits Stored
    0x00280102,  # High Bit
    0x00280103,  # Pixel Representation
    0x00280A02,  # Pixel Spacing Calibration Type
    0x00281050,  # Window Center
    0x00281051,  # Window Width
    0x00281052,  # Rescale Intercept
    0x00281053,  # Rescale Slope
    0x00281054,  # Rescale Type
    0x00281055,  # Window Center & Width Explanation
    0x00281056,  # VOI LUT Function
    *range(0x00281101, 0x00281104),  # Palette Color Lookup Table Descriptors
    *range(0x00281201, 0x00281204),  # Palette Color Lookup Table Data
    *range(0x00281221, 0x00281224),  # the same, segmented
    0x00283000,  # Modality LUT Sequence
    0x00283010,  # VOI LUT Sequence
}
_MAX_WANTED_BYTES = 2**20  # a lookup table of 65536 entries takes an eighth of it
_SEQUENCE_DEPTH = 4  # the wanted sequences hold no other

_COLOUR_COST = 3  # copies of a colour picture in memory at once
_COMPRESSED_COST = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A DICOM header and where its pixels are."""

    header: "Dataset"  # the wanted elements alone
    pixels: Element
    rows: int
    columns: int
    samples: int  # for each pixel
    bits_allocated: int  # 8 or 16
    bits_stored: int
    is_signed: bool
    photometric: str

    @property
    def n_bytes(self) -> int:
        """What the decoded pixels take."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


def find_picture(data: bytes, syntax: TransferSyntax, name: object) -> Picture:
    """Read the header and check the size it promises.

    Raises:
        EOFError: The file ends before the pixels.
        ImageReadError: No picture, several, too small or too large.
        Exception: Broken; pydicom raised eight kinds for damaged files.
    """
    wanted, pixels = _wanted_elements(data, syntax)
    header = _parsed(wanted, syntax)
    if pixels is None or "Rows" not in header or "Columns" not in header:
        raise _no_picture(header, name)
    if int(header.get("NumberOfFrames") or 1) > 1:
        raise several_pictures(name, int(header.NumberOfFrames))
    rows, columns = int(header.Rows), int(header.Columns)
    samples = int(header.get("SamplesPerPixel", 1))
    allocated, stored = int(header.BitsAllocated), int(header.get("BitsStored", 0))
    if pixels.tag != _PIXEL_DATA or samples not in (1, 3) or allocated not in (8, 16):
        raise ValueError("not pixels of 8 or 16 bits")
    if not 0 < stored <= allocated:
        raise ValueError("more bits stored than there are")
    photometric = str(header.PhotometricInterpretation)
    is_colour = samples > 1 or photometric == "PALETTE COLOR"
    cost = samples * allocated // 8
    cost *= _COLOUR_COST if is_colour else _COMPRESSED_COST if syntax.decoder else 1
    check_size(columns, rows, cost, name)
    is_signed = int(header.get("PixelRepresentation") or 0) == 1
    return Picture(
        header, pixels, rows, columns, samples, allocated, stored, is_signed, photometric
    )


def patient_hash(header: "Dataset", patient_key: bytes) -> str:
    """Hash who the film is of; the same patient gives the same hash under the same key.

    Returns:
        32 hexadecimal digits; "" where the file names no patient or there is no key.
    """
    # As stored, for a decoder's error would quote it.
    patient, issuer = (_stored_text(header, tag) for tag in (_PATIENT_ID, _ISSUER_OF_PATIENT_ID))
    if not patient or not patient_key:
        return ""
    content = b"\0".join([patient, issuer] if issuer else [patient])
    return hashlib.blake2b(content, key=patient_key, digest_size=16).hexdigest()


def _stored_text(header: "Dataset", tag: int) -> bytes:
    element = header.get_item(tag)
    value = None if element is None else element.value
    return value.strip(b"\0 ") if isinstance(value, bytes) else b""


def _wanted_elements(data: bytes, syntax: TransferSyntax) -> tuple[bytes, Element | None]:
    """The wanted elements as they are written, and the pixels where there are any."""
    walk = ElementWalk(data, syntax.coding)
    wanted: dict[int, bytes] = {}
    n_bytes = 0
    for element, end in walk.elements(syntax.start, _ALL_PIXEL_DATA.__contains__):
        if element.tag in _ALL_PIXEL_DATA:
            return b"".join(wanted.values()), element
        if element.tag in _WANTED:
            n_bytes += end - element.start
            if n_bytes > _MAX_WANTED_BYTES:
                raise ValueError("giant tables")
            wanted[element.tag] = data[element.start : end]
    return b"".join(wanted.values()), None


def _parsed(wanted: bytes, syntax: TransferSyntax) -> "Dataset":
    from pydicom.filereader import read_dataset

    return read_dataset(
        io.BytesIO(wanted),
        is_implicit_VR=syntax.coding.is_implicit,
        is_little_endian=not syntax.coding.is_big_endian,
    )


def _no_picture(header: "Dataset", name: object) -> ImageReadError:
    modality = str(header.get("Modality") or "")
    return ImageReadError(
        Message(
            "{file} is a DICOM file without a picture (modality {modality}), such as a report or a "
            "list of files. Leave it out, or export the film itself.",
            file=name,
            modality=modality if modality.isalnum() and len(modality) <= 16 else "?",
        ),
        "not_an_image",
    )
