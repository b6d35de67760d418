"""What a run is made with: checked values that are saved with it and read back."""

from core.config.augmentation import AugmentationConfig
from core.config.checks import build
from core.config.training import (
    ARCHITECTURES,
    CLASS_BALANCES,
    N_CLASSES_RANGE,
    N_FOLDS_RANGE,
    PRESETS,
    SPLITS,
    Architecture,
    ClassBalance,
    Optimiser,
    Preprocessing,
    PresetName,
    Schedule,
    SplitScheme,
    TrainingConfig,
    preset,
)

__all__ = [
    "ARCHITECTURES",
    "CLASS_BALANCES",
    "N_CLASSES_RANGE",
    "N_FOLDS_RANGE",
    "PRESETS",
    "SPLITS",
    "Architecture",
    "AugmentationConfig",
    "ClassBalance",
    "Optimiser",
    "Preprocessing",
    "PresetName",
    "Schedule",
    "SplitScheme",
    "TrainingConfig",
    "build",
    "preset",
]
