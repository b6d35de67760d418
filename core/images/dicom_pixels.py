"""The pixels of a DICOM file, unpacked as they are stored."""

import io
import struct
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images import gdcm_process, jpeg
from core.images.dicom_header import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    JPEG_LS,
    JPEG_LS_LOSSY,
    RLE,
    UNDEFINED_LENGTH,
    Picture,
    TransferSyntax,
    fragments,
)
from core.images.dicom_values import UnsupportedPixelsError
from core.images.window import row_bands

_RLE_HEADER: Final = struct.Struct("<16I")  # number of segments, where each starts (PS3.5, G.5)
_J2K_SIZE: Final = struct.Struct(">4I")  # right, bottom, left and top (ISO 15444-1, A.5.1)
_J2K_START: Final = b"\xff\x4f\xff\x51"
_J2K_WRAPPER_BYTES: Final = 2**16  # of the boxes before the codestream (ISO 15444-1, Annex I)
_J2K_PRECISION_BYTE: Final = 42  # of the codestream: bits of the first component, less 1
_JPEG_START: Final = b"\xff\xd8\xff"
_ITEM_START: Final = b"\xfe\xff\x00\xe0"
_LOSSLESS_FRAME, _JPEG_LS_FRAME = 0xC3, 0xF7  # JPEG markers


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Pixels as they are stored, but colour as RGB."""

    pixels: NDArray[np.generic]  # shape (H, W) or (H, W, 3), of 8 or 16 bits
    n_bits: int | None = None  # of the packed numbers, in the lowest bits; None: not packed
    is_lossy: bool = False  # the numbers may lie a little beyond those that were packed


@dataclass(frozen=True, slots=True)
class _Codec:
    """The coding of a packed picture, by its own first bytes."""

    uid: str
    n_bits: int
    is_lossy: bool
    is_for_gdcm: bool  # else Pillow: its decoders face the whole web's hostile files


def stored_pixels(data: bytes, picture: Picture, syntax: TransferSyntax) -> Stored:
    """Unpack the pixels as they are stored.

    What the pixels are packed with is told by their first bytes; what the file says of it is
    often untrue, after a program unpacked them and left the rest.

    Raises:
        EOFError: They end early.
        UnsupportedPixelsError: They are packed in a rare way.
        Exception: They are damaged.
    """
    frame = _packed_frame(data, picture, syntax)
    if frame is None:
        return Stored(_uncompressed(data, picture, syntax))
    if not frame.startswith(_JPEG_START) and _J2K_START not in frame[:_J2K_WRAPPER_BYTES]:
        if syntax.uid != RLE:
            raise UnsupportedPixelsError("another packing than the file says")
        return Stored(_unpacked_rle(frame, picture), picture.bits_allocated)
    codec = _codec_of(frame, picture, syntax)
    if codec.is_for_gdcm:
        pixels = _unpacked_by_gdcm(frame, picture, codec)
    else:
        pixels = _unpacked_by_pillow(frame, picture, codec)
    return Stored(pixels, codec.n_bits, codec.is_lossy)


def _packed_frame(data: bytes, picture: Picture, syntax: TransferSyntax) -> bytes | None:
    """Return the packed picture; None where the pixels are not packed."""
    element = picture.pixels
    start = data[element.value : element.value + 4]
    is_fragmented = syntax.is_compressed and start == _ITEM_START
    if element.n_bytes == UNDEFINED_LENGTH or is_fragmented:
        if picture.n_frames == 1:
            return b"".join(fragments(data, element.value))
        return _packed_frame_of_many(data, picture)
    if start.startswith(_JPEG_START) and element.n_bytes < picture.n_bytes:
        return data[element.value : element.value + element.n_bytes]
    return None


def _packed_frame_of_many(data: bytes, picture: Picture) -> bytes:
    """Return a frame's fragments, found by the offset table where frames have several."""
    from pydicom.encaps import get_frame

    for _ in fragments(data, picture.pixels.value):  # pydicom checks less
        pass
    pixels = io.BytesIO(data)
    pixels.seek(picture.pixels.value)
    frame = get_frame(pixels, picture.frame - 1, number_of_frames=picture.n_frames)
    return bytes(frame)


