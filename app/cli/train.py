"""`train` and `demo`."""

import argparse
import tempfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.console import ProgressBars, gentle_stop, print_json, print_line, tell
from app.cli.evaluate import load
from app.i18n import say, tr
from app.wording import epoch_words, result_words
from core.config import TrainingConfig, preset
from core.data.dataset import LoadedDataset
from core.demo import demo_archive, demo_config, draw_demo
from core.errors import ConfigError, Message
from core.events import (
    BatchDone,
    BatchHalved,
    EpochDone,
    Progress,
    Resumed,
    SavingFailed,
    TrainingDone,
    TrainingEvent,
    TrainingStarted,
)
from core.training.run_folder import check_is_free
from core.workspace import Workspace

# A run that goes on has its settings already.
_OF_NEW_RUNS = (
    "out",
    "preset",
    "arch",
    "epochs",
    "batch_size",
    "image_size",
    "learning_rate",
    "class_balance",
    "split",
    "validation_share",
    "test_share",
    "folds",
    "fold",
    "seed",
    "keep_thumbnails",
)


def check_training(arguments: argparse.Namespace) -> None:
    """Refuse options of `train` that do not go together.

    Raises:
        ConfigError: Something is missing or too much.
    """
    if arguments.resume is None:
        if arguments.more_epochs is not None:
            raise ConfigError(Message("--more-epochs goes with --resume only."))
        if not arguments.data or arguments.out is None:
            raise ConfigError(
                Message(
                    "A new run needs films and --out, a new folder; to go on with a run, give "
                    "--resume and its folder."
                )
            )
        return
    given = [
        f"--{name.replace('_', '-')}"
        for name in _OF_NEW_RUNS
        if getattr(arguments, name) is not None
    ]
    given += ["--as-found"] if arguments.as_found else []
    given += [str(path) for path in arguments.data]
    if given:
        raise ConfigError(
            Message(
                "--resume takes films and settings from the run itself. Leave out {given}.",
                given=", ".join(given),
            )
        )
    if arguments.more_epochs is not None and arguments.more_epochs < 1:
        raise ConfigError(
            Message(
                "--more-epochs is {n}; it must be a whole number from 1 on.",
                n=arguments.more_epochs,
            )
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """A run that came to its end."""

    event: TrainingDone
    resumed: Resumed | None

    def to_json(self) -> dict[str, Any]:
        """What `train --json` prints."""
        done, resumed = self.event, self.resumed
        return {
            "model": str(done.model),
            "epochs": done.epochs,
            "best_epoch": done.best_epoch,
            "seconds": done.seconds,
            "images_per_second": done.images_per_second,
            "validation_accuracy": done.validation_accuracy,
            "test_accuracy": done.test_accuracy,
            "test_loss": done.test_loss,
            "weights_sha256": done.weights_sha256,
            "resumed_from": {"epoch": resumed.epoch, "batch": resumed.batch} if resumed else None,
        }


def watch(run: Generator[TrainingEvent, None, None], bars: ProgressBars) -> Trained:
    """Show how a run goes on; its end.

    Raises:
        KeyboardInterrupt: It was asked to end; everything is saved.
    """
    done: TrainingDone | None = None
    resumed: Resumed | None = None
    n_epochs = 0
    with gentle_stop() as is_stop_wanted, closing(run) as events:
        for event in events:
            match event:
                case Progress():
                    bars.show(event)
                case TrainingStarted():
                    n_epochs = event.epochs
                case Resumed():
                    resumed = event
                    bars.close()
                    tell(_resumed_words(event))
                case BatchDone():
                    bars.advance(
                        tr("Epoch {epoch} of {epochs}", epoch=event.epoch, epochs=n_epochs),
                        event.batch,
                        event.batches,
                        tr("loss {loss}", loss=f"{event.loss:.3f}"),
                    )
                case EpochDone():
                    bars.close()
                    tell("".join(say(part) for part in epoch_words(event)))
                case BatchHalved() | SavingFailed():
                    bars.close()
                    tell(say(event.message))
                case TrainingDone():
                    done = event
            if is_stop_wanted() and done is None:
                events.close()  # here and not at the end: a second request must still count
                raise KeyboardInterrupt
    assert done is not None  # the last event of a run
    return Trained(done, resumed)


def _resumed_words(event: Resumed) -> str:
    if event.is_from_previous:
        return tr(
            "Going on in epoch {epoch} after batch {batch}, from the checkpoint before the newest, "
            "for the newest is not whole.",
            epoch=event.epoch,
            batch=event.batch,
        )
    return tr(
        "Going on in epoch {epoch} after batch {batch}.", epoch=event.epoch, batch=event.batch
    )


def train(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Train a network and leave everything in `--out`, or go on with the run in `--resume`."""
    check_training(arguments)
    if arguments.resume is not None:
        done = _resume(arguments, workspace)
    else:
        done = _begin(arguments, workspace)
    if arguments.json:
        print_json(done.to_json())
    else:
        _print_result(done.event)


def _begin(arguments: argparse.Namespace, workspace: Workspace) -> Trained:
    from core.runtime.devices import choose_device, list_devices
    from core.training.session import run_training

    config = _config(arguments)
    # What can be refused at once is refused before the films are read, which takes a while.
    check_is_free(arguments.out)
    choose_device(arguments.device, list_devices())
    with ProgressBars() as bars:
        size = config.preprocessing.image_size
        loaded = load(arguments.data, workspace, size, bars, with_edits=not arguments.as_found)
        return watch(run_training(config, loaded, arguments.out, arguments.device, workspace), bars)


def _resume(arguments: argparse.Namespace, workspace: Workspace) -> Trained:
    from core.training.session import resume_training

    more = arguments.more_epochs or 0
    with ProgressBars() as bars:
        return watch(resume_training(arguments.resume, workspace, arguments.device, more), bars)


def demo(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """The whole job on the built-in films: draw, load, train, test, read the kept ones."""
    from core.training.session import run_training

    config = demo_config()
    if arguments.out is not None:
        check_is_free(arguments.out)
    with ProgressBars() as bars:
        for progress in draw_demo(workspace):
            bars.show(progress)
        size = config.preprocessing.image_size
        loaded = load([demo_archive(workspace)], workspace, size, bars)
        folder = arguments.out or Path(tempfile.mkdtemp(prefix="demo-", dir=workspace.runs))
        done = watch(run_training(config, loaded, folder, "auto", workspace), bars).event
    _print_result(done)
    _print_kept(done.model, loaded)


def _config(arguments: argparse.Namespace) -> TrainingConfig:
    """The preset with what the command line changes."""
    config = preset(arguments.preset or "recommended")
    changes: dict[str, Any] = {
        "architecture": f"resnet{arguments.arch}" if arguments.arch is not None else None,
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate,
        "class_balance": arguments.class_balance,
        "split": arguments.split,
        "validation_share": arguments.validation_share,
        "test_share": arguments.test_share,
        "n_folds": arguments.folds,
        "fold": arguments.fold,
        "seed": arguments.seed,
        "is_keeping_thumbnails": arguments.keep_thumbnails,
        "image_size": arguments.image_size,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return config.changed(**given)


def _print_result(done: TrainingDone) -> None:
    for sentence in result_words(done):
        print_line(say(sentence))
    print_line(tr("Research and teaching only, never diagnosis."))


def _print_kept(model: Path, loaded: LoadedDataset) -> None:
    """A line for each image that training kept for the last look."""
    from core.prediction.classifier import Classifier
    from core.prediction.reading import FilmRead, read_films

    classifier = Classifier.open(model)
    kept_digests = set(classifier.card.split["kept"])
    kept = [record for record in loaded.dataset.records if record.digest in kept_digests]
    for record, film in zip(
        kept, read_films(classifier, [record.path for record in kept]), strict=True
    ):
        if isinstance(film, FilmRead):
            predicted = film.opinion.predicted
            print_line(
                tr(
                    "{file}: true class {true}, predicted {predicted}, probability {probability}",
                    file=record.name,
                    true=loaded.dataset.classes[record.label],
                    predicted=classifier.card.classes[predicted],
                    probability=f"{film.opinion.probabilities[predicted]:.3f}",
                )
            )
