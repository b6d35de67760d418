"""Images of one size in one file, read one by one and checked when they are first used.

Nothing is memory-mapped: a file that is cut while it is mapped, or a disk that fails, kills the
process. An image that is not what was written is made anew from its film.
"""

import os
import threading
import weakref
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class ImageFile:
    """An array of images on disk, shape (N, *shape), from which rows are read.

    Each image is compared with its checksum (CRC-32) the first time this object reads it. Later
    readings cost nothing more: they come from the system's memory, not from the disk.

    Args:
        path: The file; images stand one behind the other.
        shape: Of one image.
        checksums: One for each image.
        repair: Makes the image of a row anew; called from any thread, may raise.

    Raises:
        OSError: The file cannot be opened.
        ValueError: The file does not have the length of its images.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        checksums: Sequence[int],
        repair: Callable[[int], NDArray[np.uint8]],
    ) -> None:
        self._path, self._shape, self._repair = path, shape, repair
        self._checksums = np.array(checksums, np.uint32)
        self._n_bytes = int(np.prod(shape))  # of an image
        self._is_checked = bytearray(len(checksums))
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._file)
        self._seeking = threading.Lock()  # Windows cannot read without moving the file's position
        if not self._has_whole_length():
            raise ValueError(f"{path} has another length")

    def __len__(self) -> int:
        return len(self._is_checked)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""
        return (len(self), *self._shape)

    def __getitem__(self, rows: int | np.integer | slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return one image or several, as of an array."""
        if isinstance(rows, int | np.integer):
            return self._image(int(rows))
        places = range(len(self))[rows] if isinstance(rows, slice) else rows.tolist()
        images = np.empty((len(places), *self._shape), np.uint8)
        for image, row in zip(images, places, strict=True):
            image[...] = self._image(row)
        return images

    def _image(self, row: int) -> NDArray[np.uint8]:
        try:
            content = self._read(row)
        except OSError:  # the disk or the network drive fails
            content = b""
        if len(content) != self._n_bytes:
            # Who lengthens a file that was cut fills it with zeros: nothing in it can be believed.
            self._is_checked[:] = bytes(len(self))
        elif self._is_checked[row] or zlib.crc32(content) == self._checksums[row]:
            self._is_checked[row] = True
            return np.frombuffer(content, np.uint8).reshape(self._shape)
        image = self._repair(row)
        self._write(row, image)
        return image

    def _read(self, row: int) -> bytes:
        start = row * self._n_bytes
        if hasattr(os, "pread"):
            return os.pread(self._file, self._n_bytes, start)
        with self._seeking:
            os.lseek(self._file, start, os.SEEK_SET)
            return os.read(self._file, self._n_bytes)

    def _write(self, row: int, image: NDArray[np.uint8]) -> None:
        """Put a repaired image in its place; where that fails, it is made anew each time.

        Not into a file that was cut: lengthened, it would look whole to other processes.
        """
        try:
            if self._has_whole_length():
                with self._path.open("r+b", buffering=0) as file:
                    file.seek(row * self._n_bytes)
                    file.write(image.tobytes())
        except OSError:
            return

    def _has_whole_length(self) -> bool:
        return os.fstat(self._file).st_size == len(self) * self._n_bytes


# Of files, or in memory.
Images = NDArray[np.uint8] | ImageFile
