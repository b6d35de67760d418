"""Does the program vouch only for answers that deserve it?

    python tests/benchmarks/trust.py MODEL SAME.zip [ELSEWHERE.zip ...]

Reads X-rays whose classes are known, from the model's own sources and from elsewhere, and counts
wrong and right answers with and without a warning, by rule. X-rays that the model has seen do not
count. Where nothing from elsewhere is named there are stand-ins: SAME as other scanners would have
made it (eight kinds), and drawn X-rays. `--leave-out CLASS` counts only X-rays of other classes.
"""

import argparse
import io
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.data.dataset import LoadedDataset, load_dataset
from core.images.reading import load_xray
from core.phantom import write_dataset
from core.prediction.classifier import Classifier
from core.prediction.reading import FilmResult, read_films
from core.workspace import Workspace

Film = NDArray[np.uint8]
GOALS = (
    "Goals: elsewhere at most 10 % of the wrong answers without a warning; at the same sources at "
    "most 8 % of the answers without a warning wrong, and at least 50 % of the right answers of "
    "classes without a shortcut without one."
)


def equalised(film: Film, n_tiles: int = 8, clip: float = 3.0) -> Film:
    """Equalise the histogram of each tile (CLAHE; Zuiderveld, Graphics Gems IV, 1994)."""
    height, width = film.shape
    rows, columns = (np.linspace(0, side, n_tiles + 1).astype(int) for side in film.shape)
    curves = np.empty((n_tiles, n_tiles, 256))
    for i in range(n_tiles):
        for j in range(n_tiles):
            tile = film[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            counts = np.bincount(tile.ravel(), minlength=256).astype(float)
            most = clip * tile.size / 256
            over = np.maximum(counts - most, 0).sum()
            curves[i, j] = np.cumsum(np.minimum(counts, most) + over / 256) / tile.size * 255

    def between(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        place = (np.arange(n) + 0.5) / n * n_tiles - 0.5
        first = np.clip(np.floor(place), 0, n_tiles - 1).astype(int)
        return first, np.minimum(first + 1, n_tiles - 1), np.clip(place - first, 0, 1)

    (top, bottom, down), (left, right, across) = between(height), between(width)
    down, across = down[:, None], across[None]
    upper = (
        curves[top[:, None], left, film] * (1 - across) + curves[top[:, None], right, film] * across
    )
    lower = (
        curves[bottom[:, None], left, film] * (1 - across)
        + curves[bottom[:, None], right, film] * across
    )
    return np.clip(upper * (1 - down) + lower * down, 0, 255).astype(np.uint8)


def other_scanners() -> dict[str, Callable[[Film], Film]]:
    """Changes such as other machines and their processing make."""
    random = np.random.default_rng(0)

    def sharpened(film: Film) -> Film:
        return np.asarray(Image.fromarray(film).filter(ImageFilter.UnsharpMask(3, 150, 0)))

    def cropped(film: Film) -> Film:
        rows, columns = (int(0.12 * side) for side in film.shape)
        return np.ascontiguousarray(film[rows:-rows, columns:-columns])

    return {
        "sharpened": sharpened,
        "noise": lambda film: np.clip(film + random.normal(0, 8, film.shape), 0, 255).astype(
            np.uint8
        ),
        "gamma 0.6": lambda film: np.rint(255 * (film / 255) ** 0.6).astype(np.uint8),
        "gamma 1.6": lambda film: np.rint(255 * (film / 255) ** 1.6).astype(np.uint8),
        "cropped": cropped,
        "black border": lambda film: np.pad(film, int(0.06 * max(film.shape))),
        "32 grey levels": lambda film: (film // 8 * 8).astype(np.uint8),
        "CLAHE": equalised,
    }


def write_altered(loaded: LoadedDataset, change: Callable[[Film], Film], path: Path) -> None:
    """Write every second X-ray of a dataset as another scanner would have made it."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, record in enumerate(loaded.dataset.records):
            if number % 2:
                continue
            film = load_xray(record.path)
            if film.ndim == 3:
                film = np.asarray(Image.fromarray(film).convert("L"))
            content = io.BytesIO()
            Image.fromarray(change(film)).save(content, "PNG", compress_level=1)
            name = f"{loaded.dataset.classes[record.label]}/{number}.png"
            archive.writestr(name, content.getvalue())


@dataclass(frozen=True)
class Row:
    """Answers to the X-rays of one dataset."""

    name: str
    n_seen: int
    films: Sequence[tuple[FilmResult, str]]  # with the true class

    def share(self, *, is_right: bool, of: Sequence[str] | None = None) -> tuple[int, int]:
        """Return how many right or wrong answers there are, and how many without a warning."""
        chosen = [
            film
            for film, truth in self.films
            if (film.classes[film.predicted] == truth) is is_right
            and (of is None or film.classes[film.predicted] in of)
        ]
        return len(chosen), sum(film.verdict.level == "no_warnings" for film in chosen)

    def wrong_from(self, limit: float) -> str:
        """Count wrong answers from a probability on, among those that nothing else warns of."""
        chosen = [
            film.classes[film.predicted] != truth
            for film, truth in self.films
            if set(film.verdict.rules) <= {"probability"} and film.opinion.probability >= limit
        ]
        return f"from {limit} {sum(chosen)}/{len(chosen)}"

    def lines(self, without_shortcut: Sequence[str]) -> Iterator[str]:
        """Yield the figures in words."""
        right, clean_right = self.share(is_right=True)
        wrong, clean_wrong = self.share(is_right=False)
        total, clean = right + wrong, clean_right + clean_wrong
        if not total:
            yield f"{self.name}: all {self.n_seen} X-rays were seen by the model"
            return
        plain, clean_plain = self.share(is_right=True, of=without_shortcut)
        yield (
            f"{self.name}: n {total} (seen by the model and left out: {self.n_seen}), accuracy "
            f"{right / total:.3f}"
        )
        yield (
            f"  wrong answers without a warning {clean_wrong}/{wrong}{_share(clean_wrong, wrong)}; "
            f"wrong among those without a warning {clean_wrong}/{clean}{_share(clean_wrong, clean)}"
        )
        yield (
            f"  right answers without a warning {clean_right}/{right}{_share(clean_right, right)}; "
            f"of classes without a shortcut {clean_plain}/{plain}{_share(clean_plain, plain)}"
        )
        yield "  without a warning but for a low probability, wrong: " + ", ".join(
            self.wrong_from(limit) for limit in (0.0, 0.7, 0.8, 0.85, 0.9)
        )
        rules = Counter(
            (rule, film.classes[film.predicted] == truth)
            for film, truth in self.films
            for rule in set(film.verdict.rules)
        )
        for rule in sorted({rule for rule, _ in rules}):
            yield f"  {rule}: {rules[rule, False]} wrong, {rules[rule, True]} right"


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.0%})" if whole else ""


def read(name: str, classifier: Classifier, loaded: LoadedDataset, left_out: str) -> Row:
    """Read all X-rays of a dataset."""
    truth = {record.path: loaded.dataset.classes[record.label] for record in loaded.dataset.records}
    results = [
        event for event in read_films(classifier, list(truth)) if isinstance(event, FilmResult)
    ]
    counted = [film for film in results if truth[film.path] != left_out]
    fresh = [(film, truth[film.path]) for film in counted if film.seen is None]
    return Row(name, len(counted) - len(fresh), fresh)


def main() -> None:
    """Print a block for each dataset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("same", type=Path)
    parser.add_argument("elsewhere", type=Path, nargs="*")
    parser.add_argument("--leave-out", default="", metavar="CLASS")
    arguments = parser.parse_args()
    classifier = Classifier.open(arguments.model)
    findings = classifier.card.findings
    plain = [
        name
        for name in classifier.card.classes
        if findings is None or findings.shortcut_of(name) is None
    ]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        workspace = Workspace(home / "workspace")

        def load(path: Path) -> LoadedDataset:
            *_, loaded = load_dataset([path], workspace, 32, with_edits=False)
            assert isinstance(loaded, LoadedDataset)
            return loaded

        same = load(arguments.same)
        datasets = [(f"same sources: {arguments.same.name}", same)]
        datasets += [(f"elsewhere: {path.name}", load(path)) for path in arguments.elsewhere]
        if not arguments.elsewhere:
            for name, change in other_scanners().items():
                path = home / f"{name}.zip"
                write_altered(same, change, path)
                datasets.append((f"stand-in: {name}", load(path)))
            drawn = home / "drawn.zip"
            list(write_dataset(drawn, 30))
            datasets.append(("stand-in: drawn X-rays", load(drawn)))
        sys.stdout.write(f"{GOALS}\nClasses without a shortcut: {', '.join(plain) or 'none'}\n")
        for name, loaded in datasets:
            row = read(name, classifier, loaded, arguments.leave_out)
            sys.stdout.write("\n".join(row.lines(plain)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
