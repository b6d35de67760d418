"""From files to augmented batches, ours against the reference notebook's way: images a second.

    .venv/bin/python tests/benchmarks/data_pipeline.py

The notebook decodes, resizes and augments every image in every epoch, in one thread. We decode
once, on all cores, and augment what lies in the cache.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.config import AugmentationConfig
from core.data.batches import BatchSource
from core.data.cache import ImageCache, open_cache
from core.data.dataset import LoadedDataset, load_dataset
from core.data.records import Record
from core.phantom import write_dataset
from core.runtime.threads import physical_core_count
from core.workspace import Workspace

MIN_SECONDS = 1.0  # short passes are repeated this long


def main() -> int:
    """Draw films, send them through each pipeline and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--films", type=int, default=48, help="how many are drawn")
    parser.add_argument("--film-size", type=int, default=1024, help="pixels of a film's side")
    parser.add_argument("--size", type=int, default=224, help="pixels of the network's input")
    parser.add_argument("--batch", type=int, default=32, help="images")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _compare(Path(folder), arguments)
    return 0


def _compare(folder: Path, arguments: argparse.Namespace) -> None:
    print(f"drawing {arguments.films} films of {arguments.film_size} px", file=sys.stderr)
    list(write_dataset(folder / "films.zip", -(-arguments.films // 3), arguments.film_size))
    *_, loaded = load_dataset([folder / "films.zip"], Workspace(folder / "home"), 32)
    assert isinstance(loaded, LoadedDataset)
    records = loaded.dataset.records
    cores = physical_core_count()
    cache = _decode(records, arguments.size, folder / "kept")
    source = BatchSource(cache, records, arguments.batch)
    n = len(records)

    speeds: dict[str, list[float]] = {}
    for number in range(arguments.rounds):
        new = folder / f"caches {number}"
        for name, one_pass in {
            "notebook, every epoch, 1 thread": lambda: _notebook(records, arguments),
            f"ours, first epoch, {cores} threads": lambda new=new: _first(
                records, arguments.size, new
            ),
            "ours, later epochs, 1 thread": lambda: _later(source, 1),
            f"ours, later epochs, {cores} threads": lambda: _later(source, cores),
        }.items():
            speeds.setdefault(name, []).append(n * _passes_a_second(one_pass))
    print(f"\n{n} films of {arguments.film_size} px to {arguments.size} px, median of", end=" ")
    print(f"{arguments.rounds} rounds")
    print(f"{'':36}{'images/s':>10}{'x notebook':>12}")
    first = statistics.median(next(iter(speeds.values())))
    for name, values in speeds.items():
        middle = statistics.median(values)
        print(f"{name:36}{middle:10.1f}{middle / first:12.1f}")


def _passes_a_second(one_pass: Callable[[], None]) -> float:
    started, n_passes = time.perf_counter(), 0
    while n_passes == 0 or time.perf_counter() - started < MIN_SECONDS:
        one_pass()
        n_passes += 1
    return n_passes / (time.perf_counter() - started)


def _decode(records: tuple[Record, ...], size: int, folder: Path) -> ImageCache:
    *_, cache = open_cache(records, size, folder)
    assert isinstance(cache, ImageCache)
    return cache


def _first(records: tuple[Record, ...], size: int, folder: Path) -> None:
    """Decode into a new cache; each call needs a folder of its own."""
    _decode(records, size, Path(tempfile.mkdtemp(dir=_made(folder))))


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _later(source: BatchSource, n_threads: int) -> None:
    with closing(source.training_batches(AugmentationConfig(), 0, 1, n_threads)) as batches:
        for batch in batches:
            assert batch.images.ndim == 3  # grey films stay grey until the device has them


def _notebook(records: tuple[Record, ...], arguments: argparse.Namespace) -> None:
    order = list(records)
    random.shuffle(order)
    for _ in _notebook_batches(order, arguments.size, arguments.batch):
        pass


def _notebook_batches(
    records: list[Record], size: int, batch_size: int
) -> Iterator[NDArray[np.float32]]:
    """(N, 3, S, S), 0..1, as DESIGN describes the reference recipe."""
    for start in range(0, len(records), batch_size):
        batch = []
        for record in records[start : start + batch_size]:
            with Image.open(record.path) as opened:
                picture = opened.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
            changes = [*_CHANGES]
            random.shuffle(changes)
            for change in changes:
                if random.random() < 0.5:
                    picture = change(picture)
            batch.append((np.asarray(picture, np.float32) / 255).transpose(2, 0, 1))
        yield np.stack(batch)


def _noisy(picture: Image.Image) -> Image.Image:
    levels = np.asarray(picture)
    noise = np.random.normal(0, random.uniform(0, 10), levels.shape)
    return Image.fromarray(np.clip(np.round(levels + noise), 0, 255).astype(np.uint8))


def _flipped(picture: Image.Image) -> Image.Image:
    is_flipped = random.random() < 0.5
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if is_flipped else picture


_CHANGES: tuple[Callable[[Image.Image], Image.Image], ...] = (
    lambda picture: ImageEnhance.Brightness(picture).enhance(random.uniform(0.5, 1.5)),
    lambda picture: ImageEnhance.Contrast(picture).enhance(random.uniform(0.5, 1.5)),
    lambda picture: ImageEnhance.Color(picture).enhance(random.uniform(0.5, 1.5)),
    lambda picture: ImageEnhance.Sharpness(picture).enhance(random.uniform(0.5, 1.5)),
    _flipped,
    lambda picture: picture.rotate(random.randrange(-30, 30)),
    _noisy,
)


if __name__ == "__main__":
    sys.exit(main())
