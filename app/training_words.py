"""What a training run says of itself in sentences: the same in the window and without one."""

from core.config import SplitScheme, TrainingConfig
from core.errors import Message
from core.events import EpochDone, TrainingDone


def split_words(scheme: SplitScheme, config: TrainingConfig) -> Message:
    """How a dataset is divided, in a few words."""
    match scheme:
        case "reference":
            return Message("Every tenth film (notebook)")
        case "given":
            return Message("As the folders are divided")
        case "kfold":
            return Message("{n} folds by patient", n=config.n_folds)
    validation, test = round(100 * config.validation_share), round(100 * config.test_share)
    return Message(
        "{train}/{validation}/{test} by patient",
        train=100 - validation - test,
        validation=validation,
        test=test,
    )


def epoch_words(done: EpochDone) -> tuple[Message, ...]:
    """An epoch in one line, its parts to be joined without a space."""
    parts = [
        Message(
            "Epoch {epoch}: training loss {loss}, accuracy {accuracy}",
            epoch=done.epoch,
            loss=f"{done.train_loss:.3f}",
            accuracy=f"{done.train_accuracy:.1%}",
        )
    ]
    if done.validation_loss is not None and done.validation_accuracy is not None:
        parts.append(
            Message(
                "; validation loss {loss}, accuracy {accuracy}",
                loss=f"{done.validation_loss:.3f}",
                accuracy=f"{done.validation_accuracy:.1%}",
            )
        )
        if done.is_best:
            parts.append(Message("; best so far"))
    return tuple(parts)


def result_words(done: TrainingDone) -> tuple[Message, ...]:
    """The end of a run, a line each."""
    lines = [
        Message(
            "Finished in {seconds} s at {speed} films/s. The best model is of epoch {epoch}.",
            seconds=f"{done.seconds:.0f}",
            speed=f"{done.images_per_second:.1f}",
            epoch=done.best_epoch,
        )
    ]
    if done.test_accuracy is not None and done.test_loss is not None:
        lines.append(
            Message(
                "Test films: accuracy {accuracy}, loss {loss}.",
                accuracy=f"{done.test_accuracy:.1%}",
                loss=f"{done.test_loss:.3f}",
            )
        )
    return (*lines, Message("Saved in {folder}", folder=str(done.model.parent)))
