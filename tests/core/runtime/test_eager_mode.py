"""Eager mode in a program whose first thread with Paddle ends, as the window's does."""

import subprocess
import sys

SCRIPT = """
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


def test_it_outlives_the_thread_that_loaded_paddle() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]
