"""Reading hostile files takes at most 200 MiB more than the program has at rest."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import JPEGBaseline8Bit, SecondaryCaptureImageStorage

from core.errors import ImageReadError
from core.images.png import without_large_extras
from core.images.reading import load_xray

ROOT = Path(__file__).parents[2]
MOST_MIB = 200
MEASURE = """import sys
from pathlib import Path
from core.errors import ImageReadError
from core.images.reading import load_xray
import core.images.dicom, pydicom
load_xray(Path(sys.argv[1]))
Path("/proc/self/clear_refs").write_text("5")
def kib(key):
    status = Path("/proc/self/status").read_text()
    return int(status.split(key)[1].split()[0])
before = kib("VmRSS:")
try:
    load_xray(Path(sys.argv[2]))
except ImageReadError as error:
    print(type(error).__name__, file=sys.stderr)
print((kib("VmHWM:") - before) // 1024)
"""


def film(format: str = "PNG") -> bytes:
    file = io.BytesIO()
    levels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(levels).save(file, format)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_with(*chunks: bytes) -> bytes:
    data = film()
    return data[:33] + b"".join(chunks) + data[33:]  # after the header


def dicom_of(n_fragments: int) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = JPEGBaseline8Bit
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset("film", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    dataset.Rows = dataset.Columns = 64
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    jpeg = film("JPEG")
    size = -(-len(jpeg) // n_fragments // 2) * 2 or 2
    jpeg = jpeg.ljust(size * n_fragments, b"\0")
    item = struct.pack("<HHI", 0xFFFE, 0xE000, size)
    pieces = (item + jpeg[k * size : (k + 1) * size] for k in range(n_fragments))
    begin = struct.pack("<HH2sHIHHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF, 0xFFFE, 0xE000, 0)
    return file.getvalue() + begin + b"".join(pieces) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


HOSTILE = {
    "text": lambda: png_with(chunk(b"tEXt", b"k\0" + b"x" * 100_000_000)),
    "international text": lambda: png_with(chunk(b"iTXt", b"k\0\0\0\0\0" + b"x" * 100_000_000)),
    "many texts": lambda: png_with(*[chunk(b"tEXt", b"k\0" + b"x" * 1_000_000)] * 100),
    "packed texts": lambda: png_with(
        *[chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * 1_000_000))] * 100
    ),
    "a million fragments": lambda: dicom_of(1_000_000),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_takes_little_memory(name: str, tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(film())
    (tmp_path / "hostile").write_bytes(HOSTILE[name]())
    words = [sys.executable, "-c", MEASURE, tmp_path / "film.png", tmp_path / "hostile"]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) <= MOST_MIB


def test_a_picture_is_the_same_without_its_text() -> None:
    for data in (png_with(chunk(b"tEXt", b"k\0" + b"x" * 2**21)), png_with(chunk(b"tEXt", b"k\0"))):
        assert np.array_equal(load_xray(data), load_xray(film()))
    small = png_with(chunk(b"tEXt", b"k\0short"))
    assert without_large_extras(small) is small


def test_text_whose_checksum_is_wrong_is_damage() -> None:
    text = bytearray(chunk(b"tEXt", b"k\0" + b"x" * 2**21))
    text[100] ^= 1
    with pytest.raises(ImageReadError, match="damaged"):
        load_xray(png_with(bytes(text)))


def test_a_dicom_film_may_have_a_few_fragments() -> None:
    assert np.array_equal(load_xray(dicom_of(3)), load_xray(dicom_of(1)))
