"""A whole run: from a loaded dataset into a new folder, or on from where a folder stands."""

import dataclasses
import datetime
import hashlib
import json
import os
import platform
from collections.abc import Generator
from pathlib import Path

import numpy as np

from core.audit.sources import findings_of_run
from core.config import TrainingConfig
from core.data.cache import ImageCache
from core.data.dataset import LoadedDataset, load_dataset
from core.data.edits import Edits
from core.data.labels import LabelChoice
from core.data.records import Dataset
from core.data.splits import PARTS, Splits, split
from core.data.unpacked import showable
from core.errors import ConfigError, DatasetError, Message, RunFolderError
from core.events import Progress, TrainingEvent
from core.files import escaped
from core.models.dataset_findings import DatasetFindings
from core.models.initial_weights import InitialWeights
from core.models.model_card import MAX_NAME_LENGTH
from core.runtime.devices import Device, choose_device, list_devices
from core.runtime.paddle import paddle
from core.runtime.threads import release_freed_memory
from core.training.checkpoint import FoundCheckpoint, load_checkpoint, make_newest
from core.training.loop import Begin, TrainingData, train
from core.training.run_description import (
    DatasetDescription,
    DeviceDescription,
    PatientsDescription,
    RunDescription,
    is_altered,
)
from core.training.run_folder import RunFolder, RunLock, check_is_free
from core.training.runs import flattened
from core.workspace import Workspace


def _plan(run: RunFolder, extra_epochs: int) -> TrainingConfig:
    """Return the run's settings, lengthened by `extra_epochs`."""
    config = run.description.config
    if run.status == "finished" and extra_epochs == 0:
        raise RunFolderError(
            Message(
                "The run {folder} is finished; there is nothing left to train. Say how many more "
                "epochs it shall train.",
                folder=str(run.path),
            )
        )
    return config.changed(extra_epochs=config.extra_epochs + extra_epochs)


def _device(run: RunFolder, wanted: str) -> Device:
    """Find the device called `wanted`; "auto" takes the one that the run began on, if here."""
    available, began_on = list_devices(), run.description.device.name
    if wanted == "auto" and any(device.name == began_on for device in available):
        wanted = began_on
    return choose_device(wanted, available)


def _films(
    run: RunFolder, config: TrainingConfig, workspace: Workspace
) -> Generator[Progress, None, tuple[LoadedDataset, Splits]]:
    """Open the run's films at its image size, and divide them as they were."""
    described = run.description.dataset
    sources = described.paths
    try:
        edits = Edits.from_json(described.edits)
        labels = LabelChoice.from_json(described.labels) if described.labels is not None else None
    except ConfigError as error:
        raise RunFolderError(
            Message(
                "What the run {folder} was going to do cannot be read; it is damaged or of another "
                "version of PneumoScope. Start a new run.",
                folder=str(run.path),
            )
        ) from error
    for source in sources:
        if not os.path.exists(source):
            raise RunFolderError(
                Message(
                    "The films of this run are gone: {source} is not there any more. Put it back "
                    "in its place and resume again, or start a new run with films that are there.",
                    source=escaped(str(source)),
                )
            )
    loaded: LoadedDataset | None = None
    # At the size at which they were loaded then, for which they are decoded already.
    for step in load_dataset(
        sources,
        workspace,
        described.loaded_at,
        with_edits=False,
        class_level=described.class_levels or None,
        labels=labels,
    ):
        if isinstance(step, LoadedDataset):
            loaded = step.edited(edits)
        else:
            yield step
    assert loaded is not None  # the last step of load_dataset
    if loaded.dataset.fingerprint != described.fingerprint:
        raise _changed(loaded.dataset)
    for reading in loaded.at_size(config.preprocessing.image_size, workspace):
        if isinstance(reading, ImageCache):
            loaded = dataclasses.replace(loaded, cache=reading)
        else:
            yield reading
    return loaded, _splits_of_run(run, loaded.dataset)


