"""One setting of a run by its name: read it, change it, see whether anything looks at it."""

import dataclasses
from typing import Any

from core.config import TrainingConfig, usual_rates

IMAGE_SIZE = "image_size"  # the only one that is offered from within another


def setting(config: TrainingConfig, name: str) -> Any:
    """The value of a setting."""
    return getattr(config.preprocessing if name == IMAGE_SIZE else config, name)


def with_setting(config: TrainingConfig, name: str, value: Any) -> TrainingConfig:
    """The settings with one changed; an optimiser brings its usual rate and weight decay.

    Raises:
        ConfigError: The value is out of its range.
    """
    if name == IMAGE_SIZE:
        changed = dataclasses.replace(config.preprocessing, image_size=value)
        return dataclasses.replace(config, preprocessing=changed)
    changes = {name: value}
    if name == "optimiser":
        # AdamW's weight decay would shrink the weights of SGD to nothing.
        changes["learning_rate"], changes["weight_decay"] = usual_rates(value)
    return dataclasses.replace(config, **changes)


def unused_settings(config: TrainingConfig) -> frozenset[str]:
    """The names of those that change nothing, the others being as they are."""
    has_validation = config.split != "reference" and not (
        config.split == "stratified" and config.validation_share == 0.0
    )
    rules = {
        "momentum": config.optimiser != "sgd",
        "weight_decay": config.optimiser == "adam",
        "warmup_epochs": config.schedule != "cosine",
        "early_stopping_patience": not has_validation,
        # A frozen backbone keeps the statistics that it came with.
        "is_norm_warmed_up": config.is_backbone_frozen,
        # What is frozen at random must still be possible to thaw.
        "is_backbone_frozen": not (config.initial_weights or config.is_backbone_frozen),
    }
    return frozenset(name for name, is_unused in rules.items() if is_unused)
