"""What the dataset report finds among X-rays that were changed on purpose, and what it invents.

    python tests/benchmarks/data_audit.py DATA.zip|FOLDER|phantoms [--sample 80] [--deals 3]
        [--runs 20] [--only copies frames names shortcuts]

Prints the recall and the false pairs of copies by transformation, pairs among X-rays that all
have the same frame, patients by naming habit, planted shortcuts and false warnings of random labels
(planted_shortcuts.py). False pairs are counted between X-rays of two patients; those of one
patient, who may have been X-rayed twice in a row, stand beside them.
"""

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.data.cache import thumbnail
from core.data.dataset import LoadedDataset, load_dataset
from core.data.near_duplicates import NearDuplicates, near_duplicates
from core.data.patients import group_by_patient
from core.images.reading import load_xray
from core.phantom import write_dataset
from core.workspace import Workspace
from tests.core.data.naming_habits import CLASSES, HABITS, count_pairs, made_films, records_of

Pixels = Any  # (H, W) uint8
Change = Callable[[Pixels], Pixels]
N_PHANTOMS = 100  # a class


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    """Cut shares of the sides away."""

    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape
        rows = slice(round(top * height), height - round(bottom * height))
        return pixels[rows, round(left * width) : width - round(right * width)]

    return change


def bordered(share: float, level: int) -> Change:
    """Put a border around."""
    return lambda pixels: np.pad(pixels, round(share * max(pixels.shape)), constant_values=level)


def painted(share: float, level: int) -> Change:
    """Paint a border over."""

    def change(pixels: Pixels) -> Pixels:
        edge = round(share * min(pixels.shape))
        framed = np.full_like(pixels, level)
        framed[edge:-edge, edge:-edge] = pixels[edge:-edge, edge:-edge]
        return framed

    return change


