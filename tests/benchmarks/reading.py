"""Time from film to answer, now and in an earlier state of the program.

    python tests/benchmarks/reading.py [--arch resnet50] [--image-size 224] [--rounds 15]
        [--before FOLDER] [--openvino FOLDER]

FOLDER with `--before` holds a checkout that still read with Paddle, eagerly and with a traced
oneDNN network. FOLDER with `--openvino` is where `pip install --target FOLDER openvino` put it.
Each candidate is a process of its own on the same cores; they take turns, with a rest in between,
and the best time of each counts. OpenVINO's bf16 is what a processor with AMX could give for
answers that differ; how much, stands beside it. The network's time holds the scaling of its input.

A dropped film is read from disk, decoded, stretched, sent through the network and judged. In a
fresh process the imports and the opening of the model come before.

The weights are random, which changes no time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PIL import Image

from core.config import Preprocessing, TrainingConfig
from core.images.reading import READER_VERSION
from core.models.model_card import ModelCard
from core.models.model_file import save_model
from core.models.weights import random_weights
from core.phantom import CLASSES, draw_film
from core.runtime.threads import computing_threads

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("reading_worker.py")
REST_S = 0.05
N_WARM_UPS = 2


class Candidate:
    """A worker process.

    Args:
        kind: See reading_worker.py.
        root: The checkout that it reads with.
        arguments: The model, and what the kind needs besides.
    """

    def __init__(self, kind: str, root: Path, *arguments: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(WORKER), kind, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
            text=True,
        )
        self.session_s = float(self._line().removeprefix("session"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if not line.startswith(("W", "I", "E")):  # what Paddle says of itself
                return line
        raise SystemExit("a worker ended; see above")


def save_random_model(path: Path, architecture: Any, image_size: int) -> None:
    preprocessing = Preprocessing(image_size=image_size, mean=0.5, std=0.25)
    card = ModelCard(
        architecture=architecture,
        classes=CLASSES,
        display_names={name: {"en": name, "zh_CN": name} for name in CLASSES},
        preprocessing=preprocessing,
        reader_version=READER_VERSION,
        training=TrainingConfig(preprocessing=preprocessing),
        dataset={"name": "none", "fingerprint": ""},
        split={part: () for part in ("train", "validation", "test", "kept")},
        metrics={},
        history={"best_epoch": 0, "epochs": 0},
        versions=dict.fromkeys(("python", "paddle", "numpy", "pneumoscope"), ""),
        created="2026-01-01T00:00:00+00:00",
    )
    save_model(path, card, random_weights(architecture, len(CLASSES), 0))


def print_times(title: str, seconds: dict[str, Callable[[], float]], rounds: int, n: int) -> None:
    """Let the candidates take turns, and print what one film took."""
    times: dict[str, list[float]] = {name: [] for name in seconds}
    for number in range(rounds + N_WARM_UPS):
        for name, once in seconds.items():
            time.sleep(REST_S)
            taken = once()
            if number >= N_WARM_UPS:
                times[name].append(taken)
    print(f"\n{title}")
    best = min(times["ours"])
    for name, values in times.items():
        print(
            f"  {name:14} best {1e3 * min(values) / n:8.1f} ms  median "
            f"{1e3 * float(np.median(values)) / n:8.1f} ms  {min(values) / best:6.2f} of ours",
            flush=True,
        )


def in_a_fresh_process(root: Path, model: Path, film: Path) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKER), "fresh", str(model), str(film)],
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--films", type=int, default=48)
    parser.add_argument("--side", type=int, default=1024, help="of the films, in pixels")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--before", type=Path, help="an earlier checkout")
    parser.add_argument("--openvino", type=Path, help="where OpenVINO was installed to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measure(arguments, Path(folder), stack)


def measure(arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    rounds, few = arguments.rounds, max(3, arguments.rounds // 3)
    model, films = folder / "model.safetensors", folder / "films"
    save_random_model(model, arguments.arch, arguments.image_size)
    films.mkdir()
    for number in range(arguments.films):
        film = draw_film(CLASSES[number % len(CLASSES)], number, min(arguments.side, 512))
        picture = Image.fromarray(film).resize((arguments.side, arguments.side))
        picture.save(films / f"film-{number:04}.png")
    one_film = films / "film-0000.png"

    def start(kind: str, root: Path, *more: Path) -> Candidate:
        return stack.enter_context(Candidate(kind, root, model, *more))

    readers = {"ours": start("ours", ROOT)}
    roots = {"ours": ROOT}
    if arguments.before is not None:
        roots["before"] = arguments.before
        readers["before, eager"] = start("eager", arguments.before)
        readers["before, fast"] = start("fast", arguments.before, folder / "home")
    networks = dict(readers)
    if arguments.openvino is not None:
        for kind in ("OpenVINO f32", "OpenVINO bf16"):
            networks[kind] = start(kind, ROOT, arguments.openvino)

    size = arguments.image_size
    print(f"{arguments.arch}, {size} px, {computing_threads()} threads; until a model is open:")
    wanted = np.array(readers["ours"].ask("logits 2").split(), float)
    for name, candidate in networks.items():
        got = np.array(candidate.ask("logits 2").split(), float) if name != "ours" else wanted
        difference = np.abs(got - wanted).max()
        print(f"  {name:14} {candidate.session_s:.2f} s, logits differ by {difference:.1e}")

    def asking(candidates: dict[str, Candidate], line: str) -> dict[str, Callable[[], float]]:
        def once(candidate: Candidate) -> float:
            return float(candidate.ask(line))

        return {name: partial(once, candidate) for name, candidate in candidates.items()}

    for n in (1, 8):
        title = f"the network, {n} at a time, for each film"
        print_times(title, asking(networks, f"network {n}"), rounds if n == 1 else few, n)
    title = f"one film of {arguments.side} px, from drop to answer"
    print_times(title, asking(readers, f"drop {one_film}"), rounds, 1)
    title = f"{arguments.films} films in a folder, for each film"
    print_times(title, asking(readers, f"folder {films}"), 1, arguments.films)
    for what, title in (("map", "a heat map"), ("explain", "a heat map that is checked")):
        print_times(title, asking(readers, f"{what} {one_film}"), few, 1)
    fresh = {
        name: partial(in_a_fresh_process, root, model, one_film) for name, root in roots.items()
    }
    print_times("one film in a fresh process, imports and opening included", fresh, few, 1)


if __name__ == "__main__":
    main()
