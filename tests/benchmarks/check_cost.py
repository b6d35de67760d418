"""Time that the checks of an answer add to reading a folder of X-rays.

    python tests/benchmarks/check_cost.py MODEL DATA.zip [--images 100] [--rounds 7]

Reads the same X-rays twice in turn: as the program does, and without the acquisition fingerprint,
the comparison with the training X-rays and the verdict (decoding, network
alone). Prints the best wall time and the best processor time of each, and their ratio.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.data.dataset import load_dataset
from core.images.film import shrink
from core.images.reading import content_of, load_xray
from core.prediction.classifier import Classifier
from core.prediction.reading import BATCH_SIZE, THUMBNAIL_PX, read_films
from core.runtime.threads import map_ahead, physical_core_count
from core.workspace import Workspace


def checked(classifier: Classifier, paths: list[Path]) -> None:
    """Read X-rays as the program does."""
    for _ in read_films(classifier, paths):
        pass


def unchecked(classifier: Classifier, paths: list[Path]) -> None:
    """Decode X-rays and ask the network."""

    def decode(path: Path) -> object:
        film = load_xray(content_of(path))
        shrink(film, THUMBNAIL_PX)
        return classifier.prepare(film)

    waiting = []
    for prepared in map_ahead(decode, paths, physical_core_count(), BATCH_SIZE):
        waiting.append(prepared)
        if len(waiting) == BATCH_SIZE:
            classifier.outputs(waiting)
            waiting = []
    if waiting:
        classifier.outputs(waiting)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    classifier = Classifier.open(options.model)
    workspace = Workspace(Path(tempfile.mkdtemp()))
    *_, loaded = load_dataset([options.data], workspace, 32, with_edits=False)
    records = loaded.dataset.records
    paths = [records[index % len(records)].path for index in range(options.images)]
    ways: dict[str, Callable[[Classifier, list[Path]], None]] = {
        "with all checks": checked,
        "network alone": unchecked,
    }
    best = {name: (float("inf"), float("inf")) for name in ways}
    for _ in range(options.rounds):
        for name, read in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            read(classifier, paths)
            taken = time.perf_counter() - wall, time.process_time() - cpu
            best[name] = (min(best[name][0], taken[0]), min(best[name][1], taken[1]))
    n = len(paths)
    for name, (wall, cpu) in best.items():
        print(f"{name}: {1000 * wall / n:.1f} ms an X-ray, processor {1000 * cpu / n:.1f} ms")
    (wall, cpu), (bare_wall, bare_cpu) = best.values()
    print(f"ratio: wall {wall / bare_wall:.2f}, processor {cpu / bare_cpu:.2f}")


if __name__ == "__main__":
    main()
