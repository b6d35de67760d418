"""`train` and `demo`."""

import argparse
import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from app.headless.data_commands import load
from app.headless.output import print_json, print_line
from app.headless.progress import ProgressBars
from app.headless.training_options import check_training
from app.headless.training_watch import Trained, watch
from app.training_words import result_words
from app.translation import say, tr
from core.config import TrainingConfig, preset
from core.data.loading import LoadedDataset
from core.demo import demo_archive, demo_config, draw_demo
from core.events import TrainingDone
from core.training.run_folder import check_is_free
from core.workspace import Workspace


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
    }
    if arguments.image_size is not None:
        changes["preprocessing"] = dataclasses.replace(
            config.preprocessing, image_size=arguments.image_size
        )
    given = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(config, **given)


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
