"""How long films take to be answered: the network alone, one dropped film, a folder of films.

    python tests/benchmarks/reading.py [--arch resnet50] [--image-size 224] [--films 100]
        [--side 1024] [--rounds 15] [--packages FOLDER]

The network alone: Paddle as it trains (eager), ours (fast), and with the same weights from our
ONNX file ONNX Runtime and OpenVINO, where they are installed or lie in FOLDER (`pip install
--target FOLDER onnxruntime openvino`). All get the same cores, take turns with a rest in between
(some threads go on waiting for work a while) and the best time of each counts. OpenVINO's bf16 is
what this processor could give for answers that differ; how much, stands beside it.

A dropped film is read from disk, decoded, stretched, sent through the network and judged; what is
more than decoding is measured against ONNX Runtime's time for the network. In a folder, decoding
goes on ahead in threads, for ONNX Runtime in the same way as for us.

The weights are random, which changes no time.
"""

import argparse
import gc
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.config import Preprocessing, TrainingConfig
from core.data.batches import stack
from core.images.reading import READER_VERSION, load_xray
from core.models.model_card import ModelCard
from core.models.model_file import save_model
from core.models.onnx import onnx_file
from core.models.resnet import to_input
from core.models.weights import Weights, to_arrays
from core.phantom import CLASSES, draw_film
from core.prediction.classifier import Classifier
from core.prediction.reading import BATCH_SIZE, read_films
from core.runtime.threads import map_ahead, physical_core_count, thread_count
from core.workspace import Workspace

Images = NDArray[np.float32]  # (N, 3, S, S)
Answer = Callable[[Images], NDArray[np.float32]]  # to logits (N, C)
REST_S = 0.05
PREPROCESSING = {"mean": 0.5, "std": 0.25}


def random_model(path: Path, architecture: Any, image_size: int) -> Weights:
    """Save a model with random weights; the weights."""
    from core.models.resnet import build_resnet

    preprocessing = Preprocessing(image_size=image_size, **PREPROCESSING)
    weights = to_arrays(build_resnet(architecture, len(CLASSES)))
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
    save_model(path, card, weights)
    return weights


def eager(classifier: Classifier) -> Answer:
    from core.runtime.paddle import paddle

    def answer(images: Images) -> NDArray[np.float32]:
        with paddle.no_grad():
            maps = classifier.network.features(paddle.to_tensor(images))
            logits: NDArray[np.float32] = classifier.network.classify(maps).numpy()
            maps.numpy()
        return logits

    return answer


def onnx_runtime(content: bytes, n_threads: int) -> Answer | None:
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def open_vino(content: bytes, n_threads: int, precision: str) -> Answer | None:
    try:
        import openvino
    except ImportError:
        return None
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": n_threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(
        openvino.Core().read_model(content, b""), "CPU", settings
    )
    return lambda images: compiled(images)["logits"]


