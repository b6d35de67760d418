"""What the Train page runs in the background: event sources for a `TaskRunner`."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import TrainingConfig
from core.data.loading import LoadedDataset
from core.errors import Message, RunFolderError
from core.events import Progress, Resumed
from core.training.history import read_history
from core.training.run_description import read_description
from core.training.run_folder import mark_paused
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.initial_weights import InitialWeights

_LOADING = Progress(Message("Loading the deep-learning library"), 0, 0)


class Stop:
    """How a run that is closed is meant to end; set before it is closed."""

    def __init__(self) -> None:
        self._pauses = threading.Event()

    def pause(self) -> None:
        """It is to be resumed."""
        self._pauses.set()

    @property
    def is_pause(self) -> bool:
        """Whether it is to be resumed."""
        return self._pauses.is_set()


def training(
    config: TrainingConfig,
    dataset: LoadedDataset,
    folder: Path,
    device_name: str,
    workspace: Workspace,
    initial: "InitialWeights | None",
    stop: Stop,
) -> Iterator[object]:
    """Train anew in `folder`."""
    yield _LOADING
    from core.training.session import run_training

    with _pausable(folder, stop):
        yield from run_training(config, dataset, folder, device_name, workspace, initial)


def resuming(
    folder: Path, workspace: Workspace, device_name: str, extra_epochs: int, stop: Stop
) -> Iterator[object]:
    """Go on with the run in `folder`: first its settings and history, then its events."""
    yield read_description(folder).config
    yield read_history(folder)
    yield _LOADING
    from core.training.session import resume_training

    with (
        _pausable(folder, stop),
        closing(resume_training(folder, workspace, device_name, extra_epochs)) as events,
    ):
        for event in events:
            yield event
            if isinstance(event, Resumed):
                yield read_history(folder)  # without what is trained once more


def estimating(
    config: TrainingConfig, dataset: LoadedDataset, device_name: str, workspace: Workspace
) -> Iterator[object]:
    """Measure what a run would take."""
    yield _LOADING
    from core.training.estimate import estimate

    yield from estimate(config, dataset, device_name, workspace)


@contextmanager
def _pausable(folder: Path, stop: Stop) -> Iterator[None]:
    try:
        yield
    except GeneratorExit:  # the run inside is closed already
        if stop.is_pause:
            # Where there is no run yet, there is none to be resumed.
            with contextlib.suppress(RunFolderError):
                mark_paused(folder)
        raise
