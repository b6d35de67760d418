"""Which files are let in: by name, by size, and by the bytes they begin with."""

from core.data.images import MAX_FILE_BYTES, Format, format_of
from core.errors import Message, PneumoScopeError, RefusalKind

MAX_NAME_LENGTH = 1000
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b")
_ZIP_HEADER_BYTES = 30  # of an entry, before its name (APPNOTE 4.3.7)
# Spreadsheets and documents are zips too; they begin with one of these entries.
_OFFICE_NAMES = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"word/", b"mimetype")
# Shared, because a hostile zip can list so many files that a sentence for each costs much memory.
EMPTY = Message("It is empty.")
_HIDDEN = Message("Hidden file: its name or its folder's starts with a dot.")
_LONG_NAME = Message("Its name is longer than {n} characters.", n=MAX_NAME_LENGTH)
_ARCHIVE = Message("An archive inside; unpack it and add its images themselves.")
_NO_IMAGE = Message("Not a PNG, JPEG, BMP, TIFF or DICOM image.")


class UnusableFileError(PneumoScopeError):
    """One file among many is left out; message and kind become its refusal."""

    def __init__(self, message: Message, kind: RefusalKind = "other") -> None:
        super().__init__(message)
        self.kind = kind


def check_name_and_size(name: str, n_bytes: int) -> None:
    """Refuse hidden files and those no X-ray needs.

    Raises:
        UnusableFileError: with the reason.
    """
    if name.startswith(".") or "/." in name:
        raise UnusableFileError(_HIDDEN)
    if len(name) > MAX_NAME_LENGTH:
        raise UnusableFileError(_LONG_NAME)
    if n_bytes > MAX_FILE_BYTES:
        raise UnusableFileError(
            Message(
                "It is {size} MiB large; an image may have {limit} MiB.",
                size=n_bytes >> 20,
                limit=MAX_FILE_BYTES >> 20,
            )
        )


def check_format(head: bytes) -> Format:
    """Tell the format by the first bytes, whatever the file is called.

    Args:
        head: The first `core.data.images.HEAD_BYTES` or more; all where the file is shorter.

    Raises:
        UnusableFileError: It is no image.
    """
    if not head:
        raise UnusableFileError(EMPTY, "unreadable")
    found = format_of(head)
    if found:
        return found
    is_office = head[_ZIP_HEADER_BYTES:].startswith(_OFFICE_NAMES)
    if head.startswith(_ARCHIVE_MAGIC) and not is_office:
        raise UnusableFileError(_ARCHIVE, "not_an_image")
    raise UnusableFileError(_NO_IMAGE, "not_an_image")