def best_times(
    candidates: dict[str, Callable[[], object]], rounds: int, warm_ups: int = 2
) -> dict[str, list[float]]:
    """Seconds of each candidate in every round, sorted; the rounds before warm up."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + warm_ups):
        for name, work in candidates.items():
            time.sleep(REST_S)
            gc.collect()
            start = time.perf_counter()
            work()
            if number >= warm_ups:
                times[name].append(time.perf_counter() - start)
    return {name: sorted(values) for name, values in times.items()}


def print_times(title: str, times: dict[str, list[float]], reference: str, n: int = 1) -> None:
    print(f"\n{title}")
    base = times.get(reference, next(iter(times.values())))[0]
    for name, values in times.items():
        print(
            f"  {name:18} best {1e3 * values[0] / n:8.1f} ms  median "
            f"{1e3 * values[len(values) // 2] / n:8.1f} ms  {values[0] / base:6.2f} of {reference}"
        )


def draw_films(folder: Path, n: int, side: int) -> list[Path]:
    paths = [folder / f"film-{number:04}.png" for number in range(n)]
    for number, path in enumerate(paths):
        film = draw_film(CLASSES[number % len(CLASSES)], number, min(side, 512))
        Image.fromarray(film).resize((side, side)).save(path)
    return paths


def answered(classifier: Classifier, paths: Iterable[Path]) -> int:
    return sum(1 for _ in read_films(classifier, paths))


def answered_by(answer: Answer, classifier: Classifier, paths: Sequence[Path]) -> int:
    """The folder as another runtime would read it, with our decoding ahead."""

    def load(path: Path) -> NDArray[np.uint8]:
        return classifier.prepare(load_xray(path))

    preprocessing = classifier.card.preprocessing
    with closing(map_ahead(load, paths, physical_core_count(), BATCH_SIZE)) as films:
        while batch := list(itertools.islice(films, BATCH_SIZE)):
            answer(to_input(stack(batch), preprocessing).numpy())
    return len(paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--side", type=int, default=1024, help="of the films, in pixels")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--packages", type=Path, help="a folder with onnxruntime or openvino")
    arguments = parser.parse_args()
    if arguments.packages is not None:
        sys.path.append(str(arguments.packages))
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, Path(folder))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    n_threads = thread_count(physical_core_count())
    path = folder / "model.safetensors"
    weights = random_model(path, arguments.arch, arguments.image_size)
    workspace = Workspace(folder / "home")
    slow, fast = Classifier.open(path), Classifier.open(path)
    start = time.perf_counter()
    fast.speed_up(workspace, may_build=True)
    built = time.perf_counter()
    fast.speed_up(workspace, may_build=False)
    opened = time.perf_counter()
    assert fast.is_fast
    print(f"{arguments.arch}, {arguments.image_size} px, {n_threads} threads")
    print(f"fast form built in {built - start:.1f} s, opened again in {opened - built:.2f} s")

    content = onnx_file(
        arguments.arch,
        weights,
        arguments.image_size,
        producer=("PneumoScope", ""),
        doc="",
        metadata={},
    )
    engine = fast._fast
    assert engine is not None
    answers: dict[str, Answer | None] = {
        "eager": eager(slow),
        "fast": lambda images: engine(images)[0],
        "ONNX Runtime": onnx_runtime(content, n_threads),
        "OpenVINO f32": open_vino(content, n_threads, "f32"),
        "OpenVINO bf16": open_vino(content, n_threads, "bf16"),
    }
    present = {name: answer for name, answer in answers.items() if answer is not None}
    reference = "ONNX Runtime" if "ONNX Runtime" in present else "fast"
    network: dict[str, list[float]] = {}
    for n in (1, BATCH_SIZE):
        films = [fast.prepare(draw_film(CLASSES[0], seed, 512)) for seed in range(n)]
        images = to_input(stack(films), fast.card.preprocessing).numpy()
        times = best_times(
            {name: partial(answer, images) for name, answer in present.items()},
            arguments.rounds if n == 1 else max(3, arguments.rounds // 3),
        )
        print_times(f"the network alone, {n} at a time, for each film", times, reference, n)
        network = network or times
        if n == 1:
            wanted = present["eager"](images)
            for name, answer in present.items():
                print(f"  {name:18} logits differ by {np.abs(answer(images) - wanted).max():.1e}")

    paths = draw_films(folder, arguments.films, arguments.side)
    film = paths[0]
    drops = best_times(
        {
            "decoding": lambda: fast.prepare(load_xray(film)),
            "drop, eager": lambda: answered(slow, [film]),
            "drop, fast": lambda: answered(fast, [film]),
        },
        arguments.rounds,
    )
    print_times(f"one film of {arguments.side} px, from drop to answer", drops, "decoding")
    for name in ("eager", "fast"):
        rest = drops[f"drop, {name}"][0] - drops["decoding"][0]
        print(f"  without decoding, {name}: {rest / network[reference][0]:.2f} of {reference}")

    folders: dict[str, Callable[[], object]] = {
        "eager": lambda: answered(slow, paths),
        "fast": lambda: answered(fast, paths),
    }
    other = present.get("ONNX Runtime")
    if other is not None:
        folders["ONNX Runtime"] = lambda: answered_by(other, fast, paths)
    print_times(
        f"{len(paths)} films in a folder, for each film",
        best_times(folders, 2, warm_ups=0),
        reference,
        len(paths),
    )


if __name__ == "__main__":
    main()
