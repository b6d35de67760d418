"""From a zip of films to the report: time against plain decoding, and memory.

    python tests/benchmarks/dataset_report.py [--films 1000] [--size 1024] [--comparison 10000]

Draws the films once, decodes them plainly on two threads, then opens the zip with an empty
workspace, once more with the filled one, and compares `--comparison` films with one another.
"""

import argparse
import io
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PIL import Image, ImageFilter

from core.phantom.film import CLASSES, draw_exposure

N_DRAWN = 24  # anatomies; every other film is one of them moved and a little brighter
BLUR_PX = 1.0  # brings the PNG to some 350 kB, as large as real films of this size
N_THREADS = 2


def write_films(path: Path, n_films: int, size: int) -> None:
    """A zip of PNG films, two a patient."""
    drawn = [
        np.asarray(
            Image.fromarray(draw_exposure(CLASSES[n % 3], (0, n), (0, n, 0), size)).filter(
                ImageFilter.GaussianBlur(BLUR_PX)
            )
        ).astype(np.int16)
        for n in range(N_DRAWN)
    ]
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(n_films):
            film = np.roll(drawn[n % N_DRAWN], random.integers(-40, 40, 2), (0, 1))
            film = film + random.integers(-8, 9)
            out = io.BytesIO()
            Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(out, "PNG", compress_level=6)
            name = CLASSES[n % N_DRAWN % 3]
            archive.writestr(f"input_data/{name}/{n // 2:05d}_{n % 2}.png", out.getvalue())


def decode_plainly(path: Path) -> float:
    """Seconds to decode every film on two threads and throw the pixels away."""
    started = time.perf_counter()
    with zipfile.ZipFile(path) as archive, ThreadPoolExecutor(N_THREADS) as pool:
        # In portions, so that the bytes of a large zip need not all be in memory.
        names = archive.namelist()
        for start in range(0, len(names), 64):
            contents = [archive.read(name) for name in names[start : start + 64]]
            list(pool.map(_decode, contents))
    return time.perf_counter() - started


def _decode(content: bytes) -> int:
    with Image.open(io.BytesIO(content)) as image:
        return int(np.asarray(image)[0, 0])


def open_and_report(path: Path, home: Path) -> None:
    """What the Data page does; prints seconds and the peak of memory."""
    from core.audit.report import audit
    from core.data.dataset import LoadedDataset, load_dataset
    from core.runtime.threads import tune_process
    from core.workspace import Workspace

    tune_process()  # as the program does when it starts
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    *_, loaded = load_dataset([path], Workspace(home), 96)
    assert isinstance(loaded, LoadedDataset)
    opened = time.perf_counter() - started
    for _ in audit(loaded):
        pass
    whole = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{opened:.2f} {whole:.2f} {before >> 10} {peak >> 10}")


def compare(n_films: int) -> float:
    """Seconds to look for near duplicates among films of noise and a few copies."""
    from core.data.near_duplicates import near_duplicates

    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (n_films, 16, 16), np.uint8)
    thumbs = coarse.repeat(8, axis=1).repeat(8, axis=2)
    thumbs[1::100] = thumbs[::100][: len(thumbs[1::100])]
    started = time.perf_counter()
    for _ in near_duplicates(thumbs):
        pass
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--comparison", type=int, default=10_000)
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        open_and_report(*arguments.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        path, home = Path(folder) / "films.zip", Path(folder) / "home"
        write_films(path, arguments.films, arguments.size)
        print(
            f"{arguments.films} PNG of {arguments.size} x {arguments.size}, "
            f"{path.stat().st_size >> 20} MiB"
        )
        plain = decode_plainly(path)
        print(f"plain decoding, {N_THREADS} threads: {plain:.2f} s")
        for what in ("first time", "second time"):
            command = [sys.executable, __file__, "--child", str(path), str(home)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            opened, whole, before, peak = said.split()
            print(
                f"{what}: dataset {opened} s, with report {whole} s = "
                f"{float(whole) / plain:.2f} x plain; memory {before} -> {peak} MiB"
            )
    seconds = compare(arguments.comparison)
    print(f"near duplicates among {arguments.comparison} films: {seconds:.2f} s")


if __name__ == "__main__":
    main()
