"""A whole run from a loaded dataset: decode at the run's size, split, make the folder, train."""

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.config import TrainingConfig
from core.data.cache import ImageCache, open_cache
from core.data.loading import LoadedDataset
from core.data.splits import Splits, split
from core.runtime.devices import Device, choose_device, list_devices
from core.runtime.paddle_library import paddle
from core.runtime.processor import release_freed_memory
from core.training.loop import TrainingData, TrainingEvent, train
from core.training.run_folder import RunFolder, check_is_free
from core.workspace import Workspace


def run_training(
    config: TrainingConfig,
    loaded: LoadedDataset,
    folder: Path,
    device_name: str,
    workspace: Workspace,
) -> Iterator[TrainingEvent]:
    """Train on `loaded` as `config` says and leave everything in `folder`.

    Args:
        config: The run's settings.
        loaded: Films that were read once, at any size.
        folder: A new or empty folder for the run.
        device_name: "auto", "cpu" or "gpu:N".
        workspace: Where the decoded films of this size are kept.

    Raises:
        PneumoScopeError: In plain words, with the remedy.
    """
    device = choose_device(device_name, list_devices())
    splits = split(loaded.dataset, config.split, config.seed)
    check_is_free(folder)  # before the films are decoded, which takes a while
    cache: ImageCache | None = None
    for step in open_cache(
        loaded.dataset.records, config.preprocessing.image_size, workspace.caches
    ):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of open_cache
    run = RunFolder.create(folder, _describe(config, loaded, splits, device))
    try:
        yield from train(config, TrainingData(loaded.dataset, cache, splits), run, device)
    finally:
        release_freed_memory()


def _describe(
    config: TrainingConfig, loaded: LoadedDataset, splits: Splits, device: Device
) -> dict[str, Any]:
    names = [record.name for record in loaded.dataset.records]
    return {
        "config": config.to_json(),
        "dataset": {
            "source": str(loaded.dataset.source),
            "fingerprint": loaded.dataset.fingerprint,
            "classes": loaded.dataset.counts,
            "left_out": len(loaded.dataset.left_out),
        },
        "split": {
            part: [names[index] for index in getattr(splits, part)]
            for part in ("train", "validation", "test", "kept")
        },
        "device": {"name": device.name, "description": device.description},
        "versions": {
            "python": platform.python_version(),
            "paddle": paddle.__version__,
            "numpy": np.__version__,
        },
    }