def _split_digest(dataset: Dataset, splits: Splits) -> str:
    """Sha256 over the films of each part, in their order, which training depends on."""
    parts = [[dataset.records[index].digest for index in splits.part(part)] for part in PARTS]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _splits_of_run(run: RunFolder, dataset: Dataset) -> Splits:
    """The parts by the films' names, as they were written when the run began.

    Not drawn again: a newer program may draw differently.
    """
    index = {record.name: number for number, record in enumerate(dataset.records)}
    try:
        named = run.description.split or {}
        parts = {part: tuple(index[name] for name in named[part]) for part in PARTS}
    except KeyError as error:
        raise _changed(dataset) from error
    splits = Splits(parts["train"], parts["validation"], parts["test"], parts["kept"])
    if _split_digest(dataset, splits) != run.description.split_sha256:
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


_SHOWN_CHARACTERS = 60  # of a name that is too long to be read
_KEPT_CHARACTERS = 300  # of what initial weights are called


def run_training(
    config: TrainingConfig,
    loaded: LoadedDataset,
    folder: Path,
    device_name: str,
    workspace: Workspace,
    initial: InitialWeights | None = None,
    splits: Splits | None = None,
) -> Generator[TrainingEvent, None, None]:
    """Train on `loaded` as `config` says and leave everything in `folder`.

    Args:
        config: The run's settings.
        loaded: Films that were read once, at any size.
        folder: A new or empty folder for the run.
        device_name: "auto", "cpu" or "gpu:N".
        workspace: Where the decoded films of this size are kept.
        initial: What the network begins with; None: random weights.
        splits: The parts; None: as `config` says.

    Raises:
        PneumoScopeError: In plain words, with the remedy.
    """
    _check_class_names(loaded.dataset)
    device = choose_device(device_name, list_devices())
    splits = splits or split(loaded.dataset, loaded.grouping, config)
    check_is_free(folder)  # before the films are decoded, which takes a while
    cache: ImageCache | None = None
    for step in loaded.at_size(config.preprocessing.image_size, workspace):
        if isinstance(step, ImageCache):
            cache = step
        else:
            yield step
    assert cache is not None  # the last step of at_size
    if initial is not None and not config.initial_weights:
        config = config.changed(initial_weights=initial.name[:_KEPT_CHARACTERS])
    with RunLock(folder):
        findings = findings_of_run(loaded, splits)
        run = RunFolder.create(folder, _describe(config, loaded, splits, device, findings))
        data = TrainingData(loaded.dataset, cache, splits, findings, tuple(loaded.grouping.groups))
        begin = Begin(weights=initial.arrays if initial is not None else None)
        try:
            yield from train(config, data, run, device, begin)
        finally:
            release_freed_memory()


class ChangedRunError(RunFolderError):
    """A run's description is not the one that its checkpoint was trained with."""


_MAY_CHANGE = "extra_epochs"  # in run.json before the first checkpoint that knows of them
_SHOWN_CHANGES = 5


def _check_unchanged(run: RunFolder, found: FoundCheckpoint | None) -> None:
    """Compare the run's description with its own checksum and the checkpoint's settings.

    Raises:
        ChangedRunError: Something else than training has changed it.
    """
    saved = found.checkpoint.settings if found is not None else None
    before, now = flattened(saved or {}), flattened(run.description.config.to_json())
    # Names that only one of them has are of another version of the program.
    changes = [
        f"{name}: {before[name]} -> {now[name]}"
        for name in before
        if name in now and now[name] != before[name] and name != _MAY_CHANGE
    ]
    altered = is_altered(run.path)
    if not changes and (altered or (altered is None and saved is not None)):
        changes = ["run.json"]
    if changes:
        raise ChangedRunError(
            Message(
                "The run {folder} is not as training left it; changed are: {changes}. Put the "
                "original run.json back, or accept the changes (--accept-changes): then it will "
                "not end as it would have.",
                folder=str(run.path),
                changes=showable("; ".join(changes[:_SHOWN_CHANGES])),
            )
        )


