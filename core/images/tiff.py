"""TIFF files (TIFF 6.0; BigTIFF): their directories, checked first, and values of many bits.

Pillow reads up to 8 bits a sample. Of more bits it refuses or misreads several kinds (compressed
big-endian numbers, separate planes, 16- and 64-bit floats), so here libtiff only unpacks bytes,
and this module makes numbers of them.
"""

import io
import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TiffImageFile

from core.images.formats import Rarity, cut_short, several_pictures, unsupported

# None, CCITT, LZW, JPEG, Deflate (two numbers) and PackBits: what Pillow's libtiff reads
# everywhere. Of the others each is one more parser for hostile bytes.
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}
_BYTEWISE_COMPRESSIONS = {1, 5, 8, 32773, 32946}  # that pack bytes, whatever these mean
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TYPE_BYTES |= {13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {3: "u2", 4: "u4", 16: "i8"}
_RAW_TYPES = (1, 2, 6, 7)  # kept as bytes, so that their number costs nothing
_MAX_VALUES = 2**18  # tiles of 16 x 16 in the largest picture
_MAX_DIRECTORIES = 1000
_MAX_ENTRIES = 1000  # in a directory; Pillow writes 10 to 30

# Tags (TIFF 6.0, appendix A)
_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION = 254, 255, 256, 257, 258, 259
_PHOTOMETRIC, _FILL_ORDER, _STRIPS, _ORIENTATION, _SAMPLES = 262, 266, 273, 274, 277
_STRIP_ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT = (
    278,
    279,
    284,
    317,
    322,
    323,
)
_TILES, _TILE_BYTES, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 324, 325, 338, 339

_COPY, _MASK = 1, 4  # bits of NewSubfileType
_OLD_COPY = 2  # of SubfileType
_LONGEST_PREVIEW = 512  # pixels: a copy that no tag calls one
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_SEPARATE_PLANES = 2
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3  # predictors
_BAND_BYTES = 2**20  # strips are unpacked in bands of about this size
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}  # of numpy, by sample format
_DEEP_BYTES = {"u": (1, 2, 4, 8), "i": (1, 2, 4, 8), "f": (2, 4, 8)}

Order = Literal["<", ">"]


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    start: int  # of its values in the file


