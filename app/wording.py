"""What kinds of findings and severities are called: the same in the window and without one."""

import math
from collections.abc import Mapping
from typing import Any

from app.i18n import tr
from core.audit.findings import Kind, Severity
from core.config import AugmentationConfig, Change, SplitScheme, TrainingConfig
from core.errors import Message
from core.events import EpochDone, TrainingDone
from core.training.runs import DamagedRun, RunSummary


def explanations() -> dict[str, str]:
    """A sentence or two for each setting, by its name, in the user's language."""
    return {**_basics(), **_optimiser(), **_ending(), **_start(), **_arithmetic()}


def _basics() -> dict[str, str]:
    return {
        "architecture": tr(
            "How many layers the network has. More can tell finer things apart but need more "
            "films. ResNet-50 takes two to three times as long as ResNet-18, the deeper ones still "
            "more."
        ),
        "epochs": tr(
            "How often the network sees every film. Twice the epochs take twice the time."
        ),
        "batch_size": tr(
            "Films that go through the network together. Larger batches need more memory and "
            "save time on a graphics card, hardly on a processor."
        ),
        "learning_rate": tr(
            "How far a step moves the weights, at its highest. Too high, and the loss jumps; too "
            "low, and it hardly falls. No effect on the time."
        ),
        "image_size": tr(
            "The side of the square that every film is brought to. Twice the side shows finer "
            "detail and takes about four times the time and memory."
        ),
        "class_balance": tr(
            "Weighted loss: a film of a rare class counts more. Balanced sampling: it is shown "
            "more often. Both keep the network from betting on the common class. No effect on "
            "the time."
        ),
        "split": tr(
            "Which films train the network, which choose its best epoch and which test it; the "
            "shares are set on the Data page. Fewer films to train on take less time."
        ),
        "seed": tr(
            "Decides all that is random: the split, the first weights, the order of the films. "
            "The same seed gives the same run again. No effect on the time."
        ),
        "device": tr(
            "What computes. Automatic takes a graphics card where there is one: it is many times "
            "faster than the processor."
        ),
    }


def _optimiser() -> dict[str, str]:
    return {
        "optimiser": tr(
            "How steps are made. AdamW is a safe choice; SGD needs more epochs and a well chosen "
            "rate. Each brings the learning rate and weight decay that are usual with it. Hardly "
            "any effect on the time of an epoch."
        ),
        "momentum": tr(
            "The share of its last step that SGD keeps in the next one; 0.9 is usual. No effect "
            "on the time."
        ),
        "schedule": tr(
            "How the learning rate changes. One cycle: up for the first third of the run, then "
            "down to nearly nothing. Cosine: up during the warm-up, then down. Natural "
            "exponential: a little more than half after each epoch. No effect on the time."
        ),
        "warmup_epochs": tr(
            "Epochs in which the rate rises, so that the first steps lead nowhere wild; at most "
            "half of the run. No effect on the time."
        ),
        "weight_decay": tr(
            "Pulls the weights towards zero, so that films are not learned by heart. Adam has "
            "none. No effect on the time."
        ),
        "label_smoothing": tr(
            "How much of full certainty is not asked for, so that the network is less sure where "
            "it is wrong; 0.1 is usual. No effect on the time."
        ),
    }


def _ending() -> dict[str, str]:
    return {
        "early_stopping_patience": tr(
            "Ends the run once the validation has not become better for so many epochs, which "
            "can save much time. It needs films to validate on."
        ),
        "averaging": tr(
            "Validates, keeps and tests an average over the last steps, often a little better "
            "than the last weights: 0.98 remembers about 50 steps, 0.999 about 1000. Hardly any "
            "effect on the time."
        ),
        "is_keeping_thumbnails": tr(
            "Small pictures of the training films (64 pixels) travel in the model file, so that "
            "whoever reads films with it sees the nearest ones. Off: only their classes are told. "
            "Ask whose films they are before you hand them on. No effect on the time."
        ),
    }


def _start() -> dict[str, str]:
    return {
        "initial_weights": tr(
            "Weights that know edges and shapes already need fewer films and epochs than weights "
            "at random. An epoch takes as long. Published weights were learned from ImageNet's "
            "photographs; they are fetched once, 45 to 242 MB."
        ),
        "is_backbone_frozen": tr(
            "Only the last layer learns, the others stay as they came. An epoch takes less than "
            "half the time, but the network cannot get used to X-rays."
        ),
    }


