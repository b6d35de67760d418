"""What a file says of its picture beside the pixels; no lung is seen in any of it."""

import re
from dataclasses import asdict, dataclass, fields
from typing import get_args

from core.data.images.formats import Format

_HASH = re.compile(r"(?:[0-9a-f]{32})?")


@dataclass(frozen=True, slots=True)
class FilmHeader:
    """The properties of a film's file that may give its class away."""

    format: Format  # by the content
    width: int  # pixels, as shown upright
    height: int
    bits: int  # stored for each channel
    channels: int  # stored: 1 to 4; a palette counts 3
    has_alpha: bool
    jpeg_quality: int | None  # 1 to 100, estimated; None where the file is no JPEG
    orientation: int  # EXIF 1 to 8, already undone
    patient: str = ""  # keyed hash of the DICOM PatientID, 32 hexadecimal digits; "" where unknown

    def to_json(self) -> dict[str, str | int | bool | None]:
        """The fields by name."""
        return asdict(self)

    @staticmethod
    def from_json(value: object) -> "FilmHeader":
        """Read what `to_json` gave.

        Raises:
            ValueError: It is anything else.
        """
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise ValueError("not the fields of a film's header")
        header = FilmHeader(**value)
        if not (
            header.format in get_args(Format)
            and _is_within(header.width, 1, 2**31)
            and _is_within(header.height, 1, 2**31)
            and _is_within(header.bits, 1, 64)
            and _is_within(header.channels, 1, 4)
            and isinstance(header.has_alpha, bool)
            and (header.jpeg_quality is None or _is_within(header.jpeg_quality, 1, 100))
            and (header.jpeg_quality is None or header.format == "JPEG")
            and _is_within(header.orientation, 1, 8)
            and isinstance(header.patient, str)
            and _HASH.fullmatch(header.patient)
        ):
            raise ValueError("a field of a film's header is out of its range")
        return header


_FIELDS = {field.name for field in fields(FilmHeader)}


def _is_within(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
