"""Small zips with something odd about them, and a place to unpack them and look for traces."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.archive import extract
from core.data.unpacked import Unpacked
from core.errors import ArchiveError


def encoded(seed: int = 0, kind: str = "PNG", side: int = 24) -> bytes:
    grey = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    target = io.BytesIO()
    Image.fromarray(grey).save(target, kind)
    return target.getvalue()


PNG = encoded(1)
JPEG = encoded(2, "JPEG")
BMP = encoded(3, "BMP")
TIFF = encoded(4, "TIFF")
DICOM = bytes(128) + b"DICM and whatever follows"


def zipped(
    *entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED
) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return target.getvalue()


def patched(content: bytes, entry: int, offset: int, layout: str, value: int) -> bytes:
    """Change one field of the central directory's entry (APPNOTE 4.3.12)."""
    place = -1
    for _ in range(entry + 1):
        place = content.index(b"PK\x01\x02", place + 1)
    changed = bytearray(content)
    struct.pack_into(layout, changed, place + offset, value)
    return bytes(changed)


def unix_entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def joined(first: bytes, second: bytes) -> bytes:
    """One zip with the entries of two, whatever is wrong with them."""
    parts = []
    for content in (first, second):
        size, start = struct.unpack_from("<II", content, content.rindex(b"PK\5\6") + 12)
        parts.append((content[:start], content[start : start + size]))
    (data, directory), (more_data, more_directory) = parts
    moved = bytearray(more_directory)
    struct.pack_into("<I", moved, 42, struct.unpack_from("<I", moved, 42)[0] + len(data))
    everything = directory + bytes(moved)
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, len(everything), len(data) + len(more_data), 0
    )
    return data + more_data + everything + end


class Box:
    """A store and an archive beside it, and nothing else that may change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "store"
        self.archive = root / "films.zip"

    def extract(self, content: bytes) -> Unpacked:
        self.archive.write_bytes(content)
        last = list(extract(self.archive, self.store))[-1]
        assert isinstance(last, Unpacked)
        return last

    def refusal(self, content: bytes) -> str:
        with pytest.raises(ArchiveError) as caught:
            self.extract(content)
        return str(caught.value)

    def left_behind(self) -> list[str]:
        return [path.name for path in self.store.iterdir()] if self.store.exists() else []


def names(unpacked: Unpacked) -> list[str]:
    return [file.name for file in unpacked.files]


def reasons(unpacked: Unpacked) -> dict[str, str]:
    return {refusal.file: str(refusal.reason) for refusal in unpacked.left_out}
