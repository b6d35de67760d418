"""What saving costs: the same run with and without checkpoints, best models and event files.

    python tests/benchmarks/saving.py [--films 300] [--image-size 96] [--epochs 4] [--rounds 2]

Runs take turns, so that a busy machine bends both alike; the best time of each counts.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.config import TrainingConfig, preset
from core.data.dataset import LoadedDataset, load_dataset
from core.phantom import write_dataset
from core.workspace import Workspace


@contextmanager
def nothing_saved() -> Iterator[None]:
    """Leave out what writes to the run's folder while training goes on."""
    from core.training.loop import Saving
    from core.training.run_folder import RunFolder
    from core.training.run_models import RunModels

    with (
        mock.patch.object(Saving, "submit"),
        mock.patch.object(Saving, "is_due", False),
        mock.patch.object(RunFolder, "record"),
        mock.patch.object(RunFolder, "log"),
        mock.patch.object(RunModels, "keep_best"),
    ):
        yield


def seconds_of_training(
    config: TrainingConfig, loaded: LoadedDataset, workspace: Workspace
) -> float:
    """From the first batch to the end of the last epoch; the test is left out."""
    from core.events import EpochDone, TrainingStarted
    from core.training.session import run_training

    with tempfile.TemporaryDirectory() as folder:
        events = run_training(config, loaded, Path(folder) / "run", "cpu", workspace)
        started, n_epochs = 0.0, 0
        for event in events:
            if isinstance(event, TrainingStarted):
                started = time.perf_counter()
            n_epochs += isinstance(event, EpochDone)
            if n_epochs == config.epochs:
                seconds = time.perf_counter() - started
                # Without a best model there is nothing to finish with.
                events.close()
                return seconds
    raise RuntimeError("training ended before its last epoch")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=300)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    recommended = preset("recommended")
    config = recommended.changed(
        epochs=arguments.epochs,
        image_size=arguments.image_size,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "films.zip"
        for _ in write_dataset(path, n_per_class=arguments.films // 3, size=256):
            pass
        workspace = Workspace(Path(folder) / "home")
        *_, loaded = load_dataset([path], workspace, arguments.image_size)
        assert isinstance(loaded, LoadedDataset)
        saved, unsaved = [], []
        for _ in range(arguments.rounds):
            saved.append(seconds_of_training(config, loaded, workspace))
            with nothing_saved():
                unsaved.append(seconds_of_training(config, loaded, workspace))
    best, bare = min(saved), min(unsaved)
    print(f"everything saved {best:.2f} s, nothing saved {bare:.2f} s: {best / bare - 1:+.1%}")


if __name__ == "__main__":
    main()