@dataclass(frozen=True, slots=True)
class Directory:
    """The entries that describe one picture of a file."""

    data: bytes
    order: Order
    entries: dict[int, _Entry]

    def numbers(self, tag: int) -> NDArray[np.int64]:
        """Return the values of an entry of whole numbers; none where there is no such entry.

        Raises:
            struct.error: They run past the end of the file.
        """
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _WHOLE_NUMBERS:
            return np.zeros(0, np.int64)
        n_bytes = entry.count * _TYPE_BYTES[entry.kind]
        if entry.start + n_bytes > len(self.data):
            raise struct.error("values past the end")
        dtype = np.dtype(_WHOLE_NUMBERS[entry.kind]).newbyteorder(self.order)
        return np.frombuffer(self.data, dtype, entry.count, entry.start).astype(np.int64)

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first value of an entry."""
        values = self.numbers(tag)
        return int(values[0]) if len(values) else default

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.number(_WIDTH), self.number(_HEIGHT)

    @property
    def orientation(self) -> int:
        """The orientation as in EXIF, 1 (upright) to 8."""
        orientation = self.number(_ORIENTATION, 1)
        return orientation if orientation in range(2, 9) else 1

    @property
    def is_copy(self) -> bool:
        """True for a small copy for quick viewing and for a mask, which are no pictures."""
        is_marked = bool(self.number(_SUBFILE) & (_COPY | _MASK))
        return is_marked or self.number(_OLD_SUBFILE) == _OLD_COPY


def find_picture(data: bytes, name: object) -> tuple[bytes, Directory]:
    """Find the one picture of a TIFF that is no copy or mask of another.

    Returns:
        The file, changed where it begins with a copy so that it begins with the picture; and the
        picture's directory.

    Raises:
        ImageReadError: Several pictures, a file that is cut short, or a rare compression.
        ValueError: It is broken.
    """
    order: Order = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    place, layout = (8, order + "Q") if is_big else (4, order + "I")
    try:
        (offset,) = struct.unpack_from(layout, data, place)
        pages: dict[int, Directory] = {}
        seen = {0}
        while (offset not in seen or not pages) and len(seen) <= _MAX_DIRECTORIES:
            seen.add(offset)
            entries, following = _directory(data, offset, order, is_big)
            pages[offset] = Directory(data, order, entries)
            offset = following
        chosen = _picture_among(pages, name)
        _check_entries(pages[chosen], name)
    except struct.error as error:
        raise cut_short(name) from error
    if chosen != next(iter(pages)):
        pointer = struct.pack(layout, chosen)
        data = data[:place] + pointer + data[place + len(pointer) :]
    return data, pages[chosen]


def _picture_among(pages: dict[int, Directory], name: object) -> int:
    """Return the offset of the one picture."""
    pictures = [offset for offset, page in pages.items() if not page.is_copy]
    # Where every page is marked as a copy, the largest is what they are copies of.
    largest = max(pictures or pages, key=lambda offset: np.prod(pages[offset].size, dtype=float))
    others = [
        offset
        for offset in pictures
        if offset != largest and not _is_preview(pages[offset].size, pages[largest].size)
    ]
    if others:
        raise several_pictures(name, len(others) + 1)
    return largest


def _is_preview(size: tuple[int, int], of: tuple[int, int]) -> bool:
    """Return whether one picture is a small copy of another by its sides."""
    (width, height), (whole_width, whole_height) = size, of
    if max(size) > _LONGEST_PREVIEW or 2 * width > whole_width or 2 * height > whole_height:
        return False
    # The sides of a copy are rounded to whole pixels.
    return abs(width * whole_height - height * whole_width) <= max(whole_width, whole_height)


def _check_entries(page: Directory, name: object) -> None:
    """Raise struct.error where values or picture run past the end, ValueError where broken."""
    for entry in page.entries.values():
        if entry.kind not in _RAW_TYPES and entry.count > _MAX_VALUES:
            raise ValueError("a list of too many values")
        if entry.start + entry.count * _TYPE_BYTES.get(entry.kind, 0) > len(page.data):
            raise struct.error("values past the end")
    if not set(page.numbers(_COMPRESSION)) <= _COMPRESSIONS:
        raise unsupported(name, Rarity.COMPRESSION)
    for starts, sizes in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        start, size = page.numbers(starts), page.numbers(sizes)
        n = min(len(start), len(size))
        if n and (start[:n] + size[:n]).max() > len(page.data):
            raise struct.error("a part of the picture past the end")


def _directory(
    data: bytes, offset: int, order: Order, is_big: bool
) -> tuple[dict[int, _Entry], int]:
    """Return the entries by tag, and the offset of the next directory; 0 where there is none."""
    number = struct.Struct(order + ("Q" if is_big else "I"))  # an offset, or values that fit
    layout = struct.Struct(order + ("HHQ" if is_big else "HHI"))
    (n_entries,) = struct.unpack_from(order + ("Q" if is_big else "H"), data, offset)
    if n_entries > _MAX_ENTRIES:
        raise ValueError("a directory of too many entries")
    offset += 8 if is_big else 2
    entries: dict[int, _Entry] = {}
    for _ in range(n_entries):
        tag, kind, count = layout.unpack_from(data, offset)
        offset += layout.size
        (start,) = number.unpack_from(data, offset)
        n_bytes = count * _TYPE_BYTES.get(kind, 1)
        entries[tag] = _Entry(kind, count, offset if n_bytes <= number.size else start)
        offset += number.size
    (following,) = number.unpack_from(data, offset)
    return entries, following


@dataclass(frozen=True, slots=True)
class DeepLayout:
    """A picture of more than 8 bits a sample, or of signed bytes, and how it is stored."""

    page: Directory
    kind: str  # of numpy: "u", "i" or "f"
    sample_bytes: int
    n_samples: int

    @property
    def bits(self) -> int:
        """The bits of a sample."""
        return 8 * self.sample_bytes

    @property
    def is_colour(self) -> bool:
        """True where the first three samples are red, green and blue."""
        return self.page.number(_PHOTOMETRIC) == _RGB

    @property
    def is_negative(self) -> bool:
        """True where larger values are darker."""
        return self.page.number(_PHOTOMETRIC) == _WHITE_IS_ZERO

    @property
    def has_alpha(self) -> bool:
        """True where the sample behind grey or colour says how opaque a pixel is."""
        extra = self.page.number(_EXTRA_SAMPLES)
        return extra in (1, 2) and self.n_samples > (3 if self.is_colour else 1)

    @property
    def held_bytes(self) -> int:
        """The bytes that a pixel costs while it is decoded."""
        is_packed = self.page.number(_COMPRESSION, 1) != 1  # a strip may be the whole picture
        has_predictor = self.page.number(_PREDICTOR, 1) != 1
        return (1 + is_packed + has_predictor) * self.n_samples * self.sample_bytes


def deep_layout(page: Directory, name: object) -> DeepLayout | None:
    """Describe a picture that this module decodes; None where Pillow is to.

    Raises:
        ImageReadError: Such pictures are not read.
    """
    bits, formats = set(page.numbers(_BITS)), set(page.numbers(_SAMPLE_FORMAT)) or {1}
    is_plain = max(bits, default=1) <= 8 and formats <= {1, 4}
    if is_plain or not set(page.numbers(_COMPRESSION)) <= _BYTEWISE_COMPRESSIONS:
        return None
    kind = _KINDS.get(int(min(formats))) if len(formats) == 1 else None
    n_bits = int(min(bits, default=0))
    if kind == "u" and bits == {12}:
        return None
    if kind is None or len(bits) > 1 or n_bits / 8 not in _DEEP_BYTES[kind]:
        raise unsupported(name, Rarity.NUMBERS)
    n_samples, photometric = page.number(_SAMPLES, 1), page.number(_PHOTOMETRIC)
    least = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}.get(photometric, 5)
    if not least <= n_samples <= 4:
        raise unsupported(name, Rarity.COLOURS)
    return DeepLayout(page, kind, n_bits // 8, n_samples)


def deep_values(layout: DeepLayout) -> NDArray[Any]:
    """Decode a picture.

    Returns:
        Its numbers, shape (H, W) or (H, W, samples), in this computer's byte order.

    Raises:
        Exception: It is damaged.
    """
    n_planes = 1
    if layout.n_samples > 1 and layout.page.number(_PLANAR) == _SEPARATE_PLANES:
        n_planes = layout.n_samples
    planes = [_plane(layout, number, n_planes) for number in range(n_planes)]
    values = planes[0] if n_planes == 1 else np.concatenate(planes, axis=2)
    return values[:, :, 0] if layout.n_samples == 1 else values


@dataclass(frozen=True, slots=True)
class _Parts:
    """The strips or tiles of one plane."""

    tags: tuple[int, int]  # of their offsets and lengths
    width: int  # of one, in pixels
    height: int
    n_across: int
    n_down: int


def _parts_of(page: Directory) -> _Parts:
    width, height = page.size
    if _TILES in page.entries:
        across, down = page.number(_TILE_WIDTH), page.number(_TILE_HEIGHT)
        tags = _TILES, _TILE_BYTES
    else:
        across, down = width, min(page.number(_STRIP_ROWS, height), height)
        tags = _STRIPS, _STRIP_BYTES
    # A tile may be larger than the picture, which costs memory: beyond this nobody makes them.
    if not (0 < across <= 2 * width + 1024 and 0 < down <= 2 * height + 1024):
        raise ValueError("strips or tiles of an impossible size")
    return _Parts(tags, across, down, -(-width // across), -(-height // down))


def _plane(layout: DeepLayout, number: int, n_planes: int) -> NDArray[np.generic]:
    """Decode one of the planes, each with some of the samples; shape (H, W, samples of one)."""
    page, parts = layout.page, _parts_of(layout.page)
    n_samples = layout.n_samples // n_planes
    starts, sizes = (page.numbers(tag) for tag in parts.tags)
    n_parts = parts.n_across * parts.n_down
    if not len(sizes) and n_planes * n_parts == len(starts) == 1:
        sizes = np.array([len(page.data) - starts[0]])  # some programs leave the lengths out
    if min(len(starts), len(sizes)) < n_planes * n_parts:
        raise ValueError("too few strips or tiles")
    pieces = list(zip(starts.tolist(), sizes.tolist(), strict=False))
    width, height = page.size
    values = np.empty((height, width, n_samples), f"{layout.kind}{layout.sample_bytes}")
    n_bytes = parts.width * n_samples * layout.sample_bytes  # of a row of a part
    n_rows = parts.height  # of parts that are unpacked together
    if parts.n_across == 1:
        n_rows *= max(1, _BAND_BYTES // (n_bytes * parts.height))
    for top in range(0, height, n_rows):
        bottom = min(height, top + n_rows)
        first = number * n_parts + top // parts.height * parts.n_across
        last = number * n_parts + -(-bottom // parts.height) * parts.n_across
        content = [page.data[start : start + size] for start, size in pieces[first:last]]
        rows = _unpacked(page, parts, content, (n_bytes, bottom - top))
        for place in range(parts.n_across):
            left = place * parts.width
            right = min(width, left + parts.width)
            band = np.ascontiguousarray(rows[:, place * n_bytes : (place + 1) * n_bytes])
            numbers = _numbers_of(band, layout, n_samples)  # (n, part's width, samples)
            values[top:bottom, left:right] = numbers[:, : right - left]
    return values


def _unpacked(
    page: Directory, parts: _Parts, content: list[bytes], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Unpack strips or one row of tiles as if they were a grey picture of one byte a pixel.

    Args:
        page: The picture's directory.
        parts: The layout of the strips or tiles.
        content: Each of them, packed.
        size: Bytes in a row of one, and rows of the band.

    Returns:
        Shape (rows, n_across * bytes).
    """
    n_bytes, height = size
    width, compression = parts.n_across * n_bytes, page.number(_COMPRESSION, 1)
    fill_order = page.number(_FILL_ORDER, 1)
    if compression == fill_order == parts.n_across == 1:
        packed = content[0] if len(content) == 1 else b"".join(content)
        if len(packed) < height * width:
            raise EOFError("a strip ends early")
        return np.frombuffer(packed, np.uint8, height * width).reshape(height, width)
    entries: dict[int, list[int]] = {
        _WIDTH: [width],
        _HEIGHT: [height],
        _BITS: [8],
        _COMPRESSION: [compression],
        _PHOTOMETRIC: [_BLACK_IS_ZERO],
        _FILL_ORDER: [fill_order],
        _SAMPLES: [1],
        parts.tags[0]: [0] * len(content),
        parts.tags[1]: [len(piece) for piece in content],
    }
    if parts.tags[0] == _TILES:
        entries |= {_TILE_WIDTH: [n_bytes], _TILE_HEIGHT: [parts.height]}
    else:
        entries |= {_STRIP_ROWS: [parts.height]}
    with TiffImageFile(io.BytesIO(_tiff(entries, parts.tags[0], content, page.order))) as image:
        image.load()
        return np.asarray(image)


