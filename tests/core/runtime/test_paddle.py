"""Paddle as the program loads it, each time in a process of its own."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.runtime.paddle import paddle, seed_everything

ROOT = Path(__file__).parents[3]


def run(script: str, warnings: str = "ignore", without: tuple[str, ...] = ()) -> tuple[str, str]:
    """Standard output and error of a program."""
    environment = {name: value for name, value in os.environ.items() if name not in without}
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.stdout, done.stderr


def test_whoever_imports_paddle_from_here_gets_it_tuned_and_silent() -> None:
    script = """
import os
from core.runtime import threads
from core.runtime.paddle import F, nn, paddle
variables = threads.processor_variables(
    {}, *threads.read_cpu_info(), threads.physical_core_count()
)
assert variables.items() <= dict(os.environ).items(), variables
print(paddle.to_tensor([1.0]).numpy(), nn.Linear.__name__, F.relu.__name__)
"""
    shown = run(script, "error", without=("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE"))
    assert shown == ("[1.] Linear relu\n", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="does nothing elsewhere")
def test_the_library_is_mapped_before_the_import_and_works_after_it() -> None:
    script = """
import sys
from pathlib import Path
seen = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "paddle" and not seen and "core.runtime.paddle" in sys.modules:
            seen.append(name)  # the look of preload_paddle
        elif name == "paddle" and len(seen) == 1:
            seen.append("libpaddle.so" in Path("/proc/self/maps").read_text())
sys.meta_path.insert(0, Finder())
from core.runtime.paddle import paddle
print(*seen)
print(float(paddle.ones([2]).sum()))
"""
    assert run(script)[0].split() == ["paddle", "True", "2.0"]


@pytest.mark.slow
def test_eager_mode_outlives_the_thread_that_loaded_paddle() -> None:
    script = """
import threading

def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

def load():
    from core.runtime.paddle import paddle

modes, names = [], []

def later():
    from core.runtime.paddle import paddle
    modes.append(paddle.in_dynamic_mode())

def build():
    from core.models.resnet import build_resnet
    from core.runtime.devices import use_device
    use_device("cpu")
    names.extend(parameter.name for parameter in build_resnet("resnet18", 2).parameters())

in_thread(load)
in_thread(later)
in_thread(build)
in_thread(build)
print(modes == [True], len(set(names)) == len(names) > 100)
"""
    assert run(script)[0].split() == ["True", "True"]


def test_a_seed_sets_every_generator() -> None:
    def draws(seed: int) -> tuple[float, float, list[float]]:
        seed_everything(seed)
        return random.random(), float(np.random.random()), paddle.rand([3]).tolist()

    assert draws(3) == draws(3)
    assert all(one != other for one, other in zip(draws(3), draws(4), strict=True))
