"""`train` and `demo`."""

import argparse
import tempfile
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from app.cli.console import ProgressBars, gentle_stop, print_json, print_line, tell
from app.cli.evaluate import label_choice, load
from app.i18n import say, tr
from app.wording import epoch_words, result_words
from core.config import TrainingConfig, preset, settings
from core.data.dataset import LoadedDataset
from core.data.splits import split, unscored_classes
from core.demo import demo_archive, demo_config, draw_demo
from core.errors import ConfigError, Message
from core.events import (
    BatchDone,
    BatchHalved,
    EpochDone,
    FilmsRepaired,
    Progress,
    Resumed,
    SavingFailed,
    TrainingDone,
    TrainingEvent,
    TrainingStarted,
)
from core.models.model_file import read_card
from core.prediction.verdict import model_warnings
from core.training.run_folder import check_is_free
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.initial_weights import InitialWeights


def check_training(arguments: argparse.Namespace) -> None:
    """Refuse options of `train` that do not go together.

    Raises:
        ConfigError: Something is missing or too much.
    """
    if arguments.resume is None:
        if arguments.more_epochs is not None:
            raise ConfigError(Message("--more-epochs goes with --resume only."))
        if arguments.accept_changes:
            raise ConfigError(Message("--accept-changes goes with --resume only."))
        if not arguments.data or arguments.out is None:
            raise ConfigError(
                Message(
                    "A new run needs films and --out, a new folder; to go on with a run, give "
                    "--resume and its folder."
                )
            )
        return
    # A run that goes on has its settings already.
    given = [f"--{name}" for name in ("out", "config") if getattr(arguments, name) is not None]
    given += [
        f"--no-{settings()[name].option}" if value is False else f"--{settings()[name].option}"
        for name, value in _given_settings(arguments).items()
    ]
    given += ["--as-found"] if arguments.as_found else []
    given += ["--class-level"] if arguments.class_level is not None else []
    given += ["--zip-names"] if arguments.zip_names is not None else []
    given += ["--labels"] if arguments.labels is not None else []
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


Ended = tuple[TrainingDone, Resumed | None]


def watch(run: Generator[TrainingEvent, None, None], bars: ProgressBars) -> Ended:
    """Show how a run goes on; return its end, and where it was resumed if it was.

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
                    if event.warning is not None:
                        tell(say(event.warning))
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
                case BatchHalved() | FilmsRepaired() | SavingFailed():
                    bars.close()
                    tell(say(event.message))
                case TrainingDone():
                    done = event
            if is_stop_wanted() and done is None:
                events.close()  # here and not at the end: a second request must still count
                raise KeyboardInterrupt
    assert done is not None  # the last event of a run
    return done, resumed


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
        from core.training.session import resume_training

        more = arguments.more_epochs or 0
        with ProgressBars() as bars:
            run = resume_training(
                arguments.resume,
                workspace,
                arguments.device,
                more,
                accepts_changes=arguments.accept_changes,
            )
            done, resumed = watch(run, bars)
    else:
        done, resumed = _begin(arguments, workspace)
    if not arguments.json:
        _print_result(done)
        return
    warnings = model_warnings(done.model, read_card(done.model))
    print_json(
        {
            "model": str(done.model),
            "epochs": done.epochs,
            "best_epoch": done.best_epoch,
            "seconds": done.seconds,
            "images_per_second": done.images_per_second,
            "validation_accuracy": done.validation_accuracy,
            "test_accuracy": done.test_accuracy,
            "test_loss": done.test_loss,
            "weights_sha256": done.weights_sha256,
            "warnings": [say(warning) for warning in warnings],
            "resumed_from": {"epoch": resumed.epoch, "batch": resumed.batch} if resumed else None,
        }
    )


def _begin(arguments: argparse.Namespace, workspace: Workspace) -> Ended:
    from core.runtime.devices import choose_device, list_devices
    from core.training.session import run_training

    config, labels = config_of(arguments), label_choice(arguments)
    # What can be refused at once is refused before the films are read, which takes a while.
    check_is_free(arguments.out)
    choose_device(arguments.device, list_devices())
    with ProgressBars() as bars:
        weights = _weights_file(arguments.initial_weights, config, workspace, bars)
        size = config.preprocessing.image_size
        loaded = load(
            arguments.data,
            workspace,
            size,
            bars,
            with_edits=not arguments.as_found,
            class_level=arguments.class_level,
            labels=labels,
            zip_names=arguments.zip_names,
        )
        for _, message in unscored_classes(
            loaded.dataset, split(loaded.dataset, loaded.grouping, config)
        ):
            tell(say(message))
        initial = _fitted(weights, config, loaded) if weights is not None else None
        run = run_training(config, loaded, arguments.out, arguments.device, workspace, initial)
        return watch(run, bars)


def _weights_file(
    wanted: str | None, config: TrainingConfig, workspace: Workspace, bars: ProgressBars
) -> Path | None:
    """Find the file of `--weights`; fetch the published one where it is not here yet."""
    from core.models.initial_weights import unreadable
    from core.models.published_weights import download

    if wanted is None:
        return None
    if wanted == "published":
        for step in download(config.architecture, workspace.root / "weights"):
            if isinstance(step, Path):
                return step
            bars.show(step)
    path = Path(wanted)
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        raise unreadable(path, error) from error
    return path


def _fitted(path: Path, config: TrainingConfig, loaded: LoadedDataset) -> "InitialWeights":
    from core.models.initial_weights import describe, open_initial_weights

    classes = loaded.dataset.classes
    initial = open_initial_weights(path, config.architecture, len(classes), classes)
    for sentence in describe(initial):
        tell(say(sentence))
    return initial


def demo(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Run the whole job on the built-in films: draw, load, train, test, read the kept ones."""
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
        done = watch(run_training(config, loaded, folder, "auto", workspace), bars)[0]
    _print_result(done)
    _print_kept(done.model, loaded)


