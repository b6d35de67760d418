"""Fields of a DICOM file that the user asked for by name, and no others.

Whoever hands on a report hands on nothing that names a patient, a date or a hospital, unless
every such field was asked for one by one.
"""

import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.data.images.dicom.elements import ElementWalk
from core.data.images.dicom.reading import silence_pydicom
from core.data.images.dicom.syntax import TransferSyntax, syntax_of
from core.data.images.formats import HEAD_BYTES, format_of
from core.data.images.reading import content_of
from core.data.names import showable
from core.errors import ConfigError, ImageReadError, Message

# PS3.6; all of them stand before the pixels.
DICOM_FIELDS: Final = {
    "PatientID": 0x00100020,
    "PatientName": 0x00100010,
    "PatientBirthDate": 0x00100030,
    "PatientSex": 0x00100040,
    "PatientAge": 0x00101010,
    "StudyDate": 0x00080020,
    "StudyTime": 0x00080030,
    "AccessionNumber": 0x00080050,
    "Modality": 0x00080060,
    "Manufacturer": 0x00080070,
    "InstitutionName": 0x00080080,
    "ReferringPhysicianName": 0x00080090,
    "StudyDescription": 0x00081030,
    "SeriesDescription": 0x0008103E,
    "ManufacturerModelName": 0x00081090,
    "BodyPartExamined": 0x00180015,
    "ViewPosition": 0x00185101,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "SOPInstanceUID": 0x00080018,
    "Laterality": 0x00200060,
}
_CHARACTER_SET: Final = 0x00080005
_MAX_BYTES: Final = 1024  # of one field: four times the longest that the standard allows
_MAX_CHARACTERS: Final = 200


def check_fields(names: Sequence[str]) -> tuple[str, ...]:
    """The names without repetitions.

    Raises:
        ConfigError: One is not among `DICOM_FIELDS`.
    """
    unknown = next((name for name in names if name not in DICOM_FIELDS), None)
    if unknown is not None:
        raise ConfigError(
            Message(
                "{name} is no DICOM field that can be exported; choose from {choices}.",
                name=unknown,
                choices=", ".join(DICOM_FIELDS),
            )
        )
    return tuple(dict.fromkeys(names))


def dicom_fields(path: Path, names: Sequence[str]) -> dict[str, str]:
    """Read the named fields of a film.

    Args:
        path: A film of any format.
        names: Keywords of `DICOM_FIELDS`.

    Returns:
        Keyword -> text, in the order of `names`; "" where the file has no such field, is no
        DICOM file, or is broken there.

    Raises:
        ConfigError: A name is not among `DICOM_FIELDS`.
    """
    names = check_fields(names)
    values = dict.fromkeys(names, "")
    if not names:
        return values
    try:
        data = content_of(path)
        if format_of(data[:HEAD_BYTES]) == "DICOM":
            values |= _read(data, path.name, names)
    except ImageReadError:
        logging.getLogger(__name__).info("no DICOM fields", exc_info=True)
    except Exception as error:  # noqa: BLE001 (pydicom raised eight kinds for damaged files)
        # Not the error's text: it may quote the file, and so name a patient in the log.
        logging.getLogger(__name__).info("broken DICOM fields (%s)", type(error).__name__)
    return values


def _read(data: bytes, name: str, names: Sequence[str]) -> dict[str, str]:
    from pydicom.filereader import read_dataset

    silence_pydicom()
    syntax = syntax_of(data, name)
    header = read_dataset(
        io.BytesIO(_wanted(data, syntax, {DICOM_FIELDS[name] for name in names})),
        is_implicit_VR=syntax.coding.is_implicit,
        is_little_endian=not syntax.coding.is_big_endian,
    )
    found = {}
    for keyword in names:
        value = header.get(keyword)
        if value is not None:
            found[keyword] = showable(str(value)).strip()[:_MAX_CHARACTERS]
    return found


def _wanted(data: bytes, syntax: TransferSyntax, tags: set[int]) -> bytes:
    """The wanted elements as they are written."""
    last = max(tags)
    wanted: dict[int, bytes] = {}
    walk = ElementWalk(data, syntax.coding)
    # Elements stand in the order of their tags (PS3.5, 7.1): the pixels are never reached.
    for element, end in walk.elements(syntax.start, lambda tag: tag > last):
        if element.tag > last:
            break
        if element.tag in tags | {_CHARACTER_SET} and end - element.start <= _MAX_BYTES:
            wanted[element.tag] = data[element.start : end]
    return b"".join(wanted.values())
