"""Members of archives: what zips and tars have in common, and the checks of names and kinds."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

from core.data.unpacked import UnusableFileError, is_junk, showable
from core.errors import Message
from core.images.documents import is_office_document
from core.images.formats import format_of

MAX_FILES: Final = 200_000
# Films are already compressed: the real sets pack one to one, deflate reaches 1032.
MAX_RATIO: Final = 200
MAX_RATIO_FREE_BYTES: Final = 256 * 2**20  # an archive this small does no harm at any ratio

ArchiveKind = Literal["zip", "tar", "gzip"]
_ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")  # with files, empty, in parts
_GZIP_HEAD = b"\x1f\x8b\x08"
_TAR_BLOCK = 512
_TAR_CHECKSUM = slice(148, 156)
DATASET_ENDINGS: Final = (".zip", ".tar", ".tar.gz", ".tgz")

# Shared, because a hostile archive can list so many files that a sentence for each costs much
# memory.
ABSOLUTE: Final = Message("Its name is an absolute path; zip the folder itself.")
LEADS_OUT: Final = Message("Its name leads out of the archive; zip the folder again.")
LINK: Final = Message("A link; put the file itself there.")
NO_FILE: Final = Message("Not an ordinary file.")
SECOND: Final = Message("Another file of the same name comes before it.")
DAMAGED: Final = Message("Damaged inside the archive; add it again from the original.")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive."""

    name: str  # separators "/"
    n_bytes: int  # as the archive says
    start: int  # where it lies in the archive
    # Its content, in pieces of a MiB; at least one. Raises UnusableFileError where it is damaged.
    pieces: Callable[[], Iterator[bytes]]


def archive_kind(head: bytes) -> ArchiveKind | None:
    """Tell an archive by its first bytes, of which 512 are needed; None: it is none.

    Spreadsheets and documents are zips too, and are none here.
    """
    if format_of(head) is not None:
        return None
    if head.startswith(_ZIP_HEADS):
        return None if is_office_document(head) else "zip"
    if head.startswith(_GZIP_HEAD):
        return "gzip"
    return "tar" if _is_tar_header(head[:_TAR_BLOCK]) else None


def _is_tar_header(block: bytes) -> bool:
    """Compare the checksum (POSIX.1-1988, ustar): the sum of all bytes, its own being blanks."""
    if len(block) < _TAR_BLOCK or not block[0]:
        return False
    try:
        checksum = int(block[_TAR_CHECKSUM].strip(b" \0") or b"0", 8)
    except ValueError:
        return False
    return checksum == sum(block) - sum(block[_TAR_CHECKSUM]) + 8 * ord(" ")


def is_named_as_archive(name: str) -> bool:
    """Return whether a file's name says that it is an archive that can be opened."""
    return name.lower().endswith((*DATASET_ENDINGS, ".gz"))


def folder_of_archive(name: str) -> str:
    """Return the folder that an archive within an archive stands for: its name without ending."""
    lower = name.lower()
    for ending in DATASET_ENDINGS:
        if lower.endswith(ending) and len(PurePosixPath(name).name) > len(ending):
            return name[: -len(ending)]
    return name


def unzipped_name(name: str) -> str:
    """Return what a file that is packed by gzip is called when it is unpacked."""
    lower = name.lower()
    if lower.endswith(".tgz"):
        return name[:-4] + ".tar"
    return name[:-3] if lower.endswith(".gz") else name


def clean_name(raw: str) -> str | None:
    """Return a member's name as it is shown; None for folders and what systems add."""
    raw = raw.replace("\\", "/")
    name = "/".join(part for part in showable(raw).split("/") if part not in ("", "."))
    return None if raw.endswith("/") or not name or is_junk(name) else name


def check_path(raw: str) -> None:
    """Refuse names that lead out of the folder into which a member is unpacked.

    Raises:
        UnusableFileError: It does.
    """
    raw = raw.replace("\\", "/")
    if raw.startswith("/") or re.match("[A-Za-z]:", raw):
        raise UnusableFileError(ABSOLUTE)
    if ".." in raw.split("/"):
        raise UnusableFileError(LEADS_OUT)
