"""Shortcuts planted in one of three random classes, and false warnings under random labels.

    python tests/benchmarks/planted_shortcuts.py DATA.zip [--deals 3] [--runs 20]

Prints, for each shortcut, the AUROC of the audit and of a simple detector (logistic regression on
the mean and median Laplacian, blockiness and the step at the border of the whole picture); then how
often the audit warns where labels are random, by number and size of classes.
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
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from core.audit.confounder import CHANCE, NOTED_AUROC, Property, find_confounder, properties_of
from core.data.dataset import LoadedDataset, load_dataset
from core.images.reading import load_xray
from core.images.traces import traces
from core.workspace import Workspace

N_CLASSES = 3
SIZES = ((2, 20), (2, 60), (2, 400), (3, 20), (3, 60), (3, 400), (8, 20), (8, 60), (8, 400))
Pixels = Any  # (H, W) uint8


def jpeg(pixels: Pixels, quality: int) -> bytes:
    """A JPEG of a picture."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=quality)
    return content.getvalue()


def noisy(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Noise of 3 grey levels."""
    return (pixels + random.normal(0, 3, pixels.shape)).round().clip(0, 255).astype(np.uint8)


def blurred(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """A Gaussian blur of 1.5 pixels."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.5)))


def enlarged(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Half the size and up again."""
    image = Image.fromarray(pixels)
    half = (max(1, image.width // 2), max(1, image.height // 2))
    return np.asarray(image.resize(half, Image.Resampling.LANCZOS).resize(image.size))


def saved_twice(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """JPEG of quality 50, which is saved again as all are."""
    return np.asarray(Image.open(io.BytesIO(jpeg(pixels, 50))))


def lettered(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """A letter of a thirtieth of the longest side, 16 pixels of 512, in 60 %."""
    if random.random() > 0.6:
        return pixels
    image, (height, width) = Image.fromarray(pixels), pixels.shape
    font = ImageFont.load_default(max(8, round(max(width, height) / 32)))
    place = round(0.03 * width), round(0.03 * height)
    ImageDraw.Draw(image).text(place, "R", fill=255, font=font)
    return np.asarray(image)


def darkened(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """A border of 6 % that is 30 % darker."""
    dark = (pixels * 0.7).round().astype(np.uint8)
    edge = max(1, round(0.06 * min(pixels.shape)))
    dark[edge:-edge, edge:-edge] = pixels[edge:-edge, edge:-edge]
    return dark


def zoomed(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """3 % larger, cut to the same size."""
    image = Image.fromarray(pixels)
    across, down = 0.015 * image.width, 0.015 * image.height
    box = (across, down, image.width - across, image.height - down)
    return np.asarray(image.resize(image.size, Image.Resampling.BICUBIC, box=box))


PLANTED: dict[str, Callable[[Pixels, np.random.Generator], Pixels] | None] = {
    "nothing": None,
    "noise SD 3": noisy,
    "blur 1.5 px": blurred,
    "half size scaled up": enlarged,
    "JPEG 50 saved as 92": saved_twice,
    "letter R in 60 %": lettered,
    "border 30 % darker": darkened,
    "zoom 3 %": zoomed,
}


def simple_numbers(content: bytes) -> list[float]:
    """Measure a whole picture as a simple detector would."""
    levels = np.asarray(Image.open(io.BytesIO(content)).convert("L")).astype(np.int16)
    change = 4 * levels[1:-1, 1:-1] - levels[1:-1, :-2] - levels[1:-1, 2:]
    change = np.abs(change - levels[:-2, 1:-1] - levels[2:, 1:-1])
    steps = np.abs(np.diff(levels, axis=1)).mean(axis=0)
    phases = [steps[phase::8].mean() for phase in range(8)]
    edge = max(1, round(0.06 * min(levels.shape)))
    inner = levels[edge:-edge, edge:-edge]
    outer = (levels.sum() - inner.sum()) / max(1, levels.size - inner.size)
    return [
        float(np.log(change.mean() + 0.1)),
        float(np.log(np.median(change) + 0.1)),
        float(np.log((max(phases) + 0.05) / (np.median(phases) + 0.05))),
        float(outer - inner.mean()),
    ]


def simple_auroc(numbers: Any, is_planted: Any, groups: Any) -> float:
    """The AUROC of logistic regression, cross-validated by patient."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    scores = cross_val_predict(
        model, numbers, is_planted, groups=groups, cv=GroupKFold(5), method="decision_function"
    )
    return float(roc_auc_score(is_planted, scores))


def properties_of_files(contents: Sequence[bytes], folder: Path) -> tuple[Property, ...]:
    """Write files, open them as a dataset and collect what the audit examines, in their order."""
    for number, content in enumerate(contents):
        path = folder / "films" / str(number % 2) / f"film{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    *_, loaded = load_dataset([folder / "films"], Workspace(folder / "home"), 64)
    assert isinstance(loaded, LoadedDataset)
    place = {record.name.rsplit("/", 1)[-1]: n for n, record in enumerate(loaded.dataset.records)}
    order = [place[f"film{number:06d}.jpg"] for number in range(len(contents))]
    return tuple(Property(p.name, p.values[order], p.is_category) for p in properties_of(loaded))


def merged(
    plain: Sequence[Property], changed: Sequence[Property], is_changed: Any
) -> tuple[Property, ...]:
    """Take the changed values of some films."""
    both = []
    for one, other in zip(plain, changed, strict=True):
        mask = is_changed if one.values.ndim == 1 else is_changed[:, None]
        both.append(Property(one.name, np.where(mask, other.values, one.values), one.is_category))
    return tuple(both)


def dealt(groups: Any, n_classes: int, random: np.random.Generator) -> Any:
    """Deal classes among the patients."""
    return random.permutation(np.arange(groups.max() + 1) % n_classes)[groups]


def compare_with_simple(
    pictures: Sequence[Pixels], groups: Any, n_deals: int
) -> tuple[Property, ...]:
    """Plant each shortcut and print both AUROCs; return the properties of the plain pictures."""
    plain: tuple[Property, ...] = ()
    plain_numbers: Any = None
    print(f"{'planted':22} {'audit':>6} {'p':>6} {'simple':>7}  found by")
    for name, plant in PLANTED.items():
        contents = [
            jpeg(plant(pixels, np.random.default_rng(n)) if plant else pixels, 92)
            for n, pixels in enumerate(pictures)
        ]
        with tempfile.TemporaryDirectory() as folder:
            changed = properties_of_files(contents, Path(folder))
        numbers = np.array([simple_numbers(content) for content in contents])
        if plant is None:
            plain, plain_numbers = changed, numbers
        audits, p_values, simples, named = [], [], [], ""
        for deal in range(n_deals):
            labels = dealt(groups, N_CLASSES, np.random.default_rng(deal))
            is_planted = labels == 0
            found = find_confounder(
                merged(plain, changed, is_planted), labels, groups, N_CLASSES, deal
            )
            if found is None:
                continue
            audits.append(found.classes[0].auroc)
            p_values.append(found.classes[0].p_value)
            named = ", ".join(f"{key} {area:.2f}" for key, area in found.properties[:2])
            both = np.where(is_planted[:, None], numbers, plain_numbers)
            simples.append(simple_auroc(both, is_planted, groups))
        if audits:
            print(
                f"{name:22} {np.mean(audits):6.2f} {max(p_values):6.3f} {np.mean(simples):7.2f}"
                f"  {named}",
                flush=True,
            )
    return plain


def false_warnings(properties: Sequence[Property], n_runs: int) -> None:
    """Print how often random labels are warned of; films are drawn again where they are few."""
    n_films = len(properties[0].values)
    print(f"\n{'classes':>7} {'X-rays each':>11} {'runs':>5} {'warned':>7} {'0.5 missed':>11}")
    for n_classes, size in SIZES:
        n_warned = n_missed = 0
        n_now = n_runs if size < 400 else max(1, n_runs // 4)
        for run in range(n_now):
            random = np.random.default_rng(run)
            wanted = n_classes * size
            films = random.permutation(n_films)[:wanted]
            films = np.concatenate([films, random.integers(0, n_films, wanted - len(films))])
            _, groups = np.unique(films, return_inverse=True)  # a film drawn twice: one patient
            chosen = tuple(Property(p.name, p.values[films], p.is_category) for p in properties)
            labels = dealt(groups, n_classes, random)
            found = find_confounder(chosen, labels, groups, n_classes, run)
            if found is not None:
                worst = found.worst
                n_warned += worst.p_value < CHANCE and worst.auroc > NOTED_AUROC
                n_missed += not worst.low <= 0.5 <= worst.high
        print(
            f"{n_classes:7} {size:11} {n_now:5} {n_warned / n_now:7.3f} {n_missed / n_now:11.3f}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--deals", type=int, default=3)
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        *_, loaded = load_dataset([arguments.data], Workspace(Path(home)), 64)
        assert isinstance(loaded, LoadedDataset)
        _, groups = np.unique(np.array(loaded.grouping.groups), return_inverse=True)
        pictures = [
            np.asarray(Image.fromarray(load_xray(record.path)).convert("L"))
            for record in loaded.dataset.records
        ]
    started = time.perf_counter()
    for pixels in pictures:
        traces(pixels)
    cost = (time.perf_counter() - started) / len(pictures)
    print(f"{len(pictures)} X-rays, {groups.max() + 1} patients; traces {1000 * cost:.1f} ms each")
    properties = compare_with_simple(pictures, groups, arguments.deals)
    started = time.perf_counter()
    find_confounder(properties, dealt(groups, 3, np.random.default_rng(0)), groups, 3)
    cost = (time.perf_counter() - started) / len(pictures)
    print(f"audit of 3 classes: {1000 * cost:.1f} ms for each X-ray")
    false_warnings(properties, arguments.runs)


if __name__ == "__main__":
    main()
