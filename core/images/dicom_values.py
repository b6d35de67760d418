"""Numbers and texts in a DICOM header, and words for what cannot be read in one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.errors import ImageReadError, Message

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOST_LETTERS: Final = 40  # of a name that the viewer shows
_DECIMAL = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_HARMLESS = re.compile(r"[0-9.,;:+\-eE ]{1,24}")  # of a text that a refusal may quote
_NUMBERS_AS_TEXT = ("DS", "IS")
_TEXT_VRS = (*_NUMBERS_AS_TEXT, "UN", "LO", "SH", "CS", "ST", "LT", "UT")


class UnclearNumberError(ValueError):
    """A number of the header cannot be read for certain.

    Args:
        keyword: Of the element.
        text: As it is written; foreign.
    """

    def __init__(self, keyword: str, text: str) -> None:
        super().__init__(f"{keyword} is no number")
        self.keyword, self.text = keyword, text


class UnsupportedPixelsError(ValueError):
    """The pixels are stored in a way that is not read here; the file may well be sound.

    Args:
        how: Terms of the standard, such as "32 bits allocated".
    """


@contextmanager
def refusing(name: object) -> Iterator[None]:
    """Turn what is sound and yet cannot be read here into a refusal that says so.

    Args:
        name: What to call the file.

    Raises:
        ImageReadError: In place of the two errors above.
    """
    try:
        yield
    except UnclearNumberError as error:
        raise ImageReadError(
            Message(
                "{file} cannot be read with certainty: its element {element} says “{text}”, which "
                "is no DICOM number. Correct it where the file was made, or export the X-ray as "
                "PNG.",
                file=name,
                element=error.keyword,
                text=error.text if _HARMLESS.fullmatch(error.text) else "?",
            )
        ) from error
    except UnsupportedPixelsError as error:
        raise ImageReadError(
            Message(
                "{file} is a DICOM file whose picture is stored in a way that is not read here "
                "({how}). Export it as 16-bit PNG.",
                file=name,
                how=str(error),
            )
        ) from error


def numbers(header: "Dataset", keyword: str) -> list[float]:
    """Return the numbers of an element, none where it is absent or empty.

    A decimal comma is read as a point: a DS has no other use for it (PS3.5, 6.2). Blanks around
    a number do not count.

    Raises:
        UnclearNumberError: The first is no finite number; others end the list.
    """
    from pydicom.datadict import dictionary_VR

    element = header.get_item(keyword)
    if element is None or element.value is None:
        return []
    content = element.value
    if isinstance(content, bytes) and (element.VR or dictionary_VR(keyword)) in _TEXT_VRS:
        content = content.decode("latin-1")
    else:
        content = header.get(keyword)
    if content is None:
        return []
    if isinstance(content, str):
        parts = [part.strip(" \0\t\r\n") for part in content.split("\\")]
    else:
        parts = [str(one) for one in (content if hasattr(content, "__iter__") else [content])]
    return _parsed(parts, keyword) if any(parts) else []


def _parsed(parts: list[str], keyword: str) -> list[float]:
    found: list[float] = []
    for part in parts:
        value = float(part.replace(",", ".")) if _DECIMAL.fullmatch(part) else np.nan
        if not np.isfinite(value):
            if not found:
                raise UnclearNumberError(keyword, part)
            break
        found.append(value)
    return found


def number(header: "Dataset", keyword: str) -> float | None:
    """Return the first number of an element, None where there is none; see `numbers`."""
    found = numbers(header, keyword)
    return found[0] if found else None


def texts(header: "Dataset", keyword: str) -> list[str]:
    """Return the values of an element as short printable lines; a broken one gives none."""
    try:
        value: Any = header.get(keyword)
        if value is None:
            return []
        parts = [value] if isinstance(value, str) else list(value)
        printable = ("".join(one for one in str(part) if one.isprintable()) for part in parts)
        return [text.strip()[:_MOST_LETTERS] for text in printable]
    except Exception:  # noqa: BLE001 - a damaged name is as good as none
        return []
