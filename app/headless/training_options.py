"""Which options of `train` belong together; argparse cannot say it."""

import argparse

from core.errors import ConfigError, Message

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
