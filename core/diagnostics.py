"""Diagnostics for a report of a fault: versions, devices, disk, and a short self-test.

They name no file, folder or X-ray of the user: only versions and figures.
"""

import logging
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import psutil

from core.config import Preprocessing, preset
from core.data.dataset import LoadedDataset, load_dataset
from core.errors import Message
from core.events import Progress, TrainingDone
from core.phantom import write_dataset
from core.prediction.classifier import Classifier
from core.runtime.devices import list_devices
from core.workspace import Workspace, program_version

log = logging.getLogger(__name__)

PACKAGES: Final = (
    "PySide6-Essentials",
    "paddlepaddle",
    "paddlepaddle-gpu",
    "onnxruntime",
    "numpy",
    "scipy",
    "scikit-learn",
    "Pillow",
    "pydicom",
    "python-gdcm",
    "pydantic",
    "safetensors",
)
N_PER_CLASS, SIDE_PX = 20, 32
GIB: Final = 2**30
_CHECKING = Message("Training and reading drawn X-rays as a self-test")


def diagnose(workspace: Workspace, *, with_self_test: bool = True) -> Iterator[Progress | str]:
    """Collect what a report of a fault needs; the last value is the text, in English.

    Args:
        workspace: Whose disk is measured.
        with_self_test: False while something else trains.
    """
    yield Progress(_CHECKING, 0, 0)
    lines = [*_versions(), *_machine(workspace)]
    if with_self_test:
        lines += yield from _self_test()
    else:
        lines.append("self-test: left out, a run was training")
    yield "\n".join(lines)


def _versions() -> Iterator[str]:
    yield f"PneumoScope {program_version()}"
    yield f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    for package in PACKAGES:
        try:
            yield f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            continue


def _machine(workspace: Workspace) -> Iterator[str]:
    cores = f"{psutil.cpu_count(logical=False)} cores, {psutil.cpu_count()} threads"
    yield f"processor: {platform.machine()}, {cores}"
    memory = psutil.virtual_memory()
    yield f"memory: {memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free"
    folder = workspace.root
    folder.mkdir(parents=True, exist_ok=True)
    disk = shutil.disk_usage(folder)
    yield f"disk: {disk.free / GIB:.1f} of {disk.total / GIB:.1f} GiB free"
    yield f"file names: {sys.getfilesystemencoding()}"


def _self_test() -> Generator[Progress, None, list[str]]:
    """Train a tiny network on drawn X-rays and read them."""
    from core.training.session import run_training  # loads Paddle

    lines = [
        f"device {one.name}: {one.description}, {one.memory_bytes / GIB:.1f} GiB"
        for one in list_devices()
    ]
    try:
        with tempfile.TemporaryDirectory(prefix="pneumoscope-test-") as name:
            workspace, archive = Workspace(Path(name) / "home"), Path(name) / "drawn.zip"
            config = preset("recommended").changed(
                epochs=1, batch_size=16, preprocessing=Preprocessing(image_size=SIDE_PX)
            )
            start = time.monotonic()
            yield from write_dataset(archive, N_PER_CLASS, 2 * SIDE_PX)
            loaded = None
            for step in load_dataset([archive], workspace, SIDE_PX):
                if isinstance(step, LoadedDataset):
                    loaded = step
                yield Progress(_CHECKING, 0, 0)
            assert loaded is not None
            lines.append(f"self-test: data in {time.monotonic() - start:.1f} s")
            start, done = time.monotonic(), None
            run = Path(name) / "run"
            for event in run_training(config, loaded, run, "auto", workspace):
                if isinstance(event, TrainingDone):
                    done = event
                yield Progress(_CHECKING, 0, 0)
            assert done is not None
            lines.append(f"self-test: trained in {time.monotonic() - start:.1f} s")
            start = time.monotonic()
            classifier = Classifier.open(done.model)
            films = [loaded.cache.image(record.digest) for record in loaded.dataset.records[:8]]
            opinions = classifier.opinions(films)
            lines.append(
                f"self-test: {len(opinions)} X-rays read in {time.monotonic() - start:.1f} s"
            )
            lines.append("self-test passed")
    except Exception as error:  # whatever fails is what the report is about
        log.exception("the self-test failed")
        lines.append(f"self-test FAILED: {type(error).__name__}")  # a message may name a file
    return lines
