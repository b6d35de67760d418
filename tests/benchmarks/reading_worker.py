"""A process of reading.py's: reads with the program that PYTHONPATH names, today's or an older one.

    python reading_worker.py fresh MODEL FILM
    python reading_worker.py KIND MODEL [PACKAGES]

`fresh` answers one film and ends. Any other KIND (ours, eager, fast, "OpenVINO f32", "OpenVINO
bf16") takes one line after the other from standard input and answers with seconds.
"""

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def open_vino(model: Path, packages: str, precision: str) -> Callable[[Any], Any]:
    """Answer the same graph with OpenVINO, on as many threads."""
    sys.path.append(packages)
    import openvino

    from core.models.model_file import open_model
    from core.models.onnx import network_input, onnx_file
    from core.runtime.threads import computing_threads

    opened = open_model(model)
    made = opened.card.preprocessing
    content = onnx_file(opened.card.architecture, opened.weights, made.image_size, 32)
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": computing_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    started = time.perf_counter()
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content, b""), "CPU", settings)
    print(f"session {time.perf_counter() - started}", flush=True)
    return lambda films: compiled(network_input(films, made))["logits"]


def main() -> None:
    """Do what the command line and then standard input say."""
    kind, model, *rest = sys.argv[1:]
    from core.prediction.classifier import Classifier
    from core.prediction.explanation import explain
    from core.prediction.reading import read_films

    try:
        from core.images.reading import load_xray
    except ImportError:  # its place in an older checkout
        from core.data.images.reading import load_xray  # type: ignore[import-not-found,no-redef]

    if kind == "fresh":
        [read] = read_films(Classifier.open(Path(model)), [Path(rest[0])])
        assert hasattr(read, "opinion"), read
        return
    started = time.perf_counter()
    classifier = Classifier.open(Path(model))
    size = classifier.card.preprocessing.image_size
    random = np.random.default_rng(0)
    answer: Callable[[Any], Any] = lambda films: classifier.outputs(films).logits  # noqa: E731
    if kind.startswith("OpenVINO"):
        answer = open_vino(Path(model), rest[0], kind.removeprefix("OpenVINO "))
    else:
        print(f"session {time.perf_counter() - started}", flush=True)
    if kind == "fast":
        from core.workspace import Workspace

        classifier.speed_up(Workspace(Path(rest[0])), may_build=True)  # type: ignore[attr-defined]
        assert classifier.is_fast  # type: ignore[attr-defined]
    for line in sys.stdin:
        what, _, which = line.strip().partition(" ")
        gc.collect()
        if what == "logits":
            films = random.integers(0, 256, (int(which), size, size)).astype(np.uint8)
            print(" ".join(map(str, np.ravel(answer(films)))), flush=True)
            continue
        films = np.zeros((int(which), size, size), np.uint8) if what == "network" else None
        film = load_xray(Path(which)) if what in ("map", "explain") else None
        paths = sorted(Path(which).iterdir()) if what == "folder" else [Path(which)]
        started = time.perf_counter()
        if films is not None:
            answer(films)
        elif film is not None:
            for _ in explain(classifier, film):
                if what == "map":
                    break
        else:
            list(read_films(classifier, paths))
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
