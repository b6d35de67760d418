"""Sentences that the window and the command line share: runs, epochs, splits, findings."""

from collections.abc import Mapping

from core.audit.findings import Kind, Severity
from core.config import SplitScheme, TrainingConfig
from core.errors import Message
from core.events import EpochDone, TrainingDone
from core.training.runs import DamagedRun, RunSummary

_STATUSES = {
    "running": Message("Training now"),
    "interrupted": Message("Interrupted"),
    "paused": Message("Paused"),
    "finished": Message("Finished"),
    "stopped": Message("Stopped"),
    "failed": Message("Failed"),
}


def status_words(run: RunSummary | DamagedRun) -> Message:
    """Name the status of a run."""
    if isinstance(run, DamagedRun):
        return Message("Damaged")
    return _STATUSES[run.status]


def status_notes(run: RunSummary | DamagedRun) -> tuple[Message, ...]:
    """Return the remarks on a run beside its status; often none."""
    if isinstance(run, DamagedRun):
        return (run.reason,)
    notes = []
    if run.failure:
        notes.append(Message("Training failed: {reason}", reason=run.failure))
    if run.status == "interrupted":
        notes.append(Message("The program ended while this run was training."))
    if run.can_resume:
        notes.append(Message("Its training can be resumed where it was."))
    elif run.status in ("interrupted", "paused", "stopped", "failed"):
        notes.append(
            Message("It has no checkpoint to resume from. Train again with the same settings.")
        )
    if run.remark is not None:
        notes.append(run.remark)
    return tuple(notes)


def network_words(run: RunSummary) -> str:
    """Return the name of the network, the same in every language."""
    return run.config.architecture.replace("resnet", "ResNet-")


def split_words(scheme: SplitScheme, config: TrainingConfig) -> Message:
    """Name a split with its shares or folds."""
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
    """Sum up an epoch in one line, its parts to be joined without a space."""
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
    """Sum up the result of a run, a line each."""
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


_KINDS: Mapping[Kind, Message] = {
    "class_level": Message("Level of the class folders"),
    "class_spelling": Message("One class in two spellings"),
    "unreadable": Message("Cannot be read"),
    "truncated": Message("Cut short"),
    "not_an_image": Message("Not an image"),
    "wrong_extension": Message("Misnamed format"),
    "labels": Message("Table of labels"),
    "several_frames": Message("Several frames"),
    "blank": Message("Blank"),
    "tiny": Message("Too small"),
    "coloured": Message("Colour or alpha channel"),
    "rotated": Message("Rotated"),
    "inverted": Message("Negative"),
    "exact_duplicate": Message("Exact copies"),
    "near_duplicate": Message("Copies saved anew"),
    "shared_frame": Message("Alike by the dozen"),
    "in_two_classes": Message("One film in two classes"),
    "patient_in_two_classes": Message("One patient in two classes"),
    "patients_unknown": Message("Patients unknown"),
    "leakage": Message("Leakage into the test"),
    "untested_class": Message("Class without test images"),
    "imbalance": Message("Uneven classes"),
    "confounder": Message("Class told without the lungs"),
    "single_source": Message("Class from one source"),
}
_BADGES: Mapping[Kind, Message] = {
    "wrong_extension": Message("Misnamed"),
    "labels": Message("Label"),
    "tiny": Message("Small"),
    "coloured": Message("Colour"),
    "exact_duplicate": Message("Copy"),
    "near_duplicate": Message("Saved anew"),
    "in_two_classes": Message("Two classes"),
    "patient_in_two_classes": Message("Patient twice"),
    "leakage": Message("Leakage"),
    "imbalance": Message("Uneven"),
    "confounder": Message("Giveaway"),
    "single_source": Message("One source"),
}
_SEVERITIES: Mapping[Severity, Message] = {
    "error": Message("Error"),
    "warning": Message("Warning"),
    "note": Message("Note"),
}
_VALUES: Mapping[Kind, Message] = {
    "near_duplicate": Message("Correlation"),
    "shared_frame": Message("Correlation"),
    "in_two_classes": Message("Correlation"),
    "imbalance": Message("Ratio"),
    "confounder": Message("AUROC"),
}


def kind_name(kind: Kind) -> Message:
    """Name a kind of finding."""
    return _KINDS[kind]


def kind_badge(kind: Kind) -> Message:
    """Name a kind of finding so briefly that it fits on a thumbnail."""
    return _BADGES.get(kind, _KINDS[kind])


def severity_name(severity: Severity) -> Message:
    """Name a severity."""
    return _SEVERITIES[severity]


def value_words(kind: Kind) -> Message | None:
    """Name the number of such a finding; None where its sentence says enough."""
    return _VALUES.get(kind)
