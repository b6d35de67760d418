"""The header of a DICOM file: the few wanted elements, found by a walk and parsed by pydicom.

The walk stays beside pydicom's `specific_tags`, which builds every item of a sequence it then
drops: 1.5 MiB of empty items took 21 s and 197 MiB at its peak, skipping them takes 2 s and
none.
"""

import hashlib
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.errors import ImageReadError, Message
from core.images.dicom_values import UnsupportedPixelsError, number
from core.images.film import MOST_LETTERS, MOST_YEARS
from core.images.formats import check_size, is_bare_dicom, no_such_frame

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

UNDEFINED_LENGTH: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
# Value representations whose length takes four bytes after two free ones (PS3.5, 7.1.2).
_LONG_VRS = {
    b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV",
}  # fmt: skip
_SHORT_VRS = {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip
_VRS = _LONG_VRS | _SHORT_VRS
_MAX_ELEMENTS = 200_000  # a usual film has 100 to 300
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Coding:
    """The way elements are written in a file."""

    is_implicit: bool = False
    is_big_endian: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """The place of an element in the file."""

    tag: int
    vr: bytes  # empty where implicit
    start: int  # of tag, VR and length
    value: int  # of its value
    n_bytes: int  # of its value; UNDEFINED_LENGTH where delimited


class ElementWalk:
    """Walks over the top-level elements of a data set."""

    def __init__(self, data: bytes, coding: Coding) -> None:
        self._data = data
        self._coding = coding
        self._n_elements = 0

    def elements(
        self, offset: int, is_last: Callable[[int], bool]
    ) -> Iterator[tuple[Element, int]]:
        """Yield each element and where the next one starts.

        Args:
            offset: Where the first one starts.
            is_last: Whether to stop at an element of this tag, and not look where it ends.

        Raises:
            EOFError: The file ends within an element.
            ValueError: Broken, too many, or nested too deeply.
        """
        while offset < len(self._data):
            element = self._header(offset, self._coding.is_implicit)
            if is_last(element.tag):
                yield element, len(self._data)
                return
            offset = self._end(element)
            yield element, offset

    def _header(self, offset: int, is_implicit: bool) -> Element:
        self._n_elements += 1
        if self._n_elements > _MAX_ELEMENTS:
            raise ValueError("too many elements")
        order = ">" if self._coding.is_big_endian else "<"
        try:
            group, number = struct.unpack_from(order + "HH", self._data, offset)
            tag, vr = group << 16 | number, b""
            if is_implicit or group == 0xFFFE:
                (n_bytes,) = struct.unpack_from(order + "I", self._data, offset + 4)
                value = offset + 8
            else:
                vr = self._data[offset + 4 : offset + 6]
                is_long = vr in _LONG_VRS
                value = offset + (12 if is_long else 8)
                (n_bytes,) = struct.unpack_from(
                    order + ("I" if is_long else "H"), self._data, offset + (8 if is_long else 6)
                )
        except struct.error as error:
            raise EOFError("within an element's header") from error
        return Element(tag, vr, offset, value, n_bytes)

    def _end(self, element: Element) -> int:
        """Return where the next element starts."""
        if element.n_bytes == UNDEFINED_LENGTH:
            return self._after_sequence(element)
        end = element.value + element.n_bytes
        if end > len(self._data):
            raise EOFError("within an element's value")
        return end

    def _after_sequence(self, element: Element) -> int:
        """Skip a sequence of undefined length, which only its content delimits."""
        # For each open sequence or item of undefined length: is it an item, is its content
        # implicit (PS3.5, 6.2.2: always so in one of unknown representation)?
        opened = [(False, self._coding.is_implicit or element.vr == b"UN")]
        offset = element.value
        while opened:
            is_item, is_implicit = opened[-1]
            inner = self._header(offset, is_implicit)
            offset = inner.value
            if inner.tag == (_ITEM_END if is_item else _SEQUENCE_END):
                opened.pop()
            elif not is_item and inner.tag != _ITEM:
                raise ValueError("a sequence of other things than items")
            elif inner.n_bytes == UNDEFINED_LENGTH:
                opened.append((not is_item, is_implicit or inner.vr == b"UN"))
                if len(opened) > _MAX_DEPTH:
                    raise ValueError("nested too deeply")
            else:
                offset = self._end(inner)
        return offset


_MOST_FRAGMENTS: Final = 20_000  # of one picture; a real one has a handful


def fragments(data: bytes, offset: int) -> Iterator[memoryview]:
    """The pieces of compressed pixels after the offset table (PS3.5, A.4).

    Raises:
        EOFError: The end is missing.
        ValueError: Something else stands between them.
    """
    view, is_table, n_fragments = memoryview(data), True, 0
    while True:
        n_fragments += 1
        if n_fragments > _MOST_FRAGMENTS:
            raise ValueError("too many fragments")
        if offset + 8 > len(data):
            raise EOFError("no end of the compressed pixels")
        group, number, n_bytes = struct.unpack_from("<HHI", data, offset)
        offset += 8
        if group << 16 | number == _SEQUENCE_END:
            return
        if group << 16 | number != _ITEM:
            raise ValueError("no fragment where one should be")
        if offset + n_bytes > len(data):
            raise EOFError("within a fragment")
        if not is_table:
            yield view[offset : offset + n_bytes]
        is_table = False
        offset += n_bytes


_META_GROUP: Final = 0x0002  # always little endian
_TRANSFER_SYNTAX: Final = 0x00020010
_PREFIX = "1.2.840.10008.1.2"
EXPLICIT_LITTLE: Final = f"{_PREFIX}.1"
EXPLICIT_BIG: Final = f"{_PREFIX}.2"
JPEG_BASELINE: Final = f"{_PREFIX}.4.50"
JPEG_EXTENDED: Final = f"{_PREFIX}.4.51"
JPEG_LOSSLESS: Final = f"{_PREFIX}.4.57"
JPEG_LS: Final = f"{_PREFIX}.4.80"
JPEG_LS_LOSSY: Final = f"{_PREFIX}.4.81"
JPEG_2000_LOSSLESS: Final = f"{_PREFIX}.4.90"
JPEG_2000: Final = f"{_PREFIX}.4.91"
RLE: Final = f"{_PREFIX}.5"
_DEFLATED: Final = f"{_PREFIX}.1.99"
_UNCOMPRESSED: Final = (_PREFIX, EXPLICIT_LITTLE, EXPLICIT_BIG)
_COMPRESSED: Final = (
    *(f"{_PREFIX}.4.{number}" for number in (50, 51, 53, 55, 57, 70, 80, 81, 90, 91)),
    RLE,
)


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """The way a file's data set is written, and what it says of its pixels."""

    uid: str  # "" where the file does not say
    start: int  # of the data set in the file
    coding: Coding  # by the first element, whatever the file says

    @property
    def is_compressed(self) -> bool:
        """True where the file says that its pixels are."""
        return self.uid in _COMPRESSED


def syntax_of(data: bytes, name: object) -> TransferSyntax:
    """Read the file meta information, where there is any, and nothing else.

    Raises:
        EOFError: The file ends in it.
        ImageReadError: The file is written in a way that is not read here, such as deflated: of
            those 570 KB unpacked to 1.2 GB before a single element was seen.
        ValueError: It is broken.
    """
    uid, start = "", _first_element(data)
    walk = ElementWalk(data, _coding_at(data, start, is_meta=True))
    for element, end in walk.elements(start, lambda tag: tag >> 16 != _META_GROUP):
        if element.tag >> 16 != _META_GROUP:
            break
        if element.tag == _TRANSFER_SYNTAX:
            uid = data[element.value : end].decode("ascii").strip("\0 ")
        start = end
    is_mislabelled = uid == _DEFLATED and is_bare_dicom(data[start : start + 8])
    if uid in ("", *_UNCOMPRESSED, *_COMPRESSED) or is_mislabelled:
        return TransferSyntax(uid, start, _coding_at(data, start))
    raise ImageReadError(
        Message(
            "{file} is a DICOM file packed in a way that is not read here (transfer syntax {uid}). "
            "Export it as lossless JPEG or as PNG.",
            file=name,
            uid=uid if uid and set(uid) <= set("0123456789.") and len(uid) <= 64 else "?",
        )
    )


def _first_element(data: bytes) -> int:
    """Return where the first element is: behind 128 free bytes and "DICM" (PS3.10, 7.1), or not."""
    for start in (132, 4):
        if data[start - 4 : start] == b"DICM":
            return start
    return 0


def _coding_at(data: bytes, start: int, *, is_meta: bool = False) -> Coding:
    """Tell how elements are written by the first one: files that say otherwise are common."""
    group = data[start : start + 2]
    # The groups at the beginning, 2 and 8, are small numbers.
    is_big_endian = not is_meta and group[:1] < group[1:]
    return Coding(data[start + 4 : start + 6] not in _VRS, is_big_endian)


_PIXEL_DATA: Final = 0x7FE00010
_ALL_PIXEL_DATA: Final = (_PIXEL_DATA, 0x7FE00008, 0x7FE00009)  # the others: floating point
_MODALITY: Final = 0x00080060
_MAKER: Final = 0x00080070
_PATIENT_ID: Final = 0x00100020
_ISSUER_OF_PATIENT_ID: Final = 0x00100021
_SEX: Final = 0x00100040
_AGE: Final = 0x00101010
_VIEW: Final = 0x00185101
_YEARS: Final = {b"Y": 1.0, b"M": 1 / 12, b"W": 7 / 365.25, b"D": 1 / 365.25}  # PS3.5, AS
_WANTED = {
    0x00080005,  # Specific Character Set
    _MODALITY,
    _MAKER,
    _PATIENT_ID,
    _ISSUER_OF_PATIENT_ID,
    _SEX,
    _AGE,
    _VIEW,
    *range(0x00181600, 0x00181625),  # Display Shutter
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
    0x00280034,  # Pixel Aspect Ratio
    0x00280100,  # Bits Allocated
    0x00280101,  # Bits Stored
    0x00280102,  # High Bit
    0x00280103,  # Pixel Representation
    0x00280120,  # Pixel Padding Value
    0x00280121,  # Pixel Padding Range Limit
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
_FUNCTIONAL_GROUPS: Final = (0x52009229, 0x52009230)  # shared ones, and those of each frame
_MAX_GROUP_BYTES = 2**17  # of the functional groups; those of one frame take a few hundred
_NOT_OF_A_FRAME: Final = (0x00280002, 0x00280008, 0x00280010, 0x00280011)  # samples, frames, size
_MAX_WANTED_BYTES = 2**20  # a lookup table of 65536 entries takes an eighth of it

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
    frame: int = 1  # of these
    n_frames: int = 1

    @property
    def n_bytes(self) -> int:
        """The size of the decoded pixels of the frame."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


def find_picture(data: bytes, syntax: TransferSyntax, name: object, frame: int = 1) -> Picture:
    """Read the header and check the size it promises.

    Raises:
        EOFError: The file ends before the pixels.
        ImageReadError: No picture, no such frame, too small or too large.
        Exception: Broken; pydicom raised eight kinds for damaged files.
    """
    wanted, pixels, is_whole = _wanted_elements(data, syntax)
    header = _parsed(wanted, syntax)
    if pixels is None or "Rows" not in header or "Columns" not in header:
        raise _no_picture(header, name)
    n_frames = int(number(header, "NumberOfFrames") or 1)
    if not 1 <= frame <= n_frames:
        raise no_such_frame(name, frame, n_frames)
    if not is_whole:
        raise UnsupportedPixelsError("functional groups of many frames")
    _apply_functional_groups(header, frame)
    rows, columns = int(header.Rows), int(header.Columns)
    samples = int(header.get("SamplesPerPixel") or 1)
    allocated = int(header.BitsAllocated)
    stored = int(header.get("BitsStored") or allocated)
    if pixels.tag != _PIXEL_DATA:
        raise UnsupportedPixelsError("floating point")
    if allocated not in (8, 16):
        raise UnsupportedPixelsError(f"{allocated} bits allocated")
    if samples not in (1, 3):
        raise UnsupportedPixelsError(f"{samples} samples for each pixel")
    if not 0 < stored <= allocated:
        raise UnsupportedPixelsError(f"{stored} of {allocated} bits stored")
    photometric = str(header.get("PhotometricInterpretation") or "").strip().upper()
    if not photometric:
        raise UnsupportedPixelsError("no photometric interpretation")
    is_colour = samples > 1 or photometric == "PALETTE COLOR"
    cost = samples * allocated // 8
    cost *= _COLOUR_COST if is_colour else _COMPRESSED_COST if syntax.is_compressed else 1
    check_size(columns, rows, cost, name)
    is_signed = int(header.get("PixelRepresentation") or 0) == 1
    return Picture(
        header,
        pixels,
        rows,
        columns,
        samples,
        allocated,
        stored,
        is_signed,
        photometric,
        frame,
        n_frames,
    )


def _apply_functional_groups(header: "Dataset", frame: int) -> None:
    """Let the functional groups of a frame speak for the data set (PS3.3, C.7.6.16).

    Raises:
        IndexError: The frame has none, though others do.
        ValueError: A group is no sequence.
    """
    for tag, place in zip(_FUNCTIONAL_GROUPS, (0, frame - 1), strict=True):
        groups = header[tag].value if tag in header else None
        for element in groups[place] if groups else ():  # each a sequence of one item: a macro
            if element.VR != "SQ" or not element.value:
                continue
            macro = element.value[0]
            for inner in list(macro.keys()):
                if inner in _WANTED and inner not in _NOT_OF_A_FRAME:
                    header[inner] = macro.get_item(inner)


def patient_hash(header: "Dataset", patient_key: bytes) -> str:
    """Hash who the film is of; the same patient gives the same hash under the same key.

    Returns:
        32 hexadecimal digits; "" where the file names no patient or there is no key.
    """
    # As stored, for a decoder's error would quote it.
    patient, issuer = (_stored_text(header, tag) for tag in (_PATIENT_ID, _ISSUER_OF_PATIENT_ID))
    if not patient_key or _is_placeholder(patient):
        return ""
    content = b"\0".join([patient, issuer] if issuer else [patient])
    return hashlib.blake2b(content, key=patient_key, digest_size=16).hexdigest()


# What programs write in place of a PatientID that they took away, letters and digits alone.
_PLACEHOLDERS = frozenset(
    b"ANON ANONYM ANONYMOUS ANONYMIZED ANONYMISED ANONYMOUSPATIENT ANONYMIZEDPATIENT PATIENT "
    b"PATIENTID ID NOID NONAME NAME UNKNOWN NONE NULL NA NAN NIL EMPTY REMOVED DELETED HIDDEN "
    b"DEIDENTIFIED DEID TEST TESTPATIENT PATIENTTEST DEFAULT DUMMY SAMPLE".split()
)


def _is_placeholder(patient: bytes) -> bool:
    letters = bytes(byte for byte in patient.upper() if chr(byte).isalnum() or byte > 127)
    # Nothing, zeros alone, XXXX
    return letters in _PLACEHOLDERS or not letters.strip(b"0") or not letters.strip(b"X")


def subject_and_machine(header: "Dataset") -> dict[str, Any]:
    """Return the fields of a FilmHeader that say who and with which machine, where known."""
    view, sex, maker = (
        _stored_text(header, tag).decode("ascii", "replace").upper()[:MOST_LETTERS].strip()
        for tag in (_VIEW, _SEX, _MAKER)
    )
    text = _stored_text(header, _AGE)
    number, unit = text[:-1], text[-1:]
    years = int(number) * _YEARS[unit] if number.isdigit() and unit in _YEARS else None
    is_sane = years is not None and years <= MOST_YEARS
    return {"view": view, "age": years if is_sane else None, "sex": sex, "maker": maker}


def _stored_text(header: "Dataset", tag: int) -> bytes:
    element = header.get_item(tag)
    value = None if element is None else element.value
    return value.strip(b"\0 ") if isinstance(value, bytes) else b""


def _wanted_elements(data: bytes, syntax: TransferSyntax) -> tuple[bytes, Element | None, bool]:
    """Return the wanted elements as they are written, and the pixels where there are any.

    The third is False where functional groups were left out for their size.
    """
    walk = ElementWalk(data, syntax.coding)
    wanted: dict[int, bytes] = {}
    n_bytes, is_whole = 0, True
    for element, end in walk.elements(syntax.start, _ALL_PIXEL_DATA.__contains__):
        if element.tag in _ALL_PIXEL_DATA:
            return b"".join(wanted.values()), element, is_whole
        if element.tag in _WANTED or element.tag in _FUNCTIONAL_GROUPS:
            size = end - element.start
            if element.tag in _FUNCTIONAL_GROUPS and size > _MAX_GROUP_BYTES:
                is_whole = False  # of many frames, which are refused
                continue
            n_bytes += size
            if n_bytes > _MAX_WANTED_BYTES:
                raise ValueError("giant tables")
            wanted[element.tag] = data[element.start : end]
    return b"".join(wanted.values()), None, is_whole


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
