"""The data elements before the pixels of a DICOM file (PS3.5, section 7), walked without recursion.

pydicom parses every nested sequence it meets, wanted or not: a deep one ended in a
RecursionError, a broad one took gigabytes. Here an unwanted element costs nothing.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

UNDEFINED_LENGTH: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
# Value representations whose length takes four bytes after two free ones (PS3.5, 7.1.2).
_LONG_VRS = {
    b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV",
}  # fmt: skip
_MAX_ELEMENTS = 200_000  # a usual film has 100 to 300
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Coding:
    """How elements are written in a file."""

    is_implicit: bool = False
    is_big_endian: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """Where an element stands in the file."""

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
        """Where the next element starts."""
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


def fragments(data: bytes, offset: int) -> Iterator[memoryview]:
    """The pieces of compressed pixels after the offset table (PS3.5, A.4).

    Raises:
        EOFError: The end is missing.
        ValueError: Something else stands between them.
    """
    view, is_table = memoryview(data), True
    while True:
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
