"""The list of files of a tar, checked before anything is unpacked, and their content."""

import io
import tarfile
from collections.abc import Iterator
from functools import partial

from core.data.members import (
    LINK,
    MAX_FILES,
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

# tarfile reads long names and their like into memory as a whole.
_MAX_HEADER_BYTES = 2**20
_BLOCK = 512


class _BoundedFile(io.RawIOBase):
    """Keeps tarfile from reading a giant header into memory."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _MAX_HEADER_BYTES:
            raise tarfile.ReadError("a header of too many bytes")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def tar_members(
    source_name: str, file: io.BufferedReader, left_out: list[Refusal], code_page: str
) -> tuple[list[Member], str]:
    """Return the members worth opening.

    Args:
        source_name: What to call the tar.
        file: The tar itself.
        left_out: Gets what cannot be used.
        code_page: Of names that are no UTF-8; "" to guess it.

    Returns:
        The members in their order, and the code page; "" where all names are UTF-8.

    Raises:
        ArchiveError: It is cut short, damaged, or lists too many files.
    """
    infos = _headers(source_name, file)
    raws = {
        info.name: info.name.encode("utf-8", "surrogateescape")
        for info in infos
        if not info.name.isascii()
    }
    undeclared = {
        name: raw for name, raw in raws.items() if any("\udc80" <= c <= "\udcff" for c in name)
    }
    code_page = (code_page or guess_code_page(undeclared.values())) if undeclared else ""
    readable = dict(zip(undeclared, decoded(undeclared.values(), code_page), strict=True))
    members: dict[str, Member] = {}
    for info in infos:
        raw = readable.get(info.name, info.name)
        name = None if info.isdir() else clean_name(raw)
        if name is None:
            continue
        try:
            _check_member(raw, info)
            check_name_and_size(name, 0 if is_named_as_archive(name) else info.size)
            if name in members:
                raise UnusableFileError(SECOND)
        except UnusableFileError as error:
            left_out.append(Refusal(name, error.message, error.kind))
        else:
            pieces = partial(_pieces, file, info.offset_data, info.size)
            members[name] = Member(name, info.size, info.offset_data, pieces)
    return list(members.values()), code_page


def _headers(source_name: str, file: io.BufferedReader) -> list[tarfile.TarInfo]:
    n_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    infos: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(
            fileobj=_BoundedFile(file),
            mode="r:",
            encoding="utf-8",
            errors="surrogateescape",
        ) as tar:
            while (info := tar.next()) is not None:
                tar.members = []  # type: ignore[attr-defined]  # it keeps them otherwise
                infos.append(info)
                if len(infos) > MAX_FILES:
                    raise ArchiveError(
                        Message(
                            "{file} lists more than {limit} files. Unpack it yourself and choose "
                            "the folder.",
                            file=source_name,
                            limit=MAX_FILES,
                        )
                    )
            end = tar.offset
    except ArchiveError:
        raise
    # ReadError and its like; ValueError, OverflowError, UnicodeError and more from wild headers.
    except Exception as error:
        raise _broken(source_name) from error
    file.seek(min(end, n_bytes))
    if any(info.offset_data + info.size > n_bytes for info in infos if info.isreg()) or any(
        file.read(_BLOCK)
    ):
        raise _broken(source_name)  # tarfile takes a broken header for the end
    return infos


def _broken(source_name: str) -> ArchiveError:
    return ArchiveError(
        Message(
            "{file} is cut short or damaged: its list of files cannot be read. Copy or download "
            "it again.",
            file=source_name,
        )
    )


def _check_member(raw_name: str, info: tarfile.TarInfo) -> None:
    """Raise UnusableFileError for what must not or cannot be unpacked."""
    check_path(raw_name)
    if info.issym() or info.islnk():
        raise UnusableFileError(LINK)
    if not info.isreg() or info.issparse():
        raise UnusableFileError(NO_FILE)
    if not info.size:
        raise UnusableFileError(EMPTY, "unreadable")


def _pieces(file: io.BufferedReader, start: int, n_bytes: int) -> Iterator[bytes]:
    while n_bytes > 0:
        file.seek(start)
        piece = file.read(min(PIECE_BYTES, n_bytes))
        if not piece:
            raise OSError("the archive was changed while it was read")
        yield piece
        start, n_bytes = start + len(piece), n_bytes - len(piece)
