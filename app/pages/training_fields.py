"""The field of every setting of a run, in the groups in which they are shown."""

from app.pages.setting_words import value_words
from app.training_words import split_words
from app.translation import say, tr
from app.viewmodels.training import TrainingViewModel
from app.widgets.setting_fields import ChoiceField, FlagField, NumberField, SettingField
from core.config import ARCHITECTURES, CLASS_BALANCES, OPTIMISERS, PRECISIONS, SCHEDULES, SPLITS

AVERAGINGS = (0.0, 0.9, 0.98, 0.99, 0.999, 0.9999)

Fields = dict[str, SettingField]


def basics(model: TrainingViewModel) -> Fields:
    """What most people change.

    Args:
        model: Knows the shares and folds that the names of the splits tell.
    """
    return {
        "architecture": ChoiceField(ARCHITECTURES, value_words),
        "epochs": NumberField(1, 1000),
        "batch_size": NumberField(1, 1024),
        "learning_rate": NumberField(1e-6, 10.0, step=0, decimals=6),
        "image_size": NumberField(32, 1024, step=32, unit=" px"),
        "class_balance": ChoiceField(CLASS_BALANCES, value_words),
        "split": ChoiceField(SPLITS, lambda scheme: say(split_words(scheme, model.config))),
        "seed": NumberField(0, 2**31 - 1),
    }


def optimiser() -> Fields:
    """How a step is made."""
    return {
        "optimiser": ChoiceField(OPTIMISERS, value_words),
        "momentum": NumberField(0.0, 0.999, step=0.05, decimals=3),
        "schedule": ChoiceField(SCHEDULES, value_words),
        "warmup_epochs": NumberField(0.0, 100.0, step=0.5, decimals=1),
        "weight_decay": NumberField(0.0, 1.0, step=0, decimals=6),
        "label_smoothing": NumberField(0.0, 0.5, step=0.05, decimals=3),
    }


def ending() -> Fields:
    """When the run ends, and what is kept of it."""
    return {
        "early_stopping_patience": _Patience(0, 1000),
        "averaging": ChoiceField(AVERAGINGS, _averaging_words),
        "is_keeping_thumbnails": FlagField(value_words),
    }


def arithmetic() -> Fields:
    """What numbers the network is computed with."""
    return {
        "precision": ChoiceField(PRECISIONS, value_words),
        "is_norm_warmed_up": FlagField(value_words),
    }


class _Patience(NumberField):
    """Epochs, of which none means that the run is never ended early."""

    def show_words(self, name: str, explanation: str, about: str) -> None:
        self.name_least(tr("off"))
        super().show_words(name, explanation, about)


def _averaging_words(decay: float) -> str:
    return value_words(decay or False)
