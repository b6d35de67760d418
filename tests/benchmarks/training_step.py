"""One training step, ours against Paddle's defaults and PyTorch: images a second.

    .venv/bin/python tests/benchmarks/training_step.py --arch resnet18 --torch-python PATH

Each candidate runs in a process of its own that inherits none of the settings that make
libraries fast or slow; candidates take turns, so that a busy machine is busy for all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SCRUBBED = ("OMP_", "MKL_", "KMP_", "MALLOC_", "FLAGS_", "OPENBLAS_", "GOMP_", "GLIBC_TUNABLES")
N_CLASSES = 3
LEARNING_RATE = 3e-4
N_WARM_UP = 2
NAMES = {
    "paddle": "Paddle, its defaults",
    "ours": "PneumoScope",
    "torch": "PyTorch float32",
    "torch-channels-last": "PyTorch channels-last",
}
Step = Callable[[], float]  # one optimiser step; its loss


def main() -> int:
    """Run every candidate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--arch", default="resnet18", choices=("resnet18", "resnet50"))
    parser.add_argument("--size", type=int, default=224, help="pixels, both sides")
    parser.add_argument("--batch", type=int, default=16, help="images")
    parser.add_argument("--steps", type=int, default=5, help="measured steps of a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--torch-python", default=sys.executable, metavar="PATH", help="a Python that has torch"
    )
    parser.add_argument("--worker", choices=tuple(NAMES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker is not None:
        return _work(arguments)
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(arguments.rounds):
        for name in NAMES:
            seconds[name] += _measure(name, arguments)
    _print_table(seconds, arguments)
    return 0


def _measure(name: str, arguments: argparse.Namespace) -> list[float]:
    """Seconds of each step of one round; none where the candidate does not run here."""
    python = arguments.torch_python if name.startswith("torch") else sys.executable
    words = [python, __file__, "--worker", name]
    for option in ("arch", "size", "batch", "steps"):
        words += [f"--{option}", str(getattr(arguments, option))]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(SCRUBBED)}
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
    except OSError as error:
        print(f"{NAMES[name]} is left out: {error}")
        return []
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{NAMES[name]} is left out: {last}")
        return []
    seconds: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds


def _print_table(seconds: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    print(
        f"\n{arguments.arch}, batch {arguments.batch}, {arguments.size} px, "
        f"median of {arguments.steps} steps x {arguments.rounds} rounds"
    )
    print(f"{'':24}{'images/s':>10}{'slowest':>10}{'fastest':>10}{'x Paddle':>10}")
    speeds = {
        name: sorted(arguments.batch / one for one in values)
        for name, values in seconds.items()
        if values
    }
    for name, values in speeds.items():
        middle = statistics.median(values)
        ratio = middle / statistics.median(speeds["paddle"]) if "paddle" in speeds else float("nan")
        print(f"{NAMES[name]:24}{middle:10.2f}{values[0]:10.2f}{values[-1]:10.2f}{ratio:10.2f}")


def _work(arguments: argparse.Namespace) -> int:
    """Be one candidate: print the seconds of each step."""
    step = {
        "paddle": _paddle,
        "ours": _ours,
        "torch": _torch,
        "torch-channels-last": _torch,
    }[arguments.worker](arguments)
    for _ in range(N_WARM_UP):
        step()
    seconds = []
    for _ in range(arguments.steps):
        started = time.perf_counter()
        loss = step()
        seconds.append(time.perf_counter() - started)
        assert np.isfinite(loss)
    print(json.dumps(seconds))
    return 0


def _images(arguments: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Grey films (N, S, S) of noise and their classes (N,)."""
    random = np.random.default_rng(0)
    shape = (arguments.batch, arguments.size, arguments.size)
    return (
        random.integers(0, 256, shape, dtype=np.uint8),
        random.integers(0, N_CLASSES, arguments.batch),
    )


def _three_channels(films: np.ndarray) -> np.ndarray:
    """(N, S, S), 0..255 -> (N, 3, S, S), 0..1."""
    return np.repeat(films[:, None].astype(np.float32) / 255, 3, axis=1)


def _paddle(arguments: argparse.Namespace) -> Step:
    """As in Paddle's own tutorials: nothing set, its own network."""
    import paddle

    films, classes = _images(arguments)
    network = getattr(paddle.vision.models, arguments.arch)(num_classes=N_CLASSES)
    optimiser = paddle.optimizer.Adam(LEARNING_RATE, parameters=network.parameters())
    images, labels = paddle.to_tensor(_three_channels(films)), paddle.to_tensor(classes)
    network.train()

    def step() -> float:
        loss = paddle.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        optimiser.clear_grad()
        return float(loss)

    return step


def _ours(arguments: argparse.Namespace) -> Step:
    """The training loop's own step, from bytes to updated weights."""
    sys.path.insert(0, str(ROOT))
    from core.config import Preprocessing, TrainingConfig
    from core.data.batches import Batch
    from core.runtime.devices import choose_device, list_devices
    from core.training.learner import Learner

    config = TrainingConfig(
        architecture=arguments.arch,
        batch_size=arguments.batch,
        optimiser="adam",
        preprocessing=Preprocessing(image_size=arguments.size),
    )
    batch = Batch(*_images(arguments))
    learner = Learner(config, N_CLASSES, choose_device("cpu", list_devices()))
    return lambda: learner.step(batch, LEARNING_RATE).loss


def _torch(arguments: argparse.Namespace) -> Step:
    """The same step in PyTorch with its defaults, in either memory layout."""
    import torch
    from torch_resnet import build

    is_channels_last = arguments.worker == "torch-channels-last"
    layout = torch.channels_last if is_channels_last else torch.contiguous_format
    films, classes = _images(arguments)
    network = build(arguments.arch, N_CLASSES).to(memory_format=layout)
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    images = torch.from_numpy(_three_channels(films)).contiguous(memory_format=layout)
    labels = torch.from_numpy(classes)
    network.train()

    def step() -> float:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


if __name__ == "__main__":
    sys.exit(main())