def _given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings among the options, by their names."""
    values = vars(arguments)
    return {name: values[name] for name in settings() if values.get(name) is not None}


def config_of(arguments: argparse.Namespace) -> TrainingConfig:
    """Return the preset, or the settings in `--config`, with what the other options change.

    Raises:
        ConfigError: A value is refused, or options do not go together.
    """
    given = _given_settings(arguments)
    has_weights = given.pop("initial_weights", None) is not None
    if "architecture" in given:
        given["architecture"] = f"resnet{given['architecture']}"
    if arguments.config is None:
        config = preset(given.get("preset", "recommended"))
    elif "preset" in given:
        raise ConfigError(
            Message("Both --preset and --config set all settings. Give only one of them.")
        )
    else:
        config = read_settings(arguments.config)
    config = config.edited(**given)
    if config.is_backbone_frozen and not has_weights:
        raise ConfigError(
            Message(
                "A backbone that is frozen at random learns nothing. Choose weights to start "
                "from, or let it learn."
            )
        )
    return config


_MAX_CONFIG_BYTES = 100_000_000  # run.json names every film


def read_settings(path: Path) -> TrainingConfig:
    """Read settings from a run.json, or from a JSON object with some or all of them.

    Extra epochs and initial weights of a run are left out; what an object of one's own lacks
    is the preset's.

    Raises:
        ConfigError: The file cannot be read, or a value in it is refused.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_CONFIG_BYTES + 1)
        if len(content) > _MAX_CONFIG_BYTES:
            raise ValueError("too large")
        values = from_json(content, allow_inf_nan=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise ConfigError(
            Message(
                "The settings in {file} cannot be read ({reason}). Give the run.json of a run, "
                "or a JSON object of settings.",
                file=str(path),
                reason=reason or str(error),
            )
        ) from error
    if isinstance(values, dict) and "config" in values:
        config = TrainingConfig.from_json(values["config"])
        return config.changed(extra_epochs=0, initial_weights="")
    own = TrainingConfig.from_json(values)
    given = {
        name: own.value(name)
        for name, known in settings().items()
        if name in (getattr(own, known.part) if known.part else own).model_fields_set
    }
    return preset(own.preset).changed(**{**given, "extra_epochs": 0, "initial_weights": ""})


def _print_result(done: TrainingDone) -> None:
    for sentence in result_words(done):
        print_line(say(sentence))
    for warning in model_warnings(done.model, read_card(done.model)):
        print_line(tr("About the model: {warning}", warning=say(warning)))
    print_line(tr("Research and teaching only, never diagnosis."))


def _print_kept(model: Path, loaded: LoadedDataset) -> None:
    """Print a line for each image that training kept for the final prediction."""
    from core.prediction.classifier import Classifier
    from core.prediction.reading import FilmResult, read_films

    classifier = Classifier.open(model)
    kept_digests = set(classifier.card.split["kept"])
    kept = [record for record in loaded.dataset.records if record.digest in kept_digests]
    for record, film in zip(
        kept, read_films(classifier, [record.path for record in kept]), strict=True
    ):
        if isinstance(film, FilmResult):
            print_line(
                tr(
                    "{file}: true class {true}, predicted {predicted}, probability {probability}",
                    file=record.name,
                    true=loaded.dataset.classes[record.label],
                    predicted=film.classes[film.predicted],
                    probability=f"{film.opinion.probability:.3f}",
                )
            )