def _tiff(
    entries: dict[int, list[int]], offsets_tag: int, content: list[bytes], order: Order
) -> bytes:
    """Write a TIFF of one picture.

    Args:
        entries: Whole numbers by tag.
        offsets_tag: The entry to fill with the offsets of `content`.
        content: Strips or tiles, packed.
        order: Of the bytes.
    """
    start = 8
    for piece_number, piece in enumerate(content):
        entries[offsets_tag][piece_number] = start
        start += len(piece)
    directory, lists = struct.pack(order + "H", len(entries)), b""
    lists_start = start + 2 + 12 * len(entries) + 4
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            packed, lists = struct.pack(order + "I", lists_start + len(lists)), lists + packed
        directory += struct.pack(order + "HHI", tag, 4, len(values)) + packed
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return b"".join((head, *content, directory, bytes(4), lists))


def _numbers_of(band: NDArray[np.uint8], layout: DeepLayout, n_samples: int) -> NDArray[np.generic]:
    """Make numbers of the rows of strips or tiles, shape (H, bytes); shape (H, W, samples).

    Predictors: TIFF 6.0, section 14, and Adobe Photoshop TIFF Technical Note 3 for floats.
    """
    kind, n_bytes = layout.kind, layout.sample_bytes
    shape = len(band), -1, n_samples
    predictor = layout.page.number(_PREDICTOR, 1)
    if predictor == _FLOAT_DIFFERENCES and kind == "f":
        sums = band.reshape(shape).cumsum(axis=1, dtype=np.uint8)
        # The first bytes of all numbers of the row, then the second bytes; the highest first.
        planes = sums.reshape(len(band), n_bytes, -1)  # (H, bytes, W * samples)
        values = np.ascontiguousarray(planes.swapaxes(1, 2)).view(f">{kind}{n_bytes}")
        return values.reshape(shape)
    if predictor == _DIFFERENCES:
        whole = band.view(f"{layout.page.order}u{n_bytes}").reshape(shape)
        sums = whole.cumsum(axis=1, dtype=f"u{n_bytes}")
        return sums.view(f"{kind}{n_bytes}")
    if predictor != 1:
        raise ValueError("an unknown predictor")
    return band.view(f"{layout.page.order}{kind}{n_bytes}").reshape(shape)
