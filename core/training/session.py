"""A whole run: from a loaded dataset into a new folder, or on from where a folder stands."""

import dataclasses
import os
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
from core.data.splits import PARTS, Splits, split
from core.errors import DatasetError, Message, RunFolderError
from core.events import TrainingEvent
from core.models.initial_weights.fitting import InitialWeights
from core.models.model_card import MAX_NAME_LENGTH
from core.runtime.devices import Device, choose_device, list_devices
from core.runtime.paddle_library import paddle
from core.runtime.processor import release_freed_memory
from core.training.checkpoint import load_checkpoint, make_newest
from core.training.loop import Begin, TrainingData, train
from core.training.reopening import (
    check_can_begin,
    device_of_run,
    films_of_run,
    plan_of_run,
    split_digest,
)
from core.training.run_folder import RunFolder, check_is_free
from core.training.run_lock import RunLock
from core.workspace import Workspace

_SHOWN_CHARACTERS = 60  # of a name that is too long to be read
_KEPT_CHARACTERS = 300  # of what initial weights are called


def run_training(
    config: TrainingConfig,
    loaded: LoadedDataset,
    folder: Path,
    device_name: str,
    workspace: Workspace,
    initial: InitialWeights | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Train on `loaded` as `config` says and leave everything in `folder`.

    Args:
        config: The run's settings.
        loaded: Films that were read once, at any size.
        folder: A new or empty folder for the run.
        device_name: "auto", "cpu" or "gpu:N".
        workspace: Where the decoded films of this size are kept.
        initial: What the network begins with; None: random weights.

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
    if initial is not None and not config.initial_weights:
        config = dataclasses.replace(config, initial_weights=initial.name[:_KEPT_CHARACTERS])
    with RunLock(folder):
        run = RunFolder.create(folder, _describe(config, loaded, splits, device))
        data = TrainingData(loaded.dataset, cache, splits)
        begin = Begin(weights=initial.arrays if initial is not None else None)
        try:
            yield from train(config, data, run, device, begin)
        finally:
            release_freed_memory()


def resume_training(
    folder: Path, workspace: Workspace, device_name: str = "auto", extra_epochs: int = 0
) -> Generator[TrainingEvent, None, None]:
    """Go on with the run in `folder` as if it had never been interrupted.

    Its films are found again where they were. On the same device of the same computer it
    ends with the same weights, to the bit.

    Args:
        folder: Of a run that was paused, stopped, killed or has failed; with `extra_epochs`
            also of one that is finished.
        workspace: Where datasets and decoded films are kept.
        device_name: "auto" takes the device that the run began on, where it is here.
        extra_epochs: To train for longer than was planned.

    Raises:
        PneumoScopeError: In plain words, with the remedy; the run is left as it was.
    """
    run = RunFolder.open(folder)
    with RunLock(folder):
        run = RunFolder.open(folder)  # whoever had the lock may have changed it
        config = plan_of_run(run, extra_epochs)
        device = device_of_run(run, device_name, list_devices())
        found = load_checkpoint(folder)
        if found is None:
            check_can_begin(run, config)
        loaded, splits = yield from films_of_run(run, config, workspace)
        if found is not None and found.is_previous:
            try:
                make_newest(folder)
            except OSError as error:
                raise _cannot_go_on(folder, error) from error
        run.reopen({"config": config.to_json()})
        data = TrainingData(loaded.dataset, loaded.cache, splits)
        try:
            yield from train(config, data, run, device, Begin(checkpoint=found, is_resumed=True))
        finally:
            release_freed_memory()


def _cannot_go_on(folder: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        Message(
            "The run {folder} cannot go on, for its folder cannot be written ({reason}). Check "
            "that you may write to it.",
            folder=str(folder),
            reason=error.strerror or str(error),
        )
    )


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
            # Whole paths: the run may be resumed from anywhere.
            "sources": [showable(os.path.abspath(source)) for source in loaded.dataset.sources],
            "loaded_at": loaded.cache.size,
            "fingerprint": loaded.dataset.fingerprint,
            "classes": loaded.dataset.counts,
            "left_out": len(loaded.dataset.left_out),
            "edits": loaded.edits.to_json(),
            "patients": {"n": loaded.grouping.n_patients, "pattern": loaded.grouping.pattern},
        },
        "split": {part: [names[index] for index in splits.part(part)] for part in PARTS},
        "split_sha256": split_digest(loaded.dataset, splits),
        "device": {"name": device.name, "description": device.description},
        "versions": {
            "python": platform.python_version(),
            "paddle": paddle.__version__,
            "numpy": np.__version__,
        },
    }
