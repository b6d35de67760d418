"""Find again what a run trained on, from what its folder says."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from core.config import TrainingConfig
from core.data.cache import ImageCache
from core.data.edits import Edits
from core.data.loading import LoadedDataset, load_dataset
from core.data.records import Dataset
from core.data.splits import PARTS, Splits
from core.errors import ConfigError, Message, RunFolderError
from core.events import Progress
from core.runtime.devices import Device, choose_device
from core.training.run_folder import RunFolder
from core.workspace import Workspace


def plan_of_run(run: RunFolder, extra_epochs: int) -> TrainingConfig:
    """The run's settings, its plan lengthened by `extra_epochs`.

    Raises:
        RunFolderError: The settings cannot be read, or there is nothing left to train.
        ConfigError: `extra_epochs` is out of its range.
    """
    try:
        config = TrainingConfig.from_json(run.description["config"])
    except (ConfigError, KeyError, TypeError) as error:
        raise _unreadable(run) from error
    if run.description.get("status") == "finished" and extra_epochs == 0:
        raise RunFolderError(
            Message(
                "The run {folder} is finished; there is nothing left to train. Say how many more "
                "epochs it shall train.",
                folder=str(run.path),
            )
        )
    return dataclasses.replace(config, extra_epochs=config.extra_epochs + extra_epochs)


def check_can_begin(run: RunFolder, config: TrainingConfig) -> None:
    """Refuse a run without a checkpoint that began with weights which nobody has any more.

    Raises:
        RunFolderError: Training must be started anew.
    """
    if config.initial_weights or run.description.get("status") == "finished":
        raise RunFolderError(
            Message(
                "The run {folder} cannot go on, for nothing of it was saved yet. Train again with "
                "the same settings.",
                folder=str(run.path),
            )
        )


def device_of_run(run: RunFolder, wanted: str, available: Sequence[Device]) -> Device:
    """The device called `wanted`; "auto" takes the one that the run began on, if it is here.

    Raises:
        DeviceError: There is no such device on this machine.
    """
    began_on = run.description.get("device")
    name = began_on.get("name") if isinstance(began_on, dict) else None
    if wanted == "auto" and any(device.name == name for device in available):
        wanted = str(name)
    return choose_device(wanted, available)


def films_of_run(
    run: RunFolder, config: TrainingConfig, workspace: Workspace
) -> Generator[Progress, None, tuple[LoadedDataset, Splits]]:
    """Open the run's films at its image size, and divide them as they were.

    Raises:
        RunFolderError: They are not there any more, or are not the same.
        PneumoScopeError: They cannot be read.
    """
    try:
        described = run.description["dataset"]
        sources = [Path(source) for source in described["sources"]]
        fingerprint, size = described["fingerprint"], int(described["loaded_at"])
        edits = Edits.from_json(described["edits"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(run) from error
    for source in sources:
        if not os.path.exists(source):
            raise RunFolderError(
                Message(
                    "The films of this run are gone: {source} is not there any more. Put it back "
                    "in its place and resume again, or start a new run with films that are there.",
                    source=str(source),
                )
            )
    loaded: LoadedDataset | None = None
    # At the size at which they were loaded then, for which they are decoded already.
    for step in load_dataset(sources, workspace, size, with_edits=False):
        if isinstance(step, LoadedDataset):
            loaded = step.edited(edits)
        else:
            yield step
    assert loaded is not None  # the last step of load_dataset
    if loaded.dataset.fingerprint != fingerprint:
        raise _changed(loaded.dataset)
    for reading in loaded.at_size(config.preprocessing.image_size, workspace):
        if isinstance(reading, ImageCache):
            loaded = dataclasses.replace(loaded, cache=reading)
        else:
            yield reading
    return loaded, _splits_of_run(run, loaded.dataset)


def split_digest(dataset: Dataset, splits: Splits) -> str:
    """Sha256 over the films of each part, in their order, which training depends on."""
    parts = [[dataset.records[index].digest for index in splits.part(part)] for part in PARTS]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _splits_of_run(run: RunFolder, dataset: Dataset) -> Splits:
    """The parts by the films' names, as they were written when the run began.

    Not drawn again: a newer program may draw differently.
    """
    index = {record.name: number for number, record in enumerate(dataset.records)}
    try:
        named: dict[str, Any] = run.description["split"]
        parts = {part: tuple(index[name] for name in named[part]) for part in PARTS}
    except (KeyError, TypeError) as error:
        raise _changed(dataset) from error
    splits = Splits(parts["train"], parts["validation"], parts["test"], parts["kept"])
    if split_digest(dataset, splits) != run.description.get("split_sha256"):
        raise _changed(dataset)
    return splits


def _changed(dataset: Dataset) -> RunFolderError:
    return RunFolderError(
        Message(
            "The films in {source} are not those that this run began with. Put the original films "
            "back and resume again, or start a new run.",
            source=dataset.name,
        )
    )


def _unreadable(run: RunFolder) -> RunFolderError:
    return RunFolderError(
        Message(
            "What the run {folder} was going to do cannot be read; it is damaged or of another "
            "version of PneumoScope. Start a new run.",
            folder=str(run.path),
        )
    )
