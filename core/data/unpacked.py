"""What any source of images looks like once it is open, and how far opening it has come."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import ArchiveError, Message, Refusal
from core.events import Progress

PIECE_BYTES = 2**20
_CANCEL_BYTES = 8 * 2**20
_REPORTS = 40


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One image file that can be opened at `path`."""

    name: str  # as in the archive or folder, separators "/"
    path: Path
    digest: str  # sha256 of the bytes, hexadecimal


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a dropped archive or folder holds."""

    folder: Path
    files: tuple[SourceFile, ...]  # sorted by name
    left_out: tuple[Refusal, ...]  # sorted by name


def in_order(
    folder: Path, source_name: str, files: list[SourceFile], left_out: list[Refusal]
) -> Unpacked:
    """Bring the outcome into its order.

    Raises:
        ArchiveError: There is no image at all.
    """
    left_out = sorted(left_out, key=lambda refusal: refusal.file)
    if files:
        return Unpacked(folder, tuple(sorted(files, key=lambda file: file.name)), tuple(left_out))
    if left_out:
        raise ArchiveError(
            Message(
                "{file} holds no image that can be used; {n} files were left out, such as "
                "{example}: {reason}",
                file=source_name,
                n=len(left_out),
                example=left_out[0].file,
                reason=left_out[0].reason,
            )
        )
    raise ArchiveError(
        Message(
            "{file} is empty. Put one folder of images for each class into it.",
            file=source_name,
        )
    )


class ReadingPace:
    """Reports files done about 40 times, and gives a cancel point at least every 8 MiB."""

    def __init__(self, stage: Message, total: int) -> None:
        self._stage = stage
        self._total = total
        self._done = 0
        self._unreported_bytes = 0

    def read(self, n_bytes: int) -> Iterator[Progress]:
        """Count bytes inside a file."""
        self._unreported_bytes += n_bytes
        if self._unreported_bytes >= _CANCEL_BYTES:
            yield self._report()

    def file_done(self) -> Iterator[Progress]:
        """Count a finished file."""
        self._done += 1
        if self._done % max(1, self._total // _REPORTS) == 0 or self._done == self._total:
            yield self._report()

    def _report(self) -> Progress:
        self._unreported_bytes = 0
        return Progress(self._stage, self._done, self._total)
