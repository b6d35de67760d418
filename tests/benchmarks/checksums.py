"""Cost of the checksums of stored copies: a pass of batches with them, later passes, without them.

Prints the processor's seconds for a pass of batches, no network behind them: of a real epoch the
checksums are a smaller share.
"""

import argparse
import hashlib
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.config import AugmentationConfig
from core.data import image_file
from core.data.batches import BatchSource
from core.data.cache import ImageCache, open_cache
from core.data.records import Record
from core.runtime.threads import physical_core_count


def main() -> None:
    """Measure in turns, so that another busy process bends all figures alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--size", type=int, default=224, help="pixels of the squares")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        records = _films(Path(place), arguments.films)
        _open(records, arguments.size, Path(place) / "caches")
        seconds: dict[str, list[float]] = {}
        for _ in range(arguments.rounds):
            with _without_checksums():
                plain = _open(records, arguments.size, Path(place) / "caches")
                _note(seconds, "first pass, no checksums", plain, records, arguments.batch)
            cache = _open(records, arguments.size, Path(place) / "caches")
            _note(seconds, "first pass", cache, records, arguments.batch)
            _note(seconds, "later pass", cache, records, arguments.batch)
        pixels = np.ascontiguousarray(cache.grey[0])
        started = time.process_time()
        for _ in range(arguments.films):
            zlib.crc32(pixels)
        checksums = time.process_time() - started
    first = statistics.median(seconds["first pass, no checksums"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"{name:28}{middle:8.3f} s{100 * (middle / first - 1):+8.2f} %")
    print(f"{'the checksums alone':28}{checksums:8.3f} s{100 * checksums / first:+8.2f} %")


@contextmanager
def _without_checksums() -> Iterator[None]:
    """Take every stored copy for whole."""
    checked = image_file.ImageFile._image
    image_file.ImageFile._image = _unchecked  # type: ignore[method-assign]
    try:
        yield
    finally:
        image_file.ImageFile._image = checked  # type: ignore[method-assign]


def _unchecked(images: image_file.ImageFile, row: int) -> np.ndarray:
    return np.frombuffer(images._read(row), np.uint8).reshape(images._shape)


def _note(
    seconds: dict[str, list[float]],
    name: str,
    cache: ImageCache,
    records: tuple[Record, ...],
    batch_size: int,
) -> None:
    source = BatchSource(cache, records, batch_size)
    started = time.process_time()
    with closing(
        source.training_batches(AugmentationConfig(), 0, 1, physical_core_count())
    ) as batches:
        for _ in batches:
            pass
    seconds.setdefault(name, []).append(time.process_time() - started)


def _films(folder: Path, n: int) -> tuple[Record, ...]:
    random, records = np.random.default_rng(0), []
    for number in range(n):
        path = folder / f"{number}.png"
        Image.fromarray(random.integers(0, 256, (256, 256)).astype(np.uint8)).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        records.append(Record(path.name, path, digest, number % 2))
    return tuple(records)


def _open(records: tuple[Record, ...], size: int, folder: Path) -> ImageCache:
    *_, cache = open_cache(records, size, folder)
    assert isinstance(cache, ImageCache)
    return cache


if __name__ == "__main__":
    main()
