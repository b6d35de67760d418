"""The pixels of a DICOM file, unpacked as they are stored."""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images import gdcm_process, jpeg
from core.images.dicom_header import (
    JPEG_2000,
    RLE,
    UNDEFINED_LENGTH,
    Picture,
    TransferSyntax,
    fragments,
)
from core.images.window import row_bands

_RLE_HEADER: Final = struct.Struct("<16I")  # number of segments, where each starts (PS3.5, G.5)
_J2K_SIZE: Final = struct.Struct(">4I")  # right, bottom, left and top (ISO 15444-1, A.5.1)


def stored_pixels(data: bytes, picture: Picture, syntax: TransferSyntax) -> NDArray[np.generic]:
    """Unpack the pixels as they are stored, but colour as RGB.

    Returns:
        Shape (H, W) or (H, W, 3), of 8 or 16 bits.

    Raises:
        EOFError: They end early.
        Exception: They are damaged.
    """
    is_packed = picture.pixels.n_bytes == UNDEFINED_LENGTH
    if is_packed != bool(syntax.decoder):
        raise ValueError("compressed and not, both at once")
    if not is_packed:
        return _uncompressed(data, picture, syntax)
    frame = b"".join(fragments(data, picture.pixels.value))
    if syntax.uid == RLE:
        return _unpacked_rle(frame, picture)
    _check_codestream(frame, picture, syntax)
    if syntax.decoder == "gdcm":
        return _unpacked_by_gdcm(frame, picture, syntax)
    # pydicom wants an offset table before the frame; an empty one will do.
    framed = struct.pack("<HHIHHI", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE000, len(frame)) + frame
    return _decoded(framed, picture, syntax, decoding_plugin=syntax.decoder)


def _uncompressed(data: bytes, picture: Picture, syntax: TransferSyntax) -> NDArray[np.generic]:
    element, needed = picture.pixels, picture.n_bytes
    if picture.photometric == "YBR_FULL_422":  # colour at half the width
        needed = needed * 2 // 3
    if element.value + min(element.n_bytes, needed) > len(data):
        raise EOFError("the pixels end early")
    if element.n_bytes < needed:
        raise ValueError("fewer pixels than promised")
    content = memoryview(data)[element.value : element.value + needed + needed % 2]
    pixels = _decoded(
        content,
        picture,
        syntax,
        raw=True,  # pydicom's own conversion of colours took nine times the picture's memory
        view_only=picture.samples == 1,
        correct_unused_bits=False,
    )
    return _rgb_of_ybr(pixels) if picture.photometric.startswith("YBR_FULL") else pixels


def _decoded(
    content: bytes | memoryview, picture: Picture, syntax: TransferSyntax, **options: Any
) -> NDArray[np.generic]:
    """Decode with pydicom."""
    from pydicom.pixels.decoders.base import get_decoder

    array, _ = get_decoder(syntax.uid).as_array(
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


def _unpacked_by_gdcm(
    frame: bytes, picture: Picture, syntax: TransferSyntax
) -> NDArray[np.generic]:
    pixels = gdcm_process.unpack(
        frame,
        {
            "syntax": syntax.uid,
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
        raise ValueError("luminance and chrominance of more than 8 bits")
    picture = np.empty(pixels.shape, np.uint8)
    for rows in row_bands(pixels.shape[1], pixels.shape[0]):
        size = pixels.shape[1], rows.stop - rows.start
        band = Image.frombytes("YCbCr", size, pixels[rows].tobytes())
        picture[rows] = np.asarray(band.convert("RGB"))
    return picture


def _check_codestream(frame: bytes, picture: Picture, syntax: TransferSyntax) -> None:
    """Raise ValueError where the packed picture is of another size than the header says."""
    if syntax.uid in JPEG_2000:
        place = frame.find(b"\xff\x4f\xff\x51", 0, 1024)  # behind a wrapper, if any
        right, bottom, left, top = _J2K_SIZE.unpack_from(frame, place + 8)
        if place < 0 or (bottom - top, right - left) != (picture.rows, picture.columns):
            raise ValueError("a JPEG 2000 of another size")
        return
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