def letterboxed(pixels: Pixels) -> Pixels:
    """Fit into a square of 1.3 times the longest side."""
    height, width = pixels.shape
    side = round(1.3 * max(height, width))
    square = np.zeros((side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square


def turned(degrees: float) -> Change:
    """Turn, with black corners and the same size."""
    return lambda pixels: np.asarray(
        Image.fromarray(pixels).rotate(degrees, Image.Resampling.BILINEAR)
    )


def levels(rule: Callable[[Any], Any]) -> Change:
    """Change grey levels."""
    table = (np.clip(rule(np.arange(256) / 255), 0, 1) * 255).round().astype(np.uint8)
    return lambda pixels: table[pixels]


def halved(pixels: Pixels) -> Pixels:
    """Half the size."""
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((image.width // 2, image.height // 2)))


def saved(quality: int) -> Change:
    """Save as JPEG."""

    def change(pixels: Pixels) -> Pixels:
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "JPEG", quality=quality)
        return np.asarray(Image.open(content))

    return change


def lettered(pixels: Pixels) -> Pixels:
    """Write a line of text into a corner."""
    image = Image.fromarray(pixels)
    font = ImageFont.load_default(max(10, pixels.shape[0] // 20))
    ImageDraw.Draw(image).text((5, 5), "PORTABLE AP 12:45", fill=255, font=font)
    return np.asarray(image)


def round_mask(pixels: Pixels) -> Pixels:
    """Blacken all but the inscribed ellipse."""
    height, width = pixels.shape
    down, across = np.mgrid[:height, :width]
    radius = np.hypot(2 * across / width - 1, 2 * down / height - 1)
    return np.where(radius <= 1, pixels, 0).astype(np.uint8)


def viewed(pixels: Pixels) -> Pixels:
    """Take a picture of the screen: an X-ray in the window of a viewer."""
    width, height = 800, 640
    window = Image.new("L", (width, height), 45)
    draw, font = ImageDraw.Draw(window), ImageFont.load_default(14)
    draw.rectangle((0, 0, width, 40), fill=90)
    for n in range(14):
        draw.rectangle((10 + 50 * n, 8, 42 + 50 * n, 34), fill=150 + 6 * n)
    draw.rectangle((0, 40, 120, height), fill=60)
    for n in range(18):
        draw.text((8, 60 + 30 * n), f"Series {n} CR", fill=220, font=font)
    draw.rectangle((0, height - 24, width, height), fill=100)
    draw.text((200, height - 20), "Zoom 100  W 2048  L 1024  1/1", fill=230, font=font)
    pane = Image.new("L", (width - 130, height - 74))
    film = Image.fromarray(pixels)
    factor = min(pane.width / film.width, pane.height / film.height)
    film = film.resize((round(film.width * factor), round(film.height * factor)))
    pane.paste(film, ((pane.width - film.width) // 2, (pane.height - film.height) // 2))
    window.paste(pane, (125, 45))
    return np.asarray(window)


COPIES: dict[str, Change] = {
    "JPEG 20": saved(20),
    "half the size": halved,
    "gamma 0.6": levels(lambda level: level**0.6),
    "middle 60 % of the window": levels(lambda level: (level - 0.2) / 0.6),
    "text": lettered,
    "crop 2 % on all sides": cropped(0.02, 0.02, 0.02, 0.02),
    "crop 5 % on all sides": cropped(0.05, 0.05, 0.05, 0.05),
    "crop 5 % at the left": cropped(0.05, 0, 0, 0),
    "crop 5 % at the top": cropped(0, 0.05, 0, 0),
    "black border 2 %": bordered(0.02, 0),
    "black border 10 %": bordered(0.1, 0),
    "white border 5 %": bordered(0.05, 255),
    "letterbox": letterboxed,
    "mirrored": lambda pixels: pixels[:, ::-1],
    "inverted": lambda pixels: 255 - pixels,
    "turned by 1 degree": turned(1),
    "turned by 2 degrees": turned(2),
    "turned by 3 degrees": turned(3),
    "turned by -3 degrees": turned(-3),
    "round mask": round_mask,
    "viewer": viewed,
}
FRAMES: dict[str, Change] = {
    "none": lambda pixels: pixels,
    "black 10 %": bordered(0.1, 0),
    "black 10 %, painted": painted(0.1, 0),
    "white 5 %": bordered(0.05, 255),
    "white 5 %, painted": painted(0.05, 255),
    "round mask": round_mask,
    "viewer": viewed,
}


def compared(thumbs: Any) -> NearDuplicates:
    """Return the copies among thumbnails."""
    *_, found = near_duplicates(thumbs)
    assert isinstance(found, NearDuplicates)
    return found


def thumbs_of(pictures: Sequence[Pixels], change: Change) -> Any:
    """Return thumbnails of changed pictures, (N, 128, 128)."""
    return np.stack([thumbnail(np.ascontiguousarray(change(pixels))) for pixels in pictures])


def count_false(pairs: Any, groups: Any) -> tuple[int, int]:
    """Count pairs of two patients, and of one."""
    same = int((groups[pairs[:, 0]] == groups[pairs[:, 1]]).sum())
    return len(pairs) - same, same


def copies(pictures: Sequence[Pixels], groups: Any, n_sample: int) -> None:
    """Print the recall of each transformation and the false pairs beside."""
    n = len(pictures)
    chosen = np.sort(np.random.default_rng(0).permutation(n)[:n_sample])
    base = thumbs_of(pictures, lambda pixels: pixels)
    started = time.perf_counter()
    own = {tuple(pair) for pair in compared(base).pairs.tolist()}
    cost = time.perf_counter() - started
    print(f"\nCopies: {len(own)} pairs before any is made; {cost:.1f} s for {n} X-rays")
    print(f"{'transformation':28} {'recall':>6} {'two patients':>13} {'one patient':>12}")
    everybody = np.concatenate([groups, groups[chosen]])
    for name, change in COPIES.items():
        made = thumbs_of([pictures[place] for place in chosen], change)
        found = {tuple(pair) for pair in compared(np.concatenate([base, made])).pairs.tolist()}
        wanted = {(int(place), n + number) for number, place in enumerate(chosen)}
        wrong = np.array(sorted(found - wanted - own), np.int64).reshape(-1, 2)
        of_two, of_one = count_false(wrong, everybody)
        recall = len(found & wanted) / len(wanted)
        print(f"{name:28} {recall:6.2f} {of_two:13} {of_one:12}", flush=True)


def frames(pictures: Sequence[Pixels], groups: Any) -> None:
    """Print the pairs among X-rays that all have the same frame."""
    print(f"\n{'frame on all X-rays':28} {'':6} {'two patients':>13} {'one patient':>12}")
    for name, change in FRAMES.items():
        of_two, of_one = count_false(compared(thumbs_of(pictures, change)).pairs, groups)
        print(f"{name:28} {'':6} {of_two:13} {of_one:12}", flush=True)


def names() -> None:
    """Print what each naming habit makes of 48 patients."""
    films = made_films()
    print(f"\n{'naming habit':28} {'pairs told':>10} {'found':>6} {'false':>6}  pattern")
    for name, (path, told) in HABITS.items():
        named = [path(film) for film in films]
        counts = count_pairs(films, named)
        true = sum(counts[one][0] for one in told)
        found = sum(counts[one][1] for one in CLASSES)
        false = sum(counts[one][2] for one in CLASSES)
        pattern = group_by_patient(records_of(named)).pattern
        print(f"{name:28} {true:10} {found:6} {false:6}  {pattern}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--sample", type=int, default=80)
    parser.add_argument("--deals", type=int, default=3)
    parser.add_argument("--runs", type=int, default=20)
    tables = ("copies", "frames", "names", "shortcuts")
    parser.add_argument("--only", nargs="+", choices=tables, default=tables)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        source = Path(arguments.data)
        if arguments.data == "phantoms":
            source = Path(home) / "phantoms.zip"
            for _ in write_dataset(source, n_per_class=N_PHANTOMS, size=256):
                pass
        *_, loaded = load_dataset([source], Workspace(Path(home)), 64)
        assert isinstance(loaded, LoadedDataset)
        _, groups = np.unique(np.array(loaded.grouping.patients), return_inverse=True)
        pictures = [
            np.asarray(Image.fromarray(load_xray(record.path)).convert("L"))
            for record in loaded.dataset.records
        ]
    print(f"{len(pictures)} X-rays, {groups.max() + 1} patients")
    if "copies" in arguments.only:
        copies(pictures, groups, arguments.sample)
    if "frames" in arguments.only:
        frames(pictures, groups)
    if "names" in arguments.only:
        names()
    if "shortcuts" in arguments.only:
        # Here, so that the other tables can be made with an older checkout too.
        from tests.benchmarks.planted_shortcuts import compare_with_simple, false_warnings

        print("\nPlanted shortcuts")
        false_warnings(compare_with_simple(pictures, groups, arguments.deals), arguments.runs)


if __name__ == "__main__":
    main()