def _codec_of(frame: bytes, picture: Picture, syntax: TransferSyntax) -> _Codec:
    """Tell the codec of a JPEG of any kind, and check the size that it promises."""
    if not frame.startswith(_JPEG_START):
        place = frame.find(_J2K_START, 0, _J2K_WRAPPER_BYTES)  # behind a wrapper, if any
        right, bottom, left, top = _J2K_SIZE.unpack_from(frame, place + 8)
        if (bottom - top, right - left) != (picture.rows, picture.columns):
            raise ValueError("a JPEG 2000 of another size")
        n_bits = (frame[place + _J2K_PRECISION_BYTE] & 0x7F) + 1
        if n_bits > 16 or (n_bits > 8 and picture.samples > 1):
            raise UnsupportedPixelsError(f"JPEG 2000 of {n_bits} bits")
        return _Codec(JPEG_2000, n_bits, syntax.uid != JPEG_2000_LOSSLESS, is_for_gdcm=False)
    found = jpeg.frame_of(frame)
    if found is None or (found.height, found.width, found.channels) != (
        picture.rows,
        picture.columns,
        picture.samples,
    ):
        raise ValueError("a JPEG of another size")
    if found.bits > picture.bits_allocated:
        raise ValueError("a JPEG of more bits")
    if jpeg.is_cut_jpeg(frame):
        raise EOFError("the JPEG ends early")
    if found.marker == _LOSSLESS_FRAME:
        return _Codec(JPEG_LOSSLESS, found.bits, is_lossy=False, is_for_gdcm=True)
    if found.marker == _JPEG_LS_FRAME:
        is_lossy = syntax.uid == JPEG_LS_LOSSY
        uid = JPEG_LS_LOSSY if is_lossy else JPEG_LS
        return _Codec(uid, found.bits, is_lossy, is_for_gdcm=True)
    if found.bits == 8:
        return _Codec(JPEG_BASELINE, 8, is_lossy=True, is_for_gdcm=False)
    if found.bits not in (12, 16) or picture.samples > 1:  # GDCM itself writes 16 and means 12
        raise UnsupportedPixelsError(f"JPEG of {found.bits} bits")
    return _Codec(JPEG_EXTENDED, found.bits, is_lossy=True, is_for_gdcm=True)


def _uncompressed(data: bytes, picture: Picture, syntax: TransferSyntax) -> NDArray[np.generic]:
    element, needed = picture.pixels, picture.n_bytes
    if picture.photometric == "YBR_FULL_422":  # colour at half the width
        needed = needed * 2 // 3
    start = element.value + needed * (picture.frame - 1)
    end = start + needed
    if min(element.value + element.n_bytes, end) > len(data):
        raise EOFError("the pixels end early")
    if element.value + element.n_bytes < end:
        raise ValueError("fewer pixels than promised")
    content = memoryview(data)[start : end + needed % 2]
    pixels = _decoded(
        content,
        picture,
        EXPLICIT_BIG if syntax.coding.is_big_endian else EXPLICIT_LITTLE,
        raw=True,  # pydicom's own conversion of colours took nine times the picture's memory
        view_only=picture.samples == 1,
        correct_unused_bits=False,
    )
    return _rgb_of_ybr(pixels) if picture.photometric.startswith("YBR_FULL") else pixels


def _unpacked_by_pillow(frame: bytes, picture: Picture, codec: _Codec) -> NDArray[np.generic]:
    # pydicom wants an offset table before the frame; an empty one will do.
    framed = struct.pack("<HHIHHI", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE000, len(frame)) + frame
    if codec.n_bits == 8 and picture.bits_allocated == 16:
        picture = replace(picture, bits_allocated=8, bits_stored=8, is_signed=False)
    return _decoded(framed, picture, codec.uid, decoding_plugin="pillow")


