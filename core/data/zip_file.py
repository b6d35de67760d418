"""The list of files of a zip, checked before anything is unpacked, and their content."""

import contextlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

from core.data.members import (
    DAMAGED,
    LINK,
    MAX_FILES,
    MAX_RATIO,
    MAX_RATIO_FREE_BYTES,
    NO_FILE,
    SECOND,
    Member,
    check_path,
    clean_name,
    is_named_as_archive,
)
from core.data.unpacked import EMPTY, PIECE_BYTES, UnusableFileError, check_name_and_size
from core.data.zip_names import decoded, guess_code_page
from core.errors import ArchiveError, Message, Refusal

# zipfile needs 480 bytes for each file it lists, and copies all that is written about it.
MAX_DIRECTORY_BYTES = 32 * 2**20
_DIRECTORY_ENTRY = b"PK\x01\x02"
_DIRECTORY_ENTRY_BYTES = 46  # without name, extra field and comment (APPNOTE 4.3.12)
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of name, length of extra field
_ENCRYPTED_BITS = 0x1 | 0x40
_UTF8_BIT = 0x800
_EXTRA_FIELD = struct.Struct("<HH")  # kind and length (APPNOTE 4.5)
_UNICODE_PATH, _UNICODE_PATH_HEAD = 0x7075, struct.Struct("<BI")  # version, CRC (APPNOTE 4.6.9)
_UNIX_SYSTEMS = (3, 19)  # the entry's attributes hold a Unix file mode


_LOCKED = Message("Locked with a password; zip it again without one.")
_UNUSUAL = Message("Packed with an unusual method; zip it again with the method Deflate.")


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


def zip_members(
    zipped: zipfile.ZipFile, left_out: list[Refusal], code_page: str = ""
) -> tuple[list[Member], str]:
    """Return the members worth opening.

    Args:
        zipped: The zip.
        left_out: Gets what cannot be used.
        code_page: Of names that do not say how they are encoded; "" to guess it.

    Returns:
        The members in the order in which they lie in the file, and the code page; "" where all
        names are ASCII or say how they are encoded.
    """
    infos = zipped.infolist()
    declared = {info.header_offset: _declared_name(info) for info in infos}
    undeclared = {_raw_name(info) for info in infos if declared[info.header_offset] is None}
    guessed = guess_code_page(undeclared)
    code_page = (code_page or guessed) if guessed else ""
    readable = dict(zip(undeclared, decoded(undeclared, code_page or "ascii"), strict=True))
    members: dict[str, Member] = {}
    for info in infos:
        raw = declared[info.header_offset] or readable[_raw_name(info)]
        name = clean_name(raw)
        if name is None:
            continue
        try:
            _check_entry(raw, info)
            check_name_and_size(name, 0 if is_named_as_archive(name) else info.file_size)
            if name in members:
                raise UnusableFileError(SECOND)
        except UnusableFileError as error:
            left_out.append(Refusal(name, error.message, error.kind))
        else:
            pieces = partial(_pieces, zipped, info)
            members[name] = Member(name, info.file_size, info.header_offset, pieces)
    return sorted(members.values(), key=lambda member: member.start), code_page


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a name that zipfile took for code page 437."""
    return info.orig_filename.encode("cp437", "replace")


def _declared_name(info: zipfile.ZipInfo) -> str | None:
    """Return the name of an entry that says how it is encoded; None where it does not."""
    if info.flag_bits & _UTF8_BIT:
        return info.orig_filename
    extra = info.extra
    while len(extra) >= _EXTRA_FIELD.size:
        kind, length = _EXTRA_FIELD.unpack_from(extra)
        field = extra[_EXTRA_FIELD.size : _EXTRA_FIELD.size + length]
        if kind == _UNICODE_PATH and len(field) > _UNICODE_PATH_HEAD.size:
            version, checksum = _UNICODE_PATH_HEAD.unpack_from(field)
            # Another checksum: the name was changed by a program that does not know this field.
            if version == 1 and checksum == zlib.crc32(_raw_name(info)):
                with contextlib.suppress(UnicodeDecodeError):
                    return field[_UNICODE_PATH_HEAD.size :].decode("utf-8")
        extra = extra[_EXTRA_FIELD.size + length :]
    return None


def _check_entry(raw_name: str, info: zipfile.ZipInfo) -> None:
    """Raise UnusableFileError for what must not or cannot be unpacked."""
    check_path(raw_name)
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system in _UNIX_SYSTEMS else 0
    if kind == stat.S_IFLNK:
        raise UnusableFileError(LINK)
    if kind not in (0, stat.S_IFREG):
        raise UnusableFileError(NO_FILE)
    if info.flag_bits & _ENCRYPTED_BITS:
        raise UnusableFileError(_LOCKED)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnusableFileError(_UNUSUAL)
    if not info.file_size:
        raise UnusableFileError(EMPTY, "unreadable")


def _pieces(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of an entry in pieces of a MiB; zipfile compares the CRC at the end.

    Raises:
        UnusableFileError: The entry is damaged.
    """
    n_left = info.file_size
    try:
        with zipped.open(info) as source:
            while piece := source.read(PIECE_BYTES):
                n_left -= len(piece)
                yield piece
        if n_left:
            raise zipfile.BadZipFile("the entry does not have the length the directory gives")
    # BadZipFile, zlib.error, EOFError, OSError, UnicodeDecodeError, NotImplementedError, ...
    except Exception as error:
        raise UnusableFileError(DAMAGED, "unreadable") from error