def resume_training(
    folder: Path,
    workspace: Workspace,
    device_name: str = "auto",
    extra_epochs: int = 0,
    *,
    accepts_changes: bool = False,
) -> Generator[TrainingEvent, None, None]:
    """Go on with the run in `folder` as if it had never been interrupted.

    Its films are found again where they were. On the same processor with the same number of
    threads it ends with the same weights, to the bit; `Resumed.warning` says where they differ.

    Args:
        folder: Of a run that was paused, stopped, killed or has failed; with `extra_epochs`
            also of one that is finished.
        accepts_changes: Go on as run.json says, whoever has changed it.
        workspace: Where datasets and decoded films are kept.
        device_name: "auto" takes the device that the run began on, where it is here.
        extra_epochs: To train for longer than was planned.

    Raises:
        ChangedRunError: Its run.json was changed, and that is not accepted.
        PneumoScopeError: In plain words, with the remedy; the run is left as it was.
    """
    run = RunFolder.open(folder)
    with RunLock(folder):
        run = RunFolder.open(folder)  # whoever had the lock may have changed it
        config = _plan(run, extra_epochs)
        device = _device(run, device_name)
        found = load_checkpoint(folder)
        # Nobody has the weights any more that it began with, or that it ended with.
        if found is None and (config.initial_weights or run.status == "finished"):
            raise RunFolderError(
                Message(
                    "The run {folder} cannot go on, for nothing of it was saved yet. Train again "
                    "with the same settings.",
                    folder=str(folder),
                )
            )
        loaded, splits = yield from _films(run, config, workspace)
        if not accepts_changes:
            _check_unchanged(run, found)
        if found is not None and found.is_previous:
            try:
                make_newest(folder)
            except OSError as error:
                raise RunFolderError(
                    Message(
                        "The run {folder} cannot go on, for its folder cannot be written "
                        "({reason}). Check that you may write to it.",
                        folder=str(folder),
                        reason=error.strerror or str(error),
                    )
                ) from error
        run.reopen(config)
        data = TrainingData(
            loaded.dataset,
            loaded.cache,
            splits,
            run.description.findings,
            tuple(loaded.grouping.groups),
        )
        try:
            yield from train(config, data, run, device, Begin(checkpoint=found, is_resumed=True))
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
    config: TrainingConfig,
    loaded: LoadedDataset,
    splits: Splits,
    device: Device,
    findings: DatasetFindings,
) -> RunDescription:
    names = [record.name for record in loaded.dataset.records]
    report = loaded.dataset.labels
    paths = [os.path.abspath(source) for source in loaded.dataset.sources]
    return RunDescription(
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        config=config,
        dataset=DatasetDescription(
            sources=tuple(map(showable, paths)),
            source_bytes=tuple(os.fsencode(path).hex() for path in paths),
            loaded_at=loaded.cache.size,
            fingerprint=loaded.dataset.fingerprint,
            classes=loaded.dataset.counts,
            left_out=len(loaded.dataset.left_out),
            class_levels=loaded.dataset.layout.levels if loaded.dataset.layout else (),
            edits=loaded.edits.to_json(),
            labels=report.choice.to_json() if report is not None else None,
            patients=PatientsDescription(
                n=loaded.grouping.n_patients, pattern=loaded.grouping.pattern
            ),
        ),
        split={part: tuple(names[index] for index in splits.part(part)) for part in PARTS},
        split_sha256=_split_digest(loaded.dataset, splits),
        findings=findings,
        device=DeviceDescription(
            name=device.name, description=device.description, threads=device.threads
        ),
        versions={
            "python": platform.python_version(),
            "paddle": paddle.__version__,
            "numpy": np.__version__,
        },
    )
