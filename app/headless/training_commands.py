"""`train` and `demo`."""

import argparse
import dataclasses
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from app.headless.data_commands import load
from app.headless.output import print_json, print_line, tell
from app.headless.progress import ProgressBars
from app.training_words import epoch_words, result_words
from app.translation import say, tr
from core.config import TrainingConfig, preset
from core.data.loading import LoadedDataset
from core.demo import demo_archive, demo_config, draw_demo
from core.events import BatchDone, EpochDone, FilmRead, Progress, TrainingDone
from core.training.run_folder import check_is_free
from core.workspace import Workspace


def train(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Train a network and leave everything in `--out`."""
    from core.runtime.devices import choose_device, list_devices

    config = _config(arguments)
    # What can be refused at once is refused before the films are read, which takes a while.
    check_is_free(arguments.out)
    choose_device(arguments.device, list_devices())
    with ProgressBars() as bars:
        size = config.preprocessing.image_size
        loaded = load(arguments.data, workspace, size, bars, with_edits=not arguments.as_found)
        done = _train(config, loaded, arguments.out, arguments.device, workspace, bars)
    if arguments.json:
        print_json(_result_json(done))
    else:
        _print_result(done)


def demo(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """The whole job on the built-in films: draw, load, train, test, read the kept ones."""
    config = demo_config()
    if arguments.out is not None:
        check_is_free(arguments.out)
    with ProgressBars() as bars:
        for progress in draw_demo(workspace):
            bars.show(progress)
        size = config.preprocessing.image_size
        loaded = load([demo_archive(workspace)], workspace, size, bars)
        folder = arguments.out or Path(tempfile.mkdtemp(prefix="demo-", dir=workspace.runs))
        done = _train(config, loaded, folder, "auto", workspace, bars)
    _print_result(done)
    _print_kept(done.model, loaded)


def _config(arguments: argparse.Namespace) -> TrainingConfig:
    """The preset with what the command line changes."""
    config = preset(arguments.preset)
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
    }
    if arguments.image_size is not None:
        changes["preprocessing"] = dataclasses.replace(
            config.preprocessing, image_size=arguments.image_size
        )
    given = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(config, **given)


def _train(
    config: TrainingConfig,
    loaded: LoadedDataset,
    folder: Path,
    device: str,
    workspace: Workspace,
    bars: ProgressBars,
) -> TrainingDone:
    from core.training.session import run_training

    result: TrainingDone | None = None
    # Closed also when Ctrl+C ends the loop: that is when it saves what was trained.
    with closing(run_training(config, loaded, folder, device, workspace)) as events:
        for event in events:
            match event:
                case Progress():
                    bars.show(event)
                case BatchDone():
                    bars.advance(
                        tr("Epoch {epoch} of {epochs}", epoch=event.epoch, epochs=config.epochs),
                        event.batch,
                        event.batches,
                        tr("loss {loss}", loss=f"{event.loss:.3f}"),
                    )
                case EpochDone():
                    bars.close()
                    tell("".join(say(part) for part in epoch_words(event)))
                case TrainingDone():
                    result = event
    assert result is not None  # the last event of run_training
    return result


def _result_json(done: TrainingDone) -> dict[str, Any]:
    return {
        "model": str(done.model),
        "epochs": done.epochs,
        "seconds": done.seconds,
        "images_per_second": done.images_per_second,
        "validation_accuracy": done.validation_accuracy,
        "test_accuracy": done.test_accuracy,
        "test_loss": done.test_loss,
    }


def _print_result(done: TrainingDone) -> None:
    for sentence in result_words(done):
        print_line(say(sentence))
    print_line(tr("Research and teaching only, never diagnosis."))


def _print_kept(model: Path, loaded: LoadedDataset) -> None:
    """A line for each image that training kept for the last look."""
    from core.prediction.classifier import Classifier, read_films

    classifier = Classifier.open(model)
    kept_digests = set(classifier.card.split["kept"])
    kept = [record for record in loaded.dataset.records if record.digest in kept_digests]
    for record, film in zip(
        kept, read_films(classifier, [record.path for record in kept]), strict=True
    ):
        if isinstance(film, FilmRead):
            predicted = int(film.probabilities.argmax())
            print_line(
                tr(
                    "{file}: true class {true}, predicted {predicted}, probability {probability}",
                    file=record.name,
                    true=loaded.dataset.classes[record.label],
                    predicted=classifier.card.classes[predicted],
                    probability=f"{film.probabilities[predicted]:.3f}",
                )
            )
