"""Cost of explanations, findings of their checks, and how these catch models that know nothing.

    python tests/benchmarks/explanation.py MODEL DATA.zip [--films 60] [--slow-size 224]

MODEL is explained on films of DATA that it was tested with (on all where there are none). The
same films then go through the model with other last layers, and through networks of its build
whose weights are random: their maps must be stamped. Lungs are compared with the true ones of
phantoms, which took part in choosing how lungs are found.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import LoadedDataset, load_dataset
from core.images.film import square
from core.images.reading import load_xray
from core.models.model_file import open_model
from core.models.weights import random_weights
from core.phantom import CLASSES, draw_film
from core.phantom.canvas import Canvas, Pose
from core.phantom.thorax import Build, draw_chest
from core.prediction.classifier import Classifier, Network
from core.prediction.explanation import Explanation, explain
from core.prediction.lungs import find_lungs
from core.workspace import Workspace

Film = NDArray[np.uint8]
PERCENTILES = (5, 25, 50, 75, 95)
N_PHANTOMS = 90
LUNG_AIR = 0.3  # of the densest air in a phantom's lungs: less lies behind heart and diaphragm


def test_films(classifier: Classifier, data: Path, n_films: int) -> tuple[list[Film], list[int]]:
    """Films and their classes, evenly chosen among those the model was tested with."""
    with tempfile.TemporaryDirectory() as folder:
        *_, loaded = load_dataset([data], Workspace(Path(folder)), 32, with_edits=False)
        assert isinstance(loaded, LoadedDataset)
        tested = set(classifier.card.split["test"])
        records = [r for r in loaded.dataset.records if r.digest in tested]
        records = records or list(loaded.dataset.records)
        step = max(1, len(records) // n_films)
        chosen = records[::step][:n_films]
        return [load_xray(r.path) for r in chosen], [r.label for r in chosen]


def explain_all(classifier: Classifier, films: Sequence[Film]) -> list[Explanation]:
    """The complete explanation of each film's predicted class."""
    return [list(explain(classifier, film))[-1] for film in films]


def say_times(classifier: Classifier, films: Sequence[Film]) -> None:
    """Seconds until the map is there, and until it is examined."""
    list(explain(classifier, films[0]))  # warms up, builds the twin
    first, complete = [], []
    for film in films:
        started = time.perf_counter()
        steps = explain(classifier, film)
        next(steps)
        first.append(time.perf_counter() - started)
        list(steps)
        complete.append(time.perf_counter() - started)
    size = classifier.card.preprocessing.image_size
    print(
        f"{classifier.card.architecture} at {size} px: map after "
        f"{np.median(first):.2f} s, examined after {np.median(complete):.2f} s"
    )


def say_checks(name: str, explanations: Sequence[Explanation], classes: Sequence[str]) -> None:
    """Distributions of what the checks found, and how often they stamped."""
    found = [e.checks for e in explanations if e.checks is not None]
    stamped = np.mean([not one.is_trustworthy for one in found])
    print(f"{name}: {len(found)} films, {stamped:.0%} stamped")
    for what in ("agreement", "random_likeness", "chance"):
        values = np.percentile([getattr(one, what) for one in found], PERCENTILES)
        print(f"  {what}: " + " ".join(f"{value:.3f}" for value in values))
    for label, class_name in enumerate(classes):
        shares = [
            one.lung_share
            for one, e in zip(found, explanations, strict=True)
            if e.label == label and one.lung_share is not None
        ]
        if shares:
            values = np.percentile(shares, PERCENTILES)
            print(f"  lung share, {class_name}: " + " ".join(f"{value:.2f}" for value in values))
    for template, n in Counter(
        reason.template for one in found if not one.is_trustworthy for reason in one.reasons
    ).most_common():
        print(f"  {n} x {template}")


def say_ignorant(classifier: Classifier, films: Sequence[Film], n_networks: int) -> None:
    """The same films through networks that know less."""
    card = classifier.card
    known = open_model(classifier.path).weights
    random = np.random.default_rng(0)
    for name in ("last layer shuffled", "random last layer", "random weights"):
        explanations: list[Explanation] = []
        for seed in range(n_networks):
            weights = random_weights(card.architecture, len(card.classes), seed)
            if name != "random weights":
                last = weights["fc.weight"]
                if name == "last layer shuffled":
                    last = random.permuted(known["fc.weight"], axis=1)
                weights = {**known, "fc.weight": last}
            other = Classifier(classifier.path, card, Network(card, weights))
            explanations += explain_all(other, films[seed::n_networks])
        say_checks(name, explanations, card.classes)


def phantom(label: str, seed: int) -> tuple[Film, NDArray[np.bool_]]:
    """A phantom and where its lungs are."""
    build = Build.random(np.random.default_rng([seed, 0]))
    pose = Pose.random(np.random.default_rng([seed, 4]))
    air = draw_chest(build, Canvas.stretch(128, pose)).air
    return draw_film(label, seed, 128), air > LUNG_AIR * np.percentile(air, 99)


def say_lungs() -> None:
    """Dice, precision and recall of the lungs found on phantoms, and how many would be drawn."""
    for label in CLASSES:
        n_films = N_PHANTOMS // len(CLASSES)
        figures, scores, n_drawn = [], [], 0
        for seed in range(n_films):
            film, lungs = phantom(label, seed)
            found = find_lungs(film)
            mask = found.mask if found is not None else np.zeros_like(lungs)
            n_both = (mask & lungs).sum()
            figures.append(
                (
                    2 * n_both / (mask.sum() + lungs.sum()),
                    n_both / max(1, mask.sum()),
                    n_both / lungs.sum(),
                )
            )
            scores.append(found.score if found is not None else 0.0)
            n_drawn += found is not None and found.is_reliable
        dice, precision, recall = np.mean(figures, axis=0)
        print(
            f"lungs of phantoms, {label}: Dice {dice:.3f}, worst of {n_films} "
            f"{np.min(figures, axis=0)[0]:.3f}; precision {precision:.3f}, recall {recall:.3f}; "
            f"score {np.median(scores):.2f}, least {np.min(scores):.2f}; drawn {n_drawn}"
        )


def say_time_of_large(classifier: Classifier, size: int, films: Sequence[Film]) -> None:
    """A ResNet-50 with random weights, as its answers do not matter."""
    preprocessing = classifier.card.preprocessing.model_copy(update={"image_size": size})
    changes = {"architecture": "resnet50", "preprocessing": preprocessing}
    card = classifier.card.model_copy(update=changes)
    network = Network(card, random_weights("resnet50", len(card.classes), 0))
    say_times(Classifier(classifier.path, card, network), films)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--films", type=int, default=60)
    parser.add_argument("--networks", type=int, default=4)
    parser.add_argument("--ignorant-films", type=int, default=24)
    parser.add_argument("--slow-size", type=int, default=224)
    arguments = parser.parse_args()
    say_lungs()
    classifier = Classifier.open(arguments.model)
    films, _ = test_films(classifier, arguments.data, arguments.films)
    started = time.perf_counter()
    for film in films[:10]:
        find_lungs(square(film, 256))
    print(f"lungs: {(time.perf_counter() - started) / min(10, len(films)):.2f} s a film")
    say_times(classifier, films[:4])
    step = max(1, len(films) // arguments.ignorant_films)
    say_ignorant(classifier, films[::step], arguments.networks)
    say_checks("as trained", explain_all(classifier, films), classifier.card.classes)
    say_time_of_large(classifier, arguments.slow_size, films[:2])


if __name__ == "__main__":
    main()