def _decoded(
    content: bytes | memoryview, picture: Picture, uid: str, **options: Any
) -> NDArray[np.generic]:
    """Decode with pydicom."""
    from pydicom.pixels.decoders.base import get_decoder

    array, _ = get_decoder(uid).as_array(
        content,
        index=0,
        rows=picture.rows,
        columns=picture.columns,
        samples_per_pixel=picture.samples,
        photometric_interpretation=picture.photometric,
        planar_configuration=int(picture.header.get("PlanarConfiguration") or 0),
        bits_allocated=picture.bits_allocated,
        bits_stored=picture.bits_stored,
        pixel_representation=int(picture.is_signed),
        number_of_frames=1,
        pixel_keyword="PixelData",
        pixel_vr=picture.pixels.vr.decode("ascii") or "OW",
        **options,
    )
    return array


def _unpacked_by_gdcm(frame: bytes, picture: Picture, codec: _Codec) -> NDArray[np.generic]:
    pixels = gdcm_process.unpack(
        frame,
        {
            "syntax": codec.uid,
            "photometric": picture.photometric,
            "columns": picture.columns,
            "rows": picture.rows,
            "samples": picture.samples,
            "bits_allocated": picture.bits_allocated,
            "bits_stored": picture.bits_stored,
            "is_signed": int(picture.is_signed),
        },
    )
    n_values = picture.rows * picture.columns * picture.samples
    if len(pixels) not in (n_values, 2 * n_values):  # JPEG-LS of 8 bits stays so in 16
        raise ValueError("another number of pixels")
    array = np.frombuffer(pixels, f"<u{len(pixels) // n_values}")
    if picture.samples == 1:
        return array.reshape(picture.rows, picture.columns)
    array = array.reshape(picture.rows, picture.columns, picture.samples)
    return _rgb_of_ybr(array) if picture.photometric.startswith("YBR_FULL") else array


def _rgb_of_ybr(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Convert colours (H, W, 3) as JPEG does (PS3.3, C.7.6.3.1.2)."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3:
        raise UnsupportedPixelsError("luminance and chrominance of more than 8 bits")
    picture = np.empty(pixels.shape, np.uint8)
    for rows in row_bands(pixels.shape[1], pixels.shape[0]):
        size = pixels.shape[1], rows.stop - rows.start
        band = Image.frombytes("YCbCr", size, pixels[rows].tobytes())
        picture[rows] = np.asarray(band.convert("RGB"))
    return picture


def _unpacked_rle(frame: bytes, picture: Picture) -> NDArray[np.generic]:
    """Unpack run lengths (PS3.5, Annex G), which Pillow bounds and pydicom does not.

    Each segment is one byte of one sample of all pixels, the highest byte first.
    """
    n_planes = picture.samples * picture.bits_allocated // 8
    n_segments, *starts = _RLE_HEADER.unpack_from(frame)
    if n_segments != n_planes:
        raise ValueError("another number of RLE segments")
    ends = [*starts[1:n_segments], len(frame)]
    n_pixels = picture.rows * picture.columns
    planes = np.empty((n_pixels, n_planes), np.uint8)
    for place, (start, end) in enumerate(zip(starts, ends, strict=False)):
        if not start <= end <= len(frame):
            raise EOFError("an RLE segment ends early")
        plane = Image.frombytes("L", (n_pixels, 1), frame[start:end], "packbits", "L")
        planes[:, place] = np.asarray(plane)[0]
    if picture.bits_allocated == 16:
        shape = (picture.rows, picture.columns, picture.samples)
        return planes.view(">u2").reshape(shape).squeeze(axis=2 if picture.samples == 1 else ())
    if picture.samples == 1:
        return planes.reshape(picture.rows, picture.columns)
    return planes.reshape(picture.rows, picture.columns, picture.samples)