def _arithmetic() -> dict[str, str]:
    return {
        "precision": tr(
            "Mixed computes with fewer digits where the graphics card is made for it: faster, "
            "with less memory. Automatic does so too, but not with the reference preset. A "
            "processor always computes with all digits, float32."
        ),
        "is_norm_warmed_up": tr(
            "The norms take their mean and spread from the first films instead of from a guess, "
            "so that the first epochs already validate sensibly. No effect on the time."
        ),
    }


def status_words(run: RunSummary | DamagedRun) -> Message:
    """How a run stands, in a word or two."""
    if isinstance(run, DamagedRun):
        return Message("Damaged")
    match run.status:
        case "running":
            return Message("Training now")
        case "interrupted":
            return Message("Interrupted")
        case "paused":
            return Message("Paused")
        case "finished":
            return Message("Finished")
        case "stopped":
            return Message("Stopped")
        case "failed":
            return Message("Failed")


def status_notes(run: RunSummary | DamagedRun) -> tuple[Message, ...]:
    """What is to be said of a run beyond its status; often nothing."""
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
    """The name of the network, the same in every language."""
    return run.config.architecture.replace("resnet", "ResNet-")


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


def change_names() -> dict[Change, str]:
    """The seven changes in the user's language."""
    return {
        "brightness": tr("Brightness"),
        "contrast": tr("Contrast"),
        "saturation": tr("Saturation"),
        "sharpness": tr("Sharpness"),
        "flip": tr("Left-right flip"),
        "rotation": tr("Rotation"),
        "noise": tr("Noise"),
    }


def field_names() -> dict[str, str]:
    """The numbers of an `AugmentationConfig`, by their names there."""
    return {
        "probability": tr("Chance of each change"),
        "brightness_low": tr("Least brightness"),
        "brightness_high": tr("Greatest brightness"),
        "contrast_low": tr("Least contrast"),
        "contrast_high": tr("Greatest contrast"),
        "saturation_low": tr("Least saturation"),
        "saturation_high": tr("Greatest saturation"),
        "sharpness_low": tr("Least sharpness"),
        "sharpness_high": tr("Greatest sharpness"),
        "flip_probability": tr("Chance of a flip"),
        "rotation_degrees": tr("Rotation in degrees"),
        "noise_sigma_max": tr("Strongest noise"),
    }


def change_notes(config: AugmentationConfig) -> dict[Change, str]:
    """What each change does, and why one may or may not want it."""
    mirrored = config.probability * config.flip_probability if config.is_flip_on else 0.0
    return {
        "brightness": tr(
            "Darkens or lightens the whole film. Exposure differs from machine to machine, so "
            "the network should not lean on it."
        ),
        "contrast": tr(
            "Weakens or strengthens the differences of grey, as other film processing would. "
            "Strong changes can hide faint shadows."
        ),
        "saturation": tr(
            "Weakens or strengthens colours. X-rays are grey: on grey films it has no effect."
        ),
        "sharpness": tr(
            "Blurs or sharpens edges. Detectors differ in it, but a strong blur wipes out fine "
            "lines and small nodules."
        ),
        "flip": tr(
            "Exchanges left and right, which moves the heart to the other side; real patients "
            "hardly ever look like that. Switch it off where the side matters. With these "
            "chances {share} of the films are mirrored.",
            share=f"{mirrored:.0%}",
        ),
        "rotation": tr(
            "Turns the film about its centre; the corners become black. Patients stand a "
            "little askew, but a chest film is never far from upright."
        ),
        "noise": tr(
            "Adds grain up to this strength, as a low dose does. Too much of it hides the "
            "fine texture of the lungs."
        ),
    }


_AUGMENTATION, _PREPROCESSING = "augmentation.", "preprocessing."


def setting_words(name: str) -> str:
    """A setting of `core.training.runs.flat_settings` in the user's language."""
    if name.startswith(_AUGMENTATION):
        return _augmentation_words(name.removeprefix(_AUGMENTATION))
    # One that a newer program adds is called what it is called there.
    return _names().get(name.removeprefix(_PREPROCESSING), name)


def setting_value_words(value: Any) -> str:
    """The value of a setting, as short as it can be."""
    match value:
        case True:
            return tr("on")
        case False:
            return tr("off")
        case float() if math.isfinite(value):
            return f"{value:.6g}"
        case str():
            return _values().get(value, value) or "–"
        case _:
            return str(value)


def _augmentation_words(name: str) -> str:
    changes: dict[str, str] = {f"is_{key}_on": text for key, text in change_names().items()}
    words = {**changes, **field_names(), "is_noise_per_channel": tr("Noise in each channel")}
    return words.get(name, name)


