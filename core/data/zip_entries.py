"""What a zip says about itself, and how far that is believed before a byte is unpacked."""

import io
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from itertools import pairwise

from core.data.admission import EMPTY, UnusableFileError, check_format, check_name_and_size
from core.data.names import is_junk, showable
from core.data.unpacked import PIECE_BYTES
from core.errors import ArchiveError, Message, Refusal

# Films are already compressed: the real sets pack one to one, deflate reaches 1032.
MAX_RATIO = 200
MAX_RATIO_FREE_BYTES = 256 * 2**20  # a zip this small unpacked does no harm at any ratio
# zipfile needs 480 bytes for each file it lists, and copies all that is written about it.
MAX_FILES = 200_000
MAX_DIRECTORY_BYTES = 32 * 2**20
_DIRECTORY_ENTRY = b"PK\x01\x02"
_DIRECTORY_ENTRY_BYTES = 46  # without name, extra field and comment (APPNOTE 4.3.12)
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of name, length of extra field
_ENCRYPTED_BITS = 0x1 | 0x40
_UTF8_BIT = 0x800
_UNIX_SYSTEMS = (3, 19)  # the entry's attributes hold a Unix file mode


# Shared, because a hostile zip can list so many files that a sentence for each costs much memory.
_ABSOLUTE = Message("Its name is an absolute path; zip the folder itself.")
_LEADS_OUT = Message("Its name leads out of the archive; zip the folder again.")
_LINK = Message("A link; put the file itself there.")
_NO_FILE = Message("Not an ordinary file.")
_LOCKED = Message("Locked with a password; zip it again without one.")
_UNUSUAL = Message("Packed with an unusual method; zip it again with the method Deflate.")
_SECOND = Message("Another file of the same name comes before it.")
_DAMAGED = Message("Damaged inside the zip; add it again from the original.")


class TooManyFilesError(Exception):
    """The list of a zip is longer than memory should hold."""


class BoundedReader(io.BufferedReader):
    """Keeps zipfile from reading a giant list of files into memory in one go."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("central directory too large")
        content = super().read(size)
        if len(content) > MAX_FILES * _DIRECTORY_ENTRY_BYTES:
            n_files = content.count(_DIRECTORY_ENTRY)
            if n_files > MAX_FILES:
                raise TooManyFilesError(n_files)
        return content


def open_zip(source_name: str, file: io.BufferedReader) -> zipfile.ZipFile:
    """Read the list of files.

    Raises:
        ArchiveError: It is not a zip, or cut short, or its list is broken or giant.
    """
    file.seek(0)
    head = file.read(4)
    try:
        return zipfile.ZipFile(file)
    except TooManyFilesError as error:
        raise ArchiveError(
            Message(
                "{file} lists more than {limit} files. Unpack it yourself and choose the folder.",
                file=source_name,
                limit=MAX_FILES,
            )
        ) from error
    except Exception as error:  # BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error
        if head == b"PK\x03\x04":
            raise ArchiveError(
                Message(
                    "{file} is cut short or damaged: its list of files cannot be read. Copy or "
                    "download it again.",
                    file=source_name,
                )
            ) from error
        raise ArchiveError(
            Message(
                "{file} is not a zip file. Pack the class folders into a zip, or choose the "
                "folder that holds them.",
                file=source_name,
            )
        ) from error


def check_structure(source_name: str, file: io.BufferedReader, zipped: zipfile.ZipFile) -> None:
    """Refuse archives whose entries share bytes or unpack to far more than they hold.

    Both make a small file fill a disk (D. Fifield, "A better zip bomb", WOOT 2019).
    """
    n_bytes = file.seek(0, io.SEEK_END)
    spans = [(zipped.start_dir, n_bytes)]
    for info in zipped.infolist():
        file.seek(min(max(0, info.header_offset), n_bytes))  # zip64 offsets have no limit
        header = file.read(_LOCAL_HEADER.size)
        length = _LOCAL_HEADER.size + info.compress_size
        if len(header) == _LOCAL_HEADER.size:
            _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
            length += name_length + extra_length
        spans.append((info.header_offset, info.header_offset + length))
    spans.sort()
    if spans[0][0] < 0 or any(one[1] > other[0] for one, other in pairwise(spans)):
        raise ArchiveError(
            Message(
                "{file} is damaged or malicious: its entries overlap. Get it again from a "
                "source you trust.",
                file=source_name,
            )
        )
    packed = sum(info.compress_size for info in zipped.infolist())
    total = sum(info.file_size for info in zipped.infolist())
    if total > max(MAX_RATIO_FREE_BYTES, MAX_RATIO * packed):
        raise ArchiveError(
            Message(
                "{file} would unpack to {n} times its size, as only a malicious file does. "
                "Get it again from a source you trust.",
                file=source_name,
                n=total // max(1, packed),
            )
        )


def usable_entries(
    zipped: zipfile.ZipFile, left_out: list[Refusal]
) -> list[tuple[str, zipfile.ZipInfo]]:
    """Names and entries worth opening, in the order in which they lie in the file."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in zipped.infolist():
        raw = _decoded_name(info).replace("\\", "/")
        name = "/".join(part for part in showable(raw).split("/") if part not in ("", "."))
        if raw.endswith("/") or not name or is_junk(name):
            continue
        try:
            _check_entry(raw, info)
            check_name_and_size(name, info.file_size)
            if name in entries:
                raise UnusableFileError(_SECOND)
        except UnusableFileError as error:
            left_out.append(Refusal(name, error.message, error.kind))
        else:
            entries[name] = info
    return sorted(entries.items(), key=lambda item: item[1].header_offset)


def _decoded_name(info: zipfile.ZipInfo) -> str:
    """The name as its maker meant it; Chinese Windows writes GBK and does not say so."""
    if info.flag_bits & _UTF8_BIT:
        return info.orig_filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return info.orig_filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return info.orig_filename


def _check_entry(raw_name: str, info: zipfile.ZipInfo) -> None:
    """Raise UnusableFileError for what must not or cannot be unpacked."""
    if raw_name.startswith("/") or re.match("[A-Za-z]:", raw_name):
        raise UnusableFileError(_ABSOLUTE)
    if ".." in raw_name.split("/"):
        raise UnusableFileError(_LEADS_OUT)
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system in _UNIX_SYSTEMS else 0
    if kind == stat.S_IFLNK:
        raise UnusableFileError(_LINK)
    if kind not in (0, stat.S_IFREG):
        raise UnusableFileError(_NO_FILE)
    if info.flag_bits & _ENCRYPTED_BITS:
        raise UnusableFileError(_LOCKED)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnusableFileError(_UNUSUAL)
    if not info.file_size:
        raise UnusableFileError(EMPTY, "unreadable")


def read_entry(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of an image in pieces of a MiB, at least one; zipfile compares the CRC at the end.

    Raises:
        UnusableFileError: The entry is damaged, or no image.
    """
    n_left = info.file_size
    try:
        with zipped.open(info) as source:
            piece = source.read(PIECE_BYTES)
            check_format(piece)
            while piece:
                n_left -= len(piece)
                yield piece
                piece = source.read(PIECE_BYTES)
        if n_left:
            raise zipfile.BadZipFile("the entry does not have the length the directory gives")
    except UnusableFileError:
        raise
    # BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError, NotImplementedError, ...
    except Exception as error:
        raise UnusableFileError(_DAMAGED, "unreadable") from error
