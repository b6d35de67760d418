"""A whole run from a loaded dataset: decode at the run's size, split, make the folder, train."""

import platform
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from core.config import TrainingConfig
from core.data.cache import ImageCache
from core.data.folder import showable
from core.data.loading import LoadedDataset
from core.data.records import Dataset
from core.data.splits import Splits, split
from core.errors import DatasetError, Message
from core.models.model_card import MAX_NAME_LENGTH
from core.runtime.devices import Device, choose_device, list_devices
from core.runtime.paddle_library import paddle
from core.runtime.processor import release_freed_memory
from core.training.loop import TrainingData, TrainingEvent, train
from core.training.run_folder import RunFolder, check_is_free
from core.workspace import Workspace

_SHOWN_CHARACTERS = 60  # of a name that is too long to be read


def run_training(
    config: TrainingConfig,
    loaded: LoadedDataset,
    folder: Path,
    device_name: str,
    workspace: Workspace,
) -> Generator[TrainingEvent, None, None]:
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
    _check_class_names(loaded.dataset)
    device = choose_device(device_name, list_devices())
    splits = split(loaded.dataset, loaded.grouping, config)
    check_is_free(folder)  # before the films are decoded, which takes a while
    cache: ImageCache | None = None
    for step in loaded.at_size(config.preprocessing.image_size, workspace):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of at_size
    run = RunFolder.create(folder, _describe(config, loaded, splits, device))
    try:
        yield from train(config, TrainingData(loaded.dataset, cache, splits), run, device)
    finally:
        release_freed_memory()


def _check_class_names(dataset: Dataset) -> None:
    """Refuse now what would be refused when the first model is saved."""
    for name in dataset.classes:
        if len(name) > MAX_NAME_LENGTH or showable(name) != name:
            raise DatasetError(
                Message(
                    "The class folder {name} has a name that a model file cannot hold. Give it "
                    "a name of at most {n} ordinary characters.",
                    name=showable(name[:_SHOWN_CHARACTERS]),
                    n=MAX_NAME_LENGTH,
                )
            )


def _describe(
    config: TrainingConfig, loaded: LoadedDataset, splits: Splits, device: Device
) -> dict[str, Any]:
    names = [record.name for record in loaded.dataset.records]
    return {
        "config": config.to_json(),
        "dataset": {
            "sources": [showable(str(source)) for source in loaded.dataset.sources],
            "fingerprint": loaded.dataset.fingerprint,
            "classes": loaded.dataset.counts,
            "left_out": len(loaded.dataset.left_out),
            "edits": loaded.edits.to_json(),
            "patients": {"n": loaded.grouping.n_patients, "pattern": loaded.grouping.pattern},
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