def _names() -> dict[str, str]:
    return {
        "dataset": tr("Dataset"),
        "n_films": tr("Films"),
        "n_classes": tr("Classes"),
        "device": tr("Device"),
        "preset": tr("Preset"),
        "architecture": tr("Network"),
        "epochs": tr("Epochs"),
        "extra_epochs": tr("Extra epochs"),
        "batch_size": tr("Batch size"),
        "learning_rate": tr("Learning rate"),
        "optimiser": tr("Optimiser"),
        "momentum": tr("Momentum"),
        "schedule": tr("Learning rate schedule"),
        "warmup_epochs": tr("Epochs of warm-up"),
        "weight_decay": tr("Weight decay"),
        "label_smoothing": tr("Label smoothing"),
        "class_balance": tr("Class balance"),
        "averaging": tr("Averaging of weights"),
        "early_stopping_patience": tr("Patience of early stopping"),
        "precision": tr("Precision"),
        "initial_weights": tr("Initial weights"),
        "is_backbone_frozen": tr("Frozen backbone"),
        "is_norm_warmed_up": tr("Norm warm-up"),
        "is_keeping_thumbnails": tr("Pictures in the model file"),
        "split": tr("Split"),
        "validation_share": tr("Validation share"),
        "test_share": tr("Test share"),
        "n_folds": tr("Number of folds"),
        "fold": tr("Fold that is the test"),
        "seed": tr("Seed"),
        "image_size": tr("Image size"),
        "mean": tr("Mean grey level"),
        "std": tr("Spread of grey levels"),
    }


def _values() -> dict[str, str]:
    names = {f"resnet{depth}": f"ResNet-{depth}" for depth in (18, 34, 50, 101, 152)}
    return {
        **names,
        "recommended": tr("Recommended"),
        "reference": tr("Reference (notebook)"),
        "adam": "Adam",
        "adamw": "AdamW",
        "sgd": "SGD",
        "natural_exponential": tr("Natural exponential"),
        "one_cycle": tr("One cycle"),
        "cosine": tr("Cosine with warm-up"),
        "none": tr("None"),
        "weights": tr("Weighted loss"),
        "sampling": tr("Balanced sampling"),
        "auto": tr("Automatic"),
        "mixed": tr("Mixed"),
        "stratified": tr("By patient"),
        "given": tr("As the folders are divided"),
        "kfold": tr("Folds by patient"),
        "cpu": "CPU",
    }


_KINDS: Mapping[Kind, Message] = {
    "unreadable": Message("Cannot be read"),
    "truncated": Message("Cut short"),
    "not_an_image": Message("Not an image"),
    "wrong_extension": Message("Misnamed format"),
    "blank": Message("Blank"),
    "tiny": Message("Too small"),
    "coloured": Message("Colour or alpha channel"),
    "rotated": Message("Rotated"),
    "inverted": Message("Negative"),
    "exact_duplicate": Message("Exact copies"),
    "near_duplicate": Message("Copies saved anew"),
    "in_two_classes": Message("One film in two classes"),
    "patient_in_two_classes": Message("One patient in two classes"),
    "leakage": Message("Leakage into the test"),
    "imbalance": Message("Uneven classes"),
    "confounder": Message("Class told without the lungs"),
}
_BADGES: Mapping[Kind, Message] = {
    "wrong_extension": Message("Misnamed"),
    "tiny": Message("Small"),
    "coloured": Message("Colour"),
    "exact_duplicate": Message("Copy"),
    "near_duplicate": Message("Saved anew"),
    "in_two_classes": Message("Two classes"),
    "patient_in_two_classes": Message("Patient twice"),
    "leakage": Message("Leakage"),
    "imbalance": Message("Uneven"),
    "confounder": Message("Giveaway"),
}
_SEVERITIES: Mapping[Severity, Message] = {
    "error": Message("Error"),
    "warning": Message("Warning"),
    "note": Message("Note"),
}
_VALUES: Mapping[Kind, Message] = {
    "near_duplicate": Message("Correlation"),
    "in_two_classes": Message("Correlation"),
    "imbalance": Message("Ratio"),
    "confounder": Message("AUROC"),
}


def kind_name(kind: Kind) -> Message:
    """A kind of finding in a few words."""
    return _KINDS[kind]


def kind_badge(kind: Kind) -> Message:
    """A kind of finding in a word or two that fit on a thumbnail."""
    return _BADGES.get(kind, _KINDS[kind])


def severity_name(severity: Severity) -> Message:
    """How bad it is, in a word."""
    return _SEVERITIES[severity]


def value_words(kind: Kind) -> Message | None:
    """What the number of a finding of this kind is; None where its sentence says enough."""
    return _VALUES.get(kind)
