"""What a run was made with, in words: the names of its settings and their values."""

import math
from typing import Any

from app.translation import tr
from app.widgets.augmentation_words import change_names, field_names

_AUGMENTATION, _PREPROCESSING = "augmentation.", "preprocessing."


def setting_words(name: str) -> str:
    """A setting of `core.training.run_settings.flat_settings` in the user's language."""
    if name.startswith(_AUGMENTATION):
        return _augmentation_words(name.removeprefix(_AUGMENTATION))
    # One that a newer program adds is called what it is called there.
    return _names().get(name.removeprefix(_PREPROCESSING), name)


def value_words(value: Any) -> str:
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
